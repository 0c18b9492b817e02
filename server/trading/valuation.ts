/** What an order is worth, pure: never zero, never the optimistic side. */
import {
  add,
  type Decimal,
  isPositive,
  type Money,
  max,
  min,
  type Price,
  percentOf,
  type Quantity,
  type Ratio,
  ratio,
  roundDownTo,
  roundUpTo,
  scale,
  subtract,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { OrderTerms, Side } from '#domain/order.ts';
import { SLIPPAGE_PERCENT } from '#limits.ts';
import type { Quote } from '#ports.ts';
import type { Facts, Proposal } from './facts.ts';

export interface Valued {
  /** Price that one unit is valued at; undefined without a quote. */
  readonly unitPrice: Price | undefined;
  /** Account currency for one unit: what a unit reserves. Zero when it can not be valued. */
  readonly unitValue: Money;
  /** Remaining quantity × unit value; the larger of it and the notional asked for. Zero when it can not be valued. */
  readonly value: Money;
}

const SLIPPAGE_UP: Ratio = ratio('1').plus(ratio(SLIPPAGE_PERCENT).div('100')) as unknown as Ratio;

/** The side of the book that an order would meet: the ask for a buy, the bid for a sell. */
export const farTouch = (quote: Quote, side: Side): Price => (side === 'buy' ? quote.ask : quote.bid);

/**
 * Where a trailing stop would trigger if the market turned now. It only follows the market away from this price on the side
 * that makes a buy cheaper, so that it is the most a buy can be stopped in at.
 */
export function trailingStop(terms: Pick<OrderTerms, 'side' | 'trail'>, quote: Quote): Price | undefined {
  const { trail, side } = terms;
  if (trail === undefined) return undefined;
  const touch = farTouch(quote, side);
  const distance = trail.kind === 'price' ? trail.distance : percentOf(touch, trail.percent);
  return side === 'buy' ? add(touch, distance) : subtract(touch, distance);
}

/** DESIGN: remaining quantity × max(limit, stop, far touch + slippage allowance) × multiplier × FX. */
export function valueOf(facts: Facts, proposal: Proposal): Valued {
  const { terms } = proposal;
  if (facts.quote === undefined || facts.fxRate === undefined) {
    return { unitPrice: undefined, unitValue: ZERO_MONEY, value: ZERO_MONEY };
  }
  let unitPrice = scale(farTouch(facts.quote, terms.side), SLIPPAGE_UP);
  if (terms.limitPrice) unitPrice = max(unitPrice, terms.limitPrice);
  const stop = terms.stopPrice ?? trailingStop(terms, facts.quote);
  if (stop) unitPrice = max(unitPrice, stop);
  const unitValue = scale(value(unitPrice, oneUnit, facts.instrument.multiplier), facts.fxRate);
  const left = facts.changes ? (terms.qty.minus(facts.changes.filledQty) as Quantity) : terms.qty;
  const byQuantity = scale(value(unitPrice, left, facts.instrument.multiplier), facts.fxRate);
  const byNotional = proposal.notional ? scale(proposal.notional, facts.fxRate) : ZERO_MONEY;
  return { unitPrice, unitValue, value: max(byQuantity, byNotional) };
}

export interface Needed {
  readonly amount: Money;
  /** What it takes already, and is free for it. */
  readonly free: Money;
  /** Whether the broker said so, or it is the full value. */
  readonly told: boolean;
}

/**
 * What an order takes of the buying power: what its broker says, for no fewer units than it was asked about; without its word the full
 * value. The limits of a mandate are about the full value whatever the broker lends.
 */
export function neededOf(facts: Facts, { terms }: Proposal, valued: Valued): Needed {
  const { margin } = facts;
  if (margin === undefined) return { amount: valued.value, free: facts.freed, told: false };
  const qty = subtract(terms.qty, facts.changes?.filledQty ?? ZERO_QUANTITY);
  const { required, held: free } = margin;
  if (qty.lte(margin.qty)) return { amount: required, free, told: true };
  const amount = roundUpTo(required.times(qty).div(margin.qty) as unknown as Money, CENT);
  return { amount, free, told: true };
}

const CENT: Decimal = ratio('0.01');

const oneUnit = ratio('1') as Decimal as Quantity;

const SLIPPAGE_DOWN: Ratio = ratio('1').minus(ratio(SLIPPAGE_PERCENT).div('100')) as unknown as Ratio;

/** The worst price at which an order could fill: its own limit, else where it sets off plus the slippage allowance. */
export function worstPrice(terms: OrderTerms, quote: Quote): Price {
  const { side, limitPrice } = terms;
  if (limitPrice !== undefined) return limitPrice;
  const touch = farTouch(quote, side);
  const stop = terms.stopPrice ?? trailingStop(terms, quote) ?? touch;
  return side === 'buy' ? scale(max(touch, stop), SLIPPAGE_UP) : scale(min(touch, stop), SLIPPAGE_DOWN);
}

/**
 * Units for a value in quote currency: what it buys at the price the order is valued at, rounded down to the lot, so that
 * the fill never exceeds the notional by more than the market moves. Undefined when not even one lot fits.
 */
export function unitsFor(
  notional: Money,
  terms: Omit<OrderTerms, 'qty'>,
  quote: Quote,
  instrument: Instrument,
): Quantity | undefined {
  const perUnit = value(dearest(terms, quote), oneUnit, instrument.multiplier);
  if (!isPositive(perUnit)) return undefined;
  const units = roundDownTo(notional.div(perUnit) as unknown as Quantity, instrument.lot);
  return units.gt('0') ? units : undefined;
}

/** The highest price that an order would fill at now: a sell's limit is the least it takes, a buy's the most it pays. */
function dearest(terms: Omit<OrderTerms, 'qty'>, quote: Quote): Price {
  const { side, limitPrice } = terms;
  const touch = farTouch(quote, side);
  const stop = terms.stopPrice ?? trailingStop(terms, quote);
  if (side === 'buy') return limitPrice ?? stop ?? touch;
  return limitPrice === undefined ? (stop ?? touch) : max(limitPrice, stop ?? touch);
}

/** The price of a preview: what a market order would meet, else its own. */
export function estimatedPrice(
  terms: Pick<OrderTerms, 'side' | 'type' | 'limitPrice' | 'stopPrice'>,
  quote: Quote,
): Price {
  const touch = farTouch(quote, terms.side);
  switch (terms.type) {
    case 'market':
    case 'trailing_stop':
      return touch;
    case 'limit':
    case 'stop_limit': {
      if (terms.limitPrice === undefined) return touch;
      const better = terms.side === 'buy' ? touch.lt(terms.limitPrice) : touch.gt(terms.limitPrice);
      return better && terms.type === 'limit' ? touch : terms.limitPrice;
    }
    case 'stop':
      return terms.stopPrice ?? touch;
    default:
      return terms.type satisfies never;
  }
}

/** What a price is compared with: the last trade, or the middle of the quote. */
export function referenceOf(quote: Quote): Price {
  return quote.last ?? (quote.bid.plus(quote.ask).div('2') as unknown as Price);
}
