/** Reconciliation: at start, after a reconnect and for every unknown it asks the broker; it never guesses and never sends an order. */
import { isFinal } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerAdapter, BrokerExecution, BrokerOrder } from '#ports.ts';
import {
  type AfterEvent,
  applyExecution,
  applyOrder,
  applyRestart,
  applySettlement,
} from './broker-events.ts';
import { acceptTerms, mustFind, restingState } from './dispatch.ts';
import { isLedgerEmpty, postOpening } from './ledger.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { within } from './outside.ts';
import { alignPositions } from './reconcile-positions.ts';
import { transition } from './transition.ts';

/**
 * At start, before anything may be sent: what was `submitting` when the process ended has an unclear outcome, and a key that
 * was bound to a reduction which never finished is free again (repeating a cancel or a close is harmless).
 */
export function markInterrupted(line: Line): void {
  line.store.transaction(() => {
    for (const order of line.orders.working({})) {
      if (order.status === 'submitting') {
        transition(line, order, {
          to: 'unknown',
          detail: 'the gateway ended before the broker answered; asking the broker',
        });
      } else if (order.status === 'received') {
        transition(line, order, {
          to: 'refused',
          detail: 'the gateway ended before it was cleared; nothing was sent',
          patch: { reason: 'interrupted' },
        });
      }
    }
    line.store.db.prepare('DELETE FROM idempotency WHERE outcome IS NULL AND order_id IS NULL').run();
  });
}

/** Compares one account with its broker. Gives true when every question was answered. */
export async function reconcile(
  line: Line,
  account: AccountId,
  after: (done: AfterEvent) => void,
): Promise<boolean> {
  const adapter = line.adapters.get(account);
  if (adapter === undefined || !adapter.connected()) return false;
  line.memory.suspect.delete(account);
  try {
    await readHistory(line, adapter, after);
    await alignOrders(line, adapter, after);
    await alignPositions(line, adapter, {
      positions: () => answered(line, adapter.positions(), 'its positions'),
      readHistory: () => readHistory(line, adapter, after),
    });
  } catch (cause) {
    line.memory.suspect.add(account);
    line.audit.recordDeferred({
      kind: 'reconcile.failed',
      account,
      outcome: 'error',
      detail: { why: cause instanceof Error ? cause.message : String(cause) },
    });
    return false;
  }
  const wallMs = line.wallMs();
  line
    .prepare(
      `INSERT INTO broker_cursors (account_id, reconciled_at) VALUES (?, ?)
       ON CONFLICT DO UPDATE SET reconciled_at = excluded.reconciled_at`,
    )
    .run(account, wallMs);
  line.memory.reconciled.set(account, wallMs);
  return true;
}

async function answered<T>(line: Line, answer: Promise<T>, what: string): Promise<T> {
  const got = await within(
    line,
    answer.then((value) => ({ value })),
    BROKER_CALL_TIMEOUT_MS,
  );
  if (got === undefined) throw new Error(`the broker did not answer for ${what}`);
  return got.value;
}

/** Executions and settlements since the last cursor, each posted with the cursor it moves in one transaction. */
async function readHistory(
  line: Line,
  adapter: BrokerAdapter,
  after: (done: AfterEvent) => void,
): Promise<void> {
  const { account } = adapter;
  const stored = line
    .prepare<[string], { cursor: string | null }>('SELECT cursor FROM broker_cursors WHERE account_id = ?')
    .get(account)?.cursor;
  const history = await answered(line, adapter.historySince(stored ?? undefined), 'its history');
  if (isLedgerEmpty(line, account)) await openLedger(line, adapter, history.executions);
  const filled: StoredOrder[] = [];
  line.store.transaction(() => {
    for (const execution of history.executions) {
      const order = applyExecution(line, account, execution);
      if (order !== undefined) filled.push(order);
    }
    for (const settlement of history.settlements) applySettlement(line, account, settlement);
    for (const restart of history.restarts ?? []) applyRestart(line, account, restart);
    line
      .prepare(
        'INSERT INTO broker_cursors (account_id, cursor) VALUES (?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor',
      )
      .run(account, history.cursor);
  });
  for (const order of filled) after({ filled: order });
}

/** The first time: the cash that the account had before its known executions is its capital. */
async function openLedger(
  line: Line,
  adapter: BrokerAdapter,
  executions: readonly BrokerExecution[],
): Promise<void> {
  const balance = await answered(line, adapter.balance(), 'its balance');
  let cash = balance.cash;
  for (const execution of executions) {
    const multiplier = line.book.byId(execution.instrument)?.multiplier ?? '1';
    const gross = execution.price.times(execution.qty).times(multiplier);
    cash = (execution.side === 'buy' ? cash.plus(gross) : cash.minus(gross)).plus(
      execution.fee,
    ) as typeof cash;
  }
  line.store.transaction(() => postOpening(line, adapter.account, cash));
}

/** Every order that we think is working, and every one that the broker has. */
async function alignOrders(
  line: Line,
  adapter: BrokerAdapter,
  after: (done: AfterEvent) => void,
): Promise<void> {
  const open = await answered(line, adapter.openOrders(), 'its open orders');
  const ours = new Map(atBroker(line, adapter).map((order) => [order.brokerClientId, order]));
  const seen = new Set<string>();
  for (const order of open) {
    const known = order.brokerClientId === null ? undefined : ours.get(order.brokerClientId);
    // Most of a thousand say nothing new: they are told from those that do without a transaction each.
    const applied =
      known !== undefined && saysNothingNew(known, order)
        ? known
        : line.store.transaction(() => align(line, adapter.account, order));
    if (applied !== undefined) {
      seen.add(applied.orderId);
      after({ opened: applied });
    }
  }
  for (const order of atBroker(line, adapter)) {
    if (seen.has(order.orderId) || inFlight(line, order)) continue;
    const told = await answered(
      line,
      adapter.orderByClientId(order.brokerClientId),
      `order ${order.orderId}`,
    );
    const now = line.store.transaction(() =>
      told === undefined ? applyAbsence(line, adapter, order) : align(line, adapter.account, told),
    );
    if (now !== undefined) after({ opened: now });
  }
}

/** What waits for the owner was never sent: no broker is asked for it, and that it has none says nothing. */
const atBroker = (line: Line, { account }: BrokerAdapter): readonly StoredOrder[] =>
  line.orders.working({ account }).filter(({ status }) => status !== 'pending_approval');

/** Whether its `place` may still be answered in this process. */
export function inFlight(line: Line, order: StoredOrder): boolean {
  const sentAt = line.memory.sentAtMs.get(order.orderId);
  return (
    order.status === 'submitting' &&
    sentAt !== undefined &&
    line.clock.monotonicMs() - sentAt < BROKER_CALL_TIMEOUT_MS
  );
}

/** Both sides have it at rest, as the same order of the same size: `align` would leave it as it is. */
const saysNothingNew = (known: StoredOrder, seen: BrokerOrder): boolean =>
  (known.status === 'open' || known.status === 'partially_filled') &&
  (seen.status === 'open' || seen.status === 'partially_filled') &&
  known.brokerOrderId !== null &&
  known.pending === null &&
  known.held === seen.held &&
  known.qty.eq(seen.qty);

/** Takes the broker's word, and settles a change or a cancel whose answer was lost. */
function align(line: Line, account: AccountId, seen: BrokerOrder): StoredOrder | undefined {
  const applied = applyOrder(line, account, seen);
  if (applied === undefined || isFinal(applied.status)) return applied;
  const working = seen.status === 'open' || seen.status === 'partially_filled';
  if (!working) return applied;
  // A request may still be on its way, or take effect in a moment: only one that nobody can be waiting for is settled so.
  const stale =
    line.wallMs() - inStateSinceMs(line, applied) >= BROKER_CALL_TIMEOUT_MS ||
    !line.memory.reconciled.has(account);
  if (!stale) return applied;
  if (applied.pending !== null) {
    const { terms } = applied.pending;
    const taken =
      terms.qty.eq(seen.qty) &&
      terms.limitPrice?.toFixed() === seen.limitPrice?.toFixed() &&
      (applied.type === 'trailing_stop' || terms.stopPrice?.toFixed() === seen.stopPrice?.toFixed());
    return taken
      ? acceptTerms(line, applied, 'the broker shows the new terms')
      : transition(line, applied, {
          to: restingState(applied),
          detail: 'the broker shows the old terms; the change did not happen',
          patch: { pending: null },
        });
  }
  if (applied.status === 'pending_cancel') {
    return transition(line, applied, {
      to: restingState(applied),
      detail: 'still working at the broker; the cancel did not happen',
    });
  }
  return applied;
}

/** Since when it has had its status: a fill in between, or a request that timed out, is no new request. */
function inStateSinceMs(line: Line, { orderId, status, updatedAtMs }: StoredOrder): number {
  const since = line
    .prepare<[string, string, string], number | null>(
      `SELECT min(time) FROM order_timeline WHERE order_id = ? AND id > coalesce(
         (SELECT max(id) FROM order_timeline WHERE order_id = ? AND status <> ?), 0)`,
    )
    .pluck()
    .get(orderId, orderId, status);
  return since ?? updatedAtMs;
}

/**
 * The broker has no such order. That is its final word only once a request can no longer be on its way; until then the order
 * stays unknown and keeps its reservation.
 */
function applyAbsence(line: Line, adapter: BrokerAdapter, order: StoredOrder): StoredOrder | undefined {
  const { ids } = adapter.capabilities;
  if (!ids.queryByClientId) return undefined;
  const sentAt = line.memory.sentAtMs.get(order.orderId);
  const sinceMs =
    sentAt === undefined ? line.wallMs() - order.updatedAtMs : line.clock.monotonicMs() - sentAt;
  if (sinceMs < ids.absentIsFinalAfterMs) {
    line.memory.suspect.add(order.account);
    return undefined;
  }
  const current = mustFind(line, order.orderId);
  if (isFinal(current.status)) return current;
  line.memory.sentAtMs.delete(order.orderId);
  const never = current.brokerOrderId === null;
  return transition(line, current, {
    to: never ? 'rejected' : 'canceled',
    detail: never ? 'the broker never received it' : 'the broker has it no longer',
    patch: { reason: never ? 'never reached the broker' : 'no longer at the broker' },
  });
}
