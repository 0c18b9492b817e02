/** Limits of a whole account: they are the account's and not an agent's, act at once, and outlive restarts, days and lifts as they should. */
import { describe, expect, it } from 'vitest';
import { money, text } from '#domain/decimal.ts';
import { OWNER_CLI, OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { MARK_SAVE_INTERVAL_MS } from '#limits.ts';
import { StoreUnavailable } from '#store/fault.ts';
import { changeAccountLimits, type LimitBooks, type LimitTexts } from '#trading/account-limits.ts';
import { liftAccount } from '#trading/account-state.ts';
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
  SECOND,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
}
/** An account of 100,000 in a market that stands at 1450: what is bought for more is lost at once. */
async function scene(limits: LimitTexts = {}, options: RoomOptions = {}): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker, ...options });
  const it = { room, broker };
  setLimits(it, limits);
  return it;
}
const stepTape = (prices: readonly (readonly [number, string])[]): string =>
  minuteTape(prices.flatMap(([bars, at]) => Array.from({ length: bars }, () => [at, at, at, at] as const)));
const desk = ({ room }: Scene) => room.trading.owner.accountLimits;
const setLimits = (it: Scene, to: LimitTexts) =>
  granted(desk(it).change({ account: PAPER, to, by: OWNER_CONSOLE }));
/** What a command has while nothing runs. */
const booksOf = ({ room: { store, audit, access } }: Scene): LimitBooks => ({
  store,
  audit,
  wallMs: access.wall,
  prepare: store.db.prepare.bind(store.db),
});
const lift = (it: Scene) => desk(it).lift(PAPER, OWNER_CONSOLE);
const stateOf = (it: Scene, account = PAPER): string =>
  [
    'ACTIVE',
    ...desk(it)
      .of(account)
      .reducing.map(({ reason }) => reason),
  ]
    .slice(-2)
    .join(' ')
    .replace('ACTIVE ', '');
const standing = (it: Scene) => {
  const { equity, peak, loss, drawdownPercent } = desk(it).of(PAPER).standing;
  return { equity: text(equity), peak: text(peak), loss: text(loss), drawdown: text(drawdownPercent) };
};

async function trade(
  it: Scene,
  who: Principal,
  [side, qty, at]: readonly ['buy' | 'sell', string, string],
): Promise<void> {
  const order = await place(it.room, who, draft({ side, qty }));
  it.broker.fill(order.brokerClientId, qty, at);
}
async function ask({ room }: Scene, who: Principal, account = 'paper'): Promise<string> {
  const answer = await room.trading.placeOrder(who, draft({ side: 'buy', limit: '1440', account }), commit());
  return answer.ok ? 'granted' : answer.error.reason;
}
const nextDay = ({ room }: Scene): void => room.clock.setWall(room.clock.wallMs() + 86_400_000);
async function again(it: Scene, seconds = 2): Promise<Scene> {
  const room = await it.room.restart();
  await room.play(seconds);
  return { ...it, room };
}

describe('the drawdown breaker', () => {
  // Ten bought above a bid of 1450, of 100,000: five above lose 50, which is 0.05 %.
  it.each([
    ['a cent of price below its limit', '1454.99', 'ACTIVE'],
    ['at its limit', '1455', 'max_drawdown'],
    ['a cent above it', '1455.01', 'max_drawdown'],
  ])('%s', async (_what, at, state) => {
    const it = await scene({ max_drawdown: '0.05' });
    await trade(it, it.room.agent('claude'), ['buy', '10', at]);
    // At the fill, before any second has passed.
    expect(stateOf(it)).toBe(state);
  });

  it('is there without anybody having set it, at 30 %', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    expect(desk(it).of(PAPER).limits).toMatchObject({ maxPositions: null, maxDailyLoss: null });
    await trade(it, claude, ['buy', '100', '1749.99']);
    expect(stateOf(it)).toBe('ACTIVE');
    await trade(it, claude, ['buy', '1', '1451']);
    expect(standing(it)).toMatchObject({ peak: '100000', equity: '70000', drawdown: '30' });
    expect(stateOf(it)).toBe('max_drawdown');
  });

  it('can be switched off', async () => {
    const it = await scene({ max_drawdown: 'off' });
    await trade(it, it.room.agent('claude'), ['buy', '100', '2300']);
    await it.room.play(2);
    expect(stateOf(it)).toBe('ACTIVE');
    expect(it.room.events('limit.breached')).toEqual([]);
  });

  it('counts from the highest that the account ever was, not from what it began with', async () => {
    const it = await scene(
      { max_drawdown: '1' },
      {
        csv: stepTape([
          [4, '1450'],
          [4, '1500'],
          [200, '1480'],
        ]),
      },
    );
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '100', '1450']);
    while (it.room.bid().lt('1500')) await it.room.play(1);
    await it.room.play(2);
    expect(standing(it).peak).toBe('105000');
    while (it.room.bid().gt('1480')) await it.room.play(1);
    await it.room.play(1);
    // Two thousand below 105,000; three thousand above the beginning.
    expect(standing(it)).toMatchObject({
      equity: '103000',
      peak: '105000',
      drawdown: '1.90476191',
    });
    expect(stateOf(it)).toBe('max_drawdown');
    expect(it.room.events('limit.breached')).toMatchObject([
      { agent: null, detail: { limit: 'max_drawdown', used: '1.91', max: '1', after: 'REDUCING' } },
    ]);
  });

  it('remembers the highest through a restart', async () => {
    const it = await scene(
      {},
      {
        csv: stepTape([
          [4, '1450'],
          [4, '1500'],
          [200, '1480'],
        ]),
      },
    );
    await trade(it, it.room.agent('claude'), ['buy', '100', '1450']);
    while (it.room.bid().lt('1500')) await it.room.play(1);
    await it.room.play(2);
    const later = await again(it, 1);
    expect(standing(later).peak).toBe('105000');
  });

  it('stands through a restart, a new day and a looser limit, until the owner lifts it', async () => {
    const first = await scene({ max_drawdown: '0.05' });
    await trade(first, first.room.agent('claude'), ['buy', '10', '1455']);
    nextDay(first);
    const it = await again(first);
    setLimits(it, { max_drawdown: '50' });
    await it.room.play(2);
    expect(stateOf(it)).toBe('max_drawdown');
    expect(lift(it)).toMatchObject([{ reason: 'max_drawdown', used: '0.05', max: '0.05' }]);
    expect(stateOf(it)).toBe('ACTIVE');
    expect(it.room.events('limit.breached')).toHaveLength(1);
  });

  it('counts from where the lift found the account, and drops again from there', async () => {
    const it = await scene({ max_drawdown: '0.05' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    lift(it);
    expect(standing(it)).toMatchObject({ equity: '99950', peak: '99950', drawdown: '0' });
    // 0.05 % of 99,950 is 49.975; it counts before any second has passed.
    await trade(it, claude, ['buy', '1', '1499.97']);
    expect(stateOf(it)).toBe('ACTIVE');
    await trade(it, claude, ['buy', '1', '1450.01']);
    expect(stateOf(it)).toBe('max_drawdown');
    expect(it.room.events('limit.breached')).toHaveLength(2);
  });

  it('is lifted while nothing runs', async () => {
    const it = await scene({ max_drawdown: '0.05' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    const { access } = it.room;
    const today = access.mandateDay(access.wall());
    expect(liftAccount(booksOf(it), { account: PAPER, today, by: OWNER_CLI })).toHaveLength(1);
    const later = await again(it, 3);
    expect(stateOf(later)).toBe('ACTIVE');
    expect(standing(later).peak).toBe('99950');
    expect(await ask(later, claude)).toBe('granted');
  });
});

describe('an account without quotes', () => {
  /** Quotes are there until `blind` is set. */
  async function blindable() {
    const market = { blind: false };
    const it = await scene(
      {},
      { heard: (feed) => ({ ...feed, quote: (id) => (market.blind ? undefined : feed.quote(id)) }) },
    );
    return { it, market, claude: it.room.agent('claude') };
  }

  it('is valued at the last marks that were saved, so that nothing that was lost is forgotten', async () => {
    const { it, market, claude } = await blindable();
    await trade(it, claude, ['buy', '10', '1455']);
    await it.room.play(MARK_SAVE_INTERVAL_MS / 1_000 + 2);
    market.blind = true;
    expect(standing(it).loss).toBe('50');
    setLimits(it, { max_daily_loss: '50' });
    expect(stateOf(it)).toBe('max_daily_loss');
    const later = await again(it);
    expect([stateOf(later), standing(later).loss]).toEqual(['max_daily_loss', '50']);
  });

  it('makes no new peak: the price of a fill is none that all of it could be sold at', async () => {
    const { it, market, claude } = await blindable();
    await trade(it, claude, ['buy', '10', '1450']);
    const order = await place(it.room, claude, draft({ side: 'buy', qty: '1' }));
    market.blind = true;
    it.broker.fill(order.brokerClientId, '1', '1600');
    await it.room.play(2);
    expect(standing(it)).toMatchObject({ equity: '101500', peak: '100000' });
    market.blind = false;
    await it.room.play(2);
    expect(standing(it)).toMatchObject({ equity: '99850', peak: '100000', drawdown: '0.15' });
  });
});

describe('the daily loss of an account', () => {
  it.each([
    ['a cent below its limit', '50.01', 'ACTIVE'],
    ['at its limit', '50', 'max_daily_loss'],
    ['a cent above it', '49.99', 'max_daily_loss'],
    ['with a limit of nothing', '0', 'max_daily_loss'],
  ])('%s', async (_what, limit, state) => {
    const it = await scene({ max_daily_loss: limit });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    expect(stateOf(it)).toBe(state);
  });

  it('is of all its agents together, and of nobody else’s account', async () => {
    const second = scriptedBroker('second');
    const it = await scene({ max_daily_loss: '50' }, { second });
    const both = { accounts: ['paper', 'second'], max_daily_loss: '1000' };
    const claude = it.room.agent('claude', both);
    const cursor = it.room.agent('cursor', both);
    const there = await place(it.room, claude, draft({ side: 'buy', qty: '10', account: 'second' }));
    second.fill(there.brokerClientId, '10', '1480');
    await trade(it, claude, ['buy', '10', '1452.5']);
    expect(stateOf(it)).toBe('ACTIVE');
    await trade(it, cursor, ['buy', '10', '1452.5']);
    expect(stateOf(it)).toBe('max_daily_loss');
    expect(stateOf(it, SECOND)).toBe('ACTIVE');
    expect(await ask(it, cursor)).toBe('trading_reducing');
    expect(await ask(it, cursor, 'second')).toBe('granted');
  });

  it('of nothing is no breach of a limit of nothing', async () => {
    const it = await scene({ max_daily_loss: '0' });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1450']);
    await it.room.play(3);
    expect(stateOf(it)).toBe('ACTIVE');
  });

  it('ends with the day, and what was lost then is not lost again', async () => {
    const it = await scene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    await it.room.play(2);
    nextDay(it);
    await it.room.play(2);
    expect([stateOf(it), standing(it).loss]).toEqual(['ACTIVE', '0']);
    expect(await ask(it, claude)).toBe('granted');
  });

  it('does not end with a restart on the same day', async () => {
    const it = await scene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    const later = await again(it);
    expect([stateOf(later), standing(later).loss]).toEqual(['max_daily_loss', '50']);
    expect(await ask(later, claude)).toBe('trading_reducing');
  });

  it('takes over what was lost overnight while nothing ran', async () => {
    const it = await scene(
      {},
      {
        csv: stepTape([
          [2, '1450'],
          [200, '1440'],
        ]),
      },
    );
    const claude = it.room.agent('claude');
    setLimits(it, { max_daily_loss: '100' });
    await trade(it, claude, ['buy', '10', '1450']);
    nextDay(it);
    const later = await again(it, 0);
    while (later.room.bid().gt('1440')) await later.room.play(1);
    await later.room.play(1);
    expect([stateOf(later), standing(later).loss]).toEqual(['max_daily_loss', '100']);
  });

  it('starts a day where the last second of the one before left it, although the process slept over midnight', async () => {
    const it = await scene(
      { max_daily_loss: '100' },
      {
        csv: stepTape([
          [3, '1450'],
          [200, '1440'],
        ]),
      },
    );
    await trade(it, it.room.agent('claude'), ['buy', '10', '1450']);
    while (it.room.bid().gt('1440')) await it.room.play(1);
    // The price has fallen since the last look, and the next one is on another day.
    nextDay(it);
    await it.room.play(1);
    expect(standing(it).loss).toBe('100');
  });

  it('has a start that marks saved meanwhile do not move', async () => {
    const it = await scene(
      {},
      {
        csv: stepTape([
          [3, '1450'],
          [200, '1440'],
        ]),
      },
    );
    await trade(it, it.room.agent('claude'), ['buy', '10', '1450']);
    await it.room.play(MARK_SAVE_INTERVAL_MS / 1_000 + 5);
    expect(standing(it).loss).toBe('100');
    expect(standing(await again(it)).loss).toBe('100');
  });

  it('is forgiven by a lift, and the drawdown is not', async () => {
    const it = await scene({ max_daily_loss: '50', max_drawdown: '0.06' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    expect(lift(it).map(({ reason }) => reason)).toEqual(['max_daily_loss']);
    expect(standing(it)).toEqual({ equity: '99950', peak: '100000', loss: '0', drawdown: '0.05' });
    await trade(it, claude, ['buy', '1', '1460']);
    expect(stateOf(it)).toBe('max_drawdown');
  });

  it('is not forgiven by the lift of an agent', async () => {
    const it = await scene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude', { max_daily_loss: '50' });
    await trade(it, claude, ['buy', '10', '1455']);
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    await it.room.play(2);
    expect([stateOf(it), standing(it).loss]).toEqual(['max_daily_loss', '50']);
    expect(await ask(it, claude)).toBe('trading_reducing');
  });
});

describe('at a breach of an account’s limit', () => {
  it('everybody’s adding orders are canceled at once, protective ones stay, and closing goes on', async () => {
    const it = await scene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    const far = await place(it.room, cursor, draft({ side: 'buy', limit: '1440' }));
    const own = granted(
      await it.room.trading.owner.placeOrder(draft({ side: 'buy', limit: '1430' }), 'form-1'),
    );
    const entry = await place(
      it.room,
      claude,
      draft({ side: 'buy', qty: '10', takeProfit: '1500', stopLoss: '1400' }),
    );
    it.broker.fill(entry.brokerClientId, '10', '1455');
    await it.room.play(1);
    expect((await now(it.room, cursor, far)).status).toBe('canceled');
    expect(granted(it.room.trading.owner.order(own.orderId)).order.status).toBe('canceled');
    const { items } = granted(await it.room.trading.orders(claude, { status: 'open', limit: 9 }));
    expect(items.map((order) => order.role).sort()).toEqual(['stop_loss', 'take_profit']);
    const refused = refusal(
      await it.room.trading.placeOrder(cursor, draft({ side: 'buy', limit: '1440' }), commit()),
    );
    expect(refused).toMatchObject({ reason: 'trading_reducing' });
    expect(refused.detail).toContain('the account paper lost 50 today and may lose 50');
    const ticket = refusal(
      await it.room.trading.owner.placeOrder(draft({ side: 'buy', limit: '1430' }), 'form-2'),
    );
    expect(ticket.reason).toBe('trading_reducing');
    const closed = granted(
      await it.room.trading.closePosition(
        claude,
        { account: PAPER, symbol: 'SPX' },
        { tool: 'close_position', digest: 'd', dryRun: false },
      ),
    );
    expect(closed.dryRun === false && closed.order?.qty.toFixed()).toBe('10');
  });

  it('an order that the broker acknowledges late is canceled too', async () => {
    const it = await scene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    it.broker.next.place.push({ effect: 'accept', answer: 'never' });
    it.broker.silent = true;
    const slow = it.room.trading.placeOrder(cursor, draft({ side: 'buy', limit: '1440' }), commit());
    await it.room.clock.advanceAsync(0);
    it.broker.silent = false;
    const [sent = ''] = it.broker.sent.place;
    // Nobody can cancel yet what the venue has not put on its book.
    it.broker.next.cancel.push({ effect: 'reject', answer: 'truth' }, { effect: 'lose', answer: 'unknown' });
    await trade(it, claude, ['buy', '10', '1455']);
    expect(stateOf(it)).toBe('max_daily_loss');
    await it.room.play(1);
    expect(it.broker.order(sent)?.status).toBe('open');
    it.broker.release();
    await it.room.play(8);
    expect(it.broker.order(sent)?.status).toBe('canceled');
    it.broker.answerLate(sent, { kind: 'accepted', brokerOrderId: 'late' });
    expect((await slow).ok).toBe(true);
    expect(it.broker.sent.place).toHaveLength(2);
  });

  it('is recorded once, however long it lasts, and waits for the owner', async () => {
    const it = await scene({ max_daily_loss: '50' });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    await it.room.play(10);
    expect(it.room.events('limit.breached')).toMatchObject([
      { agent: null, outcome: 'ok', detail: { limit: 'max_daily_loss', used: '50', max: '50' } },
    ]);
    expect(it.room.trading.owner.waiting().items).toMatchObject([
      { kind: 'account_reducing', account: PAPER, reason: 'max_daily_loss', used: '50', max: '50' },
    ]);
    lift(it);
    expect(it.room.trading.owner.waiting().items).toEqual([]);
    expect(it.room.events('account.lifted')).toMatchObject([
      { detail: { limits: ['max_daily_loss'], before: 'REDUCING', why: 'lifted by the owner' } },
    ]);
  });

  it('is acted on although nothing can be written down', async () => {
    let broken = false;
    const it = await scene(
      {},
      {
        watched: (store) => ({
          ...store,
          transaction(work) {
            if (broken) throw new StoreUnavailable('SQLITE_FULL', 'the disk is full');
            return store.transaction(work);
          },
        }),
      },
    );
    const claude = it.room.agent('claude');
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    await trade(it, claude, ['buy', '10', '1455']);
    it.room.store.transaction(() =>
      it.room.store.db.prepare(`INSERT INTO account_limits VALUES ('paper', NULL, NULL, '50', 0)`).run(),
    );
    broken = true;
    await it.room.play(2);
    expect(it.broker.sent.cancel).toContain(far.brokerClientId);
    broken = false;
    await it.room.play(2);
    expect(stateOf(it)).toBe('max_daily_loss');
  });

  it('nothing is lifted where nothing has tripped', async () => {
    const it = await scene({ max_daily_loss: '51' });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    expect(lift(it)).toEqual([]);
    expect(standing(it)).toMatchObject({ loss: '50', peak: '100000' });
    expect(it.room.events('account.lifted')).toEqual([]);
  });
});

describe('a change of an account’s limits', () => {
  it('acts at once where what was lost already is more than it admits now', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    await trade(it, claude, ['buy', '10', '1455']);
    setLimits(it, { max_daily_loss: '50' });
    expect(stateOf(it)).toBe('max_daily_loss');
    await it.room.clock.advanceAsync(0);
    expect(it.broker.order(far.brokerClientId)?.status).toBe('canceled');
  });

  it.each([
    ['a loss', { max_daily_loss: '50' }, 'max_daily_loss'],
    ['positions', { max_positions: '0' }, 'ACTIVE'],
  ])('made while nothing runs, about %s, acts with the start', async (_what, to, state) => {
    const it = await scene();
    const claude = it.room.agent('claude');
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    if (state !== 'ACTIVE') await trade(it, claude, ['buy', '10', '1455']);
    granted(changeAccountLimits(booksOf(it), { account: PAPER, to, by: OWNER_CLI }));
    const later = await again(it, 0);
    expect(stateOf(later)).toBe(state);
    expect(it.broker.order(far.brokerClientId)?.status).toBe('canceled');
  });

  it('is on the record with what was before, once', async () => {
    const it = await scene({ max_daily_loss: '50' });
    expect(setLimits(it, { max_daily_loss: '50.00' }).changed).toBe(false);
    expect(setLimits(it, { max_daily_loss: 'off', max_positions: '3' }).changed).toBe(true);
    const standard = { max_drawdown_percent: '30', max_positions: null };
    expect(it.room.events('account.limits_set').map(({ detail }) => detail)).toEqual([
      {
        before: { ...standard, max_daily_loss: null },
        after: { ...standard, max_daily_loss: '50' },
        looser: false,
      },
      {
        before: { ...standard, max_daily_loss: '50' },
        after: { ...standard, max_positions: 3, max_daily_loss: null },
        looser: true,
      },
    ]);
  });

  it('is refused whole where one of them can not be read, naming each', async () => {
    const it = await scene({ max_daily_loss: '50' });
    const wrong = { max_drawdown: '0', max_positions: '1.5', max_daily_loss: '10' };
    const refused = refusal(desk(it).change({ account: PAPER, to: wrong, by: OWNER_CONSOLE }));
    expect(refused).toMatchObject({
      reason: 'invalid_input',
      errors: [{ field: 'max_drawdown' }, { field: 'max_positions' }],
    });
    expect(text(desk(it).of(PAPER).limits.maxDailyLoss ?? money('0'))).toBe('50');
  });

  it('takes back what would open more positions than it admits, those turned to last', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    const first = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    const bitcoin = granted(it.room.book.resolve('BTC/USD')).id;
    const elsewhere = it.broker.placeElsewhere({ instrument: bitcoin, side: 'buy', qty: '1' });
    await it.room.play(1);
    expect(setLimits(it, { max_positions: '2' }).canceling).toEqual([]);
    expect(setLimits(it, { max_positions: '1' }).canceling).toHaveLength(1);
    await it.room.play(1);
    expect((await now(it.room, claude, first)).status).toBe('open');
    expect(it.broker.order(elsewhere)?.status).toBe('canceled');
    expect(setLimits(it, { max_positions: '0' }).canceling).toEqual([first.orderId]);
  });

  it('leaves what is held alone, and what adds to it', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1450']);
    const more = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    expect(setLimits(it, { max_positions: '0' }).canceling).toEqual([]);
    await it.room.play(2);
    expect((await now(it.room, claude, more)).status).toBe('open');
    expect(stateOf(it)).toBe('ACTIVE');
  });
});

describe('an account that begins anew', () => {
  it('is measured from its deposit, and nothing of before holds it back', async () => {
    const room = await tradingRoom({ csv: flatTape('1450', 300) });
    const it = { room, broker: scriptedBroker() };
    const claude = room.agent('claude');
    await place(room, claude, draft({ side: 'buy', qty: '10' }));
    await room.play(2);
    setLimits(it, { max_drawdown: '0.01', max_daily_loss: '0' });
    const loss = standing(it);
    expect(Number(loss.loss)).toBeGreaterThan(0);
    await room.play(1);
    expect(stateOf(it)).not.toBe('ACTIVE');
    granted(await room.trading.restartAccount({ account: PAPER, cash: money('50000'), by: OWNER_CONSOLE }));
    await room.play(2);
    expect(standing(it)).toEqual({ equity: '50000', peak: '50000', loss: '0', drawdown: '0' });
    expect(stateOf(it)).toBe('ACTIVE');
    expect(room.events('account.lifted')).toMatchObject([{ detail: { why: 'the account began anew' } }]);
    expect(await ask(it, claude)).toBe('granted');
  });
});
