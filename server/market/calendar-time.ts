/** Dates, days and zone time for the calendars: whole days counted from 1970-01-01, and a zone's clock by Intl. */

const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;

/** A calendar date as whole days since 1970-01-01. */
export type Day = number;

/** Sunday 0 … Saturday 6. */
export function weekday(day: Day): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** Throws RangeError on anything but a date that exists, written YYYY-MM-DD. */
export function dayOf(date: string): Day {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  // Some engines roll 02-30 over into March, so the date has to come back as it went in.
  if (Number.isNaN(ms) || dateOf(ms / DAY_MS) !== date) {
    throw new RangeError(`not a date (YYYY-MM-DD): ${JSON.stringify(date)}`);
  }
  return ms / DAY_MS;
}

/** YYYY-MM-DD. */
export function dateOf(day: Day): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** `month` counts from 1. */
export function dayFrom(year: number, month: number, dayOfMonth: number): Day {
  return Date.UTC(year, month - 1, dayOfMonth) / DAY_MS;
}

/** One formatter a zone, because making one costs a thousand times what using it does; bounded by the zones there are. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  formatters.set(timezone, made);
  return made;
}

/** Milliseconds that the zone's clock is ahead of UTC at `atMs`. Throws RangeError for an unknown zone or a time that is not one. */
export function offsetMs(timezone: string, atMs: number): number {
  if (timezone === 'UTC' && Number.isFinite(atMs)) return 0;
  const printed = formatterOf(timezone).format(atMs);
  const parts = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/.exec(printed);
  if (!parts) throw new Error(`Intl printed ${printed} for ${timezone}`);
  const [month, day, year, hour, minute, second] = parts.slice(1).map(Number) as Clock;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}
type Clock = [month: number, day: number, year: number, hour: number, minute: number, second: number];

/** The zone's clock at `atMs`: its date, and the milliseconds since that date began on the clock. */
export function zoneClock(timezone: string, atMs: number): { readonly day: Day; readonly clockMs: number } {
  const localMs = atMs + offsetMs(timezone, atMs);
  const day = Math.floor(localMs / DAY_MS);
  return { day, clockMs: localMs - day * DAY_MS };
}

/**
 * The moment when the zone's clock shows `minutes` after midnight of `day` (1440 is the next midnight). A clock time
 * that a change of the clocks repeats or skips is a moment within that hour; no venue opens or closes then.
 */
export function zoneMoment(timezone: string, day: Day, minutes: number): number {
  const localMs = day * DAY_MS + minutes * MINUTE_MS;
  const nearMs = localMs - offsetMs(timezone, localMs);
  return localMs - offsetMs(timezone, nearMs);
}

/** Minutes after midnight of "HH:MM" (00:00 to 24:00). Throws RangeError on anything else. */
export function clockMinutes(text: string): number {
  const parts = /^(\d{2}):([0-5]\d)$/.exec(text);
  const minutes = parts ? Number(parts[1]) * 60 + Number(parts[2]) : Number.NaN;
  if (!(minutes <= 1440)) throw new RangeError(`not a time of day (HH:MM): ${JSON.stringify(text)}`);
  return minutes;
}
