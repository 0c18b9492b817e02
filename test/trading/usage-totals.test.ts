/** Whatever happens, what is reserved and used is what the orders and their fills add up to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  type Money,
  price,
  quantity,
  sum,
  text,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import type { BrokerOrderStatus } from '#ports.ts';
import { fromRow, type OrderRow, remainingQty, reservedValue } from '#trading/order-rows.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import { commit, draft, flatTape, type TradingRoom, tradingRoom } from '../support/trading-room.ts';

const CANCEL = { tool: 'cancel_order', digest: 'd', dryRun: false } as const;

function end(broker: ScriptedBroker, order: OrderRecord, status: BrokerOrderStatus): void {
  const seen = broker.order(order.brokerClientId);
  if (seen === undefined) throw new Error('the venue does not know it');
  broker.emit({ kind: 'order', order: { ...seen, status } });
}

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
        const next = await room.restart();
        for (const who of agents) agree(next, who);
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
  const adding = working.filter((order) => order.effect === 'adding');
  for (const side of ['buy', 'sell'] as const) {
    const there = adding.filter((order) => order.side === side);
    const told = room.store.db
      .prepare<[string, string], { value: string; qty: string }>(
        'SELECT value, qty FROM adding_totals WHERE agent_id = ? AND side = ?',
      )
      .get(who.agent, side) ?? { value: '0', qty: '0' };
    expect(told).toEqual({
      value: text(sum(ZERO_MONEY, there.map(reservedValue))),
      qty: text(sum(ZERO_QUANTITY, there.map(remainingQty))),
    });
  }
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
    (order) =>
      order.effect === 'adding' &&
      order.origin === 'agent' &&
      order.status !== 'refused' &&
      // It goes on as another order, which was sent once.
      !order.brokerClientId.startsWith('taken_up:'),
  );
  expect(usage?.orders ?? 0).toBe(cleared.length);
}
