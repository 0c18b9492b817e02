/** United States equities, 1998 to 2028: 09:30 to 16:00 New York, with the holidays and early closes of the NYSE. */
import { type Calendar, listedCalendar, type Session } from './calendar-listed.ts';
import { type Day, dateOf, dayFrom, dayOf, MINUTE_MS, weekday, zoneMoment } from './calendar-time.ts';

const TIMEZONE = 'America/New_York';
const FIRST_YEAR = 1998;
const LAST_YEAR = 2028;

const PRE_OPEN = 4 * 60;
const OPEN = 9 * 60 + 30;
const CLOSE = 16 * 60;
const POST_CLOSE = 20 * 60;
const EARLY_CLOSE = 13 * 60;
/** On a day that closes at 13:00 the late sessions of NYSE Arca and Nasdaq end at 17:00. */
const EARLY_POST_CLOSE = 17 * 60;

/** Closed for no rule: the attacks of 2001, mourning for four presidents, hurricane Sandy. */
const SPECIAL_CLOSINGS = [
  '2001-09-11',
  '2001-09-12',
  '2001-09-13',
  '2001-09-14',
  '2004-06-11',
  '2007-01-02',
  '2012-10-29',
  '2012-10-30',
  '2018-12-05',
  '2025-01-09',
];

/** Closed at 13:00 for no rule: the turn of the millennium, the Fridays after Independence Day 2002 and Christmas 2003. */
const SPECIAL_EARLY_CLOSES = ['1999-12-31', '2002-07-05', '2003-12-26'];

/**
 * Late opens (a minute of silence on several days, noon on 2002-09-11) and halts within a day are not modelled; before
 * 2013 the extended hours were shorter at some venues than the 04:00 to 20:00 that is given for every year.
 */
export function usEquityCalendar(): Calendar {
  const closed = new Set<Day>(SPECIAL_CLOSINGS.map(dayOf));
  const early = new Set<Day>(SPECIAL_EARLY_CLOSES.map(dayOf));
  for (let year = FIRST_YEAR; year <= LAST_YEAR; year++) {
    for (const day of holidays(year)) closed.add(day);
    for (const day of earlyCloses(year)) early.add(day);
  }
  const first = dayFrom(FIRST_YEAR, 1, 1);
  const last = dayFrom(LAST_YEAR, 12, 31);
  const sessions: Session[] = [];
  for (let day = first; day <= last; day++) {
    if (isWeekend(day) || closed.has(day)) continue;
    sessions.push(sessionOf(day, early.has(day)));
  }
  return listedCalendar({
    id: 'us-equity',
    timezone: TIMEZONE,
    range: { first: dateOf(first), last: dateOf(last) },
    sessions,
  });
}

/** New York changes its clocks at 02:00, so that within a session clock time and elapsed time agree. */
function sessionOf(day: Day, earlyClose: boolean): Session {
  const preOpenMs = zoneMoment(TIMEZONE, day, PRE_OPEN);
  const at = (minutes: number): number => preOpenMs + (minutes - PRE_OPEN) * MINUTE_MS;
  return {
    date: dateOf(day),
    preOpenMs,
    openMs: at(OPEN),
    closeMs: at(earlyClose ? EARLY_CLOSE : CLOSE),
    postCloseMs: at(earlyClose ? EARLY_POST_CLOSE : POST_CLOSE),
    earlyClose,
  };
}

/** NYSE Rule 7.2: a holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after. */
function holidays(year: number): Day[] {
  return [
    ...newYear(year),
    nthWeekday(year, 1, MONDAY, 3), // Martin Luther King Jr. Day, kept since 1998
    nthWeekday(year, 2, MONDAY, 3), // Washington's Birthday
    easterSunday(year) - 2, // Good Friday
    memorialDay(year),
    ...(year >= 2022 ? [observed(dayFrom(year, 6, 19))] : []), // Juneteenth
    observed(dayFrom(year, 7, 4)), // Independence Day
    nthWeekday(year, 9, MONDAY, 1), // Labor Day
    thanksgiving(year),
    observed(dayFrom(year, 12, 25)), // Christmas Day
  ];
}

function earlyCloses(year: number): Day[] {
  const days = [thanksgiving(year) + 1];
  // On a Friday, July 3 and December 24 are the holiday itself, kept early.
  const christmasEve = dayFrom(year, 12, 24);
  if (weekday(christmasEve) >= MONDAY && weekday(christmasEve) <= THURSDAY) days.push(christmasEve);
  // Until 2012 an Independence Day on a Thursday shortened the Friday after it instead of the Wednesday before.
  const independenceEve = dayFrom(year, 7, 3);
  const eveDay = weekday(independenceEve);
  const shortened = eveDay === WEDNESDAY ? year >= 2013 : eveDay >= MONDAY && eveDay <= THURSDAY;
  if (shortened) days.push(independenceEve);
  return days;
}

const MONDAY = 1;
const WEDNESDAY = 3;
const THURSDAY = 4;
const SATURDAY = 6;
const SUNDAY = 0;

const isWeekend = (day: Day): boolean => weekday(day) === SATURDAY || weekday(day) === SUNDAY;

function observed(day: Day): Day {
  if (weekday(day) === SATURDAY) return day - 1;
  return weekday(day) === SUNDAY ? day + 1 : day;
}

/** A New Year's Day on a Saturday is not kept: the Friday before it closes the year's books. */
function newYear(year: number): Day[] {
  const day = dayFrom(year, 1, 1);
  return weekday(day) === SATURDAY ? [] : [observed(day)];
}

function nthWeekday(year: number, month: number, which: number, nth: number): Day {
  const first = dayFrom(year, month, 1);
  return first + ((which - weekday(first) + 7) % 7) + (nth - 1) * 7;
}

/** The last Monday of May. */
function memorialDay(year: number): Day {
  const last = dayFrom(year, 5, 31);
  return last - ((weekday(last) - MONDAY + 7) % 7);
}

const thanksgiving = (year: number): Day => nthWeekday(year, 11, THURSDAY, 4);

/** The Gregorian computus in its anonymous form (Meeus, Astronomical Algorithms, chapter 8). */
function easterSunday(year: number): Day {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const ofCentury = year % 100;
  const moonShift = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3);
  const epact = (19 * golden + century - Math.floor(century / 4) - moonShift + 15) % 30;
  const toSunday = (32 + 2 * (century % 4) + 2 * Math.floor(ofCentury / 4) - epact - (ofCentury % 4)) % 7;
  const correction = Math.floor((golden + 11 * epact + 22 * toSunday) / 451);
  const monthAndDay = epact + toSunday - 7 * correction + 114;
  return dayFrom(year, Math.floor(monthAndDay / 31), (monthAndDay % 31) + 1);
}
