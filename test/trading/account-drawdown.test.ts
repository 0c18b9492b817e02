/** The drawdown breaker of an account: from its highest equity, which nothing but a lift or a new beginning makes it forget. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { MARK_SAVE_INTERVAL_MS } from '#limits.ts';
import { liftAccount } from '#trading/account-state.ts';
import {
  accountScene,
  askToAdd,
  booksOf,
  lift,
  limitsDesk,
  nextDay,
  restarted,
  setLimits,
  standingOf,
  stateOf,
  stepTape,
  trade,
} from '../support/account-scene.ts';
import { draft, PAPER, place } from '../support/trading-room.ts';

describe('the drawdown breaker', () => {
  // Ten bought above a bid of 1450, of 100,000: five above lose 50, which is 0.05 %.
  it.each([
    ['a cent of price below its limit', '1454.99', 'ACTIVE'],
    ['at its limit', '1455', 'max_drawdown'],
    ['a cent above it', '1455.01', 'max_drawdown'],
  ])('%s', async (_what, at, state) => {
    const it = await accountScene({ max_drawdown: '0.05' });
    await trade(it, it.room.agent('claude'), ['buy', '10', at]);
    // At the fill, before any second has passed.
    expect(stateOf(it)).toBe(state);
  });

  it('is there without anybody having set it, at 30 %', async () => {
    const it = await accountScene();
    const claude = it.room.agent('claude');
    expect(limitsDesk(it).of(PAPER).limits).toMatchObject({ maxPositions: null, maxDailyLoss: null });
    await trade(it, claude, ['buy', '100', '1749.99']);
    expect(stateOf(it)).toBe('ACTIVE');
    await trade(it, claude, ['buy', '1', '1451']);
    expect(standingOf(it)).toMatchObject({ peak: '100000', equity: '70000', drawdown: '30' });
    expect(stateOf(it)).toBe('max_drawdown');
  });

  it('can be switched off', async () => {
    const it = await accountScene({ max_drawdown: 'off' });
    await trade(it, it.room.agent('claude'), ['buy', '100', '2300']);
    await it.room.play(2);
    expect(stateOf(it)).toBe('ACTIVE');
    expect(it.room.events('limit.breached')).toEqual([]);
  });

  it('counts from the highest that the account ever was, not from what it began with', async () => {
    const it = await accountScene(
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
    expect(standingOf(it).peak).toBe('105000');
    while (it.room.bid().gt('1480')) await it.room.play(1);
    await it.room.play(1);
    // Two thousand below 105,000; three thousand above the beginning.
    expect(standingOf(it)).toMatchObject({
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
    const it = await accountScene(
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
    const later = await restarted(it, 1);
    expect(standingOf(later).peak).toBe('105000');
  });

  it('stands through a restart, a new day and a looser limit, until the owner lifts it', async () => {
    const first = await accountScene({ max_drawdown: '0.05' });
    await trade(first, first.room.agent('claude'), ['buy', '10', '1455']);
    nextDay(first);
    const it = await restarted(first);
    setLimits(it, { max_drawdown: '50' });
    await it.room.play(2);
    expect(stateOf(it)).toBe('max_drawdown');
    expect(lift(it)).toMatchObject([{ reason: 'max_drawdown', used: '0.05', max: '0.05' }]);
    expect(stateOf(it)).toBe('ACTIVE');
    expect(it.room.events('limit.breached')).toHaveLength(1);
  });

  it('counts from where the lift found the account, and drops again from there', async () => {
    const it = await accountScene({ max_drawdown: '0.05' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    lift(it);
    expect(standingOf(it)).toMatchObject({ equity: '99950', peak: '99950', drawdown: '0' });
    // 0.05 % of 99,950 is 49.975; it counts before any second has passed.
    await trade(it, claude, ['buy', '1', '1499.97']);
    expect(stateOf(it)).toBe('ACTIVE');
    await trade(it, claude, ['buy', '1', '1450.01']);
    expect(stateOf(it)).toBe('max_drawdown');
    expect(it.room.events('limit.breached')).toHaveLength(2);
  });

  it('is lifted while nothing runs', async () => {
    const it = await accountScene({ max_drawdown: '0.05' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    const { access } = it.room;
    const today = access.mandateDay(access.wall());
    expect(liftAccount(booksOf(it), { account: PAPER, today, by: OWNER_CLI })).toHaveLength(1);
    const later = await restarted(it, 3);
    expect(stateOf(later)).toBe('ACTIVE');
    expect(standingOf(later).peak).toBe('99950');
    expect(await askToAdd(later, claude)).toBe('granted');
  });
});

describe('an account that was there before its limits were', () => {
  it('is measured from what it began with, or from the best end of a day since', async () => {
    const it = await accountScene();
    await trade(it, it.room.agent('claude'), ['buy', '100', '1480']);
    const { store } = it.room;
    const forget = store.db.prepare('DELETE FROM account_standings');
    store.transaction(() => forget.run());
    expect(standingOf(await restarted(it))).toMatchObject({ peak: '100000', drawdown: '3', loss: '0' });
  });

  it.each([
    ['102000', '104000', '6.73076924'],
    ['99000', '98000', '3'],
  ])('whose days ended at %s and %s', async (first, second, drawdown) => {
    const it = await accountScene();
    await trade(it, it.room.agent('claude'), ['buy', '100', '1480']);
    const { store } = it.room;
    store.transaction(() => {
      store.db.exec('DELETE FROM account_standings');
      const day = store.db.prepare(
        `INSERT INTO pnl_days (account_id, run, date, realised_total, unrealised, equity) VALUES ('paper', 0, ?, '0', '0', ?)`,
      );
      day.run('2024-01-04', first);
      day.run('2024-01-05', second);
    });
    expect(standingOf(await restarted(it)).drawdown).toBe(drawdown);
  });
});

describe('an account without quotes', () => {
  /** Quotes are there until `blind` is set. */
  async function blindable() {
    const market = { blind: false };
    const it = await accountScene(
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
    expect(standingOf(it).loss).toBe('50');
    setLimits(it, { max_daily_loss: '50' });
    expect(stateOf(it)).toBe('max_daily_loss');
    const later = await restarted(it);
    expect([stateOf(later), standingOf(later).loss]).toEqual(['max_daily_loss', '50']);
  });

  it('makes no new peak: the price of a fill is none that all of it could be sold at', async () => {
    const { it, market, claude } = await blindable();
    await trade(it, claude, ['buy', '10', '1450']);
    const order = await place(it.room, claude, draft({ side: 'buy', qty: '1' }));
    market.blind = true;
    it.broker.fill(order.brokerClientId, '1', '1600');
    await it.room.play(2);
    expect(standingOf(it)).toMatchObject({ equity: '101500', peak: '100000' });
    market.blind = false;
    await it.room.play(2);
    expect(standingOf(it)).toMatchObject({ equity: '99850', peak: '100000', drawdown: '0.15' });
  });
});
