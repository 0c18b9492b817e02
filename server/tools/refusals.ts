/** Which refusals a tool may answer with: those of every call, and groups that tools name in their definitions. */
import type { RefusalReason } from '#domain/refusal.ts';

type Reasons = readonly RefusalReason[];

/** Said before a tool runs, or when something fails under it. */
export const OF_EVERY_TOOL: Reasons = [
  'invalid_input',
  'unauthenticated',
  'credential_revoked',
  'insufficient_scope',
  'ip_not_allowed',
  'trading_halted',
  'rate_limited',
  'store_unavailable',
  'internal',
];

export const OF_SYMBOL: Reasons = ['unknown_symbol', 'ambiguous_symbol'];
export const OF_BROKER: Reasons = ['not_found', 'broker_unavailable'];
export const OF_COMMIT: Reasons = [
  'idempotency_key_required',
  'idempotency_conflict',
  'token_required',
  'token_invalid',
];

/** The controls of the order line, in their order. */
export const OF_ORDER_LINE: Reasons = [
  'reconciling',
  'trading_reducing',
  'no_mandate',
  'mandate_expired',
  'symbol_not_allowed',
  'side_not_allowed',
  'order_type_not_allowed',
  'outside_trading_hours',
  'not_tradable',
  'market_closed',
  'off_tick',
  'off_lot',
  'below_min_notional',
  'no_reference_price',
  'stale_price',
  'cannot_value',
  'price_collar',
  'not_reducing',
  'short_not_allowed',
  'max_order_qty',
  'max_order_value',
  'max_daily_value',
  'max_daily_orders',
  'max_daily_loss',
  'max_drawdown',
  'max_positions',
  'self_match',
  'max_open_orders',
  'max_gross_exposure',
  'buying_power',
  'throttled',
  'duplicate_order',
  ...OF_BROKER,
];

/** Of orders that only reduce. */
export const OF_REDUCTION: Reasons = [
  'reconciling',
  'not_tradable',
  'off_lot',
  'no_reference_price',
  'not_reducing',
  'throttled',
  'idempotency_conflict',
  ...OF_BROKER,
];
