/** The calendar of a recorded tape: it was open when it has bars. */
import { type Calendar, listedCalendar, type Session } from './calendar-listed.ts';
import { clockMinutes, type Day, dateOf, dayOf, zoneClock, zoneMoment } from './calendar-time.ts';

/** Days of daily bars (each a session from `openAt` to `closeAt`), or the bars of an intraday tape. */
export type TapeDays = DailyTape | IntradayTape;

interface DailyTape {
  readonly id?: string;
  /** IANA name of the instrument's zone. */
  readonly timezone: string;
  /** YYYY-MM-DD in that zone, in any order, repeats allowed. */
  readonly dates: readonly string[];
  /** HH:MM in that zone; 09:30 and 16:00 unless given. */
  readonly openAt?: string;
  readonly closeAt?: string;
}

interface IntradayTape {
  readonly id?: string;
  readonly timezone: string;
  /** Start of every bar, epoch milliseconds, ascending. */
  readonly barStartsMs: readonly number[];
  /** Length of a bar. */
  readonly barMs: number;
}

/**
 * An intraday tape's session lasts, on each date of the zone's clock, from the start of the first bar to the end of
 * the last; bars missing in between do not close it. A tape has no extended hours of its own.
 * Throws RangeError on an empty or malformed tape: its parser has refused one before.
 */
export function tapeCalendar(tape: TapeDays): Calendar {
  const sessions = 'dates' in tape ? dailySessions(tape) : intradaySessions(tape);
  const first = sessions[0];
  const last = sessions.at(-1);
  if (!first || !last) throw new RangeError('a tape without bars has no calendar');
  return listedCalendar({
    id: tape.id ?? 'tape',
    timezone: tape.timezone,
    range: { first: first.date, last: last.date },
    sessions,
  });
}

function dailySessions({ timezone, dates, openAt = '09:30', closeAt = '16:00' }: DailyTape): Session[] {
  const open = clockMinutes(openAt);
  const close = clockMinutes(closeAt);
  const days = [...new Set(dates.map(dayOf))].sort((a, b) => a - b);
  return days.map((day) => ({
    date: dateOf(day),
    openMs: zoneMoment(timezone, day, open),
    closeMs: zoneMoment(timezone, day, close),
    earlyClose: false,
  }));
}

function intradaySessions({ timezone, barStartsMs, barMs }: IntradayTape): Session[] {
  if (!(barMs > 0)) throw new RangeError(`a bar lasts longer than ${barMs} ms`);
  const spans: { readonly day: Day; readonly openMs: number; lastMs: number; readonly midnightMs: number }[] =
    [];
  let previousMs = Number.NEGATIVE_INFINITY;
  for (const startMs of barStartsMs) {
    if (!(startMs > previousMs)) throw new RangeError(`bars are not in order of time at ${startMs}`);
    previousMs = startMs;
    const span = spans.at(-1);
    // The zone is asked once a day, not once a bar.
    const day = span && startMs < span.midnightMs ? span.day : zoneClock(timezone, startMs).day;
    if (span?.day === day) span.lastMs = startMs;
    else {
      spans.push({
        day,
        openMs: startMs,
        lastMs: startMs,
        midnightMs: zoneMoment(timezone, day + 1, 0),
      });
    }
  }
  return spans.map(({ day, openMs, lastMs }, index) => ({
    date: dateOf(day),
    openMs,
    // A bar that runs past midnight ends its session where the next begins.
    closeMs: Math.min(lastMs + barMs, spans[index + 1]?.openMs ?? Number.POSITIVE_INFINITY),
    earlyClose: false,
  }));
}
