/** Limits of a whole account, as the owner changes them, and an account that begins anew. */
import { describe, expect, it } from 'vitest';
import { money, text } from '#domain/decimal.ts';
import { OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { changeAccountLimits } from '#trading/account-limits.ts';
import {
  type AccountScene,
  accountScene,
  askToAdd,
  booksOf,
  limitsDesk,
  restarted,
  setLimits,
  standingOf,
  stateOf,
  trade,
} from '../support/account-scene.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  draft,
  flatTape,
  granted,
  now,
  PAPER,
  place,
  refusal,
  tradingRoom,
} from '../support/trading-room.ts';

describe('a change of an account’s limits', () => {
  it('acts at once where what was lost already is more than it admits now', async () => {
    const it = await accountScene();
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
    const it = await accountScene();
    const claude = it.room.agent('claude');
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    if (state !== 'ACTIVE') await trade(it, claude, ['buy', '10', '1455']);
    granted(changeAccountLimits(booksOf(it), { account: PAPER, to, by: OWNER_CLI }));
    const later = await restarted(it, 0);
    expect(stateOf(later)).toBe(state);
    expect(it.broker.order(far.brokerClientId)?.status).toBe('canceled');
  });

  it('is on the record with what was before, once', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
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
    const it = await accountScene({ max_daily_loss: '50' });
    const wrong = { max_drawdown: '0', max_positions: '1.5', max_daily_loss: '10' };
    const refused = refusal(limitsDesk(it).change({ account: PAPER, to: wrong, by: OWNER_CONSOLE }));
    expect(refused).toMatchObject({
      reason: 'invalid_input',
      errors: [{ field: 'max_drawdown' }, { field: 'max_positions' }],
    });
    expect(text(limitsDesk(it).of(PAPER).limits.maxDailyLoss ?? money('0'))).toBe('50');
  });

  it('takes back what would open more positions than it admits, those turned to last', async () => {
    const it = await accountScene();
    const claude = it.room.agent('claude');
    const first = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    const bitcoin = granted(it.room.book.resolve('BTC/USD', ['built-in'])).id;
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
    const it = await accountScene();
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1450']);
    const more = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    expect(setLimits(it, { max_positions: '0' }).canceling).toEqual([]);
    await it.room.play(2);
    expect((await now(it.room, claude, more)).status).toBe('open');
    expect(stateOf(it)).toBe('ACTIVE');
  });
});

describe('the cap on positions', () => {
  /** Two bitcoin orders rest elsewhere: one instrument, which may become a position. */
  async function bitcoin(): Promise<AccountScene> {
    const it = await accountScene();
    const instrument = granted(it.room.book.resolve('BTC/USD', ['built-in'])).id;
    it.broker.placeElsewhere({ instrument, side: 'buy', qty: '1' });
    it.broker.placeElsewhere({ instrument, side: 'buy', qty: '2' });
    await it.room.play(1);
    return it;
  }

  it.each([
    ['0', 'max_positions'],
    ['1', 'max_positions'],
    ['2', 'granted'],
    ['off', 'granted'],
  ])('of %s, with one open or on its way: another one is %s', async (cap, answer) => {
    const it = await bitcoin();
    setLimits(it, { max_positions: cap });
    // A cap of nothing takes back what was on its way; what it leaves counts.
    expect(await askToAdd(it, it.room.agent('claude'))).toBe(answer);
  });

  it('lets an order through that adds to what is held, and one behind another in the same instrument', async () => {
    const it = await bitcoin();
    setLimits(it, { max_positions: '2' });
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    expect(await askToAdd(it, claude)).toBe('granted');
    expect(await askToAdd(it, cursor)).toBe('granted');
    await trade(it, claude, ['buy', '1', '1450']);
    expect(await askToAdd(it, cursor)).toBe('granted');
  });

  it('is of instruments in which anybody holds something, agents that hold against each other included', async () => {
    const it = await accountScene({ max_positions: '1' });
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    await trade(it, claude, ['buy', '1', '1450']);
    await trade(it, cursor, ['sell', '1', '1450']);
    expect(limitsDesk(it).of(PAPER).positions).toBe(1);
    setLimits(it, { max_positions: '0' });
    expect(await askToAdd(it, claude)).toBe('granted');
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
    const loss = standingOf(it);
    expect(Number(loss.loss)).toBeGreaterThan(0);
    await room.play(1);
    expect(stateOf(it)).not.toBe('ACTIVE');
    granted(await room.trading.restartAccount({ account: PAPER, cash: money('50000'), by: OWNER_CONSOLE }));
    await room.play(2);
    expect(standingOf(it)).toEqual({ equity: '50000', peak: '50000', loss: '0', drawdown: '0' });
    expect(stateOf(it)).toBe('ACTIVE');
    expect(room.events('account.lifted')).toMatchObject([{ detail: { why: 'the account began anew' } }]);
    expect(await askToAdd(it, claude)).toBe('granted');
  });
});
