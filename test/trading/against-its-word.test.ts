/** What a venue has at work against its own earlier word, or its silence: it insists, and the books follow. */
import { expect, it } from 'vitest';
import type { BrokerOrder } from '#ports.ts';
import { type ScriptedOptions, scriptedBroker } from '../support/scripted-broker.ts';
import { commit, draft, flatTape, granted, now, place, tradingRoom } from '../support/trading-room.ts';

async function flat(options: ScriptedOptions = {}) {
  const broker = scriptedBroker('paper', options);
  const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker });
  const open = async (who: Parameters<typeof room.trading.orders>[0]) =>
    granted(await room.trading.orders(who, { status: 'open', limit: 50 })).items;
  return { room, broker, open };
}

/** A request that the venue answers with an error although it took the order. */
async function rejectedAndTaken(options: ScriptedOptions = {}) {
  const scene = await flat(options);
  const claude = scene.room.agent('claude', { max_open_orders: 1 });
  const real = scene.broker.place.bind(scene.broker);
  scene.broker.place = async (order) => {
    await real(order);
    return { kind: 'rejected', reason: '400' };
  };
  scene.broker.silent = true;
  const order = await place(scene.room, claude, draft({ side: 'buy', qty: '5', limit: '99' }));
  expect(order.status).toBe('rejected');
  return { ...scene, claude, order };
}

it.each([true, false])(
  'an order that it called rejected is taken up, told, and within reach of the kill switch (asked by our ids: %s)',
  async (queryByClientId) => {
    const { room, broker, claude, order, open } = await rejectedAndTaken({ queryByClientId });
    await room.clock.advanceAsync(140_000);
    const [again] = await open(claude);
    expect(again).toMatchObject({ status: 'open', brokerClientId: order.brokerClientId });
    expect(await now(room, claude, order)).toMatchObject({ status: 'rejected' });
    expect(room.events('order.taken_up')).toMatchObject([
      { detail: { order_id: order.orderId, taken_up_as: again?.orderId, against: 'its own word' } },
    ]);
    const more = await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), commit());
    expect(more.ok ? 'sent' : more.error.reason).toBe('max_open_orders');
    broker.silent = false;
    const killed = room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    await room.clock.advanceAsync(20_000);
    expect(await killed).toMatchObject({ canceled: [again?.orderId], ordersLeft: [] });
    expect(broker.order(order.brokerClientId)?.status).toBe('canceled');
  },
);

it('one that it called canceled holds its budget again', async () => {
  const { room, broker } = await flat();
  const claude = room.agent('claude', { max_open_orders: 1 });
  for (let n = 0; n < 5; n++) {
    const placed = await room.trading.placeOrder(
      claude,
      draft({ side: 'buy', qty: '5', limit: '99' }),
      commit(),
    );
    if (!placed.ok || placed.value.dryRun) continue;
    const seen = broker.order(placed.value.order.brokerClientId);
    if (seen) broker.emit({ kind: 'order', order: { ...seen, status: 'canceled' } });
    await room.clock.advanceAsync(70_000);
  }
  expect(broker.everyOrder().filter(({ status }) => status === 'open')).toHaveLength(1);
});

it('a list that lags behind once takes nothing up', async () => {
  const { room, broker, open } = await flat();
  const claude = room.agent('claude');
  const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: '99' }));
  const before = broker.order(order.brokerClientId) as BrokerOrder;
  broker.end(order.brokerClientId, 'canceled');
  const real = broker.openOrders.bind(broker);
  let lists = 0;
  broker.openOrders = async () => (lists++ % 2 === 0 ? [before] : await real());
  await room.clock.advanceAsync(300_000);
  expect(lists).toBeGreaterThan(6);
  expect(await open(claude)).toEqual([]);
  expect(room.events('order.taken_up')).toEqual([]);
});

it('one that has filled in full is not taken up by a list that shows it still', async () => {
  const { room, broker, open } = await flat();
  const claude = room.agent('claude');
  const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: '99' }));
  const before = broker.order(order.brokerClientId) as BrokerOrder;
  broker.fill(order.brokerClientId, '5', '99');
  broker.openOrders = () => Promise.resolve([before]);
  await room.clock.advanceAsync(300_000);
  expect(await open(claude)).toEqual([]);
  expect((await now(room, claude, order)).status).toBe('filled');
});

it('its stream against the books is no proof, but reason to ask at once', async () => {
  const { room, broker, open } = await flat({ absentIsFinalAfterMs: 5_000 });
  const claude = room.agent('claude');
  const real = broker.place.bind(broker);
  let later: Parameters<typeof real>[0] | undefined;
  broker.place = (cleared) => {
    later = cleared;
    return Promise.resolve({ kind: 'unknown', reason: 'timeout' });
  };
  const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: '99' }));
  await room.clock.advanceAsync(20_000);
  expect((await now(room, claude, order)).status).toBe('rejected');
  if (later) await real(later);
  expect(await open(claude)).toEqual([]);
  await room.clock.advanceAsync(10_000);
  expect(await open(claude)).toHaveLength(1);
  expect(room.events('order.taken_up')).toMatchObject([{ detail: { against: 'its silence' } }]);
});
