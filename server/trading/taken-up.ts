/** The broker's word against what an order was settled by, its own earlier word included: on the record, and what works is at work again. */
import { text } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import { printable } from '#domain/refusal.ts';
import type { BrokerOrder } from '#ports.ts';
import { noteHeard, unheardOf } from './evidence-rows.ts';
import type { Insistence } from './insistence.ts';
import { agentNameOf, type Line } from './line.ts';
import { newId } from './new-order.ts';
import type { NewOrder, StoredOrder } from './order-rows.ts';
import type { EvidenceOutcome } from './owner-desk.ts';
import { withdrawBeyond } from './recorded-fills.ts';
import { restingState } from './terms.ts';
import { createOrder, transition } from './transition.ts';

/** Reasons of orders that ended because their broker had none such. */
export const NEVER_REACHED = 'never reached the broker';
export const NO_LONGER_THERE = 'no longer at the broker';

/** Whether the broker has something of it at work that has not filled. */
export const isAtWork = ({ filledQty }: StoredOrder, { status, qty }: BrokerOrder): boolean =>
  (status === 'open' || status === 'partially_filled') && qty.gt(filledQty);

/**
 * Hears what the broker says to what the owner recorded; undefined: it has no such order. Fills that it does not have are taken
 * back, and an order that it has at work is taken up again: at once where it was settled without its word, and against its own
 * word when it insists. The answer belongs to a question asked after the recording. Inside a transaction; gives the order that
 * goes on.
 */
export function hear(
  line: Line,
  order: StoredOrder,
  told: BrokerOrder | undefined,
  insisting: Insistence,
): StoredOrder {
  const evidence = unheardOf(line, order.orderId);
  if (evidence !== undefined) {
    noteHeard(line, order.orderId, told?.status ?? 'no such order');
    const beyond = told !== undefined && order.filledQty.gt(told.filledQty);
    if (beyond || contradicts(evidence.outcome, told))
      line.audit.record({
        kind: 'evidence.contradicted',
        agent: agentNameOf(line, order.agent),
        account: order.account,
        outcome: 'ok',
        detail: {
          order_id: order.orderId,
          evidence_id: evidence.id,
          recorded: evidence.outcome,
          broker: told?.status ?? 'no such order',
          ...(told === undefined ? {} : { filled_qty: text(told.filledQty) }),
          ...(told?.reason === undefined ? {} : { reason: printable(told.reason) }),
        },
      });
  }
  if (told === undefined) return order;
  const byAbsence = order.reason === NEVER_REACHED || order.reason === NO_LONGER_THERE;
  if (evidence === undefined && !byAbsence)
    return isFinal(order.status) && isAtWork(order, told) && insisting.again(order, told)
      ? takeUp(line, order, { told, against: 'its own word' })
      : order;
  const now = withdrawBeyond(line, order, told.filledQty, 'the broker says that less was filled');
  return isFinal(now.status) && isAtWork(now, told)
    ? takeUp(line, now, { told, against: evidence === undefined ? 'its silence' : 'evidence' })
    : now;
}

function contradicts(recorded: EvidenceOutcome, told: BrokerOrder | undefined): boolean {
  switch (recorded) {
    case 'never_received':
      return told !== undefined;
    case 'rejected':
    case 'filled':
      return told?.status !== recorded;
    case 'canceled':
    case 'expired':
      return told !== undefined && told.status !== 'canceled' && told.status !== 'expired';
    // It may have ended since.
    case 'working':
      return told === undefined;
    default:
      return recorded satisfies never;
  }
}

const TAKEN_UP = 'taken_up:';

/**
 * A final state never changes, so what works goes on as an order of its own: the same holder's, under the ids that the broker
 * knows. It counts against every limit, and every cancel and the kill switch reach it.
 */
function takeUp(
  line: Line,
  order: StoredOrder,
  {
    told,
    against,
  }: { readonly told: BrokerOrder; readonly against: 'its own word' | 'its silence' | 'evidence' },
): StoredOrder {
  const orderId = newId('ord', line.wallMs());
  const { seq: _its, limitPrice: _limit, stopPrice: _stop, trail: _trail, ...rest } = order;
  const again: NewOrder = {
    ...rest,
    orderId,
    clientOrderId: null,
    brokerOrderId: told.brokerOrderId,
    parentOrderId: entryOf(line, order),
    qty: told.qty,
    ...(told.limitPrice ? { limitPrice: told.limitPrice } : {}),
    ...(told.stopPrice ? { stopPrice: told.stopPrice } : {}),
    ...(told.trail ? { trail: told.trail } : {}),
    held: told.held,
    status: 'received',
    reason: null,
    pending: null,
    createdAtMs: line.wallMs(),
    updatedAtMs: line.wallMs(),
  };
  line.orders.surrenderIds(order.orderId, `${TAKEN_UP}${orderId}`);
  const made = createOrder(
    line,
    again,
    `taken up again: the broker has ${order.orderId} at work, which was ${order.status} ${against === 'its own word' ? 'by its word' : 'without its word'}`,
  );
  const submitted = transition(line, made, {
    to: 'submitting',
    detail: 'nothing is sent: the broker has it',
  });
  line.audit.record({
    kind: 'order.taken_up',
    agent: agentNameOf(line, order.agent),
    account: order.account,
    outcome: 'ok',
    detail: { order_id: order.orderId, taken_up_as: orderId, was: order.status, against },
  });
  line.orders.addTimeline(order.orderId, {
    timeMs: line.wallMs(),
    status: order.status,
    detail: `the broker has it at work all the same: it goes on as ${orderId}`,
  });
  return transition(line, submitted, { to: restingState(submitted), detail: 'working at the broker' });
}

/** The entry of a leg, which may have been taken up before it. */
function entryOf(line: Line, { parentOrderId }: StoredOrder): string | null {
  if (parentOrderId === null) return null;
  const id = line.orders.byId(parentOrderId)?.brokerClientId ?? '';
  return id.startsWith(TAKEN_UP) ? id.slice(TAKEN_UP.length) : parentOrderId;
}
