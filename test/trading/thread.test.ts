/** The thinnest thread: an order from its draft to a fill, its ledger and its record. */
import { expect, it } from 'vitest';
import { commit, draft, granted, now, own, place, tradingRoom } from '../support/trading-room.ts';

it('takes a market order to a fill at the ask, with its timeline, its trade and its record', async () => {
  const room = await tradingRoom();
  const claude = room.agent('claude');
  const order = await place(room, claude, draft({ side: 'buy', qty: '3' }));
  expect(order.status).toBe('open');
  await room.play(1);
  const filled = await now(room, claude, order);
  expect(filled.status).toBe('filled');
  expect(filled.filledQty.toFixed()).toBe('3');
  expect(await own(room, claude)).toBe('3');
  const { timeline } = granted(await room.trading.order(claude, order.orderId));
  expect(timeline.map((entry) => entry.status)).toEqual(['received', 'submitting', 'open', 'filled']);
  const trades = granted(await room.trading.trades(claude, { limit: 10 })).items;
  expect(trades).toHaveLength(1);
  const events = room.events().map((event) => event.kind);
  expect(events.filter((kind) => kind === 'order.executed')).toHaveLength(1);
  const named = room.events().filter((event) => event.kind.startsWith('order.'));
  expect(new Set(named.map((event) => event.agent))).toEqual(new Set(['claude']));
  const account = granted(await room.trading.account(claude, order.account));
  const cash = room.store.db.prepare(`SELECT amount FROM ledger_balances WHERE entry = 'cash'`).pluck().get();
  expect(account.cash.toFixed()).toBe(cash);
});

it('answers the same key and arguments with the same order, and other arguments with a conflict', async () => {
  const room = await tradingRoom();
  const claude = room.agent('claude');
  const first = granted(await room.trading.placeOrder(claude, draft({ side: 'buy' }), commit('k1')));
  const second = granted(await room.trading.placeOrder(claude, draft({ side: 'buy' }), commit('k1')));
  if (first.dryRun || second.dryRun) throw new Error('previewed');
  expect(second.order.orderId).toBe(first.order.orderId);
  const third = await room.trading.placeOrder(claude, draft({ side: 'buy' }), commit('k1', 'other'));
  expect(third.ok ? 'granted' : third.error.reason).toBe('idempotency_conflict');
  await room.play(2);
  expect(await own(room, claude)).toBe('1');
});
