/** Comparing with the broker: what it says is taken, an answer that was on its way undoes nothing, and nothing is ever guessed or sent. */
import { describe, expect, it } from 'vitest';
import { BROKER_CALL_TIMEOUT_MS, RECONCILE_ALL_INTERVAL_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import type { BrokerOrder } from '#ports.ts';
import { type ScriptedBroker, type ScriptedOptions, scriptedBroker } from '../support/scripted-broker.ts';
import { draft, granted, now, own, place, SECOND, tradingRoom } from '../support/trading-room.ts';
import { expectWhole } from '../support/whole-books.ts';

async function scene(options: ScriptedOptions = {}) {
  const broker = scriptedBroker('paper', options);
  const room = await tradingRoom({ adapter: () => broker });
  return { broker, room, claude: room.agent('claude') };
}
/** How it answers about orders, to be put back. */
const answersOf = (broker: ScriptedBroker) => ({
  openOrders: broker.openOrders.bind(broker),
  orderByClientId: broker.orderByClientId.bind(broker),
});
const limit = (qty = '10') => draft({ side: 'buy', qty, limit: '1440.00' });

describe('an answer that was on its way', () => {
  it('undoes no fill that has been told since, and no cancel', async () => {
    const { broker, room, claude } = await scene();
    const filled = await place(room, claude, limit('2'));
    const canceled = await place(room, claude, limit('3'));
    let answer: (orders: readonly BrokerOrder[]) => void = () => undefined;
    const old = await broker.openOrders();
    const asBefore = answersOf(broker);
    Object.assign(broker, {
      openOrders: () =>
        new Promise((resolve) => {
          answer = resolve;
          Object.assign(broker, asBefore);
        }),
    });
    await room.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS + RECONCILE_INTERVAL_MS);
    broker.fill(filled.brokerClientId, '2', '1440');
    await room.trading.owner.cancel(canceled.orderId);
    answer(old);
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 2);
    expect((await now(room, claude, filled)).status).toBe('filled');
    expect((await now(room, claude, canceled)).status).toBe('canceled');
    expect(room.trading.workingOrders()).toBe(0);
    expect(await own(room, claude)).toBe('2');
    await expectWhole(room);
  });

  it('that it has no such order does not end one that it has told of meanwhile', async () => {
    const { broker, room, claude } = await scene({ absentIsFinalAfterMs: 0 });
    broker.silent = true;
    broker.deaf = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const order = await place(room, claude, limit());
    broker.deaf = false;
    let answer: (order: undefined) => void = () => undefined;
    const asBefore = answersOf(broker);
    Object.assign(broker, {
      openOrders: () => Promise.resolve([]),
      orderByClientId: () =>
        new Promise((resolve) => {
          answer = resolve;
          Object.assign(broker, asBefore);
        }),
    });
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS + 1);
    broker.release();
    expect((await now(room, claude, order)).status).toBe('open');
    answer(undefined);
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 2);
    expect((await now(room, claude, order)).status).toBe('open');
  });
});

describe('a broker that can not be asked for an order by our id', () => {
  it('leaves unknown what it never acknowledged, for as long as it takes, and it is not sent again', async () => {
    const { broker, room, claude } = await scene({ queryByClientId: false, tellsClientIds: false });
    broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    const order = await place(room, claude, limit());
    await room.clock.advanceAsync(600_000);
    expect((await now(room, claude, order)).status).toBe('unknown');
    expect(broker.sent.place).toEqual([order.brokerClientId]);
  });

  it('says by its list and its history what became of what it acknowledged', async () => {
    const { broker, room, claude } = await scene({
      queryByClientId: false,
      tellsClientIds: false,
      absentIsFinalAfterMs: 0,
    });
    const gone = await place(room, claude, limit('3'));
    const filled = await place(room, claude, limit('2'));
    const working = await place(room, claude, limit('4'));
    broker.silent = true;
    broker.fill(gone.brokerClientId, '1', '1440');
    broker.end(gone.brokerClientId, 'expired');
    broker.fill(filled.brokerClientId, '2', '1440');
    await room.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS + RECONCILE_INTERVAL_MS * 2);
    expect(await now(room, claude, gone)).toMatchObject({
      status: 'canceled',
      reason: 'no longer at the broker',
    });
    expect((await now(room, claude, gone)).filledQty.toFixed()).toBe('1');
    expect((await now(room, claude, filled)).status).toBe('filled');
    expect((await now(room, claude, working)).status).toBe('open');
    await expectWhole(room);
  });

  it('adopts as external what it can not prove to be ours: it is not guessed by side and quantity', async () => {
    const { broker, room, claude } = await scene({ queryByClientId: false, tellsClientIds: false });
    broker.silent = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const order = await place(room, claude, limit());
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 2);
    expect((await now(room, claude, order)).status).toBe('unknown');
    const [external] = room.trading.owner.orders({ agent: 'external', limit: 5 }).items;
    expect(external).toMatchObject({ status: 'open', origin: 'external' });
    // Nor is it ours when the owner reads its id on the broker's screen: it is in the books as what it was found to be.
    const read = room.trading.owner.recordEvidence({
      orderId: order.orderId,
      outcome: 'working',
      brokerOrderId: external?.brokerOrderId ?? '',
      source: 's',
      text: 't',
      observedAtMs: room.clock.wallMs(),
      by: { kind: 'owner', credential: 'owner', door: 'console' },
    });
    expect(read.ok ? '' : read.error.detail).toContain(external?.orderId);
  });
});

it('an order that its broker never had, and has at work after all, is taken up again', async () => {
  const { broker, room, claude } = await scene({ absentIsFinalAfterMs: 0 });
  broker.silent = true;
  broker.next.place.push({ effect: 'accept', answer: 'unknown' });
  const asBefore = answersOf(broker);
  Object.assign(broker, {
    openOrders: () => Promise.resolve([]),
    orderByClientId: () => Promise.resolve(undefined),
  });
  const order = await place(room, claude, limit());
  await room.clock.advanceAsync(RECONCILE_INTERVAL_MS);
  expect((await now(room, claude, order)).status).toBe('rejected');
  Object.assign(broker, asBefore);
  await room.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS + RECONCILE_INTERVAL_MS);
  const open = granted(await room.trading.orders(claude, { status: 'open', limit: 5 })).items;
  expect(open).toMatchObject([{ status: 'open', brokerClientId: order.brokerClientId }]);
  expect(broker.sent.place).toHaveLength(1);
});

it.each([0, 1_000, 2_500, 4_999])(
  'an account is compared within ten seconds of its healing, whatever another one’s broker keeps open (%i ms after a round)',
  async (sinceMs) => {
    const broker = scriptedBroker();
    const other = scriptedBroker(SECOND);
    const room = await tradingRoom({ adapter: () => broker, second: other });
    const claude = room.agent('claude');
    Object.assign(other, { historySince: () => new Promise(() => undefined) });
    broker.deaf = true;
    broker.silent = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const order = await place(room, claude, limit());
    await room.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS + BROKER_CALL_TIMEOUT_MS / 2 + sinceMs);
    broker.deaf = false;
    await room.clock.advanceAsync(10_000);
    expect((await now(room, claude, order)).status).toBe('open');
  },
);
