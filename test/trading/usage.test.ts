/** Budgets: reserved when cleared, used at the fill price, released at the end, and never adrift of the orders they stand for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, type Money, price, quantity, sum, text, value, ZERO_MONEY } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerOrderStatus } from '#ports.ts';
import { fromRow, type OrderRow, reservedValue } from '#trading/order-rows.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  place,
  type RoomOptions,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

/** A unit is worth 1460: above the touch and the slippage allowance. */
const buy10 = draft({ side: 'buy', qty: '10', limit: '1460' });
const CANCEL = { tool: 'cancel_order', digest: 'd', dryRun: false } as const;

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}
async function scene(options: RoomOptions = {}): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker, ...options });
  return { room, broker, claude: room.agent('claude') };
}

/** Value used and reserved today, open orders, orders of the day, gross exposure. */
async function used({ room, claude }: Scene): Promise<string> {
  const [one] = granted(await room.trading.mandate(claude)).used;
  if (one === undefined) throw new Error('no account');
  return `${text(one.dailyValue)} open ${one.openOrders} today ${one.dailyOrders} gross ${text(one.grossExposure)}`;
}
const used$ = (scene: Scene) => expect.soft(used(scene)).resolves;

function end(broker: ScriptedBroker, order: OrderRecord, status: BrokerOrderStatus): void {
  const seen = broker.order(order.brokerClientId);
  if (seen === undefined) throw new Error('the venue does not know it');
  broker.emit({ kind: 'order', order: { ...seen, status } });
}

describe('a reservation', () => {
  it('is made by the order that is cleared, at the price it is valued at', async () => {
    const now = await scene();
    await used$(now).toBe('0 open 0 today 0 gross 0');
    await place(now.room, now.claude, buy10);
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
  });

  it('turns into use by fills at the fill price, part by part, and into exposure at the mark', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.fill(order.brokerClientId, '4', '1450');
    // 4 × 1450 used, 6 × 1460 reserved; 4 at the bid of 1450 held.
    await used$(now).toBe('14560 open 1 today 1 gross 14560');
    now.broker.fill(order.brokerClientId, '6', '1455');
    await used$(now).toBe('14530 open 0 today 1 gross 14500');
  });

  it.each(['canceled', 'expired', 'rejected'] as const)(
    'is released for what is unfilled when the broker says %s',
    async (status) => {
      const now = await scene();
      const order = await place(now.room, now.claude, buy10);
      now.broker.fill(order.brokerClientId, '4', '1450');
      end(now.broker, order, status);
      await used$(now).toBe('5800 open 0 today 1 gross 5800');
    },
  );

  it('is released by a cancel, and the count of the day is not', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    granted(await now.room.trading.cancelOrder(now.claude, order.orderId, CANCEL));
    await used$(now).toBe('0 open 0 today 1 gross 0');
  });

  it('is released at once when the broker rejects the order', async () => {
    const now = await scene();
    now.broker.next.place.push({ effect: 'reject', answer: 'truth' });
    expect((await place(now.room, now.claude, buy10)).status).toBe('rejected');
    await used$(now).toBe('0 open 0 today 1 gross 0');
  });

  it('is not made by what is refused or previewed', async () => {
    const now = await scene();
    now.room.agent('claude', { max_order_qty: '5' });
    refusal(await now.room.trading.placeOrder(now.claude, buy10, commit()));
    granted(
      await now.room.trading.placeOrder(now.claude, draft({ side: 'buy', limit: '1460' }), {
        kind: 'preview',
        tool: 'place_order',
        digest: 'd',
      }),
    );
    await used$(now).toBe('0 open 0 today 0 gross 0');
  });

  it('is not made by what only reduces, and a fill of that uses nothing', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.fill(order.brokerClientId, '10', '1450');
    const sale = await place(now.room, now.claude, draft({ side: 'sell', qty: '10', limit: '1500' }));
    await used$(now).toBe('14500 open 1 today 1 gross 14500');
    now.broker.fill(sale.brokerClientId, '10', '1500');
    await used$(now).toBe('14500 open 0 today 1 gross 0');
  });

  it('is kept while the outcome is unknown, and by a restart', async () => {
    const now = await scene();
    now.broker.deaf = true;
    now.broker.next.place.push({ effect: 'lose', answer: 'never' });
    const answer = now.room.trading.placeOrder(now.claude, buy10, commit());
    await now.room.clock.advanceAsync(0);
    await now.room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + 1);
    const placed = granted(await answer);
    expect(placed.dryRun === false && placed.order.status).toBe('unknown');
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
    const again = await now.room.restart();
    await used$({ ...now, room: again }).toBe('14600 open 1 today 1 gross 14600');
  });

  it('is kept by a late fill’s order no longer, but the fill is used', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    granted(await now.room.trading.cancelOrder(now.claude, order.orderId, CANCEL));
    now.broker.fill(order.brokerClientId, '3', '1450');
    await used$(now).toBe('4350 open 0 today 1 gross 4350');
  });

  it('counts a bracket once', async () => {
    const now = await scene();
    await place(
      now.room,
      now.claude,
      draft({ side: 'buy', qty: '10', limit: '1460', takeProfit: '1500', stopLoss: '1400' }),
    );
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
  });
});

describe('a change', () => {
  const change = (order: OrderRecord, qty: string, limit: string) => ({
    orderId: order.orderId,
    qty: quantity(qty),
    limitPrice: price(limit),
  });

  it.each([
    ['up', '12', '1465', '17580', '17580'],
    ['to a higher price', '10', '1470', '14700', '14700'],
    ['down', '8', '1459', '14600', '11672'],
    ['to more at a lower price that is worth less', '10', '1458', '14600', '14580'],
  ])(
    '%s holds the larger of old and new until it is acknowledged',
    async (_what, qty, limit, during, after) => {
      const now = await scene();
      const order = await place(now.room, now.claude, buy10);
      now.broker.next.replace.push({ effect: 'accept', answer: 'never' });
      const answer = now.room.trading.modifyOrder(now.claude, change(order, qty, limit), commit());
      await now.room.clock.advanceAsync(0);
      await used$(now).toBe(`${during} open 1 today 1 gross ${during}`);
      now.broker.answerLate(order.brokerClientId, {
        kind: 'accepted',
        brokerOrderId: order.brokerOrderId ?? 'b1',
      });
      granted(await answer);
      await used$(now).toBe(`${after} open 1 today 1 gross ${after}`);
    },
  );

  it('that the broker rejects leaves the old reservation', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.next.replace.push({ effect: 'reject', answer: 'truth' });
    granted(await now.room.trading.modifyOrder(now.claude, change(order, '12', '1465'), commit()));
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
  });

  it('whose outcome is unclear goes on holding the larger', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.deaf = true;
    now.broker.next.replace.push({ effect: 'accept', answer: 'unknown' });
    granted(await now.room.trading.modifyOrder(now.claude, change(order, '12', '1465'), commit()));
    await used$(now).toBe('17580 open 1 today 1 gross 17580');
    await now.room.clock.advanceAsync(20_000);
    await used$(now).toBe('17580 open 1 today 1 gross 17580');
  });
});

describe('a mandate day', () => {
  it('begins with nothing used, and with all that is still reserved', async () => {
    const now = await scene();
    const first = await place(now.room, now.claude, buy10);
    now.broker.fill(first.brokerClientId, '10', '1450');
    await place(now.room, now.claude, buy10);
    await used$(now).toBe('29100 open 1 today 2 gross 29100');
    now.room.clock.setWall(Date.UTC(2026, 0, 6, 0, 0, 0));
    await now.room.play(1);
    await used$(now).toBe('14600 open 1 today 0 gross 29100');
  });

  it('is the day of the fill, not of the order', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.room.clock.setWall(Date.UTC(2026, 0, 6, 0, 0, 0));
    await now.room.play(1);
    now.broker.fill(order.brokerClientId, '10', '1450');
    await used$(now).toBe('14500 open 0 today 0 gross 14500');
  });

  it.each([
    ['UTC', '2026-01-05T23:59:58Z', '2026-01-06T00:00:00Z'],
    ['America/New_York', '2026-01-06T04:59:58Z', '2026-01-06T05:00:00Z'],
    ['Asia/Kolkata', '2026-01-05T18:29:58Z', '2026-01-05T18:30:00Z'],
    ['Pacific/Kiritimati', '2026-01-06T09:59:58Z', '2026-01-06T10:00:00Z'],
  ])('begins at midnight in %s', async (timezone, before, midnight) => {
    const now = await scene({ timezone });
    now.room.clock.setWall(Date.parse(before) - 1_000);
    await now.room.play(1);
    now.room.agent('claude', { max_daily_orders: 1 });
    await place(now.room, now.claude, buy10);
    expect(refusal(await now.room.trading.placeOrder(now.claude, buy10, commit())).reason).toBe(
      'max_daily_orders',
    );
    now.room.clock.setWall(Date.parse(midnight) - 1_000);
    await now.room.play(1);
    await place(now.room, now.claude, buy10);
  });

  it('does not come twice when the wall clock goes back', async () => {
    const now = await scene();
    now.room.agent('claude', { max_daily_orders: 1 });
    now.room.clock.setWall(Date.UTC(2026, 0, 6, 0, 0, 0));
    await now.room.play(1);
    await place(now.room, now.claude, buy10);
    now.room.clock.setWall(Date.UTC(2026, 0, 5, 12));
    await now.room.play(1);
    expect(refusal(await now.room.trading.placeOrder(now.claude, buy10, commit())).reason).toBe(
      'max_daily_orders',
    );
  });
});

type Act =
  | {
      readonly kind: 'place';
      readonly agent: number;
      readonly side: 'buy' | 'sell';
      readonly qty: number;
      readonly limit: number;
      readonly answer: 'truth' | 'unknown' | 'throw';
      readonly effect: 'accept' | 'reject' | 'lose';
    }
  | { readonly kind: 'fill'; readonly pick: number; readonly qty: number; readonly at: number }
  | { readonly kind: 'cancel' | 'close' | 'expire' | 'wait'; readonly pick: number }
  | {
      readonly kind: 'change';
      readonly pick: number;
      readonly qty: number;
      readonly limit: number;
      readonly answer: 'truth' | 'unknown';
      readonly effect: 'accept' | 'reject';
    };

const pick = fc.nat({ max: 1_000 });
const qty = fc.integer({ min: 1, max: 9 });
const limit = fc.integer({ min: 1_440, max: 1_475 });
const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('place' as const),
      agent: fc.nat({ max: 1 }),
      side: fc.constantFrom('buy' as const, 'sell' as const),
      qty,
      limit,
      answer: fc.constantFrom(
        'truth' as const,
        'truth' as const,
        'truth' as const,
        'unknown' as const,
        'throw' as const,
      ),
      effect: fc.constantFrom(
        'accept' as const,
        'accept' as const,
        'accept' as const,
        'reject' as const,
        'lose' as const,
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('fill' as const), pick, qty, at: limit }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel' as const, 'close' as const, 'expire' as const, 'wait' as const),
      pick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      pick,
      qty,
      limit,
      answer: fc.constantFrom('truth' as const, 'truth' as const, 'unknown' as const),
      effect: fc.constantFrom('accept' as const, 'reject' as const),
    }),
  },
);

describe('after any thousand operations', () => {
  it('the totals are what the orders and their fills add up to, at every step', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 250, maxLength: 250 }), async (list) => {
        const broker = scriptedBroker();
        const room = await tradingRoom({ csv: flatTape('1450', 2_000), adapter: () => broker });
        const rules = { max_daily_value: '400000', max_open_orders: 12, max_gross_exposure: '300000' };
        const agents = [room.agent('claude', rules), room.agent('cursor', { ...rules, allow_short: false })];
        for (const [step, act] of list.entries()) {
          const done = await perform(room, broker, agents, act);
          seen.set(`${act.kind} ${done}`, (seen.get(`${act.kind} ${done}`) ?? 0) + 1);
          if (step % 5 === 0) await room.clock.advanceAsync(1_000);
          for (const who of agents) agree(room, who);
        }
      }),
      { numRuns: 4 },
    );
    for (const expected of [
      'place granted',
      'place refused',
      'fill done',
      'cancel granted',
      'change granted',
    ]) {
      expect([expected, (seen.get(expected) ?? 0) > 10]).toEqual([expected, true]);
    }
  }, 60_000);
});

/** An order of the agents that is not final, by a number. */
function chosen(
  room: TradingRoom,
  agents: readonly Principal[],
  number: number,
): readonly [Principal, OrderRow] | undefined {
  const rows = room.store.db
    .prepare<[], OrderRow>(
      `SELECT * FROM orders WHERE status IN ('open', 'partially_filled') AND role = 'entry' ORDER BY seq`,
    )
    .all();
  const row = rows[number % Math.max(1, rows.length)];
  const who = agents.find((agent) => agent.agent === row?.agent_id);
  return row && who ? [who, row] : undefined;
}

/** Turns the clock while something waits for the broker's word. */
async function finished<T>(room: TradingRoom, waiting: Promise<T>): Promise<T> {
  let done = false;
  void waiting.finally(() => {
    done = true;
  });
  await room.clock.advanceAsync(0);
  while (!done) await room.clock.advanceAsync(1_000);
  return waiting;
}

async function perform(
  room: TradingRoom,
  broker: ScriptedBroker,
  agents: readonly Principal[],
  act: Act,
): Promise<string> {
  const told = (result: { readonly ok: boolean }): string => (result.ok ? 'granted' : 'refused');
  if (act.kind === 'place') {
    const who = agents[act.agent];
    if (who === undefined) throw new Error('no such agent');
    broker.next.place.push({ effect: act.effect, answer: act.answer });
    const order = draft({ side: act.side, qty: String(act.qty), limit: String(act.limit) });
    const result = await room.trading.placeOrder(who, order, commit());
    broker.next.place.length = 0;
    return told(result);
  }
  if (act.kind === 'wait') {
    await room.clock.advanceAsync(7_000);
    return 'done';
  }
  const found = chosen(room, agents, act.pick);
  if (found === undefined) return 'nothing';
  const [who, row] = found;
  switch (act.kind) {
    case 'fill': {
      const left = Number(row.qty) - Number(row.filled_qty);
      broker.fill(row.broker_client_id, String(Math.min(left, act.qty)), String(act.at));
      return 'done';
    }
    case 'cancel':
      return told(await finished(room, room.trading.cancelOrder(who, row.order_id, CANCEL)));
    case 'close': {
      const closing = room.trading.closePosition(
        who,
        { account: broker.account, symbol: 'SPX' },
        { ...CANCEL, tool: 'close_position' },
      );
      return told(await finished(room, closing));
    }
    case 'expire':
      end(broker, fromRow(row), 'expired');
      return 'done';
    case 'change': {
      broker.next.replace.push({ effect: act.effect, answer: act.answer });
      const change = {
        orderId: row.order_id,
        qty: quantity(String(act.qty)),
        limitPrice: price(String(act.limit)),
      };
      const result = await room.trading.modifyOrder(who, change, commit());
      broker.next.replace.length = 0;
      return told(result);
    }
    default:
      return act.kind satisfies never;
  }
}

/** What the running totals say, against the orders and executions they stand for. */
function agree(room: TradingRoom, who: Principal): void {
  const orders = room.store.db
    .prepare<[string], OrderRow>('SELECT * FROM orders WHERE agent_id = ?')
    .all(who.agent)
    .map(fromRow);
  const working = orders.filter((order) => !isFinal(order.status));
  const kept = room.store.db
    .prepare<[string], { value: string; open_orders: number }>(
      'SELECT value, open_orders FROM reservations WHERE agent_id = ?',
    )
    .get(who.agent) ?? { value: '0', open_orders: 0 };
  expect(kept).toEqual({
    value: text(sum(ZERO_MONEY, working.map(reservedValue))),
    open_orders: working.filter((order) => order.role === 'entry').length,
  });
  const fills = room.store.db
    .prepare<[string], { qty: string; price: string }>(
      `SELECT e.qty, e.price FROM executions e JOIN orders o ON o.order_id = e.order_id WHERE o.agent_id = ? AND o.effect = 'adding'`,
    )
    .all(who.agent);
  const usage = room.store.db
    .prepare<[string], { value_used: string; orders: number }>(
      'SELECT value_used, orders FROM usage WHERE agent_id = ?',
    )
    .get(who.agent);
  const worth = fills.reduce<Money>(
    (all, fill) => add(all, value(price(fill.price), quantity(fill.qty))),
    ZERO_MONEY,
  );
  expect(usage?.value_used ?? '0').toBe(text(worth));
  const cleared = orders.filter(
    (order) => order.effect === 'adding' && order.origin === 'agent' && order.status !== 'refused',
  );
  expect(usage?.orders ?? 0).toBe(cleared.length);
}
