/** Properties of the decision: a worse world never clears more, what is cleared is within every limit, and nothing makes it throw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, money, price, quantity, ratio, scale, subtract, text } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import { REFUSAL_REASONS } from '#domain/refusal.ts';
import type { Facts } from '#trading/facts.ts';
import { assess, positionAfter } from '#trading/risk.ts';
import {
  facts,
  mandate,
  type ProposalWords,
  phase,
  proposal,
  quote,
  WALL_MS,
  working,
  XYZ,
} from '../support/facts.ts';
import { limits, orders, worlds } from '../support/worlds.ts';

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
  'more is used': ({ valueUsed }) => ({ valueUsed: add(valueUsed, money('0.01')) }),
  'more is reserved': ({ valueReserved }) => ({
    valueReserved: add(valueReserved, money('100')),
  }),
  'more is held': ({ exposure }) => ({ exposure: add(exposure, money('100')) }),
  'more is lost': ({ lossToday }) => ({ lossToday: add(lossToday, money('100')) }),
  'more is unapproved': ({ unapprovedValue }) => ({
    unapprovedValue: add(unapprovedValue, money('100')),
  }),
  'another order was placed today': ({ ordersToday }) => ({ ordersToday: ordersToday + 1 }),
  'another order is open': ({ openOrders }) => ({ openOrders: openOrders + 1 }),
  'another message was sent': ({ messagesLastSecond, ownMessagesLastSecond }) => ({
    messagesLastSecond: messagesLastSecond + 1,
    ownMessagesLastSecond: ownMessagesLastSecond + 1,
  }),
  'less can be bought': ({ buyingPower }) => ({
    buyingPower: subtract(buyingPower, money('100')),
  }),
  'more is lost in the account': ({ accountLoss, accountLimits }) => ({
    accountLimits: { ...accountLimits, maxDailyLoss: accountLimits.maxDailyLoss ?? money('1000') },
    accountLoss: add(accountLoss, money('100')),
  }),
  'the account is further down': ({ accountDrawdownPercent }) => ({
    accountDrawdownPercent: add(accountDrawdownPercent, ratio('10')),
  }),
  'another position is open': ({ positionsOpen, accountLimits }) => ({
    accountLimits: { ...accountLimits, maxPositions: accountLimits.maxPositions ?? 5 },
    positionsOpen: positionsOpen + 1,
  }),
  'another order was sent': ({ executions }) => ({
    executions: executions && { ...executions, used: executions.used + 1 },
  }),
  'somebody else rests at the touch': ({ quote: now }) => ({ opposing: now?.last ?? now?.bid }),
  'an order like many is unclear': () => ({ unclear: [working()] }),
  'the client order id is known': () => ({ sameClientOrderId: 'ord_1' }),
  'another adding sale is at work': ({ workingSells }) => ({
    workingSells: add(workingSells, quantity('1')),
  }),
  'less is reducible': ({ reducible, accountReducible }) => ({
    reducible: reducible.gt('0') ? subtract(reducible, quantity('1')) : reducible,
    accountReducible: accountReducible.gt('0') ? subtract(accountReducible, quantity('1')) : accountReducible,
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

describe('an order that is cleared', () => {
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
    .map(([units, step]) => text(scale(ratio(String(units)), ratio(step))));
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
                bid: price(one.bid),
                ask: price(one.ask),
                last: one.last === null ? null : price(one.last),
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
