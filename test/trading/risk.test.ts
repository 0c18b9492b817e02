/** The decision as a whole: the earlier control decides, and what is cleared is minted as it was assessed. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity, ratio, text } from '#domain/decimal.ts';
import { defineInstrument } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import type { Facts } from '#trading/facts.ts';
import { assess, CONTROLS, CUT_CONTROLS, positionAfter, REDUCTION_CONTROLS } from '#trading/risk.ts';
import {
  facts,
  holding,
  mandate,
  type ProposalWords,
  phase,
  proposal,
  say,
  verdictOn,
  working,
} from '../support/facts.ts';

interface Breach {
  readonly number: string;
  readonly reason: string;
  readonly facts?: Partial<Facts>;
  readonly mandate?: Readonly<Record<string, unknown>>;
  readonly order?: ProposalWords;
}

const smallest = defineInstrument({
  id: 'TEST:XYZ',
  symbol: 'XYZ',
  name: 'x',
  assetClass: 'equity',
  currency: 'USD',
  tick: '0.1',
  lot: '1',
  calendar: 'tape',
  timezone: 'UTC',
  minNotional: '1000000000',
});

const UNLIMITED: Facts['accountLimits'] = {
  maxDrawdownPercent: null,
  maxPositions: null,
  maxDailyLoss: null,
};

/** One way to break each control of the chain, in its order; they can all be broken at once. */
const BREACHES: readonly Breach[] = [
  { number: '1', reason: 'trading_reducing', facts: { tradingState: 'REDUCING' } },
  { number: '2', reason: 'account_not_allowed', facts: { account: accountId('second') } },
  { number: '2a', reason: 'side_not_allowed', mandate: { sides: ['sell'] } },
  {
    number: '2b',
    reason: 'outside_trading_hours',
    mandate: { trading_hours: { timezone: 'UTC', days: ['sun'], from: '09:00', to: '10:00' } },
    facts: { withinHours: false },
  },
  {
    number: '3',
    reason: 'market_closed',
    facts: { phase: phase('closed') },
    order: { timeInForce: 'ioc' },
  },
  { number: '3a', reason: 'not_tradable', facts: { accountCurrency: 'EUR' } },
  {
    number: '3b',
    reason: 'order_type_not_allowed',
    facts: { broker: { ...facts().broker, orderTypes: [] } },
  },
  { number: '4', reason: 'below_min_notional', facts: { instrument: smallest } },
  { number: '5', reason: 'stale_price', facts: { quoteAgeMs: 60_000 } },
  { number: '5a', reason: 'cannot_value', facts: { fxRate: undefined } },
  { number: '6', reason: 'price_collar', order: { limit: '120' } },
  { number: '6a', reason: 'invalid_input', order: { takeProfit: '50' } },
  { number: '7', reason: 'max_order_qty', mandate: { max_order_qty: '0' } },
  { number: '8', reason: 'not_reducing', order: { reduceOnly: true } },
  { number: '9', reason: 'max_open_orders', mandate: { max_open_orders: 0 } },
  { number: '10', reason: 'throttled', facts: { messagesLastSecond: 10 } },
  {
    number: '11',
    reason: 'max_daily_loss',
    mandate: { max_daily_loss: '0' },
    facts: { lossToday: money('1') },
  },
  {
    number: '11a',
    reason: 'max_daily_loss',
    facts: { accountLimits: { ...UNLIMITED, maxDailyLoss: money('5') }, accountLoss: money('5') },
  },
  {
    number: '12',
    reason: 'max_drawdown',
    facts: {
      accountLimits: { ...UNLIMITED, maxDailyLoss: money('5'), maxDrawdownPercent: ratio('30') },
      accountDrawdownPercent: ratio('30'),
    },
  },
  {
    number: '12a',
    reason: 'max_positions',
    facts: {
      accountLimits: { maxDailyLoss: money('5'), maxDrawdownPercent: ratio('30'), maxPositions: 0 },
    },
  },
  { number: '13', reason: 'duplicate_order', facts: { sameClientOrderId: 'ord_9' } },
  { number: '13a', reason: 'duplicate_order', facts: { unclear: [working({ qty: '1', type: 'market' })] } },
  {
    number: '14',
    reason: 'trading_reducing',
    facts: { executions: { used: 600, rate: { count: 600, per: 'minute' } } },
  },
  { number: '15', reason: 'self_match', facts: { opposing: price('90') } },
  { number: '16', reason: 'buying_power', facts: { buyingPower: money('0') } },
  { number: '17', reason: 'needs_approval', mandate: { approval: 'always' } },
];

const all = <T extends object>(part: (breach: Breach) => T | undefined, breaches: readonly Breach[]): T =>
  Object.assign({}, ...breaches.map(part)) as T;

function broken(breaches: readonly Breach[]): string {
  const rules = all((one) => one.mandate, breaches);
  const about = { mandate: mandate(rules), ...all((one) => one.facts, breaches) };
  return verdictOn(
    about,
    all((one) => one.order, breaches),
  );
}

describe('the chain', () => {
  it('has a breach here for each of its controls, in its order', () => {
    expect(CONTROLS.map((control) => control.number)).toEqual(BREACHES.map((breach) => breach.number));
  });

  it('refuses each with its own reason when nothing else is wrong', () => {
    expect(BREACHES.map((breach) => broken([breach]))).toEqual(BREACHES.map((breach) => breach.reason));
  });

  it('lets the earlier of two decide', () => {
    for (const [index, first] of BREACHES.entries()) {
      for (const second of BREACHES.slice(index + 1)) {
        // What can not be valued has no value to compare either.
        expect([first.number, second.number, broken([first, second])]).toEqual([
          first.number,
          second.number,
          first.reason,
        ]);
      }
    }
  });

  it('lets the first of all that are left decide, down to the approval', () => {
    for (const [index, breach] of BREACHES.entries())
      expect(broken(BREACHES.slice(index))).toBe(breach.reason);
    expect(broken([])).toBe('cleared adding');
  });

  it('is short for a reduction, and shorter for a cut', () => {
    expect(REDUCTION_CONTROLS.map((control) => control.number)).toEqual([
      '1',
      '3',
      '3b',
      '4',
      '8',
      '10',
      '13',
      '13a',
    ]);
    expect(CUT_CONTROLS.map((control) => control.number)).toEqual(['1', '3b', '4', '10']);
  });

  it('lets a reduction decide in its order too', () => {
    const about = (from: number): Partial<Facts> => ({
      ...holding('5'),
      ...(from <= 0 ? { tradingState: 'HALTED' as const } : {}),
      ...(from <= 1 ? { phase: undefined } : {}),
      ...(from <= 4 ? { ownMessagesLastSecond: 10 } : {}),
      sameClientOrderId: 'ord_9',
    });
    const order = (from: number): ProposalWords => ({
      side: 'sell',
      limit: from <= 2 ? '100.05' : '100',
      qty: '5',
    });
    const reasons = [0, 1, 2, 4, 5].map((from) => verdictOn(about(from), order(from)));
    expect(reasons).toEqual(['trading_halted', 'not_tradable', 'off_tick', 'throttled', 'duplicate_order']);
  });

  it('closes with every limit at zero, no mandate hours, no price and no buying power', () => {
    const nothing = mandate({
      max_order_qty: '0',
      max_order_value: '0',
      max_daily_value: '0',
      max_daily_orders: 0,
      max_daily_loss: '0',
      max_open_orders: 0,
      max_gross_exposure: '0',
      approval: 'always',
      sides: ['buy'],
      order_types: ['limit'],
    });
    const about: Partial<Facts> = {
      mandate: nothing,
      withinHours: false,
      quote: undefined,
      quoteAgeMs: null,
      fxRate: undefined,
      lossToday: money('1'),
      buyingPower: money('-1'),
      ...holding('5'),
    };
    expect(verdictOn(about, { side: 'sell', qty: '5', origin: 'close' })).toBe('cleared reducing');
    expect(verdictOn(about, { side: 'sell', qty: '5' })).toBe('cleared reducing');
  });
});

describe('what is cleared', () => {
  it('carries every limit with its figures', () => {
    const verdict = assess(
      facts({ valueUsed: money('50'), openOrders: 2 }),
      proposal({ limit: '101', qty: '10' }),
    );
    if (verdict.kind !== 'cleared') throw new Error(say(verdict));
    expect(verdict.limits.map((entry) => entry.limit)).toEqual([
      'max_order_qty',
      'max_order_value',
      'max_open_orders',
      'max_gross_exposure',
      'max_daily_value',
      'max_daily_orders',
      'max_daily_loss',
      'account_max_drawdown',
    ]);
    expect(verdict.limits.find((entry) => entry.limit === 'max_daily_value')).toMatchObject({
      used: '50',
      order: '1010',
      unit: 'USD',
    });
  });

  it('is minted with the terms that were assessed and the ids of the write, and no others', () => {
    const verdict = assess(facts(), proposal({ limit: '100', qty: '3', takeProfit: '101', stopLoss: '99' }));
    if (verdict.kind !== 'cleared') throw new Error(say(verdict));
    const order = verdict.mint({
      brokerClientId: 'pc_1',
      takeProfitClientId: 'pc_2',
      stopLossClientId: 'pc_3',
    });
    expect(JSON.parse(JSON.stringify(order))).toEqual({
      side: 'buy',
      qty: '3',
      type: 'limit',
      timeInForce: 'gtc',
      limitPrice: '100',
      postOnly: false,
      reduceOnly: false,
      extendedHours: false,
      takeProfit: { brokerClientId: 'pc_2', limitPrice: '101' },
      stopLoss: { brokerClientId: 'pc_3', stopPrice: '99' },
      account: 'paper',
      instrument: 'TEST:XYZ',
      brokerClientId: 'pc_1',
    });
  });

  it('moves the agent’s own position by its quantity', () => {
    expect(text(positionAfter(facts(holding('5')), 'sell', quantity('7')))).toBe('-2');
    expect(text(positionAfter(facts(holding('-5')), 'buy', quantity('7')))).toBe('2');
  });
});
