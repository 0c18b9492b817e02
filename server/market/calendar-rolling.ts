/** Calendars of markets that never close within a trading day, so that one day ends where the next begins: crypto and FX. */
import type { Calendar, Session } from './calendar-listed.ts';
import { type Day, dateOf, dayOf, MINUTE_MS, weekday, zoneClock, zoneMoment } from './calendar-time.ts';

/** Every UTC day, 00:00 to 24:00. */
export function cryptoCalendar(): Calendar {
  return rollingCalendar({ id: 'crypto', timezone: 'UTC', endMinutes: 1440, trades: () => true });
}

/**
 * Trading days end at 17:00 New York and carry the date of their end: Sunday 17:00 opens Monday, Friday 17:00 closes
 * the week. Dealers differ on Christmas and New Year's Day, and some pause for minutes around 17:00; neither is here.
 */
export function fxCalendar(): Calendar {
  return rollingCalendar({
    id: 'fx',
    timezone: 'America/New_York',
    endMinutes: 17 * 60,
    trades: (day) => weekday(day) >= 1 && weekday(day) <= 5,
  });
}

interface Rolling {
  readonly id: string;
  readonly timezone: string;
  /** Minutes after local midnight at which a trading day ends and the next begins. */
  readonly endMinutes: number;
  /** By weekday only: at least one day of any seven trades. */
  readonly trades: (day: Day) => boolean;
}

function rollingCalendar({ id, timezone, endMinutes, trades }: Rolling): Calendar {
  /** The day, trading or not, whose span contains `atMs`. */
  const dayAt = (atMs: number): Day => {
    const { day, clockMs } = zoneClock(timezone, atMs);
    return clockMs >= endMinutes * MINUTE_MS ? day + 1 : day;
  };
  const sessionOf = (day: Day): Session | undefined => {
    if (!trades(day)) return undefined;
    return {
      date: dateOf(day),
      openMs: zoneMoment(timezone, day - 1, endMinutes),
      closeMs: zoneMoment(timezone, day, endMinutes),
      earlyClose: false,
    };
  };
  const nearestTrading = (from: Day, step: 1 | -1): Day => {
    let day = from;
    while (!trades(day)) day += step;
    return day;
  };
  return {
    id,
    timezone,
    sessionAt: (atMs) => sessionOf(dayAt(atMs)),
    extendedAt: () => undefined,
    nextSession: (atMs) => sessionOf(nearestTrading(dayAt(atMs), 1)),
    sessionOn: (date) => sessionOf(dayOf(date)),
    tradingDate: (atMs) => dateOf(nearestTrading(dayAt(atMs), -1)),
  };
}
