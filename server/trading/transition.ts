/** The only writer of order state: every change of an order goes through here, with its audit event and its reservation. */
import { type Money, max, subtract, text, ZERO_MONEY } from '#domain/decimal.ts';
import { isFinal, mayBecome, type OrderStatus } from '#domain/order.ts';
import type { Actor } from '#domain/principal.ts';
import { addedByChange, noteCleared } from './funds.ts';
import { agentNameOf, auditActor, type Line } from './line.ts';
import { type NewOrder, reservedValue, type StoredOrder } from './order-rows.ts';
import type { Needed } from './valuation.ts';

/** What may change beside the status. */
export type OrderPatch = Partial<
  Pick<
    StoredOrder,
    | 'brokerOrderId'
    | 'qty'
    | 'limitPrice'
    | 'stopPrice'
    | 'trail'
    | 'filledQty'
    | 'filledValue'
    | 'unitValue'
    | 'pending'
    | 'held'
    | 'reach'
    | 'reason'
  >
>;

export interface Change {
  readonly to: OrderStatus;
  /** One sentence for the timeline. */
  readonly detail: string;
  readonly patch?: OrderPatch;
  readonly actor?: Actor;
  /** What it was cleared on. */
  readonly needed?: Needed;
}

/** Writes a new order in its first state, with its timeline and audit event. Inside a transaction. */
export function createOrder(line: Line, order: NewOrder, detail: string, actor?: Actor): StoredOrder {
  const stored = line.orders.insert(order);
  line.usage.follow(undefined, stored);
  recordChange(line, undefined, stored, { detail, ...(actor ? { actor } : {}) });
  return stored;
}

/**
 * Moves an order to another state. Inside a transaction; throws on an illegal transition (a bug, so that nothing commits).
 * The same state is allowed when something else changes (a second partial fill, a new quantity).
 */
export function transition(line: Line, order: StoredOrder, change: Change): StoredOrder {
  if (order.status !== change.to && !mayBecome(order.status, change.to)) {
    throw new Error(`illegal transition of ${order.orderId}: ${order.status} to ${change.to}`);
  }
  const next: StoredOrder = {
    ...order,
    ...change.patch,
    status: change.to,
    ...(isFinal(change.to) ? { pending: null } : {}),
    updatedAtMs: line.wallMs(),
  };
  line.orders.update(next);
  line.usage.follow(order, next);
  if (change.to === 'submitting') noteCleared(line, next, taken(change) ?? reservedValue(next));
  else if (change.to === 'pending_replace' && order.pending === null)
    noteCleared(line, next, taken(change) ?? addedByChange(next));
  recordChange(line, order, next, change);
  return next;
}

/** What the broker itself will take of the account's buying power, where it said so. */
const taken = ({ needed }: Change): Money | undefined =>
  needed?.told ? max(subtract(needed.amount, needed.free), ZERO_MONEY) : undefined;

/** A late execution on a final order: its filled quantity changes, its status never. */
export function addLateFill(line: Line, order: StoredOrder, patch: OrderPatch, detail: string): StoredOrder {
  const next: StoredOrder = { ...order, ...patch, updatedAtMs: line.wallMs() };
  line.orders.update(next);
  recordChange(line, order, next, { detail });
  return next;
}

function recordChange(
  line: Line,
  before: StoredOrder | undefined,
  after: StoredOrder,
  change: Pick<Change, 'detail' | 'actor' | 'needed'>,
): void {
  line.orders.addTimeline(after.orderId, {
    timeMs: after.updatedAtMs,
    status: after.status,
    detail: change.detail,
  });
  const released = before ? subtract(reservedValue(before), reservedValue(after)) : undefined;
  line.audit.record({
    kind: before ? 'order.transition' : 'order.created',
    agent: agentNameOf(line, after.agent),
    ...auditActor(change.actor),
    account: after.account,
    outcome: outcomeOf(after.status),
    detail: {
      order_id: after.orderId,
      ...(before ? { from: before.status } : { type: after.type }),
      // What is unclear, or clear again, is told to the owner by this line alone.
      ...(before && before.status !== 'unknown' && after.status !== 'unknown'
        ? {}
        : { symbol: after.symbol, side: after.side }),
      to: after.status,
      qty: text(after.qty),
      filled_qty: text(after.filledQty),
      ...(after.limitPrice ? { limit_price: text(after.limitPrice) } : {}),
      ...(after.stopPrice ? { stop_price: text(after.stopPrice) } : {}),
      ...(change.needed?.told ? { margin: text(change.needed.amount) } : {}),
      ...(after.reason ? { reason: after.reason } : {}),
      ...(released && !released.eq('0') ? { released: text(released) } : {}),
      text: change.detail,
    },
  });
  line.store.afterCommit(() => {
    // A fill in between, or a request that timed out, is no new request.
    if (isFinal(after.status)) {
      line.memory.inStateSinceMs.delete(after.orderId);
      line.memory.takingBack.delete(after.orderId);
    } else if (before?.status !== after.status)
      line.memory.inStateSinceMs.set(after.orderId, line.clock.monotonicMs());
    // A copy: a watcher that is satisfied removes itself.
    for (const watch of Array.from(line.memory.watchers.get(after.orderId) ?? [])) watch(after);
  });
}

function outcomeOf(status: OrderStatus): 'ok' | 'refused' | 'rejected' | 'unknown' {
  switch (status) {
    case 'refused':
      return 'refused';
    case 'rejected':
      return 'rejected';
    case 'unknown':
      return 'unknown';
    case 'received':
    case 'pending_approval':
    case 'submitting':
    case 'open':
    case 'partially_filled':
    case 'pending_replace':
    case 'pending_cancel':
    case 'filled':
    case 'canceled':
    case 'expired':
      return 'ok';
    default:
      return status satisfies never;
  }
}
