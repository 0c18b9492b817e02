/** The wire shapes of the public contract, as zod: what every door answers, fields added and never renamed. */
import { z } from 'zod';
import { ORDER_STATES, ORDER_TYPES, PRODUCTS, SIDES, TIMES_IN_FORCE } from '#domain/order.ts';
import { TRADING_STATES } from '#domain/principal.ts';
import { REFUSAL_REASONS } from '#domain/refusal.ts';

/** A signed decimal string. */
export const decimal = z.string().regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/);
const isoTime = z.iso.datetime();
const tradingState = z.enum(TRADING_STATES);
const mode = z.enum(['paper', 'live']);

export const LimitShape = z.object({
  limit: z.string(),
  used: z.string(),
  order: z.string(),
  max: z.string(),
  unit: z.string(),
});

/** As in `domain/refusal.ts`; the same object over MCP and REST. */
export const RefusalShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  reason: z.enum(REFUSAL_REASONS),
  retry_safe: z.boolean(),
  errors: z
    .array(
      z.object({ field: z.string(), value: z.string(), rule: z.string(), nearest: z.string().nullable() }),
    )
    .optional(),
  did_you_mean: z.array(z.string()).optional(),
  limits: z.array(LimitShape).optional(),
  verify_with: z.string().optional(),
  order_id: z.string().optional(),
  retry_after: z.number().optional(),
});

/** What the HTTP surface refuses by itself (a foreign Host, a body that is not JSON): a refusal without a reason. */
export const ProblemShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
});

export const QuoteShape = z.object({
  symbol: z.string(),
  bid: decimal,
  ask: decimal,
  last: decimal.nullable(),
  bid_size: decimal.nullable(),
  ask_size: decimal.nullable(),
  time: isoTime,
  age_ms: z.int(),
  source: z.enum(['recorded', 'derived', 'live']),
});

export const BarShape = z.object({
  time: isoTime,
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal.nullable(),
});

const level = z.object({ price: decimal, size: decimal.nullable() });
export const DepthShape = z.object({
  symbol: z.string(),
  bids: z.array(level),
  asks: z.array(level),
  time: isoTime,
  age_ms: z.int(),
  source: z.enum(['recorded', 'derived', 'live']),
});

export const InstrumentShape = z.object({
  id: z.string(),
  symbol: z.string(),
  name: z.string(),
  asset_class: z.string(),
  currency: z.string(),
  base: z.string().optional(),
  tick: decimal,
  lot: decimal,
  multiplier: decimal,
  min_notional: decimal.optional(),
  calendar: z.string(),
  timezone: z.string(),
  tradable: z.enum(['everywhere', 'paper']),
  note: z.string().optional(),
  finest_timeframe: z.string().nullable(),
});

const session = z.object({ date: z.string(), open: isoTime, close: isoTime });
export const MarketClockShape = z.object({
  symbol: z.string(),
  phase: z.enum(['open', 'extended', 'closed']),
  market_time: isoTime,
  trading_date: z.string(),
  timezone: z.string(),
  session: session.nullable(),
  next_session: session.nullable(),
});

export const AccountShape = z.object({
  id: z.string(),
  broker: z.string(),
  mode,
  currency: z.string(),
  cash: decimal,
  equity: decimal,
  buying_power: decimal,
  age_ms: z.number().int(),
  day_pnl: decimal,
  trading_state: tradingState,
});

/** In a list: null where its broker has never said anything. */
export const ListedAccountShape = AccountShape.extend({
  cash: decimal.nullable(),
  equity: decimal.nullable(),
  buying_power: decimal.nullable(),
  age_ms: z.number().int().nullable(),
  day_pnl: decimal.nullable(),
  connected: z.boolean(),
  /** Why it can not be traded on, or what is amiss. */
  trouble: z.string().nullable(),
});

export const AccountStatusShape = z.object({
  id: z.string(),
  broker: z.string(),
  mode,
  connected: z.boolean(),
  tick_age_ms: z.int().nullable(),
  reconciled_at: isoTime.nullable(),
  trouble: z.string().nullable(),
  /** The owner has to sign in at the broker. */
  sign_in_needed: z.boolean(),
});

export const PositionShape = z.object({
  account: z.string(),
  symbol: z.string(),
  qty: decimal,
  own_qty: decimal,
  avg_price: decimal.nullable(),
  market_price: decimal.nullable(),
  market_value: decimal.nullable(),
  unrealised_pnl: decimal.nullable(),
  realised_pnl: decimal,
  take_profit: decimal.optional(),
  stop_loss: decimal.optional(),
  opened_at: isoTime.nullable(),
  closed_at: isoTime.optional(),
});

export const OrderShape = z.object({
  order_id: z.string(),
  client_order_id: z.string().nullable(),
  account: z.string(),
  symbol: z.string(),
  side: z.enum(SIDES),
  type: z.enum(ORDER_TYPES),
  qty: decimal,
  filled_qty: decimal,
  avg_fill_price: decimal.nullable(),
  limit_price: decimal.nullable(),
  stop_price: decimal.nullable(),
  trail_percent: decimal.optional(),
  trail_price: decimal.optional(),
  take_profit: decimal.optional(),
  stop_loss: decimal.optional(),
  time_in_force: z.enum(TIMES_IN_FORCE),
  post_only: z.boolean(),
  reduce_only: z.boolean(),
  extended_hours: z.boolean(),
  product: z.enum(PRODUCTS).optional(),
  status: z.enum(ORDER_STATES as [string, ...string[]]),
  reason: z.string().optional(),
  effect: z.enum(['adding', 'reducing']),
  role: z.enum(['entry', 'take_profit', 'stop_loss']),
  parent_order_id: z.string().optional(),
  held: z.boolean().optional(),
  tag: z.string().optional(),
  created_at: isoTime,
  updated_at: isoTime,
});

export const TimelineShape = z.object({ time: isoTime, status: z.string(), detail: z.string() });
/** While an order waits for the owner. */
export const ApprovalShape = z.object({ expires_at: isoTime, note: z.string().optional() });

export const TradeShape = z.object({
  execution_id: z.string(),
  order_id: z.string(),
  account: z.string(),
  symbol: z.string(),
  side: z.enum(SIDES),
  qty: decimal,
  price: decimal,
  fee: decimal,
  time: isoTime,
});

export const PreviewShape = z.object({
  estimated_price: decimal,
  value: decimal,
  fees: decimal,
  buying_power_after: decimal,
  position_after: decimal,
  qty: decimal,
  limits: z.array(LimitShape),
  needs_approval: z.boolean(),
  warnings: z.array(z.string()),
  /** Where the broker tells it beforehand. */
  margin: z
    .object({ required: decimal, fees: decimal.optional(), source: z.enum(['broker', 'computed']) })
    .optional(),
});

/** Of place_order and modify_order. */
export const PlaceShape = z.union([
  z.object({
    dry_run: z.literal(true),
    preview: PreviewShape,
    action_token: z.string(),
    expires_at: isoTime,
  }),
  z.object({ dry_run: z.literal(false), order: OrderShape }),
]);

/** Of modify_order: whether the order's terms are the ones that were asked for. */
export const ChangeShape = z.object({
  outcome: z.enum(['accepted', 'rejected', 'unknown', 'pending']),
  reason: z.string().optional(),
});
const [placePreview, placed] = PlaceShape.options;
export const ModifyShape = z.union([placePreview, placed.extend({ change: ChangeShape })]);

const failedOrder = z.object({ order_id: z.string(), reason: z.string() });
export const CancelAllShape = z.object({
  dry_run: z.boolean(),
  canceled: z.array(z.string()),
  pending: z.array(z.string()),
  failed: z.array(failedOrder),
});

const closePreview = z.object({
  dry_run: z.literal(true),
  preview: PreviewShape.nullable(),
  would_cancel: z.array(z.string()),
});
const closeDone = z.object({
  dry_run: z.literal(false),
  order: OrderShape.nullable(),
  canceled: z.array(z.string()),
  detail: z.string(),
});
export const CloseShape = z.union([closePreview, closeDone]);

const ofSymbol = { symbol: z.string() };
export const CloseAllShape = z.object({
  dry_run: z.boolean(),
  closes: z.array(z.union([closePreview.extend(ofSymbol), closeDone.extend(ofSymbol)])),
  failed: z.array(z.object({ ...ofSymbol, refusal: z.record(z.string(), z.unknown()) })),
});

const use = z.object({
  account: z.string(),
  daily_value: decimal,
  daily_orders: z.int(),
  daily_loss: decimal,
  open_orders: z.int(),
  gross_exposure: decimal,
});
export const MandateShape = z.object({
  agent: z.string(),
  credential: z.string(),
  door: z.string(),
  scopes: z.array(z.string()),
  accounts: z.array(z.string()),
  /** The document as the owner wrote it, with its version; null: no mandate, so nothing may be traded. */
  mandate: z.record(z.string(), z.unknown()).nullable(),
  used: z.array(use),
  left: z.array(use),
  /** Of whole accounts, all agents together. */
  account_limits: z.array(
    z.object({ account: z.string(), limit: z.string(), used: decimal, max: decimal, unit: z.string() }),
  ),
  trading_state: tradingState,
  state_reason: z.string().nullable(),
});

export const TightenShape = z.object({
  dry_run: z.boolean(),
  version: z.int(),
  /** Fields that are tighter than before; none: all of it was in force already. */
  changed: z.array(z.string()),
  mandate: z.record(z.string(), z.unknown()),
  canceling: z.array(z.string()),
});

export const StatusShape = z.object({
  version: z.string(),
  trading_state: tradingState,
  remote_mcp: z.boolean(),
  accounts: z.array(AccountStatusShape),
});

/** Absent on the last page. */
export const nextCursor = z.string().optional();
