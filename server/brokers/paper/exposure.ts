/** What an account is worth, what each of its open orders reserves of that, and what a fill may still take. */
import {
  absolute,
  add,
  isNegative,
  isPositive,
  isZero,
  type Money,
  max,
  min,
  type Price,
  type Quantity,
  scale,
  subtract,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { Side } from '#domain/order.ts';
import type { Quote } from '#ports.ts';
import { type Book, instrumentOf, type PaperOrder, positionOf, remaining } from './book.ts';
import { feeOf } from './fees.ts';
import { farTouch } from './prices.ts';
import { marginRate } from './products.ts';

export type QuoteOf = (id: InstrumentId) => Quote | undefined;

/** Last trade, else the side on which the position could be closed, else the price of the last fill. */
export function markOf(book: Book, id: InstrumentId, quoteOf: QuoteOf): Price | null {
  const quote = quoteOf(id);
  const position = positionOf(book, id);
  if (quote === undefined) return position.lastPrice;
  return (
    quote.last ?? farTouch(quote, isNegative(position.qty) ? 'buy' : 'sell')?.price ?? position.lastPrice
  );
}

interface Worth {
  readonly equity: Money;
  /** Sum of what the positions take: their absolute values, or the part of them that their product asks for. */
  readonly gross: Money;
}

export function worth(book: Book, quoteOf: QuoteOf): Worth {
  let equity = book.state.cash;
  let gross = ZERO_MONEY;
  for (const [id, position] of book.state.positions) {
    if (isZero(position.qty)) continue;
    const mark = markOf(book, id, quoteOf);
    const held = mark === null ? position.cost : value(mark, position.qty, instrumentOf(book, id).multiplier);
    equity = add(equity, held);
    gross = add(gross, scale(absolute(held), marginRate(instrumentOf(book, id), position.product)));
  }
  return { equity, gross };
}

export const equityOf = (book: Book, quoteOf: QuoteOf): Money => worth(book, quoteOf).equity;

/** The open orders with the part of each that closes nothing: opposing orders use the position up in order of acceptance. */
export function* openings(
  book: Book,
  without?: PaperOrder,
): Generator<{ readonly order: PaperOrder; readonly opening: Quantity }> {
  const closable = new Map<InstrumentId, Quantity>();
  const pairs = new Set<number>();
  for (const order of book.open.values()) {
    if (order === without || order.held) continue;
    if (order.entry !== null) {
      // One leg cancels the other: the pair counts once.
      if (pairs.has(order.entry)) continue;
      pairs.add(order.entry);
    }
    yield { order, opening: takeClosable(book, order, closable) };
  }
}

function takeClosable(book: Book, order: PaperOrder, closable: Map<InstrumentId, Quantity>): Quantity {
  const position = positionOf(book, order.instrument).qty;
  const rest = remaining(order);
  if (!opposes(order.side, position)) return rest;
  const left = closable.get(order.instrument) ?? absolute(position);
  const closing = min(left, rest);
  closable.set(order.instrument, subtract(left, closing));
  return subtract(rest, closing);
}

export const opposes = (side: Side, position: Quantity): boolean =>
  side === 'sell' ? isPositive(position) : isNegative(position);

/** What is left of the position for an order of this side, working orders of that side already deducted. */
export function reducible(book: Book, id: InstrumentId, side: Side, without?: PaperOrder): Quantity {
  const position = positionOf(book, id).qty;
  if (!opposes(side, position)) return ZERO_QUANTITY;
  let left = absolute(position);
  for (const { order, opening } of openings(book, without)) {
    if (order.instrument !== id || order.side !== side) continue;
    left = subtract(left, subtract(remaining(order), opening));
  }
  return left;
}

/** What a reservation goes by. */
export type Reserving = Pick<
  PaperOrder,
  'instrument' | 'side' | 'limitPrice' | 'stopPrice' | 'product' | 'postOnly'
>;

/** The price an order is reserved at: its limit, else the worse of its stop and the touch. Undefined: there is no price. */
export function reservationPrice(order: Reserving, quote: Quote | undefined): Price | undefined {
  const touch = quote === undefined ? undefined : farTouch(quote, order.side)?.price;
  if (order.side === 'buy' && order.limitPrice !== null) return order.limitPrice;
  const own = order.limitPrice ?? order.stopPrice ?? undefined;
  if (own === undefined || touch === undefined) return own ?? touch;
  return max(own, touch);
}

/** Value and fee of the opening part of an order; undefined when nothing says what it would cost. */
export function reservation(
  book: Book,
  order: Reserving,
  opening: Quantity,
  quoteOf: QuoteOf,
): Money | undefined {
  const parts = reservationParts(book, order, opening, quoteOf);
  return parts && add(parts.margin, parts.fee);
}

export function reservationParts(
  book: Book,
  order: Reserving,
  opening: Quantity,
  quoteOf: QuoteOf,
): { readonly margin: Money; readonly fee: Money } | undefined {
  if (isZero(opening)) return { margin: ZERO_MONEY, fee: ZERO_MONEY };
  const at = reservationPrice(order, quoteOf(order.instrument));
  if (at === undefined) return undefined;
  const instrument = instrumentOf(book, order.instrument);
  const fee = feeOf(instrument, {
    product: order.product,
    side: order.side,
    qty: opening,
    price: at,
    liquidity: order.postOnly ? 'maker' : 'taker',
    timeMs: book.moment.timeMs,
  });
  return {
    margin: scale(value(at, opening, instrument.multiplier), marginRate(instrument, order.product)),
    fee,
  };
}

/** The opening part of an order that is not in the books yet. */
export function openingOf(book: Book, order: PaperOrder, without?: PaperOrder): Quantity {
  const left = reducible(book, order.instrument, order.side, without);
  const rest = remaining(order);
  return subtract(rest, min(left, rest));
}

/** The part of a fill that opens or grows a position; what closes one costs nothing. */
export function openingPart(book: Book, order: PaperOrder, qty: Quantity): Quantity {
  const position = positionOf(book, order.instrument).qty;
  return opposes(order.side, position) ? subtract(qty, min(qty, absolute(position))) : qty;
}
