/** Times as this gateway takes them, and the one that was probably meant by a time written otherwise: for suggestions only. */
import { printable } from '#domain/refusal.ts';
import { NEAREST_WORD_LENGTH_MAX } from '#limits.ts';

const TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** ISO 8601 with a zone, or a date. 31 February parses as a day in March: a date that does not print as written does not exist. */
export function isTime(text: string): boolean {
  const date = TIME.exec(text)?.[1];
  if (date === undefined || Number.isNaN(Date.parse(text))) return false;
  // What is not ISO to it ("0001-01-00") the engine reads in ways of its own.
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(midnightMs) && new Date(midnightMs).toISOString().startsWith(date);
}

/**
 * null when more than one moment could be meant ("01/02/2024"), or only a clock could say ("yesterday"). A time without zone
 * is suggested as UTC, which is what every time here is told in.
 */
export function nearestTime(given: unknown): string | null {
  const written = typeof given === 'number' ? String(given) : given;
  if (typeof written !== 'string' || written.length > NEAREST_WORD_LENGTH_MAX) return null;
  const bare = printable(written).normalize('NFKC').trim();
  const found = ofEpoch(bare) ?? ofNumbers(bare) ?? ofWords(bare);
  return found !== undefined && isTime(found) ? found : null;
}

const SECOND_MS = 1_000;

/** Seconds have ten digits from 2001 to 2286, milliseconds thirteen, microseconds sixteen, nanoseconds nineteen. */
function ofEpoch(bare: string): string | undefined {
  const digits = /^(\d+)(?:\.\d+)?$/.exec(bare)?.[1];
  if (digits === undefined) return undefined;
  if (digits.length === 10) return isoOf(Number(digits) * SECOND_MS);
  return [13, 16, 19].includes(digits.length) ? isoOf(Number(digits.slice(0, 13))) : undefined;
}

const isoOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

/** Year first: with slashes, dots or nothing between, a space for the T, no zone, or more digits of a second than three. */
function ofNumbers(bare: string): string | undefined {
  const parts =
    /^(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ]+(\d{1,2}:\d{2})(:\d{2})?(\.\d{1,3})?\d*\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?$/i.exec(
      bare,
    );
  if (parts === null) return undefined;
  const [, year = '', mark, month = '', day = '', clock, seconds = ':00', fraction = '', zone = 'Z'] = parts;
  if (mark === '' && (month.length < 2 || day.length < 2)) return undefined;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  if (clock === undefined) return date;
  return `${date}T${clock.padStart(5, '0')}${seconds}${fraction}${zoneOf(zone)}`;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The month as a word: RFC 2822, and dates as people write them. */
function ofWords(bare: string): string | undefined {
  const parts =
    /^(?:[a-z]{3,9},?\s+)??(?:(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})|([a-z]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?),?[\s-]+(\d{4})(?:,?\s+(\d{1,2}:\d{2})(:\d{2})?\s*(Z|UTC|GMT|[+-]\d{4})?)?$/i.exec(
      bare,
    );
  if (parts === null) return undefined;
  const [, dayBefore, monthAfter, monthBefore, dayAfter, year, clock, seconds = ':00', zone = 'Z'] = parts;
  const month = MONTHS.indexOf((monthAfter ?? monthBefore ?? '').slice(0, 3).toLowerCase()) + 1;
  if (month === 0) return undefined;
  const date = `${year}-${String(month).padStart(2, '0')}-${(dayBefore ?? dayAfter ?? '').padStart(2, '0')}`;
  return clock === undefined ? date : `${date}T${clock.padStart(5, '0')}${seconds}${zoneOf(zone)}`;
}

const zoneOf = (zone: string): string =>
  /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : /^[+-]/.test(zone) ? zone : 'Z';
