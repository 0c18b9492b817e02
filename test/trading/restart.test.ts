// A paper account that begins anew: its orders are canceled, its books start with the deposit, and nothing that happened is lost.

import { describe, expect, it } from 'vitest';
import { connectPaper } from '#brokers/paper/adapter.ts';
import { money, sum, ZERO_MONEY } from '#domain/decimal.ts';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import type { BrokerAdapter } from '#ports.ts';
import {
  commit,
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

const settings = { preset: 'friendly', seed: 1, cash: '100000', accountType: 'margin' } as const;
const anew = (room: TradingRoom, cash = '50000') =>
  room.trading.restartAccount({ account: PAPER, cash: money(cash), by: OWNER_CONSOLE });
const account = async (room: TradingRoom, who: Principal) => granted(await room.trading.account(who, PAPER));
const tables = (room: TradingRoom) => {
  const of = (sql: string): unknown => room.store.db.prepare(sql).pluck().all();
  return {
    cash: of(`SELECT amount FROM ledger_balances WHERE entry = 'cash'`),
    held: of(`SELECT qty FROM holdings WHERE qty <> '0'`),
    unbalanced: sum(ZERO_MONEY, (of('SELECT amount FROM ledger') as string[]).map(money)).toFixed(),
    mismatches: of(`SELECT seq FROM audit WHERE kind IN ('reconcile.mismatch', 'broker.event_failed')`),
  };
};
const whole = { cash: ['50000'], held: [], unbalanced: '0', mismatches: [] };

/** Two agents, one long and one short, and an order of each that works. */
async function busyRoom(options: Parameters<typeof tradingRoom>[0] = {}) {
  const room = await tradingRoom(options);
  const long = room.agent('long');
  const short = room.agent('short');
  await place(room, long, draft({ side: 'buy', qty: '5' }));
  await place(room, short, draft({ side: 'sell', qty: '2' }));
  await room.play(2);
  const far = (await place(room, long, draft({ side: 'sell', qty: '1', limit: '1600' }))).orderId;
  expect([await own(room, long), await own(room, short)]).toEqual(['5', '-2']);
  return { room, long, short, far };
}

describe('an account that begins anew', () => {
  it('cancels, settles everybody, and has the deposit; what happened is still there', async () => {
    const { room, long, short, far } = await busyRoom();
    const before = await account(room, long);
    const report = granted(await anew(room));
    expect(report).toMatchObject({ canceled: [far] });
    // The broker marks the account's net position, the ledger each side of it: cents apart.
    expect(report.equityBefore.minus(before.equity).abs().lt('1')).toBe(true);
    expect(await account(room, long)).toMatchObject({ cash: money('50000'), equity: money('50000') });
    expect([await own(room, long), await own(room, short)]).toEqual(['0', '0']);
    expect(tables(room)).toEqual(whole);
    expect(await now(room, long, { orderId: far })).toMatchObject({ status: 'canceled' });
    const kept = granted(await room.trading.orders(long, { status: 'all', limit: 9 })).items;
    expect(kept.map(({ origin, status }) => `${origin} ${status}`)).toEqual([
      'settlement filled',
      'agent canceled',
      'agent filled',
    ]);
    expect(room.events('account.restart_asked')).toMatchObject([{ detail: { cash: '50000', canceled: 1 } }]);
    expect(room.events('account.restarted')).toMatchObject([{ outcome: 'ok', detail: { cash: '50000' } }]);
    expect(await room.adapter.balance()).toMatchObject({ cash: money('50000') });
  });

  it('settles agents that hold against each other, of which the broker sees nothing', async () => {
    const room = await tradingRoom();
    const long = room.agent('long');
    const short = room.agent('short');
    await place(room, long, draft({ side: 'buy', qty: '3' }));
    await place(room, short, draft({ side: 'sell', qty: '3' }));
    await room.play(2);
    expect(await room.adapter.positions()).toEqual([]);
    granted(await anew(room));
    expect([await own(room, long), await own(room, short)]).toEqual(['0', '0']);
    expect(tables(room)).toEqual(whole);
  });

  it('counts profit and loss from there, on the same market day and on later ones', async () => {
    const { room, long } = await busyRoom();
    await room.play(40);
    granted(await anew(room));
    expect((await account(room, long)).dayPnl.toFixed()).toBe('0');
    const fresh = granted(await room.trading.pnlHistory(long, { account: PAPER, days: 365 }));
    expect(fresh.days.map(({ equity }) => equity.toFixed())).toEqual(['50000']);
    expect(fresh.totals).toMatchObject({ trades: 0, returnPct: 0, maxDrawdownPct: 0 });
    expect(fresh.totals.realised.toFixed()).toBe('0');

    await place(room, long, draft({ side: 'buy', qty: '1' }));
    await room.play(20);
    const { equity, dayPnl } = await account(room, long);
    const later = granted(await room.trading.pnlHistory(long, { account: PAPER, days: 365 }));
    expect(later.totals.trades).toBe(1);
    expect(later.days.at(-1)?.equity.minus(equity).abs().lt('1')).toBe(true);
    expect(later.days.length).toBeGreaterThan(1);
    expect(later.days.every((day) => day.equity.lt('60000'))).toBe(true);
    expect(dayPnl.abs().lt('1000')).toBe(true);
  });

  it('gives no agent a fresh budget', async () => {
    const { room, long } = await busyRoom({ mandate: { max_daily_orders: 2 } });
    granted(await anew(room));
    await place(room, long, draft({ side: 'buy', qty: '1' }));
    const third = await room.trading.placeOrder(long, draft({ side: 'buy', qty: '2' }), commit());
    expect(refusal(third).reason).toBe('max_daily_orders');
  });

  it('can begin anew again and again, and trade in between', async () => {
    const { room, long } = await busyRoom();
    for (const cash of ['10000', '20000', '50000']) {
      granted(await anew(room, cash));
      await place(room, long, draft({ side: 'buy', qty: '1' }));
      await room.play(2);
      expect(await own(room, long)).toBe('1');
    }
    granted(await anew(room));
    expect(tables(room)).toEqual(whole);
  });
});

describe('while something is unclear it does not begin anew', () => {
  /** The paper broker, whose answers to cancels are lost while `lost` says so. */
  const unheard = (how: { lost: boolean }) => ({
    adapter: ({ store, feed }: Pick<TradingRoom, 'store' | 'feed'>): BrokerAdapter => {
      const real = connectPaper({
        account: { id: PAPER, settings },
        store,
        feed,
      });
      return {
        ...real,
        cancel: async (order) =>
          how.lost ? { kind: 'unknown', reason: 'the answer was lost' } : real.cancel(order),
      };
    },
  });

  it('says which orders the broker has not answered for, and changes nothing', async () => {
    const how = { lost: true };
    const { room, long, far } = await busyRoom(unheard(how));
    const asked = anew(room);
    await room.clock.advanceAsync(0);
    const meanwhile = await room.trading.placeOrder(long, draft({ side: 'buy', qty: '1' }), commit());
    expect(refusal(meanwhile)).toMatchObject({ reason: 'reconciling' });
    const closing = await room.trading.closePosition(long, { account: PAPER, symbol: 'SPX' }, reduce());
    expect(refusal(closing).detail).toMatch(/begun anew/);
    await room.clock.advanceAsync(20_000);
    expect(refusal(await asked)).toMatchObject({
      reason: 'reconciling',
      detail: 'paper has not begun anew: the broker has not said that 1 order ended. Try again in a moment.',
    });
    expect(await own(room, long)).toBe('5');
    expect(room.events('account.restart_asked')).toEqual([]);
    expect((await now(room, long, { orderId: far })).status).not.toBe('canceled');

    how.lost = false;
    await room.clock.advanceAsync(120_000);
    granted(await anew(room));
    expect(tables(room)).toEqual(whole);
  });

  it('refuses for an account that is not on paper, or not there', async () => {
    const room = await tradingRoom();
    const gone = await room.trading.restartAccount({
      account: 'nobody' as typeof PAPER,
      cash: money('1'),
      by: OWNER_CONSOLE,
    });
    expect(refusal(gone).reason).toBe('not_found');
  });
});

it('a process that dies after the broker has begun anew finds it out at the next start, once', async () => {
  const { room, far, long } = await busyRoom();
  granted(await room.trading.cancelOrder(long, far, { ...reduce(), tool: 'cancel_order' }));
  // Another connection to the same books: what it does is not told to the line.
  const { store, feed } = room;
  const other = connectPaper({ account: { id: PAPER, settings }, store, feed });
  expect(await other.restart?.(money('50000'))).toEqual({ kind: 'restarted' });
  expect(await own(room, long)).toBe('5');
  const again = await room.restart();
  expect(tables(again)).toEqual(whole);
  expect(again.events('account.restarted')).toHaveLength(1);
  const third = await again.restart();
  expect(tables(third)).toEqual(whole);
  expect(third.events('account.restarted')).toHaveLength(1);
});

it('the broker refuses while an order works, whoever asks', async () => {
  const { room } = await busyRoom();
  expect(await room.adapter.restart?.(money('1'))).toEqual({
    kind: 'refused',
    reason: '1 orders are still working',
  });
  expect((await room.adapter.balance()).cash.gt('1000')).toBe(true);
});
