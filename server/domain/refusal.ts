/** Everything the gateway can refuse, as one closed union, and the one switch from reason to HTTP status. */
import { NEAREST_LENGTH_MAX } from '#limits.ts';
import { unreachable } from './result.ts';

export const REFUSAL_REASONS = [
  'invalid_input',
  'unknown_symbol',
  'ambiguous_symbol',
  'not_tradable',
  'unauthenticated',
  'insufficient_scope',
  'credential_revoked',
  'ip_not_allowed',
  'no_mandate',
  'mandate_expired',
  'account_not_allowed',
  'symbol_not_allowed',
  'side_not_allowed',
  'order_type_not_allowed',
  'outside_trading_hours',
  'market_closed',
  'off_tick',
  'off_lot',
  'below_min_notional',
  'no_reference_price',
  'stale_price',
  'cannot_value',
  'price_collar',
  'max_order_qty',
  'max_order_value',
  'max_daily_value',
  'max_daily_orders',
  'max_daily_loss',
  'max_open_orders',
  'max_gross_exposure',
  'short_not_allowed',
  'not_reducing',
  'buying_power',
  'duplicate_order',
  'self_match',
  'throttled',
  'token_required',
  'token_invalid',
  'idempotency_key_required',
  'idempotency_conflict',
  'approval_required',
  'approval_rejected',
  'approval_expired',
  'trading_halted',
  'trading_reducing',
  'loosening_refused',
  'not_found',
  'order_final',
  'rate_limited',
  'reconciling',
  'max_positions',
  'max_drawdown',
  'max_pending_approvals',
  'store_unavailable',
  'broker_unavailable',
  'internal',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** One field that was wrong: what was given, the rule it broke, and the nearest value that would have passed. */
export interface FieldError {
  readonly field: string;
  /** As given, shortened and printable. */
  readonly value: string;
  readonly rule: string;
  /** The nearest right value, or null when there is none to name. */
  readonly nearest: string | null;
}

/** One limit that the order would have broken, with its figures (decimal strings; `unit` is a currency or a word). */
export interface LimitFigure {
  readonly limit: string;
  readonly used: string;
  readonly order: string;
  readonly max: string;
  readonly unit: string;
}

/** What a refusal may carry besides its reason and its sentence. */
export interface RefusalExtras {
  readonly errors?: readonly FieldError[];
  readonly did_you_mean?: readonly string[];
  readonly limits?: readonly LimitFigure[];
  /** The tool (with its arguments) that shows the true state. */
  readonly verify_with?: string;
  readonly order_id?: string;
  /** Seconds to wait before trying again (rate_limited, throttled). */
  readonly retry_after?: number;
}

/** The same object over MCP (`structuredContent`, `isError`) and REST (RFC 9457 problem+json). */
export interface Refusal extends RefusalExtras {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly reason: RefusalReason;
  /** True when repeating the same key and arguments cannot create a second order. */
  readonly retry_safe: boolean;
}

/**
 * HTTP status of a reason: 400 input, 401 who, 403 authority and mandate, 404, 409 key, token or final,
 * 422 market and limits, 429 too fast, 503 not able to now.
 */
export function statusOf(reason: RefusalReason): number {
  switch (reason) {
    case 'invalid_input':
    case 'unknown_symbol':
    case 'ambiguous_symbol':
    case 'token_required':
    case 'idempotency_key_required':
      return 400;
    case 'unauthenticated':
    case 'credential_revoked':
      return 401;
    case 'insufficient_scope':
    case 'ip_not_allowed':
    case 'no_mandate':
    case 'mandate_expired':
    case 'account_not_allowed':
    case 'symbol_not_allowed':
    case 'side_not_allowed':
    case 'order_type_not_allowed':
    case 'outside_trading_hours':
    case 'short_not_allowed':
    case 'approval_required':
    case 'approval_rejected':
    case 'trading_halted':
    case 'trading_reducing':
    case 'loosening_refused':
      return 403;
    case 'not_found':
      return 404;
    case 'token_invalid':
    case 'idempotency_conflict':
    case 'approval_expired':
    case 'order_final':
    case 'duplicate_order':
    case 'reconciling':
      return 409;
    case 'not_tradable':
    case 'market_closed':
    case 'off_tick':
    case 'off_lot':
    case 'below_min_notional':
    case 'no_reference_price':
    case 'stale_price':
    case 'cannot_value':
    case 'price_collar':
    case 'max_order_qty':
    case 'max_order_value':
    case 'max_daily_value':
    case 'max_daily_orders':
    case 'max_daily_loss':
    case 'max_open_orders':
    case 'max_gross_exposure':
    case 'not_reducing':
    case 'buying_power':
    case 'self_match':
    case 'max_positions':
    case 'max_drawdown':
    case 'max_pending_approvals':
      return 422;
    case 'throttled':
    case 'rate_limited':
      return 429;
    case 'store_unavailable':
    case 'broker_unavailable':
      return 503;
    case 'internal':
      return 500;
    default:
      return unreachable(reason);
  }
}

/** `max_order_value` -> `Max order value`. */
const titleOf = (reason: RefusalReason): string => {
  const words = reason.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/**
 * A refusal. `detail` is one sentence for a person and says what to do next.
 * Nothing was sent when the gateway refuses, so every refusal is safe to repeat with the same key.
 */
export function refuse(reason: RefusalReason, detail: string, extras: RefusalExtras = {}): Refusal {
  return {
    type: `urn:portcullis:refusal:${reason}`,
    title: titleOf(reason),
    status: statusOf(reason),
    detail,
    reason,
    retry_safe: true,
    ...extras,
  };
}

/** The answer when it is not known whether an order went out: look before repeating. */
export function refuseUnclear(reason: RefusalReason, detail: string, verifyWith: string): Refusal {
  return { ...refuse(reason, detail, { verify_with: verifyWith }), retry_safe: false };
}

/** Names and values come from a caller: made printable and shortened, so that hostile input is never echoed at length. */
export function fieldError(
  field: string,
  given: unknown,
  rule: string,
  nearest: string | null = null,
): FieldError {
  const short = nearest !== null && nearest.length <= NEAREST_LENGTH_MAX ? nearest : null;
  return { field: excerpt(field, 80), value: excerpt(textOf(given), 80), rule, nearest: short };
}

function textOf(given: unknown): string {
  if (typeof given === 'string') return given;
  try {
    return JSON.stringify(given) ?? String(given);
  } catch {
    // Nested so deep that writing it out overflows the stack.
    return 'something nested too deep to show';
  }
}

/** Printable, at most `lengthMax` characters, and never half of one. */
export function excerpt(given: string, lengthMax: number): string {
  return printable(given)
    .slice(0, lengthMax)
    .replace(/\p{Cs}$/u, '');
}

/**
 * Strips what could steer a terminal, a page or a reader, or hide in plain sight: control and ANSI sequences, bidi marks,
 * zero-width and default-ignorable characters (variation selectors and tags carry text nobody sees), halves of characters.
 * Applied to every string of an agent, client or broker wherever it is shown.
 */
export function printable(given: string): string {
  return (
    given
      // biome-ignore lint/suspicious/noControlCharactersInRegex: stripping them is the point
      .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
      .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu, '')
  );
}
