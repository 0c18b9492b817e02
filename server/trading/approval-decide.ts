/** The owner's decision: what was shown is assessed anew as if it came in now, claimed once, and only then sent. */
import { text } from '#domain/decimal.ts';
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
import { type Cut, cutOf, inWords, isCut, OF_A_CUT } from './approval-cut.ts';
import type { ApprovalDesk, ApprovalOutcome, ApprovalTerms } from './approval-desk.ts';
import { claim, conclude, recordApproval, voided, type Waiting } from './approval-ending.ts';
import { bandAround, type Considered, figuresOf, proposalOf } from './approval-figures.ts';
import { approvalDigest } from './approval-queue.ts';
import type { Approval } from './approval-rows.ts';
import { toDecide, unlessBroken } from './approval-waiting.ts';
import { dispatch } from './dispatch.ts';
import { readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { gatherToAdd } from './margin.ts';
import { createLegs } from './new-order.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { noteSent } from './repeats.ts';
import { assess, type Verdict } from './risk.ts';
import { reachOf } from './risk-reducing.ts';
import { authorise } from './submit.ts';
import { transition } from './transition.ts';
import { referenceOf } from './valuation.ts';
import type { OrderRecord } from './views.ts';

type Approving = Parameters<ApprovalDesk['approve']>[0];
type Rejecting = Parameters<ApprovalDesk['reject']>[0];

export async function approve(line: Line, asked: Approving): Promise<Result<ApprovalOutcome, Refusal>> {
  const found = toDecide(line, asked.id);
  if (!found.ok) return found;
  const { order } = found.value;
  const outside = await gatherToAdd(line, order.account, order.instrument, {
    agent: order.agent,
    terms() {
      const cut = cutOf(order, asked.edit ?? {});
      return cut.ok ? proposalOf(order, cut.value).terms : undefined;
    },
  });
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
  // A twin whose outcome is unclear, an order of somebody else that rests: both pass.
  'duplicate_order',
  'self_match',
  'reconciling',
  'broker_unavailable',
  'store_unavailable',
]);
/** Inside the transaction: everything may have changed while the broker was asked. */
function decide(line: Line, asked: Approving, outside: Outside): Decision {
  const refused = (refusal: Refusal): Decision => ({ kind: 'refused', refusal });
  const found = toDecide(line, asked.id);
  if (!found.ok) return refused(found.error);
  const waiting = found.value;
  const { approval, order } = waiting;
  if (approval.digest !== asked.digest) return { kind: 'moved', approval };
  if (outside.instrument.id !== order.instrument)
    return refused(settle(line, waiting, anotherInstrument(order), asked.by));
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
  const passing = verdict.kind === 'refused' && passes(line, order, verdict.refusal);
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

/** The broker was asked by its symbol; the order and its card are about the instrument that the symbol named then. */
const anotherInstrument = ({ symbol, instrument }: StoredOrder): Refusal =>
  refuse(
    'not_tradable',
    `${symbol} names another instrument now than the ${instrument} that was asked for; nothing was sent.`,
  );

/** Halted by nothing but the state of its account: a drill ends by itself. A kill and a halt of the agent end what waits. */
function passes(line: Line, { agent }: StoredOrder, { reason }: Refusal): boolean {
  if (reason !== 'trading_halted') return PASSING.has(reason);
  return line.access.gatewayState() !== 'HALTED' && line.access.agents.stateOf(agent).state !== 'HALTED';
}

/** Leaves it waiting where waiting helps, and ends it where it does not. */
function settle(line: Line, waiting: Waiting, refusal: Refusal, by: Owner): Refusal {
  if (passes(line, waiting.order, refusal)) return stillWaits(refusal);
  conclude(line, waiting, voided(refusal, by));
  return { ...refusal, order_id: waiting.order.orderId };
}

const stillWaits = (refusal: Refusal): Refusal => ({
  ...refusal,
  detail: `${refusal.detail} It was not sent, and still waits for you.`,
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
    patch: { ...cut, unitValue: verdict.valued.unitValue, reach: reachOf(facts, proposal) },
    actor: by,
    ...(verdict.needed ? { needed: verdict.needed } : {}),
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
