/** The fields that tools share: what each accepts, its bounds and its unit, described once. */
import { z } from 'zod';
import { compare, isDecimalText, ratio } from '#domain/decimal.ts';
import { SYMBOL_PATTERN } from '#domain/instrument.ts';
import { NAME_PATTERN } from '#domain/principal.ts';
import { CLIENT_ORDER_ID_LENGTH_MAX, IDEMPOTENCY_KEY_LENGTH_MAX, PAGE_DEFAULT, PAGE_MAX } from '#limits.ts';

const RULE = 'a decimal string of more than 0, such as "12.5"; as a JSON number only an integer';

/**
 * A positive decimal: a plain decimal string, or a JSON integer, which becomes its digits. Any other number is refused,
 * because its digits have been through binary floating point; the refusal names the string it probably meant.
 */
export function positiveDecimal(
  description?: string,
  upTo?: { readonly below: string; readonly rule: string },
) {
  return z
    .unknown()
    .transform((given, context): string => {
      const digits = typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : given;
      if (typeof digits === 'string' && isPositiveDecimal(digits)) {
        if (upTo === undefined || compare(ratio(digits), ratio(upTo.below)) < 0) return digits;
        context.addIssue({ code: 'custom', message: upTo.rule });
        return z.NEVER;
      }
      const nearest = nearestDecimal(given);
      const message = given === undefined ? `required: ${RULE}` : RULE;
      context.addIssue({ code: 'custom', message, params: nearest === null ? {} : { nearest } });
      return z.NEVER;
    })
    .meta({
      type: 'string',
      pattern: '^(0|[1-9]\\d*)(\\.\\d+)?$',
      ...(description === undefined ? {} : { description }),
    });
}

/** Of a trailing stop: a trail of 100 % or more would have its stop at or below zero. */
export const percentBelow100 = (description: string) =>
  positiveDecimal(description, { below: '100', rule: 'percent: more than 0 and less than 100' });

const isPositiveDecimal = (text: string): boolean =>
  isDecimalText(text) && !text.startsWith('-') && /[1-9]/.test(text);

/**
 * What was probably meant by something that is nearly a positive decimal; null when it is not. A comma is left alone:
 * "1,500" is one and a half to half of the world.
 */
function nearestDecimal(given: unknown): string | null {
  if (typeof given !== 'string' && typeof given !== 'number') return null;
  const bare = String(given)
    .slice(0, 60)
    .replace(/[\s_$+]/g, '')
    .replace(/^0+(?=\d)/, '')
    .replace(/^\./, '0.')
    .replace(/\.$/, '');
  const plain = /^\d+(\.\d+)?e[+-]?\d{1,2}$/i.test(bare) ? plainOf(Number(bare)) : bare;
  return isPositiveDecimal(plain) ? plain : null;
}

/** Without exponent, for a suggestion only: no value of a caller goes on as a number. */
const plainOf = (value: number): string =>
  value >= 1 ? BigInt(Math.round(value)).toString() : value.toFixed(18).replace(/0+$/, '');

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

const TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** ISO 8601 with a zone, or a date, which is its midnight UTC. */
export const time = (description: string) =>
  z
    .string()
    .refine(isTime, { error: 'ISO 8601 such as "2025-03-14T09:30:00Z" or "2025-03-14"' })
    .meta({ description })
    .optional();

function isTime(text: string): boolean {
  const date = TIME.exec(text)?.[1];
  if (date === undefined || Number.isNaN(Date.parse(text))) return false;
  // 31 February parses as a day in March: a date that does not print as it was written does not exist.
  return new Date(Date.parse(`${date}T00:00:00Z`)).toISOString().startsWith(date);
}

/** Epoch ms of a time that `time` has accepted. */
export const timeMs = (text: string): number => Date.parse(text);
