/** How an approval ends: decided, expired, taken back or void, once each, together with its order. */
import { text } from '#domain/decimal.ts';
import type { OrderStatus } from '#domain/order.ts';
import type { Actor } from '#domain/principal.ts';
import { excerpt, REFUSAL_REASONS, type Refusal, type RefusalReason, refuse } from '#domain/refusal.ts';
import { APPROVAL_TTL_MS, REASON_LENGTH_MAX } from '#limits.ts';
import { StoreUnavailable } from '#store/open.ts';
import type { Approval, Ending } from './approval-rows.ts';
import { causeOf } from './cancel-words.ts';
import { mustFind } from './dispatch.ts';
import { agentNameOf, auditActor, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { transition } from './transition.ts';

export interface Waiting {
  readonly approval: Approval;
  readonly order: StoredOrder;
}

/** How the order goes on, with the ending. */
export interface Conclusion {
  readonly ending: Ending;
  readonly to: Extract<OrderStatus, 'refused' | 'canceled'>;
  readonly detail: string;
  readonly reason: string | null;
  readonly actor?: Actor | undefined;
}

/** Ends an approval and its order as one. Inside a transaction that has seen it wait. */
export function conclude(line: Line, { approval, order }: Waiting, end: Conclusion): StoredOrder {
  claim(line, approval, end.ending);
  const ended = transition(line, order, {
    to: end.to,
    detail: end.detail,
    ...(end.reason === null ? {} : { patch: { reason: end.reason } }),
    ...(end.actor ? { actor: end.actor } : {}),
  });
  const { decision, reason } = end.ending;
  recordApproval(
    line,
    { approval, order: ended },
    {
      what: decision,
      outcome: end.to === 'refused' ? 'refused' : 'ok',
      actor: end.actor,
      more: {
        ...(end.reason === null ? {} : { reason: end.reason }),
        ...(reason === null ? {} : { text: reason }),
      },
    },
  );
  return ended;
}

/** Once only, whoever comes first: the row says so, in the transaction that acts on it. */
export function claim(line: Line, approval: Approval, ending: Ending): void {
  if (!line.approvals.claim(approval.id, ending, line.wallMs()))
    throw new Error(`${approval.id} was decided before`);
  line.store.afterCommit(() => void line.memory.approvals.delete(approval.id));
}

interface ApprovalNews {
  readonly what: Ending['decision'] | 'requested' | 'renewed';
  readonly outcome: 'ok' | 'refused';
  readonly actor?: Actor | undefined;
  readonly more?: Readonly<Record<string, string>>;
}

export function recordApproval(line: Line, { approval, order }: Waiting, news: ApprovalNews): void {
  line.audit.record({
    kind: `approval.${news.what}`,
    ...auditActor(news.actor),
    agent: agentNameOf(line, order.agent),
    account: order.account,
    outcome: news.outcome,
    detail: {
      approval_id: approval.id,
      order_id: order.orderId,
      symbol: order.symbol,
      side: order.side,
      type: order.type,
      qty: text(order.qty),
      ...(order.limitPrice ? { limit_price: text(order.limitPrice) } : {}),
      ...(order.stopPrice ? { stop_price: text(order.stopPrice) } : {}),
      value: text(approval.shown.value),
      currency: approval.shown.account.currency,
      digest: approval.digest,
      expires_at: new Date(approval.expiresAtMs).toISOString(),
      ...news.more,
    },
  });
}

/** The order's approval while it waits; undefined: it does not, or not any more. */
export function waitingOf(line: Line, orderId: string): Waiting | undefined {
  const order = mustFind(line, orderId);
  if (order.status !== 'pending_approval') return undefined;
  const approval = line.approvals.byOrder(orderId);
  if (approval === undefined || approval.decided !== null)
    throw new Error(`${orderId} waits for an approval that is not there`);
  return { approval, order };
}

/**
 * Takes an order back before it is decided; the broker has never heard of it. Undefined: it does not wait any more. Where the store
 * can not write it down, it throws, and the order can not be approved any more all the same.
 */
export function withdraw(
  line: Line,
  { orderId, approvalId }: Pick<StoredOrder, 'orderId' | 'approvalId'>,
  why: string,
  actor?: Actor,
): StoredOrder | undefined {
  const reason = causeOf(why) ?? why;
  const ending: Ending = { decision: 'withdrawn', door: doorOfOwner(actor), reason, edited: null };
  try {
    return line.store.transaction(() => {
      const waiting = waitingOf(line, orderId);
      return waiting && conclude(line, waiting, { ending, ...takenBack(why), actor });
    });
  } catch (cause) {
    if (cause instanceof StoreUnavailable && approvalId !== null) forbid(line, approvalId, ending);
    throw cause;
  }
}

const takenBack = (why: string): Pick<Conclusion, 'to' | 'detail' | 'reason'> => ({
  to: 'canceled',
  detail: why,
  reason: causeOf(why),
});

const doorOfOwner = (actor: Actor | undefined): Ending['door'] =>
  actor?.kind === 'owner' ? actor.door : null;

/** It can not be decided in this process any more; the sweep writes the ending down when the store can. */
function forbid(line: Line, id: string, ending: Ending): void {
  const known = line.memory.approvals.get(id);
  // What came first stays.
  if (known !== undefined) line.memory.approvals.set(id, { ending, ...known });
}

/** Every one that waits is void: the kill switch was pressed. Inside its transaction; none comes back with a resume. Gives which. */
export function voidAll(line: Line, refusal: Refusal): readonly string[] {
  return line.approvals.waiting().flatMap((approval) => {
    const waiting = waitingOf(line, approval.orderId);
    if (waiting === undefined) return [];
    conclude(line, waiting, voided(refusal));
    return [approval.id];
  });
}

/** The same where nothing can be written. */
export function forbidAll(line: Line, refusal: Refusal): readonly string[] {
  const ids = [...line.memory.approvals.keys()];
  for (const id of ids) forbid(line, id, voided(refusal).ending);
  return ids;
}

export function voided(refusal: Refusal, actor?: Actor): Conclusion {
  return {
    ending: {
      decision: 'void',
      door: doorOfOwner(actor),
      reason: excerpt(refusal.detail, REASON_LENGTH_MAX),
      edited: null,
    },
    to: 'refused',
    detail: refusal.detail,
    reason: refusal.reason,
    actor,
  };
}

/** Why a waiting one can not be decided any more, or undefined. */
export function lapsed(line: Line, approval: Approval): Conclusion | undefined {
  const known = line.memory.approvals.get(approval.id);
  if (known?.ending !== undefined) return concluding(known.ending);
  // What this process has no deadline for, it can not tell the time of: closed rather than open.
  if (known === undefined || line.clock.monotonicMs() >= known.deadlineMs) return expired();
  const live = line.access.stillLive(approval.principal);
  return live.ok ? undefined : voided(live.error);
}

export function expired(): Conclusion {
  return {
    ending: { decision: 'expired', door: null, reason: null, edited: null },
    to: 'refused',
    detail: `the owner did not decide within ${APPROVAL_TTL_MS / 60_000} minutes; nothing was sent`,
    reason: 'approval_expired' satisfies RefusalReason,
  };
}

/** An ending that could not be written down when it came. */
function concluding(ending: Ending): Conclusion {
  const why = ending.reason ?? ending.decision;
  return ending.decision === 'withdrawn'
    ? { ending, ...takenBack(why) }
    : { ending, to: 'refused', detail: why, reason: 'trading_halted' satisfies RefusalReason };
}

/** What repeating the call that asked is answered with, once the order has ended unsent: the refusal, as of any order refused. */
export function refusedAfterWaiting(line: Line, order: StoredOrder): Refusal | undefined {
  if (order.status !== 'refused' || order.approvalId === null) return undefined;
  const decision = line.approvals.byId(order.approvalId)?.decided?.decision;
  const reason = REFUSAL_REASONS.find((one) => one === order.reason);
  if (decision === undefined || decision === 'approved' || reason === undefined) return undefined;
  const told = line.orders.timeline(order.orderId).at(-1)?.detail ?? '';
  return refuse(reason, `The order waited for the owner and was not sent: ${told}`, {
    order_id: order.orderId,
    verify_with: `get_order {"order_id": "${order.orderId}"}`,
  });
}
