/** The table of orders: rows as values, and every query the order line asks of them. */
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
import { type InstrumentId, instrumentId } from '#domain/instrument.ts';
import {
  isFinal,
  type OrderOrigin,
  type OrderRole,
  type OrderStatus,
  type OrderTerms,
  type OrderType,
  type Side,
  type TimeInForce,
  type Trail,
} from '#domain/order.ts';
import { type AccountId, type AgentId, accountId, agentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import type { OrderFilter } from './desk.ts';
import type { OrderRecord, TimelineEntry } from './views.ts';

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
}

export type NewOrder = Omit<StoredOrder, 'seq'>;

interface OrderRow {
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
}

const COLUMNS = [
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
] as const satisfies readonly (keyof OrderRow)[];

/** Columns that change after an order was created. */
const MUTABLE = [
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
  'updated_at',
] as const satisfies readonly (keyof OrderRow)[];

const WORKING = `status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired')`;

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
  };
}

function termColumns(terms: OrderTerms): TermColumns {
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

function fromRow(row: OrderRow): StoredOrder {
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
  };
}

function toRow(order: NewOrder): Omit<OrderRow, 'seq'> {
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
  };
}

export interface OrderTable {
  /** Gives back the order with its sequence. */
  insert(order: NewOrder): StoredOrder;
  /** Writes the columns that may change; `trading/transition.ts` is its only caller. */
  update(order: StoredOrder): void;
  byId(orderId: string): StoredOrder | undefined;
  byBrokerClientId(brokerClientId: string): StoredOrder | undefined;
  byBrokerOrderId(account: AccountId, brokerOrderId: string): StoredOrder | undefined;
  byClientOrderId(agent: AgentId, clientOrderId: string): StoredOrder | undefined;
  legsOf(orderId: string): readonly StoredOrder[];
  /** Not final, oldest first. */
  working(filter: {
    readonly agent?: AgentId;
    readonly account?: AccountId;
    readonly instrument?: InstrumentId;
  }): readonly StoredOrder[];
  /** Orders whose outcome at the broker is not known (yet): `submitting` and `unknown`. */
  unsettled(account: AccountId): readonly StoredOrder[];
  countWorking(): number;
  page(agent: AgentId, filter: OrderFilter): readonly StoredOrder[];
  addTimeline(orderId: string, entry: TimelineEntry): void;
  timeline(orderId: string): readonly TimelineEntry[];
}

export function orderTable(store: Store): OrderTable {
  const { db } = store;
  const insert = db.prepare(
    `INSERT INTO orders (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `@${name}`).join(', ')})`,
  );
  const update = db.prepare(
    `UPDATE orders SET ${MUTABLE.map((name) => `${name} = @${name}`).join(', ')} WHERE order_id = @order_id`,
  );
  const byId = db.prepare<[string], OrderRow>('SELECT * FROM orders WHERE order_id = ?');
  const byClient = db.prepare<[string], OrderRow>('SELECT * FROM orders WHERE broker_client_id = ?');
  const byBroker = db.prepare<[string, string], OrderRow>(
    'SELECT * FROM orders WHERE account_id = ? AND broker_order_id = ?',
  );
  const byClientOrderId = db.prepare<[string, string], OrderRow>(
    'SELECT * FROM orders WHERE agent_id = ? AND client_order_id = ?',
  );
  const legs = db.prepare<[string], OrderRow>('SELECT * FROM orders WHERE parent_order_id = ? ORDER BY seq');
  const working = db.prepare<[Record<string, string | null>], OrderRow>(
    `SELECT * FROM orders WHERE ${WORKING}
       AND (@agent IS NULL OR agent_id = @agent)
       AND (@account IS NULL OR account_id = @account)
       AND (@instrument IS NULL OR instrument_id = @instrument)
     ORDER BY seq`,
  );
  const workingOfAgent = db.prepare<[string, string, string], OrderRow>(
    `SELECT * FROM orders WHERE ${WORKING} AND agent_id = ? AND account_id = ? AND instrument_id = ? ORDER BY seq`,
  );
  const unsettled = db.prepare<[string], OrderRow>(
    `SELECT * FROM orders WHERE account_id = ? AND status IN ('submitting', 'unknown') ORDER BY seq`,
  );
  const countWorking = db.prepare<[], number>(`SELECT count(*) FROM orders WHERE ${WORKING}`).pluck();
  const page = db.prepare<[Record<string, string | number | null>], OrderRow>(
    `SELECT * FROM orders WHERE agent_id = @agent
       AND (@account IS NULL OR account_id = @account)
       AND (@symbol IS NULL OR symbol = @symbol)
       AND (@since IS NULL OR created_at >= @since)
       AND (@before IS NULL OR seq < @before)
       AND (@status = 'all' OR (@status = 'open') = (${WORKING}))
     ORDER BY seq DESC LIMIT @limit`,
  );
  const addTimeline = db.prepare(
    'INSERT INTO order_timeline (order_id, time, status, detail) VALUES (?, ?, ?, ?)',
  );
  const timeline = db.prepare<[string], { time: number; status: OrderStatus; detail: string }>(
    'SELECT time, status, detail FROM order_timeline WHERE order_id = ? ORDER BY id',
  );
  const one = (row: OrderRow | undefined): StoredOrder | undefined =>
    row === undefined ? undefined : fromRow(row);

  return {
    insert(order) {
      const { lastInsertRowid } = insert.run(toRow(order));
      return { ...order, seq: Number(lastInsertRowid) };
    },
    update: (order) => void update.run(toRow(order)),
    byId: (id) => one(byId.get(id)),
    byBrokerClientId: (id) => one(byClient.get(id)),
    byBrokerOrderId: (account, id) => one(byBroker.get(account, id)),
    byClientOrderId: (agent, id) => one(byClientOrderId.get(agent, id)),
    legsOf: (id) => legs.all(id).map(fromRow),
    working({ agent, account, instrument }) {
      if (agent !== undefined && account !== undefined && instrument !== undefined) {
        return workingOfAgent.all(agent, account, instrument).map(fromRow);
      }
      return working
        .all({ agent: agent ?? null, account: account ?? null, instrument: instrument ?? null })
        .map(fromRow);
    },
    unsettled: (account) => unsettled.all(account).map(fromRow),
    countWorking: () => countWorking.get() ?? 0,
    page: (agent, filter) =>
      page
        .all({
          agent,
          account: filter.account ?? null,
          symbol: filter.symbol ?? null,
          since: filter.sinceMs ?? null,
          before: filter.beforeSeq ?? null,
          status: filter.status,
          limit: filter.limit,
        })
        .map(fromRow),
    addTimeline: (id, entry) => void addTimeline.run(id, entry.timeMs, entry.status, entry.detail),
    timeline: (id) =>
      timeline.all(id).map((row) => ({ timeMs: row.time, status: row.status, detail: row.detail })),
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
