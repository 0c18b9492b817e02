/** Records of the desk and the market -> the wire: decimal strings, ISO 8601 UTC, snake case, strangers' text made printable. */
import type { z } from 'zod';
import { type Decimal, text } from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import { printable } from '#domain/refusal.ts';
import type { Bar, Depth, MarketPhase, Quote, Session, Timeframe } from '#ports.ts';
import type {
  AccountStatus,
  AccountView,
  CloseResult,
  ListedAccountView,
  MandateUse,
  OrderRecord,
  PlaceResult,
  PositionView,
  Preview,
  TimelineEntry,
  TradeRecord,
} from '#trading/views.ts';
import { marginWire } from './margin-wire.ts';
import type * as shapes from './shapes.ts';

type Wire<S extends z.ZodType> = z.output<S>;

export const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));
const textOrNull = (value: Decimal | null | undefined): string | null =>
  value === null || value === undefined ? null : text(value);

export function quoteWire(symbol: string, quote: Quote, wallMs: number): Wire<typeof shapes.QuoteShape> {
  return {
    symbol,
    bid: text(quote.bid),
    ask: text(quote.ask),
    last: textOrNull(quote.last),
    bid_size: textOrNull(quote.bidSize),
    ask_size: textOrNull(quote.askSize),
    time: iso(quote.timeMs),
    age_ms: ageMs(quote.publishedMs, wallMs),
    source: quote.source,
  };
}

/** Never negative: the wall clock may have been set back since. */
export const ageMs = (publishedMs: number, wallMs: number): number =>
  Math.max(0, Math.round(wallMs - publishedMs));

export function barWire(bar: Bar): Wire<typeof shapes.BarShape> {
  return {
    time: iso(bar.timeMs),
    open: text(bar.open),
    high: text(bar.high),
    low: text(bar.low),
    close: text(bar.close),
    volume: textOrNull(bar.volume),
  };
}

export function depthWire(
  symbol: string,
  depth: Depth,
  how: { readonly levels: number; readonly wallMs: number },
): Wire<typeof shapes.DepthShape> {
  const side = (levels: Depth['bids']) =>
    levels.slice(0, how.levels).map((level) => ({ price: text(level.price), size: textOrNull(level.size) }));
  return {
    symbol,
    bids: side(depth.bids),
    asks: side(depth.asks),
    time: iso(depth.timeMs),
    age_ms: ageMs(depth.publishedMs, how.wallMs),
    source: depth.source,
  };
}

export function instrumentWire(
  instrument: Instrument,
  finest: Timeframe | undefined,
): Wire<typeof shapes.InstrumentShape> {
  return {
    id: instrument.id,
    symbol: instrument.symbol,
    name: instrument.name,
    asset_class: instrument.assetClass,
    currency: instrument.currency,
    ...(instrument.base === undefined ? {} : { base: instrument.base }),
    tick: text(instrument.tick),
    lot: text(instrument.lot),
    multiplier: text(instrument.multiplier),
    ...(instrument.minNotional === undefined ? {} : { min_notional: text(instrument.minNotional) }),
    calendar: instrument.calendar,
    timezone: instrument.timezone,
    tradable: instrument.tradable,
    ...(instrument.note === undefined ? {} : { note: instrument.note }),
    finest_timeframe: finest ?? null,
  };
}

export function marketClockWire(
  instrument: Instrument,
  phase: MarketPhase,
): Wire<typeof shapes.MarketClockShape> {
  const session = (given: Session | undefined) =>
    given === undefined ? null : { date: given.date, open: iso(given.openMs), close: iso(given.closeMs) };
  return {
    symbol: instrument.symbol,
    phase: phase.phase,
    market_time: iso(phase.nowMs),
    trading_date: phase.tradingDate,
    timezone: instrument.timezone,
    session: session(phase.session),
    next_session: session(phase.next),
  };
}

const named = ({ id, broker, mode, currency }: Pick<AccountView, 'id' | 'broker' | 'mode' | 'currency'>) => ({
  id,
  broker,
  mode,
  currency,
});
export function accountWire(account: AccountView): Wire<typeof shapes.AccountShape> {
  return {
    ...named(account),
    cash: text(account.cash),
    equity: text(account.equity),
    buying_power: text(account.buyingPower),
    age_ms: account.ageMs,
    day_pnl: text(account.dayPnl),
    trading_state: account.tradingState,
  };
}

export function listedAccountWire(account: ListedAccountView): Wire<typeof shapes.ListedAccountShape> {
  return {
    ...named(account),
    cash: textOrNull(account.cash),
    equity: textOrNull(account.equity),
    buying_power: textOrNull(account.buyingPower),
    age_ms: account.ageMs,
    day_pnl: textOrNull(account.dayPnl),
    trading_state: account.tradingState,
    connected: account.connected,
    trouble: account.trouble === null ? null : printable(account.trouble),
  };
}

export function accountStatusWire(account: AccountStatus): Wire<typeof shapes.AccountStatusShape> {
  return {
    id: account.id,
    broker: account.broker,
    mode: account.mode,
    connected: account.connected,
    tick_age_ms: account.tickAgeMs === null ? null : Math.round(account.tickAgeMs),
    reconciled_at: isoOrNull(account.reconciledAtMs),
    trouble: account.trouble === null ? null : printable(account.trouble),
    sign_in_needed: account.signInNeeded,
  };
}

export function positionWire(position: PositionView): Wire<typeof shapes.PositionShape> {
  return {
    account: position.account,
    symbol: position.symbol,
    qty: text(position.qty),
    own_qty: text(position.ownQty),
    avg_price: textOrNull(position.avgPrice),
    market_price: textOrNull(position.marketPrice),
    market_value: textOrNull(position.marketValue),
    unrealised_pnl: textOrNull(position.unrealisedPnl),
    realised_pnl: text(position.realisedPnl),
    ...(position.takeProfit === null ? {} : { take_profit: text(position.takeProfit) }),
    ...(position.stopLoss === null ? {} : { stop_loss: text(position.stopLoss) }),
    opened_at: isoOrNull(position.openedAtMs),
    ...(position.closedAtMs === null ? {} : { closed_at: iso(position.closedAtMs) }),
  };
}

export function orderWire(order: OrderRecord): Wire<typeof shapes.OrderShape> {
  return {
    order_id: order.orderId,
    client_order_id: order.clientOrderId,
    account: order.account,
    symbol: order.symbol,
    side: order.side,
    type: order.type,
    qty: text(order.qty),
    filled_qty: text(order.filledQty),
    avg_fill_price: textOrNull(order.avgFillPrice),
    limit_price: textOrNull(order.limitPrice),
    stop_price: textOrNull(order.stopPrice),
    ...(order.trail?.kind === 'percent' ? { trail_percent: text(order.trail.percent) } : {}),
    ...(order.trail?.kind === 'price' ? { trail_price: text(order.trail.distance) } : {}),
    ...(order.takeProfit === null ? {} : { take_profit: text(order.takeProfit) }),
    ...(order.stopLoss === null ? {} : { stop_loss: text(order.stopLoss) }),
    time_in_force: order.timeInForce,
    post_only: order.postOnly,
    reduce_only: order.reduceOnly,
    extended_hours: order.extendedHours,
    ...(order.product === undefined ? {} : { product: order.product }),
    status: order.status,
    ...(order.reason === null ? {} : { reason: printable(order.reason) }),
    effect: order.effect,
    role: order.role,
    ...(order.parentOrderId === null ? {} : { parent_order_id: order.parentOrderId }),
    ...(order.held ? { held: true } : {}),
    ...(order.tag === null ? {} : { tag: printable(order.tag) }),
    created_at: iso(order.createdAtMs),
    updated_at: iso(order.updatedAtMs),
  };
}

export function timelineWire(entry: TimelineEntry): Wire<typeof shapes.TimelineShape> {
  return { time: iso(entry.timeMs), status: entry.status, detail: printable(entry.detail) };
}

export function approvalWire(waits: {
  readonly expiresAtMs: number;
  readonly note: string | null;
}): Wire<typeof shapes.ApprovalShape> {
  return {
    expires_at: iso(waits.expiresAtMs),
    ...(waits.note === null ? {} : { note: printable(waits.note) }),
  };
}

export function tradeWire(trade: TradeRecord): Wire<typeof shapes.TradeShape> {
  return {
    execution_id: trade.executionId,
    order_id: trade.orderId,
    account: trade.account,
    symbol: trade.symbol,
    side: trade.side,
    qty: text(trade.qty),
    price: text(trade.price),
    fee: text(trade.fee),
    time: iso(trade.timeMs),
  };
}

export function previewWire(
  preview: Preview,
  warnings: readonly string[] = [],
): Wire<typeof shapes.PreviewShape> {
  return {
    estimated_price: text(preview.estimatedPrice),
    value: text(preview.value),
    fees: text(preview.fees),
    buying_power_after: text(preview.buyingPowerAfter),
    position_after: text(preview.positionAfter),
    qty: text(preview.qty),
    limits: preview.limits.map((figure) => ({ ...figure })),
    needs_approval: preview.needsApproval,
    warnings: [...preview.warnings.map(printable), ...warnings],
    ...(preview.margin === null ? {} : { margin: marginWire(preview.margin) }),
  };
}

/** `tokenGiven`: the caller sent a token with a preview, and probably believes that it has placed the order. */
export function placeWire(
  placed: PlaceResult,
  how: { readonly tokenGiven: boolean },
): Wire<typeof shapes.PlaceShape> {
  if (!placed.dryRun) return { dry_run: false, order: orderWire(placed.order) };
  const unused = 'This was a preview: action_token counts only together with dry_run false.';
  return {
    dry_run: true,
    preview: previewWire(placed.preview, how.tokenGiven ? [unused] : []),
    action_token: placed.actionToken,
    expires_at: iso(placed.expiresAtMs),
  };
}

/** A change that nobody wrote down was taken before changes were: its order tells all there is. */
const UNTOLD = { outcome: 'unknown', reason: 'get_order tells its terms' } as const;

export function modifyWire(
  changed: PlaceResult,
  how: { readonly tokenGiven: boolean },
): Wire<typeof shapes.ModifyShape> {
  const wire = placeWire(changed, how);
  if (wire.dry_run || changed.dryRun) return wire as Extract<typeof wire, { dry_run: true }>;
  const { outcome, reason } = changed.change ?? UNTOLD;
  return {
    ...wire,
    change: { outcome, ...(reason === undefined ? {} : { reason: printable(reason) }) },
  };
}

type CloseView =
  | { readonly dryRun: true; readonly preview: Preview | null; readonly wouldCancel: readonly string[] }
  | ({ readonly dryRun: false } & CloseResult);

export function closeWire(close: CloseView): Wire<typeof shapes.CloseShape> {
  if (close.dryRun) {
    return {
      dry_run: true,
      preview: close.preview === null ? null : previewWire(close.preview),
      would_cancel: [...close.wouldCancel],
    };
  }
  return {
    dry_run: false,
    order: close.order === null ? null : orderWire(close.order),
    canceled: [...close.canceled],
    detail: printable(close.detail),
  };
}

export function useWire(use: MandateUse) {
  return {
    account: use.account,
    daily_value: text(use.dailyValue),
    daily_orders: use.dailyOrders,
    daily_loss: text(use.dailyLoss),
    open_orders: use.openOrders,
    gross_exposure: text(use.grossExposure),
  };
}
