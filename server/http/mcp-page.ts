/** Pages of the lists of MCP: the cursor is opaque to clients, and one that no page handed out is refused. */
import { err, ok, type Result } from '#domain/result.ts';

export interface ListPage<T> {
  readonly items: readonly T[];
  /** To be spread into the result: the last page has no cursor. */
  readonly next: { readonly nextCursor?: string };
}

/** `keyOf` is unique within the list and stays with its item, so that a list that grew meanwhile goes on where it was. */
export function pageOf<T>(
  items: readonly T[],
  cursor: string | undefined,
  how: { readonly keyOf: (item: T) => string; readonly max: number },
): Result<ListPage<T>, string> {
  let start = 0;
  if (cursor !== undefined) {
    const last = Buffer.from(cursor, 'base64url').toString('utf8');
    start = items.findIndex((item) => how.keyOf(item) === last) + 1;
    if (start === 0) return err('The cursor is not one that this list handed out; start again without one.');
  }
  const page = items.slice(start, start + how.max);
  const last = page.at(-1);
  const more = start + how.max < items.length && last !== undefined;
  return ok({
    items: page,
    next: more ? { nextCursor: Buffer.from(how.keyOf(last)).toString('base64url') } : {},
  });
}
