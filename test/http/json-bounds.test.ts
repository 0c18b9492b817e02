/** How deep and how long a JSON text is, told from the text alone. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exceedsBounds } from '#http/json-bounds.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
function commasOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  return inner.map(commasOf).reduce((sum, commas) => sum + commas, Math.max(0, inner.length - 1));
}
const deeper = (text: string, depthMax: number): boolean =>
  exceedsBounds(text, { depthMax, commasMax: 10_000 });
const longer = (text: string, commasMax: number): boolean =>
  exceedsBounds(text, { depthMax: 100, commasMax });

describe('a text', () => {
  test('is as deep and as long as what it says', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(8), (value, max) => {
        const text = JSON.stringify(value);
        expect(deeper(text, max)).toBe(depthOf(JSON.parse(text)) > max);
        expect(longer(text, max)).toBe(commasOf(JSON.parse(text)) > max);
      }),
    );
  });
  test('is neither by what stands in its strings', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[[{"\\\]},]*$/), (text) => {
        const quoted = JSON.stringify([text, { [text]: text }]);
        expect([deeper(quoted, 2), longer(quoted, 1)]).toEqual([false, false]);
      }),
    );
  });
  test('at a bound passes, one over it does not', () => {
    expect(deeper(`${'['.repeat(64)}${']'.repeat(64)}`, 64)).toBe(false);
    expect(deeper(`${'['.repeat(65)}${']'.repeat(65)}`, 64)).toBe(true);
    expect(deeper('[{"a":[1]},[[]]]', 3)).toBe(false);
    expect(deeper('[{"a":[{}]}]', 3)).toBe(true);
    expect(longer('[1,{"a":1,"b":[2,3]}]', 3)).toBe(false);
    expect(longer('[1,{"a":1,"b":[2,3]}]', 2)).toBe(true);
  });
  test('that is no JSON is looked through all the same', () => {
    for (const text of ['"', '"\\', ']]]]', '"\\"', '', '",,"'])
      expect(exceedsBounds(text, { depthMax: 0, commasMax: 0 })).toBe(false);
    expect(deeper(`"\\\\"[`, 0)).toBe(true);
  });
});
