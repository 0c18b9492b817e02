/** Pages of lists: every entry once, whatever the page's size, and no cursor but our own. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageOf } from '#http/mcp-page.ts';

const keyOf = (item: string): string => item;
function walk(items: readonly string[], max: number): readonly string[] {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = pageOf(items, cursor, { keyOf, max });
    if (!page.ok) throw new Error(page.error);
    expect(page.value.items.length).toBeLessThanOrEqual(max);
    seen.push(...page.value.items);
    cursor = page.value.next.nextCursor;
  } while (cursor !== undefined);
  return seen;
}

test('show every entry once, in order, and the last page has no cursor', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 10 }),
      (items, max) => {
        expect(walk(items, max)).toEqual(items);
      },
    ),
  );
});
test('go on behind the entry they ended with, when others have come meanwhile', () => {
  const first = pageOf(['a', 'b', 'c'], undefined, { keyOf, max: 2 });
  if (!first.ok) throw new Error(first.error);
  const { nextCursor } = first.value.next;
  expect(nextCursor).not.toContain('b');
  expect(pageOf(['0', 'a', 'b', 'c', 'd'], nextCursor, { keyOf, max: 2 })).toMatchObject({
    value: { items: ['c', 'd'], next: {} },
  });
});
test('refuse a cursor that no page handed out', () => {
  for (const cursor of ['', 'b', 'Yg', '%%%', 'x'.repeat(10_000)]) {
    const page = pageOf(['a', 'c'], cursor, { keyOf, max: 2 });
    expect(page, cursor).toMatchObject({ ok: false });
    if (!page.ok) expect(page.error.length).toBeLessThan(200);
  }
});
