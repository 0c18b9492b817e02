/** What is wrong with a mandate file, field by field: the value, the rule it broke, and the nearest that would have passed. */
import type { z } from 'zod';
import { ASSET_CLASSES } from '#domain/instrument.ts';
import { MandateDocument, WEEKDAYS } from '#domain/mandate.ts';
import { nearest } from '#domain/nearest.ts';
import { ORDER_TYPES, SIDES } from '#domain/order.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import { MANDATE_ERRORS_MAX } from '#limits.ts';

const KEYS: readonly string[] = Object.keys(MandateDocument.shape);
const HOURS_KEYS: readonly string[] = ['timezone', 'days', 'from', 'to'];
const AMOUNT = 'a decimal string of 0 or more, such as "1000" or "0.5"';
const COUNT = 'a whole number from 0 to 1000000';
const oneOf = (words: readonly string[]): string => `one of ${words.join(', ')}`;

/** By field, entries of a list as `field[]`; together with the schema's own words this is the manual of the file. */
const RULES: Readonly<Record<string, string>> = {
  accounts: 'a list of 1 to 50 account names, each once, such as ["paper"]',
  'accounts[]': 'the name of an account, such as "paper"',
  symbols: 'a list of 1 to 1000 symbols, each once, or ["*"] alone',
  'symbols[]': 'a symbol such as "SPX" or "BTC/USD"',
  asset_classes: `a list of asset classes, each once: ${ASSET_CLASSES.join(', ')}`,
  'asset_classes[]': oneOf(ASSET_CLASSES),
  sides: `a list of sides, each once: ${SIDES.join(', ')}`,
  'sides[]': oneOf(SIDES),
  may_reduce: oneOf(['own', 'account']),
  order_types: `a list of order types, each once: ${ORDER_TYPES.join(', ')}`,
  'order_types[]': oneOf(ORDER_TYPES),
  allow_short: 'true or false',
  max_order_qty: AMOUNT,
  max_order_value: AMOUNT,
  max_daily_value: AMOUNT,
  max_daily_orders: COUNT,
  max_daily_loss: AMOUNT,
  max_open_orders: COUNT,
  max_gross_exposure: AMOUNT,
  trading_hours: '"any", "session" or {"timezone", "days", "from", "to"} with from earlier than to',
  'trading_hours.timezone': 'an IANA time zone such as "Europe/Berlin"',
  'trading_hours.days': `a list of weekdays: ${WEEKDAYS.join(', ')}`,
  'trading_hours.days[]': oneOf(WEEKDAYS),
  'trading_hours.from': 'a time such as "09:00"',
  'trading_hours.to': 'a time such as "17:30"',
  expires_at: 'an ISO 8601 time with zone, such as "2027-01-01T00:00:00Z", or null',
  commit: oneOf(['one_step', 'two_step']),
  approval: '"always", "never" or {"above": "2000"}',
  'approval.above': AMOUNT,
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  'asset_classes[]': ASSET_CLASSES,
  'sides[]': SIDES,
  'order_types[]': ORDER_TYPES,
  'trading_hours.days[]': WEEKDAYS,
  may_reduce: ['own', 'account'],
  trading_hours: ['any', 'session'],
  commit: ['one_step', 'two_step'],
  approval: ['always', 'never'],
};

/** Every wrong field of a document that did not parse; of additional keys at most MANDATE_ERRORS_MAX. */
export function mandateErrors(issues: readonly z.core.$ZodIssue[], document: unknown): readonly FieldError[] {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return [fieldError('mandate', document, 'a JSON object')];
  return issues.flatMap((issue) => innermost(issue)).flatMap((issue) => errorsOf(issue, document));
}

/** Of a union the branch that got furthest into the value says more than "none of them". */
function innermost(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const deeper = issue.errors.find((branch) =>
    branch.some(
      (inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys' || inner.code === 'custom',
    ),
  );
  if (!deeper) return [issue];
  return deeper.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] }));
}

function errorsOf(issue: z.core.$ZodIssue, document: unknown): readonly FieldError[] {
  const field = issue.path.map(String).join('.');
  const value = valueAt(document, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = field === '' ? KEYS : field === 'trading_hours' ? HOURS_KEYS : ['above'];
    return issue.keys.slice(0, MANDATE_ERRORS_MAX).map((key) => {
      const name = field === '' ? key : `${field}.${key}`;
      return fieldError(
        name,
        valueAt(value, [key]),
        'not a key of a mandate; take it out',
        nearest(key, known),
      );
    });
  }
  const pattern = issue.path
    .map((part) => (typeof part === 'number' ? '[]' : `.${String(part)}`))
    .join('')
    .slice(1);
  const rule = RULES[pattern] ?? issue.message;
  if (value === undefined) return [fieldError(field, '', `required: ${rule}`)];
  // What the rule says itself is said once.
  if (issue.code === 'custom' && issue.message !== rule)
    return [fieldError(field, value, `${issue.message}; ${rule}`, nearestTo(pattern, value))];
  return [fieldError(field, value, rule, nearestTo(pattern, value))];
}

function nearestTo(pattern: string, value: unknown): string | null {
  const rule = RULES[pattern];
  if (rule === AMOUNT) return nearestAmount(value);
  if (rule === COUNT) return nearestCount(value);
  const choices = CHOICES[pattern];
  if (choices && typeof value === 'string') return nearest(value, choices);
  if (pattern === 'allow_short' && (value === 'true' || value === 'false')) return value;
  return null;
}

function nearestAmount(value: unknown): string | null {
  if (typeof value === 'number')
    return value < 0 ? '0' : /^\d+(\.\d+)?$/.test(String(value)) ? String(value) : null;
  if (typeof value !== 'string') return null;
  const plain = value.replace(/[\s,_$]/g, '');
  if (plain.startsWith('-')) return '0';
  const digits = /^\+?0*(\d+(?:\.\d+)?)$/.exec(plain)?.[1];
  return digits ?? null;
}

function nearestCount(value: unknown): string | null {
  const given = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof given !== 'number' || !Number.isFinite(given)) return null;
  return String(Math.min(1_000_000, Math.max(0, Math.floor(given))));
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let current = root;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return current;
}
