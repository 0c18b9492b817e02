/** Bars: added up from what the tape has shown in this run, complete ones only, on the clock of the instrument's zone. */
import { describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import type { Tape } from '#market/tape.ts';
import type { Bar, BarQuery, Timeframe } from '#ports.ts';
import { type FeedRoom, feedRoom, tapeFrom } from '../support/tapes.ts';

const TRADES = 'time_ms,open,high,low,close,volume';
const MIDNIGHT = Date.UTC(2026, 0, 5);
const at = (minute: number): number => MIDNIGHT + minute * 60_000;

/** Minute n opens at 100 + n, goes two up and one down, and closes half above its open; its volume is n + 1. */
const minute = (n: number): string => `${at(n)},${100 + n},${102 + n},${99 + n},${100 + n}.5,${n + 1}`;
const minutes = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => minute(from + index));

const shown = (bar: Bar): string => {
  const volume = bar.volume === null ? 'none' : text(bar.volume);
  const prices = [bar.open, bar.high, bar.low, bar.close].map(text).join(' ');
  return `${(bar.timeMs - MIDNIGHT) / 60_000}: ${prices} ${volume}`;
};
async function asked(room: FeedRoom, timeframe: Timeframe, more: Partial<BarQuery> = {}): Promise<string[]> {
  const instrument = room.feed.tape.instrument.id;
  const bars = await room.feed.bars({ instrument, timeframe, limit: 1_000, ...more });
  return bars.map(shown);
}
function walkedToEnd(tape: Tape): FeedRoom {
  const room = feedRoom(tape);
  room.walk(tape.length * 4);
  return room;
}

describe('bars of a longer timeframe', () => {
  it('take the first open, the highest high, the lowest low, the last close and the sum of volumes', async () => {
    const room = walkedToEnd(tapeFrom('BTC/USD', [TRADES, ...minutes(0, 15)]));
    expect(await asked(room, '5m')).toEqual([
      '0: 100 106 99 104.5 15',
      '5: 105 111 104 109.5 40',
      '10: 110 116 109 114.5 65',
    ]);
    expect(await asked(room, '15m')).toEqual(['0: 100 116 99 114.5 120']);
    expect(await asked(room, '1m')).toHaveLength(15);
  });

  it('begin on the clock, not at the first row, and skip what nobody traded', async () => {
    const room = walkedToEnd(
      tapeFrom('BTC/USD', [TRADES, ...minutes(3, 7), ...minutes(21, 22), ...minutes(61, 62)]),
    );
    expect((await asked(room, '5m')).map((bar) => bar.split(':')[0])).toEqual(['0', '5', '20', '60']);
    expect((await asked(room, '1h')).map((bar) => bar.split(':')[0])).toEqual(['0', '60']);
  });

  it('begin on the half hour of UTC where the zone is half an hour off', async () => {
    // 09:15 in Kolkata is 03:45 UTC; its hour began at 03:30 UTC.
    const room = walkedToEnd(tapeFrom('YESBANK', [TRADES, ...minutes(225, 300)]));
    expect((await asked(room, '1h')).map((bar) => bar.split(':')[0])).toEqual(['210', '270']);
  });

  it('of a day are its regular session: extended hours have minutes and hours but make no day', async () => {
    const open = 300 + 570;
    const rows = [...minutes(open - 10, open), ...minutes(open, open + 3), ...minutes(300 + 959, 300 + 963)];
    const room = walkedToEnd(tapeFrom('SPY', [TRADES, ...rows]));
    // 870 … 872 and 1259: opens at 970, highest and last is minute 1259.
    expect(await asked(room, '1d')).toEqual(['870: 970 1361 969 1359.5 3876']);
    expect((await asked(room, '1h')).map((bar) => bar.split(':')[0])).toEqual(['840', '1200', '1260']);
  });

  it('have no volume where none was recorded, and add up what was', async () => {
    const rows = [0, 1, 5, 6].map((n) => `${at(n)},1,1,1,1,${n === 6 ? '4' : ''}`);
    const room = walkedToEnd(tapeFrom('BTC/USD', [TRADES, ...rows]));
    expect(await asked(room, '5m')).toEqual(['0: 1 1 1 1 none', '5: 1 1 1 1 4']);
  });

  it('finer than the tape are refused, naming the finest', async () => {
    const room = walkedToEnd(tapeFrom('BTC/USD', [TRADES, ...[0, 5, 10].map(minute)]));
    const ask = asked(room, '1m');
    await expect(ask).rejects.toThrow(RangeError);
    await expect(ask).rejects.toThrow('the finest timeframe of BTC/USD is 5m');
    expect(room.feed.finest(room.feed.tape.instrument.id)).toBe('5m');
  });
});

describe('bars of quotes', () => {
  const BOTH = `${TRADES},bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close`;
  const quoted = (n: number, trade = ',,,,'): string => `${at(n)},${trade},5,6,4,5,7,8,6,7`;

  it('are the bid’s where the whole tape is quotes', async () => {
    const room = walkedToEnd(tapeFrom('EUR/USD', [BOTH, quoted(0), quoted(1)]));
    expect(await asked(room, '1m')).toEqual(['0: 5 6 4 5 none', '1: 5 6 4 5 none']);
  });

  it('do not exist where a tape of trades has a minute without one', async () => {
    const room = walkedToEnd(
      tapeFrom('BTC/USD', [
        BOTH,
        quoted(0, '5,5,5,5,1'),
        quoted(1),
        quoted(5),
        quoted(6),
        quoted(10, '6,6,6,6,2'),
      ]),
    );
    expect(await asked(room, '1m')).toEqual(['0: 5 5 5 5 1', '10: 6 6 6 6 2']);
    expect(await asked(room, '5m')).toEqual(['0: 5 5 5 5 1', '10: 6 6 6 6 2']);
  });
});

describe('bars and the future', () => {
  it('are complete at every step: never the running bar, never one that may still change', async () => {
    const rows = [...minutes(0, 12), ...minutes(17, 31)];
    const tape = tapeFrom('BTC/USD', [TRADES, ...rows]);
    const after = walkedToEnd(tape);
    const final = {
      '1m': await asked(after, '1m'),
      '5m': await asked(after, '5m'),
      '15m': await asked(after, '15m'),
    };
    const room = feedRoom(tape);
    for (let step = 0; step < tape.length * 4; step++) {
      room.walk(1);
      const nowMs = room.feed.nowMs();
      const taken = room.steps.at(-1);
      for (const timeframe of ['1m', '5m', '15m'] as const) {
        const bars = await asked(room, timeframe);
        // What was said once stays true.
        expect(bars).toEqual(final[timeframe].slice(0, bars.length));
        const lengthMs = { '1m': 60_000, '5m': 300_000, '15m': 900_000 }[timeframe];
        for (const bar of bars) {
          const end = MIDNIGHT + Number(bar.split(':')[0]) * 60_000 + lengthMs;
          const ended = end <= nowMs + 1 || taken?.tapeEnd === true;
          expect(ended, `${timeframe} ${bar} at ${nowMs}`).toBe(true);
        }
      }
    }
    expect(await asked(room, '1m')).toEqual(final['1m']);
  });

  it('are there as soon as their last step is published', async () => {
    const room = feedRoom(
      tapeFrom('SPX', ['date,open,high,low,close', '2026-01-05,1,4,1,3', '2026-01-06,5,5,5,5']),
    );
    room.walk(3);
    expect(await asked(room, '1d')).toEqual([]);
    room.walk(1);
    expect(await asked(room, '1d')).toEqual(['870: 1 4 1 3 none']);
    room.walk(3);
    expect(await asked(room, '1d')).toHaveLength(1);
  });

  it('wait for the end of their own time when the tape has a gap in it', async () => {
    const room = feedRoom(tapeFrom('BTC/USD', [TRADES, ...minutes(0, 2), ...minutes(20, 21)]));
    room.walk(8);
    expect(await asked(room, '1m')).toHaveLength(2);
    expect(await asked(room, '5m')).toEqual([]);
    room.walk(1);
    expect(await asked(room, '5m')).toEqual(['0: 100 103 99 101.5 3']);
  });

  it('answer for the current run alone', async () => {
    const room = walkedToEnd(tapeFrom('BTC/USD', [TRADES, ...minutes(0, 10)]));
    expect(await asked(room, '1m')).toHaveLength(10);
    room.walk(1);
    expect(room.feed.run()).toBe(2);
    expect(await asked(room, '1m')).toEqual([]);
  });
});

describe('a query for bars', () => {
  const tape = (): Tape => tapeFrom('BTC/USD', [TRADES, ...minutes(0, 10)]);
  const times = (bars: readonly string[]): number[] => bars.map((bar) => Number(bar.split(':')[0]));

  it('takes the latest without a start, and the first from a start', async () => {
    const room = walkedToEnd(tape());
    expect(times(await asked(room, '1m', { limit: 3 }))).toEqual([7, 8, 9]);
    expect(times(await asked(room, '1m', { limit: 3, startMs: at(2) }))).toEqual([2, 3, 4]);
    expect(times(await asked(room, '1m', { limit: 3, endMs: at(5) }))).toEqual([2, 3, 4]);
  });

  it('includes its start and excludes its end', async () => {
    const room = walkedToEnd(tape());
    expect(times(await asked(room, '1m', { startMs: at(2), endMs: at(4) }))).toEqual([2, 3]);
    expect(times(await asked(room, '1m', { startMs: at(2) + 1, endMs: at(4) + 1 }))).toEqual([3, 4]);
    expect(await asked(room, '1m', { startMs: at(4), endMs: at(2) })).toEqual([]);
    expect(await asked(room, '1m', { startMs: at(99) })).toEqual([]);
  });
});
