/** Results are plain values, and what can not be reached says where it was. */
import { expect, test } from 'vitest';
import { err, ok, type Result, unreachable } from '#domain/result.ts';

test('a result is either a value or the error', () => {
  const results: Result<number, string>[] = [ok(1), err('no')];
  expect(results).toEqual([
    { ok: true, value: 1 },
    { ok: false, error: 'no' },
  ]);
});

test('reaching the unreachable throws with what was found there', () => {
  // @ts-expect-error: the types say so first
  expect(() => unreachable({ kind: 'surprise' })).toThrow('unreachable: {"kind":"surprise"}');
});
