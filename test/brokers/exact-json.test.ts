/** JSON of brokers: every number as it was written, and nothing that is too deep, too long or no JSON at all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExact } from '#brokers/exact-json.ts';
import { isDecimalText, price, text } from '#domain/decimal.ts';
import { JSON_DEPTH_MAX } from '#limits.ts';

const parsed = (json: string) => parseExact(json);

describe('numbers', () => {
  it.each([
    ['9007199254740993', '9007199254740993'],
    ['123456789012345678901234', '123456789012345678901234'],
    ['0.012345678', '0.012345678'],
    ['1.50', '1.50'],
    ['0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'],
    ['1e-7', '0.0000001'],
    ['1.25E+3', '1250'],
    ['12345e-3', '12.345'],
    ['-2.5e-1', '-0.25'],
    ['0e5', '0'],
    ['-0', '0'],
    ['-0.0', '0.0'],
    ['-0e-3', '0'],
  ])('%s is %s', (written, told) => {
    expect(parsed(`[${written}]`)).toEqual({ ok: true, value: [told] });
  });

  it('stay as they were written where no decimal could hold them, so that the edge refuses them', () => {
    for (const huge of ['1e400', '1e-400', '-7e999']) {
      expect(parsed(`[${huge}]`)).toEqual({ ok: true, value: [huge] });
      expect(isDecimalText(huge)).toBe(false);
    }
  });

  it('are the same as strings that say them, wherever they stand', () => {
    expect(parsed('{"a":{"b":[1,"2",true,null]},"c":3.0}')).toEqual({
      ok: true,
      value: { a: { b: ['1', '2', true, null] }, c: '3.0' },
    });
  });

  it('keep their value, whichever way they are written', () => {
    const parts = fc.tuple(
      fc.boolean(),
      fc.bigInt(0n, 10n ** 12n),
      fc.nat(9),
      fc.integer({ min: -6, max: 6 }),
    );
    fc.assert(
      fc.property(parts, ([negative, digits, places, exponent]) => {
        const whole = digits.toString().padStart(places + 1, '0');
        const cut = whole.length - places;
        const mantissa = places === 0 ? whole : `${whole.slice(0, cut)}.${whole.slice(cut)}`;
        const source = `${negative ? '-' : ''}${mantissa}e${exponent}`;
        const told = parsed(source);
        if (!told.ok || typeof told.value !== 'string') throw new Error(`no string from ${source}`);
        expect(isDecimalText(told.value), source).toBe(true);
        const scaled = price(`${negative && digits > 0n ? '-' : ''}${digits}`).times('1');
        const by = exponent - places;
        const expected =
          by >= 0 ? scaled.times(`1${'0'.repeat(by)}`) : scaled.times(`0.${'0'.repeat(-by - 1)}1`);
        expect(text(price(told.value)), source).toBe(expected.toFixed());
      }),
    );
  });
});

describe('what is no answer', () => {
  it.each([
    '',
    '{',
    '[1,]',
    '01',
    '+1',
    '1.',
    'NaN',
    'Infinity',
    '<html>',
    '{"a":1}{"b":2}',
    '"\u0001"',
    "{'a':1}",
  ])('%j is not JSON, and nothing of it is told', (json) => {
    expect(parsed(json)).toEqual({ ok: false, error: 'The answer is not JSON.' });
  });

  it('is refused for its depth before anything is made of it', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(parsed(nested(JSON_DEPTH_MAX)).ok).toBe(true);
    const deep = { ok: false, error: 'The answer is nested deeper than an answer may be.' };
    expect(parsed(nested(JSON_DEPTH_MAX + 1))).toEqual(deep);
    expect(parsed(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`)).toEqual(deep);
  });

  it('does not take brackets in strings for depth, nor lose count after a quote that is escaped', () => {
    const inside = JSON.stringify(`${'['.repeat(500)}\\"\\\\`);
    expect(parsed(`[${inside},${inside}]`).ok).toBe(true);
    expect(parsed(`["\\\\",${'['.repeat(80)}${']'.repeat(80)}]`).ok).toBe(false);
  });

  it('is refused for its length, the bound being the caller’s', () => {
    expect(parseExact('[1,2,3]', { lengthMax: 6 })).toEqual({
      ok: false,
      error: 'The answer is longer than an answer may be.',
    });
    expect(parseExact('[1,2,3]', { lengthMax: 7 }).ok).toBe(true);
  });

  it('sets no prototype', () => {
    const told = parsed('{"__proto__":{"admin":true},"a":1}');
    if (!told.ok || told.value === null || typeof told.value !== 'object') throw new Error('no object');
    expect('admin' in told.value).toBe(false);
    expect('admin' in {}).toBe(false);
  });
});
