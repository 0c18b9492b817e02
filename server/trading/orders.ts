/** The table of orders: every query the order line asks of them. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { OrderStatus, Side } from '#domain/order.ts';
import { type AccountId, type AgentId, agentId } from '#domain/principal.ts';
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
  /** Agents that have working orders. */
  workingAgents(): readonly AgentId[];
  /** Working orders that take something of a position now: legs whose entry has filled nothing yet are left out. */
  reducing(filter: {
    readonly account: AccountId;
    readonly instrument: InstrumentId;
    readonly side: Side;
  }): readonly StoredOrder[];
  /** Orders whose outcome at the broker is not known (yet): `submitting` and `unknown`. */
  unsettled(account: AccountId): readonly StoredOrder[];
  /** Whether a change or a cancel waits for the broker's word. */
  isAwaiting(account: AccountId): boolean;
  countWorking(): number;
  page(agent: AgentId, filter: OrderFilter): readonly StoredOrder[];
  addTimeline(orderId: string, entry: TimelineEntry): void;
  timeline(orderId: string): readonly TimelineEntry[];
}

/** Sorted here: SQLite plans a statement that sorts or joins by what is bound anew with every call, at many times its cost. */
const oldestFirst = (rows: OrderRow[]): readonly StoredOrder[] =>
  rows.sort((a, b) => a.seq - b.seq).map(fromRow);

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
  const working = db.prepare<[Record<string, string | null>], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_working WHERE ${WORKING}
       AND (@agent IS NULL OR agent_id = @agent)
       AND (@account IS NULL OR account_id = @account)
       AND (@instrument IS NULL OR instrument_id = @instrument)`,
  );
  const workingOfAgent = db.prepare<[string, string, string], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_working WHERE ${WORKING} AND agent_id = ? AND account_id = ? AND instrument_id = ?`,
  );
  const workingAgents = db
    .prepare<[], string>(`SELECT DISTINCT agent_id FROM orders INDEXED BY orders_working WHERE ${WORKING}`)
    .pluck();
  const reducing = db.prepare<[string, string, string], OrderRow>(
    `SELECT * FROM orders leg INDEXED BY orders_reducing
     WHERE effect = 'reducing' AND ${WORKING} AND account_id = ? AND instrument_id = ? AND side = ?
       AND NOT EXISTS (SELECT 1 FROM orders entry WHERE entry.order_id = leg.parent_order_id AND entry.filled_qty = '0')`,
  );
  const awaiting = db.prepare<[string]>(
    `SELECT 1 FROM orders INDEXED BY orders_awaiting WHERE account_id = ? AND status IN ('pending_replace', 'pending_cancel') LIMIT 1`,
  );
  const unsettled = db.prepare<[string], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_unsettled WHERE account_id = ? AND status IN ('submitting', 'unknown')`,
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
    legsOf: (id) => oldestFirst(legs.all(id)),
    working({ agent, account, instrument }) {
      if (agent !== undefined && account !== undefined && instrument !== undefined) {
        return oldestFirst(workingOfAgent.all(agent, account, instrument));
      }
      return oldestFirst(
        working.all({ agent: agent ?? null, account: account ?? null, instrument: instrument ?? null }),
      );
    },
    workingAgents: () => workingAgents.all().map(agentId),
    reducing: ({ account, instrument, side }) => oldestFirst(reducing.all(account, instrument, side)),
    isAwaiting: (account) => awaiting.get(account) !== undefined,
    unsettled: (account) => oldestFirst(unsettled.all(account)),
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
