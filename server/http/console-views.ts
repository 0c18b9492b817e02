/** Templates of the console: nunjucks with escaping always on, and the owner's way of writing times, money and ages. */
import { fileURLToPath } from 'node:url';
import nunjucks from 'nunjucks';
import { printable } from '#domain/refusal.ts';

const VIEWS_FOLDER = fileURLToPath(new URL('../../views/', import.meta.url));

export interface ConsoleViews {
  /** Throws where a template is wrong or misses a value: a page is whole or it is a bug. */
  render(view: string, context: object): string;
}

/** `folder`: of views/, whose pages these are. */
export function consoleViews(folder: 'console' | 'oauth' = 'console'): ConsoleViews {
  const templates = new nunjucks.Environment(new nunjucks.FileSystemLoader(VIEWS_FOLDER), {
    autoescape: true,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  // Words of agents and brokers: nothing invisible, nothing that turns text around. Escaping is autoescape's.
  templates.addFilter('shown', (given: string | number | null | undefined) => printable(String(given ?? '')));
  // A field that came once is a string, and `in` would look for parts of it.
  templates.addFilter('listed', (given: unknown) => [given ?? []].flat());
  return { render: (view, context) => templates.render(`${folder}/${view}`, context) };
}

/** How a page writes values; made for each request from the owner's preferences. */
export interface Format {
  /** IANA name of the owner's zone. */
  readonly zone: string;
  /** `2026-11-21 14:03:22`, in the owner's zone; a dash for nothing. */
  time(ms: number | null | undefined): string;
  /** For the attribute `datetime`. */
  iso(ms: number): string;
  /** `21 Nov 2026` */
  date(ms: number | null | undefined): string;
  /** `3 min ago`; never in the future. */
  ago(ms: number | null | undefined): string;
  /** Milliseconds as `1.2 s`. */
  span(ms: number | null | undefined): string;
  /** A decimal string with its thousands marked and at least `places` decimals: `12,345.60`. */
  number(decimal: string | null | undefined, places?: number): string;
  /** With its sign, a true minus: `+12.30`, `−4.00`, `0.00`. */
  signed(decimal: string | null | undefined, places?: number): string;
  /** `gain`, `loss` or `flat`, for a class. */
  way(decimal: string | null | undefined): string;
  /** A JSON number as `12.3 %`. */
  percent(value: number | null | undefined): string;
}

const DASH = '–';

export function formatFor({
  timezone,
  nowMs,
}: {
  readonly timezone: string;
  readonly nowMs: number;
}): Format {
  const clock = formatter('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' });
  const day = formatter('en-GB', { timeZone: timezone, dateStyle: 'medium' });
  const number = (decimal: string | null | undefined, places = 0): string =>
    decimal === null || decimal === undefined ? DASH : grouped(decimal, places);
  return {
    zone: timezone,
    time: (ms) => (typeof ms === 'number' ? clock(ms) : DASH),
    iso: (ms) => new Date(ms).toISOString(),
    date: (ms) => (typeof ms === 'number' ? day(ms) : DASH),
    ago: (ms) => agoOf(ms, nowMs),
    span: spanOf,
    number,
    signed(decimal, places = 0) {
      const text = number(decimal, places);
      return wayOf(decimal) === 'gain' ? `+${text}` : text;
    },
    way: wayOf,
    percent: (value) => (typeof value === 'number' ? `${oneDecimal(value)} %` : DASH),
  };
}

/** Made when the first date is written: making one takes longer than everything else on a page. */
function formatter(locale: string, options: Intl.DateTimeFormatOptions): (ms: number) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (ms) => (made ??= new Intl.DateTimeFormat(locale, options)).format(ms);
}

/** Text alone: money is never made a number. */
function grouped(decimal: string, places: number): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal);
  if (!match) return decimal;
  const [, minus = '', whole = '', fraction = ''] = match;
  const thousands = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  const shown = fraction.padEnd(places, '0');
  const isZero = /^0*$/.test(whole + fraction);
  return `${minus !== '' && !isZero ? '−' : ''}${thousands}${shown === '' ? '' : `.${shown}`}`;
}

/** With a true minus, and none before nothing. */
const oneDecimal = (value: number): string =>
  value
    .toFixed(1)
    .replace(/^-(?!0\.0$)/, '−')
    .replace('-', '');

function wayOf(decimal: string | null | undefined): 'gain' | 'loss' | 'flat' {
  if (decimal === null || decimal === undefined || /^-?0*(?:\.0*)?$/.test(decimal)) return 'flat';
  return decimal.startsWith('-') ? 'loss' : 'gain';
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const spanOf = (ms: number | null | undefined): string => (typeof ms === 'number' ? span(ms) : DASH);
export const agoOf = (ms: number | null | undefined, nowMs: number): string =>
  typeof ms === 'number' ? ago(nowMs - ms) : DASH;

function ago(ms: number): string {
  if (ms < 1_000) return 'now';
  return `${span(ms)} ago`;
}
function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.round(ms / 1_000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}
