/** Every limit at its bound: one step inside, on it, one step over; with its reason and its figures. */
import { describe, expect, it } from 'vitest';
import { money } from '#domain/decimal.ts';
import { ORDERS_PER_SECOND_MAX } from '#limits.ts';
import type { Facts } from '#trading/facts.ts';
import {
  facts,
  holding,
  mandate,
  type ProposalWords,
  refusedFor,
  verdictOn,
  working,
  XYZ,
} from '../support/facts.ts';

const ADDED = 'cleared adding';
const REDUCED = 'cleared reducing';
type Row = readonly [what: string, about: Partial<Facts>, order: ProposalWords, outcome: string];

const table = (rows: readonly Row[]): void => {
  it.each(rows)('%s', (_what, about, order, outcome) => {
    expect(verdictOn(about, order)).toBe(outcome);
  });
};

/** Value 101 a unit: a limit above far touch and slippage. */
const ten: ProposalWords = { qty: '10', limit: '101' };
const usd = (text: string): Facts['valueUsed'] => money(text);

describe('7 one order', () => {
  const qty = { mandate: mandate({ max_order_qty: '10' }) };
  const value = { mandate: mandate({ max_order_value: '1010' }) };
  table([
    ['a lot less than the quantity', qty, { qty: '9' }, ADDED],
    ['the quantity', qty, { qty: '10' }, ADDED],
    ['a lot more', qty, { qty: '11' }, 'max_order_qty'],
    ['a tick below the value', value, { qty: '10', limit: '100.9' }, ADDED],
    ['the value', value, ten, ADDED],
    ['a tick above the value', value, { qty: '10', limit: '101.1' }, 'max_order_value'],
    [
      'a market order is valued at the touch and the allowance: inside',
      { mandate: mandate({ max_order_value: '1005' }) },
      { qty: '10' },
      ADDED,
    ],
    [
      'a market order is valued at the touch and the allowance: a cent over',
      { mandate: mandate({ max_order_value: '1004.99' }) },
      { qty: '10' },
      'max_order_value',
    ],
    [
      'the larger of notional and quantity × price',
      value,
      { ...ten, notional: '1010.01' },
      'max_order_value',
    ],
    [
      'a reduction has no limit',
      { mandate: mandate({ max_order_qty: '0', max_order_value: '0' }), ...holding('5') },
      { side: 'sell', qty: '5' },
      REDUCED,
    ],
  ]);
  it('names limit, use, order, maximum and unit', () => {
    expect(refusedFor(qty, { qty: '11' }).limits).toEqual([
      { limit: 'max_order_qty', used: '0', order: '11', max: '10', unit: 'units' },
    ]);
    expect(refusedFor(value, { qty: '10', limit: '101.1' }).limits).toEqual([
      { limit: 'max_order_value', used: '0', order: '1011', max: '1010', unit: 'USD' },
    ]);
  });
});

describe('9 open orders and gross exposure', () => {
  const open = mandate({ max_open_orders: 3 });
  const gross = mandate({ max_gross_exposure: '2000' });
  table([
    ['one order less', { mandate: open, openOrders: 1 }, {}, ADDED],
    ['the last order', { mandate: open, openOrders: 2 }, {}, ADDED],
    ['one more', { mandate: open, openOrders: 3 }, {}, 'max_open_orders'],
    ['a cent below', { mandate: gross, exposure: usd('500'), valueReserved: usd('489.99') }, ten, ADDED],
    ['all of it', { mandate: gross, exposure: usd('500'), valueReserved: usd('490') }, ten, ADDED],
    [
      'a cent over',
      { mandate: gross, exposure: usd('500'), valueReserved: usd('490.01') },
      ten,
      'max_gross_exposure',
    ],
    [
      'a reduction beyond both',
      { mandate: mandate({ max_open_orders: 0, max_gross_exposure: '0' }), ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
  it('names both with their use', () => {
    expect(refusedFor({ mandate: open, openOrders: 3 }).limits).toEqual([
      { limit: 'max_open_orders', used: '3', order: '1', max: '3', unit: 'orders' },
    ]);
    expect(refusedFor({ mandate: gross, exposure: usd('1000') }, ten).limits).toEqual([
      { limit: 'max_gross_exposure', used: '1000', order: '1010', max: '2000', unit: 'USD' },
    ]);
  });
});

describe('10 a day and a second', () => {
  const value = mandate({ max_daily_value: '2000' });
  const orders = mandate({ max_daily_orders: 3 });
  table([
    [
      'a cent below the value of a day',
      { mandate: value, valueUsed: usd('900'), valueReserved: usd('89.99') },
      ten,
      ADDED,
    ],
    ['the value of a day', { mandate: value, valueUsed: usd('900'), valueReserved: usd('90') }, ten, ADDED],
    [
      'a cent over',
      { mandate: value, valueUsed: usd('900'), valueReserved: usd('90.01') },
      ten,
      'max_daily_value',
    ],
    ['the last order of a day', { mandate: orders, ordersToday: 2 }, {}, ADDED],
    ['one more', { mandate: orders, ordersToday: 3 }, {}, 'max_daily_orders'],
    ['the tenth message of a second', { messagesLastSecond: ORDERS_PER_SECOND_MAX - 1 }, {}, ADDED],
    ['the eleventh', { messagesLastSecond: ORDERS_PER_SECOND_MAX }, {}, 'throttled'],
    [
      'the eleventh of one’s own, a reduction of the agent’s',
      { messagesLastSecond: 10, ownMessagesLastSecond: ORDERS_PER_SECOND_MAX, ...holding('5') },
      { side: 'sell' },
      'throttled',
    ],
    [
      'the tenth of one’s own, a reduction while others have sent many',
      { messagesLastSecond: 200, ownMessagesLastSecond: ORDERS_PER_SECOND_MAX - 1, ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
    [
      'the eleventh, a close',
      { messagesLastSecond: ORDERS_PER_SECOND_MAX, ...holding('5') },
      { side: 'sell', origin: 'close' },
      REDUCED,
    ],
    [
      'the two hundredth, the owner’s flatten',
      { messagesLastSecond: 200, ...holding('5') },
      { side: 'sell', origin: 'flatten' },
      REDUCED,
    ],
  ]);
  it('says how long to wait', () => {
    const refusal = refusedFor({ messagesLastSecond: 10 });
    expect(refusal.retry_after).toBe(1);
    expect(refusal.limits).toEqual([
      { limit: 'orders_per_second', used: '10', order: '1', max: '10', unit: 'orders' },
    ]);
  });
});

describe('the words of a limit', () => {
  it.each<[Parameters<typeof mandate>[0], Partial<Facts>, string]>([
    [
      { max_order_qty: '9' },
      {},
      'Quantity of one order: at most 9 units, this order 10; take a smaller quantity.',
    ],
    [
      { max_order_value: '900' },
      {},
      'Value of one order: at most 900 USD, this order 1010; take a smaller quantity.',
    ],
    [
      { max_open_orders: 3 },
      { openOrders: 3 },
      'Open orders: 3 of 3, this order 1; cancel one or wait until one is filled.',
    ],
    [
      { max_gross_exposure: '2000' },
      { exposure: usd('480'), valueReserved: usd('520.5') },
      'Gross exposure: 1000.5 of 2000 USD, this order 1010; take a smaller quantity or close something first.',
    ],
    [
      { max_daily_value: '2000' },
      { valueUsed: usd('480'), valueReserved: usd('520.5') },
      'Value today: 1000.5 of 2000 USD, this order 1010; take a smaller quantity or wait until tomorrow.',
    ],
    [{ max_daily_orders: 3 }, { ordersToday: 3 }, 'Orders today: 3 of 3, this order 1; wait until tomorrow.'],
  ])('say what is in use, what there may be, and what to do: %o', (rules, about, words) => {
    expect(refusedFor({ mandate: mandate(rules), ...about }, ten).detail).toBe(words);
  });

  it('say where an order that rests far away counts at the market, and only there', () => {
    const rules = { mandate: mandate({ max_order_value: '900' }) };
    const [far, near] = ['96', '101.1'].map((limit) => refusedFor(rules, { qty: '10', limit }).detail);
    expect(far).toMatch(/this order [\d.]+ \(valued at the market’s price and 0\.5 %, [\d.]+\); take/);
    expect(near).toContain('this order 1011; take');
  });
});

describe('11 loss today', () => {
  const loss = mandate({ max_daily_loss: '500' });
  table([
    ['a cent below', { mandate: loss, lossToday: usd('499.99') }, {}, ADDED],
    ['all of it', { mandate: loss, lossToday: usd('500') }, {}, 'max_daily_loss'],
    ['a cent over', { mandate: loss, lossToday: usd('500.01') }, {}, 'max_daily_loss'],
    ['a limit of zero without any loss', { mandate: mandate({ max_daily_loss: '0' }) }, {}, ADDED],
    [
      'a limit of zero with a cent lost',
      { mandate: mandate({ max_daily_loss: '0' }), lossToday: usd('0.01') },
      {},
      'max_daily_loss',
    ],
    [
      'over, and it closes its own',
      { mandate: loss, lossToday: usd('900'), ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
});

describe('13 client order id', () => {
  table([
    ['new', { sameClientOrderId: undefined }, {}, ADDED],
    ['known', { sameClientOrderId: 'ord_9' }, {}, 'duplicate_order'],
    [
      'known, on a reduction',
      { sameClientOrderId: 'ord_9', ...holding('5') },
      { side: 'sell' },
      'duplicate_order',
    ],
  ]);
  it('names the order that has it', () => {
    expect(refusedFor({ sameClientOrderId: 'ord_9' }).order_id).toBe('ord_9');
  });
});

describe('16 buying power', () => {
  table([
    ['a cent more than needed', { buyingPower: usd('1010.01') }, ten, ADDED],
    ['all of it', { buyingPower: usd('1010') }, ten, ADDED],
    ['a cent short', { buyingPower: usd('1009.99') }, ten, 'buying_power'],
    ['none, and it closes its own', { buyingPower: usd('-5'), ...holding('5') }, { side: 'sell' }, REDUCED],
  ]);
});

describe('17 approval', () => {
  const above = mandate({ approval: { above: '2000' } });
  table([
    ['always', { mandate: mandate({ approval: 'always' }) }, {}, 'needs_approval'],
    ['never', { mandate: mandate({ approval: 'never' }) }, {}, ADDED],
    ['a cent below, with what went before', { mandate: above, unapprovedValue: usd('989.99') }, ten, ADDED],
    ['the amount', { mandate: above, unapprovedValue: usd('990') }, ten, ADDED],
    ['a cent over', { mandate: above, unapprovedValue: usd('990.01') }, ten, 'needs_approval'],
    [
      'always, and it closes its own',
      { mandate: mandate({ approval: 'always' }), ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
  it('names what went before, this order and the amount', () => {
    expect(refusedFor({ mandate: above, unapprovedValue: usd('1000') }, ten).limits).toEqual([
      { limit: 'approval_above', used: '1000', order: '1010', max: '2000', unit: 'USD' },
    ]);
  });
});

describe('a change of a working order', () => {
  const longOnly = { mandate: mandate({ allow_short: false }) };
  const adding = { changes: working({ qty: '10', limit: '100' }), freed: usd('1005') };
  const reducing = { ...holding('10'), changes: working({ side: 'sell', limit: '100', effect: 'reducing' }) };
  table([
    [
      'to fewer units is a cut, whatever the state but halted',
      { ...adding, tradingState: 'REDUCING', quote: undefined },
      { qty: '9', limit: '100' },
      ADDED,
    ],
    [
      'to fewer units while halted',
      { ...adding, tradingState: 'HALTED' },
      { qty: '9', limit: '100' },
      'trading_halted',
    ],
    [
      'to as many units is none',
      { ...adding, tradingState: 'REDUCING' },
      { qty: '10', limit: '100' },
      'trading_reducing',
    ],
    [
      'to fewer units at another price is none',
      { ...adding, tradingState: 'REDUCING' },
      { qty: '9', limit: '100.1' },
      'trading_reducing',
    ],
    [
      'to a value that what it held makes room for',
      { ...adding, buyingPower: usd('5') },
      { qty: '10', limit: '101' },
      ADDED,
    ],
    [
      'to a cent more than that',
      { ...adding, buyingPower: usd('4.99') },
      { qty: '10', limit: '101' },
      'buying_power',
    ],
    [
      'counts no further order of the day',
      { ...adding, mandate: mandate({ max_daily_orders: 3 }), ordersToday: 3 },
      { qty: '10', limit: '101' },
      ADDED,
    ],
    [
      'is valued by what is left of it',
      { ...adding, changes: working({ filled: '9' }), mandate: mandate({ max_order_value: '101' }) },
      { qty: '10', limit: '101' },
      ADDED,
    ],
    ['of a reduction to another price', reducing, { side: 'sell', qty: '10', limit: '98' }, REDUCED],
    ['of a reduction to as much as is held', reducing, { side: 'sell', qty: '10', limit: '100' }, REDUCED],
    [
      'of a reduction whose position others are closing',
      { ...reducing, ...holding('10', '0') },
      { side: 'sell', qty: '10', limit: '98' },
      REDUCED,
    ],
    [
      'of an adding sale to what it owns by now',
      { ...longOnly, ...holding('5'), changes: working({ side: 'sell' }) },
      { side: 'sell', qty: '5', limit: '99.9' },
      ADDED,
    ],
    [
      'of an adding sale to a lot more than that',
      { ...longOnly, ...holding('5'), changes: working({ side: 'sell' }) },
      { side: 'sell', qty: '6', limit: '99.9' },
      'short_not_allowed',
    ],
    [
      'of a reduction to more than is held',
      reducing,
      { side: 'sell', qty: '11', limit: '100' },
      'not_reducing',
    ],
    [
      'of a reduction, by what is left of it',
      { ...holding('8'), changes: working({ side: 'sell', filled: '4', effect: 'reducing' }) },
      { side: 'sell', qty: '12', limit: '100' },
      REDUCED,
    ],
    [
      'of a reduction, a lot more than that',
      { ...holding('8'), changes: working({ side: 'sell', filled: '4', effect: 'reducing' }) },
      { side: 'sell', qty: '13', limit: '100' },
      'not_reducing',
    ],
  ]);
});

it('starts from facts that clear', () => {
  expect(facts().instrument).toBe(XYZ);
  expect(verdictOn()).toBe(ADDED);
});
