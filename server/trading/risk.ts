/** The decision: pure pre-trade controls in one readable table; only here an order becomes a ClearedOrder. */
import { add, type Quantity, subtract, text } from '#domain/decimal.ts';
import type { ClearedOrder, OrderTerms } from '#domain/order.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import type { Facts, Proposal } from './facts.ts';
import * as account from './risk-account.ts';
import * as broker from './risk-broker.ts';
import * as bounds from './risk-limits.ts';
import * as reach from './risk-mandate.ts';
import * as market from './risk-market.ts';
import * as reducing from './risk-reducing.ts';
import * as repeats from './risk-repeats.ts';
import { type Needed, neededOf, type Valued, valueOf } from './valuation.ts';

/** A control says why not, or nothing. Its number is its place in the chain. */
type Control = (facts: Facts, proposal: Proposal, valued: Valued) => Refusal | undefined;

interface Step {
  readonly number: string;
  readonly what: string;
  readonly check: Control;
}

/** Control 17. `above` compares this order plus what the agent put into the same instrument and side today unapproved. */
function approval(facts: Facts, { terms }: Proposal, valued: Valued): Refusal | undefined {
  if (reach.isOwners(facts) || facts.approved) return undefined;
  const { changes } = facts;
  // What was decided was that order: smaller or at a tighter price it still is, and anything else is another one, whatever its value.
  if (changes !== undefined && changes.approvalId !== null)
    return onlyTightens(changes, terms)
      ? undefined
      : refuse(
          'approval_required',
          'The owner approved this order as it is: its quantity may be cut and its limit price tightened, nothing else.',
        );
  const rule = facts.mandate?.approvalAbove ?? 'always';
  if (rule === 'never') return undefined;
  if (rule === 'always') {
    return refuse('approval_required', 'Every adding order of this agent needs the owner’s approval.');
  }
  const total = add(facts.unapprovedValue, valued.value);
  if (total.lte(rule)) return undefined;
  return refuse(
    'approval_required',
    `Orders to ${terms.side} ${facts.instrument.symbol} above ${text(rule)} ${facts.accountCurrency} in all a day need the owner’s approval; today ${text(facts.unapprovedValue)}, this order ${text(valued.value)}.`,
    {
      limits: [
        bounds.limitOf('approval_above', facts.accountCurrency, {
          used: facts.unapprovedValue,
          order: valued.value,
          max: rule,
        }),
      ],
    },
  );
}

/** Why the owner is asked, in words for the owner: the rule of the mandate as it is now, and where the order stands under it. */
export function whyAsked(facts: Facts, { terms }: Proposal, valued: Valued): string {
  const rule = facts.mandate?.approvalAbove ?? 'always';
  if (rule === 'always') return 'Every adding order of this agent asks.';
  if (rule === 'never') return 'It was asked for under an earlier mandate; the one of now asks for nothing.';
  const { symbol } = facts.instrument;
  const sides = terms.side === 'buy' ? 'buys' : 'sells';
  return `Asks above ${text(rule)} ${facts.accountCurrency} a day in ${symbol}, ${sides}: ${text(facts.unapprovedValue)} so far today without you, this order ${text(valued.value)}.`;
}

/** For an order that may add risk. In this order: the first one that refuses decides. */
export const CONTROLS: readonly Step[] = [
  { number: '1', what: 'kill switch and trading state', check: reach.tradingState },
  { number: '2', what: 'mandate live, account allowed', check: reach.mandateLive },
  { number: '2a', what: 'symbol, side and type allowed', check: reach.mandateAdmits },
  { number: '2b', what: 'within the mandate’s hours', check: reach.tradingHours },
  { number: '3', what: 'instrument tradable, session or a type that may wait', check: market.tradable },
  { number: '3a', what: 'priced in the account’s currency', check: broker.currency },
  { number: '3b', what: 'what its broker takes', check: broker.taken },
  { number: '4', what: 'on tick, on lot, minimum notional: refused, never rounded', check: market.steps },
  { number: '5', what: 'reference price present and fresh', check: market.reference },
  { number: '5a', what: 'can be valued in the account’s currency', check: market.canValue },
  { number: '6', what: 'price collar', check: market.collar },
  { number: '6a', what: 'bracket prices on their sides', check: market.bracket },
  { number: '7', what: 'quantity and value of one order', check: bounds.orderSize },
  { number: '8', what: 'reduce-only and short rules', check: reducing.shortRules },
  { number: '9', what: 'open orders and gross exposure', check: bounds.exposure },
  { number: '10', what: 'value and orders a day, messages a second', check: bounds.daily },
  { number: '11', what: 'loss of the agent today', check: bounds.loss },
  { number: '11a', what: 'loss of the account today', check: account.accountLoss },
  { number: '12', what: 'drawdown of the account', check: account.drawdown },
  { number: '12a', what: 'positions of the account', check: account.positions },
  { number: '13', what: 'client order id used once', check: repeats.clientOrderId },
  { number: '13a', what: 'not the same again while it is unclear', check: repeats.unclearTwin },
  { number: '14', what: 'orders sent again and again', check: repeats.repeats },
  { number: '15', what: 'no trade with another holder of the account', check: repeats.selfMatch },
  { number: '16', what: 'buying power', check: market.buyingPower },
  { number: '17', what: 'approval', check: approval },
];

/** For an order that reduces what is held: no value limit, queue or token stands before it. */
export const REDUCTION_CONTROLS: readonly Step[] = [
  { number: '1', what: 'trading state', check: reach.stateForReduction },
  { number: '3', what: 'instrument tradable', check: market.tradable },
  { number: '3b', what: 'what its broker takes', check: broker.taken },
  { number: '4', what: 'on tick, on lot', check: market.stepsOfReduction },
  { number: '8', what: 'no more than is reducible', check: reducing.reducible },
  { number: '10', what: 'own messages a second', check: bounds.throttleOfReduction },
  { number: '13', what: 'client order id used once', check: repeats.clientOrderId },
  { number: '13a', what: 'not the same again while it is unclear', check: repeats.unclearTwin },
];

/** For a smaller quantity at the same prices: it only takes risk away. */
export const CUT_CONTROLS: readonly Step[] = [
  { number: '1', what: 'trading state', check: reach.stateForReduction },
  { number: '3b', what: 'its broker changes orders', check: broker.changed },
  { number: '4', what: 'on tick, on lot', check: market.stepsOfReduction },
  { number: '10', what: 'own messages a second', check: bounds.throttleOfReduction },
];

export type Effect = 'adding' | 'reducing';

export type Verdict =
  | {
      readonly kind: 'cleared';
      readonly effect: Effect;
      readonly valued: Valued;
      /** Of the buying power; undefined where that was not looked at. */
      readonly needed: Needed | undefined;
      readonly limits: readonly LimitFigure[];
      readonly mint: (ids: ClearedIds) => ClearedOrder;
    }
  | {
      readonly kind: 'needs_approval';
      readonly effect: Effect;
      readonly refusal: Refusal;
      readonly valued: Valued;
      readonly limits: readonly LimitFigure[];
    }
  | { readonly kind: 'refused'; readonly effect: Effect; readonly refusal: Refusal };

/** Every limit that is in force with its figures for this order: what a preview shows. */
export const figures = (facts: Facts, proposal: Proposal, valued: Valued): readonly LimitFigure[] => [
  ...bounds.figures(facts, proposal, valued),
  ...account.accountFigures(facts),
];

/** What the write gives an order that has passed. */
export interface ClearedIds {
  readonly brokerClientId: string;
  readonly brokerOrderId?: string;
  readonly takeProfitClientId?: string;
  readonly stopLossClientId?: string;
}

/**
 * Whether an order would only reduce: its side opposes the agent's own position (or, where the mandate says
 * `may_reduce: account`, the account's) and its quantity is no more than what is still reducible. Computed, never claimed.
 */
export function effectOf(facts: Facts, proposal: Proposal): Effect {
  if (proposal.takeProfit !== undefined || proposal.stopLoss !== undefined) return 'adding';
  const { terms } = proposal;
  const left = reducing.underProduct(facts, 'own', terms, reducing.ownLeft(facts, terms.side));
  if (reducing.reduces(terms.side, terms.qty, facts.ownQty, left)) return 'reducing';
  if (!reducing.reachesAccount(facts)) return 'adding';
  const whole = reducing.underProduct(facts, 'account', terms, facts.accountReducible);
  return reducing.reduces(terms.side, terms.qty, facts.accountQty, whole) ? 'reducing' : 'adding';
}

/** Pure: facts and a proposal in, a verdict out. An order that must not reach a broker can not come out cleared. */
export function assess(facts: Facts, proposal: Proposal): Verdict {
  const effect = fixedEffect(facts, proposal) ?? effectOf(facts, proposal);
  const cut = facts.changes !== undefined && onlyCuts(facts.changes, proposal.terms);
  const valued = valueOf(facts, proposal);
  for (const control of cut ? CUT_CONTROLS : effect === 'reducing' ? REDUCTION_CONTROLS : CONTROLS) {
    const refusal = control.check(facts, proposal, valued);
    if (refusal === undefined) continue;
    // The last of all: a human is only asked about what everything else lets pass.
    if (control.check !== approval) return { kind: 'refused', effect, refusal };
    return { kind: 'needs_approval', effect, refusal, valued, limits: figures(facts, proposal, valued) };
  }
  const limits = effect === 'adding' ? figures(facts, proposal, valued) : [];
  const needed = cut || effect === 'reducing' ? undefined : neededOf(facts, proposal, valued);
  return { kind: 'cleared', effect, valued, needed, limits, mint: (ids) => mint(facts, proposal, ids) };
}

/** A close reduces or is refused; an order that is changed, or waited for the owner, stays what it was assessed as. */
function fixedEffect(facts: Facts, proposal: Proposal): Effect | undefined {
  if (facts.changes !== undefined) return facts.changes.effect;
  if (facts.approved) return 'adding';
  return proposal.origin === 'agent' ? undefined : 'reducing';
}

/** Whether a change asks for no more than before, at no worse a limit price: what the owner may do while approving, too. */
function onlyTightens(order: OrderTerms, terms: OrderTerms): boolean {
  const [was, is] = [order.limitPrice, terms.limitPrice];
  const tighter = was === undefined || is === undefined || (order.side === 'buy' ? is.lte(was) : is.gte(was));
  return tighter && terms.qty.lte(order.qty) && setOffAlike(order, terms);
}

/** Whether a change is nothing but a smaller quantity. */
export function onlyCuts(order: OrderTerms, terms: OrderTerms): boolean {
  return (
    terms.qty.lt(order.qty) &&
    order.limitPrice?.toFixed() === terms.limitPrice?.toFixed() &&
    setOffAlike(order, terms)
  );
}

const setOffAlike = (order: OrderTerms, terms: OrderTerms): boolean =>
  order.stopPrice?.toFixed() === terms.stopPrice?.toFixed() &&
  JSON.stringify(order.trail) === JSON.stringify(terms.trail);

/** The only place where terms become a ClearedOrder. */
function mint(facts: Facts, proposal: Proposal, ids: ClearedIds): ClearedOrder {
  const legs = {
    ...(proposal.takeProfit && ids.takeProfitClientId
      ? { takeProfit: { brokerClientId: ids.takeProfitClientId, limitPrice: proposal.takeProfit } }
      : {}),
    ...(proposal.stopLoss && ids.stopLossClientId
      ? { stopLoss: { brokerClientId: ids.stopLossClientId, stopPrice: proposal.stopLoss } }
      : {}),
  };
  return {
    ...proposal.terms,
    ...legs,
    account: facts.account,
    instrument: facts.instrument.id,
    brokerClientId: ids.brokerClientId,
    ...(ids.brokerOrderId === undefined ? {} : { brokerOrderId: ids.brokerOrderId }),
  } as ClearedOrder;
}

/** The agent's own position after a full fill. */
export function positionAfter(facts: Facts, side: 'buy' | 'sell', qty: Quantity): Quantity {
  return side === 'buy' ? add(facts.ownQty, qty) : subtract(facts.ownQty, qty);
}
