/** One order that waits for the owner's word: every fact of it as it is now, and the three answers to it. */
import { z } from 'zod';
import { price, quantity, text } from '#domain/decimal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { FORM_BYTES_MAX, FORM_FIELD_LENGTH_MAX, REASON_LENGTH_MAX } from '#limits.ts';
import { positiveDecimal } from '#tools/fields.ts';
import type { ApprovalCard, ApprovalDesk, ApprovalEdit } from '#trading/approval-desk.ts';
import { approvalRow } from './approval-rows.ts';
import { APPROVALS_PATH } from './approvals.ts';
import { action, definePage, go, type Outcome, type OwnerVisit, type Proof, refused } from './define.ts';
import { sentNotice } from './sent-notice.ts';
import { ungrouped } from './typed-figures.ts';

/** What an agent is told most often; other words are typed. */
const REASONS = [
  'Too large',
  'The price is not good enough',
  'Not now',
  'Not this instrument',
  'Say why in the note, and ask again',
] as const;

const DECIMAL = positiveDecimal();
const digest = z.string().max(FORM_FIELD_LENGTH_MAX);

export const approval = definePage({
  path: '/approvals/:approval',
  title: 'Approval',
  view: 'approval.html',
  live: ['state', 'orders', 'positions', 'quotes'],
  scripts: ['approvals.css', 'approvals.js'],
  load(visit) {
    const found = deskOf(visit).card(idOf(visit));
    if (!found.ok) return found;
    return ok({
      card: approvalRow(visit.services, found.value),
      renewed_at_ms: renewedAtMs(visit, found.value),
      reasons: REASONS,
      labels: { qty: 'Quantity', limit_price: 'Limit price', reason: 'Reason' },
      ...othersThatWait(visit, found.value),
    });
  },
  actions: {
    approve: action({
      input: z.strictObject({ digest }),
      proof: proofOf,
      check: (visit) => stillWaits(visit),
      proves: (visit) => approves(visit, {}),
      run: (visit, shown) => approve(visit, shown.digest),
    }),
    smaller: action({
      input: z.strictObject({
        digest,
        qty: z.string().max(FORM_FIELD_LENGTH_MAX),
        limit_price: z.string().max(FORM_FIELD_LENGTH_MAX).default(''),
      }),
      proof: proofOf,
      check: (visit, entered) => editFrom(visit, entered),
      proves(visit, entered) {
        const edit = editFrom(visit, entered);
        return edit.ok ? approves(visit, edit.value) : undefined;
      },
      async run(visit, entered) {
        const edit = editFrom(visit, entered);
        return edit.ok ? approve(visit, entered.digest, edit.value) : refused(edit.error);
      },
    }),
    // What ends it without a word to the broker needs no proof.
    reject: action({
      input: z.strictObject({ reason: z.string().max(FORM_BYTES_MAX) }),
      run(visit, { reason }) {
        const said = reason.trim();
        const waits = stillWaits(visit);
        if (!waits.ok) return refused(waits.error);
        if (said === '' || said.length > REASON_LENGTH_MAX)
          return refused(
            notDecided([fieldError('reason', '', `a few words, at most ${REASON_LENGTH_MAX} characters`)]),
          );
        const rejected = deskOf(visit).reject({ id: waits.value.id, reason: said, by: visit.owner });
        if (!rejected.ok) return refused(rejected.error);
        const { agentName } = waits.value;
        return go(cardPath(visit), `Rejected: nothing was sent, and ${agentName} is told why.`);
      },
    }),
  },
});

const deskOf = ({ services }: OwnerVisit): ApprovalDesk => services.trading.owner.approvals;
const idOf = ({ params }: OwnerVisit): string => params['approval'] ?? '';
const cardPath = (visit: OwnerVisit): string => `${APPROVALS_PATH}/${encodeURIComponent(idOf(visit))}`;

/** How many more, and which of them expires first; without their figures, for an open card looks every second. */
function othersThatWait({ services }: OwnerVisit, { id, decision }: ApprovalCard) {
  const { owner } = services.trading;
  const next = owner.waiting().items.find((item) => item.kind === 'approval' && item.approvalId !== id);
  return {
    others: owner.approvals.count() - (decision === null ? 1 : 0),
    next: next?.kind === 'approval' ? next.approvalId : null,
  };
}

/** When its price had moved too far to be approved as it was shown; null: never. */
function renewedAtMs({ services }: OwnerVisit, { order }: ApprovalCard): number | null {
  const renewed = services.audit
    .linesOfOrder(order.orderId)
    .filter(({ kind }) => kind === 'approval.renewed')
    .at(-1);
  return renewed === undefined ? null : Date.parse(renewed.time);
}

/** Money that is real takes a fresh code. */
function proofOf(visit: OwnerVisit): Proof {
  const card = deskOf(visit).card(idOf(visit));
  return card.ok && card.value.account.mode === 'live' ? 'recent' : 'none';
}

/** The order that the proof sends. */
function approves(visit: OwnerVisit, edit: ApprovalEdit): string | undefined {
  const card = deskOf(visit).card(idOf(visit));
  if (!card.ok) return undefined;
  const { order, account } = card.value;
  const { side, qty, symbol, type, limitPrice, stopPrice } = { ...order, ...edit };
  const limit = limitPrice === undefined ? '' : `, limit ${text(limitPrice)}`;
  const stop = stopPrice === undefined ? '' : `, stop ${text(stopPrice)}`;
  const terms = type === 'market' ? ' at market' : `, ${type.replace('_', ' ')}${stop}${limit}`;
  return `Approve ${side} ${text(qty)} ${symbol}${terms} in ${account.id}, which is ${account.mode.toUpperCase()}.`;
}

function stillWaits(visit: OwnerVisit): Result<ApprovalCard, Refusal> {
  const card = deskOf(visit).card(idOf(visit));
  if (!card.ok || card.value.decision === null) return card;
  return err(
    refuse(
      'order_final',
      'Nothing was sent by this: it had been decided before. What became of it stands below.',
    ),
  );
}

async function approve(visit: OwnerVisit, shownDigest: string, edit?: ApprovalEdit): Promise<Outcome> {
  const before = stillWaits(visit);
  if (!before.ok) return refused(before.error);
  const { id } = before.value;
  const answered = await deskOf(visit).approve({
    id,
    digest: shownDigest,
    by: visit.owner,
    ...(edit === undefined ? {} : { edit }),
  });
  if (!answered.ok) return refused(answered.error);
  const outcome = answered.value;
  if (outcome.kind === 'price_moved') {
    const [then, now] = [before.value, outcome.card].map(
      (card) => approvalRow(visit.services, card).reference_price,
    );
    const warning =
      before.value.digest === shownDigest
        ? `Nothing was sent: the price went from ${then} to ${now}, further than it may between asking and answering. This is the order at the price of now; approve it again if you still want it.`
        : 'Nothing was sent: what is shown here has changed since your page showed it. Look at it once more, and approve it again if you still want it.';
    return go(cardPath(visit), { warning });
  }
  const { order } = outcome;
  return go(
    cardPath(visit),
    sentNotice(order, `Approved and sent: ${order.side} ${text(order.qty)} ${order.symbol}.`),
  );
}

interface Entered {
  readonly qty: string;
  readonly limit_price: string;
}

/** What differs from the card; whether that is smaller or tighter, the desk says. */
function editFrom(visit: OwnerVisit, entered: Entered): Result<ApprovalEdit, Refusal> {
  const waits = stillWaits(visit);
  if (!waits.ok) return waits;
  const { order } = waits.value;
  const errors: FieldError[] = [];
  const changed = (field: keyof Entered, stands: string | null): string | undefined => {
    const given = ungrouped(entered[field]);
    if (given === '' || given === stands) return undefined;
    if (DECIMAL.safeParse(given).success) return given;
    errors.push(fieldError(field, given, 'a number of more than 0, such as 12.5'));
    return undefined;
  };
  const qty = changed('qty', text(order.qty));
  const limit = changed('limit_price', order.limitPrice === undefined ? null : text(order.limitPrice));
  if (errors.length === 0 && qty === undefined && limit === undefined)
    errors.push(fieldError('qty', '', 'smaller than it stands, or another limit price'));
  if (errors.length > 0) return err(notDecided(errors));
  return ok({
    ...(qty === undefined ? {} : { qty: quantity(qty) }),
    ...(limit === undefined ? {} : { limitPrice: price(limit) }),
  });
}

const notDecided = (errors: readonly FieldError[]): Refusal =>
  refuse('invalid_input', 'Nothing was decided, and the order still waits.', { errors });
