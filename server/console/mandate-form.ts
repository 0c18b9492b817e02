/** A mandate as the fields of a form, and back: the document that the editor shows is the one that `mandates set` takes. */
import { ASSET_CLASSES } from '#domain/instrument.ts';
import { type MandateDocument, WEEKDAYS } from '#domain/mandate.ts';
import { ORDER_TYPES, SIDES } from '#domain/order.ts';
import { clockMinutes, dateOf, dayOf, zoneClock, zoneMoment } from '#market/calendar-time.ts';
import type { FormValues } from './define.ts';
import { ungrouped } from './typed-figures.ts';

/** The limits, in the order of the form. `money` is in the currency of the accounts. */
export const LIMIT_FIELDS = [
  { name: 'max_order_qty', label: 'Quantity of one order', unit: 'units' },
  { name: 'max_order_value', label: 'Value of one order', unit: 'money' },
  { name: 'max_daily_value', label: 'Value in a day', unit: 'money' },
  { name: 'max_daily_orders', label: 'Orders in a day', unit: 'count' },
  { name: 'max_daily_loss', label: 'Loss in a day', unit: 'money' },
  { name: 'max_open_orders', label: 'Open orders at once', unit: 'count' },
  { name: 'max_gross_exposure', label: 'Gross exposure', unit: 'money' },
] as const satisfies readonly {
  name: keyof MandateDocument;
  label: string;
  unit: 'units' | 'money' | 'count';
}[];

/** How the form calls its fields. */
export const FIELD_LABELS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(LIMIT_FIELDS.map(({ name, label }) => [name, label])),
  trading_hours: 'Hours',
  hours_days: 'Days',
  hours_from: 'From',
  hours_to: 'To',
  hours_timezone: 'Time zone of the hours',
  expires_at: 'Ends',
  commit: 'An order is sent',
  approval: 'You are asked',
  approval_above: 'Above',
  allow_short: 'Short positions',
  may_reduce: 'May close and cancel',
  tests: 'Tests',
};

export const FORM_CHOICES = {
  asset_classes: ASSET_CLASSES,
  sides: SIDES,
  order_types: ORDER_TYPES,
  days: WEEKDAYS,
} as const;

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : [value].flat();
const text = (value: string | readonly string[] | undefined): string => list(value).at(-1)?.trim() ?? '';

/** The document of a form, unchecked: `mandates.set` says what is wrong with it, field by field. */
export function documentFrom(values: FormValues, timezone: string): Readonly<Record<string, unknown>> {
  const symbols = text(values['symbols'])
    .split(/[\s,]+/)
    .filter((symbol) => symbol !== '');
  const everything = symbols.length === 1 && symbols[0] === '*';
  const limits = LIMIT_FIELDS.map(({ name, unit }) => {
    const given = ungrouped(text(values[name]));
    return [name, unit === 'count' && /^\d{1,7}$/.test(given) ? Number(given) : given] as const;
  });
  return {
    accounts: list(values['accounts']),
    symbols,
    ...(everything ? { asset_classes: list(values['asset_classes']) } : {}),
    sides: list(values['sides']),
    may_reduce: text(values['may_reduce']),
    order_types: list(values['order_types']),
    allow_short: text(values['allow_short']) === 'yes',
    ...Object.fromEntries(limits),
    trading_hours: hoursFrom(values),
    expires_at: expiryFrom(text(values['expires_at']), timezone),
    commit: text(values['commit']),
    approval:
      text(values['approval']) === 'above'
        ? { above: ungrouped(text(values['approval_above'])) }
        : text(values['approval']),
    ...testsFrom(text(values['tests'])),
  };
}

/** What is no JSON stays as it was given, and is refused. */
function testsFrom(given: string): { readonly tests?: unknown } {
  if (given === '') return {};
  try {
    return { tests: JSON.parse(given) as unknown };
  } catch {
    return { tests: given };
  }
}

function hoursFrom(values: FormValues): unknown {
  const kind = text(values['trading_hours']);
  if (kind !== 'window') return kind;
  return {
    timezone: text(values['hours_timezone']),
    days: list(values['hours_days']),
    from: text(values['hours_from']),
    to: text(values['hours_to']),
  };
}

/** `datetime-local` speaks of the owner's wall clock. What is none stays as it was given, and is refused. */
function expiryFrom(given: string, timezone: string): string | null {
  if (given === '') return null;
  const match = /^(\d{4}-\d{2}-\d{2})T((?:[01]\d|2[0-3]):[0-5]\d)(?::\d{2})?$/.exec(given);
  const [, date = '', time = ''] = match ?? [];
  // 31 February is no day, and would be another one.
  if (match === null || dateOf(dayOrNone(date)) !== date) return given;
  return new Date(zoneMoment(timezone, dayOf(date), clockMinutes(time))).toISOString();
}
function dayOrNone(date: string): number {
  try {
    return dayOf(date);
  } catch {
    return 0;
  }
}

/** What stands in the fields of a form that nobody has filled in yet. */
export function valuesOf(document: MandateDocument, timezone: string): FormValues {
  const { trading_hours: hours, approval } = document;
  const window = typeof hours === 'string' ? undefined : hours;
  return {
    accounts: document.accounts,
    symbols: document.symbols.join(', '),
    asset_classes: document.asset_classes ?? [],
    sides: document.sides,
    may_reduce: document.may_reduce,
    order_types: document.order_types,
    allow_short: document.allow_short ? 'yes' : '',
    ...Object.fromEntries(LIMIT_FIELDS.map(({ name }) => [name, String(document[name])])),
    trading_hours: typeof hours === 'string' ? hours : 'window',
    hours_timezone: window?.timezone ?? timezone,
    hours_days: window?.days ?? ['mon', 'tue', 'wed', 'thu', 'fri'],
    hours_from: window?.from ?? '09:00',
    hours_to: window?.to ?? '17:30',
    expires_at: document.expires_at === null ? '' : localTime(Date.parse(document.expires_at), timezone),
    commit: document.commit,
    approval: typeof approval === 'string' ? approval : 'above',
    approval_above: typeof approval === 'string' ? '' : approval.above,
    tests: testsText(document.tests),
  };
}

/** A test a line, so that one can be found by its number. */
const testsText = (tests: MandateDocument['tests']): string =>
  tests === undefined ? '' : `[\n${tests.map((test) => `  ${JSON.stringify(test)}`).join(',\n')}\n]`;

/** As `datetime-local` writes it, in this zone. */
export function localTime(atMs: number, timezone: string): string {
  const { day, clockMs } = zoneClock(timezone, atMs);
  const minutes = Math.floor(clockMs / 60_000);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${dateOf(day)}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
