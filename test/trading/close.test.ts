/** Closing: never flips, never twice, never another's, and never while a cancel is unclear. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  draft,
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

const SPX = { account: PAPER, symbol: 'SPX' } as const;

async function long(room: TradingRoom, qty: string, name = 'claude') {
  const who = room.agent(name);
  await place(room, who, draft({ side: 'buy', qty }));
  await room.play(1);
  expect(await own(room, who)).toBe(qty);
  return who;
}

describe('the same close', () => {
  it('sent twice at once closes once and never flips the position', async () => {
    const room = await tradingRoom();
    const claude = await long(room, '10');
    const both = await Promise.all([
      room.trading.closePosition(claude, SPX, reduce()),
      room.trading.closePosition(claude, SPX, reduce()),
    ]);
    const ids = both.map((one) => (one.ok && !one.value.dryRun ? one.value.order?.orderId : 'refused'));
    expect(ids[0]).toBe(ids[1]);
    await room.play(3);
    expect(await own(room, claude)).toBe('0');
  });

  it('asked for by any number of calls, keys and quantities leaves nothing short', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('1', '3', '10', undefined), { minLength: 2, maxLength: 6 }),
        fc.array(fc.boolean()),
        async (sizes, waits) => {
          const room = await tradingRoom();
          const claude = await long(room, '10');
          const calls: Promise<unknown>[] = [];
          for (const [index, qty] of sizes.entries()) {
            calls.push(
              room.trading.closePosition(
                claude,
                { ...SPX, ...(qty ? { qty: quantity(qty) } : {}) },
                reduce(),
              ),
            );
            if (waits[index]) await room.play(1);
          }
          await Promise.all(calls);
          await room.play(3);
          const left = Number(await own(room, claude));
          expect(left).toBeGreaterThanOrEqual(0);
          expect(left).toBeLessThanOrEqual(10);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('repeated with its key gives the same order, also when it was filled long ago', async () => {
    const room = await tradingRoom();
    const claude = await long(room, '4');
    const first = granted(await room.trading.closePosition(claude, SPX, reduce('once')));
    await room.play(2);
    expect(await own(room, claude)).toBe('0');
    await place(room, claude, draft({ side: 'buy', qty: '4' }));
    await room.play(2);
    const second = granted(await room.trading.closePosition(claude, SPX, reduce('once')));
    if (first.dryRun || second.dryRun) throw new Error('previewed');
    expect(second.order?.orderId).toBe(first.order?.orderId);
    await room.play(2);
    expect(await own(room, claude)).toBe('4');
    expect(refusal(await room.trading.closePosition(claude, SPX, reduce('once', 'other'))).reason).toBe(
      'idempotency_conflict',
    );
  });
});

describe('a close', () => {
  it('first cancels what would reduce already, then sells all that is left', async () => {
    const room = await tradingRoom();
    const claude = await long(room, '10');
    const target = room.ask().plus('20').toFixed(2);
    const resting = await place(room, claude, draft({ side: 'sell', qty: '10', limit: target }));
    expect(resting.effect).toBe('reducing');
    const closed = granted(await room.trading.closePosition(claude, SPX, reduce()));
    if (closed.dryRun) throw new Error('previewed');
    expect(closed.canceled).toEqual([resting.orderId]);
    expect(closed.order?.timeInForce).toBe('gtc');
    await room.play(2);
    expect(await own(room, claude)).toBe('0');
    expect((await now(room, claude, resting)).status).toBe('canceled');
  });

  it('is refused while a cancel is unclear, and sends nothing', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ adapter: () => broker });
    const claude = room.agent('claude');
    const entry = await place(room, claude, draft({ side: 'buy', qty: '5' }));
    broker.fill(entry.brokerClientId, '5', '1450');
    await place(room, claude, draft({ side: 'sell', qty: '5', limit: '1500' }));
    broker.next.cancel.push({ effect: 'lose', answer: 'unknown' });
    broker.deaf = true;
    const answer = room.trading.closePosition(claude, SPX, reduce());
    await room.clock.advanceAsync(0);
    await room.clock.advanceAsync(20_000);
    expect(refusal(await answer).reason).toBe('reconciling');
    expect(broker.sent.place).toHaveLength(2);
  });

  it('closes the caller’s own part and leaves another agent’s alone', async () => {
    const room = await tradingRoom();
    const claude = await long(room, '3', 'claude');
    const cursor = await long(room, '5', 'cursor');
    granted(await room.trading.closePosition(claude, SPX, reduce()));
    await room.play(2);
    expect(await own(room, claude)).toBe('0');
    expect(await own(room, cursor)).toBe('5');
    expect(refusal(await room.trading.closePosition(claude, SPX, reduce())).reason).toBe('not_reducing');
    await room.play(2);
    expect(await own(room, cursor)).toBe('5');
  });

  it('previews without sending or canceling anything', async () => {
    const room = await tradingRoom();
    const claude = await long(room, '10');
    const resting = await place(
      room,
      claude,
      draft({ side: 'sell', qty: '10', limit: room.ask().plus('20').toFixed(2) }),
    );
    const preview = granted(await room.trading.closePosition(claude, SPX, { ...reduce(), dryRun: true }));
    if (!preview.dryRun) throw new Error('it acted');
    expect(preview.wouldCancel).toEqual([resting.orderId]);
    expect(preview.preview?.positionAfter.toFixed()).toBe('0');
    await room.play(2);
    expect(await own(room, claude)).toBe('10');
    expect((await now(room, claude, resting)).status).toBe('open');
  });

  it('of everything closes every position and says which could not be', async () => {
    const room = await tradingRoom();
    const claude = await long(room, '10');
    const all = granted(await room.trading.closeAllPositions(claude, {}, reduce('all')));
    expect(all.closes.map((one) => one.symbol)).toEqual(['SPX']);
    const again = granted(await room.trading.closeAllPositions(claude, {}, reduce('all')));
    expect(JSON.stringify(again.closes)).toContain('SPX');
    await room.play(2);
    expect(await own(room, claude)).toBe('0');
  });
});

it('lets no agent cancel another’s order', async () => {
  const room = await tradingRoom();
  const claude = room.agent('claude');
  const cursor = room.agent('cursor');
  const order = await place(room, claude, draft({ side: 'buy', limit: room.bid().minus('10').toFixed(2) }));
  expect(refusal(await room.trading.cancelOrder(cursor, order.orderId, reduce())).reason).toBe('not_found');
  expect((await now(room, claude, order)).status).toBe('open');
});

describe('a close that fails half-way', () => {
  /** A broker whose word fails once, in the transaction that decides. */
  const failing = () => {
    const broker = scriptedBroker();
    let armed = false;
    const adapter: typeof broker = {
      ...broker,
      get accountType(): 'margin' {
        if (!armed) return 'margin';
        armed = false;
        throw new Error('half-way');
      },
    };
    return { broker, adapter, arm: () => (armed = true) };
  };

  it('frees its key: the same call again closes, and once', async () => {
    const { broker, adapter, arm } = failing();
    const room = await tradingRoom({ adapter: () => adapter });
    const claude = room.agent('claude');
    const bought = await place(room, claude, draft({ side: 'buy', qty: '3' }));
    broker.fill(bought.brokerClientId, '3', '1450');
    arm();
    await expect(room.trading.closePosition(claude, SPX, reduce('k'))).rejects.toThrow('half-way');
    expect(broker.sent.place).toHaveLength(1);
    const closed = granted(await room.trading.closePosition(claude, SPX, reduce('k')));
    const again = granted(await room.trading.closePosition(claude, SPX, reduce('k')));
    if (closed.dryRun || again.dryRun) throw new Error('it was only previewed');
    expect(again.order?.orderId).toBe(closed.order?.orderId);
    expect(broker.sent.place).toHaveLength(2);
  });

  it.each(['close_position', 'close_all_positions'])(
    'frees it too when even that can not be written down (%s)',
    async (tool) => {
      const { broker, adapter, arm } = failing();
      const room = await tradingRoom({ adapter: () => adapter });
      const claude = room.agent('claude');
      const bought = await place(room, claude, draft({ side: 'buy', qty: '3' }));
      broker.fill(bought.brokerClientId, '3', '1450');
      const transaction = room.store.transaction.bind(room.store);
      const broken = new Error('the disk is full');
      Object.assign(room.store, {
        transaction: (work: () => unknown) => {
          try {
            return transaction(work);
          } catch (cause) {
            // From the failure on nothing can be written, until the disk has room again.
            Object.assign(room.store, {
              transaction: () => {
                throw broken;
              },
            });
            throw cause;
          }
        },
      });
      const close = () =>
        tool === 'close_position'
          ? room.trading.closePosition(claude, SPX, reduce('k'))
          : room.trading.closeAllPositions(claude, {}, reduce('k'));
      arm();
      await expect(close()).rejects.toThrow('half-way');
      Object.assign(room.store, { transaction });
      expect((await close()).ok).toBe(true);
      expect((await close()).ok).toBe(true);
      expect(broker.sent.place, 'the buy and one close').toHaveLength(2);
    },
  );

  it('keeps its key once there is an order: the same call again names it', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ adapter: () => broker });
    const claude = room.agent('claude');
    const bought = await place(room, claude, draft({ side: 'buy', qty: '3' }));
    broker.fill(bought.brokerClientId, '3', '1450');
    const transaction = room.store.transaction.bind(room.store);
    // Neither the broker's event nor its answer can be written.
    let failures = 0;
    Object.assign(room.store, {
      transaction: (work: () => unknown) => {
        if (broker.sent.place.length < 2) return transaction(work);
        if (++failures === 2) Object.assign(room.store, { transaction });
        throw new Error('the disk is full');
      },
    });
    await expect(room.trading.closePosition(claude, SPX, reduce('k'))).rejects.toThrow('the disk is full');
    broker.fill(broker.sent.place[1] ?? '', '3', '1450');
    expect(await own(room, claude)).toBe('0');
    const again = granted(await room.trading.closePosition(claude, SPX, reduce('k')));
    if (again.dryRun) throw new Error('it was only previewed');
    expect(again.order?.side).toBe('sell');
    expect(broker.sent.place).toHaveLength(2);
  });
});
