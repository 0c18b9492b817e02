/** An order that waits for its turn at the broker is asked about once more before its first byte: what fell meanwhile keeps it here. */
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { PlaceResult } from '#trading/views.ts';
import { settled } from '../support/limit-storm.ts';
import { type QueuedBroker, queuedBroker } from '../support/queued-broker.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  PAPER,
  reduce,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly queued: QueuedBroker;
  readonly claude: Principal;
}
async function scene(): Promise<Scene> {
  const queued = queuedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => queued.adapter });
  queued.gate = (order) => room.trading.wireGate(order);
  return { room, queued, claude: room.agent('claude') };
}
const limit = draft({ side: 'buy', qty: '2', limit: '1440' });

/** Sends an order into the queue, lets something happen, and gives it its turn: the order as the caller is told of it. */
async function meanwhile(it: Scene, happens: () => unknown, order = limit) {
  const answer = it.room.trading.placeOrder(it.claude, order, commit());
  await settled();
  expect(it.queued.waiting()).toBe(1);
  await happens();
  await it.queued.turn();
  return placed(granted(await answer));
}
function placed(result: PlaceResult) {
  if (result.dryRun) throw new Error('it was only previewed');
  return result.order;
}
const onlyReduce = ({ room, claude }: Scene): boolean =>
  room.store.transaction(() => room.access.agents.setReducing(claude.agent, 'daily_loss', '2026-01-05'));
function withoutBooks<T>(room: TradingRoom, ask: () => T): T {
  const access = room.access as { epoch: () => number };
  const { epoch } = access;
  access.epoch = () => {
    throw new Error('the disk is gone');
  };
  try {
    return ask();
  } finally {
    access.epoch = epoch;
  }
}
/** A position of claude's, and nothing in the queue. */
async function holding(it: Scene, qty: string): Promise<void> {
  const order = await meanwhile(it, () => undefined, draft({ side: 'buy', qty, limit: '1455' }));
  it.queued.venue.fill(order.brokerClientId, qty, '1450');
  await settled();
}

describe('while an order waits for its turn', () => {
  it('nothing happens, and it leaves', async () => {
    const it = await scene();
    expect(await meanwhile(it, () => undefined)).toMatchObject({ status: 'open' });
    expect(it.queued.venue.sent.place).toHaveLength(1);
  });

  const falls: readonly (readonly [string, (it: Scene) => unknown, RegExp])[] = [
    [
      'the kill switch',
      ({ room }) => room.trading.kill({ cancel: 'none', flatten: false, by: 'test' }),
      /kill/,
    ],
    ['the agent is halted', ({ room }) => room.access.agents.halt('claude', OWNER_CLI, 'enough'), /halted/],
    ['the agent may only reduce', onlyReduce, /only reducing/],
    [
      'the account is halted',
      ({ room }) => room.store.db.prepare("UPDATE accounts SET trading_state = 'HALTED'").run(),
      /halted/,
    ],
    ['its epoch ends', ({ room }) => room.store.transaction(() => room.access.bumpEpoch()), /authority/],
  ];
  it.each(falls)('%s: nothing leaves, and it is refused with the reason', async (_what, falls, why) => {
    const it = await scene();
    it.room.store.db
      .prepare(
        "INSERT OR IGNORE INTO accounts (id, broker, mode, currency, settings, created_at) VALUES ('paper','paper','paper','USD','{}',0)",
      )
      .run();
    const order = await meanwhile(it, () => falls(it));
    expect(order).toMatchObject({ status: 'refused' });
    expect(order.reason).toMatch(why);
    expect(it.queued.venue.sent.place).toEqual([]);
  });

  it('the mandate is revoked: it is taken back, and nothing leaves', async () => {
    const it = await scene();
    const revoke = () => it.room.access.mandates.revoke('claude', OWNER_CLI);
    expect(await meanwhile(it, revoke)).toMatchObject({ status: 'canceled' });
    expect(it.queued.venue.sent.place).toEqual([]);
  });

  it('its books can not be read: nothing leaves', async () => {
    const it = await scene();
    const { gate } = it.queued;
    const order = await meanwhile(it, () => {
      it.queued.gate = (order) => withoutBooks(it.room, () => gate(order));
    });
    expect(order.reason).toMatch(/can not be read/);
    expect(it.queued.venue.sent.place).toEqual([]);
  });

  it('its cancel overtakes it: it ends as canceled, and the broker never hears of it', async () => {
    const it = await scene();
    const answer = it.room.trading.placeOrder(it.claude, limit, commit());
    await settled();
    const [waiting] = granted(await it.room.trading.orders(it.claude, { status: 'open', limit: 5 })).items;
    const canceling = it.room.trading.cancelOrder(it.claude, waiting?.orderId ?? '', reduce());
    await settled();
    await it.queued.turn();
    expect(placed(granted(await answer))).toMatchObject({ status: 'canceled', filledQty: quantity('0') });
    expect(granted(await canceling)).toMatchObject({ order: { status: 'canceled' } });
    expect(it.queued.venue.sent.place).toEqual([]);
  });

  it('whoever waited has given up: it is unknown, and leaves no more', async () => {
    const it = await scene();
    const answer = it.room.trading.placeOrder(it.claude, limit, commit());
    await settled();
    await it.room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + 1);
    expect(placed(granted(await answer))).toMatchObject({ status: 'unknown' });
    await it.queued.turn();
    expect(it.queued.venue.sent.place).toEqual([]);
    const [order] = granted(await it.room.trading.orders(it.claude, { status: 'all', limit: 5 })).items;
    expect(order).toMatchObject({ status: 'canceled' });
  });

  it('and only reduces: an agent that may only reduce still sends it, one that is halted does not', async () => {
    const it = await scene();
    await holding(it, '4');
    const sell = draft({ side: 'sell', qty: '2', limit: '1460' });
    expect(await meanwhile(it, () => onlyReduce(it), sell)).toMatchObject({
      status: 'open',
      effect: 'reducing',
    });
    const halt = () => it.room.access.agents.halt('claude', OWNER_CLI, 'enough');
    const second = await meanwhile(it, halt, sell);
    expect(second).toMatchObject({ status: 'refused', effect: 'reducing' });
  });

  it('and is a close: the agent is halted, and it goes out all the same', async () => {
    const it = await scene();
    await holding(it, '4');
    const closing = it.room.trading.closePosition(it.claude, { account: PAPER, symbol: 'SPX' }, reduce());
    await settled();
    granted(it.room.access.agents.halt('claude', OWNER_CLI, 'enough'));
    await it.queued.turn();
    expect(granted(await closing)).toMatchObject({ order: { status: 'open', origin: 'close' } });
  });

  it('and is the owner’s flatten: it goes out while everything is halted', async () => {
    const it = await scene();
    await holding(it, '4');
    const killed = it.room.trading.kill({ cancel: 'all', flatten: true, by: 'test' });
    await settled(20);
    expect(it.queued.waiting()).toBe(1);
    await it.queued.turn();
    await killed;
    expect(it.queued.venue.sent.place).toHaveLength(2);
  });

  it('and its account is removed: it stays here', async () => {
    const it = await scene();
    const order = await meanwhile(it, () => it.room.adapters.delete(PAPER));
    expect(order).toMatchObject({ status: 'refused' });
    expect(order.reason).toMatch(/removed or connected anew/);
    expect(it.queued.venue.sent.place).toEqual([]);
  });

  it('and its account is connected anew: the old connection sends nothing more and is heard no more', async () => {
    const it = await scene();
    const next = scriptedBroker();
    let started = 0;
    Object.assign(next, { start: () => started++ });
    const order = await meanwhile(it, async () => {
      it.room.adapters.set(PAPER, next);
      await it.room.trading.join(PAPER);
    });
    expect(order.reason).toMatch(/removed or connected anew/);
    expect(started).toBe(1);
    it.queued.venue.placeElsewhere({ instrument: order.instrument, side: 'buy', qty: '1' });
    expect(it.room.trading.owner.orders({ agent: 'external', limit: 5 }).items).toEqual([]);
    next.placeElsewhere({ instrument: order.instrument, side: 'buy', qty: '1' });
    expect(it.room.trading.owner.orders({ agent: 'external', limit: 5 }).items).toHaveLength(1);
    it.queued.gate = () => undefined;
    const sent = it.room.trading.placeOrder(it.claude, limit, commit());
    expect(placed(granted(await sent))).toMatchObject({ status: 'open' });
    expect([it.queued.waiting(), next.sent.place.length]).toEqual([0, 1]);
  });

  it('a change waits: made larger it stays here when the agent may only reduce, made smaller it leaves', async () => {
    const it = await scene();
    const order = await meanwhile(it, () => undefined);
    const change = async (qty: string) => {
      const answer = it.room.trading.modifyOrder(
        it.claude,
        { orderId: order.orderId, qty: quantity(qty) },
        { ...commit(), tool: 'modify_order' },
      );
      await settled();
      onlyReduce(it);
      await it.queued.turn();
      return granted(await answer);
    };
    expect(await change('3')).toMatchObject({ change: { outcome: 'rejected' }, order: { status: 'open' } });
    expect(it.queued.venue.sent.replace).toEqual([]);
    expect(await change('1')).toMatchObject({ change: { outcome: 'accepted' } });
    expect(it.queued.venue.sent.replace).toHaveLength(1);
  });
});
