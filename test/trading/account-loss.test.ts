/** The daily loss of an account: everybody’s together, since its mandate day began. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { MARK_SAVE_INTERVAL_MS } from '#limits.ts';
import {
  accountScene,
  askToAdd,
  lift,
  nextDay,
  restarted,
  setLimits,
  standingOf,
  stateOf,
  stepTape,
  trade,
} from '../support/account-scene.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, granted, place, SECOND } from '../support/trading-room.ts';

describe('the daily loss of an account', () => {
  it.each([
    ['a cent below its limit', '50.01', 'ACTIVE'],
    ['at its limit', '50', 'max_daily_loss'],
    ['a cent above it', '49.99', 'max_daily_loss'],
    ['with a limit of nothing', '0', 'max_daily_loss'],
  ])('%s', async (_what, limit, state) => {
    const it = await accountScene({ max_daily_loss: limit });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    expect(stateOf(it)).toBe(state);
  });

  it('is of all its agents together, and of nobody else’s account', async () => {
    const second = scriptedBroker('second');
    const it = await accountScene({ max_daily_loss: '50' }, { second });
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
    expect(await askToAdd(it, cursor)).toBe('trading_reducing');
    expect(await askToAdd(it, cursor, 'second')).toBe('granted');
  });

  it('of nothing is no breach of a limit of nothing', async () => {
    const it = await accountScene({ max_daily_loss: '0' });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1450']);
    await it.room.play(3);
    expect(stateOf(it)).toBe('ACTIVE');
  });

  it('ends with the day, and what was lost then is not lost again', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    await it.room.play(2);
    nextDay(it);
    await it.room.play(2);
    expect([stateOf(it), standingOf(it).loss]).toEqual(['ACTIVE', '0']);
    expect(await askToAdd(it, claude)).toBe('granted');
  });

  it('does not end with a restart on the same day', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    const later = await restarted(it);
    expect([stateOf(later), standingOf(later).loss]).toEqual(['max_daily_loss', '50']);
    expect(await askToAdd(later, claude)).toBe('trading_reducing');
  });

  it('takes over what was lost overnight while nothing ran', async () => {
    const it = await accountScene(
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
    const later = await restarted(it, 0);
    while (later.room.bid().gt('1440')) await later.room.play(1);
    await later.room.play(1);
    expect([stateOf(later), standingOf(later).loss]).toEqual(['max_daily_loss', '100']);
  });

  it('starts a day where the last second of the one before left it, although the process slept over midnight', async () => {
    const it = await accountScene(
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
    expect(standingOf(it).loss).toBe('100');
  });

  it('has a start that marks saved meanwhile do not move', async () => {
    const it = await accountScene(
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
    expect(standingOf(it).loss).toBe('100');
    expect(standingOf(await restarted(it)).loss).toBe('100');
  });

  it('is forgiven by a lift, and the drawdown is not', async () => {
    const it = await accountScene({ max_daily_loss: '50', max_drawdown: '0.06' });
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    expect(lift(it).map(({ reason }) => reason)).toEqual(['max_daily_loss']);
    expect(standingOf(it)).toEqual({ equity: '99950', peak: '100000', loss: '0', drawdown: '0.05' });
    await trade(it, claude, ['buy', '1', '1460']);
    expect(stateOf(it)).toBe('max_drawdown');
  });

  it('is not forgiven by the lift of an agent', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude', { max_daily_loss: '50' });
    await trade(it, claude, ['buy', '10', '1455']);
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    await it.room.play(2);
    expect([stateOf(it), standingOf(it).loss]).toEqual(['max_daily_loss', '50']);
    expect(await askToAdd(it, claude)).toBe('trading_reducing');
  });
});
