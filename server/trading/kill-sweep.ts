/** What a fallen gate takes back: orders that could add risk, canceled again and again until none is left. */
import { isFinal } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { KILL_SWEEP_INTERVAL_MS, KILL_SWEEPS_REPORTED_MAX } from '#limits.ts';
import { cancelMany } from './cancel.ts';
import { instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { CancelResult, KillReport } from './views.ts';

/** Which orders: those that could add risk, all, none. */
export type Taking = 'adding' | 'all' | 'none';

export interface Sweep {
  readonly cancel: Taking;
  /** Absent: in every account. */
  readonly account?: AccountId;
  /** For the timeline of each order. */
  readonly why: string;
}

/** The owner's own flatten is never swept, and is never left over: what it has not closed yet is in `positionsLeft`. */
const working = (line: Line, { account }: Pick<Sweep, 'account'>): readonly StoredOrder[] =>
  line.orders.working(account === undefined ? {} : { account }).filter((order) => order.origin !== 'flatten');

export const dueIn = (line: Line, what: Omit<Sweep, 'why'>): readonly StoredOrder[] =>
  working(line, what).filter((order) => toCancel(line, order, what.cancel));

/**
 * What a sweep takes. Protective orders are kept while the position they protect is open; a leg goes with its entry when the
 * entry has filled nothing.
 */
export function toCancel(line: Line, order: StoredOrder, cancel: Taking): boolean {
  if (cancel === 'none' || order.origin === 'flatten' || isFinal(order.status)) return false;
  if (cancel === 'all') return true;
  if (order.effect === 'adding') return true;
  const position = line.holdings.of(order.agent, order.account, order.instrument).qty;
  return position.eq('0') && order.parentOrderId === null;
}

/** Cancels, looks again, and repeats while something that may be canceled is still working. */
export async function sweep(line: Line, what: Sweep): Promise<CancelResult> {
  const canceled = new Set<string>();
  let last: CancelResult = { canceled: [], pending: [], failed: [] };
  for (let round = 0; round < KILL_SWEEPS_REPORTED_MAX; round++) {
    const due = dueIn(line, what);
    if (due.length === 0) break;
    last = await cancelMany(line, due, what.why);
    for (const id of last.canceled) canceled.add(id);
    if (last.pending.length === 0 && last.failed.length === 0) continue;
    await new Promise<void>((resolve) => {
      line.clock.after(KILL_SWEEP_INTERVAL_MS, resolve);
    });
  }
  return { canceled: [...canceled].sort(), pending: last.pending, failed: last.failed };
}

/** What is there after a sweep: orders kept, orders left over, positions. */
export function leftAfter(
  line: Line,
  what: Omit<Sweep, 'why'>,
): Pick<KillReport, 'kept' | 'ordersLeft' | 'positionsLeft'> {
  const left = working(line, what);
  const kept = left.filter((order) => order.effect === 'reducing' && !toCancel(line, order, what.cancel));
  const ids = (orders: readonly StoredOrder[]): readonly string[] => orders.map((order) => order.orderId);
  return {
    kept: ids(kept),
    ordersLeft: ids(left.filter((order) => !kept.includes(order))),
    positionsLeft: line.holdings
      .exposed()
      .filter((holding) => what.account === undefined || holding.account === what.account)
      .map((holding) => ({
        account: holding.account,
        symbol: instrumentOf(line, holding.instrument).symbol,
        qty: holding.qty,
      })),
  };
}
