/** The figures of an approval's card, computed from facts: what the order would do, and whether it would pass. Pure but for our books. */
import {
  absolute,
  add,
  type Money,
  money,
  type Price,
  percentOf,
  type Quantity,
  quotient,
  ratio,
  roundNearestTo,
  subtract,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { OrderTerms } from '#domain/order.ts';
import type { Refusal } from '#domain/refusal.ts';
import { COLLAR_PERCENT } from '#limits.ts';
import type { ApprovalFigures } from './approval-desk.ts';
import type { Facts, Proposal } from './facts.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { standing } from './pnl.ts';
import { describe } from './preview.ts';
import { assess, figures as limitFigures, whyAsked } from './risk.ts';
import { referenceOf, valueOf } from './valuation.ts';

/** A waiting order as what it asks for, cut down or not. */
export function proposalOf(
  order: StoredOrder,
  cut: { readonly qty?: Quantity; readonly limitPrice?: Price } = {},
): Proposal {
  const { side, type, timeInForce, postOnly, reduceOnly, extendedHours, stopPrice, trail, product } = order;
  const limitPrice = cut.limitPrice ?? order.limitPrice;
  const terms: OrderTerms = {
    side,
    qty: cut.qty ?? order.qty,
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
  const { takeProfit, stopLoss, origin } = order;
  return {
    terms,
    ...(takeProfit === null ? {} : { takeProfit }),
    ...(stopLoss === null ? {} : { stopLoss }),
    origin,
  };
}

/** How far from a price the market may have moved before what was shown is no longer what is decided. */
export function bandAround(
  reference: Price,
  { assetClass }: Pick<Instrument, 'assetClass'>,
): { readonly percent: string; readonly low: Price; readonly high: Price } {
  const percent = COLLAR_PERCENT[assetClass];
  const width = percentOf(reference, ratio(percent));
  return { percent, low: subtract(reference, width), high: add(reference, width) };
}

export interface Considered {
  readonly facts: Facts;
  readonly proposal: Proposal;
  readonly outside: Outside;
  /** The one that the card shows and the decision is measured from. */
  readonly reference: Price;
}

/** undefined: without a quote nothing can be said. `standsInTheWay` comes before what the controls say. */
export function figuresOf(
  line: Line,
  { facts, proposal, outside, reference }: Considered,
  standsInTheWay?: Refusal,
): ApprovalFigures | undefined {
  const { quote, instrument } = facts;
  if (quote === undefined) return undefined;
  const verdict = assess({ ...facts, approved: true }, proposal);
  const { estimatedPrice, value, positionAfter, warnings } = describe({ facts, proposal, verdict, outside });
  const now = referenceOf(quote);
  const band = bandAround(reference, instrument);
  const own = proposal.terms.limitPrice ?? proposal.terms.stopPrice;
  const equity = toCents(standing(line, facts.account).equity);
  const moved = now.lt(band.low) || now.gt(band.high);
  const valued = valueOf(facts, proposal);
  return {
    whyAsked: whyAsked(facts, proposal, valued),
    referenceNow: now,
    estimatedPrice,
    value: toCents(value),
    percentOfEquity: equity.gt('0') ? percent(quotient(value, equity)) : null,
    collar: {
      ...band,
      distancePercent:
        own === undefined || now.lte('0') ? null : percent(quotient(absolute(subtract(own, now)), now)),
    },
    limits: limitFigures(facts, proposal, valued),
    positionNow: facts.ownQty,
    positionAfter,
    warnings: moved ? [...warnings, MOVED] : warnings,
    wouldRefuse: standsInTheWay ?? (verdict.kind === 'refused' ? verdict.refusal : null),
    account: { id: facts.account, mode: facts.accountMode, currency: facts.accountCurrency, equity },
  };
}

const MOVED = 'The price has left the band around the one that is shown: approving shows the card anew.';

const percent = (share: number): string => (share * 100).toFixed(2);
const toCents = (amount: Money): Money => roundNearestTo(amount, money('0.01'));
