/** No sequence of tighten_mandate calls ever lets anything pass that did not pass before it; judged by the pure decision. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tighten } from '#access/tighten.ts';
import { ownerCalendar } from '#access/trading-hours.ts';
import { money, quantity } from '#domain/decimal.ts';
import { defineInstrument, type Instrument } from '#domain/instrument.ts';
import type { Mandate } from '#domain/mandate.ts';
import { accountId } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { Facts } from '#trading/facts.ts';
import { assess } from '#trading/risk.ts';
import { mayReduceAccount } from '#trading/risk-reducing.ts';
import { facts, holding, mandate, phase, proposal, WALL_MS, XYZ } from '../support/facts.ts';
import { orders, worlds } from '../support/worlds.ts';

const SEED = Number(process.env['TIGHTEN_SEED'] ?? randomInt(1_000_000_000));
console.info(`tightening: TIGHTEN_SEED=${SEED}`);

const like = (symbol: string, assetClass: Instrument['assetClass']): Instrument =>
  defineInstrument({
    id: `TEST:${symbol}`,
    symbol,
    name: symbol,
    assetClass,
    currency: 'USD',
    tick: '0.1',
    lot: '1',
    calendar: 'tape',
    timezone: 'UTC',
    aliases: [],
  });
const BOOK = new Map([XYZ, like('COIN', 'crypto'), like('IDX', 'index')].map((one) => [one.symbol, one]));
const instruments = {
  resolve(symbol: string) {
    const found = BOOK.get(symbol);
    return found === undefined ? err(refuse('unknown_symbol', 'There is no such symbol.')) : ok([found]);
  },
};
const calendar = ownerCalendar('UTC');
const DAY_MS = 86_400_000;

const amount = fc.integer({ min: 0, max: 2_000 }).map(String);
const some = <T>(...of: readonly T[]) => fc.subarray([...of], { minLength: 1 });
const hours = fc.oneof(
  fc.constantFrom('any', 'session'),
  fc
    .record({
      timezone: fc.constantFrom('UTC', 'Europe/Berlin'),
      days: some('mon', 'tue'),
      from: fc.constantFrom('00:00', '11:59', '12:00', '12:01'),
      to: fc.constantFrom('12:01', '12:02', '23:59'),
    })
    .filter(({ from, to }) => from < to),
);
const end = fc.constantFrom(
  null,
  ...[-1, 0, 1, 2].map((days) => new Date(WALL_MS + days * DAY_MS).toISOString()),
);
const FIELDS = {
  accounts: some('paper', 'second'),
  symbols: fc.oneof(fc.constant(['*']), some('XYZ', 'COIN', 'IDX')),
  asset_classes: some('equity', 'crypto', 'index'),
  sides: some('buy', 'sell'),
  may_reduce: fc.constantFrom('own', 'account'),
  order_types: some('market', 'limit', 'stop', 'stop_limit'),
  allow_short: fc.boolean(),
  max_order_qty: fc.integer({ min: 0, max: 15 }).map(String),
  max_order_value: amount,
  max_daily_value: fc.integer({ min: 0, max: 8_000 }).map(String),
  max_daily_orders: fc.integer({ min: 0, max: 12 }),
  max_daily_loss: fc.integer({ min: 0, max: 400 }).map(String),
  max_open_orders: fc.integer({ min: 0, max: 12 }),
  max_gross_exposure: fc.integer({ min: 0, max: 8_000 }).map(String),
  trading_hours: hours,
  expires_at: end,
  commit: fc.constantFrom('one_step', 'two_step'),
  approval: fc.oneof(
    fc.constantFrom('always', 'never'),
    amount.map((above) => ({ above })),
  ),
} as const;

/** Wide enough that most of what is tried passes at first. */
const starts = fc
  .tuple(fc.record(FIELDS), fc.subarray(Object.keys(FIELDS), { maxLength: 5 }))
  .map(([drawn, kept]): Mandate => {
    const { symbols, ...fields } = Object.fromEntries(
      kept.map((name) => [name, drawn[name as keyof typeof drawn]]),
    );
    const listed = (symbols as readonly string[] | undefined) ?? ['*'];
    const resolved = listed[0] === '*' ? {} : { resolved: listed.map((symbol) => `TEST:${symbol}`) };
    return mandate({ may_reduce: 'account', ...fields, symbols: listed }, resolved);
  });
/** A field or two at a time: with more of them at random hardly anything would be tighter in all. */
const ask = fc
  .tuple(fc.record(FIELDS), fc.subarray(Object.keys(FIELDS), { minLength: 1, maxLength: 2 }))
  .map(([drawn, kept]) => Object.fromEntries(kept.map((name) => [name, drawn[name as keyof typeof drawn]])));
const asks = fc.array(ask, { minLength: 1, maxLength: 12 });

/** Where and when an order is tried, beside the facts that no mandate changes. */
const places = fc.record({
  instrument: fc.constantFrom(...BOOK.values()),
  account: fc.constantFrom('paper', 'second').map(accountId),
  phase: fc.constantFrom('open' as const, 'open' as const, 'extended' as const, 'closed' as const).map(phase),
  laterMs: fc.constantFrom(0, 0, 1, 60_000, DAY_MS, 2 * DAY_MS),
  tradingState: fc.constantFrom('ACTIVE' as const, 'ACTIVE' as const, 'REDUCING' as const, 'HALTED' as const),
});

/** Where most things pass, so that what a mandate takes away shows; and any world at all. */
const quiet = fc
  .record({
    own: fc.integer({ min: -6, max: 6 }),
    others: fc.integer({ min: -6, max: 6 }),
    used: fc.integer({ min: 0, max: 900 }),
  })
  .map(({ own, others, used }): Facts => {
    const whole = own + others;
    return facts({
      ...holding(String(own)),
      accountQty: quantity(String(whole)),
      accountReducible: quantity(String(Math.abs(whole))),
      valueUsed: money(String(used)),
      unapprovedValue: money(String(used)),
      ordersToday: used % 7,
      openOrders: used % 5,
    });
  });
const simple = fc.record({
  side: fc.constantFrom('buy' as const, 'sell' as const),
  qty: fc.integer({ min: 1, max: 8 }).map(String),
  limit: fc.constantFrom('99.9', '100'),
});
const tries = fc.tuple(
  fc.oneof({ weight: 3, arbitrary: quiet }, worlds),
  fc.oneof({ weight: 3, arbitrary: simple }, orders),
  places,
);

/** As `readFacts` would read it under this mandate. */
function under(now: Mandate, world: Facts): Facts {
  const { trading_hours: own } = now.document;
  const withinHours = own === 'session' || calendar.inTradingHours(own, world.wallMs);
  return { ...world, mandate: now, withinHours };
}

const RANK = { refused: 0, needs_approval: 1, cleared: 2 } as const;

describe('whatever an agent asks of its own mandate, and however often', () => {
  it('nothing passes that did not pass before, and nothing passes without a human that needed one', () => {
    const seen = { changed: 0, passed: 0, taken: 0 };
    fc.assert(
      fc.property(starts, asks, fc.array(tries, { minLength: 8, maxLength: 8 }), (first, wishes, tried) => {
        let now = first;
        for (const wish of wishes) {
          const done = tighten(now, wish, instruments);
          if (!done.ok) {
            expect(done.error.reason).toBe('loosening_refused');
            continue;
          }
          const next = done.value.mandate;
          if (done.value.changed.length > 0) seen.changed++;
          for (const [base, words, { laterMs, ...place }] of tried) {
            const world: Facts = { ...base, ...place, wallMs: WALL_MS + laterMs };
            const order = proposal(words);
            const [before, after] = [assess(under(now, world), order), assess(under(next, world), order)];
            if (RANK[before.kind] > 0) seen.passed++;
            if (RANK[after.kind] < RANK[before.kind]) seen.taken++;
            expect(RANK[after.kind]).toBeLessThanOrEqual(RANK[before.kind]);
            if (mayReduceAccount(next, world.account, world.wallMs))
              expect(mayReduceAccount(now, world.account, world.wallMs)).toBe(true);
          }
          if (next.document.commit === 'one_step') expect(now.document.commit).toBe('one_step');
          now = next;
        }
        // What the first one refuses, the last one does.
        for (const wish of wishes) {
          const early = tighten(first, wish, instruments);
          const late = tighten(now, wish, instruments);
          if (!early.ok) expect(late.ok).toBe(false);
        }
      }),
      { seed: SEED, numRuns: 1_500 },
    );
    // The property is about something: mandates did change, orders did pass, and some of them did not any more.
    expect(seen.changed).toBeGreaterThan(1_000);
    expect(seen.passed).toBeGreaterThan(1_000);
    expect(seen.taken).toBeGreaterThan(100);
  });

  it('asking for exactly what is in force changes nothing, in any order of it', () => {
    fc.assert(
      fc.property(starts, (now) => {
        const { tests: _tests, ...document } = now.document;
        const same = tighten(now, document, instruments);
        expect(same).toMatchObject({ ok: true, value: { changed: [], mandate: { version: now.version } } });
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
