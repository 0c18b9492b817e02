/** Cancels: an agent's own orders, whatever the trading state; they go out even when they can not be written down first. */
import { isFinal } from '#domain/order.ts';
import { type AccountId, type Actor, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CANCEL_WAIT_MS } from '#limits.ts';
import type { CancelOutcome } from '#ports.ts';
import { StoreUnavailable } from '#store/open.ts';
import { withdraw } from './approval-ending.ts';
import { ASKED } from './cancel-words.ts';
import type { CancelOutcomeView, ReduceCommit } from './desk.ts';
import { dispatchCancel, mustFind } from './dispatch.ts';
import { type Line, waitFor } from './line.ts';
import { isOwnersClose, ownersClose, ownToChange } from './modify.ts';
import type { StoredOrder } from './order-rows.ts';
import { bindReduction, recallReduction, settleReduction, underKey } from './reduction-key.ts';
import { mayReduceAccount } from './risk-reducing.ts';
import type { CancelResult } from './views.ts';

/** Scope and a live credential; no mandate, no trading state stands before a cancel. */
export function authoriseReduction(line: Line, who: Principal): Result<void, Refusal> {
  const live = line.access.stillLive(who);
  if (!live.ok) return live;
  return who.scopes.has('write:orders')
    ? ok(undefined)
    : err(refuse('insufficient_scope', 'This credential may not trade; it lacks write:orders.'));
}

export async function cancelOrder(
  line: Line,
  who: Principal,
  orderId: string,
  commit: ReduceCommit,
): Promise<Result<CancelOutcomeView, Refusal>> {
  const allowed = authoriseReduction(line, who);
  if (!allowed.ok) return allowed;
  const found = cancelable(line, who, orderId);
  if (!found.ok) return found;
  const known = recallReduction<{ orderId: string }>(line, who, commit);
  if (known !== undefined && !known.ok) return known;
  const order = found.value;
  const over = alreadyOver(order);
  if (over !== undefined) return over.ok ? ok({ dryRun: commit.dryRun, order }) : over;
  if (commit.dryRun) return ok({ dryRun: true, order });
  if (known === undefined)
    evenIfBroken(() =>
      bindReduction(line, who, commit, {
        outcome: JSON.stringify({ orderId: order.orderId }),
        orderId: order.orderId,
      }),
    );
  const canceled = await cancelOne(line, order, ASKED.byAgent, who);
  return canceled.ok ? ok({ dryRun: false, order: canceled.value }) : canceled;
}

/** What there is to say of an order that is final; undefined while it can be canceled. */
export function alreadyOver(order: StoredOrder): Result<StoredOrder, Refusal> | undefined {
  if (!isFinal(order.status)) return undefined;
  // Canceled already: that is what the caller wanted, so a repeat is not an error.
  if (order.status === 'canceled') return ok(order);
  return err(
    refuse('order_final', `The order is ${order.status}; there is nothing to cancel.`, {
      order_id: order.orderId,
    }),
  );
}

/** Cancels and gives the order as it stands after the broker's word, or after CANCEL_WAIT_MS without one. */
export async function cancelOne(
  line: Line,
  order: StoredOrder,
  why: string,
  actor: Actor,
): Promise<Result<StoredOrder, Refusal>> {
  const at = takeBack(line, order, why, actor);
  if (at.kind === 'withdrawn') return ok(at.order);
  const { outcome, after } = await send(line, at.order, why, actor);
  if (outcome.kind === 'rejected') {
    return err(
      refuse('broker_unavailable', `The broker did not take the cancel: ${outcome.reason}.`, {
        order_id: order.orderId,
        verify_with: 'get_order',
      }),
    );
  }
  return ok(after ?? order);
}

/** What a cancel came to: the broker's answer, and the order after its word or CANCEL_WAIT_MS without one. */
export interface Canceling {
  readonly outcome: CancelOutcome;
  readonly after: StoredOrder | undefined;
}

/**
 * While a cancel of the order that somebody asked for is under way, whoever asks again waits for the same one, and nothing more is
 * sent. What the gateway itself takes back (a sweep, a limit) is paced where it is begun.
 */
function send(line: Line, order: StoredOrder, why: string, actor: Actor | undefined): Promise<Canceling> {
  if (actor === undefined) return sendAnew(line, order, why, actor);
  const { canceling } = line.memory;
  const underWay = canceling.get(order.orderId);
  if (underWay !== undefined) return underWay;
  const begun = sendAnew(line, order, why, actor).finally(() => canceling.delete(order.orderId));
  canceling.set(order.orderId, begun);
  return begun;
}

async function sendAnew(
  line: Line,
  order: StoredOrder,
  why: string,
  actor: Actor | undefined,
): Promise<Canceling> {
  const outcome = await dispatchCancel(line, order, why, actor);
  if (outcome.kind === 'rejected') return { outcome, after: undefined };
  return {
    outcome,
    after: await waitFor(line, order.orderId, (now) => isFinal(now.status), CANCEL_WAIT_MS),
  };
}

type TakenBack =
  | { readonly kind: 'withdrawn'; readonly order: StoredOrder }
  | { readonly kind: 'at_broker'; readonly order: StoredOrder };

/** An order that waits for the owner is taken back and no broker asked: it has never heard of it. */
function takeBack(line: Line, order: StoredOrder, why: string, actor: Actor | undefined): TakenBack {
  if (order.status !== 'pending_approval') return { kind: 'at_broker', order };
  const withdrawn = withdraw(line, order, why, actor);
  // Undefined: it was decided in the meantime, so what there is of it is at the broker.
  return withdrawn === undefined
    ? { kind: 'at_broker', order: mustFind(line, order.orderId) }
    : { kind: 'withdrawn', order: withdrawn };
}

/**
 * A cancel goes out even when its key can not be written down: repeating one is harmless, and not sending it is not. Whatever
 * else is wrong goes through.
 */
function evenIfBroken(write: () => void): void {
  unlessBroken(write);
}

function unlessBroken<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    return undefined;
  }
}

/** An order that the caller may cancel: its own, or with `may_reduce: account` any in the accounts of its mandate. */
function cancelable(line: Line, who: Principal, orderId: string): Result<StoredOrder, Refusal> {
  const own = ownToChange(line, who, orderId);
  if (own.ok) return own;
  const mandate = line.access.mandates.current(who.agent);
  const order = line.orders.byId(orderId);
  // Halted, it may cancel its own alone.
  const halted = line.access.agents.stateOf(who.agent).state === 'HALTED';
  // What waits for the owner is at no broker: whether it ever gets there is the owner's matter.
  if (order === undefined || order.status === 'pending_approval') return own;
  if (!halted && mayReduceAccount(mandate, order.account, line.wallMs()))
    return isOwnersClose(order) ? err(ownersClose(order)) : ok(order);
  return own;
}

export async function cancelAllOrders(
  line: Line,
  who: Principal,
  filter: { readonly account?: AccountId; readonly symbol?: string },
  commit: ReduceCommit,
): Promise<Result<CancelResult & { readonly dryRun: boolean }, Refusal>> {
  const allowed = authoriseReduction(line, who);
  if (!allowed.ok) return allowed;
  const known = recallReduction<CancelResult & { readonly dryRun: boolean }>(line, who, commit);
  if (known !== undefined) return known;
  const orders = line.orders
    .working({ agent: who.agent, ...(filter.account === undefined ? {} : { account: filter.account }) })
    .filter((order) => filter.symbol === undefined || order.symbol === filter.symbol)
    .filter((order) => !isOwnersClose(order));
  if (commit.dryRun)
    return ok({ dryRun: true, canceled: [], pending: orders.map((order) => order.orderId), failed: [] });
  evenIfBroken(() => bindReduction(line, who, commit));
  return underKey(line, who, commit, async () => {
    const canceled = await cancelMany(line, orders, ASKED.allByAgent, who);
    const result = { dryRun: false, ...canceled };
    evenIfBroken(() => settleReduction(line, who, commit, result));
    return ok(result);
  });
}

/** Cancels side by side and waits for the broker's word on each, CANCEL_WAIT_MS at most. */
export async function cancelMany(
  line: Line,
  orders: readonly StoredOrder[],
  why: string,
  actor?: Actor,
): Promise<CancelResult> {
  const canceled: string[] = [];
  const pending: string[] = [];
  const failed: { orderId: string; reason: string }[] = [];
  await Promise.all(
    orders.map(async (order) => {
      const at = unlessBroken(() => takeBack(line, order, why, actor));
      if (at === undefined) {
        failed.push({
          orderId: order.orderId,
          reason: 'it waits for the owner, and can not be written off now',
        });
        return;
      }
      if (at.kind === 'withdrawn') {
        canceled.push(order.orderId);
        return;
      }
      const { outcome, after } = await send(line, at.order, why, actor);
      if (outcome.kind === 'rejected') {
        failed.push({ orderId: order.orderId, reason: outcome.reason });
        return;
      }
      if (after?.status === 'canceled' || after?.status === 'expired') canceled.push(order.orderId);
      else if (after !== undefined && isFinal(after.status))
        failed.push({ orderId: order.orderId, reason: `it was ${after.status} first` });
      else pending.push(order.orderId);
    }),
  );
  return { canceled: canceled.sort(), pending: pending.sort(), failed };
}
