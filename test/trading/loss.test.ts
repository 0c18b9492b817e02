/** Daily loss: realised and unrealised since the day began, each agent's own, checked at every fill and every second. */
import { describe, expect, it } from 'vitest';
import { money, text } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { LOSS_CHECK_INTERVAL_MS, MARK_SAVE_INTERVAL_MS } from '#limits.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  minuteTape,
  now,
  PAPER,
  place,
  type RoomOptions,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
}
async function scene(options: RoomOptions = {}): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker, ...options });
  return { room, broker };
}
/** Bars of four seconds: so many at one price, then all others at the next. */
const stepTape = (bars: number, from: string, to: string): string =>
  minuteTape(
    Array.from({ length: 200 }, (_, bar) => (bar < bars ? from : to)).map((at) => [at, at, at, at] as const),
  );

async function trade(
  it: Scene,
  who: Principal,
  side: 'buy' | 'sell',
  qty: string,
  at: string,
): Promise<void> {
  const order = await place(it.room, who, draft({ side, qty }));
  it.broker.fill(order.brokerClientId, qty, at);
}
const stateOf = ({ room }: Scene, who: Principal): string => {
  const { state, reason } = room.access.agents.stateOf(who.agent);
  return reason === null ? state : `${state} ${reason}`;
};
async function lost({ room }: Scene, who: Principal): Promise<string> {
  const [used] = granted(await room.trading.mandate(who)).used;
  return used === undefined ? 'nothing' : text(used.dailyLoss);
}
async function ask({ room }: Scene, who: Principal): Promise<string> {
  const answer = await room.trading.placeOrder(who, draft({ side: 'buy', limit: '1440' }), commit());
  return answer.ok ? 'granted' : answer.error.reason;
}
const nextDay = ({ room }: Scene): void => room.clock.setWall(room.clock.wallMs() + 86_400_000);
const STOPPED = 'REDUCING daily_loss';

describe('a loss', () => {
  it.each([
    ['a cent below the limit', '50.01', 'ACTIVE'],
    ['at the limit', '50', STOPPED],
    ['a cent above it', '49.99', STOPPED],
    ['with a limit of zero', '0', STOPPED],
  ])('unrealised, %s', async (_what, limit, state) => {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: limit });
    await trade(it, claude, 'buy', '10', '1455');
    expect(await lost(it, claude)).toBe('50');
    // At the fill, before any second has passed.
    expect(stateOf(it, claude)).toBe(state);
  });

  it.each([
    ['a cent below the limit', '30.01', 'ACTIVE'],
    ['at the limit', '30', STOPPED],
  ])('realised, %s', async (_what, limit, state) => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1450');
    it.room.agent('claude', { max_daily_loss: limit });
    await trade(it, claude, 'sell', '10', '1447');
    expect(await lost(it, claude)).toBe('30');
    expect(stateOf(it, claude)).toBe(state);
  });

  it('of nothing is no breach of a limit of zero', async () => {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: '0' });
    await trade(it, claude, 'buy', '10', '1450');
    expect(stateOf(it, claude)).toBe('ACTIVE');
    await it.room.play(3);
    expect(stateOf(it, claude)).toBe('ACTIVE');
  });

  it('is what remains when gains are taken off, of the same agent', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1450');
    await trade(it, claude, 'sell', '10', '1457');
    await trade(it, claude, 'buy', '10', '1460');
    expect(await lost(it, claude)).toBe('30');
  });

  it('has the fees in it', async () => {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: '7' });
    const order = await place(it.room, claude, draft({ side: 'buy', qty: '1' }));
    const seen = it.broker.order(order.brokerClientId);
    if (seen === undefined) throw new Error('not at the venue');
    it.broker.emit({
      kind: 'execution',
      execution: {
        executionId: 'fee-1',
        brokerOrderId: seen.brokerOrderId,
        brokerClientId: order.brokerClientId,
        instrument: seen.instrument,
        side: 'buy',
        qty: seen.qty,
        price: it.room.bid(),
        fee: money('7'),
        timeMs: 0,
      },
    });
    expect(await lost(it, claude)).toBe('7');
    expect(stateOf(it, claude)).toBe(STOPPED);
  });

  it('of a short is measured at the ask', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'sell', '10', '1450');
    expect(await lost(it, claude)).toBe('0.1');
  });

  it('is looked at every second while the market moves', async () => {
    const it = await scene({ csv: stepTape(3, '1450', '1440') });
    const claude = it.room.agent('claude', { max_daily_loss: '100' });
    await trade(it, claude, 'buy', '10', '1450');
    for (let second = 0; second < 30 && it.room.bid().gt('1440'); second++) {
      expect(stateOf(it, claude)).toBe('ACTIVE');
      await it.room.play(1);
    }
    await it.room.clock.advanceAsync(LOSS_CHECK_INTERVAL_MS);
    expect(await lost(it, claude)).toBe('100');
    expect(stateOf(it, claude)).toBe(STOPPED);
    expect(it.room.events('limit.breached').map((event) => event.detail)).toEqual([
      { limit: 'max_daily_loss', used: '100', max: '100', currency: 'USD', day: '2026-01-05' },
    ]);
  });

  it('refuses adding orders even in the second before it is noticed', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1455');
    it.room.agent('claude', { max_daily_loss: '50' });
    expect(stateOf(it, claude)).toBe('ACTIVE');
    const refused = refusal(await it.room.trading.placeOrder(claude, draft({ side: 'buy' }), commit()));
    expect(refused).toMatchObject({
      reason: 'max_daily_loss',
      limits: [{ limit: 'max_daily_loss', used: '50', max: '50', unit: 'USD' }],
    });
    await it.room.play(1);
    expect(stateOf(it, claude)).toBe(STOPPED);
  });

  it('is never netted across agents', async () => {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: '50' });
    const cursor = it.room.agent('cursor', { max_daily_loss: '50' });
    await trade(it, cursor, 'buy', '10', '1400');
    await trade(it, claude, 'buy', '10', '1455');
    expect([await lost(it, claude), await lost(it, cursor)]).toEqual(['50', '0']);
    expect([stateOf(it, claude), stateOf(it, cursor)]).toEqual([STOPPED, 'ACTIVE']);
    expect(await ask(it, cursor)).toBe('granted');
  });

  it('is of all the agent’s accounts together', async () => {
    const second = scriptedBroker('second');
    const it = await scene({ second });
    const claude = it.room.agent('claude', { max_daily_loss: '60', accounts: ['paper', 'second'] });
    await trade(it, claude, 'buy', '10', '1453');
    expect(stateOf(it, claude)).toBe('ACTIVE');
    const there = await place(it.room, claude, draft({ side: 'buy', qty: '10', account: 'second' }));
    second.fill(there.brokerClientId, '10', '1453');
    expect(stateOf(it, claude)).toBe(STOPPED);
  });
});

describe('at a breach', () => {
  it('adding orders are canceled, protective ones stay, closing goes on', async () => {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: '50' });
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    const entry = await place(
      it.room,
      claude,
      draft({ side: 'buy', qty: '10', takeProfit: '1500', stopLoss: '1400' }),
    );
    it.broker.fill(entry.brokerClientId, '10', '1455');
    await it.room.play(1);
    expect((await now(it.room, claude, far)).status).toBe('canceled');
    const { items } = granted(await it.room.trading.orders(claude, { status: 'open', limit: 9 }));
    expect(items.map((order) => order.role).sort()).toEqual(['stop_loss', 'take_profit']);
    expect(await ask(it, claude)).toBe('trading_reducing');
    const closed = granted(
      await it.room.trading.closePosition(
        claude,
        { account: PAPER, symbol: 'SPX' },
        { tool: 'close_position', digest: 'd', dryRun: false },
      ),
    );
    expect(closed.dryRun === false && closed.order?.qty.toFixed()).toBe('10');
  });

  it('is recorded once, however long it lasts', async () => {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: '50' });
    await trade(it, claude, 'buy', '10', '1455');
    await it.room.play(10);
    expect(it.room.events('limit.breached')).toHaveLength(1);
    expect(it.room.events('agent.reducing')).toHaveLength(1);
  });
});

describe('a day', () => {
  it('begins where the mark stands, not where the entry was', async () => {
    const it = await scene({ csv: stepTape(6, '1450', '1440') });
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1460');
    expect(await lost(it, claude)).toBe('100');
    nextDay(it);
    await it.room.play(1);
    expect(await lost(it, claude)).toBe('0');
    while (it.room.bid().gt('1440')) await it.room.play(1);
    expect(await lost(it, claude)).toBe('100');
    // Marks that are saved meanwhile do not move the start of the day.
    await it.room.play(MARK_SAVE_INTERVAL_MS / 1_000 + 2);
    expect(await lost(it, claude)).toBe('100');
  });

  it('counts what is bought later from its entry', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1460');
    nextDay(it);
    await it.room.play(1);
    await trade(it, claude, 'buy', '10', '1453');
    expect(await lost(it, claude)).toBe('30');
    await trade(it, claude, 'sell', '20', '1449');
    // Ten fell from the mark of the morning (1450), ten from their entry (1453).
    expect(await lost(it, claude)).toBe('50');
  });

  it('takes over a loss that came overnight while nothing ran', async () => {
    const it = await scene({ csv: stepTape(2, '1450', '1440') });
    const claude = it.room.agent('claude', { max_daily_loss: '100' });
    await trade(it, claude, 'buy', '10', '1450');
    nextDay(it);
    const room = await it.room.restart();
    const again = { ...it, room };
    while (room.bid().gt('1440')) await room.play(1);
    await room.play(1);
    expect(await lost(again, claude)).toBe('100');
    expect(stateOf(again, claude)).toBe(STOPPED);
  });

  it('takes the last mark that was saved before the night, not the first one after it', async () => {
    const it = await scene({ csv: stepTape(3, '1450', '1440') });
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1450');
    while (it.room.bid().gt('1440')) await it.room.play(1);
    await it.room.play(3);
    expect(it.room.clock.monotonicMs()).toBeLessThan(MARK_SAVE_INTERVAL_MS);
    nextDay(it);
    const room = await it.room.restart();
    await room.play(2);
    expect(await lost({ ...it, room }, claude)).toBe('100');
  });

  it('saves marks every minute, so that a night begins from one of them', async () => {
    const it = await scene({ csv: stepTape(3, '1450', '1440') });
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1450');
    await it.room.play(MARK_SAVE_INTERVAL_MS / 1_000 + 2);
    nextDay(it);
    const room = await it.room.restart();
    await room.play(2);
    expect(await lost({ ...it, room }, claude)).toBe('0');
  });

  it('keeps its start through a restart on the same day', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1455');
    const room = await it.room.restart();
    await room.play(2);
    expect(await lost({ ...it, room }, claude)).toBe('50');
  });

  it('is the owner’s: it begins at midnight in PORTCULLIS_TIMEZONE', async () => {
    const it = await scene({ timezone: 'Asia/Kolkata' });
    it.room.clock.setWall(Date.parse('2026-01-05T18:29:57Z'));
    await it.room.play(1);
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1455');
    await it.room.play(1);
    expect(await lost(it, claude)).toBe('50');
    await it.room.play(2);
    expect(await lost(it, claude)).toBe('0');
  });
});

describe('a stop for a loss', () => {
  async function stopped(): Promise<{ it: Scene; claude: Principal }> {
    const it = await scene();
    const claude = it.room.agent('claude', { max_daily_loss: '50' });
    await trade(it, claude, 'buy', '10', '1455');
    await it.room.play(1);
    expect(stateOf(it, claude)).toBe(STOPPED);
    return { it, claude };
  }

  it('ends with the next day', async () => {
    const { it, claude } = await stopped();
    nextDay(it);
    await it.room.play(2);
    expect(stateOf(it, claude)).toBe('ACTIVE');
    expect(await ask(it, claude)).toBe('granted');
  });

  it('does not end with a restart, nor with a new mandate', async () => {
    const { it, claude } = await stopped();
    const room = await it.room.restart();
    await room.play(2);
    room.agent('claude', { max_daily_loss: '50' });
    await room.play(2);
    expect(stateOf({ ...it, room }, claude)).toBe(STOPPED);
    expect(await ask({ ...it, room }, claude)).toBe('trading_reducing');
  });

  it('is lifted by the owner, and stays lifted', async () => {
    const { it, claude } = await stopped();
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    expect(await ask(it, claude)).toBe('granted');
    await it.room.play(5);
    expect(stateOf(it, claude)).toBe('ACTIVE');
    expect(await lost(it, claude)).toBe('0');
    expect(await ask(it, claude)).toBe('granted');
    expect(it.room.events('limit.lifted').map((event) => event.detail)).toEqual([
      { limit: 'max_daily_loss', forgiven: '50', day: '2026-01-05' },
    ]);
  });

  it('is lifted also for an agent that holds nothing any more', async () => {
    const { it, claude } = await stopped();
    await trade(it, claude, 'sell', '10', '1450');
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    await it.room.play(2);
    expect([stateOf(it, claude), await lost(it, claude)]).toEqual(['ACTIVE', '0']);
    expect(await ask(it, claude)).toBe('granted');
  });

  it('that was lifted comes back after as much again', async () => {
    const { it, claude } = await stopped();
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    await it.room.play(1);
    await trade(it, claude, 'buy', '10', '1454.99');
    expect(stateOf(it, claude)).toBe('ACTIVE');
    await trade(it, claude, 'buy', '1', '1450.1');
    expect(stateOf(it, claude)).toBe(STOPPED);
    expect(it.room.events('limit.breached')).toHaveLength(2);
  });

  it('is lifted while nothing runs', async () => {
    const { it, claude } = await stopped();
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    const room = await it.room.restart();
    await room.play(3);
    expect(stateOf({ ...it, room }, claude)).toBe('ACTIVE');
    expect(await ask({ ...it, room }, claude)).toBe('granted');
  });

  it('of one agent is not lifted with another’s', async () => {
    const { it, claude } = await stopped();
    it.room.agent('cursor');
    granted(it.room.access.agents.lift('cursor', OWNER_CLI));
    await it.room.play(2);
    expect(stateOf(it, claude)).toBe(STOPPED);
  });

  it('and a halt are lifted by one act', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, 'buy', '10', '1455');
    granted(await it.room.trading.haltTrading(claude, 'enough'));
    it.room.agent('claude', { max_daily_loss: '50' });
    await it.room.play(2);
    expect(it.room.events('limit.breached')).toHaveLength(1);
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    await it.room.play(2);
    expect(stateOf(it, claude)).toBe('ACTIVE');
  });

  it('is not lifted where the mandate has ended as well', async () => {
    const { it, claude } = await stopped();
    granted(it.room.access.mandates.revoke('claude', OWNER_CLI));
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    await it.room.play(2);
    expect(stateOf(it, claude)).toBe('REDUCING mandate_revoked');
  });
});
