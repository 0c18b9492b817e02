/** Previews: what would happen, in figures, and the token that lets the same arguments happen. */
import {
  add,
  type Money,
  ONE,
  type Price,
  scale,
  subtract,
  text,
  value,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { OrderTerms, Side } from '#domain/order.ts';
import { type Actor, holderOf } from '#domain/principal.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { BrokerMargin } from '#ports.ts';
import type { TradeCommit } from './desk.ts';
import type { Facts, Proposal } from './facts.ts';
import { opposes } from './holdings.ts';
import { auditActor, type Line } from './line.ts';
import { NO_VALUE } from './new-order.ts';
import type { Outside } from './outside.ts';
import { positionAfter, type Verdict } from './risk.ts';
import { isOwners } from './risk-mandate.ts';
import { estimatedPrice, farTouch, type Needed, neededOf } from './valuation.ts';
import type { PlaceResult, Preview } from './views.ts';

/** An assessed proposal, with what it was assessed on. */
export interface Assessed {
  readonly facts: Facts;
  readonly proposal: Proposal;
  readonly verdict: Verdict;
  readonly outside: Outside;
}

/** Answers a dry run: writes no order and reserves nothing; the preview itself is on the record. */
export function previewOf(
  line: Line,
  who: Actor,
  commit: TradeCommit,
  seen: Assessed,
): Result<PlaceResult, Refusal> {
  const { facts, proposal, verdict } = seen;
  if (verdict.kind === 'refused') return err(verdict.refusal);
  if (facts.quote === undefined)
    return err(refuse('no_reference_price', 'There is no price to preview with.'));
  const preview = describe(seen);
  const { token, expiresAtMs } = line.tokens.issue(
    { agent: holderOf(who), tool: commit.tool, digest: commit.digest },
    facts.wallMs,
  );
  line.audit.record({
    kind: 'order.previewed',
    ...auditActor(who),
    account: facts.account,
    outcome: 'ok',
    detail: {
      symbol: facts.instrument.symbol,
      side: proposal.terms.side,
      qty: proposal.terms.qty.toFixed(),
      needs_approval: preview.needsApproval,
      ...(preview.margin === null ? {} : { margin: text(preview.margin.required) }),
    },
  });
  return ok({ dryRun: true, preview, actionToken: token, expiresAtMs });
}

/** What would happen, in figures. */
export function describe({ facts, proposal, verdict, outside }: Assessed): Preview {
  const { terms } = proposal;
  const { quote } = facts;
  if (quote === undefined) throw new Error('a previewed order has a quote');
  const at = estimatedPrice(terms, quote);
  // A change is told by what it leaves to be filled; what the order holds already comes free.
  const left = subtract(terms.qty, facts.changes?.filledQty ?? ZERO_QUANTITY);
  const fees = outside.adapter.estimateFee({ ...terms, qty: left, instrument: facts.instrument.id }, at);
  const worth: Money = scale(value(at, left, facts.instrument.multiplier), facts.fxRate ?? ONE);
  const adding = verdict.effect === 'adding';
  const need = neededOf(facts, proposal, { ...NO_VALUE, value: worth });
  const available = add(facts.buyingPower, need.free);
  return {
    estimatedPrice: at,
    value: worth,
    fees,
    buyingPowerAfter: adding
      ? subtract(subtract(available, need.amount), fees)
      : subtract(add(available, worth), fees),
    positionAfter: positionAfter(facts, terms.side, left),
    qty: terms.qty,
    limits: limitsOf(verdict),
    needsApproval: verdict.kind === 'needs_approval',
    warnings: [
      ...warningsOf(facts, proposal, verdict),
      ...(outside.margin === 'no answer' ? [NO_MARGIN_TOLD] : []),
    ],
    margin: adding && facts.margin ? marginShown(facts.margin, need) : null,
  };
}

const NO_MARGIN_TOLD = 'The broker did not say what margin it asks for: the full value counts.';

const marginShown = ({ fees, source }: BrokerMargin, { amount }: Needed): BrokerMargin => ({
  required: amount,
  ...(fees === undefined ? {} : { fees }),
  source,
});

/** Every limit that is in force, and after them the one that asks the owner. */
const limitsOf = (verdict: Verdict): readonly LimitFigure[] => [
  ...(verdict.kind === 'refused' ? [] : verdict.limits),
  ...(verdict.kind === 'cleared' ? [] : (verdict.refusal.limits ?? [])),
];

function warningsOf(facts: Facts, { terms, origin }: Proposal, verdict: Verdict): readonly string[] {
  const warnings: string[] = [];
  if (facts.instrument.tradable === 'paper' && facts.instrument.note) warnings.push(facts.instrument.note);
  if (verdict.kind === 'needs_approval') warnings.push(verdict.refusal.detail);
  if (verdict.effect === 'reducing')
    warnings.push('This order only reduces your position; no value limit applies.');
  if (takesFromOthers(facts, terms.side, verdict))
    warnings.push(
      `This opens a position of your own against the ${text(facts.accountQty)} that the account holds; to take an agent’s position back, close it instead.`,
    );
  if (facts.phase !== undefined && facts.phase.phase !== 'open')
    warnings.push('The market is closed: the order waits for the open.');
  if (terms.type === 'market' && origin === 'agent')
    warnings.push('A market order fills at the next prices, which may differ from the estimate.');
  return [...warnings, ...pricesPassed(facts, terms)];
}

/** The owner's ticket against what agents hold reads like a close and is none: both positions stay on the books. */
const takesFromOthers = (facts: Facts, side: Side, { effect }: Verdict): boolean =>
  isOwners(facts) && effect === 'adding' && facts.ownQty.eq('0') && opposes(side, facts.accountQty);

/** Orders that will not wait, though they look as if: a stop or a limit on the wrong side of the market. */
function pricesPassed(
  { quote }: Facts,
  { side, type, limitPrice, stopPrice }: OrderTerms,
): readonly string[] {
  if (quote === undefined) return [];
  const touch = farTouch(quote, side);
  const reached = (at: Price): boolean => (side === 'buy' ? at.lte(touch) : at.gte(touch));
  const where = side === 'buy' ? 'below' : 'above';
  if (stopPrice !== undefined && reached(stopPrice))
    return [
      `The stop is ${where} the market (${text(touch)}), so it triggers at once; to ${side} ${where} the market use a limit.`,
    ];
  const crosses =
    limitPrice !== undefined && (side === 'buy' ? limitPrice.gte(touch) : limitPrice.lte(touch));
  return crosses && type === 'limit'
    ? [
        `The limit crosses the market (${text(touch)}): the order fills at once as far as there is something to meet.`,
      ]
    : [];
}
