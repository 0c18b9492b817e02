/** Suggestions: the near word is found, a far one is not offered. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearest } from '#domain/nearest.ts';

const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c', 'd') });

describe('the nearest word', () => {
  test.each([
    ['read:markets', 'read:market'],
    ['wirte:orders', 'write:orders'],
    ['READ_ACCOUNT', 'read:account'],
    ['admin', null],
    ['', null],
    ['x'.repeat(10_000), null],
  ])('to %j is %j', (given, meant) => {
    expect(nearest(given, ['read:market', 'read:account', 'write:orders'])).toBe(meant);
  });

  test('is the word itself when it is among them', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{3,12}$/), { minLength: 1 }), (words) => {
        for (const one of words) expect(nearest(one, words)).toBe(one);
      }),
    );
  });
});

describe('the edit distance', () => {
  test.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
  ])('from %j to %j is %i', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
  });

  test('is the same both ways, zero only for the same word, and at most the longer length', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});
