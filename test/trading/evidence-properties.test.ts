/** Whatever the owner records and whatever the broker tells afterwards, the books balance and end as the broker says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, money, ONE, price, quantity, scale, sum, value, ZERO_MONEY } from '#domain/decimal.ts';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import type { BrokerEvent } from '#ports.ts';
import { EVIDENCE_OUTCOMES, type RecordedFill } from '#trading/owner-desk.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import { commit, draft, type TradingRoom, tradingRoom } from '../support/trading-room.ts';
import { expectWhole } from '../support/whole-books.ts';

const at = fc.integer({ min: 143_000, max: 146_000 }).map((cents) => `${cents / 100}`);
const fee = fc.integer({ min: 0, max: 300 }).map((cents) => `${cents / 100}`);
/** How the venue treats an order, what happens to it there, and what the owner believes to have read. */
const story = fc.record({
  agent: fc.constantFrom('claude', 'cursor'),
  side: fc.constantFrom('buy' as const, 'sell' as const),
  qty: fc.integer({ min: 1, max: 9 }),
  lost: fc.boolean(),
  fills: fc.array(fc.record({ qty: fc.integer({ min: 1, max: 5 }), at, fee }), { maxLength: 3 }),
  end: fc.constantFrom('none' as const, 'canceled' as const, 'expired' as const, 'rejected' as const),
  outcome: fc.constantFrom(...EVIDENCE_OUTCOMES),
  read: fc.array(
    fc.record({
      qty: fc.integer({ min: 1, max: 9 }),
      at,
      fee,
      id: fc.option(fc.integer({ min: 1, max: 12 })),
    }),
    { maxLength: 3 },
  ),
  /** Between this order and the next the broker can be heard. */
  heals: fc.boolean(),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

function tell(broker: ScriptedBroker, order: OrderRecord, { qty, fills, end }: Story): void {
  if (broker.order(order.brokerClientId) === undefined) return;
  let left = qty;
  for (const fill of fills) {
    const part = Math.min(fill.qty, left);
    if (part > 0) broker.fill(order.brokerClientId, String(part), fill.at, fill.fee);
    left -= part;
  }
  if (end !== 'none') broker.end(order.brokerClientId, end);
}

function record(room: TradingRoom, order: OrderRecord, { outcome, read, qty }: Story): void {
  let left = qty;
  const fills: RecordedFill[] = [];
  for (const [index, one] of read.entries()) {
    // Mostly what fits: what does not is refused, and that has tests of its own.
    const isLast = outcome === 'filled' && index === read.length - 1;
    const part = isLast ? left : Math.min(one.qty, left);
    left -= part;
    if (part === 0) continue;
    const executionId = one.id === null ? {} : { executionId: `x${one.id}` };
    fills.push({ qty: quantity(String(part)), price: price(one.at), fee: money(one.fee), ...executionId });
  }
  const nothing = outcome === 'never_received' || outcome === 'rejected';
  room.trading.owner.recordEvidence({
    orderId: order.orderId,
    outcome,
    fills: nothing ? [] : fills,
    source: 'the statement',
    text: 'a line of it',
    pricesConfirmed: true,
    observedAtMs: room.clock.wallMs(),
    by: OWNER_CONSOLE,
  });
}

/** Balanced at every moment, whoever is right. */
function expectBalanced(room: TradingRoom): void {
  const amounts = room.store.db
    .prepare('SELECT amount FROM ledger_balances')
    .pluck()
    .all() as readonly string[];
  expect(sum(ZERO_MONEY, amounts.map(money)).toFixed(), 'all entries together').toBe('0');
  const wrong = room.store.db
    .prepare(`SELECT holder, qty, cost FROM holdings WHERE (qty = '0') <> (cost = '0')`)
    .all();
  expect(wrong, 'a cost without a position').toEqual([]);
}

const repeated = (events: BrokerEvent[], order: readonly number[]): BrokerEvent[] =>
  events
    .flatMap((event, index) => ((order[index % order.length] ?? 0) % 3 === 0 ? [event, event] : [event]))
    .map((event, index) => ({ event, place: order[index % order.length] ?? 0 }))
    .sort((a, b) => a.place - b.place)
    .map(({ event }) => event);

async function heal({ room, broker }: Scene, order: readonly number[]): Promise<void> {
  broker.deaf = false;
  broker.release((events) => repeated(events, order));
  expectBalanced(room);
  await room.clock.advanceAsync(60_000);
}

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
}

async function act({ room, broker }: Scene, who: Principal, one: Story): Promise<OrderRecord | undefined> {
  broker.deaf = true;
  broker.silent = true;
  broker.next.place.push({ effect: one.lost ? 'lose' : 'accept', answer: 'unknown' });
  // An account takes so many orders a second.
  await room.clock.advanceAsync(1_000);
  const asked = draft({ side: one.side, qty: String(one.qty) });
  const placed = await room.trading.placeOrder(who, asked, commit());
  broker.next.place.length = 0;
  // The same intent can not go out while the first is unclear.
  return placed.ok && !placed.value.dryRun ? placed.value.order : undefined;
}

interface Recorded {
  readonly executionId: string;
  readonly qty: ReturnType<typeof quantity>;
  readonly price: ReturnType<typeof price>;
}

/**
 * What is left of fills that the owner alone has read of: of orders that the broker does not know, and nothing altogether. Its
 * positions are the same with and without them, so it proves nothing against them, and what it can not prove is not guessed.
 */
function unprovable({ room, broker }: Scene): readonly Recorded[] {
  const rows = room.store.db
    .prepare(
      `SELECT r.execution_id, r.qty, r.price, o.instrument_id AS instrument, o.side, o.broker_client_id
       FROM recorded_fills r JOIN orders o USING (order_id) WHERE r.qty <> '0'`,
    )
    .all() as readonly Record<
    'execution_id' | 'qty' | 'price' | 'instrument' | 'side' | 'broker_client_id',
    string
  >[];
  const net = new Map<string, number>();
  for (const row of rows) {
    expect(broker.order(row.broker_client_id), 'what the broker knows, it tells').toBeUndefined();
    const before = net.get(row.instrument) ?? 0;
    net.set(row.instrument, before + (row.side === 'buy' ? 1 : -1) * Number(row.qty));
  }
  expect(
    [...net.values()].filter((qty) => qty !== 0),
    'what its positions lack is taken back',
  ).toEqual([]);
  return rows.map((row) => ({
    executionId: row.execution_id,
    qty: quantity(row.qty),
    price: price(row.price),
  }));
}

/** What these executions of adding orders come to, by agent. */
function filledAdding({ room }: Scene, executions: readonly Recorded[]): Readonly<Record<string, string>> {
  const totals = new Map<string, ReturnType<typeof money>>();
  for (const execution of executions) {
    const row = room.store.db
      .prepare(
        'SELECT o.agent_id, o.effect FROM executions e JOIN orders o USING (order_id) WHERE execution_id = ?',
      )
      .get(execution.executionId) as { agent_id: string; effect: string } | undefined;
    expect(row, `execution ${execution.executionId} is in the books`).toBeDefined();
    if (row === undefined || row.effect !== 'adding') continue;
    const worth = scale(value(execution.price, execution.qty), room.book.builtIn()[0]?.multiplier ?? ONE);
    totals.set(row.agent_id, add(totals.get(row.agent_id) ?? ZERO_MONEY, worth));
  }
  return Object.fromEntries([...totals].map(([agent, total]) => [agent, total.toFixed()]));
}

describe('evidence and the broker’s word in any order', () => {
  it('leave books that balance, and are the broker’s once it was heard', async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`evidence: seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(story, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(1_000), { minLength: 7, maxLength: 7 }),
        fc.boolean(),
        async (stories, order, restarts) => {
          const broker = scriptedBroker();
          const options = { adapter: () => broker, mandate: { allow_short: true, approval: 'never' } };
          let room = await tradingRoom(options);
          const agents = new Map(['claude', 'cursor'].map((name) => [name, room.agent(name)]));
          for (const one of stories) {
            const who = agents.get(one.agent);
            if (who === undefined) throw new Error('no such agent');
            const placed = await act({ room, broker }, who, one);
            if (placed === undefined) continue;
            tell(broker, placed, one);
            record(room, placed, one);
            expectBalanced(room);
            if (one.heals) await heal({ room, broker }, order);
          }
          if (restarts) {
            broker.deaf = false;
            room = await room.restart();
          }
          await heal({ room, broker }, order);
          expectBalanced(room);
          await expectWhole(room);
          const { db } = room.store;
          const left = unprovable({ room, broker });
          expect(
            db.prepare(`SELECT order_id FROM orders WHERE status IN ('unknown', 'submitting')`).all(),
          ).toEqual([]);
          const posted = db.prepare('SELECT count(*) FROM executions').pluck().get();
          expect(posted, 'the broker’s executions, and no others').toBe(
            broker.executions.length + left.length,
          );
          expect(room.events('reconcile.mismatch')).toEqual([]);
          expect(new Set(broker.sent.place).size, 'nothing is sent twice').toBe(broker.sent.place.length);
          const used = db
            .prepare(`SELECT agent_id, value_used FROM usage WHERE value_used <> '0'`)
            .all() as readonly {
            agent_id: string;
            value_used: string;
          }[];
          expect(Object.fromEntries(used.map((row) => [row.agent_id, row.value_used]))).toEqual(
            filledAdding({ room, broker }, [...broker.executions, ...left]),
          );
          // What works at the broker works in the books, and the other way round.
          const open = db
            .prepare(
              `SELECT broker_client_id FROM orders WHERE status IN ('open', 'partially_filled') ORDER BY 1`,
            )
            .pluck()
            .all();
          const theirs = (await broker.openOrders()).map((one) => one.brokerClientId ?? '').toSorted();
          expect(open).toEqual(theirs);
        },
      ),
      { seed, numRuns: 25 },
    );
  }, 120_000);
});
