/** The queue of approvals: how an order comes to wait for the owner. */
import type { Price } from '#domain/decimal.ts';
import type { Principal } from '#domain/principal.ts';
import { excerpt, refuse } from '#domain/refusal.ts';
import { APPROVAL_NOTE_LENGTH_MAX, APPROVAL_TTL_MS, APPROVALS_PER_AGENT_MAX } from '#limits.ts';
import { recordApproval } from './approval-ending.ts';
import { figuresOf } from './approval-figures.ts';
import type { Approval } from './approval-rows.ts';
import { digestOf } from './digest.ts';
import type { Facts, Proposal } from './facts.ts';
import type { Line } from './line.ts';
import { newId } from './new-order.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import type { Verdict } from './risk.ts';
import { transition } from './transition.ts';
import { referenceOf } from './valuation.ts';

/** So many orders of an agent may wait, and no more: another one is refused. Inside the transaction. */
export function roomInQueue(line: Line, { agent }: Pick<Facts, 'agent'>, verdict: Verdict): Verdict {
  if (verdict.kind !== 'needs_approval') return verdict;
  const waiting = line.approvals.countWaiting(agent);
  if (waiting < APPROVALS_PER_AGENT_MAX) return verdict;
  const refusal = refuse(
    'max_pending_approvals',
    `${waiting} of your orders wait for the owner, at most ${APPROVALS_PER_AGENT_MAX}; wait until some are decided, or cancel one.`,
    {
      limits: [
        {
          limit: 'max_pending_approvals',
          used: String(waiting),
          order: '1',
          max: String(APPROVALS_PER_AGENT_MAX),
          unit: 'orders',
        },
      ],
      verify_with: 'get_orders',
    },
  );
  return { kind: 'refused', effect: verdict.effect, refusal };
}

export const newApprovalId = (wallMs: number): string => newId('apr', wallMs);

export interface ApprovalRequest {
  readonly who: Principal;
  readonly note: string | undefined;
  readonly facts: Facts;
  readonly proposal: Proposal;
  readonly outside: Outside;
}

/** An order that passed every control but the owner's word comes to wait for it. Inside the transaction that created it. */
export function enqueue(line: Line, order: StoredOrder, asked: ApprovalRequest): StoredOrder {
  const { who, note, facts } = asked;
  const { quote } = facts;
  if (order.approvalId === null || quote === undefined)
    throw new Error(`${order.orderId} came to wait without an approval or a price`);
  const reference = referenceOf(quote);
  const shown = figuresOf(line, { ...asked, reference });
  if (shown === undefined) throw new Error(`${order.orderId} has no figures`);
  const approval: Approval = {
    id: order.approvalId,
    orderId: order.orderId,
    principal: who,
    digest: approvalDigest(order, reference),
    referencePrice: reference,
    shown,
    note: noteFrom(note),
    requestedAtMs: facts.wallMs,
    expiresAtMs: facts.wallMs + APPROVAL_TTL_MS,
    decided: null,
  };
  const pending = transition(line, order, {
    to: 'pending_approval',
    detail: `waits for the owner’s approval, ${APPROVAL_TTL_MS / 60_000} minutes at most`,
    actor: who,
  });
  line.approvals.insert(approval);
  recordApproval(
    line,
    { approval, order: pending },
    {
      what: 'requested',
      outcome: 'ok',
      actor: who,
      more: { why_asked: shown.whyAsked },
    },
  );
  const deadlineMs = line.clock.monotonicMs() + APPROVAL_TTL_MS;
  const { margin } = asked.outside;
  line.store.afterCommit(
    () => void line.memory.approvals.set(approval.id, { deadlineMs, ...(margin ? { margin } : {}) }),
  );
  return pending;
}

/** Data of the agent's, bounded and without what could steer who reads it. */
function noteFrom(given: string | undefined): string | null {
  const words = excerpt(given ?? '', APPROVAL_NOTE_LENGTH_MAX).trim();
  return words === '' ? null : words;
}

/** Everything that a decision is about. Another price, size or reference is another digest. */
export function approvalDigest(order: StoredOrder, reference: Price): string {
  const { orderId, approvalId, agent, credential, account, instrument, takeProfit, stopLoss } = order;
  const {
    side,
    type,
    qty,
    limitPrice,
    stopPrice,
    trail,
    timeInForce,
    postOnly,
    reduceOnly,
    extendedHours,
    product,
  } = order;
  return digestOf({
    approval: approvalId,
    order: { orderId, agent, credential, account, instrument, takeProfit, stopLoss },
    terms: { side, type, qty, limitPrice, stopPrice, trail },
    flags: { timeInForce, postOnly, reduceOnly, extendedHours, ...(product ? { product } : {}) },
    reference,
  });
}
