/** The kill switch: nothing passes after it, what could add risk is canceled, what protects is kept, and the report says so. */
import { describe, expect, it } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  own,
  PAPER,
  place,
  reduce,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

const KILL = { cancel: 'adding', flatten: false, by: 'cli' } as const;
const away = (room: TradingRoom): string => room.bid().minus('20').toFixed(2);

async function protectedLong(room: TradingRoom, claude: Principal) {
  const entry = await place(
    room,
    claude,
    draft({
      side: 'buy',
      qty: '4',
      takeProfit: room.ask().plus('50').toFixed(2),
      stopLoss: room.bid().minus('60').toFixed(2),
    }),
  );
  await room.play(1);
  expect((await now(room, claude, entry)).status).toBe('filled');
  return entry;
}

describe('the kill switch', () => {
  it('cancels adding orders, keeps the protective ones, and refuses every credential', async () => {
    const room = await tradingRoom();
    const claude = room.agent('claude');
    await protectedLong(room, claude);
    const adding = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    const report = await room.trading.kill(KILL);
    expect(report.tradingState).toBe('HALTED');
    expect(report.canceled).toEqual([adding.orderId]);
    expect(report.kept).toHaveLength(2);
    expect(report.ordersLeft).toEqual([]);
    expect(report.positionsLeft.map((one) => one.qty.toFixed())).toEqual(['4']);
    expect(report.failed).toEqual([]);
    const refused = refusal(await room.trading.placeOrder(claude, draft({ side: 'buy' }), commit()));
    expect(refused.reason).toBe('trading_halted');
    expect(
      refusal(await room.trading.closePosition(claude, { account: PAPER, symbol: 'SPX' }, reduce())).reason,
    ).toBe('trading_halted');
    expect(room.events('kill')).toHaveLength(1);
  });

  it('pressed again while the gate is down says when it fell first, after a restart too; after a resume it falls anew', async () => {
    const room = await tradingRoom();
    const first = await room.trading.kill(KILL);
    await room.clock.advanceAsync(5_000);
    const second = await room.trading.kill({ ...KILL, by: 'file' });
    expect(second.haltedAtMs).toBe(first.haltedAtMs);
    expect(room.events('kill.report').map(({ detail }) => detail?.['by'])).toEqual(['cli', 'file']);
    const again = await room.restart();
    expect((await again.trading.kill(KILL)).haltedAtMs).toBe(first.haltedAtMs);
    granted(again.trading.resume('cli'));
    expect((await again.trading.kill(KILL)).haltedAtMs).toBeGreaterThan(first.haltedAtMs);
  });

  it('takes the protective ones too when asked for all', async () => {
    const room = await tradingRoom();
    const claude = room.agent('claude');
    await protectedLong(room, claude);
    const report = await room.trading.kill({ ...KILL, cancel: 'all' });
    expect(report.kept).toEqual([]);
    expect(report.ordersLeft).toEqual([]);
    expect(report.canceled).toHaveLength(2);
  });

  it('cancels nothing when asked for none, and says what is left', async () => {
    const room = await tradingRoom();
    const claude = room.agent('claude');
    const adding = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    const report = await room.trading.kill({ ...KILL, cancel: 'none' });
    expect(report.canceled).toEqual([]);
    expect(report.ordersLeft).toEqual([adding.orderId]);
  });

  it('flattens every position when asked to', async () => {
    const room = await tradingRoom();
    const claude = room.agent('claude');
    const cursor = room.agent('cursor', { allow_short: true });
    await protectedLong(room, claude);
    await place(room, cursor, draft({ side: 'sell', qty: '2' }));
    await room.play(1);
    const report = await room.trading.kill({ ...KILL, flatten: true });
    expect(report.failed).toEqual([]);
    // Its own closes are at work: they protect nothing and are not left over either.
    expect(report.kept).toEqual([]);
    expect(report.ordersLeft).toEqual([]);
    expect(report.positionsLeft).toHaveLength(2);
    await room.play(2);
    const held = room.store.db.prepare(`SELECT count(*) FROM holdings WHERE qty <> '0'`).pluck().get();
    expect(held).toBe(0);
  });

  it('cancels an order that the broker acknowledges late', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ adapter: () => broker });
    const claude = room.agent('claude');
    broker.silent = true;
    broker.deaf = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const placed = granted(
      await room.trading.placeOrder(claude, draft({ side: 'buy', limit: away(room) }), commit()),
    );
    if (placed.dryRun) throw new Error('previewed');
    const killed = room.trading.kill(KILL);
    await room.clock.advanceAsync(60_000);
    await killed;
    broker.deaf = false;
    broker.release();
    await room.clock.advanceAsync(10_000);
    expect(broker.order(placed.order.brokerClientId)?.status).toBe('canceled');
    expect(broker.sent.place).toHaveLength(1);
  });

  it('stops an order that was cleared and had not left yet', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ adapter: () => broker });
    const claude = room.agent('claude');
    const answer = room.trading.placeOrder(claude, draft({ side: 'buy' }), commit());
    const killed = room.trading.kill(KILL);
    expect((await answer).ok).toBe(false);
    await killed;
    expect(broker.sent.place).toEqual([]);
  });

  it('is still down after a restart, and resume is the only way up', async () => {
    const room = await tradingRoom();
    const claude = room.agent('claude');
    await room.trading.kill(KILL);
    const again = await room.restart();
    expect(refusal(await again.trading.placeOrder(claude, draft({ side: 'buy' }), commit())).reason).toBe(
      'trading_halted',
    );
    granted(again.trading.resume('cli'));
    // The credential was checked under the old epoch: it has to be presented again.
    expect((await again.trading.placeOrder(claude, draft({ side: 'buy' }), commit())).ok).toBe(false);
    const fresh = again.agent('claude');
    const order = await place(again, fresh, draft({ side: 'buy' }));
    await again.play(2);
    expect((await now(again, fresh, order)).status).toBe('filled');
    expect(await own(again, fresh)).toBe('1');
  });

  it('issues two hundred cancels within a second of the hand clock', async () => {
    const room = await tradingRoom({ csv: flatTape('1400', 120), paper: { cash: '10000000' } });
    const claude = room.agent('claude');
    for (let index = 0; index < 200; index++) {
      if (index % 9 === 0) await room.clock.advanceAsync(1_000);
      await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    }
    const report = await room.trading.kill(KILL);
    expect(report.canceled).toHaveLength(200);
    expect(report.ordersLeft).toEqual([]);
    expect(report.elapsedMs).toBeLessThan(1_000);
  });
});
