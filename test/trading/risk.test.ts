/** The decision as a whole: the earlier control decides, a worse world never clears more, and nothing makes it throw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { money, quantity, ratio, text } from '#domain/decimal.ts';
import { defineInstrument } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import { REFUSAL_REASONS } from '#domain/refusal.ts';
import type { Facts } from '#trading/facts.ts';
import { assess, CONTROLS, CUT_CONTROLS, positionAfter, REDUCTION_CONTROLS } from '#trading/risk.ts';
import {
  facts,
  holding,
  mandate,
  type ProposalWords,
  phase,
  proposal,
  quote,
  say,
  verdictOn,
  WALL_MS,
  working,
  XYZ,
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
  { number: '13', reason: 'duplicate_order', facts: { sameClientOrderId: 'ord_9' } },
  { number: '16', reason: 'buying_power', facts: { buyingPower: money('0') } },
];

const all = <T extends object>(part: (breach: Breach) => T | undefined, breaches: readonly Breach[]): T =>
  Object.assign({}, ...breaches.map(part)) as T;

function broken(breaches: readonly Breach[]): string {
  const rules = { approval: 'always', ...all((one) => one.mandate, breaches) };
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
    expect(broken([])).toBe('needs_approval');
  });

  it('is short for a reduction, and shorter for a cut', () => {
    expect(REDUCTION_CONTROLS.map((control) => control.number)).toEqual(['1', '3', '4', '8', '10', '13']);
    expect(CUT_CONTROLS.map((control) => control.number)).toEqual(['1', '4', '10']);
  });

  it('lets a reduction decide in its order too', () => {
    const about = (from: number): Partial<Facts> => ({
      ...holding('5'),
      ...(from <= 0 ? { tradingState: 'HALTED' as const } : {}),
      ...(from <= 1 ? { phase: undefined } : {}),
      ...(from <= 4 ? { messagesLastSecond: 10 } : {}),
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

const figure = (max: number) => fc.integer({ min: 0, max }).map(String);
const limits = fc.record({
  max_order_qty: figure(30),
  max_order_value: figure(9_000),
  max_daily_value: figure(20_000),
  max_daily_orders: fc.integer({ min: 0, max: 12 }),
  max_daily_loss: figure(600),
  max_open_orders: fc.integer({ min: 0, max: 12 }),
  max_gross_exposure: figure(20_000),
  allow_short: fc.boolean(),
  may_reduce: fc.constantFrom('own', 'account'),
  approval: fc.oneof(
    fc.constantFrom('always', 'never'),
    figure(4_000).map((above) => ({ above })),
  ),
});
const worlds = fc
  .record({
    rules: limits,
    own: fc.integer({ min: -12, max: 12 }),
    taken: fc.integer({ min: 0, max: 4 }),
    others: fc.integer({ min: -5, max: 5 }),
    used: figure(3_000),
    reserved: figure(3_000),
    exposure: figure(3_000),
    loss: figure(300),
    unapproved: figure(2_000),
    orders: fc.integer({ min: 0, max: 4 }),
    open: fc.integer({ min: 0, max: 4 }),
    messages: fc.integer({ min: 0, max: 11 }),
    power: figure(20_000),
    sells: fc.integer({ min: 0, max: 4 }),
  })
  .map((world): Facts => {
    const left = quantity(String(Math.max(0, Math.abs(world.own) - world.taken)));
    return facts({
      mandate: mandate(world.rules),
      ownQty: quantity(String(world.own)),
      reducible: left,
      accountQty: quantity(String(world.own + world.others)),
      accountReducible: quantity(String(Math.max(0, Math.abs(world.own + world.others) - world.taken))),
      workingSells: quantity(String(world.sells)),
      valueUsed: money(world.used),
      valueReserved: money(world.reserved),
      exposure: money(world.exposure),
      lossToday: money(world.loss),
      unapprovedValue: money(world.unapproved),
      ordersToday: world.orders,
      openOrders: world.open,
      messagesLastSecond: world.messages,
      buyingPower: money(world.power),
    });
  });
const tenths = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((count) => text(quantity(String(count)).times('0.1') as never));
const orders: fc.Arbitrary<ProposalWords> = fc
  .record({
    side: fc.constantFrom('buy' as const, 'sell' as const),
    qty: fc.integer({ min: 0, max: 12 }).map(String),
    price: fc.option(tenths(940, 1_060), { nil: undefined }),
    stop: fc.option(tenths(940, 1_060), { nil: undefined }),
    reduceOnly: fc.constantFrom(false, false, false, true),
    takeProfit: fc.option(tenths(940, 1_060), { nil: undefined, freq: 1 }),
    origin: fc.constantFrom('agent' as const, 'agent' as const, 'close' as const),
  })
  .map(({ price, stop, takeProfit, ...rest }) => ({
    ...rest,
    ...(price === undefined ? {} : { limit: price }),
    ...(stop === undefined ? {} : { stop }),
    ...(takeProfit === undefined ? {} : { takeProfit }),
  }));

/** Each makes the world worse in one fact and leaves all others. */
const WORSE: { readonly [what: string]: (now: Facts) => Partial<Facts> } = {
  'the state is stricter': ({ tradingState }) => ({
    tradingState: tradingState === 'ACTIVE' ? 'REDUCING' : 'HALTED',
  }),
  'the state is the strictest': () => ({ tradingState: 'HALTED' }),
  'the mandate is gone': () => ({ mandate: undefined }),
  'the mandate is revoked': ({ mandate: now }) => ({ mandate: now && { ...now, revokedAtMs: 1 } }),
  'the mandate has ended': ({ mandate: now }) => ({ mandate: now && { ...now, expiresAtMs: WALL_MS } }),
  'the mandate names another account': ({ mandate: now }) => ({
    mandate: now && { ...now, accounts: new Set([accountId('x')]) },
  }),
  'the mandate names another symbol': ({ mandate: now }) => ({
    mandate: now && { ...now, instruments: new Set() },
  }),
  'the price is gone': () => ({ quote: undefined, quoteAgeMs: null }),
  'the price is old': () => ({ quoteAgeMs: 30_001 }),
  'the rate is gone': () => ({ fxRate: undefined }),
  'the market is gone': () => ({ phase: undefined }),
  'more is used': ({ valueUsed }) => ({ valueUsed: money(text(valueUsed.plus('0.01') as never)) }),
  'more is reserved': ({ valueReserved }) => ({
    valueReserved: money(text(valueReserved.plus('100') as never)),
  }),
  'more is held': ({ exposure }) => ({ exposure: money(text(exposure.plus('100') as never)) }),
  'more is lost': ({ lossToday }) => ({ lossToday: money(text(lossToday.plus('100') as never)) }),
  'more is unapproved': ({ unapprovedValue }) => ({
    unapprovedValue: money(text(unapprovedValue.plus('100') as never)),
  }),
  'another order was placed today': ({ ordersToday }) => ({ ordersToday: ordersToday + 1 }),
  'another order is open': ({ openOrders }) => ({ openOrders: openOrders + 1 }),
  'another message was sent': ({ messagesLastSecond }) => ({ messagesLastSecond: messagesLastSecond + 1 }),
  'less can be bought': ({ buyingPower }) => ({
    buyingPower: money(text(buyingPower.minus('100') as never)),
  }),
  'the client order id is known': () => ({ sameClientOrderId: 'ord_1' }),
  'another adding sale is at work': ({ workingSells }) => ({
    workingSells: quantity(text(workingSells.plus('1') as never)),
  }),
  'less is reducible': ({ reducible, accountReducible }) => ({
    reducible: reducible.gt('0') ? quantity(text(reducible.minus('1') as never)) : reducible,
    accountReducible: accountReducible.gt('0')
      ? quantity(text(accountReducible.minus('1') as never))
      : accountReducible,
  }),
};

describe('a worse world', () => {
  it.each(Object.entries(WORSE))('never clears what was refused: %s', (_what, worsen) => {
    let refused = 0;
    fc.assert(
      fc.property(worlds, orders, (world, words) => {
        const order = proposal(words);
        const before = assess(world, order);
        if (before.kind === 'cleared') return;
        refused++;
        expect(assess({ ...world, ...worsen(world) }, order).kind).not.toBe('cleared');
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(30);
  });

  it('is not the same as a world in which everything is refused', () => {
    let cleared = 0;
    fc.assert(
      fc.property(worlds, orders, (world, words) => {
        if (assess(world, proposal(words)).kind === 'cleared') cleared++;
      }),
      { numRuns: 1_000 },
    );
    expect(cleared).toBeGreaterThan(50);
  });
});

describe('what is cleared', () => {
  it('is within every limit, recomputed from the facts alone', () => {
    fc.assert(
      fc.property(worlds, orders, (world, words) => {
        const order = proposal(words);
        const verdict = assess(world, order);
        if (verdict.kind !== 'cleared') return;
        const { mandate: now } = world;
        if (now === undefined) throw new Error('these worlds have one');
        if (verdict.effect === 'reducing') {
          const after = positionAfter(world, order.terms.side, order.terms.qty);
          const flips = !after.eq('0') && !world.ownQty.eq('0') && after.gt('0') !== world.ownQty.gt('0');
          if (now.document.may_reduce === 'own') expect(flips).toBe(false);
          return;
        }
        const worth = verdict.valued.value;
        expect(worth.gt('0')).toBe(true);
        expect(order.terms.qty.lte(now.maxOrderQty)).toBe(true);
        expect(worth.lte(now.maxOrderValue)).toBe(true);
        expect(world.valueUsed.plus(world.valueReserved).plus(worth).lte(now.maxDailyValue)).toBe(true);
        expect(world.exposure.plus(world.valueReserved).plus(worth).lte(now.maxGrossExposure)).toBe(true);
        expect(world.ordersToday).toBeLessThan(now.document.max_daily_orders);
        expect(world.openOrders).toBeLessThan(now.document.max_open_orders);
        expect(world.lossToday.eq('0') || world.lossToday.lt(now.maxDailyLoss)).toBe(true);
        expect(worth.lte(world.buyingPower)).toBe(true);
        if (order.terms.side === 'sell' && !now.document.allow_short) {
          const sold = world.workingSells.plus(order.terms.qty);
          expect(world.ownQty.gt('0') && sold.lte(world.reducible)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('whatever the facts', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), fc.constantFrom('1', '0.1', '0.00000001', '0'))
    .map(([units, step]) => text(ratio(String(units)).times(step) as never));
  const state = fc.constantFrom('ACTIVE' as const, 'REDUCING' as const, 'HALTED' as const);
  const wild = fc
    .record({
      tradingState: state,
      bid: decimal,
      ask: decimal,
      last: fc.option(decimal),
      noQuote: fc.boolean(),
      age: fc.option(fc.integer()),
      fx: fc.option(decimal),
      own: decimal,
      left: decimal,
      whole: decimal,
      money: decimal,
      power: decimal,
      count: fc.integer(),
      noPhase: fc.boolean(),
      noMandate: fc.boolean(),
      rules: limits,
      change: fc.constantFrom('none', 'adding', 'reducing'),
      filled: decimal,
      coin: fc.boolean(),
    })
    .map(
      (one): Facts =>
        facts({
          tradingState: one.tradingState,
          quote: one.noQuote
            ? undefined
            : {
                ...quote('1', '1'),
                bid: money(one.bid) as never,
                ask: money(one.ask) as never,
                last: one.last === null ? null : (money(one.last) as never),
              },
          quoteAgeMs: one.noQuote ? null : (one.age ?? 0),
          fxRate: one.fx === null ? undefined : ratio(one.fx),
          ownQty: quantity(one.own),
          reducible: quantity(one.left),
          accountQty: quantity(one.whole),
          accountReducible: quantity(one.left),
          valueUsed: money(one.money),
          valueReserved: money(one.money),
          exposure: money(one.money),
          lossToday: money(one.money),
          buyingPower: money(one.power),
          ordersToday: one.count,
          openOrders: one.count,
          messagesLastSecond: one.count,
          phase: one.noPhase ? undefined : phase('open'),
          mandate: one.noMandate ? undefined : mandate(one.rules),
          changes:
            one.change === 'none'
              ? undefined
              : {
                  ...working({ effect: one.change as 'adding' | 'reducing' }),
                  filledQty: quantity(one.filled),
                },
          instrument: one.coin ? { ...XYZ, assetClass: 'crypto' } : XYZ,
        }),
    );
  const strange: fc.Arbitrary<ProposalWords> = fc
    .record({
      side: fc.constantFrom('buy' as const, 'sell' as const),
      type: fc.constantFrom(
        'market' as const,
        'limit' as const,
        'stop' as const,
        'stop_limit' as const,
        'trailing_stop' as const,
      ),
      qty: decimal,
      limit: fc.option(decimal, { nil: undefined }),
      stop: fc.option(decimal, { nil: undefined }),
      trailPercent: fc.option(decimal, { nil: undefined }),
      takeProfit: fc.option(decimal, { nil: undefined }),
      stopLoss: fc.option(decimal, { nil: undefined }),
      notional: fc.option(decimal, { nil: undefined }),
      reduceOnly: fc.boolean(),
      origin: fc.constantFrom('agent' as const, 'close' as const, 'flatten' as const),
    })
    .map(
      (words) =>
        Object.fromEntries(Object.entries(words).filter(([, word]) => word !== undefined)) as ProposalWords,
    );

  it('gives a verdict and never throws, and a refusal has a reason of the closed union', () => {
    fc.assert(
      fc.property(wild, strange, (world, words) => {
        const verdict = assess(world, proposal(words));
        if (verdict.kind === 'cleared') {
          expect(words.qty?.startsWith('-')).toBe(false);
          if (verdict.effect === 'adding' && world.changes === undefined) {
            expect(world.tradingState).toBe('ACTIVE');
            expect(world.mandate).toBeDefined();
            expect(verdict.valued.value.gt('0')).toBe(true);
          }
          return;
        }
        expect(REFUSAL_REASONS).toContain(verdict.refusal.reason);
        expect(verdict.refusal.retry_safe).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives the same verdict for the same facts', () => {
    fc.assert(
      fc.property(wild, strange, (world, words) => {
        const once = assess(world, proposal(words));
        const twice = assess(world, proposal(words));
        expect(JSON.stringify(twice)).toBe(JSON.stringify(once));
      }),
      { numRuns: 200 },
    );
  });
});
