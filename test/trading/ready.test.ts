/** The line is closed for an account that is not there, not compared yet, or being begun anew, also for what was asked before. */
import { expect, it } from 'vitest';
import { connectPaper } from '#brokers/paper/adapter.ts';
import { money } from '#domain/decimal.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { freshMemory } from '#trading/line.ts';
import { booksAreReady } from '#trading/ready.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, granted, own, PAPER, place, reduce, refusal, tradingRoom } from '../support/trading-room.ts';

it('an account is open from its first comparison until it is begun anew or removed', () => {
  const adapters = new Map([[PAPER, scriptedBroker()]]);
  const memory = freshMemory();
  const why = () => refusal(booksAreReady({ adapters, memory }, PAPER)).reason;
  expect(why()).toBe('reconciling');
  memory.reconciled.set(PAPER, 1);
  granted(booksAreReady({ adapters, memory }, PAPER));
  memory.restarting.add(PAPER);
  expect(why()).toBe('reconciling');
  memory.restarting.delete(PAPER);
  adapters.delete(PAPER);
  expect(why()).toBe('not_found');
});

it('an account whose broker is away since the start is not said to be compared, and its sign-in is named', () => {
  const away = { ...scriptedBroker(), connected: () => false };
  const health = away.health();
  const adapters = new Map([[PAPER, away]]);
  const memory = freshMemory();
  const why = () => refusal(booksAreReady({ adapters, memory }, PAPER));
  expect(why()).toMatchObject({
    reason: 'broker_unavailable',
    detail: expect.stringMatching(/is not connected; try again when it is/),
  });
  expect(why()).not.toHaveProperty('retry_after');
  adapters.set(PAPER, { ...away, health: () => ({ ...health, connected: false, signInNeeded: true }) });
  expect(why().detail).toBe('The owner has to sign in at the broker of paper; try again after that.');
  // What the gateway does itself goes on being said, whether its broker is there or not.
  memory.restarting.add(PAPER);
  expect(why().reason).toBe('reconciling');
});

it('a close that was asked before sends nothing into books that are being begun anew', async () => {
  const answers = { balance: Promise.resolve(), restart: Promise.resolve() };
  let places = 0;
  const room = await tradingRoom({
    adapter({ store, feed }) {
      const settings = { preset: 'friendly', seed: 1, cash: '100000', accountType: 'margin' } as const;
      const real = connectPaper({ account: { id: PAPER, settings }, store, feed });
      return {
        ...real,
        balance: () => answers.balance.then(() => real.balance()),
        restart: async (cash) =>
          answers.restart.then(() => real.restart?.(cash) ?? { kind: 'refused', reason: 'it can not' }),
        place(order) {
          places += 1;
          return real.place(order);
        },
      };
    },
  });
  const claude = room.agent('claude');
  await place(room, claude, draft({ side: 'buy', qty: '5' }));
  await room.play(2);
  expect(await own(room, claude)).toBe('5');

  const balance = Promise.withResolvers<void>();
  const restart = Promise.withResolvers<void>();
  Object.assign(answers, { balance: balance.promise, restart: restart.promise });
  const closing = room.trading.closePosition(claude, { account: PAPER, symbol: 'SPX' }, reduce());
  const byOwner = room.trading.owner.closePosition({ holder: claude.agent, account: PAPER, symbol: 'SPX' });
  const anew = room.trading.restartAccount({ account: PAPER, cash: money('50000'), by: OWNER_CONSOLE });
  await room.clock.advanceAsync(10);
  balance.resolve();
  await room.clock.advanceAsync(10);
  expect(refusal(await closing)).toMatchObject({ reason: 'reconciling', retry_after: 1 });
  expect(refusal(await byOwner).reason).toBe('reconciling');
  restart.resolve();
  granted(await anew);
  expect(places).toBe(1);
  expect(await own(room, claude)).toBe('0');
  expect(await room.adapter.positions()).toEqual([]);
});
