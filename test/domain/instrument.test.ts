/** Instruments: built from strings, refused when a step or a symbol is wrong, exact on tick and lot. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { price, quantity, text } from '#domain/decimal.ts';
import { defineInstrument, isOnLot, isOnTick, SYMBOL_PATTERN } from '#domain/instrument.ts';
import { INSTRUMENT_NAME_LENGTH_MAX } from '#limits.ts';

const SPY = {
  id: 'ARCX:SPY',
  symbol: 'SPY',
  name: 'SPDR S&P 500 ETF',
  assetClass: 'equity',
  currency: 'USD',
  tick: '0.01',
  lot: '1',
  calendar: 'us_equity',
  timezone: 'America/New_York',
} as const;

describe('an instrument', () => {
  test('has a multiplier of one, no aliases and no minimum unless it says so', () => {
    const built = defineInstrument(SPY);
    expect([text(built.tick), text(built.lot), text(built.multiplier)]).toEqual(['0.01', '1', '1']);
    expect(built).toMatchObject({ id: 'ARCX:SPY', tradable: 'everywhere', aliases: [] });
    expect('minNotional' in built).toBe(false);
    expect(text(defineInstrument({ ...SPY, minNotional: '10' }).minNotional ?? price('0'))).toBe('10');
  });

  test.each([
    { tick: '0' },
    { tick: '-0.01' },
    { lot: '0' },
    { multiplier: '0' },
    { tick: '1e-2' },
    { symbol: '' },
    { symbol: 'x'.repeat(41) },
    { symbol: 'SP\nY' },
    { symbol: 'ŚPY' },
  ])('is not built with %j', (wrong) => {
    expect(() => defineInstrument({ ...SPY, ...wrong })).toThrow(RangeError);
  });

  test('takes of what a broker calls it no more than fits a line, and nothing that steers who reads it', () => {
    const hostile = `A\u202eSX\u001b[31m\u0000 <b>${'😀'.repeat(100_000)}`;
    const built = defineInstrument({
      ...SPY,
      name: hostile,
      aliases: [hostile],
      contract: { underlying: hostile },
    });
    for (const words of [built.name, built.contract?.underlying, built.aliases[0]]) {
      expect(words).toMatch(/^ASX <b>😀+$/u);
      expect(words?.length).toBeLessThanOrEqual(INSTRUMENT_NAME_LENGTH_MAX);
    }
  });

  test('knows a price on its tick and a quantity on its lot, to the last digit', () => {
    const built = defineInstrument({ ...SPY, tick: '0.05', lot: '0.001' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (cents) => {
        const at = price(`${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`);
        expect(isOnTick(at, built)).toBe(cents % 5 === 0);
      }),
    );
    expect(isOnLot(quantity('1.001'), built)).toBe(true);
    expect(isOnLot(quantity('1.0005'), built)).toBe(false);
    expect(isOnTick(price('0.050000000000000001'), built)).toBe(false);
  });
});

test('a symbol is ASCII that is safe on every wire', () => {
  for (const symbol of ['SPX', 'BTC/USD', 'BRK.B', 'ES=F'.replace('=', '-'), 'NSE:YESBANK', 'A B']) {
    expect(SYMBOL_PATTERN.test(symbol)).toBe(true);
  }
  for (const symbol of ['', '*', 'a\u202eb', 'BTC\\USD', "A'", 'A"', 'A;', 'é', 'A\n']) {
    expect(SYMBOL_PATTERN.test(symbol)).toBe(false);
  }
});
