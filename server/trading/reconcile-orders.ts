/** Comparing orders with their broker: its list, then a question for each that the list leaves open; never a guess, never an order. */
import { isFinal } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS, RECONCILE_UNANSWERED_MAX } from '#limits.ts';
import type { BrokerAdapter, BrokerOrder } from '#ports.ts';
import { type AfterEvent, applyOrder, find } from './broker-events.ts';
import { mustFind } from './dispatch.ts';
import { unheardIn } from './evidence-rows.ts';
import { EXTERNAL_HOLDER } from './holdings.ts';
import { type Insistence, insistence } from './insistence.ts';
import type { Line } from './line.ts';
import { forgetTold, isNews } from './once.ts';
import { endChange } from './order-changes.ts';
import type { StoredOrder } from './order-rows.ts';
import { answered } from './outside.ts';
import { hear, isAtWork, NEVER_REACHED, NO_LONGER_THERE } from './taken-up.ts';
import { acceptTerms, differs, followTerms, restingState } from './terms.ts';
import { transition } from './transition.ts';
import { isListed, noteUnlisted } from './unlisted.ts';

/**
 * Every order that we think is working, every one that the broker has, and those whose settlement it has not been heard about. Gives
 * the orders that a broker which can not be asked for one has left out of its list.
 */
export async function alignOrders(
  line: Line,
  adapter: BrokerAdapter,
  after: (done: AfterEvent) => void,
): Promise<readonly StoredOrder[]> {
  const { account } = adapter;
  const asked = new Map(line.orders.working({ account }).map((order) => [order.orderId, order]));
  const open = await answered(line, adapter.openOrders(), 'its open orders');
  const seen = new Set<string>();
  const insisting = insistence(line, account);
  noteUnlistedOrders(line, account, open);
  for (const told of open) {
    const known = find(line, account, told);
    // The answer is older than what is known since: that order is asked for by itself.
    if (known !== undefined && hasMoved(asked.get(known.orderId), known)) continue;
    // Most of a thousand say nothing new: they are told from those that do without a transaction each.
    const applied =
      known !== undefined && saysNothingNew(known, told)
        ? known
        : line.store.transaction(() => align(line, account, told, insisting));
    if (applied === undefined) continue;
    seen.add(applied.orderId);
    after({ opened: applied });
  }
  return askEach(line, adapter, { seen, insisting, after });
}

/** Those that the list did not settle, each as it is when its turn comes. */
async function askEach(
  line: Line,
  adapter: BrokerAdapter,
  {
    seen,
    insisting,
    after,
  }: {
    readonly seen: ReadonlySet<string>;
    readonly insisting: Insistence;
    readonly after: (done: AfterEvent) => void;
  },
): Promise<readonly StoredOrder[]> {
  const { account, capabilities } = adapter;
  const gone: StoredOrder[] = [];
  let unanswered = 0;
  const ids = new Set([
    ...line.orders.working({ account }).map(({ orderId }) => orderId),
    ...(capabilities.ids.queryByClientId ? unheardIn(line, account) : []),
  ]);
  for (const orderId of ids) {
    const order = mustFind(line, orderId);
    if (seen.has(orderId) || !wasSent(order) || inFlight(line, order)) continue;
    if (!capabilities.ids.queryByClientId) {
      if (!isFinal(order.status) && leavesNothing(line, adapter, order)) gone.push(order);
      continue;
    }
    const answer = await asked(line, adapter, order);
    if (answer === undefined) {
      // It can not say of this one; of the others it may. What goes on not answering is gone, and tells so at the next question.
      if (++unanswered >= RECONCILE_UNANSWERED_MAX) break;
      continue;
    }
    unanswered = 0;
    const { told } = answer;
    if (hasMoved(order, mustFind(line, orderId))) {
      line.memory.suspect.add(account);
      continue;
    }
    const now = line.store.transaction(() =>
      told === undefined
        ? applyAbsence(line, adapter, { order, insisting })
        : align(line, account, told, insisting),
    );
    if (now !== undefined) after({ opened: now });
  }
  return gone;
}

/** undefined: the broker could not say. */
async function asked(
  line: Line,
  adapter: BrokerAdapter,
  { orderId, brokerClientId }: StoredOrder,
): Promise<{ readonly told: BrokerOrder | undefined } | undefined> {
  try {
    return { told: await answered(line, adapter.orderByClientId(brokerClientId), `order ${orderId}`) };
  } catch {
    return undefined;
  }
}

/**
 * Whether not standing among the open orders says that an order is over, where the broker can not be asked for one. Of one that it
 * acknowledged it does. One that it never acknowledged must be recognised there by our id, and nothing may have been found there since
 * that could be it and names nobody.
 */
function leavesNothing(line: Line, { capabilities }: BrokerAdapter, order: StoredOrder): boolean {
  if (order.brokerOrderId !== null) return true;
  if (capabilities.ids.scope !== 'open_orders') return false;
  const unclaimed = line
    .prepare<[string, string, string, string, number], number>(
      `SELECT 1 FROM orders
       WHERE agent_id = ? AND account_id = ? AND instrument_id = ? AND side = ? AND created_at >= ? LIMIT 1`,
    )
    .pluck()
    .get(EXTERNAL_HOLDER, order.account, order.instrument, order.side, order.createdAtMs);
  return unclaimed === undefined;
}

const UNLISTED = 'order:';

/** Orders in instruments that are in no list here are not in the books: each is on the record once. */
function noteUnlistedOrders(line: Line, account: AccountId, open: readonly BrokerOrder[]): void {
  const unlisted = open.filter((told) => !isListed(line, account, told.instrument));
  const still = new Set(unlisted.map(({ brokerOrderId }) => UNLISTED + brokerOrderId));
  line.store.transaction(() => {
    for (const { brokerOrderId: id, instrument } of unlisted)
      if (isNews(line, account, UNLISTED + id, instrument))
        noteUnlisted(line, account, { what: 'order', id, instrument });
    forgetTold(line, account, UNLISTED, still);
  });
}

/** Nothing of an order that waits for a human, or is not decided yet, has left this process. */
const wasSent = ({ status }: StoredOrder): boolean => status !== 'received' && status !== 'pending_approval';

/** Whether an order is another than when the broker was asked: an answer that was on its way must not undo what has come since. */
function hasMoved(before: StoredOrder | undefined, now: StoredOrder): boolean {
  if (before === undefined) return !isFinal(now.status);
  return (
    before.status !== now.status ||
    !before.filledQty.eq(now.filledQty) ||
    !before.qty.eq(now.qty) ||
    before.limitPrice?.toFixed() !== now.limitPrice?.toFixed() ||
    before.stopPrice?.toFixed() !== now.stopPrice?.toFixed() ||
    before.held !== now.held ||
    before.pending?.terms.qty.toFixed() !== now.pending?.terms.qty.toFixed() ||
    before.brokerOrderId !== now.brokerOrderId
  );
}

/** Whether its `place` may still be answered in this process. */
export function inFlight(line: Line, order: StoredOrder): boolean {
  const sentAt = line.memory.sentAtMs.get(order.orderId);
  return (
    order.status === 'submitting' &&
    sentAt !== undefined &&
    line.clock.monotonicMs() - sentAt < BROKER_CALL_TIMEOUT_MS
  );
}

/** Both sides have it at rest, as the same order on the same terms: `align` would leave it as it is. */
const saysNothingNew = (known: StoredOrder, seen: BrokerOrder): boolean =>
  (known.status === 'open' || known.status === 'partially_filled') &&
  (seen.status === 'open' || seen.status === 'partially_filled') &&
  known.brokerOrderId !== null &&
  known.pending === null &&
  known.held === seen.held &&
  !differs(known, seen) &&
  known.filledQty.lte(seen.filledQty);

/** Takes the broker's word, and settles a change or a cancel whose answer was lost. */
function align(
  line: Line,
  account: AccountId,
  told: BrokerOrder,
  insisting: Insistence,
): StoredOrder | undefined {
  const known = find(line, account, told);
  if (known !== undefined) hear(line, known, told, insisting);
  const heard = applyOrder(line, account, told);
  if (heard === undefined || isFinal(heard.status)) return heard;
  const working = told.status === 'open' || told.status === 'partially_filled';
  if (!working) return heard;
  const pending = heard.pending === null ? undefined : { ...heard, ...heard.pending.terms };
  const others =
    isAtWork(heard, told) && differs(heard, told) && (pending === undefined || differs(pending, told));
  const applied = others && insisting.again(heard, told) ? followTerms(line, heard, told) : heard;
  // A request may still be on its way, or take effect in a moment: only one that nobody can be waiting for is settled so.
  const stale = inStateMs(line, applied) >= BROKER_CALL_TIMEOUT_MS || !line.memory.reconciled.has(account);
  if (!stale) return applied;
  if (applied.pending !== null) {
    const { terms } = applied.pending;
    const taken =
      terms.qty.eq(told.qty) &&
      terms.limitPrice?.toFixed() === told.limitPrice?.toFixed() &&
      (applied.type === 'trailing_stop' || terms.stopPrice?.toFixed() === told.stopPrice?.toFixed());
    if (taken) return acceptTerms(line, applied, 'the broker shows the new terms');
    const reason = 'the broker shows the old terms; the change did not happen';
    endChange(line, applied.orderId, { outcome: 'rejected', reason });
    return transition(line, applied, { to: restingState(applied), detail: reason, patch: { pending: null } });
  }
  if (applied.status === 'pending_cancel') {
    return transition(line, applied, {
      to: restingState(applied),
      detail: 'still working at the broker; the cancel did not happen',
    });
  }
  return applied;
}

/** How long it has had its status, by a clock that does not jump. */
export function inStateMs(line: Line, { orderId }: StoredOrder): number {
  const now = line.clock.monotonicMs();
  return now - (line.memory.inStateSinceMs.get(orderId) ?? now);
}

/**
 * The broker has no such order. That is its final word only once a request can no longer be on its way; until then the order
 * stays unknown and keeps its reservation.
 */
function applyAbsence(
  line: Line,
  adapter: BrokerAdapter,
  { order, insisting }: { readonly order: StoredOrder; readonly insisting: Insistence },
): StoredOrder | undefined {
  if (!absenceIsFinal(line, adapter, order)) {
    line.memory.suspect.add(order.account);
    return undefined;
  }
  const current = hear(line, order, undefined, insisting);
  if (isFinal(current.status)) return current;
  line.memory.sentAtMs.delete(order.orderId);
  const never = current.brokerOrderId === null && current.filledQty.eq('0');
  return transition(line, current, {
    to: never ? 'rejected' : 'canceled',
    detail: never ? 'the broker never received it' : 'the broker has it no longer',
    patch: { reason: never ? NEVER_REACHED : NO_LONGER_THERE },
  });
}

function absenceIsFinal(line: Line, adapter: BrokerAdapter, order: StoredOrder): boolean {
  const sentAt = line.memory.sentAtMs.get(order.orderId);
  const sinceMs = sentAt === undefined ? inStateMs(line, order) : line.clock.monotonicMs() - sentAt;
  return sinceMs >= adapter.capabilities.ids.absentIsFinalAfterMs;
}

/**
 * Orders that the broker lists no longer, where it can not be asked for one: its list is its word that they do not work any more, and
 * its history, read afterwards, that they did not fill.
 */
export function endGone(line: Line, adapter: BrokerAdapter, gone: readonly StoredOrder[]): void {
  line.store.transaction(() => {
    for (const order of gone) {
      const moved = hasMoved(order, mustFind(line, order.orderId));
      // Asked again: what filled meanwhile may be its own, without its name.
      if (moved || !absenceIsFinal(line, adapter, order) || !leavesNothing(line, adapter, order)) {
        line.memory.suspect.add(order.account);
        continue;
      }
      transition(line, order, {
        to: 'canceled',
        detail:
          'the broker does not list it among its open orders any more, and has told no fill of the rest',
        patch: { reason: NO_LONGER_THERE },
      });
    }
  });
}
