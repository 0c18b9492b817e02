/** Products of Indian paper accounts (rule 23): how much margin each takes, what it may not do, and when it ends. */
import { isPositive, isZero, min, perUnit, type Ratio, ratio, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Product } from '#domain/order.ts';
import { calendar } from '#market/calendar.ts';
import type { BrokerHolding, MarketPhase } from '#ports.ts';
import { type Book, type PaperOrder, positionOf } from './book.ts';

const INDIA_AHEAD_MS = 19_800_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** 15:15 in India. */
const SQUARE_OFF_MS = (15 * 60 + 15) * MINUTE_MS;
const FULL = ratio('1');
/** Five times: intraday, and what is carried forward of futures, whose real margin (SPAN and exposure) changes by the day. */
const FIFTH = ratio('0.2');

/** Shares and derivatives in rupees; an index is none, and keeps the rules of practice. */
export function hasProducts({ currency, assetClass }: Instrument): boolean {
  return (
    currency === 'INR' && (assetClass === 'equity' || assetClass === 'future' || assetClass === 'option')
  );
}

/** What an order without one takes: delivery for shares, carried forward for the rest; null where there are none. */
export function productOf(instrument: Instrument, named: Product | undefined): Product | null {
  if (!hasProducts(instrument)) return null;
  return named ?? (instrument.assetClass === 'equity' ? 'cnc' : 'nrml');
}

/** The share of its value that a position or an order takes of the buying power. A bought option is paid in full. */
export function marginRate(instrument: Instrument, product: Product | null): Ratio {
  if (product === null || product === 'cnc' || instrument.assetClass === 'option') return FULL;
  return FIFTH;
}

/** Why the product can not take the order; null: it can. */
export function wrongProduct(book: Book, order: PaperOrder, phase: MarketPhase['phase']): string | null {
  const { product } = order;
  const instrument = book.instrument(order.instrument);
  if (product === null || instrument === undefined) return null;
  const isShare = instrument.assetClass === 'equity';
  if (isShare && product === 'nrml') return 'shares are held as cnc or mis, not as nrml';
  if (!isShare && product === 'cnc') return 'futures and options are held as nrml or mis, not as cnc';
  if (product === 'mis' && phase === 'open' && isAfterSquareOff(book.moment.timeMs))
    return 'intraday (mis) positions end at 15:15 in India: none is opened after that';
  const position = positionOf(book, order.instrument);
  const others = [...book.open.values()].filter(
    (one) => one !== order && one.instrument === order.instrument && one.product !== product,
  );
  const held = isZero(position.qty) ? null : position.product;
  if ((held !== null && held !== product) || others.length > 0)
    return `a paper account keeps one product of an instrument at a time, and this one is in ${held ?? others[0]?.product ?? 'another'}`;
  if (instrument.assetClass === 'option' && order.side === 'sell' && !isPositive(position.qty))
    return 'an option can not be sold to open here: its margin (SPAN) is not known';
  return null;
}

/** Delivery is of what one has: a sale beyond it is refused, whatever the account may do otherwise. */
export const canBeShort = (book: Book, { product }: PaperOrder): boolean =>
  book.accountType === 'margin' && product !== 'cnc';

const clockMs = (atMs: number): number => (atMs + INDIA_AHEAD_MS) % DAY_MS;
const isAfterSquareOff = (atMs: number): boolean => clockMs(atMs) >= SQUARE_OFF_MS;

/** Whether an intraday position that was last added to on that day is over. */
export const isSquaredOff = (date: string | undefined, atMs: number): boolean =>
  isAfterSquareOff(atMs) || (date !== undefined && date < dateOf(atMs));

/** The trading day that a moment counts to: nights and holidays belong to the session before them. */
export const dateOf = (atMs: number): string => calendar('nse').tradingDate(atMs);

/** Shares held for delivery. What was bought on this day comes on the next (T+1); it may be sold before, as brokers let one (BTST). */
export function holdingsOf(book: Book, nowMs: number): readonly BrokerHolding[] {
  return [...book.state.positions].flatMap(([instrument, { qty, cost, product, fresh }]) => {
    if (product !== 'cnc' || !isPositive(qty)) return [];
    const unsettledQty = fresh?.date === dateOf(nowMs) ? min(qty, fresh.qty) : ZERO_QUANTITY;
    return { instrument, qty, unsettledQty, lockedQty: ZERO_QUANTITY, avgPrice: perUnit(cost, qty), product };
  });
}
