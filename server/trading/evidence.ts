/** What the owner read of an unclear order at the broker: checked, posted and put on the record. Nothing is ever sent for it. */
import { randomBytes } from 'node:crypto';
import { max, type Quantity, subtract, sum, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import { fieldError, printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  BROKER_CALL_TIMEOUT_MS,
  EVIDENCE_FILLS_MAX,
  EVIDENCE_SOURCE_CHARS_MAX,
  EVIDENCE_TEXT_CHARS_MAX,
} from '#limits.ts';
import { mustFind } from './dispatch.ts';
import { pricesWrong } from './evidence-price.ts';
import { insertEvidence } from './evidence-rows.ts';
import { isPosted } from './ledger.ts';
import { agentNameOf, auditActor, type Line } from './line.ts';
import { endChange } from './order-changes.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Evidence } from './owner-desk.ts';
import { postRecorded } from './recorded-fills.ts';
import { acceptTerms, restingState } from './terms.ts';
import { transition } from './transition.ts';

/** Why nothing can be recorded of an order now, as a sentence; undefined: it can. */
export function whyNoEvidence(line: Line, order: StoredOrder): string | undefined {
  if (isFinal(order.status)) return `The order is ${order.status}; nothing of it is unclear.`;
  if (order.status === 'unknown') return undefined;
  if (order.status !== 'pending_cancel' && order.status !== 'pending_replace')
    return `The order is ${order.status}; only one whose outcome is unclear can be settled by what you read.`;
  return brokerAnswers(line, order)
    ? `The order is ${order.status} and its broker answers: its own word settles it in a moment.`
    : undefined;
}

/** Whether the broker can be expected to say how a change or a cancel ended. */
function brokerAnswers(line: Line, { account, updatedAtMs }: StoredOrder): boolean {
  if (line.wallMs() - updatedAtMs < BROKER_CALL_TIMEOUT_MS) return true;
  const adapter = line.adapters.get(account);
  if (adapter === undefined || !adapter.connected() || line.memory.suspect.has(account)) return false;
  return adapter.capabilities.ids.queryByClientId;
}

const readable = (given: Evidence): Evidence => ({
  ...given,
  source: printable(given.source.trim()),
  text: printable(given.text.trim()),
});

/** The order that it settles; changes nothing. */
export function checkEvidence(line: Line, given: Evidence): Result<StoredOrder, Refusal> {
  const order = line.orders.byId(given.orderId);
  if (order === undefined)
    return err(refuse('not_found', `There is no order ${given.orderId.slice(0, 40)}.`));
  const wrong = whyRefused(line, order, readable(given));
  return wrong === undefined ? ok(order) : err(wrong);
}

export function recordEvidence(
  line: Line,
  given: Evidence,
  working: (order: StoredOrder) => void,
): Result<StoredOrder, Refusal> {
  const settled = line.store.transaction((): Result<StoredOrder, Refusal> => {
    const evidence = readable(given);
    const order = checkEvidence(line, evidence);
    return order.ok ? ok(settle(line, order.value, evidence)) : order;
  });
  if (!settled.ok) return settled;
  // The broker's own word counts more, so it is asked for as soon as it can give it.
  line.memory.suspect.add(settled.value.account);
  if (!isFinal(settled.value.status)) working(settled.value);
  return settled;
}

function whyRefused(line: Line, order: StoredOrder, evidence: Evidence): Refusal | undefined {
  const { orderId } = order;
  const why = whyNoEvidence(line, order);
  if (why !== undefined)
    return refuse(isFinal(order.status) ? 'order_final' : 'reconciling', `Nothing was recorded. ${why}`, {
      order_id: orderId,
    });
  const errors = [
    ...wordsWrong(line, order, evidence),
    ...fillsWrong(line, order, evidence),
    ...pricesWrong(line, order, evidence),
    ...idsWrong(line, order, evidence),
  ];
  const [first] = errors;
  if (first === undefined) return undefined;
  const rules = errors.map(({ field, rule }) => `${field}: ${rule}`).join('; ');
  return refuse('invalid_input', `Nothing was recorded. ${rules}.`, { errors, order_id: orderId });
}

type Wrong = ReturnType<typeof fieldError>;

function wordsWrong(line: Line, order: StoredOrder, evidence: Evidence): readonly Wrong[] {
  const { source, text: words, observedAtMs } = evidence;
  const wrong: Wrong[] = [];
  if (source === '' || source.length > EVIDENCE_SOURCE_CHARS_MAX)
    wrong.push(
      fieldError('source', source, `where you read it, 1 to ${EVIDENCE_SOURCE_CHARS_MAX} characters`),
    );
  if (words === '' || words.length > EVIDENCE_TEXT_CHARS_MAX)
    wrong.push(fieldError('text', words, `what it says, 1 to ${EVIDENCE_TEXT_CHARS_MAX} characters`));
  // Forms and people tell the minute.
  const placedMs = order.createdAtMs - (order.createdAtMs % 60_000);
  if (observedAtMs < placedMs || observedAtMs > line.wallMs())
    wrong.push(
      fieldError(
        'at',
        new Date(observedAtMs).toISOString(),
        'not before the order was placed, and not in the future',
      ),
    );
  return wrong;
}

function fillsWrong(line: Line, order: StoredOrder, evidence: Evidence): readonly Wrong[] {
  const { outcome, fills = [] } = evidence;
  const total = sum(
    ZERO_QUANTITY,
    fills.map(({ qty }) => qty),
  );
  const told = (rule: string): readonly Wrong[] => [fieldError('filled', text(total), rule)];
  if (fills.length > EVIDENCE_FILLS_MAX) return told(`at most ${EVIDENCE_FILLS_MAX} fills`);
  if (fills.some(({ qty, price, timeMs }) => qty.lte('0') || price.lte('0') || (timeMs ?? 0) > line.wallMs()))
    return told('each fill has a quantity and a price above 0, and is not in the future');
  const left = subtract(order.qty, order.filledQty);
  const most = subtract(wholeOf(order), order.filledQty);
  switch (outcome) {
    case 'never_received':
    case 'rejected':
      return total.gt('0') || order.filledQty.gt('0')
        ? told(`nothing: an order that has fills was neither lost nor rejected`)
        : [];
    case 'filled':
      return total.eq(left) || total.eq(most)
        ? []
        : told(
            `the ${text(most)} that the books lack of it; canceled, expired or working says that less was filled`,
          );
    case 'canceled':
    case 'expired':
    case 'working':
      return total.lt(most) ? [] : told(`less than the ${text(most)} that are left; otherwise it is filled`);
    default:
      return outcome satisfies never;
  }
}

/** All of it, with a change under way that may have made it larger. */
const wholeOf = (order: StoredOrder): Quantity =>
  order.pending === null ? order.qty : max(order.qty, order.pending.terms.qty);

function idsWrong(line: Line, order: StoredOrder, evidence: Evidence): readonly Wrong[] {
  const { outcome, terms, fills = [], brokerOrderId } = evidence;
  const wrong: Wrong[] = [];
  if (outcome === 'never_received' && order.brokerOrderId !== null)
    wrong.push(fieldError('outcome', outcome, 'the broker has acknowledged it already; it received it'));
  if (outcome === 'working' && order.pending !== null && terms === undefined)
    wrong.push(
      fieldError(
        'terms',
        '',
        'old or new: a change of it was sent, and this says which terms the broker shows',
      ),
    );
  const ids = fills.flatMap(({ executionId }) => executionId ?? []);
  for (const id of ids)
    if (
      isPosted(line, order.account, id) ||
      ids.indexOf(id) !== ids.lastIndexOf(id) ||
      id.startsWith('owner:')
    )
      wrong.push(fieldError('execution_id', id, 'is in the books already, or given twice'));
  if (brokerOrderId !== undefined) {
    const other = line.orders.byBrokerOrderId(order.account, brokerOrderId);
    if (other !== undefined && other.orderId !== order.orderId)
      wrong.push(
        fieldError('broker_order_id', brokerOrderId, `is the order ${other.orderId} in these books`),
      );
    else if (order.brokerOrderId !== null && order.brokerOrderId !== brokerOrderId)
      wrong.push(
        fieldError('broker_order_id', brokerOrderId, `${order.brokerOrderId}, as the broker said itself`),
      );
  }
  return wrong;
}

function settle(line: Line, order: StoredOrder, evidence: Evidence): StoredOrder {
  const id = `evd_${randomBytes(9).toString('hex')}`;
  const { outcome, fills = [], by } = evidence;
  insertEvidence(line, { id, account: order.account }, evidence);
  line.audit.record({
    kind: 'evidence.recorded',
    ...auditActor(by),
    agent: agentNameOf(line, order.agent),
    account: order.account,
    outcome: 'ok',
    detail: {
      order_id: order.orderId,
      evidence_id: id,
      from: order.status,
      to: outcome,
      source: evidence.source,
      observed_at: new Date(evidence.observedAtMs).toISOString(),
      fills: fills.length,
      text: evidence.text,
    },
  });
  line.memory.sentAtMs.delete(order.orderId);
  const known =
    evidence.brokerOrderId === undefined || order.brokerOrderId !== null
      ? order
      : transition(line, order, {
          to: order.status,
          detail: `its id at the broker is ${printable(evidence.brokerOrderId)}, recorded by the owner`,
          patch: { brokerOrderId: evidence.brokerOrderId },
          actor: by,
        });
  conclude(line, postRecorded(line, known, fills, id), { ...evidence, id });
  return mustFind(line, order.orderId);
}

/** The order's state as the owner read it, and what goes with it. */
function conclude(line: Line, order: StoredOrder, evidence: Evidence & { readonly id: string }): StoredOrder {
  const { outcome, terms, source, by } = evidence;
  const read = `recorded by the owner from ${source}`;
  switch (outcome) {
    case 'never_received':
    case 'rejected': {
      const reason = outcome === 'rejected' ? 'rejected by the broker' : 'never reached the broker';
      const change = {
        to: 'rejected',
        detail: `${reason}, ${read}`,
        patch: { reason: `${reason}, ${read}` },
        actor: by,
      } as const;
      endLegs(line, order, { change, evidence });
      return transition(line, order, change);
    }
    case 'canceled':
    case 'expired': {
      const change = { to: outcome, detail: `${outcome} at the broker, ${read}`, actor: by } as const;
      // Legs live by what their entry has filled.
      if (order.filledQty.eq('0')) endLegs(line, order, { change, evidence });
      return transition(line, order, change);
    }
    case 'filled':
      return isFinal(order.status)
        ? order
        : transition(line, order, { to: 'filled', detail: `filled, ${read}`, actor: by });
    case 'working': {
      if (order.pending !== null && terms === 'new')
        return acceptTerms(line, order, `the new terms, ${read}`);
      if (order.pending !== null)
        endChange(line, order.orderId, { outcome: 'rejected', reason: `the old terms, ${read}` });
      return transition(line, order, {
        to: restingState(order),
        detail: `working at the broker, ${read}`,
        patch: { pending: null },
        actor: by,
      });
    }
    default:
      return outcome satisfies never;
  }
}

/** The same is recorded of them, so that the broker's word on each is heard. */
function endLegs(
  line: Line,
  order: StoredOrder,
  {
    change,
    evidence,
  }: {
    readonly change: Parameters<typeof transition>[2];
    readonly evidence: Evidence & { readonly id: string };
  },
): void {
  for (const leg of line.orders.legsOf(order.orderId)) {
    if (isFinal(leg.status)) continue;
    const { orderId, account, role } = leg;
    insertEvidence(line, { id: `${evidence.id}:${role}`, account }, { ...evidence, orderId });
    transition(line, leg, change);
  }
}
