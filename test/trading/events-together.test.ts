/** What a broker tells of one moment is posted in one transaction, and nothing of it takes anything else with it. */
import { expect, it } from 'vitest';
import { ZERO_MONEY } from '#domain/decimal.ts';
import type { BrokerEvent } from '#ports.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, flatTape, now, own, place, tradingRoom } from '../support/trading-room.ts';

it('a tick that fills many orders commits their fills together', async () => {
  const room = await tradingRoom();
  const claude = room.agent('claude');
  for (let n = 0; n < 9; n++) await place(room, claude, draft({ side: 'buy', qty: '1' }));
  let began = 0;
  room.store.onBegin(() => began++);
  room.feed.stepOnce();
  expect(await own(room, claude)).toBe('9');
  // The step, what it filled, and the look at the agent's loss.
  expect(began).toBeLessThanOrEqual(4);
});

it('more than one transaction takes is posted in several, to the last', async () => {
  const { room, tell, orders } = await toldTogether(205);
  tell(orders.map((order) => ({ ...order, status: 'canceled' as const })));
  const left = room.store.db.prepare(`SELECT count(*) FROM orders WHERE status = 'open'`).pluck().get();
  expect(left).toBe(0);
});

it('an event that can not be posted is put on the record, and those beside it are posted', async () => {
  const { room, claude, placed, listener, orders } = await toldTogether(2);
  const [first, second] = orders;
  if (!first || !second) throw new Error('two orders were placed');
  const nowhere: BrokerEvent = {
    kind: 'execution',
    execution: {
      executionId: 'x-nowhere',
      brokerOrderId: 'nobody',
      brokerClientId: null,
      instrument: first.instrument,
      side: 'buy',
      qty: first.qty,
      price: room.bid(),
      fee: ZERO_MONEY,
      // No time at all: the table takes no such row.
      timeMs: Number.NaN,
    },
  };
  listener([
    { kind: 'order', order: { ...first, status: 'canceled' } },
    nowhere,
    { kind: 'order', order: { ...second, status: 'canceled' } },
  ]);
  for (const order of placed) expect((await now(room, claude, order)).status).toBe('canceled');
  expect(room.events('broker.event_failed')).toMatchObject([
    { outcome: 'error', detail: { event: 'execution' } },
  ]);
  expect(room.events('order.executed')).toEqual([]);
  const canceled = room.events('order.transition').filter((event) => event.detail?.['to'] === 'canceled');
  expect(canceled).toHaveLength(2);
});

/** A broker that tells of several orders at once. */
async function toldTogether(count: number) {
  const broker = scriptedBroker();
  let listener: (events: readonly BrokerEvent[]) => void = () => undefined;
  const room = await tradingRoom({
    csv: flatTape('1450', 500),
    adapter: () => ({
      ...broker,
      onEvents(given) {
        listener = given;
        return broker.onEvents(given);
      },
    }),
  });
  const claude = room.agent('claude');
  const placed = [];
  for (let n = 0; n < count; n++) {
    placed.push(await place(room, claude, draft({ side: 'buy', qty: '1', limit: '1450' })));
    await room.clock.advanceAsync(120);
  }
  const orders = placed.flatMap((order) => broker.order(order.brokerClientId) ?? []);
  const tell = (told: typeof orders): void => listener(told.map((order) => ({ kind: 'order', order })));
  return {
    room,
    claude,
    placed,
    orders,
    listener: (events: readonly BrokerEvent[]) => listener(events),
    tell,
  };
}
