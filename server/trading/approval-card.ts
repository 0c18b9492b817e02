/** The card of an approval: while it waits as it stands now, afterwards as it was decided. */
import { money } from '#domain/decimal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { CLOCKS_APART_MS } from '#limits.ts';
import type { ApprovalCard, ApprovalFigures } from './approval-desk.ts';
import { lapsed } from './approval-ending.ts';
import { figuresOf, proposalOf } from './approval-figures.ts';
import type { Approval } from './approval-rows.ts';
import { mustFind } from './dispatch.ts';
import { readFacts } from './facts.ts';
import { instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { ownerOrder } from './owner-orders.ts';
import { authorise } from './submit.ts';

export function cardOf(line: Line, approval: Approval): ApprovalCard {
  const { principal, decided } = approval;
  const stored = mustFind(line, approval.orderId);
  const order = ownerOrder(line, stored);
  return {
    id: approval.id,
    order,
    agentName: order.agentName,
    credential: principal.credential,
    door: principal.door,
    note: approval.note,
    instrumentName: instrumentOf(line, order.instrument).name,
    requestedAtMs: approval.requestedAtMs,
    expiresAtMs: expiresAt(line, approval),
    digest: approval.digest,
    referencePrice: approval.referencePrice,
    takeProfit: order.takeProfit,
    stopLoss: order.stopLoss,
    ...(decided === null ? figuresNow(line, approval, stored) : approval.shown),
    decision: decided?.decision ?? null,
    decidedAtMs: decided?.atMs ?? null,
    decidedDoor: decided?.door ?? null,
    reason: decided?.reason ?? null,
    edited: decided?.edited ?? null,
  };
}

/** By the wall clock as it is now: the deadline itself does not go by it, and a clock that was set moves the two apart. */
export function expiresAt(line: Line, { id, expiresAtMs, decided }: Approval): number {
  const known = decided === null ? line.memory.approvals.get(id) : undefined;
  if (known === undefined) return expiresAtMs;
  const byDeadline =
    line.clock.wallMs() + Math.max(0, Math.round(known.deadlineMs - line.clock.monotonicMs()));
  // Two clocks never agree to the millisecond: what nobody set is not shown as moving.
  return Math.abs(byDeadline - expiresAtMs) < CLOCKS_APART_MS ? expiresAtMs : byDeadline;
}

/** What can not be told now is as it was last shown, and the card says what is in the way. */
function figuresNow(line: Line, approval: Approval, order: StoredOrder): ApprovalFigures {
  const { shown, principal } = approval;
  const inTheWay = lapsedRefusal(line, approval) ?? refusalOf(authorise(line, principal, order.account));
  const outside = outsideNow(line, order, approval.id);
  if ('reason' in outside) return { ...shown, referenceNow: null, wouldRefuse: inTheWay ?? outside };
  const facts = readFacts(
    line,
    { authority: 'mandate', agent: order.agent, account: order.account, side: order.side },
    outside,
    { approving: order },
  );
  const considered = { facts, proposal: proposalOf(order), outside, reference: approval.referencePrice };
  const figures = figuresOf(line, considered, inTheWay ?? brokerAway(outside));
  if (figures !== undefined) return figures;
  const noPrice = refuse('no_reference_price', `There is no price for ${order.symbol} now.`);
  return { ...shown, referenceNow: null, wouldRefuse: inTheWay ?? noPrice };
}

const refusalOf = (result: ReturnType<typeof authorise>): Refusal | undefined =>
  result.ok ? undefined : result.error;

function lapsedRefusal(line: Line, approval: Approval): Refusal | undefined {
  const end = lapsed(line, approval);
  if (end === undefined) return undefined;
  return refuse(
    end.ending.decision === 'expired' ? 'approval_expired' : 'order_final',
    `It can not be decided any more: ${end.detail}.`,
  );
}

/** More than any account has: a broker that was not asked since the start can not be said to refuse. */
const UNKNOWN_BUYING_POWER = money('1000000000000000');

/** Without asking the broker: a card is shown with every page, and its decision asks. */
function outsideNow(
  line: Line,
  { account, instrument, symbol }: StoredOrder,
  id: Approval['id'],
): Outside | Refusal {
  const adapter = line.adapters.get(account);
  if (adapter === undefined) return refuse('not_found', `There is no account ${account} any more.`);
  const found = line.book.byId(instrument);
  if (found === undefined) return refuse('not_tradable', `${symbol} is not in the book any more.`);
  const none = { cash: money('0'), equity: money('0'), buyingPower: UNKNOWN_BUYING_POWER };
  const balance = line.memory.balances.get(account)?.balance ?? { currency: adapter.currency, ...none };
  const margin = line.memory.approvals.get(id)?.margin;
  return { instrument: found, adapter, balance, ...(margin ? { margin } : {}) };
}

const brokerAway = ({ adapter }: Outside): Refusal | undefined =>
  adapter.connected()
    ? undefined
    : refuse(
        'broker_unavailable',
        `The broker of ${adapter.account} is not connected; it waits until it is.`,
      );
