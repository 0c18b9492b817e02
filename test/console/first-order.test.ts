// The guided order: one far above the mandate, one far below it, whatever the price, the lot and the limits are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curlFitting, firstOrder, wordsFitting, wordsTooMuch } from '#console/first-order.ts';
import { compare, isMultipleOf, money, price, quantity, ratio, scale, value } from '#domain/decimal.ts';
import { BUILT_IN } from '#market/master.ts';

const instrumentOf = (symbol: string) => {
  const found = BUILT_IN.find((one) => one.symbol === symbol);
  if (!found) throw new Error(`there is no ${symbol}`);
  return found;
};
const limits = (max_order_value: string, max_order_qty = '100000') => ({ max_order_value, max_order_qty });

describe('the two orders', () => {
  it.each([
    ['SPX', '1454.35', '25000', '35', '1'],
    ['SPX', '3386.15', '25000', '15', '1'],
    ['BTC/USD', '60000', '25000', '0.83333334', '0.04166666'],
    ['YESBANK', '20', '10000', '1000', '50'],
  ])('%s at %s under %s: too much is %s, and %s fits', (symbol, at, most, tooMuch, fits) => {
    expect(firstOrder(instrumentOf(symbol), price(at), limits(most))).toEqual({ symbol, tooMuch, fits });
  });

  it('says that nothing fits where not even one lot does', () => {
    const spx = instrumentOf('SPX');
    expect(firstOrder(spx, price('2500'), limits('2000')).fits).toBeNull();
    expect(firstOrder(spx, price('1400'), limits('2000', '0')).fits).toBeNull();
    expect(firstOrder(spx, price('1400'), limits('0')).fits).toBeNull();
  });

  it('is refused and allowed with room to spare, in whole lots', () => {
    const decimal = (max: number, places: number) =>
      fc.integer({ min: 1, max }).map((n) => (n / 10 ** places).toFixed(places));
    fc.assert(
      fc.property(
        fc.constantFrom(...BUILT_IN),
        decimal(10_000_000, 2),
        decimal(100_000_000, 2),
        (instrument, at, most) => {
          const { tooMuch, fits } = firstOrder(instrument, price(at), limits(most));
          const worth = (qty: string) => value(price(at), quantity(qty), instrument.multiplier);
          expect(compare(worth(tooMuch), scale(money(most), ratio('2')))).toBeGreaterThanOrEqual(0);
          expect(isMultipleOf(quantity(tooMuch), instrument.lot)).toBe(true);
          if (fits === null) return;
          expect(compare(worth(fits), money(most))).toBeLessThanOrEqual(0);
          expect(isMultipleOf(quantity(fits), instrument.lot)).toBe(true);
        },
      ),
    );
  });
});

it('is said in the words of a person, and as calls that carry the token on', () => {
  const order = { symbol: 'SPX', tooMuch: '35', fits: '1' };
  expect(wordsTooMuch(order)).toBe('Buy 35 units of SPX at the market. Show me the preview first.');
  expect(wordsFitting('SPX', '1')).toContain('Buy 1 unit of SPX');
  const commands = curlFitting('http://127.0.0.1:7800', 'BTC/USD', '0.5');
  expect(commands).toContain(`"dry_run":false,"action_token":"'"$TOKEN"'"`);
  expect(commands).not.toContain('pcl_');
});
