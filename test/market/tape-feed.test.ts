/** The feed: one step, one transaction; timed by the clock, resumed after a restart, stopped rather than wrong. */
import { describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import type { Tape } from '#market/tape.ts';
import { openTapeFeed, type TapeStep } from '#market/tape-feed.ts';
import type { Clock, Quote } from '#ports.ts';
import { feedRoom, tapeFrom } from '../support/tapes.ts';

const DAYS = [
  'date,open,high,low,close,volume',
  '2026-01-05,100,109,97,103,1000',
  '2026-01-06,105,105,100,102,2000',
];
const days = (): Tape => tapeFrom('SPX', DAYS);
const SPX = instrumentId('INDEX:SPX');

const shown = (quote: Quote | undefined): string =>
  quote ? `${text(quote.bid)}/${text(quote.ask)} ${quote.last === null ? 'none' : text(quote.last)}` : 'none';
const place = (step: TapeStep): string => `${step.run}:${step.bar}:${step.step}`;
/** What must be the same however often the process was restarted. */
const told = (step: TapeStep): string =>
  JSON.stringify({
    ...step,
    quote: { ...step.quote, publishedMs: 0 },
    previous: step.previous && { ...step.previous, publishedMs: 0 },
  });

describe('the steps of a tape', () => {
  it('walk each bar from open to close, the first as a gap and the others as moves', () => {
    const room = feedRoom(days());
    room.walk(8);
    expect(room.steps.map((step) => `${step.kind} ${shown(step.quote)}`)).toEqual([
      'gap 100/100.01 100',
      'move 97/97.01 97',
      'move 109/109.01 109',
      'move 103/103.01 103',
      'gap 105/105.01 105',
      'move 105/105.01 105',
      'move 100/100.01 100',
      'move 102/102.01 102',
    ]);
  });

  it('say where sessions begin and end, where days end, and where the tape ends', () => {
    const room = feedRoom(days());
    room.walk(9);
    const marks = room.steps.map((step) =>
      [step.sessionStart && 'start', step.sessionEnd && 'end', step.dayEnd && 'day', step.tapeEnd && 'tape']
        .filter(Boolean)
        .join(' '),
    );
    expect(marks).toEqual(['start', '', '', 'end day', 'start', '', '', 'end day tape', 'start']);
    expect(room.ticks.map((tick) => tick.sessionEnd)).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0].map(Boolean));
  });

  it('carry the step before, but not across the start of a run', () => {
    const room = feedRoom(days());
    room.walk(9);
    for (const [index, step] of room.steps.entries()) {
      const startsRun = index === 0 || index === 8;
      expect(step.previous).toEqual(startsRun ? undefined : room.steps[index - 1]?.quote);
    }
    expect(room.steps.slice(7).map(place)).toEqual(['1:1:3', '2:0:0']);
  });

  it('move market time forward within a run, from the open to a moment before the close', () => {
    const room = feedRoom(days(), { barSeconds: 10 });
    room.walk(20);
    const times = room.steps.map((step) => step.timeMs);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0))).toBe(true);
    expect(new Date(times[0] ?? 0).toISOString()).toBe('2026-01-05T14:30:00.000Z');
    expect(new Date(times[9] ?? 0).toISOString()).toBe('2026-01-05T20:59:59.999Z');
    expect(room.feed.nowMs()).toBe(times.at(-1));
  });

  it('stay within the bar and touch both its ends, bid, ask and last alike', () => {
    const room = feedRoom(days(), { barSeconds: 37 });
    room.walk(37);
    const column = (of: (quote: Quote) => Quote['bid'] | null): number[] =>
      room.steps.map((step) => Number(text(of(step.quote) ?? step.quote.bid)));
    for (const [values, low, high] of [
      [column((quote) => quote.bid), 97, 109],
      [column((quote) => quote.ask), 97.01, 109.01],
      [column((quote) => quote.last), 97, 109],
    ] as const) {
      expect([Math.min(...values), Math.max(...values)]).toEqual([low, high]);
    }
  });

  it('keep the last trade where nobody trades, and have none before the first', () => {
    const both =
      'time_ms,open,high,low,close,volume,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close';
    const start = Date.UTC(2026, 0, 5);
    const rows = [',,,,', '7,7,7,7,1', ',,,,'].map(
      (trade, n) => `${start + n * 60_000},${trade},5,6,4,5,7,8,6,7`,
    );
    const room = feedRoom(tapeFrom('BTC/USD', [both, ...rows]));
    room.walk(13);
    const lasts = [0, 4, 8, 12].map((step) => shown(room.steps[step]?.quote));
    expect(lasts).toEqual(['5/7 none', '5/7 7', '5/7 7', '5/7 none']);
    expect(room.steps[0]?.quote.source).toBe('recorded');
  });
});

describe('a step', () => {
  it('is one transaction: listeners write with it, and ticks follow when it is durable', () => {
    const room = feedRoom(days());
    const order: string[] = [];
    room.feed.onStep((step) => {
      expect(room.store.inTransaction()).toBe(true);
      expect(room.feed.quote(SPX)).toBe(step.quote);
      order.push('step');
      room.store.afterCommit(() => order.push('committed'));
    });
    room.feed.onTick(() => {
      expect(room.store.inTransaction()).toBe(false);
      order.push('tick');
    });
    room.walk(1);
    expect(order).toEqual(['step', 'committed', 'tick']);
  });

  it('that a listener throws in never happened, and the feed stops and says so', () => {
    const room = feedRoom(days());
    room.store.db.exec('CREATE TABLE seen (n INTEGER)');
    const insert = room.store.db.prepare('INSERT INTO seen VALUES (1)');
    const faults: unknown[] = [];
    room.feed.onFault((cause) => faults.push(cause));
    room.feed.onStep((step) => {
      insert.run();
      if (step.step === 2) throw new Error('the venue fell over');
    });
    room.feed.start();
    room.clock.advance(60_000);
    expect(faults).toEqual([new Error('the venue fell over')]);
    expect(room.ticks).toHaveLength(2);
    expect(room.store.db.prepare('SELECT count(*) FROM seen').pluck().get()).toBe(2);
    expect(room.store.db.prepare('SELECT step FROM tapes').pluck().get()).toBe(1);
    expect(shown(room.feed.quote(SPX))).toBe(shown(room.ticks[1]?.quote));
    // Fail closed: the quote is left to grow stale.
    expect(room.clock.wallMs() - (room.feed.quote(SPX)?.publishedMs ?? 0)).toBeGreaterThan(30_000);
  });

  it('stays when a listener throws after the commit; the others are still told, and the feed stops', () => {
    const room = feedRoom(days());
    const faults: unknown[] = [];
    const later: number[] = [];
    room.feed.onFault((cause) => faults.push(cause));
    room.feed.onTick(() => {
      throw new Error('a listener');
    });
    room.feed.onTick((tick) => later.push(tick.run));
    room.feed.start();
    room.clock.advance(10_000);
    expect(faults).toEqual([new Error('a listener')]);
    expect([room.steps.length, room.ticks.length, later.length]).toEqual([1, 1, 1]);
    expect(room.store.db.prepare('SELECT step FROM tapes').pluck().get()).toBe(0);
    expect(shown(room.feed.quote(SPX))).toBe('100/100.01 100');
  });

  it('throws to whoever calls it by hand, even when a fault listener throws too', () => {
    const room = feedRoom(days());
    room.feed.onFault(() => {
      throw new Error('the second');
    });
    room.feed.onStep(() => {
      throw new Error('the first');
    });
    expect(() => room.feed.stepOnce()).toThrow('the first');
  });

  it('can go on after a fault when started again, without a step lost or made twice', () => {
    const room = feedRoom(days());
    let broken = true;
    room.feed.onStep((step) => {
      if (broken && step.step === 2) throw new Error('once');
    });
    room.feed.start();
    room.clock.advance(10_000);
    broken = false;
    room.feed.start();
    room.clock.advance(2_000);
    expect(room.ticks.map((tick) => shown(tick.quote))).toEqual([
      '100/100.01 100',
      '97/97.01 97',
      '109/109.01 109',
      '103/103.01 103',
    ]);
  });

  it('is never taken inside somebody else’s transaction', () => {
    const room = feedRoom(days());
    expect(() => room.store.transaction(() => room.feed.stepOnce())).toThrow(/transaction of its own/);
    expect(room.steps).toEqual([]);
  });

  it('is not told to a listener that has left', () => {
    const room = feedRoom(days());
    const told: string[] = [];
    const leave = room.feed.onStep((step) => told.push(place(step)));
    room.walk(1);
    leave();
    room.walk(1);
    expect(told).toEqual(['1:0:0']);
  });
});

describe('the timing of a feed', () => {
  it.each([
    [10, 10, 1_000],
    [2.5, 4, 625],
    [1, 4, 250],
    [0.02, 4, 5],
  ])(
    'with bars of %d s takes %d steps a bar, one every %d ms, closed time taking none',
    (barSeconds, steps, everyMs) => {
      const room = feedRoom(days(), { barSeconds });
      expect(room.feed.timing()).toEqual({ barSeconds, stepsPerBar: steps });
      expect(room.ticks).toHaveLength(0);
      room.feed.start();
      room.clock.advance(0);
      expect(room.ticks).toHaveLength(1);
      room.clock.advance(everyMs - 1);
      expect(room.ticks).toHaveLength(1);
      room.clock.advance(1);
      expect(room.ticks).toHaveLength(2);
      room.clock.advance(everyMs * (steps * 2 - 1));
      expect(room.ticks).toHaveLength(2 * steps + 1);
      expect(room.feed.run()).toBe(2);
    },
  );

  it('goes at another speed from the next step on, and finishes its bar with the steps it began with', () => {
    const room = feedRoom(days(), { barSeconds: 4 });
    room.feed.start();
    room.clock.advance(0);
    room.feed.pace(8);
    expect(room.feed.timing()).toEqual({ barSeconds: 8, stepsPerBar: 8 });
    room.clock.advance(3_000);
    expect(room.feed.position()).toMatchObject({ bar: 0, step: 3, steps: 4 });
    room.clock.advance(1_000);
    expect(room.feed.position()).toMatchObject({ bar: 1, step: 0, steps: 8 });
    room.feed.pace(2);
    room.clock.advance(1_000);
    expect(room.feed.position()).toMatchObject({ bar: 1, step: 1 });
    room.clock.advance(500);
    expect(room.feed.position()).toMatchObject({ bar: 1, step: 3, steps: 8 });
    expect(() => room.feed.pace(0)).toThrow(RangeError);
    expect(room.feed.timing().barSeconds).toBe(2);
  });

  it('does not drift when every timer comes late', () => {
    const room = feedRoom(days());
    const after: Clock['after'] = (delayMs, call) => room.clock.after(delayMs + 300, call);
    const feed = openTapeFeed({
      tape: days(),
      store: room.store,
      clock: { ...room.clock, after },
      barSeconds: 4,
    });
    let ticks = 0;
    feed.onTick(() => ticks++);
    feed.start();
    room.clock.advance(59_299);
    expect(ticks).toBe(59);
    room.clock.advance(1);
    expect(ticks).toBe(60);
  });

  it('does not rush through what a sleep of the machine has cost', () => {
    const room = feedRoom(days());
    let sleptMs = 0;
    const monotonicMs = (): number => room.clock.monotonicMs() + sleptMs;
    const clock = { ...room.clock, monotonicMs };
    const feed = openTapeFeed({ tape: days(), store: room.store, clock, barSeconds: 4 });
    let ticks = 0;
    feed.onTick(() => ticks++);
    feed.start();
    room.clock.advance(10_000);
    expect(ticks).toBe(11);
    sleptMs = 3_600_000;
    room.clock.advance(5_000);
    // The one that was due when it fell asleep, the second that may be caught up, and one a second as ever.
    expect(ticks).toBe(11 + 1 + 1 + 5);
  });

  it('stops and starts without a second timer', () => {
    const room = feedRoom(days(), { barSeconds: 4 });
    room.feed.start();
    room.feed.start();
    room.clock.advance(2_000);
    expect(room.ticks).toHaveLength(3);
    room.feed.stop();
    room.feed.stop();
    room.clock.advance(60_000);
    expect(room.ticks).toHaveLength(3);
    room.feed.start();
    room.clock.advance(1_000);
    expect(room.ticks).toHaveLength(4);
  });

  it('may be stopped by a listener of the very step', () => {
    const room = feedRoom(days());
    room.feed.onTick(() => room.feed.stop());
    room.feed.start();
    room.clock.advance(60_000);
    expect(room.ticks).toHaveLength(1);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('is not %d', (barSeconds) => {
    expect(() => feedRoom(days(), { barSeconds })).toThrow(RangeError);
  });
});

describe('a restart', () => {
  it('has the quote of the last step at once, its age counted anew, and takes no step for it', () => {
    const room = feedRoom(days());
    room.walk(3);
    const before = room.feed.quote(SPX);
    room.clock.advance(3_600_000);
    const again = room.restart();
    expect(shown(again.feed.quote(SPX))).toBe(shown(before));
    expect(again.feed.nowMs()).toBe(before?.timeMs);
    expect(again.feed.quote(SPX)?.publishedMs).toBe(again.clock.wallMs());
    expect([...again.steps, ...again.ticks]).toEqual([]);
    again.clock.advance(60_000);
    again.feed.start();
    expect(again.feed.quote(SPX)?.publishedMs).toBe(again.clock.wallMs());
    expect([...again.steps, ...again.ticks]).toEqual([]);
  });

  it('after any step goes on with the next: the same steps as without one', () => {
    const whole = feedRoom(days());
    whole.walk(20);
    let room = feedRoom(days());
    const steps: TapeStep[] = [];
    for (let step = 0; step < 20; step++) {
      room.walk(1);
      steps.push(...room.steps);
      room = room.restart();
    }
    expect(steps.map(told)).toEqual(whole.steps.map(told));
  });

  it('keeps the run and its bars', async () => {
    const room = feedRoom(days());
    room.walk(8 + 4);
    const again = room.restart();
    expect(again.feed.run()).toBe(2);
    expect(await again.feed.bars({ instrument: SPX, timeframe: '1d', limit: 10 })).toHaveLength(1);
  });

  it('with another timing finishes the bar as it was begun, so that no extreme is missed', () => {
    const room = feedRoom(days(), { barSeconds: 4 });
    room.walk(2);
    const again = room.restart({ barSeconds: 6 });
    again.walk(3);
    expect(again.steps.map((step) => `${place(step)} of ${step.stepsPerBar} ${shown(step.quote)}`)).toEqual([
      '1:0:2 of 4 109/109.01 109',
      '1:0:3 of 4 103/103.01 103',
      '1:1:0 of 6 105/105.01 105',
    ]);
  });

  it('with another tape begins that one, under a run that nothing else has had', async () => {
    const room = feedRoom(days());
    room.walk(8 + 1);
    expect(room.feed.run()).toBe(2);
    const other = room.restart({ tape: tapeFrom('SPX', [...DAYS, '2026-01-07,1,1,1,1,1']) });
    expect(other.feed.quote(SPX)).toBeUndefined();
    expect(await other.feed.bars({ instrument: SPX, timeframe: '1d', limit: 10 })).toEqual([]);
    other.walk(1);
    expect(other.steps.map(place)).toEqual(['3:0:0']);
    expect(other.steps[0]?.previous).toBeUndefined();
  });

  it('on a damaged position refuses instead of guessing', () => {
    const room = feedRoom(days());
    room.walk(1);
    room.store.db.exec('UPDATE tapes SET bar = 99');
    expect(() => room.restart()).toThrow(/position of the tape INDEX:SPX is damaged/);
  });
});

describe('the market of a feed', () => {
  it('has a phase on its own clock, before the first step too', () => {
    const room = feedRoom(days());
    const begin = room.feed.phase(SPX);
    expect([begin?.phase, begin?.tradingDate, begin?.session?.date, begin?.next?.date]).toEqual([
      'open',
      '2026-01-05',
      '2026-01-05',
      '2026-01-06',
    ]);
    room.walk(8);
    const end = room.feed.phase(SPX);
    expect([end?.phase, end?.tradingDate, end?.next]).toEqual(['open', '2026-01-06', undefined]);
    expect(end?.nowMs).toBe(room.feed.nowMs());
  });

  it('knows extended hours, and the session to open next', () => {
    const newYork = (minute: number): number => Date.UTC(2026, 0, 5, 5, minute);
    const rows = [569, 570, 960].map((minute) => `${newYork(minute)},1,1,1,1,1`);
    const room = feedRoom(tapeFrom('SPY', ['time_ms,open,high,low,close,volume', ...rows]));
    const phases: unknown[] = [];
    for (let bar = 0; bar < 3; bar++) {
      room.walk(4);
      const phase = room.feed.phase(room.feed.tape.instrument.id);
      phases.push([phase?.phase, phase?.session?.date, phase?.next?.date, room.steps.at(-1)?.phase]);
    }
    expect(phases).toEqual([
      ['extended', '2026-01-05', '2026-01-05', 'extended'],
      ['open', '2026-01-05', '2026-01-06', 'open'],
      ['extended', '2026-01-05', '2026-01-06', 'extended'],
    ]);
  });

  it('has one level of depth on each side, as large as is displayed', async () => {
    const room = feedRoom(days());
    expect(await room.feed.depth(SPX)).toBeUndefined();
    room.walk(1);
    const depth = await room.feed.depth(SPX);
    const levels = [depth?.bids, depth?.asks].map((side) =>
      side?.map(({ price, size }) => `${text(price)} ${size && text(size)}`),
    );
    expect(levels).toEqual([['100 10'], ['100.01 10']]);
  });

  it('says nothing of an instrument that its tape does not carry', async () => {
    const room = feedRoom(days());
    room.walk(4);
    const other = instrumentId('XNAS:AAPL');
    const { feed } = room;
    expect([feed.quote(other), await feed.depth(other), feed.phase(other), feed.finest(other)]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    expect(await feed.bars({ instrument: other, timeframe: '1d', limit: 10 })).toEqual([]);
    expect(feed.instruments().map((one) => one.id)).toEqual([SPX]);
  });
});
