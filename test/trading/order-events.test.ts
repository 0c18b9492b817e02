/** What became of an agent's orders, page by page: everything once, in order, nothing of anybody else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountId, type Principal } from '#domain/principal.ts';
import { ORDER_EVENTS_SCAN_ROWS_MAX } from '#limits.ts';
import type { OrderEvent, OrderEventsCursor } from '#trading/order-events.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, place, reduce, type TradingRoom, tradingRoom } from '../support/trading-room.ts';

const BOTH = new Set(['order', 'execution'] as const);
const FROM_THE_START = { changes: 0, executions: 0 };
const told = (event: OrderEvent): string =>
  event.kind === 'order'
    ? `${event.order.orderId} ${event.entry.status}`
    : `${event.trade.orderId} ${event.trade.executionId}`;

function all(room: TradingRoom, who: Principal, limit: number, from: OrderEventsCursor = FROM_THE_START) {
  const events: OrderEvent[] = [];
  let cursor = from;
  for (let more = true; more; ) {
    const page = room.trading.orderEvents.since(cursor, { agent: who.agent, kinds: BOTH, limit });
    expect(page.events.length).toBeLessThanOrEqual(limit);
    events.push(...page.events);
    ({ cursor, more } = page);
  }
  return { events, cursor };
}

async function busyRoom() {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const [claude, other] = [room.agent('claude'), room.agent('other')];
  const limit = room.bid().minus('20').toFixed(2);
  const orders = [];
  for (const who of [claude, other, claude]) {
    await room.clock.advanceAsync(1_000);
    orders.push(await place(room, who, draft({ side: 'buy', qty: '5', limit })));
  }
  const [first, others, last] = orders;
  if (!first || !others || !last) throw new Error('three orders');
  broker.fill(first.brokerClientId, '2', limit);
  broker.fill(others.brokerClientId, '5', limit);
  broker.fill(first.brokerClientId, '3', limit);
  await room.trading.cancelOrder(claude, last.orderId, reduce());
  await room.clock.advanceAsync(1_000);
  return { room, claude, other, first, others, last, broker, limit };
}

describe('the events of an agent’s orders', () => {
  it('are its own alone, each kind in its order, with the order as it is now', async () => {
    const { room, claude, first, others, last } = await busyRoom();
    const { events } = all(room, claude, 50);
    const executions = events.filter(({ kind }) => kind === 'execution');
    expect(executions.map((event) => event.kind === 'execution' && event.trade.qty.toFixed())).toEqual([
      '2',
      '3',
    ]);
    const ofFirst = events.filter((event) => event.kind === 'order' && event.order.orderId === first.orderId);
    expect(ofFirst.map(told)).toEqual(
      ['received', 'submitting', 'open', 'partially_filled', 'filled'].map(
        (status) => `${first.orderId} ${status}`,
      ),
    );
    expect(ofFirst.every((event) => event.kind === 'order' && event.order.status === 'filled')).toBe(true);
    expect(events.map(told)).toContain(`${last.orderId} canceled`);
    expect(events.map(told).join('\n')).not.toContain(others.orderId);
  });

  it('come once each and in the same order whatever the pages, and wherever one goes on', async () => {
    const { room, claude } = await busyRoom();
    const whole = all(room, claude, 1_000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat({ max: whole.events.length - 1 }), (limit, at) => {
        expect(all(room, claude, limit).events.map(told)).toEqual(whole.events.map(told));
        const from = whole.events[at]?.cursor ?? FROM_THE_START;
        const rest = all(room, claude, limit, from).events.map(told);
        expect(rest).toEqual(whole.events.slice(at + 1).map(told));
      }),
    );
  });

  it('go on from now where somebody comes for the first time, and lose nothing that comes then', async () => {
    const { room, claude, broker, limit } = await busyRoom();
    const from = room.trading.orderEvents.now();
    expect(all(room, claude, 50, from).events).toEqual([]);
    const order = await place(room, claude, draft({ side: 'buy', qty: '1', limit }));
    broker.fill(order.brokerClientId, '1', limit);
    const { events, cursor } = all(room, claude, 50, from);
    expect(events.map(told)).toEqual([
      expect.stringContaining(order.orderId),
      ...['received', 'submitting', 'open', 'filled'].map((status) => `${order.orderId} ${status}`),
    ]);
    expect(all(room, claude, 50, cursor).events).toEqual([]);
  });

  it('are told by kind and by account', async () => {
    const { room, claude } = await busyRoom();
    const of = (kind: 'order' | 'execution', account?: string) =>
      room.trading.orderEvents.since(FROM_THE_START, {
        agent: claude.agent,
        kinds: new Set([kind]),
        limit: 50,
        ...(account === undefined ? {} : { account: accountId(account) }),
      });
    expect(new Set(of('execution').events.map(({ kind }) => kind))).toEqual(new Set(['execution']));
    expect(new Set(of('order').events.map(({ kind }) => kind))).toEqual(new Set(['order']));
    expect(of('order', 'paper').events).toHaveLength(of('order').events.length);
    expect(of('order', 'second').events).toEqual([]);
  });

  it('are looked for among others’ a bounded stretch at a time', async () => {
    const { room, claude, others } = await busyRoom();
    const { cursor } = all(room, claude, 50);
    const add = room.store.db.prepare(
      `INSERT INTO order_timeline (order_id, time, status, detail) VALUES (?, 0, 'open', '')`,
    );
    room.store.transaction(() => {
      for (let n = 0; n < 2 * ORDER_EVENTS_SCAN_ROWS_MAX; n++) add.run(others.orderId);
    });
    const page = room.trading.orderEvents.since(cursor, { agent: claude.agent, kinds: BOTH, limit: 50 });
    expect(page).toMatchObject({
      events: [],
      more: true,
      cursor: { changes: cursor.changes + ORDER_EVENTS_SCAN_ROWS_MAX },
    });
    expect(all(room, claude, 50, cursor)).toMatchObject({
      events: [],
      cursor: room.trading.orderEvents.now(),
    });
  });
});
