/** The feed falls silent and speaks again: on the record once each, by the monotonic clock, through a restart and a broken store. */
import { expect, test } from 'vitest';
import { type TradingRoom, tradingRoom } from '../support/trading-room.ts';

const told = (room: TradingRoom): readonly string[] =>
  room.events().flatMap(({ kind }) => (kind.startsWith('feed.') ? [kind] : []));
const lastSilence = (room: TradingRoom): number =>
  Number(room.events().findLast(({ kind }) => kind.startsWith('feed.'))?.detail?.['silent_s']);

async function silentRoom(): Promise<TradingRoom> {
  const room = await tradingRoom();
  await room.play(1);
  room.feed.stop();
  return room;
}

test('a feed that is silent for 30 s while its market is open is on the record, and so is its next quote', async () => {
  const room = await silentRoom();
  await room.clock.advanceAsync(28_500);
  expect(told(room)).toEqual([]);
  await room.clock.advanceAsync(6_500);
  expect(told(room)).toEqual(['feed.down']);
  expect(lastSilence(room)).toBeGreaterThanOrEqual(30);
  expect(lastSilence(room)).toBeLessThanOrEqual(35);
  await room.clock.advanceAsync(3_600_000);
  expect(told(room)).toHaveLength(1);
  room.feed.start();
  await room.play(60);
  expect(told(room)).toEqual(['feed.down', 'feed.back']);
  expect(lastSilence(room)).toBeGreaterThan(3_600);
  room.feed.stop();
  await room.clock.advanceAsync(36_000);
  expect(told(room)).toEqual(['feed.down', 'feed.back', 'feed.down']);
});

test('a feed that plays is silent to nobody, and neither is one whose wall clock jumps', async () => {
  const room = await tradingRoom();
  for (const days of [2, -2]) {
    room.clock.setWall(room.clock.wallMs() + days * 86_400_000);
    await room.play(120);
  }
  expect(told(room)).toEqual([]);
});

test('what was silent before a restart is back after it, and not down twice', async () => {
  const room = await silentRoom();
  await room.clock.advanceAsync(40_000);
  const next = await room.restart();
  await next.play(5);
  expect(told(next)).toEqual(['feed.down', 'feed.back']);
});

test('a store that takes nothing has the silence on the record once it can be written', async () => {
  const room = await silentRoom();
  room.store.db.pragma('query_only = ON');
  await room.clock.advanceAsync(40_000);
  room.store.db.pragma('query_only = OFF');
  room.feed.start();
  await room.play(2);
  expect(told(room)).toEqual(['feed.down', 'feed.back']);
});
