/** Orders of a stopped agent that can not be canceled: tried again and again, ever more slowly, and nobody else waits for it. */
import { describe, expect, it } from 'vitest';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  place,
  reduce,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

async function flat(
  options: Parameters<typeof scriptedBroker>[1] = {},
): Promise<{ room: TradingRoom; broker: ScriptedBroker }> {
  const broker = scriptedBroker('paper', options);
  return { room: await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker }), broker };
}
const refusing = (broker: ScriptedBroker, times: number): void => {
  for (let n = 0; n < times; n++) broker.next.cancel.push({ effect: 'reject', answer: 'truth' });
};

describe('orders of a stopped agent that can not be canceled', () => {
  it.each(['unclear', 'cancels rejected'])(
    '%s: are not asked for every second, and keep nobody else out',
    async (how) => {
      const { room, broker } = await flat({ queryByClientId: false });
      const bad = room.agent('bad');
      const good = room.agent('good');
      for (let n = 0; n < 12; n++) {
        if (how === 'unclear') broker.next.place.push({ effect: 'lose', answer: 'unknown' });
        await place(room, bad, draft({ side: 'buy', qty: String(n + 1), limit: '96' }));
        await room.clock.advanceAsync(200);
      }
      if (how !== 'unclear') refusing(broker, 3_000);
      granted(await room.trading.haltTrading(bad, 'x'));
      await room.clock.advanceAsync(60_000);
      const answers: string[] = [];
      for (let n = 0; n < 10; n++) {
        await room.clock.advanceAsync(970);
        const got = await room.trading.placeOrder(
          good,
          draft({ side: 'buy', qty: '1', limit: '95.5' }),
          commit(),
        );
        answers.push(got.ok ? 'ok' : got.error.reason);
      }
      expect(answers).not.toContain('throttled');
      expect(broker.sent.cancel.length).toBeGreaterThan(12 * 4);
      expect(broker.sent.cancel.length).toBeLessThan(150);
    },
  );

  it('are tried anew at once when they stand differently', async () => {
    const { room, broker } = await flat();
    const bad = room.agent('bad');
    const order = await place(room, bad, draft({ side: 'buy', qty: '5', limit: '99' }));
    refusing(broker, 7);
    granted(await room.trading.haltTrading(bad, 'x'));
    await room.clock.advanceAsync(70_000);
    expect((await now(room, bad, order)).status).toBe('open');
    const before = broker.sent.cancel.length;
    broker.fill(order.brokerClientId, '1', '99');
    await room.clock.advanceAsync(1_100);
    expect(broker.sent.cancel.length).toBe(before + 1);
    expect((await now(room, bad, order)).status).toBe('canceled');
  });
});

describe('messages of a second', () => {
  const sell = draft({ side: 'sell', qty: '1', type: 'stop', stop: '97' });
  async function holding(): Promise<{ room: TradingRoom; broker: ScriptedBroker }> {
    const scene = await flat();
    for (const name of ['noisy', 'careful']) {
      const who = scene.room.agent(name);
      const entry = await place(scene.room, who, draft({ side: 'buy', qty: '2', limit: '100.5' }));
      scene.broker.fill(entry.brokerClientId, '2', '100');
      await scene.room.clock.advanceAsync(1_100);
    }
    return scene;
  }

  it('of others keep back what adds, and never what only reduces', async () => {
    const { room, broker } = await holding();
    const noisy = room.agent('noisy');
    const careful = room.agent('careful');
    const orders = [];
    for (let n = 0; n < 10; n++)
      orders.push(await place(room, noisy, draft({ side: 'buy', qty: String(n + 1), limit: '96' })));
    const adds = await room.trading.placeOrder(
      careful,
      draft({ side: 'buy', qty: '1', limit: '95.5' }),
      commit(),
    );
    expect(adds.ok ? 'ok' : adds.error.reason).toBe('throttled');
    expect((await place(room, careful, sell)).status).toBe('open');
    // Whose they are waits for them.
    const own = await room.trading.placeOrder(noisy, sell, commit());
    expect(own.ok ? 'ok' : own.error.reason).toBe('throttled');
    expect(broker.sent.place).toHaveLength(2 + 10 + 1);
  });

  it('are not used up by asking for the same cancel again and again', async () => {
    const { room, broker } = await holding();
    const noisy = room.agent('noisy');
    const order = await place(room, noisy, draft({ side: 'buy', qty: '1', limit: '96' }));
    await room.clock.advanceAsync(1_100);
    broker.silent = true;
    const asked = Array.from({ length: 12 }, () => room.trading.cancelOrder(noisy, order.orderId, reduce()));
    await room.clock.advanceAsync(100);
    expect(broker.sent.cancel).toHaveLength(1);
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(100);
    for (const answer of await Promise.all(asked))
      expect(granted(answer)).toMatchObject({ order: { status: 'canceled' } });
    const later = await room.trading.placeOrder(
      room.agent('careful'),
      draft({ side: 'buy', qty: '1', limit: '95.5' }),
      commit(),
    );
    expect(later.ok ? 'ok' : later.error.reason).toBe('ok');
  });
});
