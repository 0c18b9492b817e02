/** Rules 23 and 24 of notes/paper-broker.md: products, what ends by itself, delivery, and what a trade costs in India. */
import { afterEach, describe, expect, it } from 'vitest';
import { indianCharges } from '#brokers/indian-charges.ts';
import { add, price, quantity, text, value } from '#domain/decimal.ts';
import { defineInstrument, type Instrument, type InstrumentInput } from '#domain/instrument.ts';
import type { Product } from '#domain/order.ts';
import { cleared } from '../../support/cleared.ts';
import { PLAIN, paperVenue, type TestVenue } from '../../support/paper-venue.ts';

const INDIAN: InstrumentInput = {
  id: 'TEST:INFY',
  symbol: 'INFY',
  name: 'INFOSYS',
  assetClass: 'equity',
  currency: 'INR',
  tick: '0.05',
  lot: '1',
  calendar: 'nse',
  timezone: 'Asia/Kolkata',
};
const infosys = defineInstrument(INDIAN);
/** Monday the fifth of January 2026, half past eleven in India. */
const MONDAY = Date.UTC(2026, 0, 5, 6);
const at = (hour: number, minute: number, day = 0): number =>
  MONDAY + ((hour - 11) * 60 + minute - 30) * 60_000 + day * 86_400_000;

let v: TestVenue;
afterEach(() => v.close());
let made = 0;
const order = (side: 'buy' | 'sell', qty: string, product: Product | undefined, words: object = {}) => {
  const made_ = cleared({ id: `c-${++made}`, side, qty, tif: 'day', ...words, instrument: 'TEST:INFY' });
  return product === undefined ? made_ : { ...made_, product };
};
function open(instrument: Instrument = infosys): void {
  v = paperVenue({ rules: PLAIN, instrument, cash: '100000', startMs: MONDAY });
  v.step({ bid: '99.95', ask: '100.00', timeMs: at(11, 30) });
}
const place = (...words: Parameters<typeof order>) => v.adapter.place(order(...words));
const step = (hour: number, minute: number, day = 0, bid = '99.95', ask = '100.00'): void =>
  void v.step({ bid, ask, timeMs: at(hour, minute, day) });

describe('rule 23: the products of an Indian account', () => {
  it('are declared, and are none of an account in dollars', () => {
    open();
    expect(v.adapter.capabilities).toMatchObject({ products: ['cnc', 'mis', 'nrml'], holdings: true });
    v.close();
    v = paperVenue({ rules: PLAIN });
    expect(v.adapter.capabilities).toMatchObject({ products: [], holdings: false });
    expect(v.adapter.holdings === undefined).toBe(true);
  });

  it('intraday takes a fifth of its value, delivery all of it', async () => {
    open();
    expect(await place('buy', '1001', 'cnc', { limit: '100' })).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/buying power/),
    });
    expect(await place('buy', '4900', 'mis', { limit: '100' })).toMatchObject({ kind: 'accepted' });
    expect(await place('buy', '200', 'mis', { limit: '100' })).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/buying power/),
    });
    step(11, 31);
    const { buyingPower, equity } = await v.adapter.balance();
    // 490,000 held for 98,000; fees and the half spread are what is gone.
    expect(Number(text(buyingPower))).toBeLessThan(2_000);
    expect(Number(text(equity))).toBeGreaterThan(99_000);
  });

  it('delivery can not be sold short, intraday can', async () => {
    open();
    expect(await place('sell', '1', 'cnc')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/delivery \(cnc\) can not sell short/),
    });
    expect(await place('sell', '1', 'mis')).toMatchObject({ kind: 'accepted' });
    step(11, 31);
    expect((await v.adapter.positions()).map(({ qty }) => text(qty))).toEqual(['-1']);
  });

  it('shares without one are delivered, and what fits none is refused', async () => {
    open();
    await place('buy', '10', undefined);
    expect(await v.adapter.openOrders()).toMatchObject([{ product: 'cnc' }]);
    expect(await place('buy', '1', 'nrml')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/not as nrml/),
    });
    expect(await place('buy', '1', 'mis')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/one product of an instrument at a time/),
    });
  });

  it('an option is bought in full and not sold to open', async () => {
    open(defineInstrument({ ...INDIAN, assetClass: 'option', lot: '5' }));
    expect(await place('sell', '5', 'nrml')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/SPAN/),
    });
    expect(await place('buy', '5', 'cnc')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/not as cnc/),
    });
    expect(await place('buy', '1005', 'nrml', { limit: '100' })).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/buying power/),
    });
    expect(await place('buy', '5', 'nrml')).toMatchObject({ kind: 'accepted' });
  });
});

describe('rule 23: intraday ends at 15:15', () => {
  it('with its orders taken back and its position settled at the touch, and not a minute before', async () => {
    open();
    await place('buy', '10', 'mis');
    step(11, 31);
    await place('sell', '10', 'mis', { limit: '120' });
    step(15, 14);
    expect(await v.adapter.positions()).toHaveLength(1);
    step(15, 15, 0, '101.00', '101.05');
    expect([await v.adapter.positions(), await v.adapter.openOrders()]).toEqual([[], []]);
    const { settlements } = await v.adapter.historySince(undefined);
    expect(settlements.map(({ price: of, qty, detail }) => [text(of), qty && text(qty), detail])).toEqual([
      ['101', '10', 'held intraday (mis): squared off at 15:15 in India'],
    ]);
    expect(await place('buy', '1', 'mis')).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/15:15/),
    });
  });

  it('at the first price of a later day where there was none that day', async () => {
    open();
    await place('sell', '10', 'mis');
    step(11, 31);
    step(9, 15, 1, '98.00', '98.05');
    const { settlements } = await v.adapter.historySince(undefined);
    expect(settlements.map(({ price: of, qty }) => [text(of), qty && text(qty)])).toEqual([['98.05', '-10']]);
  });

  it('and delivery goes on', async () => {
    open();
    await place('buy', '10', 'cnc');
    step(11, 31);
    step(15, 20);
    step(9, 15, 1);
    expect(await v.adapter.positions()).toHaveLength(1);
  });
});

describe('rule 23: delivery on the next day (T+1)', () => {
  it('is told as holdings, unsettled until then, and may be sold before', async () => {
    open();
    const holdings = async () =>
      (await v.adapter.holdings?.())?.map(({ qty, unsettledQty, product }) => [
        text(qty),
        text(unsettledQty),
        product,
      ]);
    await place('buy', '10', 'cnc');
    step(11, 31);
    expect(await holdings()).toEqual([['10', '10', 'cnc']]);
    expect(await place('sell', '4', 'cnc')).toMatchObject({ kind: 'accepted' });
    step(11, 32);
    expect(await holdings()).toEqual([['6', '6', 'cnc']]);
    step(9, 15, 1);
    expect(await holdings()).toEqual([['6', '0', 'cnc']]);
  });
});

describe('rule 24: the Indian intraday vector', () => {
  const fee = (side: 'buy' | 'sell', qty: string, product: Product, timeMs: number, orderTraded = '0') =>
    text(
      indianCharges(infosys, {
        side,
        product,
        qty: quantity(qty),
        price: price('100'),
        timeMs,
        orderTraded: value(price(orderTraded), quantity('1')),
      }),
    );
  const JULY_2023 = Date.UTC(2023, 6, 3, 6);

  it('of a ₹10,000 purchase: 3.00 brokerage, 0.345 exchange, 0.01 SEBI, 0.30 stamp, 0.6021 GST', () => {
    expect(fee('buy', '100', 'mis', JULY_2023)).toBe('4.26');
  });
  it('of its sale: STT of 2.50 in place of the stamp', () => {
    expect(fee('sell', '100', 'mis', JULY_2023)).toBe('6.46');
  });
  it('is capped at ₹20 of brokerage for the order, however many fills it has', () => {
    // ₹100,000: 20, not 30; then nothing more of it: 3.45 + 0.1 + 3 + 18 % of 3.45.
    expect(fee('buy', '1000', 'mis', JULY_2023)).toBe('30.78');
    expect(fee('buy', '1000', 'mis', JULY_2023, '100000')).toBe('7.18');
  });
  it('takes no brokerage of delivery, and its tax on both sides', () => {
    // 10 STT, 0.345 exchange, 0.01 SEBI, 1.5 stamp on the purchase, 0.0621 GST.
    expect([fee('buy', '100', 'cnc', JULY_2023), fee('sell', '100', 'cnc', JULY_2023)]).toEqual([
      '11.92',
      '10.42',
    ]);
  });
  it('changes by date, and what was before the first schedule costs nothing', () => {
    expect(fee('buy', '100', 'mis', MONDAY)).not.toBe(fee('buy', '100', 'mis', JULY_2023));
    expect(fee('buy', '100', 'mis', Date.UTC(2019, 0, 1))).toBe('0');
  });
  it('is what a fill of the account costs', async () => {
    open();
    await place('buy', '100', 'mis');
    step(11, 31);
    const { executions } = await v.adapter.historySince(undefined);
    const [first] = executions;
    expect(first && text(first.fee)).toBe(fee('buy', '100', 'mis', MONDAY));
    const { cash } = await v.adapter.balance();
    expect(text(add(cash, add(first?.fee ?? cash, value(price('100'), quantity('100')))))).toBe('100000');
  });
});
