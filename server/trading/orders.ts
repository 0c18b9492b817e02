/** The table of orders: every query the order line asks of them. */
import type { OrderStatus } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import type { OrderFilter } from './desk.ts';
import {
  COLUMNS,
  fromRow,
  MUTABLE,
  type NewOrder,
  type OrderRow,
  type StoredOrder,
  toRow,
  WORKING,
} from './order-rows.ts';
import type { TimelineEntry } from './views.ts';
import { oldestFirst, type WorkingOrders, workingOrders } from './working-orders.ts';

export interface OrderTable extends WorkingOrders {
  /** Gives back the order with its sequence. */
  insert(order: NewOrder): StoredOrder;
  /** Writes the columns that may change; `trading/transition.ts` is its only caller. */
  update(order: StoredOrder): void;
  byId(orderId: string): StoredOrder | undefined;
  byBrokerClientId(brokerClientId: string): StoredOrder | undefined;
  byBrokerOrderId(account: AccountId, brokerOrderId: string): StoredOrder | undefined;
  byClientOrderId(agent: AgentId, clientOrderId: string): StoredOrder | undefined;
  legsOf(orderId: string): readonly StoredOrder[];
  page(agent: AgentId, filter: OrderFilter): readonly StoredOrder[];
  /** Frees the ids that the broker knows an order by, for the one that goes on in its place; `instead` is in their place. */
  surrenderIds(orderId: string, instead: string): void;
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
  const legs = db.prepare<[string], OrderRow>('SELECT * FROM orders WHERE parent_order_id = ?');
  const page = db.prepare<[Record<string, string | number | null>], OrderRow>(
    `SELECT * FROM orders WHERE agent_id = @agent
       AND (@account IS NULL OR account_id = @account)
       AND (@symbol IS NULL OR symbol = @symbol)
       AND (@since IS NULL OR created_at >= @since)
       AND (@before IS NULL OR seq < @before)
       AND (@status = 'all' OR (@status = 'open') = (${WORKING}))
     ORDER BY seq DESC LIMIT @limit`,
  );
  const surrender = db.prepare(
    'UPDATE orders SET broker_client_id = ?, broker_order_id = NULL WHERE order_id = ?',
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
    ...workingOrders(store),
    insert(order) {
      const { lastInsertRowid } = insert.run(toRow(order));
      return { ...order, seq: Number(lastInsertRowid) };
    },
    update: (order) => void update.run(toRow(order)),
    byId: (id) => one(byId.get(id)),
    byBrokerClientId: (id) => one(byClient.get(id)),
    byBrokerOrderId: (account, id) => one(byBroker.get(account, id)),
    byClientOrderId: (agent, id) => one(byClientOrderId.get(agent, id)),
    legsOf: (id) => oldestFirst(legs.all(id)),
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
    surrenderIds: (id, instead) => void surrender.run(instead, id),
    addTimeline: (id, entry) => void addTimeline.run(id, entry.timeMs, entry.status, entry.detail),
    timeline: (id) =>
      timeline.all(id).map((row) => ({ timeMs: row.time, status: row.status, detail: row.detail })),
  };
}
