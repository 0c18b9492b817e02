/** Trading calendars: when a venue trades, and to which trading day a moment belongs. */
import type { Calendar } from './calendar-listed.ts';
import { bseCalendar, nseCalendar } from './calendar-nse.ts';
import { cryptoCalendar, fxCalendar } from './calendar-rolling.ts';
import { usEquityCalendar } from './calendar-us-equity.ts';

export type { Calendar, Session } from './calendar-listed.ts';
export { tapeCalendar } from './calendar-tape.ts';

/** The venues with rules of their own; `tapeCalendar` makes the calendar of anything else. */
export type CalendarId = 'us-equity' | 'crypto' | 'fx' | 'nse' | 'bse';

/** Calendars are immutable and a listed one takes tens of milliseconds to make, so each is made once, when first asked for. */
const made = new Map<CalendarId, Calendar>();

/** US equities know 1998 to 2028, NSE and BSE 2004 to 2030 (`range`); crypto and FX have no end. */
export function calendar(id: CalendarId): Calendar {
  const known = made.get(id);
  if (known) return known;
  const calendarOf = make(id);
  made.set(id, calendarOf);
  return calendarOf;
}

const VENUE_CALENDARS: { readonly [id in CalendarId]: true } = {
  'us-equity': true,
  crypto: true,
  fx: true,
  nse: true,
  bse: true,
};
const isVenue = (name: string): name is CalendarId => Object.hasOwn(VENUE_CALENDARS, name);

/** By the name that an instrument gives it; undefined: no venue's (a tape's own). */
export function venueCalendar(name: string): Calendar | undefined {
  return isVenue(name) ? calendar(name) : undefined;
}

function make(id: CalendarId): Calendar {
  switch (id) {
    case 'us-equity':
      return usEquityCalendar();
    case 'crypto':
      return cryptoCalendar();
    case 'fx':
      return fxCalendar();
    case 'nse':
      return nseCalendar();
    case 'bse':
      return bseCalendar();
  }
}
