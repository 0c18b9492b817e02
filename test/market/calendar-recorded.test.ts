/** The calendars against recorded markets: a database of market hours and real tapes, which a clone does not have. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Calendar, calendar } from '#market/calendar.ts';

const folder = new URL('../../../shared/data/market/', import.meta.url);
const absent = !existsSync(new URL('market-hours-database.json.gz', folder));
if (absent) console.log('skipped: recorded market data (../shared/data/market) is not beside the project');

const databaseShape = z.object({
  entries: z.record(
    z.string(),
    z.object({
      holidays: z.array(z.string()).default([]),
      earlyCloses: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

interface Recorded {
  readonly holidays: readonly string[];
  readonly earlyCloses: readonly string[];
}

/** Weekdays only: the database also names holidays on weekends, which change nothing. */
function recorded(entry: string): Recorded {
  const packed = readFileSync(new URL('market-hours-database.json.gz', folder));
  const found = databaseShape.parse(JSON.parse(gunzipSync(packed).toString('utf8'))).entries[entry];
  if (!found) throw new Error(`the database has no ${entry}`);
  const weekdays = (dates: readonly string[]): string[] => dates.map(isoDate).filter(isWeekday).sort();
  for (const close of Object.values(found.earlyCloses)) expect(close).toBe('13:00:00');
  return { holidays: weekdays(found.holidays), earlyCloses: weekdays(Object.keys(found.earlyCloses)) };
}

/** From M/D/YYYY. */
function isoDate(american: string): string {
  const [month = '', day = '', year = ''] = american.split('/');
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

function isWeekday(date: string): boolean {
  const day = new Date(`${date}T00:00Z`).getUTCDay();
  return day !== 0 && day !== 6;
}

/** Every date from `first` to `last`, weekends left out. */
function weekdaysBetween(first: string, last: string): string[] {
  const dates: string[] = [];
  for (let ms = Date.parse(first); ms <= Date.parse(last); ms += 86_400_000) {
    dates.push(new Date(ms).toISOString().slice(0, 10));
  }
  return dates.filter(isWeekday);
}

function column(file: string, name: string): string[] {
  const [header = '', ...rows] = readFileSync(new URL(file, folder), 'utf8').trim().split('\n');
  const index = header.split(',').indexOf(name);
  if (index < 0) throw new Error(`${file} has no column ${name}`);
  return rows.map((row) => row.split(',')[index] ?? '');
}

const tradingDays = (venue: Calendar, first: string, last: string): string[] =>
  weekdaysBetween(first, last).filter((date) => venue.sessionOn(date));

describe('US equities, every weekday from 1998 to 2028', () => {
  const venue = calendar('us-equity');
  const all = weekdaysBetween('1998-01-01', '2028-12-31');

  it.skipIf(absent)('are closed on exactly the holidays of the database', () => {
    const { holidays } = recorded('Equity-usa-[*]');
    expect(holidays.length).toBeGreaterThan(280);
    expect(all.filter((date) => !venue.sessionOn(date))).toEqual(holidays);
  });

  it.skipIf(absent)('close early on exactly the days of the database, and on three that it lacks', () => {
    // Its early closes begin with November 1999, so the two of 1998 are missing; and it has no entry for the last day
    // of 1999, when the NYSE closed at 13:00 to prepare for the year 2000 (announced by the exchange in June 1999).
    // It also names a Sunday, 2017-12-24, which is left out with all weekends.
    const lacking = ['1998-11-27', '1998-12-24', '1999-12-31'];
    const { earlyCloses } = recorded('Equity-usa-[*]');
    expect(earlyCloses.filter((date) => lacking.includes(date))).toEqual([]);
    expect(all.filter((date) => venue.sessionOn(date)?.earlyClose)).toEqual(
      [...earlyCloses, ...lacking].sort(),
    );
  });

  it.skipIf(absent)('traded on exactly the days of the recorded daily bars', () => {
    for (const file of ['SPY-1d-1998..2021-unadjusted.csv', 'AAPL-1d-1998..2021-unadjusted.csv']) {
      const dates = column(file, 'date');
      expect(dates.length).toBe(5849);
      expect(tradingDays(venue, '1998-01-01', dates.at(-1) ?? '')).toEqual(dates);
    }
  });

  it.skipIf(absent)('traded or had extended hours at every minute of a recorded week', () => {
    const times = column('SPY-1m-2013-10-04..11.csv', 'time_ms').map(Number);
    const outside = times.filter((ms) => !venue.sessionAt(ms) && !venue.extendedAt(ms));
    // On five of the six evenings the tape ends with a minute of quotes, and no trades, that begins at 20:00.
    expect(outside.length).toBe(5);
    expect(outside.filter((ms) => venue.extendedAt(ms - 1) === undefined)).toEqual([]);
    const regular = times.filter((ms) => venue.sessionAt(ms));
    // Six sessions of 390 minutes, all recorded: an open or close off by a minute would show.
    expect(regular.length).toBe(6 * 390);
    expect(times.length).toBeGreaterThan(regular.length);
    expect([...new Set(times.map((ms) => venue.tradingDate(ms)))]).toEqual(
      tradingDays(venue, '2013-10-04', '2013-10-11'),
    );
  });
});

describe('NSE, every weekday from 2004 to 2030', () => {
  const venue = calendar('nse');
  const closings = (first: string, last: string): string[] =>
    weekdaysBetween(first, last).filter((date) => !venue.sessionOn(date));

  it.skipIf(absent)('is closed on every holiday of the database', () => {
    const { holidays } = recorded('Equity-india-[*]');
    expect(holidays.length).toBeGreaterThan(200);
    expect(holidays.filter((date) => venue.sessionOn(date))).toEqual([]);
  });

  it.skipIf(absent)('from 2011 to 2021 is closed on no other day but those of Diwali', () => {
    // On these the exchange held only the evening hour of muhurat trading. The database has 2011-10-26, which is such
    // a day too, and leaves the later ones open.
    const diwali = ['2014-10-23', '2015-11-11', '2017-10-19', '2018-11-07', '2021-11-04'];
    const within = recorded('Equity-india-[*]').holidays.filter((date) => date >= '2011' && date < '2022');
    expect(within.filter((date) => diwali.includes(date))).toEqual([]);
    expect(closings('2011-01-01', '2021-12-31')).toEqual([...within, ...diwali].sort());
  });

  it.skipIf(absent)('from 2027 on is closed on exactly the fixed dates of the database', () => {
    const within = recorded('Equity-india-[*]').holidays.filter((date) => date >= '2027');
    expect(closings('2027-01-01', '2030-12-31')).toEqual(within);
  });

  it('in the other years is closed on movable feasts too, which the database does not have', () => {
    // Counted from the lists that the exchanges published for each year; the database has the fixed dates alone.
    const counted = [2004, 2005, 2006, 2007, 2008, 2009, 2010, 2022, 2023, 2024, 2025, 2026].map(
      (year) => closings(`${year}-01-01`, `${year}-12-31`).length,
    );
    expect(counted).toEqual([11, 11, 13, 12, 16, 19, 10, 13, 15, 17, 14, 16]);
  });

  it.skipIf(absent)('traded at every minute of a recorded tape but those after its close', () => {
    const times = column('YESBANK-nse-1m-2019-07-09..11.csv', 'time_ms').map(Number);
    const clock = (ms: number): string => new Date(ms + 5.5 * 3_600_000).toISOString().slice(11, 16);
    // The tape also has the closing print at 15:30 and the session at the closing price from 15:40.
    expect([...new Set(times.filter((ms) => !venue.sessionAt(ms)).map(clock))]).toEqual(['15:30', '15:40']);
    expect([...new Set(times.map((ms) => venue.tradingDate(ms)))]).toEqual(
      tradingDays(venue, '2019-07-09', '2019-07-11'),
    );
  });
});

describe('markets without a close', () => {
  it.skipIf(absent)('FX was open at every minute of a recorded tape', () => {
    const times = column('EURUSD-oanda-1m-2018-04-03..04.csv', 'time_ms').map(Number);
    expect(times.length).toBeGreaterThan(2800);
    expect(times.filter((ms) => !calendar('fx').sessionAt(ms))).toEqual([]);
  });

  it.skipIf(absent)('crypto fills two days with two days of a recorded tape', () => {
    const times = column('BTCUSD-coinbase-1m-2018-04-04..05.csv', 'time_ms').map(Number);
    const dates = times.map((ms) => calendar('crypto').sessionAt(ms)?.date);
    expect([...new Set(dates)]).toEqual(['2018-04-04', '2018-04-05']);
  });
});
