/** Rule 25 and the laws of the books, over random markets and random traders. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PaperRules, PRESET_RULES } from '#brokers/paper/settings.ts';
import { ABC, PLAIN, paperVenue, type StepWords, type TestVenue } from '../../support/paper-venue.ts';
import { audit, randomTrader, seededNumbers } from '../../support/random-trader.ts';

const GRID = { tick: '0.01', lot: '1', lotsMax: 200, ticksMax: 40 } as const;
const hundredths = (cents: number): string => (cents / 100).toFixed(2);

/** Bars of four steps on a random walk, sessions of five bars, a tape of `bars` bars, with sizes and volume. */
function market(seed: number) {
  const next = seededNumbers(seed);
  let cents = 10_000;
  let steps = 0;
  let bar:
    | { low: number; high: number; close: number; path: number[]; volume: string; size: string }
    | undefined;
  return (bars: number): StepWords => {
    const step = steps % 4;
    const number = Math.floor(steps / 4);
    if (step === 0 || bar === undefined) {
      const open = Math.max(200, cents + Math.floor((next() - 0.5) * 60));
      const high = open + Math.floor(next() * 40);
      const low = Math.max(100, open - Math.floor(next() * 40));
      const close = low + Math.floor(next() * (high - low + 1));
      bar = {
        low,
        high,
        close,
        path: next() < 0.5 ? [open, high, low, close] : [open, low, high, close],
        volume: String(1000 + Math.floor(next() * 100_000)),
        size: String(1 + Math.floor(next() * 300)),
      };
    }
    steps++;
    cents = bar.path[step] ?? cents;
    const last = step === 3;
    return {
      bid: hundredths(cents),
      ask: hundredths(cents + 1),
      last: hundredths(cents),
      kind: step === 0 ? 'gap' : 'move',
      bids: bar.size,
      asks: bar.size,
      volume: bar.volume,
      stepsPerBar: 4,
      bar: {
        low: hundredths(bar.low),
        high: hundredths(bar.high + 1),
        close: hundredths(bar.close),
        key: `bar ${number}`,
      },
      sessionEnd: last && number % 5 === 4,
      tapeEnd: last && number % bars === bars - 1,
    };
  };
}

interface Play {
  readonly seed: number;
  readonly rules: PaperRules;
  readonly accountType: 'cash' | 'margin';
  readonly steps: number;
  /** Before which steps the store is closed and opened again. */
  readonly restarts?: readonly number[];
}

async function play(words: Play): Promise<TestVenue> {
  let v = paperVenue({ rules: words.rules, accountType: words.accountType, seed: words.seed, cash: '20000' });
  const step = market(words.seed);
  const trader = randomTrader(words.seed, GRID);
  let mid = '100.00';
  for (let n = 0; n < words.steps; n++) {
    if (words.restarts?.includes(n) === true) v = v.reopen();
    const said = step(20);
    mid = said.bid;
    v.step(said);
    for (let acts = Math.floor(trader.next() * 3); acts > 0; acts--) {
      const act = trader.act(mid);
      if (act.kind === 'place') await v.place(act.order);
      else if (act.kind === 'replace') await v.replace(act.order);
      else await v.cancel(act.id);
    }
  }
  return v;
}

function everything({ store }: TestVenue): unknown {
  return ['paper_accounts', 'paper_orders', 'paper_history', 'paper_journal'].map((table) =>
    store.db.prepare(`SELECT * FROM ${table}`).all(),
  );
}

const plays = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  rules: fc.constantFrom(PLAIN, ...Object.values(PRESET_RULES)),
  accountType: fc.constantFrom('cash', 'margin' as const),
});

describe('rule 25: the same tape and seed', () => {
  test('give a byte-identical journal, and so does a run that was restarted in the middle', async () => {
    await fc.assert(
      fc.asyncProperty(
        plays,
        fc.uniqueArray(fc.integer({ min: 1, max: 119 }), { minLength: 1, maxLength: 6 }),
        async (words, restarts) => {
          const whole = await play({ ...words, steps: 120 });
          const cut = await play({ ...words, steps: 120, restarts });
          try {
            expect(cut.adapter.journal()).toEqual(whole.adapter.journal());
            expect(everything(cut)).toEqual(everything(whole));
            expect(await cut.adapter.balance()).toEqual(await whole.adapter.balance());
            expect(await cut.adapter.openOrders()).toEqual(await whole.adapter.openOrders());
          } finally {
            whole.close();
            cut.close();
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);

  test('another seed gives another journal where chance plays a part', async () => {
    const journals = await Promise.all(
      [3, 4].map(async (seed) => {
        const v = paperVenue({ seed, rules: PRESET_RULES.realistic });
        v.step({ bid: '10.00', ask: '10.01' });
        for (let n = 0; n < 20; n++) {
          await v.place({ id: `o${n}`, side: 'buy', qty: '90' });
          v.step({ bid: '10.00', ask: '10.01', volume: '1000' });
        }
        const journal = v.adapter.journal();
        v.close();
        return journal;
      }),
    );
    expect(journals[0]).not.toEqual(journals[1]);
  });

  test('the journal holds market time only, and no id of the caller', async () => {
    const v = await play({ seed: 5, rules: PRESET_RULES.realistic, accountType: 'margin', steps: 60 });
    const day = new Date(Date.UTC(2020, 5, 1)).toISOString().slice(0, 10);
    for (const line of v.adapter.journal()) {
      expect((JSON.parse(line) as { time: string }).time).toMatch(new RegExp(`^${day}`));
      expect(line).not.toMatch(/"o\d+/);
    }
    v.close();
  });
});

describe('the laws of the books', () => {
  test('hold for random traders on random markets under every preset', async () => {
    let executions = 0;
    await fc.assert(
      fc.asyncProperty(plays, async (words) => {
        const v = await play({ ...words, steps: 160 });
        try {
          const sums = audit(v.adapter.journal(), words.accountType);
          executions += sums.executions;
          const { cash } = await v.adapter.balance();
          expect(sums.cash.toFixed()).toBe(cash.toFixed());
          // Cash and positions at cost are what was paid in, what was earned, and what was paid in fees.
          const state = JSON.parse(
            String(v.store.db.prepare('SELECT state FROM paper_accounts').pluck().get()),
          ) as { positions: [string, { cost: string }][] };
          const cost = state.positions[0]?.[1].cost ?? '0';
          expect(sums.cash.plus(cost).toFixed()).toBe(
            sums.deposits.plus(sums.realised).minus(sums.fees).toFixed(),
          );
          const history = await v.adapter.historySince(undefined);
          expect(history.executions).toHaveLength(sums.executions);
          let held = ABC.lot.minus('1');
          for (const one of history.executions)
            held = one.side === 'buy' ? held.plus(one.qty) : held.minus(one.qty);
          expect(
            history.settlements.length > 0 || held.eq((await v.adapter.positions())[0]?.qty ?? '0'),
          ).toBe(true);
        } finally {
          v.close();
        }
      }),
      { numRuns: 40 },
    );
    expect(executions).toBeGreaterThan(200);
  }, 60_000);
});
