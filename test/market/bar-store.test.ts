/** Bars of real markets: fetched once, kept, never unfinished, and added up where the broker has finer ones alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { price, quantity, text } from '#domain/decimal.ts';
import { BARS_PER_FETCH_MAX } from '#limits.ts';
import { openBarStore } from '#market/bar-store.ts';
import { barTable } from '#market/bar-table.ts';
import type { Bar, BarQuery, Timeframe } from '#ports.ts';
import { openStore } from '#store/open.ts';
import { handClock } from '../support/hand-clock.ts';
import { listing } from '../support/listings.ts';
import { scriptedMarket } from '../support/scripted-market.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MINUTE_MS = 60_000;
const COIN = listing('BTC/USD', { assetClass: 'crypto', calendar: 'crypto', timezone: 'UTC' });
const SHARE = listing('AAPL');
const bar = (timeMs: number, close = '10'): Bar => ({
  timeMs,
  open: price('10'),
  high: price('11'),
  low: price('9'),
  close: price(close),
  volume: quantity('2'),
});

/** A venue that has a bar for every step, the running one too. */
function barRoom(timeframes: readonly Timeframe[], startMs: number, of = COIN) {
  const clock = handClock(startMs);
  const store = openStore(temporaryFolder());
  const market = scriptedMarket(clock, [of], { timeframes });
  const asked: BarQuery[] = [];
  market.bar = async (_listing, query) => {
    asked.push(query);
    const stepMs = {
      '1m': MINUTE_MS,
      '5m': 5 * MINUTE_MS,
      '15m': 15 * MINUTE_MS,
      '1h': 60 * MINUTE_MS,
      '1d': 1_440 * MINUTE_MS,
    }[query.timeframe];
    const bars: Bar[] = [];
    const first = Math.ceil((query.startMs ?? 0) / stepMs) * stepMs;
    for (
      let at = first;
      at < Math.min(query.endMs ?? Infinity, clock.wallMs()) && bars.length < query.limit;
      at += stepMs
    )
      bars.push(bar(at));
    return bars;
  };
  const source = openBarStore(store, clock).sourceOf(market);
  return {
    clock,
    store,
    asked,
    source,
    market,
    ask: (timeframe: Timeframe, more: Partial<BarQuery> = {}) =>
      source.query(of, { instrument: of.instrument.id, timeframe, limit: 10, ...more }),
  };
}
/** 12:00:30. */
const NOON_MS = Date.UTC(2026, 0, 6, 12) + 30_000;
const times = (bars: readonly Bar[]): string[] =>
  bars.map(({ timeMs }) => new Date(timeMs).toISOString().slice(11, 16));

describe('bars of a real market', () => {
  it('are fetched once, and afterwards only what has come since', async () => {
    const room = barRoom(['1m'], NOON_MS);
    expect(times(await room.ask('1m', { limit: 3 }))).toEqual(['11:57', '11:58', '11:59']);
    await room.ask('1m', { limit: 3 });
    expect(room.asked).toHaveLength(1);
    room.clock.advance(2 * MINUTE_MS);
    expect(times(await room.ask('1m', { limit: 3 }))).toEqual(['11:59', '12:00', '12:01']);
    expect(room.asked.slice(1).map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [Date.UTC(2026, 0, 6, 12), Date.UTC(2026, 0, 6, 12, 2)],
    ]);
  });

  it('are never stored before they are over', async () => {
    const room = barRoom(['1m'], Date.UTC(2026, 0, 6, 12));
    // A venue is late with the last trades of a minute.
    expect(times(await room.ask('1m', { limit: 1 }))).toEqual(['11:58']);
    room.clock.advance(3_000);
    expect(times(await room.ask('1m', { limit: 1 }))).toEqual(['11:59']);
    expect(room.store.db.prepare('SELECT max(time) FROM bars').pluck().get()).toBe(
      Date.UTC(2026, 0, 6, 11, 59),
    );
  });

  it('are asked for in the gaps alone', async () => {
    const room = barRoom(['1m'], NOON_MS);
    const at = (minute: number): number => Date.UTC(2026, 0, 6, 10, minute);
    await room.ask('1m', { startMs: at(10), endMs: at(20) });
    await room.ask('1m', { startMs: at(30), endMs: at(40) });
    room.asked.length = 0;
    expect(await room.ask('1m', { startMs: at(0), endMs: at(50), limit: 100 })).toHaveLength(50);
    expect(room.asked.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [at(0), at(10)],
      [at(20), at(30)],
      [at(40), at(50)],
    ]);
    expect(room.store.db.prepare('SELECT count(*) FROM bar_ranges').pluck().get()).toBe(1);
  });

  it('are asked for by one at a time, and again after a broker that did not answer', async () => {
    const room = barRoom(['1m'], NOON_MS);
    const both = await Promise.all([room.ask('1m'), room.ask('1m')]);
    expect(room.asked).toHaveLength(1);
    expect(both[0]).toEqual(both[1]);
    const { bar: answered } = room.market;
    room.clock.advance(MINUTE_MS);
    room.market.bar = () => Promise.reject(new Error('503'));
    await expect(room.ask('1m')).rejects.toThrow('503');
    room.market.bar = answered;
    expect(times(await room.ask('1m', { limit: 1 }))).toEqual(['12:00']);
  });

  it('come in as many answers as it takes', async () => {
    const room = barRoom(['1m'], NOON_MS);
    const days = 8;
    const bars = await room.ask('1m', { startMs: NOON_MS - days * 1_440 * MINUTE_MS, limit: 20_000 });
    expect(bars).toHaveLength(days * 1_440 - 1);
    expect(room.asked).toHaveLength(Math.ceil((days * 1_440) / BARS_PER_FETCH_MAX));
  });

  it('are added up from finer ones, and finer than there are is refused', async () => {
    const room = barRoom(['1m'], NOON_MS);
    const [last] = (await room.ask('1h', { limit: 1 })).slice(-1);
    expect(last && [new Date(last.timeMs).getUTCHours(), last.volume && text(last.volume)]).toEqual([
      11,
      '120',
    ]);
    const daily = barRoom(['1d'], NOON_MS);
    await expect(daily.ask('1h')).rejects.toThrow(RangeError);
    expect(daily.source.finest()).toBe('1d');
  });

  it('of a day are there when its session has ended, whatever the broker calls its begin', async () => {
    // 16:30 in New York: the day is over there, and is not in UTC.
    const room = barRoom(['1d'], Date.UTC(2026, 0, 6, 21, 30), SHARE);
    const days = await room.ask('1d', { limit: 2 });
    expect(days.map(({ timeMs }) => new Date(timeMs).toISOString().slice(0, 10))).toEqual([
      '2026-01-05',
      '2026-01-06',
    ]);
    const before = barRoom(['1d'], Date.UTC(2026, 0, 6, 20, 30), SHARE);
    const [last] = (await before.ask('1d', { limit: 1 })).slice(-1);
    expect(last && new Date(last.timeMs).toISOString().slice(0, 10)).toBe('2026-01-05');
  });

  it('of a share make days of their sessions alone', async () => {
    const room = barRoom(['1h'], Date.UTC(2026, 0, 6, 22), SHARE);
    const [last] = (await room.ask('1d', { limit: 1 })).slice(-1);
    // Open at 14:30 UTC: the hours that begin at 15 to 20 o'clock are of the session.
    expect(last && [new Date(last.timeMs).toISOString(), last.volume && text(last.volume)]).toEqual([
      '2026-01-06T14:30:00.000Z',
      '12',
    ]);
  });

  it('that were imported are not asked for', async () => {
    const room = barRoom(['1m'], NOON_MS);
    const store = openBarStore(room.store, room.clock);
    const from = Date.UTC(2026, 0, 6, 9);
    store.importBars(COIN.instrument.id, '1m', {
      bars: [bar(from + MINUTE_MS, '9.5'), bar(from, '9.25')],
      known: { fromMs: from, toMs: from + 2 * MINUTE_MS },
    });
    const bars = await room.ask('1m', { startMs: from, endMs: from + 2 * MINUTE_MS });
    expect(bars.map(({ close }) => text(close))).toEqual(['9.25', '9.5']);
    expect(room.asked).toEqual([]);
    expect(store.summary()).toMatchObject([{ instrument: 'ACME:BTC/USD', timeframe: '1m', bars: 2 }]);
  });
});

it('what is known and what is missing always make up the whole', () => {
  const store = openStore(temporaryFolder());
  store.db.pragma('synchronous = OFF');
  const { id } = COIN.instrument;
  const stretch = fc
    .tuple(fc.nat(50), fc.nat(50))
    .map(([a, b]) => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) + 1 }));
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 8 }), stretch, (known, asked) => {
      store.transaction(() => store.db.exec('DELETE FROM bar_ranges'));
      const table = barTable(store);
      store.transaction(() => {
        for (const one of known) table.add(id, '1m', { ...one, bars: [], source: 'fetched' });
      });
      const missing = new Set<number>();
      for (const gap of table.gaps(id, '1m', asked))
        for (let at = gap.fromMs; at < gap.toMs; at++) missing.add(at);
      for (let at = asked.fromMs; at < asked.toMs; at++) {
        const isKnown = known.some(({ fromMs, toMs }) => fromMs <= at && at < toMs);
        expect(missing.has(at)).toBe(!isKnown);
      }
    }),
    { numRuns: 60 },
  );
});
