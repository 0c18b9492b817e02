/** Cancels go first: they reach the broker even when nothing can be written down. */
import { describe, expect, it } from 'vitest';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, place, reduce, tradingRoom } from '../support/trading-room.ts';

describe('with a store that takes no writes', () => {
  it.each(['one', 'all'] as const)('a cancel of %s with a key is sent all the same', async (which) => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ adapter: () => broker });
    const claude = room.agent('claude');
    const order = await place(room, claude, draft({ side: 'buy', limit: room.bid().minus('20').toFixed(2) }));
    room.store.db.pragma('query_only = 1');
    const asked =
      which === 'one'
        ? room.trading.cancelOrder(claude, order.orderId, reduce('key'))
        : room.trading.cancelAllOrders(claude, {}, reduce('key'));
    await room.clock.advanceAsync(0);
    await room.clock.advanceAsync(10_000);
    await asked;
    expect(broker.sent.cancel).toEqual([order.brokerClientId]);
    expect(broker.order(order.brokerClientId)?.status).toBe('canceled');
    room.store.db.pragma('query_only = 0');
  });
});

it('takes an agent’s partial close back when the owner flattens, and closes all of it', async () => {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const claude = room.agent('claude');
  const entry = await place(room, claude, draft({ side: 'buy', qty: '5' }));
  broker.fill(entry.brokerClientId, '5', '1450');
  const part = draft({ side: 'sell', qty: '2' }).size;
  if (part.kind !== 'qty') throw new Error('a quantity');
  await room.trading.closePosition(
    claude,
    { account: broker.account, symbol: 'SPX', qty: part.qty },
    reduce(),
  );
  const [, partial] = broker.sent.place;
  const report = await room.trading.kill({ cancel: 'adding', flatten: true, by: 'cli' });
  expect(report.failed).toEqual([]);
  const [, , flatten] = broker.sent.place;
  expect(broker.order(partial ?? '')?.status).toBe('canceled');
  expect(broker.order(flatten ?? '')?.qty.toFixed()).toBe('5');
});
