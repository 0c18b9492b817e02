/** Lays the rows of a tape onto its calendar: timeframe, begin and end of every bar, the session and trading day it belongs to. */
import type { Instrument } from '#domain/instrument.ts';
import type { Timeframe } from '#ports.ts';
import { type Calendar, calendar, type Session, tapeCalendar } from './calendar.ts';
import { dateOf, zoneClock } from './calendar-time.ts';
import { tapeError } from './tape-error.ts';
import type { TapeRows } from './tape-rows.ts';

export const TIMEFRAME_MS: { readonly [of in Timeframe]: number } = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
  '1d': 86_400_000,
};

export interface TapeBarTime {
  /** Row of the file it was. */
  readonly row: number;
  readonly timeMs: number;
  /** Clipped to the end of its session. */
  readonly endMs: number;
  readonly session: Session;
  readonly phase: 'open' | 'extended';
}

export interface TapeHours {
  readonly timeframe: Timeframe;
  readonly calendar: Calendar;
  readonly bars: readonly TapeBarTime[];
  /** Rows in closed time: they have no bar, because closed time takes none. */
  readonly closedRows: number;
}

/** Throws TapeError when the rows have no common timeframe or none of them lies in trading hours. */
export function layOut(rows: TapeRows, file: string, instrument: Instrument): TapeHours {
  const timeframe = timeframeOf(rows, file);
  const laid = timeframe === '1d' ? daily(rows, instrument) : intraday(rows, timeframe, instrument);
  if (laid.bars.length === 0) {
    const place = { file, line: 2, column: rows.timeKind, value: String(rows.times[0]) };
    throw tapeError(place, `must lie in the trading hours of ${instrument.symbol}, and no row does`);
  }
  return { timeframe, ...laid, closedRows: rows.count - laid.bars.length };
}

/**
 * `date` rows are days. `time_ms` rows are days when they never come closer than 20 hours (23 where clocks change), otherwise
 * bars of the longest timeframe that divides every distance between them.
 */
function timeframeOf(rows: TapeRows, file: string): Timeframe {
  if (rows.timeKind === 'date') return '1d';
  let divisor = 0;
  let nearest = Number.POSITIVE_INFINITY;
  for (let row = 1; row < rows.count; row++) {
    const distance = (rows.times[row] ?? 0) - (rows.times[row - 1] ?? 0);
    const common = commonDivisor(divisor, distance);
    if (common % TIMEFRAME_MS['1m'] !== 0) {
      const place = { file, line: row + 2, column: 'time_ms', value: String(rows.times[row]) };
      throw tapeError(place, 'must be whole minutes after the row before');
    }
    divisor = common;
    nearest = Math.min(nearest, distance);
  }
  if (rows.count === 1) {
    const place = { file, line: 2, column: 'time_ms', value: String(rows.times[0]) };
    throw tapeError(place, 'must be followed by a second row, which tells how long a bar is');
  }
  if (nearest >= 20 * TIMEFRAME_MS['1h']) return '1d';
  const longest = (['1h', '15m', '5m'] as const).find((one) => divisor % TIMEFRAME_MS[one] === 0);
  return longest ?? '1m';
}

function commonDivisor(a: number, b: number): number {
  let [left, right] = [a, b];
  while (right > 0) [left, right] = [right, left % right];
  return left;
}

type LaidOut = Pick<TapeHours, 'calendar' | 'bars'>;

function daily(rows: TapeRows, instrument: Instrument): LaidOut {
  const dates = Array.from(rows.times.subarray(0, rows.count), (time) => dateOfRow(rows, time, instrument));
  const hours = calendarOf(instrument) ?? tapeCalendar({ timezone: instrument.timezone, dates });
  const bars: TapeBarTime[] = [];
  for (const [row, date] of dates.entries()) {
    const session = hours.sessionOn(date);
    // Two rows of one date (a midnight that a zone wrote twice) would be one session walked twice.
    if (!session || bars.at(-1)?.session.date === date) continue;
    bars.push({ row, timeMs: session.openMs, endMs: session.closeMs, session, phase: 'open' });
  }
  return { calendar: hours, bars };

  /** FX days of a dealer follow New York only within the day; a daily FX tape keeps its own days. */
  function calendarOf(of: Instrument): Calendar | undefined {
    return of.calendar === 'us-equity' || of.calendar === 'crypto' ? calendar(of.calendar) : undefined;
  }
}

/** A day written as a moment is a UTC midnight, or a midnight or an open of its own zone. */
function dateOfRow(rows: TapeRows, time: number, instrument: Instrument): string {
  if (rows.timeKind === 'date') return dateOf(time);
  return time % TIMEFRAME_MS['1d'] === 0
    ? dateOf(time / TIMEFRAME_MS['1d'])
    : dateOf(zoneClock(instrument.timezone, time).day);
}

function intraday(rows: TapeRows, timeframe: Timeframe, instrument: Instrument): LaidOut {
  const barMs = TIMEFRAME_MS[timeframe];
  const known = instrument.calendar;
  const hours =
    known === 'us-equity' || known === 'crypto' || known === 'fx'
      ? calendar(known)
      : tapeCalendar({
          timezone: instrument.timezone,
          barStartsMs: Array.from(rows.times.subarray(0, rows.count)),
          barMs,
        });
  const bars: TapeBarTime[] = [];
  let session: Session | undefined;
  for (let row = 0; row < rows.count; row++) {
    const timeMs = rows.times[row] ?? 0;
    // The calendar is asked once a session, not once a row.
    if (!session || timeMs < session.openMs || timeMs >= session.closeMs) session = hours.sessionAt(timeMs);
    if (session) {
      bars.push({ row, timeMs, endMs: Math.min(timeMs + barMs, session.closeMs), session, phase: 'open' });
      continue;
    }
    const around = hours.extendedAt(timeMs);
    if (!around) continue;
    const closes = timeMs < around.openMs ? around.openMs : (around.postCloseMs ?? around.closeMs);
    bars.push({ row, timeMs, endMs: Math.min(timeMs + barMs, closes), session: around, phase: 'extended' });
  }
  return { calendar: hours, bars };
}
