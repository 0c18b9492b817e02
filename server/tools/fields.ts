/** The fields that tools share: what each accepts, its bounds and its unit, described once. */
import { z } from 'zod';
import { compare, ratio } from '#domain/decimal.ts';
import { SYMBOL_PATTERN } from '#domain/instrument.ts';
import { PRODUCTS } from '#domain/order.ts';
import { NAME_PATTERN } from '#domain/principal.ts';
import { CLIENT_ORDER_ID_LENGTH_MAX, IDEMPOTENCY_KEY_LENGTH_MAX, PAGE_DEFAULT, PAGE_MAX } from '#limits.ts';
import { type Counted, isPositiveDecimal, nearestDecimal } from './near-decimal.ts';
import { isTime, nearestTime } from './near-time.ts';

/** What is said of a decimal that is none. */
export const DECIMAL_RULE =
  'a decimal string of more than 0, such as "12.5"; as a JSON number only an integer';

interface DecimalRules {
  /** Default `money`. */
  readonly counts?: Counted;
  /** What leaving the field out comes to, where a word for it (all, max) may stand in its place. */
  readonly whenAbsent?: string;
  readonly below?: { readonly bound: string; readonly rule: string };
}

/**
 * A positive decimal: a plain decimal string, or a JSON integer, which becomes its digits. Any other number is refused,
 * because its digits have been through binary floating point; the refusal names the string it probably meant.
 */
export function positiveDecimal(description?: string, rules: DecimalRules = {}) {
  const { counts = 'money', below, whenAbsent } = rules;
  return z
    .unknown()
    .transform((given, context): string => {
      const digits = typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : given;
      if (typeof digits === 'string' && isPositiveDecimal(digits)) {
        if (below === undefined || compare(ratio(digits), ratio(below.bound)) < 0) return digits;
        context.addIssue({ code: 'custom', message: below.rule });
        return z.NEVER;
      }
      const nearest = nearestDecimal(given, counts);
      context.addIssue({
        code: 'custom',
        message:
          whenAbsent !== undefined && meansAll(given)
            ? `leave it out for ${whenAbsent}; else ${DECIMAL_RULE}`
            : DECIMAL_RULE,
        params: nearest === null ? {} : { nearest },
      });
      return z.NEVER;
    })
    .meta({
      type: 'string',
      pattern: '^(0|[1-9]\\d*)(\\.\\d+)?$',
      ...(description === undefined ? {} : { description }),
    });
}

const meansAll = (given: unknown): boolean =>
  typeof given === 'string' && /^(?:all|max|full|everything|100 ?%)$/i.test(given.trim());

/** How many units: beside it an amount of money is a misunderstanding, not a spelling. */
export const units = (description?: string, rules: Pick<DecimalRules, 'whenAbsent'> = {}) =>
  positiveDecimal(description, { counts: 'units', ...rules });

/** Of a trailing stop: a trail of 100 % or more would have its stop at or below zero. */
export const percentBelow100 = (description: string) =>
  positiveDecimal(description, {
    counts: 'percent',
    below: { bound: '100', rule: 'percent: more than 0 and less than 100' },
  });

export const symbol = z
  .string()
  .regex(SYMBOL_PATTERN, { error: 'ASCII letters, digits and . _ : / - only, at most 40 characters' })
  .describe('e.g. SPX or BTC/USD');

export const account = z
  .string()
  .regex(NAME_PATTERN, { error: 'the id of an account, as list_accounts shows it' })
  .describe('Account id; may be left out when you have exactly one');

/** As a filter: absent means all of them. */
export const accountFilter = account.describe('Account id; default all yours').optional();

/** Where the broker knows products; elsewhere it is refused. */
export const product = z.enum(PRODUCTS).describe('India only: delivery, intraday, carried forward');

export const orderId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'an order_id, as get_orders shows it' });

const keyOf = (lengthMax: number) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9._:-]{1,${lengthMax}}$`), {
    error: `1 to ${lengthMax} of letters, digits and . _ : -`,
  });

export const clientOrderId = keyOf(CLIENT_ORDER_ID_LENGTH_MAX);

export const idempotencyKey = keyOf(IDEMPOTENCY_KEY_LENGTH_MAX);

export const limit = z.int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT).describe('Entries a page');

export const cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/, { error: 'next_cursor of the page before' })
  .optional()
  .describe('next_cursor of the page before');

/** ISO 8601 with a zone, or a date, which is its midnight UTC. */
export const time = (description: string) =>
  z
    .unknown()
    .transform((given, context): string => {
      if (typeof given === 'string' && isTime(given)) return given;
      const nearest = nearestTime(given);
      context.addIssue({
        code: 'custom',
        message: 'ISO 8601 with its zone, such as "2025-03-14T09:30:00Z", or a date, "2025-03-14"',
        params: nearest === null ? {} : { nearest },
      });
      return z.NEVER;
    })
    .meta({ type: 'string', description })
    .optional();

/** Epoch ms of a time that `time` has accepted. */
export const timeMs = (text: string): number => Date.parse(text);
