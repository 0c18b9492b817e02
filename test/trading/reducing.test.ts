/** Reducing is computed, not claimed: whose a position is, how much of it is left to close, and what passes in each trading state. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { OrderRecord } from '#trading/views.ts';
import { ask, close, holder, type Scene, scene } from '../support/reducing-scene.ts';
import { commit, draft, granted, now, own, place, reduce, refusal } from '../support/trading-room.ts';

const LONG_ONLY = { allow_short: false } as const;

describe('an order against one’s own position', () => {
  it('reduces up to all of it, and one lot more is a short', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', LONG_ONLY);
    expect(await ask(it, claude, { side: 'sell', qty: '11', limit: '1500' })).toBe('short_not_allowed');
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1500' })).toBe('reducing');
  });

  it('that is being sold already can not be sold again', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', LONG_ONLY);
    expect(await ask(it, claude, { side: 'sell', qty: '6', limit: '1500' })).toBe('reducing');
    expect(await ask(it, claude, { side: 'sell', qty: '5', limit: '1500' })).toBe('short_not_allowed');
    expect(await ask(it, claude, { side: 'sell', qty: '4', limit: '1500' })).toBe('reducing');
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })).toBe('short_not_allowed');
    expect(it.broker.sent.place).toHaveLength(3);
  });

  it('adds where shorts are allowed, with every limit', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', { allow_short: true, max_order_qty: '10' });
    expect(await ask(it, claude, { side: 'sell', qty: '11', limit: '1500' })).toBe('max_order_qty');
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1500' })).toBe('reducing');
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1500' })).toBe('adding');
  });

  it('is not taken by an adding sale, which was assessed as a short of its own', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10');
    expect(await ask(it, claude, { side: 'sell', qty: '11', limit: '1500' })).toBe('adding');
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1500' })).toBe('reducing');
  });

  it('of a short one buys it back', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '-10', { max_order_qty: '0' });
    expect(await ask(it, claude, { side: 'buy', qty: '10' })).toBe('reducing');
    expect(await ask(it, claude, { side: 'buy', qty: '1' })).toBe('max_order_qty');
  });

  it('frees what it took when it is canceled', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', LONG_ONLY);
    const sale = await place(it.room, claude, draft({ side: 'sell', qty: '10', limit: '1500' }));
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1501' })).toBe('short_not_allowed');
    granted(await it.room.trading.cancelOrder(claude, sale.orderId, reduce()));
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1501' })).toBe('reducing');
  });

  it('keeps what it took while its outcome is unclear', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', LONG_ONLY);
    it.broker.deaf = true;
    it.broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    it.broker.silent = true;
    expect(await ask(it, claude, { side: 'sell', qty: '10', limit: '1500' })).toBe('reducing');
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })).toBe('short_not_allowed');
  });

  it('counts a change in flight at its larger quantity', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', LONG_ONLY);
    const sale = await place(it.room, claude, draft({ side: 'sell', qty: '4', limit: '1500' }));
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    void it.room.trading.modifyOrder(claude, { orderId: sale.orderId, qty: quantity('9') }, commit());
    await it.room.clock.advanceAsync(0);
    expect(await ask(it, claude, { side: 'sell', qty: '2', limit: '1500' })).toBe('short_not_allowed');
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })).toBe('reducing');
  });

  it('of two hundred sales at once lets none sell twice', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '7', LONG_ONLY);
    await it.room.clock.advanceAsync(1_000);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })),
    );
    expect(answers.filter((answer) => answer === 'reducing')).toHaveLength(7);
    expect(it.broker.sent.place).toHaveLength(8);
  });
});

describe('a bracket', () => {
  async function bracketed(
    it: Scene,
    filled: string,
  ): Promise<{ claude: Principal; entry: OrderRecord; legs: readonly OrderRecord[] }> {
    const claude = it.room.agent('claude', LONG_ONLY);
    const entry = await place(
      it.room,
      claude,
      draft({ side: 'buy', qty: '10', takeProfit: '1500', stopLoss: '1400' }),
    );
    it.broker.fill(entry.brokerClientId, filled, '1450');
    const { items } = granted(await it.room.trading.orders(claude, { status: 'open', limit: 9 }));
    return { claude, entry, legs: items.filter((order) => order.parentOrderId === entry.orderId) };
  }

  it('counts its pair once', async () => {
    const it = await scene();
    const { claude, legs } = await bracketed(it, '10');
    expect(legs.map((leg) => `${leg.role} ${leg.effect} ${leg.qty.toFixed()}`).sort()).toEqual([
      'stop_loss reducing 10',
      'take_profit reducing 10',
    ]);
    // All ten are spoken for, though twenty are at work.
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1480' })).toBe('short_not_allowed');
    const more = await place(it.room, claude, draft({ side: 'buy', qty: '3' }));
    it.broker.fill(more.brokerClientId, '3', '1450');
    expect(await ask(it, claude, { side: 'sell', qty: '4', limit: '1480' })).toBe('short_not_allowed');
    expect(await ask(it, claude, { side: 'sell', qty: '3', limit: '1480' })).toBe('reducing');
  });

  it('counts at its larger leg', async () => {
    const it = await scene();
    const { claude, legs } = await bracketed(it, '10');
    const target = legs.find((leg) => leg.role === 'take_profit');
    if (target === undefined) throw new Error('no target');
    granted(
      await it.room.trading.modifyOrder(claude, { orderId: target.orderId, qty: quantity('4') }, commit()),
    );
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1480' })).toBe('short_not_allowed');
    const stop = legs.find((leg) => leg.role === 'stop_loss');
    granted(
      await it.room.trading.modifyOrder(
        claude,
        { orderId: stop?.orderId ?? '', qty: quantity('7') },
        commit(),
      ),
    );
    expect(await ask(it, claude, { side: 'sell', qty: '4', limit: '1480' })).toBe('short_not_allowed');
    expect(await ask(it, claude, { side: 'sell', qty: '3', limit: '1480' })).toBe('reducing');
  });

  it('takes no more than its entry has filled', async () => {
    const it = await scene();
    const before = await holder(it, 'claude', '5', LONG_ONLY);
    await bracketed(it, '2');
    expect(await ask(it, before, { side: 'sell', qty: '6', limit: '1480' })).toBe('short_not_allowed');
    expect(await ask(it, before, { side: 'sell', qty: '5', limit: '1480' })).toBe('reducing');
  });

  it('is canceled by a close, which then sells all', async () => {
    const it = await scene();
    const { claude, legs } = await bracketed(it, '10');
    expect(await close(it, claude)).toBe('sell 10');
    for (const leg of legs) expect((await now(it.room, claude, leg)).status).toBe('canceled');
  });
});

describe('reduce_only', () => {
  it('is checked, not believed', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '5');
    expect(await ask(it, claude, { side: 'sell', qty: '6', limit: '1500', reduceOnly: true })).toBe(
      'not_reducing',
    );
    expect(await ask(it, claude, { side: 'buy', qty: '1', reduceOnly: true })).toBe('not_reducing');
    expect(await ask(it, claude, { side: 'sell', qty: '5', limit: '1500', reduceOnly: true })).toBe(
      'reducing',
    );
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500', reduceOnly: true })).toBe(
      'not_reducing',
    );
    expect(it.broker.sent.place).toHaveLength(2);
  });
});

describe('what another agent opened', () => {
  it('is not one’s own: it can be neither sold, closed nor canceled', async () => {
    const it = await scene();
    const cursor = await holder(it, 'cursor', '5', LONG_ONLY);
    const claude = it.room.agent('claude', LONG_ONLY);
    const order = await place(it.room, cursor, draft({ side: 'sell', qty: '2', limit: '1500' }));
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })).toBe('short_not_allowed');
    expect(await close(it, claude)).toBe('not_reducing');
    expect(await close(it, claude, '1')).toBe('not_reducing');
    expect(refusal(await it.room.trading.cancelOrder(claude, order.orderId, reduce())).reason).toBe(
      'not_found',
    );
    expect(
      refusal(
        await it.room.trading.modifyOrder(claude, { orderId: order.orderId, qty: quantity('1') }, commit()),
      ).reason,
    ).toBe('not_found');
    const all = granted(await it.room.trading.cancelAllOrders(claude, {}, reduce()));
    expect(all.canceled).toEqual([]);
    expect((await now(it.room, cursor, order)).status).toBe('open');
    expect(await own(it.room, cursor)).toBe('5');
    expect(it.broker.sent.place).toHaveLength(2);
  });

  it('is closed and canceled with may_reduce account, and leaves the other’s sub-ledger', async () => {
    const it = await scene();
    const cursor = await holder(it, 'cursor', '5', LONG_ONLY);
    const order = await place(it.room, cursor, draft({ side: 'buy', qty: '2', limit: '1440' }));
    const guard = it.room.agent('guard', {
      ...LONG_ONLY,
      may_reduce: 'account',
      max_order_qty: '0',
      max_order_value: '0',
      max_daily_orders: 0,
      max_open_orders: 0,
    });
    expect(await ask(it, guard, { side: 'buy', qty: '1' })).toBe('max_order_qty');
    expect(granted(await it.room.trading.cancelOrder(guard, order.orderId, reduce())).order.status).toBe(
      'canceled',
    );
    expect(await close(it, guard, '2')).toBe('sell 2');
    it.broker.fill(it.broker.sent.place.at(-1) ?? '', '2', '1451');
    expect(await own(it.room, cursor)).toBe('3');
    expect(await own(it.room, guard)).toBe('0');
    expect(await close(it, guard)).toBe('sell 3');
    it.broker.fill(it.broker.sent.place.at(-1) ?? '', '3', '1451');
    expect([await own(it.room, cursor), await own(it.room, guard)]).toEqual(['0', '0']);
    // Who opened it has the gain, who closed it nothing.
    const realised = it.room.store.db
      .prepare(`SELECT holder, realised FROM holdings WHERE realised <> '0' AND holder <> '*'`)
      .all();
    expect(realised).toEqual([{ holder: cursor.agent, realised: '5' }]);
  });

  it('is out of reach again when that mandate is revoked, has ended, or its agent is halted', async () => {
    const it = await scene();
    const cursor = await holder(it, 'cursor', '5', LONG_ONLY);
    const order = await place(it.room, cursor, draft({ side: 'buy', qty: '2', limit: '1440' }));
    const rules = { may_reduce: 'account', allow_short: false, expires_at: '2026-01-05T13:00:00Z' };
    const guard = it.room.agent('guard', rules);
    const tries = async (): Promise<readonly string[]> => [
      await close(it, guard),
      refusal(await it.room.trading.cancelOrder(guard, order.orderId, reduce())).reason,
    ];
    granted(await it.room.trading.haltTrading(guard, 'enough'));
    expect(await tries()).toEqual(['not_reducing', 'not_found']);
    granted(it.room.access.agents.lift('guard', OWNER_CLI));
    granted(it.room.access.mandates.revoke('guard', OWNER_CLI));
    expect(await tries()).toEqual(['not_reducing', 'not_found']);
    it.room.agent('guard', rules);
    it.room.clock.setWall(Date.UTC(2026, 0, 5, 13));
    await it.room.play(1);
    expect(await tries()).toEqual(['not_reducing', 'not_found']);
    it.room.agent('guard', { ...rules, expires_at: null });
    expect(await close(it, guard)).toBe('sell 5');
  });

  it('and is being closed by one agent can not be closed a second time by its own', async () => {
    const it = await scene();
    const cursor = await holder(it, 'cursor', '5', LONG_ONLY);
    const guard = it.room.agent('guard', { ...LONG_ONLY, may_reduce: 'account' });
    expect(await close(it, guard)).toBe('sell 5');
    expect(await close(it, cursor)).toBe('not_reducing');
    expect(await ask(it, cursor, { side: 'sell', qty: '1', limit: '1500' })).toBe('short_not_allowed');
    it.broker.fill(it.broker.sent.place.at(-1) ?? '', '5', '1450');
    expect([await own(it.room, cursor), await own(it.room, guard)]).toEqual(['0', '0']);
    expect(await close(it, cursor)).toBe('not_reducing');
  });

  it('never makes the account flip, whoever closes what in whatever order', async () => {
    const moves = fc.record({
      who: fc.nat({ max: 2 }),
      what: fc.constantFrom('close', 'sell', 'fill', 'cancel', 'wait'),
      qty: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(moves, { minLength: 5, maxLength: 25 }), async (list) => {
        const it = await scene();
        const agents = [
          await holder(it, 'cursor', '6', LONG_ONLY),
          await holder(it, 'claude', '4', LONG_ONLY),
          it.room.agent('guard', { ...LONG_ONLY, may_reduce: 'account' }),
        ];
        const filledAt = new Map<string, number>();
        for (const { who: index, what, qty } of list) {
          const who = agents[index];
          if (who === undefined) continue;
          const open = it.broker.sent.place.filter(
            (id) =>
              it.broker.order(id)?.status === 'open' || it.broker.order(id)?.status === 'partially_filled',
          );
          const [first] = open;
          if (what === 'close') await close(it, who, String(qty));
          if (what === 'sell') await ask(it, who, { side: 'sell', qty: String(qty), limit: '1500' });
          if (what === 'fill' && first !== undefined) {
            const seen = it.broker.order(first);
            if (seen === undefined) continue;
            const left = Number(seen.qty.toFixed()) - (filledAt.get(first) ?? 0);
            const part = Math.min(left, qty);
            filledAt.set(first, (filledAt.get(first) ?? 0) + part);
            it.broker.fill(first, String(part), '1450');
          }
          if (what === 'cancel') {
            const [order] = granted(await it.room.trading.orders(who, { status: 'open', limit: 1 })).items;
            if (order) await it.room.trading.cancelOrder(who, order.orderId, reduce());
          }
          if (what === 'wait') await it.room.play(1);
          for (const row of it.room.store.db.prepare('SELECT holder, qty FROM holdings').all() as {
            holder: string;
            qty: string;
          }[]) {
            expect([row.holder, row.qty.startsWith('-')]).toEqual([row.holder, false]);
          }
          const atWork = it.broker.sent.place
            .map((id) => it.broker.order(id))
            .filter(
              (order) =>
                order?.side === 'sell' && (order.status === 'open' || order.status === 'partially_filled'),
            )
            .reduce(
              (all, order) => all + Number(order?.qty.toFixed()) - Number(order?.filledQty.toFixed()),
              0,
            );
          const held = Number(
            it.room.store.db.prepare(`SELECT qty FROM holdings WHERE holder = '*'`).pluck().get(),
          );
          expect(atWork).toBeLessThanOrEqual(held);
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
