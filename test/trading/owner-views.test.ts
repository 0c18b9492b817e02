/** What the owner sees of positions, accounts and profit, and what waits for the owner. */
import { describe, expect, it } from 'vitest';
import { accountId, OWNER_CLI, OWNER_HOLDER } from '#domain/principal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, granted, PAPER, place, type TradingRoom, tradingRoom } from '../support/trading-room.ts';

const HOUR_MS = 3_600_000;

/** Claude long ten, cursor short four, the owner long two: eight in all, bought and sold at the market. */
async function crowd() {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const claude = room.agent('claude');
  const cursor = room.agent('cursor');
  const { owner } = room.trading;
  const bought = await place(room, claude, draft({ side: 'buy', qty: '10' }));
  const sold = await place(room, cursor, draft({ side: 'sell', qty: '4' }));
  const mine = granted(await owner.placeOrder(draft({ side: 'buy', qty: '2' }), 'k1'));
  broker.fill(bought.brokerClientId, '10', '1400');
  broker.fill(sold.brokerClientId, '4', '1410');
  broker.fill(mine.brokerClientId, '2', '1420');
  return { broker, room, claude, cursor, owner };
}

describe('positions', () => {
  it('are one row an agent, account and instrument, each at its own price', async () => {
    const { room, claude, owner } = await crowd();
    const rows = owner.positions({ status: 'open' });
    expect(
      rows.map((row) => [row.holderName, row.qty.toFixed(), row.ownQty.toFixed(), row.avgPrice?.toFixed()]),
    ).toEqual(
      expect.arrayContaining([
        ['claude', '10', '10', '1400'],
        ['cursor', '-4', '-4', '1410'],
        ['owner', '2', '2', '1420'],
      ]),
    );
    expect(rows).toHaveLength(3);
    expect(rows.every((row) => row.accountQty.toFixed() === '8')).toBe(true);
    const long = rows.find(({ holder }) => holder === claude.agent);
    // Marked at what it could be closed for.
    expect(long?.marketPrice?.toFixed()).toBe(room.bid().toFixed());
    expect(long?.unrealisedPnl?.toFixed()).toBe(room.bid().minus('1400').times('10').toFixed());
    expect(rows.find(({ holderName }) => holderName === 'cursor')?.marketPrice?.toFixed()).toBe(
      room.ask().toFixed(),
    );
  });

  it('are filtered by agent, account, instrument and whether they are open', async () => {
    const { broker, room, claude, owner } = await crowd();
    const close = granted(await owner.closePosition({ holder: claude.agent, account: PAPER, symbol: 'SPX' }));
    broker.fill(close.order?.brokerClientId ?? '', '10', '1410');
    const names = (filter: Parameters<typeof owner.positions>[0]) =>
      owner.positions(filter).map(({ holderName }) => holderName);
    expect(names({ status: 'open' }).sort()).toEqual(['cursor', 'owner']);
    expect(names({ status: 'closed' })).toEqual(['claude']);
    expect(names({ status: 'all', agent: 'owner' })).toEqual(['owner']);
    expect(names({ status: 'all', agent: 'nobody' })).toEqual([]);
    expect(names({ status: 'all', symbol: 'BTC/USD' })).toEqual([]);
    expect(names({ status: 'all', account: accountId('second') })).toEqual([]);
    const [closed] = owner.positions({ status: 'closed' });
    expect([closed?.realisedPnl.toFixed(), closed?.avgPrice, closed?.marketValue]).toEqual([
      '100',
      null,
      null,
    ]);
    expect(room.trading.owner.accountPositions({ status: 'open' })).toHaveLength(1);
  });

  it('of an account are everybody’s together, with the owner’s part', async () => {
    const { owner } = await crowd();
    const [row] = owner.accountPositions({ status: 'open' });
    expect([row?.qty.toFixed(), row?.ownQty.toFixed()]).toEqual(['8', '2']);
    expect(owner.accountPositions({ status: 'closed' })).toEqual([]);
  });
});

describe('accounts', () => {
  it('are all of them, whoever may read them, and one whose broker is silent does not hide the others', async () => {
    const second = scriptedBroker('second');
    const room = await tradingRoom({ second });
    const { owner } = room.trading;
    expect(granted(await owner.accounts()).map(({ id }) => id)).toEqual(['paper', 'second']);
    second.balance = () => Promise.reject(new Error('no line'));
    await room.clock.advanceAsync(60_000);
    // Its last word, with its age.
    expect(granted(await owner.accounts()).map(({ id, ageMs }) => [id, ageMs])).toEqual([
      ['paper', 0],
      ['second', 60_000],
    ]);
    expect(owner.statuses().map(({ id, connected }) => [id, connected])).toEqual([
      ['paper', true],
      ['second', true],
    ]);
  });

  it('have an equity curve whose last point is now, and goes with the market', async () => {
    const room = await tradingRoom();
    const { owner } = room.trading;
    const flat = owner.pnl(PAPER, 30);
    expect(flat.days).toHaveLength(1);
    expect([flat.now.equity.toFixed(), flat.now.dayPnl.toFixed(), flat.now.drawdown.toFixed()]).toEqual([
      '100000',
      '0',
      '0',
    ]);
    granted(await owner.placeOrder(draft({ side: 'buy', qty: '20' }), 'k1'));
    const seen = new Set<string>();
    for (let step = 0; step < 60; step++) {
      await room.play(1);
      const { days, now } = owner.pnl(PAPER, 30);
      const [account] = granted(await owner.accounts());
      // The venue marks at the middle, the books at what could be had: no further apart than the spread.
      const spread = room.ask().minus(room.bid()).times('20');
      expect(account?.equity.minus(now.equity).abs().lte(spread)).toBe(true);
      expect(account?.dayPnl.minus(now.dayPnl).abs().lte(spread)).toBe(true);
      expect(days.at(-1)?.equity.toFixed()).toBe(now.equity.toFixed());
      expect(now.drawdown.lte('0')).toBe(true);
      seen.add(now.equity.toFixed());
    }
    expect(seen.size).toBeGreaterThan(5);
    const { days, totals } = owner.pnl(PAPER, 365);
    const claude = room.agent('claude');
    const theirs = granted(await room.trading.pnlHistory(claude, { account: PAPER, days: 365 }));
    expect(days).toEqual(theirs.days);
    expect(days.length).toBeGreaterThan(3);
    expect(theirs.totals).toMatchObject(totals);
  });
});

describe('an agent’s mandate', () => {
  it('is told by name, with what is used and left, and of nobody for whom there is no agent', async () => {
    const { owner } = await crowd();
    const view = owner.mandateOf('claude');
    expect([view?.agent, view?.mandate?.version, view?.tradingState]).toEqual(['claude', 1, 'ACTIVE']);
    expect(view?.used.map(({ dailyOrders, dailyValue }) => [dailyOrders, dailyValue.toFixed()])).toEqual([
      [1, '14000'],
    ]);
    expect(owner.mandateOf('nobody')).toBeUndefined();
    expect(owner.mandateOf('owner')).toBeUndefined();
  });
});

describe('what waits for the owner', () => {
  const kinds = (room: TradingRoom) => room.trading.owner.waiting().items.map(({ kind }) => kind);

  it('is nothing while all is well', async () => {
    const { room, owner } = await crowd();
    await room.clock.advanceAsync(5 * 60_000);
    expect(owner.waiting()).toEqual({ count: 0, items: [] });
  });

  it('is an agent that halted itself, until it is lifted', async () => {
    const { room, claude, owner } = await crowd();
    granted(await room.trading.haltTrading(claude, 'I do not understand the price'));
    expect(owner.waiting().items).toEqual([
      {
        kind: 'agent_halted',
        agentName: 'claude',
        reason: 'I do not understand the price',
        sinceMs: room.access.wall(),
      },
    ]);
    granted(owner.liftAgent('claude'));
    expect(kinds(room)).toEqual([]);
  });

  it('is an agent stopped by its loss, until it is lifted or the day is over', async () => {
    const { room, owner } = await crowd();
    room.agent('cursor', { max_daily_loss: '0.01' });
    await room.clock.advanceAsync(2_000);
    expect(owner.waiting().items).toEqual([
      { kind: 'agent_reducing', agentName: 'cursor', reason: 'daily_loss' },
    ]);
    granted(owner.liftAgent('cursor'));
    expect(kinds(room)).toEqual([]);
  });

  it('is a mandate that ends within a day, and one that has ended; not one that the owner revoked', async () => {
    const { room, owner } = await crowd();
    const inHours = (hours: number): string => new Date(room.clock.wallMs() + hours * HOUR_MS).toISOString();
    room.agent('later', { expires_at: inHours(25) });
    room.agent('soon', { expires_at: inHours(23) });
    room.agent('over', { expires_at: inHours(1 / 60) });
    room.agent('gone', { expires_at: inHours(2) });
    granted(room.access.mandates.revoke('gone', OWNER_CLI));
    await room.clock.advanceAsync(61_000);
    expect(owner.waiting().items).toMatchObject([
      { kind: 'mandate_expired', agentName: 'over' },
      { kind: 'mandate_ending', agentName: 'soon' },
    ]);
    room.agent('over', { expires_at: null });
    expect(owner.waiting().count).toBe(1);
  });

  it('is an account that is away, and one that could not be compared for a while', async () => {
    const { broker, room, owner } = await crowd();
    const before = owner.statuses()[0]?.reconciledAtMs ?? 0;
    broker.stay(false);
    expect(owner.waiting().items).toMatchObject([{ kind: 'account_disconnected', account: 'paper' }]);
    broker.stay(true);
    await room.clock.advanceAsync(10_000);
    expect(kinds(room)).toEqual([]);
    broker.deaf = true;
    await room.clock.advanceAsync(4 * 60_000);
    const [item] = owner.waiting().items;
    expect(item).toMatchObject({ kind: 'account_not_compared', account: 'paper' });
    expect(Reflect.get(item ?? {}, 'sinceMs')).toBeGreaterThan(before);
    broker.deaf = false;
    await room.clock.advanceAsync(65_000);
    expect(kinds(room)).toEqual([]);
  });

  it('is listed up to a bound and counted in full', async () => {
    const room = await tradingRoom();
    for (let n = 0; n < 60; n++) {
      const name = `agent-${n}`;
      granted(room.access.agents.create(name, ['paper'], OWNER_CLI));
      granted(
        room.access.agents.halt(
          name,
          {
            kind: 'agent',
            agent: room.access.agents.byName(name)?.id ?? OWNER_HOLDER,
            agentName: name,
            credential: 'key_1',
            door: 'http',
            scopes: new Set(),
            epoch: 1,
          },
          'stop',
        ),
      );
    }
    const { count, items } = room.trading.owner.waiting();
    expect([count, items.length]).toEqual([60, 50]);
  });
});
