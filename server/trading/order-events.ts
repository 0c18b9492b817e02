/** What became of an agent's own orders, one thing after the other: a stream goes on where it was, with nothing lost or told twice. */
import type { OrderStatus } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import { ORDER_EVENTS_SCAN_ROWS_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { fromRow, type OrderRow } from './order-rows.ts';
import { type ExecutionRow, tradeOf } from './trade-rows.ts';
import type { OrderRecord, TimelineEntry, TradeRecord } from './views.ts';

/** How far somebody has been told: the latest change of an order, and the latest execution, by their internal sequences. */
export interface OrderEventsCursor {
  readonly changes: number;
  readonly executions: number;
}

/** `cursor`: behind it. The order is as it stands when it is read; `entry` is what happened. */
export type OrderEvent =
  | {
      readonly kind: 'order';
      readonly order: OrderRecord;
      readonly entry: TimelineEntry;
      readonly cursor: OrderEventsCursor;
    }
  | { readonly kind: 'execution'; readonly trade: TradeRecord; readonly cursor: OrderEventsCursor };

export interface OrderEventsQuery {
  readonly agent: AgentId;
  /** Of one account alone. */
  readonly account?: AccountId | undefined;
  readonly kinds: ReadonlySet<OrderEvent['kind']>;
  readonly limit: number;
}

export interface OrderEventsPage {
  readonly events: readonly OrderEvent[];
  /** Behind everything that was looked at, others' included. */
  readonly cursor: OrderEventsCursor;
  /** There may be more behind it. */
  readonly more: boolean;
}

export interface OrderEvents {
  /** Behind everything there is. */
  now(): OrderEventsCursor;
  /** Of each kind in its order, executions first; between the kinds nothing is promised. */
  since(cursor: OrderEventsCursor, query: OrderEventsQuery): OrderEventsPage;
}

interface ChangeRow extends OrderRow {
  readonly change_id: number;
  readonly change_time: number;
  readonly change_status: OrderStatus;
  readonly change_detail: string;
}

export function orderEvents({ db }: Pick<Store, 'db'>): OrderEvents {
  const head = db.prepare<[], OrderEventsCursor>(
    `SELECT (SELECT coalesce(max(id), 0) FROM order_timeline) AS changes,
            (SELECT coalesce(max(seq), 0) FROM executions) AS executions`,
  );
  // CROSS JOIN keeps the order of the tables: some rows of the timeline, and whose each is; never all orders of an agent.
  const changes = db.prepare<[Record<string, string | number | null>], ChangeRow>(
    `SELECT o.*, t.id AS change_id, t.time AS change_time, t.status AS change_status, t.detail AS change_detail
     FROM order_timeline t CROSS JOIN orders o ON o.order_id = t.order_id
     WHERE t.id > @after AND t.id <= @upTo AND o.agent_id = @agent AND (@account IS NULL OR o.account_id = @account)
     ORDER BY t.id LIMIT @limit`,
  );
  const executions = db.prepare<[Record<string, string | number | null>], ExecutionRow>(
    `SELECT * FROM executions WHERE agent_id = @agent AND seq > @after AND (@account IS NULL OR account_id = @account)
     ORDER BY seq LIMIT @limit`,
  );
  const now = (): OrderEventsCursor => head.get() ?? { changes: 0, executions: 0 };

  return {
    now,
    since(cursor, { agent, account, kinds, limit }) {
      const end = now();
      const whose = { agent, account: account ?? null };
      const events: OrderEvent[] = [];
      let at = cursor;
      const filled = kinds.has('execution')
        ? executions.all({ ...whose, after: at.executions, limit })
        : undefined;
      for (const row of filled ?? []) {
        at = { ...at, executions: row.seq };
        events.push({ kind: 'execution', trade: tradeOf(row), cursor: at });
      }
      if (filled && filled.length === limit) return { events, cursor: at, more: true };
      at = { ...at, executions: Math.max(at.executions, end.executions) };
      if (!kinds.has('order'))
        return { events, cursor: { ...at, changes: Math.max(at.changes, end.changes) }, more: false };
      const upTo = Math.min(at.changes + ORDER_EVENTS_SCAN_ROWS_MAX, end.changes);
      const left = limit - events.length;
      const changed = changes.all({ ...whose, after: at.changes, upTo, limit: left });
      for (const row of changed) {
        at = { ...at, changes: row.change_id };
        events.push({ kind: 'order', order: fromRow(row), entry: entryOf(row), cursor: at });
      }
      if (changed.length === left) return { events, cursor: at, more: true };
      return { events, cursor: { ...at, changes: Math.max(at.changes, upTo) }, more: upTo < end.changes };
    },
  };
}

const entryOf = (row: ChangeRow): TimelineEntry => ({
  timeMs: row.change_time,
  status: row.change_status,
  detail: row.change_detail,
});
