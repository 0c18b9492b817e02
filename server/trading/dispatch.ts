/** The last step: reads the gate once more, hands the order to the broker, and writes down what the broker said. No retry. */
import { type ClearedOrder, isFinal } from '#domain/order.ts';
import { type Actor, holderOf } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerAdapter, CancelOutcome, PlaceOutcome } from '#ports.ts';
import { dropFunds } from './funds.ts';
import { agentNameOf, type Line } from './line.ts';
import { countMessage } from './messages.ts';
import { answerChange, endChange, lastChange } from './order-changes.ts';
import type { StoredOrder } from './order-rows.ts';
import { within } from './outside.ts';
import { onlyCuts } from './risk.ts';
import { acceptTerms, restingState } from './terms.ts';
import { type Change, transition } from './transition.ts';
import { gateClosed, type Permit, TAKEN_BACK, takeBackUnsent, whileSending } from './wire-gate.ts';

/** Sends a cleared, durable order. Gives the order as it stands after the broker's answer. */
export async function dispatch(
  line: Line,
  order: StoredOrder,
  cleared: ClearedOrder,
  permit: Permit,
): Promise<StoredOrder> {
  const closed = gateClosed(line, permit);
  if (closed !== undefined) {
    const detail = `not sent: ${closed}`;
    return settle(line, order.orderId, { to: 'refused', detail, patch: { reason: detail } });
  }
  const adapter = line.adapters.get(order.account);
  if (adapter === undefined) throw new Error(`no adapter for ${order.account}`);
  countMessage(line, order.account, order.agent);
  line.memory.sentAtMs.set(order.orderId, line.clock.monotonicMs());
  const outcome = await whileSending(
    line,
    cleared.brokerClientId,
    { ...permit, order, adds: order.effect === 'adding', connection: adapter },
    () => answerOf(line, adapter.place(cleared), (late) => applyPlace(line, order.orderId, late)),
  );
  return applyPlace(line, order.orderId, outcome);
}

/** A throw or a time-out is an unclear outcome, never a failure; a word that comes late is evidence and is applied. */
async function answerOf(
  line: Line,
  answer: Promise<PlaceOutcome>,
  late: (outcome: PlaceOutcome) => void,
): Promise<PlaceOutcome> {
  let timedOut = false;
  const watched = answer.then((outcome) => {
    if (timedOut) late(outcome);
    return outcome;
  });
  try {
    const outcome = await within(line, watched, BROKER_CALL_TIMEOUT_MS);
    if (outcome !== undefined) return outcome;
    timedOut = true;
    return { kind: 'unknown', reason: `no answer within ${BROKER_CALL_TIMEOUT_MS / 1000} s` };
  } catch (cause) {
    return { kind: 'unknown', reason: cause instanceof Error ? cause.message : 'the adapter failed' };
  }
}

/** Writes a place outcome down; events may have moved the order on already, and they count more. */
function applyPlace(line: Line, orderId: string, outcome: PlaceOutcome): StoredOrder {
  return line.store.transaction(() => {
    const order = mustFind(line, orderId);
    const legs = line.orders
      .legsOf(orderId)
      .filter((leg) => leg.status === 'submitting' || leg.status === 'unknown');
    const waiting = order.status === 'submitting' || order.status === 'unknown';
    // Perhaps for lack of funds: then what it was decided on was wrong.
    if (outcome.kind === 'rejected') dropFunds(line, order.account);
    switch (outcome.kind) {
      case 'accepted': {
        line.memory.sentAtMs.delete(orderId);
        const patch = { brokerOrderId: outcome.brokerOrderId };
        // Settled meanwhile without its word: it is asked how the order stands.
        if (isFinal(order.status)) line.memory.suspect.add(order.account);
        for (const leg of legs)
          transition(line, leg, { to: 'open', detail: 'held by the broker until the entry fills' });
        if (waiting) return transition(line, order, { to: 'open', detail: 'accepted by the broker', patch });
        return order.brokerOrderId === null
          ? transition(line, order, { to: order.status, detail: 'acknowledged by the broker', patch })
          : order;
      }
      case 'rejected':
      case 'not_sent': {
        line.memory.sentAtMs.delete(orderId);
        if (!waiting) return order;
        const change: Change =
          outcome.kind === 'rejected'
            ? {
                to: 'rejected',
                detail: `rejected by the broker: ${outcome.reason}`,
                patch: { reason: outcome.reason },
              }
            : {
                to: outcome.reason === TAKEN_BACK ? 'canceled' : 'refused',
                detail: `not sent: ${outcome.reason}`,
                patch: { reason: outcome.reason },
              };
        for (const leg of legs) transition(line, leg, change);
        return transition(line, order, change);
      }
      case 'unknown': {
        line.memory.suspect.add(order.account);
        if (order.status !== 'submitting') return order;
        const change: Change = {
          to: 'unknown',
          detail: `outcome unclear: ${outcome.reason}; asking the broker`,
        };
        for (const leg of legs) if (leg.status === 'submitting') transition(line, leg, change);
        return transition(line, order, change);
      }
      default:
        return outcome satisfies never;
    }
  });
}

/** Asks for new terms of a working order. `pending_replace` is durable before this is called. */
export async function dispatchReplace(
  line: Line,
  order: StoredOrder,
  cleared: ClearedOrder,
  permit: Permit,
): Promise<StoredOrder> {
  // The one that was written down with the order's state, in the same turn.
  const change = { orderId: order.orderId, id: lastChange(line, order.orderId) };
  const closed = gateClosed(line, permit);
  if (closed !== undefined) return applyReplace(line, change, { kind: 'not_sent', reason: closed });
  const adapter = line.adapters.get(order.account);
  if (adapter === undefined) throw new Error(`no adapter for ${order.account}`);
  countMessage(line, order.account, order.agent);
  const outcome = await whileSending(
    line,
    cleared.brokerClientId,
    { ...permit, order, adds: order.effect === 'adding' && !onlyCuts(order, cleared), connection: adapter },
    () => answerOf(line, adapter.replace(cleared), (late) => applyReplace(line, change, late)),
  );
  return applyReplace(line, change, outcome);
}

/** An answer counts for the change that it answers, and for no other of the order. */
interface Sent {
  readonly orderId: string;
  readonly id: number | undefined;
}

function applyReplace(line: Line, { orderId, id }: Sent, outcome: PlaceOutcome): StoredOrder {
  return line.store.transaction(() => {
    const order = mustFind(line, orderId);
    if (order.pending === null || lastChange(line, orderId) !== id) {
      // Settled meanwhile without its word: it is asked how the order stands.
      if (outcome.kind === 'accepted') line.memory.suspect.add(order.account);
      if (id !== undefined) answerChange(line, id, outcome);
      return order;
    }
    if (outcome.kind === 'rejected') dropFunds(line, order.account);
    switch (outcome.kind) {
      case 'accepted':
        return acceptTerms(line, order, 'changed at the broker', outcome.brokerOrderId);
      case 'rejected':
      case 'not_sent':
        endChange(line, orderId, { outcome: 'rejected', reason: outcome.reason });
        return transition(line, order, {
          to: restingState(order),
          detail:
            outcome.kind === 'rejected'
              ? `change rejected by the broker: ${outcome.reason}`
              : `change not sent: ${outcome.reason}`,
          patch: { pending: null, reason: outcome.reason },
        });
      case 'unknown':
        line.memory.suspect.add(order.account);
        endChange(line, orderId, { outcome: 'unknown', reason: outcome.reason });
        return transition(line, order, {
          to: order.status,
          detail: `change unclear: ${outcome.reason}; asking the broker`,
        });
      default:
        return outcome satisfies never;
    }
  });
}

/**
 * Asks the broker to cancel. Never waits for the store: a cancel goes out even when it can not be written down first, and
 * is recorded when the store heals.
 */
export async function dispatchCancel(
  line: Line,
  order: StoredOrder,
  why: string,
  actor?: Actor,
): Promise<CancelOutcome> {
  // The broker has never heard of it: who cancels takes it back (approval-ending.ts).
  if (order.status === 'pending_approval') return { kind: 'rejected', reason: 'it waits for the owner' };
  const adapter = line.adapters.get(order.account);
  if (adapter === undefined) return { kind: 'rejected', reason: `no adapter for ${order.account}` };
  takeBackUnsent(line, order);
  try {
    line.store.transaction(() => markCanceling(line, order.orderId, why, actor));
  } catch (cause) {
    line.audit.recordDeferred({
      kind: 'order.cancel_sent',
      agent: agentNameOf(line, order.agent),
      account: order.account,
      outcome: 'ok',
      detail: { order_id: order.orderId, why, store: cause instanceof Error ? cause.name : 'broken' },
    });
  }
  if (actor !== undefined) countMessage(line, order.account, holderOf(actor));
  const outcome = await cancelAnswer(line, adapter, order);
  try {
    line.store.transaction(() => applyCancel(line, order.orderId, outcome));
  } catch {
    line.memory.suspect.add(order.account);
  }
  return outcome;
}

async function cancelAnswer(line: Line, adapter: BrokerAdapter, order: StoredOrder): Promise<CancelOutcome> {
  const target = {
    brokerClientId: order.brokerClientId,
    ...(order.brokerOrderId === null ? {} : { brokerOrderId: order.brokerOrderId }),
  };
  try {
    const outcome = await within(line, adapter.cancel(target), BROKER_CALL_TIMEOUT_MS);
    return outcome ?? { kind: 'unknown', reason: `no answer within ${BROKER_CALL_TIMEOUT_MS / 1000} s` };
  } catch (cause) {
    return { kind: 'unknown', reason: cause instanceof Error ? cause.message : 'the adapter failed' };
  }
}

/** Nothing is sent by it. Inside a transaction; what is being canceled already, or can not be, stays as it is. */
export function markCanceling(line: Line, orderId: string, why: string, actor: Actor | undefined): void {
  const order = mustFind(line, orderId);
  const cancelable =
    order.status === 'open' || order.status === 'partially_filled' || order.status === 'pending_replace';
  if (!cancelable) return;
  transition(line, order, { to: 'pending_cancel', detail: why, ...(actor ? { actor } : {}) });
}

function applyCancel(line: Line, orderId: string, outcome: CancelOutcome): void {
  const order = mustFind(line, orderId);
  switch (outcome.kind) {
    case 'accepted':
      return;
    case 'gone':
    case 'unknown':
      line.memory.suspect.add(order.account);
      return;
    case 'rejected':
      if (order.status !== 'pending_cancel') return;
      transition(line, order, {
        to: restingState(order),
        detail: `cancel rejected by the broker: ${outcome.reason}`,
      });
      return;
    default:
      outcome satisfies never;
  }
}

function settle(line: Line, orderId: string, change: Change): StoredOrder {
  return line.store.transaction(() => {
    for (const leg of line.orders.legsOf(orderId))
      if (leg.status === 'submitting') transition(line, leg, change);
    return transition(line, mustFind(line, orderId), change);
  });
}

export function mustFind(line: Line, orderId: string): StoredOrder {
  const order = line.orders.byId(orderId);
  if (order === undefined) throw new Error(`order ${orderId} has gone`);
  return order;
}
