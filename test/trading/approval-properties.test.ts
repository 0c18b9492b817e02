/** Whatever agents, owner, clock, disk and broker do and in whatever order: nothing is sent that was not approved, and nothing twice. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { price, quantity, sum, ZERO_MONEY } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal, SCOPES } from '#domain/principal.ts';
import { APPROVAL_TTL_MS, APPROVALS_PER_AGENT_MAX } from '#limits.ts';
import type { ApprovalCard } from '#trading/approval-desk.ts';
import { reservedValue } from '#trading/order-rows.ts';
import { orderTable } from '#trading/orders.ts';
import { approveCard, cardNow, holdBalance, queueRoom, rejectCard } from '../support/approvals.ts';
import type { ScriptedBroker } from '../support/scripted-broker.ts';
import { commit, draft, granted, reduce, type TradingRoom, WIDE_MANDATE } from '../support/trading-room.ts';

/** What everybody does in one run. */
interface World {
  room: TradingRoom;
  readonly broker: ScriptedBroker;
  claude: Principal;
  /** Every card there ever was, oldest first. */
  readonly cards: ApprovalCard[];
  /** Orders whose approval the owner was told had been sent. */
  readonly sent: Set<string>;
  /** Taps that have not been answered. */
  readonly taps: Promise<void>[];
  letGo: () => void;
}

const MANDATE = { ...WIDE_MANDATE, approval: 'always', max_open_orders: 8 };
type Step = (world: World) => void | Promise<unknown>;
const pick = fc.nat({ max: 30 });
const chosen = ({ cards }: World, at: number): ApprovalCard | undefined => cards.at(-1 - (at % 12));

function tap(world: World, card: ApprovalCard | undefined, edit?: Parameters<typeof approveCard>[2]): void {
  if (card === undefined) return;
  world.taps.push(
    approveCard(world.room, card, edit).then((answer) => {
      if (!answer.ok || answer.value.kind !== 'sent') return;
      expect(world.sent.has(card.order.orderId), 'approved twice').toBe(false);
      world.sent.add(card.order.orderId);
    }),
  );
}

async function settle(world: World): Promise<void> {
  world.letGo();
  await world.room.clock.advanceAsync(0);
  await Promise.all(world.taps.splice(0));
}

const STEPS: readonly fc.Arbitrary<readonly [string, Step]>[] = [
  fc.tuple(fc.constantFrom('buy', 'sell'), fc.integer({ min: 1, max: 5 })).map(([side, qty]) => [
    `ask to ${side} ${qty}`,
    async (world) => {
      const limit = side === 'buy' ? '99' : '101';
      const asked = await world.room.trading.placeOrder(
        world.claude,
        draft({ side: side === 'buy' ? 'buy' : 'sell', qty: String(qty), limit }),
        commit(),
      );
      if (!asked.ok || asked.value.dryRun) return;
      const card = world.room.trading.owner.approvals.ofOrder(asked.value.order.orderId);
      if (card !== undefined) world.cards.push(card);
    },
  ]),
  pick.map((at) => [`approve ${at}`, (world) => tap(world, chosen(world, at))]),
  pick.map((at) => [
    `approve ${at} on two devices`,
    (world) => {
      tap(world, chosen(world, at));
      tap(world, chosen(world, at), { qty: quantity('1') });
    },
  ]),
  pick.map((at) => [
    `approve ${at} cut down`,
    (world) => tap(world, chosen(world, at), { qty: quantity('1'), limitPrice: price('100') }),
  ]),
  pick.map((at) => [
    `reject ${at}`,
    (world) => {
      const card = chosen(world, at);
      if (card) rejectCard(world.room, card);
    },
  ]),
  pick.map((at) => [
    `its agent cancels ${at}`,
    (world) => {
      const card = chosen(world, at);
      if (card)
        void world.room.trading
          .cancelOrder(world.claude, card.order.orderId, reduce())
          .catch(() => undefined);
    },
  ]),
  fc.constant([
    'its agent cancels all',
    (world) => void world.room.trading.cancelAllOrders(world.claude, {}, reduce()),
  ]),
  fc.constant([
    'the owner halts and lifts the agent',
    async ({ room }) => {
      granted(room.trading.owner.haltAgent('claude'));
      await room.clock.advanceAsync(0);
      granted(room.trading.owner.liftAgent('claude'));
    },
  ]),
  fc.constant([
    'kill and resume',
    async (world) => {
      await world.room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
      granted(world.room.trading.resume('cli'));
      world.claude = newKey(world.room);
    },
  ]),
  fc.constant([
    'another key',
    (world) => {
      granted(world.room.access.keys.revoke(world.claude.credential, OWNER_CLI));
      world.claude = newKey(world.room);
    },
  ]),
  fc
    .constantFrom('1', '3', '1000000')
    .map((most) => [
      `a mandate up to ${most}`,
      ({ room }) =>
        void granted(room.access.mandates.set('claude', { ...MANDATE, max_order_qty: most }, OWNER_CLI)),
    ]),
  fc.constantFrom(1_000, 60_000, APPROVAL_TTL_MS / 2, APPROVAL_TTL_MS).map((ms) => [
    `${ms / 1_000} s pass`,
    (world) => {
      world.letGo();
      // All at once: nothing has to be waited for in between.
      world.room.clock.advance(ms);
    },
  ]),
  fc.constantFrom(-2, 2).map((days) => [
    `the clock is set by ${days} days`,
    ({ room }) => {
      room.clock.setWall(room.clock.wallMs() + days * 86_400_000);
      return room.clock.advanceAsync(2_000);
    },
  ]),
  fc.constant([
    'the disk can not be written for a moment',
    async (world) => {
      const { db } = world.room.store;
      db.pragma('query_only = ON');
      tap(world, chosen(world, 0));
      await settle(world);
      db.pragma('query_only = OFF');
    },
  ]),
  fc.constant([
    'the broker is slow from here on',
    (world) => {
      world.letGo();
      world.letGo = holdBalance(world.broker);
    },
  ]),
  fc.constant([
    'the process dies and starts again',
    async (world) => {
      world.letGo();
      world.taps.length = 0;
      world.room = await world.room.restart();
      await world.room.clock.advanceAsync(1_000);
    },
  ]),
] as readonly fc.Arbitrary<readonly [string, Step]>[];

function newKey(room: TradingRoom): Principal {
  const { key } = granted(room.access.keys.create({ agent: 'claude', scopes: [...SCOPES], by: OWNER_CLI }));
  return granted(room.access.keys.authenticate(key, { door: 'http' }));
}

/** What holds whatever has happened. */
function holds({ room, broker, cards, sent }: World): void {
  const { approvals } = room.trading.owner;
  const orders = orderTable(room.store);
  expect(new Set(broker.sent.place).size, 'sent twice').toBe(broker.sent.place.length);
  for (const { id, order } of cards) {
    const now = cardNow(room, { id });
    const wasSent = broker.sent.place.includes(order.brokerClientId);
    expect(wasSent && now.decision !== 'approved', `${id} was sent and is ${now.decision}`).toBe(false);
    expect(now.decision === null, id).toBe(now.order.status === 'pending_approval');
    if (now.decision === 'withdrawn') expect(now.order.status).toBe('canceled');
    if (now.decision !== null && !['approved', 'withdrawn'].includes(now.decision))
      expect(now.order.status).toBe('refused');
    if (sent.has(order.orderId)) expect(now.decision).toBe('approved');
  }
  const waiting = approvals.waiting();
  expect(waiting.length).toBeLessThanOrEqual(APPROVALS_PER_AGENT_MAX);
  expect(waiting.length).toBe(
    orders.working({}).filter(({ status }) => status === 'pending_approval').length,
  );
  // What is reserved is what works and waits, and nothing else.
  const reserved = sum(ZERO_MONEY, orders.working({}).map(reservedValue));
  const { used } = room.trading.owner.mandateOf('claude') ?? { used: [] };
  expect(used[0]?.dailyValue.toFixed()).toBe(reserved.toFixed());
}

const RUNS = 25;

it(`in each of ${RUNS} runs`, { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...STEPS), { minLength: 4, maxLength: 24 }), async (steps) => {
      const { room, broker, claude } = await queueRoom(MANDATE);
      const world: World = {
        room,
        broker,
        claude,
        cards: [],
        sent: new Set(),
        taps: [],
        letGo: () => undefined,
      };
      for (const [, step] of steps) {
        const done = step(world);
        await world.room.clock.advanceAsync(0);
        // A broker that is slow keeps who asks it waiting; the next step goes on beside them.
        if (done !== undefined) await Promise.race([done, world.room.clock.advanceAsync(0)]);
        holds(world);
      }
      await settle(world);
      await world.room.clock.advanceAsync(12_000);
      holds(world);
      world.room.clock.advance(APPROVAL_TTL_MS);
      await world.room.clock.advanceAsync(0);
      expect(world.room.trading.owner.approvals.count()).toBe(0);
      holds(world);
    }),
    { numRuns: RUNS },
  );
});
