/** The owner's decision: what was shown is assessed anew as if it came in now, claimed once, and only then sent. */
import { type Price, type Quantity, text } from '#domain/decimal.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { Owner } from '#domain/principal.ts';
import {
  excerpt,
  fieldError,
  type Refusal,
  type RefusalReason,
  refuse,
  refuseUnclear,
} from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { REASON_LENGTH_MAX } from '#limits.ts';
import { StoreUnavailable } from '#store/open.ts';
import { cardOf } from './approval-card.ts';
import type { ApprovalDesk, ApprovalEdit, ApprovalOutcome, ApprovalTerms } from './approval-desk.ts';
import {
  claim,
  conclude,
  lapsed,
  recordApproval,
  voided,
  type Waiting,
  waitingOf,
} from './approval-ending.ts';
import { bandAround, type Considered, figuresOf, proposalOf } from './approval-figures.ts';
import { approvalDigest } from './approval-queue.ts';
import type { Approval, Decided } from './approval-rows.ts';
import { dispatch } from './dispatch.ts';
import { readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { createLegs } from './new-order.ts';
import type { StoredOrder } from './order-rows.ts';
import { gatherOutside, type Outside } from './outside.ts';
import { noteSent } from './repeats.ts';
import { assess, type Verdict } from './risk.ts';
import { authorise } from './submit.ts';
import { transition } from './transition.ts';
import { referenceOf } from './valuation.ts';
import type { OrderRecord } from './views.ts';

type Approving = Parameters<ApprovalDesk['approve']>[0];
type Rejecting = Parameters<ApprovalDesk['reject']>[0];

export async function approve(line: Line, asked: Approving): Promise<Result<ApprovalOutcome, Refusal>> {
  const found = toDecide(line, asked.id);
  if (!found.ok) return found;
  const { account, symbol } = found.value.order;
  const outside = await gatherOutside(line, account, symbol);
  if (!outside.ok) return err(stillWaits(outside.error));
  const decided = unlessBroken(() => line.store.transaction(() => decide(line, asked, outside.value)));
  if (!decided.ok) return decided;
  const { value } = decided;
  if (value.kind === 'refused') return err(value.refusal);
  if (value.kind === 'moved') return ok({ kind: 'price_moved', card: cardOf(line, value.approval) });
  try {
    const permit = { epoch: value.epoch, byOwner: false };
    return ok({ kind: 'sent', order: await dispatch(line, value.order, value.cleared, permit) });
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    return err(
      refuseUnclear(
        'store_unavailable',
        'It was approved and handed to the broker, and what the broker said can not be written down now; it is asked again.',
        'the page of the order',
      ),
    );
  }
}

export function reject(line: Line, { id, reason, by }: Rejecting): Result<OrderRecord, Refusal> {
  const words = excerpt(reason, REASON_LENGTH_MAX).trim();
  if (words === '')
    return err(
      refuse('invalid_input', 'Say why: the agent is told.', {
        errors: [fieldError('reason', reason, `1 to ${REASON_LENGTH_MAX} characters`)],
      }),
    );
  const found = toDecide(line, id);
  if (!found.ok) return found;
  const rejected = unlessBroken(() =>
    line.store.transaction(() =>
      conclude(line, found.value, {
        ending: { decision: 'rejected', door: by.door, reason: words, edited: null },
        to: 'refused',
        detail: `rejected by the owner: ${words}`,
        reason: 'approval_rejected' satisfies RefusalReason,
        actor: by,
      }),
    ),
  );
  return rejected;
}

/** Nothing is decided where it can not be written down. */
function unlessBroken<T>(work: () => T): Result<T, Refusal> {
  try {
    return ok(work());
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    return err(
      refuse(
        'store_unavailable',
        'The decision can not be written down now; nothing was sent, and it waits.',
      ),
    );
  }
}

/** One that waits and may be decided; what has lapsed ends here, and says so. */
function toDecide(line: Line, id: string): Result<Waiting, Refusal> {
  const approval = line.approvals.byId(id);
  if (approval === undefined)
    return err(
      refuse('not_found', `There is no approval ${excerpt(id, 40)}; the list shows those there are.`),
    );
  if (isDecided(approval)) return err(alreadyDecided(approval));
  const end = lapsed(line, approval);
  if (end === undefined) {
    const waiting = waitingOf(line, approval.orderId);
    if (waiting === undefined) throw new Error(`${approval.orderId} does not wait, and its approval does`);
    return ok(waiting);
  }
  const ended = unlessBroken(() =>
    line.store.transaction(() => {
      const waiting = waitingOf(line, approval.orderId);
      return waiting && conclude(line, waiting, end);
    }),
  );
  const now = line.approvals.byId(id) ?? approval;
  return ended.ok && isDecided(now) ? err(alreadyDecided(now)) : err(overFor(approval, end.detail));
}

const overFor = ({ orderId }: Approval, why: string): Refusal =>
  refuse('order_final', `It can not be decided any more: ${why}.`, { order_id: orderId });

function alreadyDecided({ orderId, decided }: Approval & { readonly decided: Decided }): Refusal {
  const at = new Date(decided.atMs).toISOString();
  const over = (how: string): Refusal =>
    refuse('order_final', `${how} Nothing was changed now.`, { order_id: orderId });
  switch (decided.decision) {
    case 'expired':
      return refuse('approval_expired', `It expired at ${at}; nothing was sent.`, { order_id: orderId });
    case 'approved':
      return over(`It was approved already, at ${at}, through the ${decided.door ?? 'console'}.`);
    case 'rejected':
      return over(`It was rejected already, at ${at}, through the ${decided.door ?? 'console'}.`);
    case 'withdrawn':
      return over(`It was taken back at ${at}: ${decided.reason ?? 'nobody said why'}.`);
    case 'void':
      return over(`It has been void since ${at}: ${decided.reason ?? 'it no longer passes'}`);
    default:
      return decided.decision satisfies never;
  }
}

/** An approval whose decision is there. */
const isDecided = (approval: Approval): approval is Approval & { readonly decided: Decided } =>
  approval.decided !== null;

type Decision =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'moved'; readonly approval: Approval }
  | {
      readonly kind: 'cleared';
      readonly order: StoredOrder;
      readonly cleared: ClearedOrder;
      /** Of the authority that the order was asked for under. */
      readonly epoch: number;
    };

/** What passes by waiting: the owner may try again, and nothing has ended. */
const PASSING: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'stale_price',
  'no_reference_price',
  'cannot_value',
  'throttled',
  'reconciling',
  'broker_unavailable',
  'store_unavailable',
]);
/** What a cut may bring about that the order itself does not: the owner corrects it, and nothing has ended. */
const OF_A_CUT: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'invalid_input',
  'off_tick',
  'off_lot',
  'below_min_notional',
  'price_collar',
]);

/** Inside the transaction: everything may have changed while the broker was asked. */
function decide(line: Line, asked: Approving, outside: Outside): Decision {
  const refused = (refusal: Refusal): Decision => ({ kind: 'refused', refusal });
  const found = toDecide(line, asked.id);
  if (!found.ok) return refused(found.error);
  const waiting = found.value;
  const { approval, order } = waiting;
  if (approval.digest !== asked.digest) return { kind: 'moved', approval };
  const live = authorise(line, approval.principal, order.account);
  if (!live.ok) return refused(settle(line, waiting, live.error, asked.by));
  const cut = cutOf(order, asked.edit ?? {});
  if (!cut.ok) return refused(cut.error);

  const facts = readFacts(
    line,
    { authority: 'mandate', agent: order.agent, account: order.account, side: order.side },
    outside,
    { approving: order },
  );
  const proposal = proposalOf(order, cut.value);
  const considered = { facts, proposal, outside, reference: approval.referencePrice };
  const verdict = assess(facts, proposal);
  const passing = verdict.kind === 'refused' && PASSING.has(verdict.refusal.reason);
  if (!passing && hasMoved(considered)) return { kind: 'moved', approval: renew(line, waiting, considered) };
  switch (verdict.kind) {
    case 'needs_approval':
      throw new Error(`${order.orderId} was approved, and needs an approval`);
    case 'refused': {
      const ofTheCut = isCut(cut.value) && OF_A_CUT.has(verdict.refusal.reason);
      return refused(
        ofTheCut ? stillWaits(verdict.refusal) : settle(line, waiting, verdict.refusal, asked.by),
      );
    }
    case 'cleared':
      return clear(line, waiting, { considered, verdict, cut: cut.value, by: asked.by });
    default:
      return verdict satisfies never;
  }
}

/** Leaves it waiting where waiting helps, and ends it where it does not. */
function settle(line: Line, waiting: Waiting, refusal: Refusal, by: Owner): Refusal {
  if (PASSING.has(refusal.reason)) return stillWaits(refusal);
  conclude(line, waiting, voided(refusal, by));
  return { ...refusal, order_id: waiting.order.orderId };
}

const stillWaits = (refusal: Refusal): Refusal => ({
  ...refusal,
  detail: `${refusal.detail} Nothing was sent; it still waits.`,
});

/** What was shown is too far from what would happen now to be what the owner decides. */
function hasMoved({ facts, reference }: Considered): boolean {
  if (facts.quote === undefined) return false;
  const now = referenceOf(facts.quote);
  const band = bandAround(reference, facts.instrument);
  return now.lt(band.low) || now.gt(band.high);
}

/** The card anew, around the price of now: nothing is decided, and its time does not begin again. */
function renew(line: Line, { approval, order }: Waiting, considered: Considered): Approval {
  const { facts, outside } = considered;
  if (facts.quote === undefined) throw new Error('a price that moved is there');
  const reference = referenceOf(facts.quote);
  const shown = figuresOf(line, { facts, outside, reference, proposal: proposalOf(order) }) ?? approval.shown;
  const next = {
    ...approval,
    digest: approvalDigest(order, reference),
    referencePrice: reference,
    shown,
  };
  line.approvals.renew(approval.id, next);
  recordApproval(
    line,
    { approval: next, order },
    {
      what: 'renewed',
      outcome: 'ok',
      more: { reference: text(reference), was: text(approval.referencePrice) },
    },
  );
  return next;
}

interface Cut {
  readonly qty?: Quantity;
  readonly limitPrice?: Price;
}

const isCut = (cut: Cut): boolean => cut.qty !== undefined || cut.limitPrice !== undefined;

/** What the owner takes away; the same again is nothing, and more is refused: an approval widens nothing. */
function cutOf(order: StoredOrder, { qty, limitPrice }: ApprovalEdit): Result<Cut, Refusal> {
  const loosens = (field: string, given: string, rule: string): Result<Cut, Refusal> =>
    err(
      refuse('loosening_refused', 'An approval can cut an order down, and not widen it. It still waits.', {
        errors: [fieldError(field, given, rule)],
        order_id: order.orderId,
      }),
    );
  if (qty?.gt(order.qty)) return loosens('qty', text(qty), `at most ${text(order.qty)}`);
  if (limitPrice !== undefined) {
    if (order.limitPrice === undefined)
      return err(
        refuse('invalid_input', `A ${order.type} order has no limit price. It still waits.`, {
          errors: [fieldError('limit_price', text(limitPrice), `a ${order.type} order has none`)],
          order_id: order.orderId,
        }),
      );
    const looser = order.side === 'buy' ? limitPrice.gt(order.limitPrice) : limitPrice.lt(order.limitPrice);
    const bound = order.side === 'buy' ? 'at most' : 'at least';
    if (looser) return loosens('limit_price', text(limitPrice), `${bound} ${text(order.limitPrice)}`);
  }
  return ok({
    ...(qty === undefined || qty.eq(order.qty) ? {} : { qty }),
    ...(limitPrice === undefined || (order.limitPrice && limitPrice.eq(order.limitPrice))
      ? {}
      : { limitPrice }),
  });
}

interface Passed {
  readonly considered: Considered;
  readonly verdict: Extract<Verdict, { kind: 'cleared' }>;
  readonly cut: Cut;
  readonly by: Owner;
}

/** The write: the decision, the order on its way with its reservation and legs, the day's count, the record. */
function clear(line: Line, { approval, order }: Waiting, passed: Passed): Decision {
  const { considered, verdict, cut, by } = passed;
  const { facts, proposal } = considered;
  const approved: ApprovalTerms = {
    qty: proposal.terms.qty,
    limitPrice: proposal.terms.limitPrice ?? null,
  };
  const asked: ApprovalTerms = { qty: order.qty, limitPrice: order.limitPrice ?? null };
  const edited = isCut(cut) ? { asked, approved } : null;
  const shown = figuresOf(line, considered) ?? approval.shown;
  line.approvals.renew(approval.id, { ...approval, shown });
  claim(line, approval, { decision: 'approved', door: by.door, reason: null, edited });
  line.usage.countOrder(order.agent, facts.account, facts.mandateDay);
  noteSent(line, order.agent);
  const cutWords = edited ? `, cut down from ${inWords(asked)} to ${inWords(approved)}` : '';
  const submitting = transition(line, order, {
    to: 'submitting',
    detail: `approved by the owner${cutWords}; cleared by every control`,
    patch: { ...cut, unitValue: verdict.valued.unitValue },
    actor: by,
  });
  recordApproval(
    line,
    { approval: { ...approval, shown }, order: submitting },
    { what: 'approved', outcome: 'ok', actor: by, ...(edited ? { more: { asked: inWords(asked) } } : {}) },
  );
  const legs = createLegs(line, submitting, proposal);
  const cleared = verdict.mint({ brokerClientId: order.brokerClientId, ...legs });
  return { kind: 'cleared', order: submitting, cleared, epoch: approval.principal.epoch };
}

const inWords = ({ qty, limitPrice }: ApprovalTerms): string =>
  limitPrice === null ? text(qty) : `${text(qty)} at ${text(limitPrice)}`;
