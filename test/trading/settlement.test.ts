// What a broker settled is posted once, for those who held it then: whoever trades afterwards keeps what they have.

import { expect, it } from 'vitest';
import type { TradingRoom } from '../support/trading-room.ts';
import { draft, flatTape, own, place, tradingRoom } from '../support/trading-room.ts';

const unrest = (room: TradingRoom) =>
  [...room.events('reconcile.mismatch'), ...room.events('broker.event_failed')].map(({ kind }) => kind);
const untilNextRun = async (room: TradingRoom): Promise<void> => {
  const run = room.feed.run();
  for (let step = 0; room.feed.run() === run && step < 1_000; step++) await room.play(1);
};

it.each(['friendly', 'hostile'] as const)(
  'an agent that trades after the tape has ended keeps its position, however often the end is told (%s)',
  async (preset) => {
    const room = await tradingRoom({ csv: flatTape('100', 12), paper: { preset, seed: 3 } });
    const holder = room.agent('holder');
    const late = room.agent('late');
    await place(room, holder, draft({ side: 'buy', qty: '5' }));
    await untilNextRun(room);
    await room.clock.advanceAsync(3_000);
    expect([await own(room, holder), await own(room, late)]).toEqual(['0', '0']);
    await place(room, late, draft({ side: 'buy', qty: '2' }));
    await room.play(12);
    expect(await own(room, late)).toBe('2');
    // The account is compared with its broker, whose history tells of the settlement again.
    await room.clock.advanceAsync(20_000);
    expect(room.feed.run()).toBe(2);
    expect(await own(room, late)).toBe('2');
    expect(unrest(room)).toEqual([]);
  },
);
