/** What a fallen gate takes back: orders that could add risk, canceled again and again until none is left. */
import { type FinalState, isFinal } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { KILL_SWEEP_INTERVAL_MS, KILL_SWEEPS_REPORTED_MAX, KILL_UNWRITTEN_WAIT_MS } from '#limits.ts';
import { StoreUnavailable } from '#store/open.ts';
import { cancelMany } from './cancel.ts';
import { dispatchCancel, markCanceling } from './dispatch.ts';
import { couldAdd } from './elsewhere.ts';
import { opposes } from './holdings.ts';
import { instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { within } from './outside.ts';
import { takingFromOthers } from './reducible.ts';
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

/**
 * The owner's own flatten is never swept, and is never left over: what it has not closed yet is in `positionsLeft`. What waits for
 * the owner's approval no broker has heard of.
 */
export const sweepable = (line: Line, account?: AccountId): readonly StoredOrder[] =>
  line.orders
    .working(account === undefined ? {} : { account })
    .filter(({ origin, status }) => origin !== 'flatten' && status !== 'pending_approval');

export const dueIn = (line: Line, { account, cancel }: Omit<Sweep, 'why'>): readonly StoredOrder[] =>
  sweepable(line, account).filter((order) => toCancel(line, order, cancel));

/**
 * What a sweep takes. Protective orders are kept while the position they protect is open: what would take from another holder
 * protects nothing. A leg goes with its entry when the entry has filled nothing.
 */
export function toCancel(line: Line, order: StoredOrder, cancel: Taking): boolean {
  if (cancel === 'none' || order.origin === 'flatten' || isFinal(order.status)) return false;
  if (cancel === 'all') return true;
  if (order.effect === 'adding') return couldAdd(line, order);
  if (order.parentOrderId !== null) return false;
  const position = line.holdings.of(order.agent, order.account, order.instrument).qty;
  if (!opposes(order.side, position)) return true;
  return (
    order.reach === 'account' && takingFromOthers(line, order).some((one) => one.orderId === order.orderId)
  );
}

/** Cancels, looks again, and repeats while something that may be canceled is still working. */
export async function sweep(line: Line, what: Sweep): Promise<CancelResult> {
  const canceled = new Set<string>();
  let last: CancelResult = { canceled: [], pending: [], failed: [] };
  for (let round = 0; round < KILL_SWEEPS_REPORTED_MAX; round++) {
    const due = dueIn(line, what);
    if (due.length === 0) break;
    if (!announced(line, due, what.why)) return sweepUnwritten(line, due, what.why);
    last = await cancelMany(line, due, what.why);
    for (const id of last.canceled) canceled.add(id);
    if (last.pending.length === 0 && last.failed.length === 0) continue;
    await pause(line);
  }
  return { canceled: [...canceled].sort(), pending: last.pending, failed: last.failed };
}

const pause = (line: Line): Promise<void> =>
  new Promise((resolve) => {
    line.clock.after(KILL_SWEEP_INTERVAL_MS, resolve);
  });

/** All of them in one commit: one after the other, the last cancel would wait for as many syncs of the disk as there are orders. */
function announced(line: Line, due: readonly StoredOrder[], why: string): boolean {
  try {
    line.store.transaction(() => {
      for (const order of due) markCanceling(line, order.orderId, why, undefined);
    });
    return true;
  } catch (cause) {
    if (cause instanceof StoreUnavailable) return false;
    throw cause;
  }
}

/**
 * Where nothing can be written the books can not follow what the broker says, and waiting for them would only keep the report
 * from the owner: each cancel is sent once, and the broker itself is asked what has become of the order.
 */
async function sweepUnwritten(line: Line, due: readonly StoredOrder[], why: string): Promise<CancelResult> {
  const outcomes = await Promise.all(
    due.map(async (order) => ({ order, said: await dispatchCancel(line, order, why) })),
  );
  const refused = outcomes.flatMap(({ order: { orderId }, said }) =>
    said.kind === 'rejected' ? [{ orderId, reason: said.reason }] : [],
  );
  const untilMs = line.clock.monotonicMs() + KILL_UNWRITTEN_WAIT_MS;
  let asked = outcomes.filter(({ said }) => said.kind !== 'rejected').map(({ order }) => order);
  const ends: { readonly orderId: string; readonly status: FinalState }[] = [];
  for (;;) {
    const seen = await Promise.all(asked.map(async (order) => ({ order, status: await endAt(line, order) })));
    ends.push(...seen.flatMap(({ order: { orderId }, status }) => (status ? [{ orderId, status }] : [])));
    asked = seen.flatMap(({ order, status }) => (status === undefined ? [order] : []));
    if (asked.length === 0 || line.clock.monotonicMs() >= untilMs) break;
    await pause(line);
  }
  const wasFirst = (status: FinalState): boolean => status !== 'canceled' && status !== 'expired';
  return {
    canceled: ends
      .filter(({ status }) => !wasFirst(status))
      .map(({ orderId }) => orderId)
      .sort(),
    pending: asked.map(({ orderId }) => orderId).sort(),
    failed: [
      ...refused,
      ...ends
        .filter(({ status }) => wasFirst(status))
        .map(({ orderId, status }) => ({ orderId, reason: `it was ${status} first` })),
    ],
  };
}

/** How the order has ended by its broker's word; undefined: it is open, or the broker does not say. */
async function endAt(line: Line, order: StoredOrder): Promise<FinalState | undefined> {
  try {
    const answer = line.adapters.get(order.account)?.orderByClientId(order.brokerClientId);
    const found = answer && (await within(line, answer, KILL_UNWRITTEN_WAIT_MS));
    const status = found?.status;
    return status === 'open' || status === 'partially_filled' ? undefined : status;
  } catch {
    return undefined;
  }
}

/** What there is after a sweep: orders kept, orders left over, positions. `canceled` counts even where the books do not know of it. */
export function leftAfter(
  line: Line,
  { account, cancel }: Omit<Sweep, 'why'>,
  { canceled }: Pick<CancelResult, 'canceled'>,
): Pick<KillReport, 'kept' | 'ordersLeft' | 'positionsLeft'> {
  const gone = new Set(canceled);
  const left = sweepable(line, account).filter(({ orderId }) => !gone.has(orderId));
  const kept = left.filter((order) => !couldAdd(line, order) && !toCancel(line, order, cancel));
  const ids = (orders: readonly StoredOrder[]): readonly string[] => orders.map(({ orderId }) => orderId);
  return {
    kept: ids(kept),
    ordersLeft: ids(left.filter((order) => !kept.includes(order))),
    positionsLeft: line.holdings
      .exposed()
      .filter((holding) => account === undefined || holding.account === account)
      .map((holding) => ({
        account: holding.account,
        symbol: instrumentOf(line, holding.instrument).symbol,
        qty: holding.qty,
      })),
  };
}
