/** The order line's front: authorise, gather, then read, assess and write in one transaction, and dispatch. */
import type { ClearedOrder, OrderDraft, OrderTerms } from '#domain/order.ts';
import { type AccountId, type Actor, holderOf, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { refusedAfterWaiting } from './approval-ending.ts';
import { enqueue, newApprovalId, roomInQueue } from './approval-queue.ts';
import type { TradeCommit } from './desk.ts';
import { dispatch, mustFind } from './dispatch.ts';
import { type Facts, type FactsFor, type Proposal, readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { gatherToAdd, type MarginQuestion } from './margin.ts';
import { createLegs, NO_VALUE, newOrder } from './new-order.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { previewOf } from './preview.ts';
import { booksAreReady } from './ready.ts';
import { noteRefused, noteSent } from './repeats.ts';
import { assess, effectOf, type Verdict } from './risk.ts';
import { createOrder, transition } from './transition.ts';
import { unitsFor } from './valuation.ts';
import type { PlaceResult } from './views.ts';

/** The whole way of an order from a door to the broker. */
export async function submitOrder(
  line: Line,
  who: Actor,
  draft: OrderDraft,
  commit: TradeCommit,
): Promise<Result<PlaceResult, Refusal>> {
  // The owner's authority has no credential that an epoch ends: what counts is that no kill comes between here and the broker.
  const epoch = who.kind === 'owner' ? line.access.epoch() : who.epoch;
  const authorised = authorise(line, who, draft.account);
  if (!authorised.ok) return authorised;
  const known = recall(line, who, commit);
  if (known !== undefined) return known;
  const outside = await gatherToAdd(line, draft.account, draft.symbol, marginOf(who, draft));
  if (!outside.ok) return outside;

  const decided = line.store.transaction(() => decide(line, who, { draft, commit }, outside.value));
  if (decided.kind === 'answer') return decided.answer;
  if (decided.token !== undefined) line.tokens.spend(decided.token);
  if (decided.kind === 'refused') return err(decided.refusal);
  if (decided.kind === 'waits') return ok({ dryRun: false, order: decided.order });
  // The owner reduces while everything is halted, and adds no more than anybody else does.
  const byOwner = who.kind === 'owner' && decided.order.effect === 'reducing';
  const order = await dispatch(line, decided.order, decided.cleared, { epoch, byOwner });
  return ok({ dryRun: false, order });
}

/** Before anything is gathered: the caller may trade in the account, and the line is open for it. */
export function authorise(line: Line, who: Actor, account: AccountId): Result<void, Refusal> {
  const allowed = who.kind === 'owner' ? exists(line, account) : mayTrade(line, who, account);
  return allowed.ok ? booksAreReady(line, account) : allowed;
}

const exists = (line: Line, account: AccountId): Result<void, Refusal> =>
  line.adapters.has(account)
    ? ok(undefined)
    : err(
        refuse('not_found', `There is no account ${account}.`, { did_you_mean: [...line.adapters.keys()] }),
      );

/** The credential lives and may trade, and the account is the agent's. */
function mayTrade(line: Line, who: Principal, account: AccountId): Result<void, Refusal> {
  const live = line.access.stillLive(who);
  if (!live.ok) return live;
  if (!who.scopes.has('write:orders')) {
    return err(refuse('insufficient_scope', 'This credential may not trade; it lacks write:orders.'));
  }
  if (!line.access.agents.accountsOf(who.agent).includes(account)) {
    return err(
      refuse('account_not_allowed', `The account ${account} is not yours.`, {
        did_you_mean: [...line.access.agents.accountsOf(who.agent)],
      }),
    );
  }
  return ok(undefined);
}

/** The stored outcome of a key that was used before: the same arguments get it again, other arguments a conflict. */
export function recall(
  line: Line,
  who: Actor,
  commit: TradeCommit,
): Result<PlaceResult, Refusal> | undefined {
  if (commit.kind === 'preview') return undefined;
  const bound = line.idempotency.find(holderOf(who), commit.tool, commit.idempotencyKey);
  if (bound === undefined) return undefined;
  if (bound.digest !== commit.digest) return err(keyConflict(bound.orderId));
  if (bound.outcome !== null) return err(JSON.parse(bound.outcome) as Refusal);
  if (bound.orderId === null)
    return err(refuse('idempotency_conflict', 'The first call with this key is still under way.'));
  const order = mustFind(line, bound.orderId);
  const unsent = refusedAfterWaiting(line, order);
  return unsent === undefined ? ok({ dryRun: false, order }) : err(unsent);
}

export const keyConflict = (orderId: string | null): Refusal =>
  refuse(
    'idempotency_conflict',
    'This idempotency_key was used with other arguments; take a new key for a new intention.',
    orderId === null ? {} : { order_id: orderId, verify_with: `get_order {"order_id": "${orderId}"}` },
  );

/** Why a commit may not go on without (another) token, or undefined. Checked inside the transaction, spent after it. */
export function tokenRefusal(
  line: Line,
  who: Actor,
  commit: TradeCommit,
  oneStep: boolean,
): Refusal | undefined {
  if (commit.kind === 'preview') return undefined;
  if (commit.token === undefined) {
    return oneStep
      ? undefined
      : refuse(
          'token_required',
          'Preview first (dry_run: true) and repeat the same arguments with its action_token.',
        );
  }
  const why = line.tokens.check(commit.token, {
    agent: holderOf(who),
    tool: commit.tool,
    digest: commit.digest,
  });
  return why === undefined
    ? undefined
    : refuse('token_invalid', `The action_token can not be used: ${why}. Preview again.`);
}

type Decision =
  | { readonly kind: 'answer'; readonly answer: Result<PlaceResult, Refusal> }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly token: string | undefined }
  /** For the owner; nothing is sent. */
  | { readonly kind: 'waits'; readonly order: StoredOrder; readonly token: string | undefined }
  | {
      readonly kind: 'cleared';
      readonly order: StoredOrder;
      readonly cleared: ClearedOrder;
      readonly token: string | undefined;
    };

interface Asked {
  readonly draft: OrderDraft;
  readonly commit: TradeCommit;
}

function decide(line: Line, who: Actor, { draft, commit }: Asked, outside: Outside): Decision {
  const answer = (result: Result<PlaceResult, Refusal>): Decision => ({ kind: 'answer', answer: result });
  // Everything may have changed while the broker was asked: the gate, the key (two calls at once), the token.
  const live = authorise(line, who, draft.account);
  if (!live.ok) return answer(live);
  const known = recall(line, who, commit);
  if (known !== undefined) return answer(known);
  const facts = readFacts(line, factsFor(who, draft), outside);
  const proposal = proposalOf(draft, facts);
  // No token stands before what only reduces, nor before the owner; one that is given is checked all the same.
  const reduces = proposal.ok && effectOf(facts, proposal.value) === 'reducing';
  const oneStep = who.kind === 'owner' || reduces || facts.mandate?.document.commit === 'one_step';
  const token = tokenRefusal(line, who, commit, oneStep);
  if (token !== undefined) return answer(err(token));
  if (!proposal.ok) return answer(proposal);
  const verdict = roomInQueue(line, facts, assess(facts, proposal.value));
  if (commit.kind === 'preview')
    return answer(previewOf(line, who, commit, { facts, proposal: proposal.value, verdict, outside }));
  return write(line, who, { draft, commit, facts, proposal: proposal.value, verdict, outside });
}

export const factsFor = (who: Actor, draft: OrderDraft): FactsFor => ({
  authority: who.kind === 'owner' ? 'owner' : 'mandate',
  agent: holderOf(who),
  account: draft.account,
  side: draft.side,
  ...(draft.clientOrderId === undefined ? {} : { clientOrderId: draft.clientOrderId }),
});

export const marginOf = (who: Actor, draft: OrderDraft): MarginQuestion => ({
  agent: holderOf(who),
  terms(known) {
    const proposal = proposalOf(draft, known);
    return proposal.ok ? proposal.value.terms : undefined;
  },
});

/** A draft with its size in units. */
export function proposalOf(
  draft: OrderDraft,
  facts: Pick<Facts, 'instrument' | 'quote'>,
): Result<Proposal, Refusal> {
  const { size, takeProfit, stopLoss } = draft;
  const legs = Object.assign({}, takeProfit && { takeProfit }, stopLoss && { stopLoss });
  const terms = termsOf(draft);
  if (size.kind === 'qty') return ok({ terms: { ...terms, qty: size.qty }, ...legs, origin: 'agent' });
  if (facts.quote === undefined) {
    return err(
      refuse(
        'no_reference_price',
        `There is no price for ${facts.instrument.symbol} to turn a notional into units; give qty.`,
      ),
    );
  }
  const qty = unitsFor(size.notional, terms, facts.quote, facts.instrument);
  if (qty === undefined) {
    return err(
      refuse(
        'off_lot',
        `The notional does not buy one lot (${facts.instrument.lot.toFixed()}) of ${facts.instrument.symbol}.`,
      ),
    );
  }
  return ok({ terms: { ...terms, qty }, notional: size.notional, ...legs, origin: 'agent' });
}

function termsOf(draft: OrderDraft): Omit<OrderTerms, 'qty'> {
  const {
    side,
    type,
    timeInForce,
    limitPrice,
    stopPrice,
    trail,
    postOnly,
    reduceOnly,
    extendedHours,
    product,
  } = draft;
  return {
    side,
    type,
    timeInForce,
    ...(limitPrice ? { limitPrice } : {}),
    ...(stopPrice ? { stopPrice } : {}),
    ...(trail ? { trail } : {}),
    postOnly,
    reduceOnly,
    extendedHours,
    ...(product ? { product } : {}),
  };
}

interface Decided {
  readonly draft: OrderDraft;
  readonly commit: TradeCommit & { readonly kind: 'commit' };
  readonly facts: Facts;
  readonly proposal: Proposal;
  readonly verdict: Verdict;
  readonly outside: Outside;
}

/** The write of the transaction: the order with its reservation, the key, the audit events. */
function write(line: Line, who: Actor, decided: Decided): Decision {
  const { draft, commit, facts, proposal, verdict } = decided;
  const clientOrderId =
    verdict.kind === 'refused' && facts.sameClientOrderId !== undefined
      ? null
      : (draft.clientOrderId ?? null);
  const holder = holderOf(who);
  const valued = verdict.kind === 'refused' ? NO_VALUE : verdict.valued;
  const order = createOrder(
    line,
    newOrder(line, {
      who: { agent: holder, credential: who.credential },
      facts,
      proposal,
      effect: verdict.effect,
      valued,
      clientOrderId,
      tag: draft.tag ?? null,
      ...(verdict.kind === 'needs_approval' ? { approvalId: newApprovalId(facts.wallMs) } : {}),
    }),
    'received',
    who,
  );
  const bind = (outcome: string | null): void =>
    line.idempotency.bind(holder, commit.tool, commit.idempotencyKey, {
      digest: commit.digest,
      orderId: order.orderId,
      outcome,
      atMs: facts.wallMs,
    });
  if (verdict.kind === 'refused') {
    const refusal: Refusal = { order_id: order.orderId, ...verdict.refusal };
    transition(line, order, {
      to: 'refused',
      detail: verdict.refusal.detail,
      patch: { reason: verdict.refusal.reason },
      actor: who,
    });
    noteRefused(line, holder, verdict.refusal);
    bind(JSON.stringify(refusal));
    return { kind: 'refused', refusal, token: commit.token };
  }
  if (verdict.kind === 'needs_approval') {
    if (who.kind === 'owner') throw new Error('the owner asks nobody');
    bind(null);
    const pending = enqueue(line, order, { ...decided, who, note: draft.note });
    return { kind: 'waits', order: pending, token: commit.token };
  }
  if (verdict.effect === 'adding') {
    line.usage.countOrder(holder, facts.account, facts.mandateDay);
    noteSent(line, holder);
  }
  bind(null);
  const submitting = transition(line, order, {
    to: 'submitting',
    detail: 'cleared by every control',
    actor: who,
    ...(verdict.needed ? { needed: verdict.needed } : {}),
  });
  const legs = createLegs(line, submitting, proposal);
  return {
    kind: 'cleared',
    order: submitting,
    cleared: verdict.mint({ brokerClientId: order.brokerClientId, ...legs }),
    token: commit.token,
  };
}
