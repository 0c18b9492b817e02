/** Every control about the market at its bound: one step inside, on it, one step over; with its reason and its figures. */
import { describe, expect, it } from 'vitest';
import { ratio } from '#domain/decimal.ts';
import { defineInstrument } from '#domain/instrument.ts';
import { QUOTE_AGE_MAX_MS } from '#limits.ts';
import type { Facts } from '#trading/facts.ts';
import { holding, type ProposalWords, phase, quote, refusedFor, verdictOn } from '../support/facts.ts';

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
    ['a rate of zero values nothing', { fxRate: ratio('0') }, {}, 'cannot_value'],
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
