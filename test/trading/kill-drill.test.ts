/** The drill: what a kill would take of one paper account is really taken, and everything else is as before. */
import { describe, expect, it } from 'vitest';
import { accountId, type Principal } from '#domain/principal.ts';
import { accountTable } from '#store/accounts.ts';
import { approveCard, ask, cardNow } from '../support/approvals.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  PAPER,
  place,
  refusal,
  SECOND,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

const CSV = flatTape('1400', 30);
/** The line alone has no table of accounts: what a gateway keeps there is put there. */
async function drillRoom(options: Parameters<typeof tradingRoom>[0] = {}): Promise<TradingRoom> {
  const room = await tradingRoom({ csv: CSV, ...options });
  const row = { broker: 'paper', mode: 'paper' as const, currency: 'USD', settings: {}, createdAtMs: 0 };
  for (const id of [PAPER, SECOND])
    room.store.transaction(() => accountTable(room.store).insert({ ...row, id }));
  return room;
}
const away = (room: TradingRoom): string => room.bid().minus('20').toFixed(2);
const DRILL = { account: PAPER, cancel: 'adding' } as const;

async function drilled(
  room: TradingRoom,
  what: Parameters<TradingRoom['trading']['owner']['drill']>[0] = DRILL,
) {
  const report = room.trading.owner.drill(what);
  await room.clock.advanceAsync(100);
  return granted(await report);
}

/** Keeps back what the broker says until it is told to go on, so that a drill stands still in the middle. */
async function standing(): Promise<{ room: TradingRoom; broker: ScriptedBroker; claude: Principal }> {
  const broker = scriptedBroker();
  const room = await drillRoom({ adapter: () => broker });
  const claude = room.agent('claude');
  await place(room, claude, draft({ side: 'buy', limit: away(room) }));
  broker.silent = true;
  return { room, broker, claude };
}

const stateOf = (room: TradingRoom) =>
  room.store.db.prepare('SELECT trading_state, state_reason FROM accounts WHERE id = ?').get(PAPER);

describe('a drill', () => {
  it('cancels what could add risk, keeps what protects, and reports as a kill does', async () => {
    const room = await drillRoom();
    const claude = room.agent('claude');
    await place(room, claude, draft({ side: 'buy', qty: '2', stopLoss: '1350' }));
    await room.play(1);
    const adding = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    const report = await drilled(room);
    expect(report).toEqual({
      drill: true,
      account: PAPER,
      tradingState: 'ACTIVE',
      haltedAtMs: expect.any(Number) as number,
      canceled: [adding.orderId],
      kept: [expect.stringMatching(/^ord_/) as string],
      voided: [],
      failed: [],
      ordersLeft: [],
      positionsLeft: [{ account: PAPER, symbol: 'SPX', qty: expect.anything() as unknown }],
      elapsedMs: expect.any(Number) as number,
    });
    expect((await now(room, claude, adding)).status).toBe('canceled');
    expect(room.events('kill.drill')).toMatchObject([
      { outcome: 'ok', credential: 'owner', door: 'console', account: PAPER, detail: { cancel: 'adding' } },
    ]);
    expect(room.events('kill.drill_report')).toMatchObject([
      { outcome: 'ok', account: PAPER, detail: { canceled: 1, kept: 1, orders_left: 0 } },
    ]);
  });

  it('shuts nobody out: gate, epoch and credentials are untouched, and trading goes on at once', async () => {
    const room = await drillRoom();
    const claude = room.agent('claude');
    const epoch = room.access.epoch();
    await drilled(room);
    expect(room.access.epoch()).toBe(epoch);
    expect(room.access.gatewayState()).toBe('ACTIVE');
    for (const kind of ['kill', 'kill.report', 'gateway.state', 'authority.epoch'])
      expect(room.events(kind)).toEqual([]);
    const order = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    expect((await now(room, claude, order)).status).toBe('open');
  });

  it('takes protective orders too when asked for all, and nothing when asked for none', async () => {
    const room = await drillRoom();
    const claude = room.agent('claude');
    await place(room, claude, draft({ side: 'buy', qty: '2', stopLoss: '1350' }));
    await room.play(1);
    const none = await drilled(room, { account: PAPER, cancel: 'none' });
    expect([none.canceled.length, none.kept.length]).toEqual([0, 1]);
    const all = await drilled(room, { account: PAPER, cancel: 'all' });
    expect([all.canceled.length, all.kept.length]).toEqual([1, 0]);
  });

  it('halts its account while it lasts, and no other', async () => {
    const { room, broker, claude } = await standing();
    const running = room.trading.owner.drill(DRILL);
    await room.clock.advanceAsync(10);
    expect(stateOf(room)).toMatchObject({ trading_state: 'HALTED' });
    const refused = refusal(
      await room.trading.placeOrder(claude, draft({ side: 'buy', limit: away(room) }), commit()),
    );
    expect(refused).toMatchObject({ reason: 'trading_halted' });
    expect(refused.detail).toMatch(/drill of the kill switch/);
    // It reads, and may close what it holds: a drill is no kill.
    expect((await room.trading.orders(claude, { status: 'open', limit: 5 })).ok).toBe(true);
    expect(refusal(await room.trading.owner.drill(DRILL)).reason).toBe('reconciling');
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(1_000);
    expect(granted(await running).ordersLeft).toEqual([]);
    expect(stateOf(room)).toEqual({ trading_state: 'ACTIVE', state_reason: null });
  });

  it('leaves the orders of every other account alone', async () => {
    const second = scriptedBroker('second');
    const room = await drillRoom({ second });
    const claude = room.agent('claude', { accounts: ['paper', 'second'] });
    const other = await place(room, claude, draft({ account: 'second', side: 'buy', limit: away(room) }));
    await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    const report = await drilled(room);
    expect(report.canceled).toHaveLength(1);
    expect((await now(room, claude, other)).status).toBe('open');
    expect(second.sent.cancel).toEqual([]);
    expect((await drilled(room, { account: SECOND, cancel: 'adding' })).canceled).toEqual([other.orderId]);
  });

  it('leaves what waits for the owner waiting: no broker has it', async () => {
    const room = await drillRoom();
    const claude = room.agent('claude', { approval: 'always' });
    const asked = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    expect(asked.status).toBe('pending_approval');
    const report = await drilled(room, { account: PAPER, cancel: 'all' });
    expect([report.canceled, report.ordersLeft, report.failed]).toEqual([[], [], []]);
    await room.clock.advanceAsync(3_000);
    expect((await now(room, claude, asked)).status).toBe('pending_approval');
    expect(room.trading.owner.approvals.count()).toBe(1);
  });

  it('takes an order that its broker acknowledges in the middle of it', async () => {
    const broker = scriptedBroker();
    const room = await drillRoom({ adapter: () => broker });
    const claude = room.agent('claude');
    broker.next.place.push({ effect: 'accept', answer: 'never' });
    void room.trading.placeOrder(claude, draft({ side: 'buy', limit: away(room) }), commit());
    await room.clock.advanceAsync(0);
    broker.silent = true;
    const running = room.trading.owner.drill(DRILL);
    await room.clock.advanceAsync(50);
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(30_000);
    const report = granted(await running);
    expect(report.ordersLeft).toEqual([]);
    const [sent = ''] = broker.sent.place;
    expect(broker.order(sent)?.status).toBe('canceled');
  });

  it('says what is left where the broker does not answer, and the account goes on all the same', async () => {
    const { room, broker } = await standing();
    broker.deaf = true;
    const running = room.trading.owner.drill(DRILL);
    await room.clock.advanceAsync(60_000);
    const report = granted(await running);
    expect(report.ordersLeft).toHaveLength(1);
    expect(report.tradingState).toBe('ACTIVE');
    expect(room.events('kill.drill_report')).toMatchObject([{ outcome: 'error' }]);
  });
});

describe('a drill is refused', () => {
  it('for a live account, an account that there is not, and while the gate is down', async () => {
    const live = { ...scriptedBroker('second'), mode: 'live' as const };
    const room = await drillRoom({ second: live });
    expect(refusal(await room.trading.owner.drill({ account: SECOND, cancel: 'adding' }))).toMatchObject({
      reason: 'account_not_allowed',
      detail: expect.stringMatching(/live account.*paper account only/) as string,
    });
    const nobodys = { account: accountId('nobody'), cancel: 'adding' } as const;
    expect(refusal(await room.trading.owner.drill(nobodys)).reason).toBe('not_found');
    await room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    expect(refusal(await room.trading.owner.drill(DRILL)).reason).toBe('trading_halted');
    expect(room.events('kill.drill')).toEqual([]);
  });
});

describe('a drill that is broken off', () => {
  it('by a kill −9 ends with the next start, on the record', async () => {
    const { room } = await standing();
    void room.trading.owner.drill(DRILL);
    await room.clock.advanceAsync(10);
    expect(stateOf(room)).toMatchObject({ trading_state: 'HALTED' });
    const again = await room.restart();
    expect(stateOf(again)).toEqual({ trading_state: 'ACTIVE', state_reason: null });
    expect(again.events('kill.drill_report')).toMatchObject([
      { outcome: 'error', detail: { why: 'the gateway ended in the middle of it' } },
    ]);
    const third = await again.restart();
    expect(third.events('kill.drill_report')).toHaveLength(1);
  });

  it('by a real kill ends on its own, and the gate stays down', async () => {
    const { room, broker } = await standing();
    const running = room.trading.owner.drill(DRILL);
    await room.clock.advanceAsync(10);
    const killed = room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(10_000);
    expect((await killed).ordersLeft).toEqual([]);
    expect((await running).ok).toBe(true);
    expect(stateOf(room)).toMatchObject({ trading_state: 'ACTIVE' });
    expect(room.access.gatewayState()).toBe('HALTED');
  });

  it('by a store that can not be written stays halted until it can', async () => {
    const { room, broker } = await standing();
    const running = room.trading.owner.drill(DRILL);
    await room.clock.advanceAsync(10);
    room.store.db.pragma('query_only = 1');
    await room.clock.advanceAsync(60_000);
    granted(await running);
    expect(stateOf(room)).toMatchObject({ trading_state: 'HALTED' });
    room.store.db.pragma('query_only = 0');
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(2_000);
    expect(stateOf(room)).toMatchObject({ trading_state: 'ACTIVE' });
    expect(room.events('kill.drill_report')).toHaveLength(1);
  });
});

describe('what waits for the owner during a drill', () => {
  it('waits on and is decided afterwards; the kill switch ends it', async () => {
    const { room, broker } = await standing();
    const asks = room.agent('asks', { approval: 'always' });
    const { order, card } = await ask(room, asks, { limit: away(room) });
    const running = room.trading.owner.drill(DRILL);
    const early = await approveCard(room, card);
    expect(early.ok ? 'sent' : early.error.reason).toBe('trading_halted');
    expect((await now(room, asks, order)).status).toBe('pending_approval');
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(20_000);
    granted(await running);
    granted(await approveCard(room, cardNow(room, card)));
    expect((await now(room, asks, order)).status).toBe('open');
    const again = await ask(room, asks, { limit: room.bid().minus('21').toFixed(2) });
    await room.trading.kill({ cancel: 'none', flatten: false, by: 'cli' });
    expect((await now(room, asks, again.order)).status).toBe('refused');
  });
});
