/** Tapes and steps against recorded markets, which a clone does not have: every tape loads, adds up, and walks as it was. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Price, text } from '#domain/decimal.ts';
import { BUILT_IN } from '#market/master.ts';
import { loadTape, type Tape } from '#market/tape.ts';
import type { Bar, Timeframe } from '#ports.ts';
import { feedRoom, instrumentOf, RECORDED_SKIPPED, recordedAbsent, recordedFile } from '../support/tapes.ts';

if (recordedAbsent) console.log(RECORDED_SKIPPED);

const SPY_MINUTES = 'SPY-1m-2013-10-04..11.csv';
const TAPES = [
  // file, symbol, timeframe, bars, rows in closed time, calendar
  [SPY_MINUTES, 'SPY', '1m', 5437, 5, 'us-equity'],
  ['BTCUSD-coinbase-1m-2018-04-04..05.csv', 'BTC/USD', '1m', 2879, 0, 'crypto'],
  ['EURUSD-oanda-1m-2018-04-03..04.csv', 'EUR/USD', '1m', 2818, 0, 'fx'],
  ['YESBANK-nse-1m-2019-07-09..11.csv', 'YESBANK', '1m', 1130, 0, 'tape'],
  ['SPY-1d-1998..2021-unadjusted.csv', 'SPY', '1d', 5849, 0, 'us-equity'],
  ['AAPL-1d-1998..2021-unadjusted.csv', 'AAPL', '1d', 5849, 0, 'us-equity'],
] as const;

const load = (file: string, symbol: string): Tape =>
  loadTape({ file: recordedFile(file), instrument: instrumentOf(symbol) });

/** Cells of the file by column name, to compute with by hand. */
function cells(file: string): Readonly<Record<string, string>>[] {
  const [header = '', ...lines] = readFileSync(recordedFile(file), 'utf8').trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => {
    const row = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, row[index] ?? '']));
  });
}

async function allBars(tape: Tape, timeframe: Timeframe): Promise<readonly Bar[]> {
  const room = feedRoom(tape);
  room.store.db.pragma('synchronous = OFF');
  room.walk(tape.length * 4);
  return room.feed.bars({ instrument: tape.instrument.id, timeframe, limit: 10_000 });
}

const shown = (bar: Bar): string =>
  [bar.open, bar.high, bar.low, bar.close]
    .map(text)
    .concat(bar.volume === null ? '' : text(bar.volume))
    .join(' ');

describe.skipIf(recordedAbsent)('the recorded tapes', () => {
  it.each(TAPES)('%s loads as %s of %s', (file, symbol, timeframe, length, closedRows, calendar) => {
    const tape = load(file, symbol);
    expect([tape.timeframe, tape.length, tape.closedRows, tape.calendar.id]).toEqual([
      timeframe,
      length,
      closedRows,
      calendar,
    ]);
  });

  it.each(TAPES)('%s is walked inside its bars, touching their ends, and never crossed', (file, symbol) => {
    const tape = load(file, symbol);
    const room = feedRoom(tape);
    room.store.db.pragma('synchronous = OFF');
    room.walk(tape.length * 4);
    const faults: string[] = [];
    for (const { bar, quote, tapeBar } of room.steps) {
      const inside =
        quote.bid.gte(tapeBar.bid.low) &&
        quote.bid.lte(tapeBar.bid.high) &&
        quote.ask.gte(tapeBar.ask.low) &&
        quote.ask.lte(tapeBar.ask.high);
      if (!inside || quote.bid.gt(quote.ask) || quote.bid.lt(tape.instrument.tick)) faults.push(`bar ${bar}`);
    }
    for (let bar = 0; bar < tape.length; bar++) {
      const steps = room.steps.slice(bar * 4, bar * 4 + 4);
      const of = tape.bar(bar);
      const touches = (price: Price, side: 'bid' | 'ask'): boolean =>
        steps.some((step) => step.quote[side].eq(price));
      const touched =
        touches(of.bid.low, 'bid') && touches(of.bid.high, 'bid') && touches(of.ask.high, 'ask');
      if (!touched || steps.at(-1)?.quote.bid.eq(of.bid.close) !== true) faults.push(`ends of bar ${bar}`);
    }
    expect(faults).toEqual([]);
  });
});

describe.skipIf(recordedAbsent)('the minutes of SPY', () => {
  /** 09:30 to 16:00 New York summer time, from the cells of the file. */
  function byHand(date: string): string {
    const open = Date.parse(`${date}T13:30:00Z`);
    const close = Date.parse(`${date}T20:00:00Z`);
    const rows = cells(SPY_MINUTES).filter((row) => {
      const time = Number(row['time_ms']);
      return time >= open && time < close && row['open'] !== '';
    });
    const numbers = (name: string): number[] => rows.map((row) => Number(row[name]));
    const volume = numbers('volume').reduce((total, one) => total + one, 0);
    const high = Math.max(...numbers('high'));
    return [numbers('open')[0], high, Math.min(...numbers('low')), numbers('close').at(-1), volume].join(' ');
  }

  it('add up to the days that the same rows give by hand', async () => {
    const days = await allBars(load(SPY_MINUTES, 'SPY'), '1d');
    const dates = ['2013-10-04', '2013-10-07', '2013-10-08', '2013-10-09', '2013-10-10', '2013-10-11'];
    expect(days.map(shown)).toEqual(dates.map(byHand));
    expect(days.map((day) => new Date(day.timeMs).toISOString())).toEqual(
      dates.map((date) => `${date}T13:30:00.000Z`),
    );
  });

  it('agree with the daily file that another hand recorded, to a few cents', async () => {
    const days = await allBars(load(SPY_MINUTES, 'SPY'), '1d');
    const daily = new Map(cells('SPY-1d-1998..2021-unadjusted.csv').map((row) => [row['date'], row]));
    for (const day of days) {
      const other = daily.get(new Date(day.timeMs).toISOString().slice(0, 10));
      for (const name of ['open', 'high', 'low', 'close'] as const) {
        expect(Math.abs(Number(text(day[name])) - Number(other?.[name])), name).toBeLessThan(0.06);
      }
    }
  });

  it('make hours whose volumes add up to the minutes’, extended hours included', async () => {
    const tape = load(SPY_MINUTES, 'SPY');
    const total = (bars: readonly Bar[]): number =>
      bars.reduce((sum, bar) => sum + Number(bar.volume === null ? 0 : text(bar.volume)), 0);
    const hours = await allBars(tape, '1h');
    expect(total(hours)).toBe(total(await allBars(tape, '1m')));
    expect(hours.every((bar) => bar.timeMs % 3_600_000 === 0)).toBe(true);
  });
});

describe.skipIf(recordedAbsent)('the steps of the master', () => {
  it.each([
    ['BTC/USD', 'coinbase,BTCUSD,crypto'],
    ['ETH/USD', 'coinbase,ETHUSD,crypto'],
    ['SPY', 'usa,[*],equity'],
    ['AAPL', 'usa,[*],equity'],
    ['SPX', 'usa,[*],index'],
    ['EUR/USD', 'oanda,EURUSD,forex'],
  ])('of %s are those of its venue', (symbol, key) => {
    const lines = readFileSync(recordedFile('symbol-properties-database.csv'), 'utf8').split('\n');
    const row = lines.find((line) => line.startsWith(`${key},`))?.split(',');
    const [, , , , currency, multiplier, tick, lot] = row ?? [];
    const known = instrumentOf(symbol);
    expect([known.currency, text(known.multiplier), text(known.tick), text(known.lot)]).toEqual([
      currency,
      multiplier,
      tick,
      lot,
    ]);
  });

  it('fit every price of YESBANK, which the database does not list', async () => {
    const tick = instrumentOf('YESBANK').tick;
    const off = cells('YESBANK-nse-1m-2019-07-09..11.csv').filter((row) =>
      ['open', 'high', 'low', 'close'].some((name) => Math.round(Number(row[name]) * 100) % 5 !== 0),
    );
    expect([text(tick), off.length]).toEqual(['0.05', 0]);
    expect(BUILT_IN.filter((one) => text(one.tick) === '0.05')).toHaveLength(1);
  });
});
