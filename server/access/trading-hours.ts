/** Calendar of the owner: the mandate day, and whether a moment lies within a mandate's trading hours. */
import type { TradingHours } from '#domain/mandate.ts';
import { unreachable } from '#domain/result.ts';
import { TIME_ZONES_CACHED_MAX } from '#limits.ts';

/** `session` is answered by the instrument's own calendar, not here. */
export type WallHours = Exclude<TradingHours, 'session'>;

export interface OwnerCalendar {
  /** YYYY-MM-DD in the owner's zone. */
  mandateDay(wallMs: number): string;
  /** `from` is inside, `to` is outside. */
  inTradingHours(hours: WallHours, wallMs: number): boolean;
}

interface LocalTime {
  readonly date: string;
  /** `mon` … `sun`. */
  readonly weekday: string;
  /** `00:00` … `23:59`. */
  readonly time: string;
}

/** `timezone` is an IANA zone name; an unknown one throws RangeError at once rather than at the first order. */
export function ownerCalendar(timezone: string): OwnerCalendar {
  const readers = new Map<string, Intl.DateTimeFormat>();

  function reader(zone: string): Intl.DateTimeFormat {
    const known = readers.get(zone);
    if (known) return known;
    const built = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    });
    if (readers.size >= TIME_ZONES_CACHED_MAX) readers.clear();
    readers.set(zone, built);
    return built;
  }
  function localTime(zone: string, wallMs: number): LocalTime {
    const parts = new Map(
      reader(zone)
        .formatToParts(wallMs)
        .map((part) => [part.type, part.value]),
    );
    const of = (type: Intl.DateTimeFormatPartTypes): string => {
      const found = parts.get(type);
      if (found === undefined) throw new Error(`no ${type} in a formatted date`);
      return found;
    };
    return {
      date: `${of('year').padStart(4, '0')}-${of('month')}-${of('day')}`,
      weekday: of('weekday').toLowerCase(),
      time: `${of('hour')}:${of('minute')}`,
    };
  }
  reader(timezone);
  /** Every order asks for the day, and within a minute it is the same: asking the calendar costs more than the order's checks. */
  let today = { minute: Number.NaN, date: '' };

  return {
    mandateDay(wallMs) {
      const minute = Math.floor(wallMs / 60_000);
      if (minute !== today.minute) today = { minute, date: localTime(timezone, wallMs).date };
      return today.date;
    },
    inTradingHours(hours, wallMs) {
      if (typeof hours === 'string') return hours === 'any' ? true : unreachable(hours);
      const now = localTime(hours.timezone, wallMs);
      const isDay = hours.days.some((day) => day === now.weekday);
      return isDay && hours.from <= now.time && now.time < hours.to;
    },
  };
}
