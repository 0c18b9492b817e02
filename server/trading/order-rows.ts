/** An order as stored: its row in the table and as a value, and what it holds of its agent's mandate. */
import {
  type Money,
  money,
  type Price,
  perUnit,
  price,
  type Quantity,
  quantity,
  ratio,
  text,
} from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import {
  isFinal,
  type OrderOrigin,
  type OrderRole,
  type OrderStatus,
  type OrderTerms,
  type OrderType,
  type Product,
  type Side,
  type TimeInForce,
  type Trail,
} from '#domain/order.ts';
import { accountId, agentId } from '#domain/principal.ts';
import type { OrderRecord } from './views.ts';

/** Whose position a reduction may take from. */
export type Reach = 'own' | 'account';

/** Terms of a modify that the broker has not answered, with what one unit of them would reserve. */
export interface PendingTerms {
  readonly terms: OrderTerms;
  readonly unitValue: Money;
}

/** An order as stored: the record that may be shown, and what only the order line needs. */
export interface StoredOrder extends OrderRecord {
  readonly credential: string;
  /** Sum of price × quantity of its executions, multiplier left out. */
  readonly filledValue: Money;
  /** What one unit reserves of the mandate; zero for reducing orders. */
  readonly unitValue: Money;
  readonly pending: PendingTerms | null;
  readonly run: number;
  readonly mandateDay: string;
  /** The approval that it waits for or was given; null: nobody was asked. */
  readonly approvalId: string | null;
  /** As it was cleared: what becomes of the mandate later neither widens nor narrows what a fill of it does. */
  readonly reach: Reach;
}

export type NewOrder = Omit<StoredOrder, 'seq'>;

export interface OrderRow {
  readonly seq: number;
  readonly order_id: string;
  readonly agent_id: string;
  readonly credential: string;
  readonly account_id: string;
  readonly instrument_id: string;
  readonly symbol: string;
  readonly client_order_id: string | null;
  readonly broker_client_id: string;
  readonly broker_order_id: string | null;
  readonly parent_order_id: string | null;
  readonly role: OrderRole;
  readonly origin: OrderOrigin;
  readonly effect: 'adding' | 'reducing';
  readonly side: Side;
  readonly type: OrderType;
  readonly time_in_force: TimeInForce;
  readonly qty: string;
  readonly limit_price: string | null;
  readonly stop_price: string | null;
  readonly trail_percent: string | null;
  readonly trail_price: string | null;
  readonly take_profit: string | null;
  readonly stop_loss: string | null;
  readonly post_only: number;
  readonly reduce_only: number;
  readonly extended_hours: number;
  readonly product: Product | null;
  readonly tag: string | null;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly filled_qty: string;
  readonly filled_value: string;
  readonly unit_value: string;
  readonly pending_terms: string | null;
  readonly held: number;
  readonly run: number;
  readonly mandate_day: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly approval_id: string | null;
  readonly reach: Reach;
}

export const COLUMNS = [
  'order_id',
  'agent_id',
  'credential',
  'account_id',
  'instrument_id',
  'symbol',
  'client_order_id',
  'broker_client_id',
  'broker_order_id',
  'parent_order_id',
  'role',
  'origin',
  'effect',
  'side',
  'type',
  'time_in_force',
  'qty',
  'limit_price',
  'stop_price',
  'trail_percent',
  'trail_price',
  'take_profit',
  'stop_loss',
  'post_only',
  'reduce_only',
  'extended_hours',
  'tag',
  'status',
  'reason',
  'filled_qty',
  'filled_value',
  'unit_value',
  'pending_terms',
  'held',
  'run',
  'mandate_day',
  'created_at',
  'updated_at',
  'approval_id',
  'reach',
  'product',
] as const satisfies readonly (keyof OrderRow)[];

/** Columns that change after an order was created. */
export const MUTABLE = [
  'broker_order_id',
  'qty',
  'limit_price',
  'stop_price',
  'trail_percent',
  'trail_price',
  'status',
  'reason',
  'filled_qty',
  'filled_value',
  'unit_value',
  'pending_terms',
  'held',
  'reach',
  'updated_at',
] as const satisfies readonly (keyof OrderRow)[];

export const WORKING = `status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired')`;

const optionalPrice = (value: string | null): Price | null => (value === null ? null : price(value));

function trailOf(percent: string | null, distance: string | null): Trail | undefined {
  if (percent !== null) return { kind: 'percent', percent: ratio(percent) };
  return distance === null ? undefined : { kind: 'price', distance: price(distance) };
}

interface TermColumns {
  readonly side: Side;
  readonly type: OrderType;
  readonly time_in_force: TimeInForce;
  readonly qty: string;
  readonly limit_price: string | null;
  readonly stop_price: string | null;
  readonly trail_percent: string | null;
  readonly trail_price: string | null;
  readonly post_only: number;
  readonly reduce_only: number;
  readonly extended_hours: number;
  /** Absent in terms that were pending before there were products. */
  readonly product?: Product | null;
}

function termsOf(row: TermColumns): OrderTerms {
  const trail = trailOf(row.trail_percent, row.trail_price);
  return {
    side: row.side,
    qty: quantity(row.qty),
    type: row.type,
    timeInForce: row.time_in_force,
    ...(row.limit_price === null ? {} : { limitPrice: price(row.limit_price) }),
    ...(row.stop_price === null ? {} : { stopPrice: price(row.stop_price) }),
    ...(trail === undefined ? {} : { trail }),
    postOnly: row.post_only === 1,
    reduceOnly: row.reduce_only === 1,
    extendedHours: row.extended_hours === 1,
    ...(row.product ? { product: row.product } : {}),
  };
}

function termColumns(terms: OrderTerms): TermColumns & { readonly product: Product | null } {
  return {
    side: terms.side,
    type: terms.type,
    time_in_force: terms.timeInForce,
    qty: text(terms.qty),
    limit_price: terms.limitPrice ? text(terms.limitPrice) : null,
    stop_price: terms.stopPrice ? text(terms.stopPrice) : null,
    trail_percent: terms.trail?.kind === 'percent' ? text(terms.trail.percent) : null,
    trail_price: terms.trail?.kind === 'price' ? text(terms.trail.distance) : null,
    post_only: terms.postOnly ? 1 : 0,
    reduce_only: terms.reduceOnly ? 1 : 0,
    extended_hours: terms.extendedHours ? 1 : 0,
    product: terms.product ?? null,
  };
}

function pendingOf(stored: string | null): PendingTerms | null {
  if (stored === null) return null;
  const parsed = JSON.parse(stored) as TermColumns & { readonly unit_value: string };
  return { terms: termsOf(parsed), unitValue: money(parsed.unit_value) };
}

/** The part of an order that its fills have left. */
export function remainingQty(order: { readonly qty: Quantity; readonly filledQty: Quantity }): Quantity {
  return order.qty.minus(order.filledQty) as Quantity;
}

export function fromRow(row: OrderRow): StoredOrder {
  const filledQty = quantity(row.filled_qty);
  const filledValue = money(row.filled_value);
  return {
    ...termsOf(row),
    seq: row.seq,
    orderId: row.order_id,
    agent: agentId(row.agent_id),
    credential: row.credential,
    account: accountId(row.account_id),
    instrument: instrumentId(row.instrument_id),
    symbol: row.symbol,
    clientOrderId: row.client_order_id,
    brokerClientId: row.broker_client_id,
    brokerOrderId: row.broker_order_id,
    parentOrderId: row.parent_order_id,
    role: row.role,
    origin: row.origin,
    effect: row.effect,
    takeProfit: optionalPrice(row.take_profit),
    stopLoss: optionalPrice(row.stop_loss),
    tag: row.tag,
    status: row.status,
    reason: row.reason,
    filledQty,
    avgFillPrice: filledQty.eq('0') ? null : perUnit(filledValue, filledQty),
    filledValue,
    unitValue: money(row.unit_value),
    pending: pendingOf(row.pending_terms),
    held: row.held === 1,
    run: row.run,
    mandateDay: row.mandate_day,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    approvalId: row.approval_id,
    reach: row.reach,
  };
}

export function toRow(order: NewOrder): Omit<OrderRow, 'seq'> {
  return {
    ...termColumns(order),
    order_id: order.orderId,
    agent_id: order.agent,
    credential: order.credential,
    account_id: order.account,
    instrument_id: order.instrument,
    symbol: order.symbol,
    client_order_id: order.clientOrderId,
    broker_client_id: order.brokerClientId,
    broker_order_id: order.brokerOrderId,
    parent_order_id: order.parentOrderId,
    role: order.role,
    origin: order.origin,
    effect: order.effect,
    take_profit: order.takeProfit ? text(order.takeProfit) : null,
    stop_loss: order.stopLoss ? text(order.stopLoss) : null,
    tag: order.tag,
    status: order.status,
    reason: order.reason,
    filled_qty: text(order.filledQty),
    filled_value: text(order.filledValue),
    unit_value: text(order.unitValue),
    pending_terms: order.pending
      ? JSON.stringify({ ...termColumns(order.pending.terms), unit_value: text(order.pending.unitValue) })
      : null,
    held: order.held ? 1 : 0,
    run: order.run,
    mandate_day: order.mandateDay,
    created_at: order.createdAtMs,
    updated_at: order.updatedAtMs,
    approval_id: order.approvalId,
    reach: order.reach,
  };
}

/** What an order holds of its agent's mandate: a modify holds the larger of old and new until it is answered. */
export function reservedValue(order: StoredOrder): Money {
  if (isFinal(order.status) || order.effect === 'reducing') return money('0');
  const now = order.unitValue.times(positive(remainingQty(order))) as unknown as Money;
  if (order.pending === null) return now;
  const { terms, unitValue } = order.pending;
  const then = unitValue.times(positive(remainingQty({ qty: terms.qty, filledQty: order.filledQty })));
  return (then.gt(now) ? then : now) as unknown as Money;
}

const positive = (qty: Quantity): Quantity => (qty.lt('0') ? quantity('0') : qty);
