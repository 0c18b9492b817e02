/** Every control at its bound: one step inside, on it, one step over; with its reason and its figures. */
import { describe, expect, it } from 'vitest';
import { money, quantity } from '#domain/decimal.ts';
import { defineInstrument } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import { ORDERS_PER_SECOND_MAX, QUOTE_AGE_MAX_MS } from '#limits.ts';
import type { Facts } from '#trading/facts.ts';
import {
  facts,
  holding,
  mandate,
  type ProposalWords,
  phase,
  quote,
  refusedFor,
  verdictOn,
  WALL_MS,
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

describe('1 trading state', () => {
  table([
    ['active: adds', { tradingState: 'ACTIVE' }, {}, ADDED],
    [
      'reducing: nothing adds',
      { tradingState: 'REDUCING', stateReason: 'daily_loss' },
      {},
      'trading_reducing',
    ],
    [
      'reducing: what reduces passes',
      { tradingState: 'REDUCING', ...holding('5') },
      { side: 'sell', qty: '5' },
      REDUCED,
    ],
    ['halted: nothing adds', { tradingState: 'HALTED' }, {}, 'trading_halted'],
    [
      'halted: no order of the agent’s, even one that reduces',
      { tradingState: 'HALTED', ...holding('5') },
      { side: 'sell' },
      'trading_halted',
    ],
    [
      'halted: a close of its own passes',
      { tradingState: 'HALTED', ...holding('5') },
      { side: 'sell', origin: 'close' },
      REDUCED,
    ],
    [
      'halted: the owner’s flatten passes',
      { tradingState: 'HALTED', ...holding('5') },
      { side: 'sell', origin: 'flatten' },
      REDUCED,
    ],
    [
      'reducing for an expired mandate says so',
      { tradingState: 'REDUCING', wallMs: WALL_MS, mandate: mandate({ expires_at: '2026-01-05T11:59:59Z' }) },
      {},
      'mandate_expired',
    ],
  ]);
  it('names why and where to look', () => {
    const refusal = refusedFor({ tradingState: 'REDUCING', stateReason: 'daily_loss' });
    expect(refusal.detail).toContain('daily_loss');
    expect(refusal.verify_with).toBe('get_mandate');
  });
});

describe('2 mandate', () => {
  const expiring = mandate({ expires_at: '2026-01-05T12:00:00Z' });
  table([
    ['none', { mandate: undefined }, {}, 'no_mandate'],
    ['revoked', { mandate: mandate({}, { revokedAtMs: WALL_MS - 1 }) }, {}, 'no_mandate'],
    ['a millisecond before its end', { mandate: expiring, wallMs: WALL_MS - 1 }, {}, ADDED],
    ['at its end', { mandate: expiring, wallMs: WALL_MS }, {}, 'mandate_expired'],
    ['a millisecond after its end', { mandate: expiring, wallMs: WALL_MS + 1 }, {}, 'mandate_expired'],
    ['of another account', { account: accountId('second') }, {}, 'account_not_allowed'],
    [
      'of another symbol',
      { mandate: mandate({ symbols: ['SPX'] }, { resolved: ['INDEX:SPX'] }) },
      {},
      'symbol_not_allowed',
    ],
    [
      'of this symbol, by its id',
      { mandate: mandate({ symbols: ['XYZ'] }, { resolved: ['TEST:XYZ'] }) },
      {},
      ADDED,
    ],
    ['of another asset class', { mandate: mandate({ asset_classes: ['crypto'] }) }, {}, 'symbol_not_allowed'],
    ['of the other side', { mandate: mandate({ sides: ['sell'] }) }, {}, 'side_not_allowed'],
    ['of other types', { mandate: mandate({ order_types: ['limit'] }) }, {}, 'order_type_not_allowed'],
    [
      'none, and it closes its own',
      { mandate: undefined, ...holding('5') },
      { side: 'sell', qty: '5' },
      REDUCED,
    ],
    [
      'expired, and it closes its own',
      { mandate: expiring, wallMs: WALL_MS, ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
    [
      'of the buy side only, and it closes its own',
      { mandate: mandate({ sides: ['buy'] }), ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
  it('names the accounts it covers', () => {
    expect(refusedFor({ account: accountId('second') }).did_you_mean).toEqual(['paper']);
  });
});

describe('2b hours of the mandate', () => {
  const session = mandate({ trading_hours: 'session' });
  const hours = mandate({ trading_hours: { timezone: 'UTC', days: ['mon'], from: '09:00', to: '17:00' } });
  table([
    ['within', { mandate: hours, withinHours: true }, {}, ADDED],
    ['outside', { mandate: hours, withinHours: false }, {}, 'outside_trading_hours'],
    ['session: open', { mandate: session, phase: phase('open') }, {}, ADDED],
    [
      'session: extended',
      { mandate: session, phase: phase('extended') },
      { ...ten, timeInForce: 'day', extendedHours: true },
      'outside_trading_hours',
    ],
    ['session: closed', { mandate: session, phase: phase('closed') }, {}, 'outside_trading_hours'],
    [
      'outside, and it closes its own',
      { mandate: hours, withinHours: false, ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
});

describe('3 tradable', () => {
  const onPaper = defineInstrument({ ...plain(), tradable: 'paper', note: 'An index can not be bought.' });
  table([
    ['on paper only, in a paper account', { instrument: onPaper, accountMode: 'paper' }, {}, ADDED],
    ['on paper only, in a live account', { instrument: onPaper, accountMode: 'live' }, {}, 'not_tradable'],
    ['without a market', { phase: undefined }, {}, 'not_tradable'],
    ['closed: gtc waits', { phase: phase('closed') }, { timeInForce: 'gtc' }, ADDED],
    ['closed: day waits', { phase: phase('closed') }, { timeInForce: 'day' }, ADDED],
    ['closed: ioc can not wait', { phase: phase('closed') }, { timeInForce: 'ioc' }, 'market_closed'],
    ['closed: fok can not wait', { phase: phase('closed') }, { timeInForce: 'fok' }, 'market_closed'],
    ['open: ioc', { phase: phase('open') }, { timeInForce: 'ioc' }, ADDED],
    [
      'extended hours with a limit for the day',
      { phase: phase('extended') },
      { ...ten, timeInForce: 'day', extendedHours: true },
      ADDED,
    ],
    ['extended hours with a market order', {}, { timeInForce: 'day', extendedHours: true }, 'invalid_input'],
    ['extended hours with gtc', {}, { ...ten, extendedHours: true }, 'invalid_input'],
    ['a reduction without a market', { phase: undefined, ...holding('5') }, { side: 'sell' }, 'not_tradable'],
  ]);
});

describe('4 steps', () => {
  const smallest = { instrument: defineInstrument({ ...plain(), minNotional: '500' }) };
  table([
    ['a limit on the tick', {}, { limit: '100.1' }, ADDED],
    ['a limit beside the tick', {}, { limit: '100.15' }, 'off_tick'],
    ['a stop beside the tick', {}, { stop: '100.01' }, 'off_tick'],
    ['a trail beside the tick', {}, { trailPrice: '0.05' }, 'off_tick'],
    ['a target beside the tick', {}, { takeProfit: '101.01' }, 'off_tick'],
    ['a loss beside the tick', {}, { stopLoss: '99.01' }, 'off_tick'],
    ['a limit of zero', {}, { limit: '0' }, 'off_tick'],
    ['a negative limit', {}, { limit: '-100' }, 'off_tick'],
    ['one lot', {}, { qty: '1' }, ADDED],
    ['less than a lot', {}, { qty: '0.5' }, 'off_lot'],
    ['a lot and a half', {}, { qty: '1.5' }, 'off_lot'],
    ['nothing', {}, { qty: '0' }, 'off_lot'],
    ['less than nothing', {}, { qty: '-1' }, 'off_lot'],
    ['a reduction beside the lot', holding('5'), { side: 'sell', qty: '0.5' }, 'off_lot'],
    ['a reduction beside the tick', holding('5'), { side: 'sell', limit: '100.05' }, 'off_tick'],
    ['a tick below the smallest value', smallest, { qty: '5', limit: '99.9' }, 'below_min_notional'],
    ['the smallest value', smallest, { qty: '5', limit: '100' }, ADDED],
    ['a tick above the smallest value', smallest, { qty: '5', limit: '100.1' }, ADDED],
    [
      'a market order below it: slippage adds nothing to it',
      { ...smallest, quote: quote('99.8', '99.9') },
      { qty: '5' },
      'below_min_notional',
    ],
    [
      'a small reduction: it may always get out',
      { ...smallest, ...holding('5') },
      { side: 'sell', qty: '1' },
      REDUCED,
    ],
  ]);
  it('names the nearest right value, and rounds nothing itself', () => {
    expect(refusedFor({}, { limit: '100.14' }).errors?.[0]).toMatchObject({
      field: 'limit_price',
      value: '100.14',
      nearest: '100.1',
    });
    expect(refusedFor({}, { limit: '100.16' }).errors?.[0]?.nearest).toBe('100.2');
    expect(refusedFor({}, { limit: '0.01' }).errors?.[0]?.nearest).toBe('0.1');
    expect(refusedFor({}, { qty: '2.7' }).errors?.[0]).toMatchObject({
      field: 'qty',
      value: '2.7',
      nearest: '2',
    });
    expect(refusedFor({}, { qty: '0.2' }).errors?.[0]?.nearest).toBe('1');
  });
});

describe('5 reference price', () => {
  table([
    ['none', { quote: undefined, quoteAgeMs: null }, {}, 'no_reference_price'],
    ['a millisecond younger than the limit', { quoteAgeMs: QUOTE_AGE_MAX_MS - 1 }, {}, ADDED],
    ['as old as the limit', { quoteAgeMs: QUOTE_AGE_MAX_MS }, {}, ADDED],
    ['a millisecond older', { quoteAgeMs: QUOTE_AGE_MAX_MS + 1 }, {}, 'stale_price'],
    ['from the future: the clock was set back', { quoteAgeMs: -QUOTE_AGE_MAX_MS - 1 }, {}, 'stale_price'],
    ['crossed', { quote: quote('100.1', '100') }, {}, 'no_reference_price'],
    ['locked', { quote: quote('100', '100') }, {}, ADDED],
    ['without a bid', { quote: quote('0', '100') }, {}, 'no_reference_price'],
    ['negative', { quote: quote('-37.6', '-37.5') }, {}, 'no_reference_price'],
    ['with a last trade of zero', { quote: quote('99.9', '100', '0') }, {}, 'no_reference_price'],
    [
      'none, and it closes its own',
      { quote: undefined, quoteAgeMs: null, ...holding('5') },
      { side: 'sell', origin: 'close' },
      REDUCED,
    ],
    ['stale, and it closes its own', { quoteAgeMs: 3_600_000, ...holding('5') }, { side: 'sell' }, REDUCED],
  ]);
});

describe('5a value in the account’s currency', () => {
  table([
    ['no fresh rate', { fxRate: undefined }, {}, 'cannot_value'],
    ['a rate of zero values nothing', { fxRate: money('0') as never }, {}, 'cannot_value'],
    ['no rate, and it closes its own', { fxRate: undefined, ...holding('5') }, { side: 'sell' }, REDUCED],
  ]);
});

describe('6 collar: 5 % of the last trade, crypto 10 %', () => {
  const last = { quote: quote('99.9', '100', '100') };
  const coin = { ...last, instrument: defineInstrument({ ...plain(), assetClass: 'crypto' }) };
  table([
    ['a tick inside, above', last, { limit: '104.9' }, ADDED],
    ['on it, above', last, { limit: '105' }, ADDED],
    ['a tick outside, above', last, { limit: '105.1' }, 'price_collar'],
    ['on it, below', last, { limit: '95' }, ADDED],
    ['a tick outside, below', last, { limit: '94.9' }, 'price_collar'],
    ['a stop a tick outside', last, { stop: '105.1' }, 'price_collar'],
    ['a market order whose touch is on it', { quote: quote('99.9', '105', '100') }, {}, ADDED],
    [
      'a market order whose touch is a tick outside',
      { quote: quote('99.9', '105.1', '100') },
      {},
      'price_collar',
    ],
    [
      'a market sale whose touch is a tick outside',
      { quote: quote('94.9', '100', '100') },
      { side: 'sell' },
      'price_collar',
    ],
    ['crypto on it', coin, { limit: '110' }, ADDED],
    ['crypto a tick outside', coin, { limit: '110.1' }, 'price_collar'],
    ['a trail on it', last, { trailPrice: '5' }, ADDED],
    ['a trail a tick outside', last, { trailPrice: '5.1' }, 'price_collar'],
    ['a trail of percent on it', last, { trailPercent: '5' }, ADDED],
    ['a trail of percent outside', last, { trailPercent: '5.01' }, 'price_collar'],
    [
      'without a last trade, by the middle of the quote',
      { quote: quote('99', '101') },
      { limit: '105' },
      ADDED,
    ],
    [
      'a reduction has none: it may always get out',
      { ...last, ...holding('5') },
      { side: 'sell', limit: '150' },
      REDUCED,
    ],
  ]);
  it('names the nearest price that would pass, on the tick', () => {
    const refusal = refusedFor(last, { limit: '105.1' });
    expect(refusal.errors).toEqual([
      { field: 'limit_price', value: '105.1', rule: 'within 5 % of 100', nearest: '105' },
    ]);
    expect(refusedFor({ quote: quote('99.9', '100', '99.93') }, { limit: '90' }).errors?.[0]?.nearest).toBe(
      '95',
    );
    expect(refusedFor({ quote: quote('99.9', '106', '100') }).errors?.[0]?.nearest).toBeNull();
  });
});

describe('6a bracket', () => {
  const buy: ProposalWords = { limit: '100' };
  const sell: ProposalWords = { side: 'sell', limit: '100' };
  table([
    ['a buy’s target a tick above the entry', {}, { ...buy, takeProfit: '100.1' }, ADDED],
    ['a buy’s target at the entry', {}, { ...buy, takeProfit: '100' }, 'invalid_input'],
    ['a buy’s stop a tick below', {}, { ...buy, stopLoss: '99.9' }, ADDED],
    ['a buy’s stop at the entry', {}, { ...buy, stopLoss: '100' }, 'invalid_input'],
    ['a sale’s target a tick below', {}, { ...sell, takeProfit: '99.9' }, ADDED],
    ['a sale’s target at the entry', {}, { ...sell, takeProfit: '100' }, 'invalid_input'],
    ['a sale’s stop a tick above', {}, { ...sell, stopLoss: '100.1' }, ADDED],
    ['a sale’s stop at the entry', {}, { ...sell, stopLoss: '100' }, 'invalid_input'],
    ['at the market: by the touch', {}, { takeProfit: '100' }, 'invalid_input'],
    [
      'around an order that would first reduce',
      holding('5'),
      { ...sell, takeProfit: '99.9' },
      'invalid_input',
    ],
    ['around an order that adds to what is held', holding('5'), { ...buy, takeProfit: '100.1' }, ADDED],
  ]);
});

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

describe('8 shorts and reduce_only', () => {
  const longOnly = { mandate: mandate({ allow_short: false }) };
  table([
    ['sells a lot less than it owns', { ...longOnly, ...holding('5') }, { side: 'sell', qty: '4' }, REDUCED],
    ['sells all it owns', { ...longOnly, ...holding('5') }, { side: 'sell', qty: '5' }, REDUCED],
    [
      'sells a lot more than it owns',
      { ...longOnly, ...holding('5') },
      { side: 'sell', qty: '6' },
      'short_not_allowed',
    ],
    ['sells what it does not own', longOnly, { side: 'sell' }, 'short_not_allowed'],
    [
      'sells a second time what is being sold already',
      { ...longOnly, ...holding('10', '0') },
      { side: 'sell', qty: '5' },
      'short_not_allowed',
    ],
    [
      'sells more than what is not being sold already',
      { ...longOnly, ...holding('10', '4') },
      { side: 'sell', qty: '5' },
      'short_not_allowed',
    ],
    [
      'sells beside working adding sales',
      { ...longOnly, ...holding('-2', '2'), workingSells: quantity('3') },
      { side: 'sell' },
      'short_not_allowed',
    ],
    ['may short', {}, { side: 'sell', qty: '6' }, ADDED],
    ['may short, in a cash account', { accountType: 'cash' }, { side: 'sell' }, 'short_not_allowed'],
    ['buys back a lot less than its short', { ...longOnly, ...holding('-5') }, { qty: '4' }, REDUCED],
    ['buys back all of its short', { ...longOnly, ...holding('-5') }, { qty: '5' }, REDUCED],
    ['buys more than its short: an adding order', { ...longOnly, ...holding('-5') }, { qty: '6' }, ADDED],
    ['reduce_only within the position', holding('5'), { side: 'sell', qty: '5', reduceOnly: true }, REDUCED],
    ['reduce_only a lot over', holding('5'), { side: 'sell', qty: '6', reduceOnly: true }, 'not_reducing'],
    ['reduce_only on the same side', holding('5'), { reduceOnly: true }, 'not_reducing'],
    ['reduce_only with nothing held', {}, { side: 'sell', reduceOnly: true }, 'not_reducing'],
    [
      'a close beyond what is reducible',
      holding('5', '3'),
      { side: 'sell', qty: '4', origin: 'close' },
      'not_reducing',
    ],
    ['a close of what is reducible', holding('5', '3'), { side: 'sell', qty: '3', origin: 'close' }, REDUCED],
    ['a close on the wrong side', holding('5'), { qty: '1', origin: 'close' }, 'not_reducing'],
  ]);
  it('says how much is reducible', () => {
    expect(refusedFor(holding('5', '3'), { side: 'sell', qty: '4', origin: 'close' }).limits).toEqual([
      { limit: 'reducible', used: '0', order: '4', max: '3', unit: 'units' },
    ]);
  });
});

describe('8 what others opened', () => {
  const others = { accountQty: quantity('10'), accountReducible: quantity('6') };
  const mayAll = { ...others, mandate: mandate({ may_reduce: 'account', allow_short: false }) };
  table([
    ['is not an agent’s to close', others, { side: 'sell', qty: '6', origin: 'close' }, 'not_reducing'],
    ['may be closed where the mandate says so', mayAll, { side: 'sell', qty: '6' }, REDUCED],
    ['and no more than is left of it', mayAll, { side: 'sell', qty: '7' }, 'short_not_allowed'],
    [
      'not when that mandate is revoked',
      { ...mayAll, mandate: mandate({ may_reduce: 'account' }, { revokedAtMs: 1 }) },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    [
      'not when that mandate has ended',
      { ...mayAll, mandate: mandate({ may_reduce: 'account', expires_at: '2026-01-05T12:00:00Z' }) },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    [
      'not in an account that mandate does not name',
      { ...mayAll, account: accountId('second') },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    [
      'not while it is halted',
      { ...mayAll, tradingState: 'HALTED' },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    ['while it may only reduce', { ...mayAll, tradingState: 'REDUCING' }, { side: 'sell' }, REDUCED],
  ]);
  it('names the account’s figures where they are what counts', () => {
    expect(refusedFor(mayAll, { side: 'sell', qty: '7', origin: 'close' }).limits?.[0]?.max).toBe('6');
    const own = { ...mayAll, ownQty: quantity('4'), reducible: quantity('3') };
    expect(refusedFor(own, { side: 'sell', qty: '7', origin: 'close' }).limits?.[0]?.max).toBe('3');
    expect(refusedFor(own, { side: 'buy', qty: '1', origin: 'close' }).limits?.[0]?.max).toBe('0');
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
      'the eleventh, a reduction of the agent’s',
      { messagesLastSecond: ORDERS_PER_SECOND_MAX, ...holding('5') },
      { side: 'sell' },
      'throttled',
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

function plain() {
  return {
    id: 'TEST:XYZ',
    symbol: 'XYZ',
    name: 'x',
    assetClass: 'equity',
    currency: 'USD',
    tick: '0.1',
    lot: '1',
    calendar: 'tape',
    timezone: 'UTC',
  } as const;
}
