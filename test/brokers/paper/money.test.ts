/** Rules 22 and 24: buying power, the ledger, fees. */
import { afterEach, describe, expect, test } from 'vitest';
import { feeOf } from '#brokers/paper/fees.ts';
import { price, quantity } from '#domain/decimal.ts';
import { BUILT_IN } from '#market/master.ts';
import { ABC, paperVenue, type TestVenue, type VenueWords } from '../../support/paper-venue.ts';

const open: TestVenue[] = [];
function venue(words?: VenueWords): TestVenue {
  const made = paperVenue(words);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const power = async (v: TestVenue) => (await v.adapter.balance()).buyingPower.toFixed();

describe('rule 22: open orders reserve buying power', () => {
  for (const accountType of ['cash', 'margin'] as const) {
    test(`$10k, an open order of $7k, a new one of $8k is rejected; released on cancel (${accountType})`, async () => {
      const v = venue({ cash: '10000', accountType });
      v.step({ bid: '100', ask: '100.01' });
      expect(await v.place({ id: 'a', side: 'buy', qty: '70', limit: '100' })).toBe('accepted');
      expect(await power(v)).toBe('3000');
      expect(await v.place({ id: 'b', side: 'buy', qty: '80', limit: '100' })).toMatch(
        /^rejected: buying power: the order needs 8000, 3000 is left/,
      );
      expect(await v.cancel('a')).toBe('accepted');
      expect(await power(v)).toBe('10000');
      expect(await v.place({ id: 'c', side: 'buy', qty: '80', limit: '100' })).toBe('accepted');
    });
  }

  test('to the cent: exactly what is left is accepted, one tick more is not', async () => {
    const v = venue({ cash: '10000' });
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 'a', side: 'buy', qty: '70', limit: '100' });
    expect(await v.place({ id: 'b', side: 'buy', qty: '30', limit: '100.01' })).toMatch(/^rejected/);
    expect(await v.place({ id: 'c', side: 'buy', qty: '30', limit: '100' })).toBe('accepted');
  });

  test('what closes a position reserves nothing, what would flip it does', async () => {
    const v = venue({ cash: '10000' });
    v.step({ bid: '100', ask: '100' });
    await v.place({ id: 'a', side: 'buy', qty: '100' });
    v.step({ bid: '100', ask: '100' });
    expect(await power(v)).toBe('0');
    expect(await v.place({ id: 'b', side: 'sell', qty: '100', limit: '110' })).toBe('accepted');
    expect(await power(v)).toBe('0');
    expect(await v.place({ id: 'c', side: 'sell', qty: '1', limit: '110' })).toMatch(
      /^rejected: buying power/,
    );
  });

  test('a replace is measured without what it replaces', async () => {
    const v = venue({ cash: '10000' });
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 'a', side: 'buy', qty: '70', limit: '100' });
    expect(await v.replace({ id: 'a', side: 'buy', qty: '100', limit: '100' })).toBe('accepted');
    expect(await v.replace({ id: 'a', side: 'buy', qty: '101', limit: '100' })).toMatch(
      /^rejected: buying power/,
    );
    expect(await power(v)).toBe('0');
  });

  test('an order whose price nobody knows yet is rejected', async () => {
    const v = venue();
    expect(await v.place({ id: 'a', side: 'buy', qty: '1' })).toMatch(/no price yet/);
    expect(await v.place({ id: 'b', side: 'buy', qty: '1', limit: '100' })).toBe('accepted');
  });

  test('a price that ran away buys what the account can pay, and no more', async () => {
    const v = venue({ cash: '10000', accountType: 'cash' });
    v.step({ bid: '100', ask: '100' });
    await v.place({ id: 'a', side: 'buy', qty: '100' });
    expect(v.step({ bid: '103', ask: '103' })).toEqual(['buy 97@103']);
    expect(await v.status('a')).toBe('canceled 97/100');
    expect(await v.reason('a')).toMatch(/buying power/);
    expect((await v.adapter.balance()).cash.toFixed()).toBe('9');
  });

  test('a short sale is worth what it would cost to buy back', async () => {
    const v = venue({ cash: '10000' });
    v.step({ bid: '100', ask: '100' });
    await v.place({ id: 'a', side: 'sell', qty: '40' });
    v.step({ bid: '100', ask: '100' });
    const balance = await v.adapter.balance();
    expect([balance.cash, balance.equity, balance.buyingPower].map((one) => one.toFixed())).toEqual([
      '14000',
      '10000',
      '6000',
    ]);
  });

  test('ledger sums equal balance changes, to the last decimal', async () => {
    const v = venue({ cash: '10000.123456789' });
    v.step({ bid: '33.33', ask: '33.34' });
    for (const [n, side] of (['buy', 'sell', 'sell', 'buy', 'buy'] as const).entries()) {
      await v.place({ id: `o${n}`, side, qty: String(n + 3) });
      v.step({ bid: '33.33', ask: '33.34' });
    }
    const changes = v.adapter.journal().map((line) => JSON.parse(line) as { cash_change?: string });
    let total = price('0').plus('0');
    for (const { cash_change } of changes) total = total.plus(cash_change ?? '0');
    expect(total.toFixed()).toBe((await v.adapter.balance()).cash.toFixed());
  });

  test('positions are exact and signed', async () => {
    const v = venue();
    v.step({ bid: '10', ask: '10' });
    await v.place({ id: 'a', side: 'buy', qty: '3' });
    v.step({ bid: '10', ask: '10' });
    await v.place({ id: 'b', side: 'sell', qty: '5' });
    v.step({ bid: '12', ask: '12' });
    const [held] = await v.adapter.positions();
    expect([held?.instrument, held?.qty.toFixed()]).toEqual([ABC.id, '-2']);
    expect(v.adapter.journal().at(-1)).toContain('"realised":"6"');
  });
});

describe('rule 24: fees by venue, maker and taker, effective-dated', () => {
  const of = (symbol: string) => {
    const found = BUILT_IN.find((one) => one.symbol === symbol);
    if (!found) throw new Error(`no ${symbol}`);
    return found;
  };
  const fee = (
    symbol: string,
    words: { side: 'buy' | 'sell'; qty: string; at: string; day: string; liquidity?: 'maker' | 'taker' },
  ) =>
    feeOf(of(symbol), {
      side: words.side,
      qty: quantity(words.qty),
      price: price(words.at),
      liquidity: words.liquidity ?? 'taker',
      timeMs: Date.parse(`${words.day}T15:00:00Z`),
    }).toFixed();

  test('US shares: SEC and FINRA fees on sales only, rounded up to the cent', () => {
    expect(fee('SPY', { side: 'buy', qty: '1000', at: '170', day: '2013-10-07' })).toBe('0');
    // 170,000 × 17.40 / 1,000,000 = 2.958; 1,000 × 0.000119 = 0.119
    expect(fee('SPY', { side: 'sell', qty: '1000', at: '170', day: '2013-10-07' })).toBe('3.08');
  });

  test('the rate is that of the day of the trade', () => {
    const sale = { side: 'sell', qty: '1000', at: '170' } as const;
    expect(fee('SPY', { ...sale, day: '2014-03-17' })).toBe('3.08');
    expect(fee('SPY', { ...sale, day: '2014-03-18' })).toBe('3.88');
    expect(fee('SPY', { ...sale, day: '2025-05-13' })).toBe('4.9');
    expect(fee('SPY', { ...sale, day: '2025-05-14' })).toBe('0.17');
    expect(fee('SPY', { ...sale, day: '2000-01-03' })).toBe('0');
  });

  test('the activity fee is capped a trade: 100,000 shares pay 5.95', () => {
    expect(fee('SPY', { side: 'sell', qty: '100000', at: '0.01', day: '2013-10-07' })).toBe('5.97');
  });

  test('crypto: nothing for the maker, 0.25 % for the taker, 0.30 % from 2018-04-05', () => {
    const trade = { side: 'buy', qty: '0.5', at: '7000' } as const;
    expect(fee('BTC/USD', { ...trade, day: '2018-04-04' })).toBe('8.75');
    expect(fee('BTC/USD', { ...trade, day: '2018-04-05' })).toBe('10.5');
    expect(fee('BTC/USD', { ...trade, day: '2018-04-05', liquidity: 'maker' })).toBe('0');
    expect(fee('BTC/USD', { ...trade, day: '2019-10-08', liquidity: 'maker' })).toBe('17.5');
  });

  test('index practice and FX cost nothing but the spread', () => {
    expect(fee('SPX', { side: 'sell', qty: '10', at: '1400', day: '2020-01-02' })).toBe('0');
    expect(fee('EUR/USD', { side: 'sell', qty: '100000', at: '1.23', day: '2018-04-03' })).toBe('0');
  });

  test('a resting fill pays the maker, a taking one the taker, out of cash, told with the execution', async () => {
    const btc = of('BTC/USD');
    const v = venue({ instrument: btc, cash: '100000', startMs: Date.UTC(2018, 3, 6) });
    v.step({ bid: '7000', ask: '7000' });
    await v.place({ id: 't', side: 'buy', qty: '1', limit: '7100' });
    await v.place({ id: 'm', side: 'buy', qty: '1', limit: '6900' });
    v.step({ bid: '7000', ask: '7000' });
    v.step({ bid: '6800', ask: '6800', kind: 'move' });
    const fees = v.events.flatMap((event) =>
      event.kind === 'execution' ? event.execution.fee.toFixed() : [],
    );
    expect(fees).toEqual(['21', '0']);
    expect((await v.adapter.balance()).cash.toFixed()).toBe('86079');
  });

  test('an order that was moved into the market is a taker again', async () => {
    const btc = of('BTC/USD');
    const v = venue({ instrument: btc, cash: '100000', startMs: Date.UTC(2018, 3, 6) });
    v.step({ bid: '7000', ask: '7000' });
    await v.place({ id: 'm', side: 'buy', qty: '1', limit: '6900' });
    v.step({ bid: '7000', ask: '7000' });
    await v.replace({ id: 'm', side: 'buy', qty: '1', limit: '7000' });
    v.step({ bid: '7000', ask: '7000' });
    expect((await v.adapter.historySince(undefined)).executions[0]?.fee.toFixed()).toBe('21');
  });

  test('the estimate is the fee of such a fill', async () => {
    const v = venue({ instrument: of('BTC/USD'), startMs: Date.UTC(2018, 3, 6) });
    v.step({ bid: '7000', ask: '7000' });
    const estimate = (postOnly: boolean) =>
      v.adapter
        .estimateFee(
          {
            instrument: of('BTC/USD').id,
            side: 'buy',
            qty: quantity('1'),
            type: 'limit',
            timeInForce: 'gtc',
            postOnly,
            reduceOnly: false,
            extendedHours: false,
          },
          price('7000'),
        )
        .toFixed();
    expect([estimate(false), estimate(true)]).toEqual(['21', '0']);
  });
});
