/** The mandate: an agent's spending envelope, as the owner writes it and as the order line reads it. */
import { z } from 'zod';
import { MANDATE_TESTS_MAX } from '#limits.ts';
import { isDecimalText, type Money, money, type Quantity, quantity } from './decimal.ts';
import { ASSET_CLASSES, type InstrumentId, instrumentId, SYMBOL_PATTERN } from './instrument.ts';
import { MandateTest } from './mandate-tests.ts';
import { ORDER_TYPES, SIDES } from './order.ts';
import { type AccountId, accountId, NAME_PATTERN } from './principal.ts';

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A decimal string of zero or more; an integer JSON number is taken as its digits, any other number is refused. */
export const nonNegativeDecimal = z
  .union([z.string(), z.int().nonnegative().transform(String)])
  .refine((text) => isDecimalText(text) && !text.startsWith('-'), {
    error: 'a decimal string of 0 or more, such as "1000" or "0.5"',
  });

const count = z.int().min(0).max(1_000_000);

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'a time such as "09:00"' });

const tradingHours = z.union([
  z.enum(['any', 'session']),
  z
    .strictObject({
      timezone: z.string().refine(isTimeZone, { error: 'an IANA time zone such as "Europe/Berlin"' }),
      days: z.array(z.enum(WEEKDAYS)).min(1).max(7),
      from: timeOfDay,
      to: timeOfDay,
    })
    .refine((hours) => hours.from < hours.to, { error: 'from is earlier than to, within one day' }),
]);

const unique = (items: readonly string[]): boolean => new Set(items).size === items.length;
const once = { error: 'each entry once' };

/** The file of `mandates set`, strict: a missing or additional key is an error that names it. */
export const MandateDocument = z
  .strictObject({
    accounts: z.array(z.string().regex(NAME_PATTERN)).min(1).max(50).refine(unique, once),
    symbols: z
      .array(z.union([z.literal('*'), z.string().regex(SYMBOL_PATTERN)]))
      .min(1)
      .max(1_000)
      .refine(unique, once)
      .refine((symbols) => !symbols.includes('*') || symbols.length === 1, { error: '"*" stands alone' }),
    asset_classes: z.array(z.enum(ASSET_CLASSES)).min(1).refine(unique, once).optional(),
    sides: z.array(z.enum(SIDES)).min(1).refine(unique, once),
    may_reduce: z.enum(['own', 'account']).default('own'),
    order_types: z.array(z.enum(ORDER_TYPES)).min(1).refine(unique, once),
    allow_short: z.boolean().default(false),
    max_order_qty: nonNegativeDecimal,
    max_order_value: nonNegativeDecimal,
    max_daily_value: nonNegativeDecimal,
    max_daily_orders: count,
    max_daily_loss: nonNegativeDecimal,
    max_open_orders: count,
    max_gross_exposure: nonNegativeDecimal,
    trading_hours: tradingHours,
    expires_at: z.union([z.iso.datetime({ offset: true }), z.null()]),
    commit: z.enum(['one_step', 'two_step']).default('two_step'),
    approval: z
      .union([z.enum(['always', 'never']), z.strictObject({ above: nonNegativeDecimal })])
      .default('always'),
    /** Orders with what must become of them; a document that breaks one is not taken. */
    tests: z.array(MandateTest).max(MANDATE_TESTS_MAX).optional(),
  })
  .refine(({ symbols, asset_classes }) => symbols.join() !== '*' || asset_classes !== undefined, {
    path: ['asset_classes'],
    error: 'required when symbols is ["*"]',
  });

/** As stored and shown: every key present (`tests` only where there are any), decimals as strings. */
export type MandateDocument = z.output<typeof MandateDocument>;
export type TradingHours = MandateDocument['trading_hours'];

/** As the order line reads it: parsed values, symbols resolved to instrument ids. */
export interface Mandate {
  readonly version: number;
  readonly document: MandateDocument;
  readonly accounts: ReadonlySet<AccountId>;
  /** `any`: every instrument of the asset classes. */
  readonly instruments: 'any' | ReadonlySet<InstrumentId>;
  readonly maxOrderQty: Quantity;
  readonly maxOrderValue: Money;
  readonly maxDailyValue: Money;
  readonly maxDailyLoss: Money;
  readonly maxGrossExposure: Money;
  readonly approvalAbove: Money | 'always' | 'never';
  /** Wall clock, epoch ms. */
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

/** Parses a stored document; `resolved` are the ids its symbols were resolved to when it was saved. */
export function mandateOf(
  document: MandateDocument,
  stored: {
    readonly version: number;
    readonly resolved: readonly string[] | 'any';
    readonly revokedAtMs: number | null;
  },
): Mandate {
  const { approval } = document;
  return {
    version: stored.version,
    document,
    accounts: new Set(document.accounts.map(accountId)),
    instruments: stored.resolved === 'any' ? 'any' : new Set(stored.resolved.map(instrumentId)),
    maxOrderQty: quantity(document.max_order_qty),
    maxOrderValue: money(document.max_order_value),
    maxDailyValue: money(document.max_daily_value),
    maxDailyLoss: money(document.max_daily_loss),
    maxGrossExposure: money(document.max_gross_exposure),
    approvalAbove: typeof approval === 'string' ? approval : money(approval.above),
    expiresAtMs: document.expires_at === null ? null : Date.parse(document.expires_at),
    revokedAtMs: stored.revokedAtMs,
  };
}
