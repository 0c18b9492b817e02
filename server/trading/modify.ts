/** Changing a working order: assessed anew like a new one, holding the larger of old and new until the broker answers. */
import { ZERO_MONEY } from '#domain/decimal.ts';
import { type ClearedOrder, isFinal, type OrderTerms } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { OrderChange, TradeCommit } from './desk.ts';
import { dispatchReplace } from './dispatch.ts';
import { type Proposal, readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { gatherToAdd, type MarginQuestion } from './margin.ts';
import { beginChange, changeUnder } from './order-changes.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { previewOf } from './preview.ts';
import { noteRefused, noteSent } from './repeats.ts';
import { assess, onlyCuts } from './risk.ts';
import { reachOf } from './risk-reducing.ts';
import { authorise, recall, tokenRefusal } from './submit.ts';
import { transition } from './transition.ts';
import type { PlaceResult } from './views.ts';

export async function modifyOrder(
  line: Line,
  who: Principal,
  change: OrderChange,
  commit: TradeCommit,
): Promise<Result<PlaceResult, Refusal>> {
  const found = ownToChange(line, who, change.orderId);
  if (!found.ok) return found;
  const authorised = authorise(line, who, found.value.account);
  if (!authorised.ok) return authorised;
  const known = recall(line, who, commit);
  if (known !== undefined) return withChange(line, who, commit, known);
  const outside = await gatherToAdd(
    line,
    found.value.account,
    found.value.instrument,
    marginOf(found.value, change),
  );
  if (!outside.ok) return outside;

  const decided = line.store.transaction(() => decide(line, who, { change, commit }, outside.value));
  if (decided.kind === 'answer') return withChange(line, who, commit, decided.answer);
  if (decided.token !== undefined) line.tokens.spend(decided.token);
  const order = await dispatchReplace(line, decided.order, decided.cleared, {
    epoch: who.epoch,
    byOwner: false,
  });
  return withChange(line, who, commit, ok({ dryRun: false, order }));
}

const marginOf = (order: StoredOrder, change: OrderChange): MarginQuestion => ({
  agent: order.agent,
  changes: order,
  terms() {
    const terms = newTerms(order, change);
    return terms.ok && order.effect === 'adding' && !onlyCuts(order, terms.value) ? terms.value : undefined;
  },
});

/** The order's terms alone do not say whether a change was refused or is still on its way. */
function withChange(
  line: Line,
  who: Principal,
  commit: TradeCommit,
  answer: Result<PlaceResult, Refusal>,
): Result<PlaceResult, Refusal> {
  if (commit.kind === 'preview' || !answer.ok || answer.value.dryRun) return answer;
  const change = changeUnder(line, who.agent, commit.idempotencyKey, answer.value.order.orderId);
  return change === undefined ? answer : ok({ ...answer.value, change });
}

/** An order of the caller's own; that of another is as if it were not there. */
export function ownOrder(line: Line, who: Principal, orderId: string): Result<StoredOrder, Refusal> {
  const order = line.orders.byId(orderId);
  if (order !== undefined && order.agent === who.agent) return ok(order);
  return err(
    refuse('not_found', `You have no order ${orderId.slice(0, 40)}; get_orders lists yours.`, {
      verify_with: 'get_orders',
    }),
  );
}

/** One that the caller may change or cancel. */
export function ownToChange(line: Line, who: Principal, orderId: string): Result<StoredOrder, Refusal> {
  const found = ownOrder(line, who, orderId);
  return found.ok && isOwnersClose(found.value) ? err(ownersClose(found.value)) : found;
}

/** The owner's close goes out in the name of whose position it is; taking it back is the owner's alone. */
export const isOwnersClose = ({ origin }: StoredOrder): boolean => origin === 'flatten';
export const ownersClose = ({ orderId }: StoredOrder): Refusal =>
  refuse('not_found', `${orderId} is a close by the owner; only the owner changes or cancels it.`, {
    order_id: orderId,
    verify_with: 'get_orders',
  });

type Decision =
  | { readonly kind: 'answer'; readonly answer: Result<PlaceResult, Refusal> }
  | {
      readonly kind: 'cleared';
      readonly order: StoredOrder;
      readonly cleared: ClearedOrder;
      readonly token: string | undefined;
    };

interface Asked {
  readonly change: OrderChange;
  readonly commit: TradeCommit;
}

function decide(line: Line, who: Principal, { change, commit }: Asked, outside: Outside): Decision {
  const answer = (result: Result<PlaceResult, Refusal>): Decision => ({ kind: 'answer', answer: result });
  const found = ownToChange(line, who, change.orderId);
  if (!found.ok) return answer(found);
  const order = found.value;
  const live = authorise(line, who, order.account);
  if (!live.ok) return answer(live);
  const known = recall(line, who, commit);
  if (known !== undefined) return answer(known);
  const facts = readFacts(
    line,
    { authority: 'mandate', agent: who.agent, account: order.account, side: order.side },
    outside,
    { changes: order },
  );
  const terms = newTerms(order, change);
  if (!terms.ok) return answer(terms);
  // No token stands before what only reduces, a smaller quantity included; one that is given is checked all the same.
  const takesAway = order.effect === 'reducing' || onlyCuts(order, terms.value);
  const oneStep = takesAway || facts.mandate?.document.commit === 'one_step';
  const token = tokenRefusal(line, who, commit, oneStep);
  if (token !== undefined) return answer(err(token));

  const proposal: Proposal = {
    terms: terms.value,
    ...bracketAround(line, order, terms.value),
    origin: 'agent',
  };
  const verdict = assess(facts, proposal);
  if (commit.kind === 'preview')
    return answer(previewOf(line, who, commit, { facts, proposal, verdict, outside }));
  if (verdict.kind !== 'cleared') {
    if (verdict.kind === 'refused')
      bindRefusal(line, who, commit, {
        orderId: order.orderId,
        refusal: verdict.refusal,
        atMs: facts.wallMs,
      });
    return answer(
      err(verdict.kind === 'needs_approval' ? notByChange(order, verdict.refusal) : verdict.refusal),
    );
  }
  line.idempotency.bind(who.agent, commit.tool, commit.idempotencyKey, {
    digest: commit.digest,
    orderId: order.orderId,
    outcome: null,
    atMs: facts.wallMs,
  });
  const unitValue =
    order.effect === 'reducing'
      ? ZERO_MONEY
      : onlyCuts(order, terms.value)
        ? order.unitValue
        : verdict.valued.unitValue;
  // RTS 6 counts executions, and each price that works is one; what only takes away is none.
  if (!takesAway) noteSent(line, who.agent);
  beginChange(line, order, who.agent, commit.idempotencyKey);
  const pending = transition(line, order, {
    to: 'pending_replace',
    detail: 'change sent to the broker',
    // Its larger quantity may be one that only the account's position covers.
    patch: {
      pending: { terms: terms.value, unitValue },
      reach: order.reach === 'account' ? 'account' : reachOf(facts, proposal),
    },
    actor: who,
    ...(verdict.needed ? { needed: verdict.needed } : {}),
  });
  const cleared = verdict.mint({
    brokerClientId: order.brokerClientId,
    ...(order.brokerOrderId === null ? {} : { brokerOrderId: order.brokerOrderId }),
  });
  return { kind: 'cleared', order: pending, cleared, token: commit.token };
}

/** An order that works does not stop working to wait for the owner: what would need an approval is placed anew. */
const notByChange = ({ orderId }: StoredOrder, needed: Refusal): Refusal => ({
  ...needed,
  detail: `${needed.detail} A change can not wait for it: cancel the order and place it anew, then it waits for the owner.`,
  order_id: orderId,
});

/** The legs as they stand now, where the entry's price moves: it must not move past them. */
function bracketAround(
  line: Line,
  order: StoredOrder,
  terms: OrderTerms,
): Pick<Proposal, 'takeProfit' | 'stopLoss'> {
  const moved =
    order.limitPrice?.toFixed() !== terms.limitPrice?.toFixed() ||
    order.stopPrice?.toFixed() !== terms.stopPrice?.toFixed();
  if (!moved || order.role !== 'entry') return {};
  const legs = line.orders.legsOf(order.orderId).filter((leg) => !isFinal(leg.status));
  const takeProfit = legs.find((leg) => leg.role === 'take_profit')?.limitPrice;
  const stopLoss = legs.find((leg) => leg.role === 'stop_loss')?.stopPrice;
  return { ...(takeProfit ? { takeProfit } : {}), ...(stopLoss ? { stopLoss } : {}) };
}

/** A refusal made in the transaction is the key's outcome, as with a new order. */
function bindRefusal(
  line: Line,
  who: Principal,
  commit: TradeCommit & { readonly kind: 'commit' },
  refused: { readonly orderId: string; readonly refusal: Refusal; readonly atMs: number },
): void {
  line.idempotency.bind(who.agent, commit.tool, commit.idempotencyKey, {
    digest: commit.digest,
    orderId: refused.orderId,
    outcome: JSON.stringify(refused.refusal),
    atMs: refused.atMs,
  });
  noteRefused(line, who.agent, refused.refusal);
  const token = commit.token;
  if (token !== undefined) line.store.afterCommit(() => line.tokens.spend(token));
}

/** The order's terms with the change applied; names what can not be changed. */
function newTerms(order: StoredOrder, change: OrderChange): Result<OrderTerms, Refusal> {
  if (isFinal(order.status)) {
    return err(
      refuse('order_final', `The order is ${order.status}; it can not be changed any more.`, {
        order_id: order.orderId,
      }),
    );
  }
  if (order.status === 'pending_approval') {
    return err(
      refuse(
        'approval_required',
        'The order waits for the owner, who decides it as it is; cancel it and place another one.',
        { order_id: order.orderId },
      ),
    );
  }
  if (order.status !== 'open' && order.status !== 'partially_filled') {
    return err(
      refuse('reconciling', `The order is ${order.status}; wait for the broker’s word and try again.`, {
        order_id: order.orderId,
        retry_after: 1,
      }),
    );
  }
  const errors = [
    ...(change.limitPrice && order.limitPrice === undefined
      ? [fieldError('limit_price', change.limitPrice.toFixed(), `a ${order.type} order has none`)]
      : []),
    ...(change.stopPrice && order.type !== 'stop' && order.type !== 'stop_limit'
      ? [fieldError('stop_price', change.stopPrice.toFixed(), `a ${order.type} order has none of its own`)]
      : []),
    ...(change.trail && order.type !== 'trailing_stop'
      ? [fieldError('trail_price', 'given', `a ${order.type} order does not trail`)]
      : []),
    ...(change.qty?.lte(order.filledQty)
      ? [fieldError('qty', change.qty.toFixed(), `more than the ${order.filledQty.toFixed()} already filled`)]
      : []),
  ];
  if (errors.length > 0)
    return err(
      refuse('invalid_input', 'The change does not fit the order.', { errors, order_id: order.orderId }),
    );
  const { side, type, timeInForce, postOnly, reduceOnly, extendedHours, product } = order;
  const limitPrice = change.limitPrice ?? order.limitPrice;
  const stopPrice = change.stopPrice ?? order.stopPrice;
  const trail = change.trail ?? order.trail;
  return ok({
    side,
    type,
    timeInForce,
    postOnly,
    reduceOnly,
    extendedHours,
    ...(product ? { product } : {}),
    qty: change.qty ?? order.qty,
    ...(limitPrice ? { limitPrice } : {}),
    ...(stopPrice ? { stopPrice } : {}),
    ...(trail ? { trail } : {}),
  });
}
