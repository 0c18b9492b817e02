/** Reconciliation: at start, after a reconnect and for every unknown it asks the broker; it never guesses and never sends an order. */
import type { AccountId } from '#domain/principal.ts';
import type { BrokerAdapter, BrokerExecution } from '#ports.ts';
import { type AfterEvent, applyExecution, applyRestart, applySettlement } from './broker-events.ts';
import { dropFunds } from './funds.ts';
import { heldBy, isLedgerEmpty, postOpening } from './ledger.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { answered } from './outside.ts';
import { alignCash } from './reconcile-cash.ts';
import { alignOrders, endGone } from './reconcile-orders.ts';
import { alignPositions } from './reconcile-positions.ts';
import { transition } from './transition.ts';
import { isListed, noteUnlisted } from './unlisted.ts';

/**
 * At start, before anything may be sent: what was `submitting` when the process ended has an unclear outcome, and a key that
 * was bound to a reduction which never finished is free again (repeating a cancel or a close is harmless).
 */
export function markInterrupted(line: Line): void {
  line.store.transaction(() => {
    for (const order of line.orders.working({})) {
      line.memory.inStateSinceMs.set(order.orderId, line.clock.monotonicMs());
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

/** Compares one account with its broker, after a comparison that is under way. Gives true when every question was answered. */
export function reconcile(
  line: Line,
  account: AccountId,
  after: (done: AfterEvent) => void,
): Promise<boolean> {
  const before = line.memory.reconciling.get(account) ?? Promise.resolve(true);
  const mine = before.then(
    () => compare(line, account, after),
    () => compare(line, account, after),
  );
  line.memory.reconciling.set(account, mine);
  return mine.finally(() => {
    if (line.memory.reconciling.get(account) === mine) line.memory.reconciling.delete(account);
  });
}

async function compare(line: Line, account: AccountId, after: (done: AfterEvent) => void): Promise<boolean> {
  const adapter = line.adapters.get(account);
  if (adapter === undefined || !adapter.connected()) return false;
  line.memory.suspect.delete(account);
  const returned = line.memory.behind.get(account);
  try {
    await readHistory(line, adapter, after);
    const gone = await alignOrders(line, adapter, after);
    if (gone.length > 0) {
      // What filled between the two answers is not gone but filled: its executions come first.
      await readHistory(line, adapter, after);
      endGone(line, adapter, gone);
    }
    await alignPositions(line, adapter, {
      positions: () => answered(line, adapter.positions(), 'its positions'),
      readHistory: () => readHistory(line, adapter, after),
    });
    await alignCash(line, account, () => answered(line, adapter.balance(), 'its balance'));
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
  // One that went and came again meanwhile has been compared only in part.
  if (line.memory.behind.get(account) === returned) line.memory.behind.delete(account);
  return true;
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
      if (!isListed(line, account, execution.instrument)) {
        dropFunds(line, account);
        noteUnlisted(line, account, { what: 'execution', id: execution.executionId, ...execution });
        continue;
      }
      const order = applyExecution(line, account, execution);
      if (order !== undefined) filled.push(order);
    }
    for (const settlement of history.settlements)
      if (isListed(line, account, settlement.instrument)) applySettlement(line, account, settlement);
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
    const multiplier = line.book.byId(execution.instrument)?.multiplier;
    if (multiplier === undefined) continue;
    const gross = execution.price.times(heldBy(execution)).times(multiplier);
    cash = (execution.side === 'buy' ? cash.plus(gross) : cash.minus(gross)).plus(
      execution.fee,
    ) as typeof cash;
  }
  line.store.transaction(() => postOpening(line, adapter.account, cash));
}
