/** What the venue rejects: an order is taken as it is or not at all, never rounded or repaired. Each reason is one sentence. */
import { compare, isPositive, isZero, type Price, subtract, value } from '#domain/decimal.ts';
import { type Instrument, type InstrumentId, isOnLot, isOnTick } from '#domain/instrument.ts';
import type { ClearedOrder, OrderTerms } from '#domain/order.ts';
import { unreachable } from '#domain/result.ts';
import type { BrokerMargin, MarketFeed } from '#ports.ts';
import { type Book, type PaperOrder, positionOf, remaining } from './book.ts';
import { buyingPower } from './buying-power.ts';
import { openingOf, opposes, reducible, reservation, reservationParts } from './exposure.ts';
import { POST_ONLY_REASON } from './match.ts';
import { farTouch, within } from './prices.ts';
import { canBeShort, productOf, wrongProduct } from './products.ts';

/** The part of the feed that an order's acceptance looks at. */
export type MarketView = Pick<MarketFeed, 'nowMs' | 'run' | 'quote' | 'phase'>;

/** Why the terms can not be worked at all, whatever the account holds. */
export function malformed(order: PaperOrder, instrument: Instrument): string | null {
  return (
    priceShape(order) ??
    onGrid(order, instrument) ??
    (order.postOnly && order.type !== 'limit' ? 'post only needs a limit order' : null) ??
    (order.postOnly && (order.timeInForce === 'ioc' || order.timeInForce === 'fok')
      ? 'post only can not be immediate'
      : null) ??
    (order.extendedHours && !(order.type === 'limit' && order.timeInForce === 'day')
      ? 'extended hours take limit day orders only'
      : null)
  );
}

function priceShape(order: PaperOrder): string | null {
  const { limitPrice, stopPrice, trail, type } = order;
  const has = `${limitPrice === null ? '' : 'limit '}${stopPrice === null ? '' : 'stop '}${trail === null ? '' : 'trail '}`;
  const wants = expectedPrices(type);
  // A trailing stop's stop price is the venue's own.
  const given = type === 'trailing_stop' ? has.replace('stop ', '') : has;
  if (given === wants) return null;
  return `a ${type} order carries ${wants === '' ? 'no price' : wants.trim().replace(' ', ' and ')}, this one ${given === '' ? 'none' : given.trim()}`;
}

function expectedPrices(type: PaperOrder['type']): string {
  switch (type) {
    case 'market':
      return '';
    case 'limit':
      return 'limit ';
    case 'stop':
      return 'stop ';
    case 'stop_limit':
      return 'limit stop ';
    case 'trailing_stop':
      return 'trail ';
    default:
      return unreachable(type);
  }
}

function onGrid(order: PaperOrder, instrument: Instrument): string | null {
  if (!isPositive(order.qty)) return 'the quantity is not positive';
  if (!isOnLot(order.qty, instrument))
    return `the quantity is not a multiple of the lot ${instrument.lot.toFixed()}`;
  const distance = order.trail?.kind === 'price' ? order.trail.distance : null;
  const ownStop = order.type === 'trailing_stop' ? null : order.stopPrice;
  const grid = [order.limitPrice, ownStop, distance]
    .flatMap((at) => at ?? [])
    .find((at) => !good(at, instrument));
  if (grid)
    return `the price ${grid.toFixed()} is not a positive multiple of the tick ${instrument.tick.toFixed()}`;
  if (
    order.trail?.kind === 'percent' &&
    !(isPositive(order.trail.percent) && order.trail.percent.lt('100'))
  ) {
    return 'a trail is more than 0 and less than 100 percent';
  }
  const { limitPrice } = order;
  if (instrument.minNotional !== undefined && limitPrice !== null) {
    if (value(limitPrice, order.qty, instrument.multiplier).lt(instrument.minNotional)) {
      return `the order is worth less than ${instrument.minNotional.toFixed()}`;
    }
  }
  return null;
}

const good = (at: Price, instrument: Instrument): boolean => isPositive(at) && isOnTick(at, instrument);

/** A bracket's prices: for a buy the target above the stop, each on tick; the other way round for a sell. */
export function malformedBracket(order: ClearedOrder, instrument: Instrument): string | null {
  const target = order.takeProfit?.limitPrice;
  const stop = order.stopLoss?.stopPrice;
  for (const at of [target, stop]) {
    if (at !== undefined && !good(at, instrument)) {
      return `the bracket price ${at.toFixed()} is not a positive multiple of the tick ${instrument.tick.toFixed()}`;
    }
  }
  if (target === undefined || stop === undefined) return null;
  const right = order.side === 'buy' ? compare(target, stop) > 0 : compare(target, stop) < 0;
  if (right) return null;
  return order.side === 'buy'
    ? 'a buy bracket needs its target above its stop'
    : 'a sell bracket needs its target below its stop';
}

/** Why the market or the account can not take the order now; `before` is the order that it replaces. */
export function unacceptable(
  book: Book,
  market: MarketView,
  order: PaperOrder,
  before?: PaperOrder,
): string | null {
  return (
    closedTo(market, order) ??
    wrongProduct(book, order, market.phase(order.instrument)?.phase ?? 'open') ??
    takesLiquidity(market, order) ??
    reducesNothing(book, order, before) ??
    sellsShort(book, order, before) ??
    costsTooMuch(book, market, order, before)
  );
}

/** A closed market queues an order for the open, unless it is one that can not wait. */
function closedTo(market: MarketView, order: PaperOrder): string | null {
  if (order.timeInForce !== 'ioc' && order.timeInForce !== 'fok') return null;
  const phase = market.phase(order.instrument)?.phase ?? 'open';
  return phase === 'open'
    ? null
    : `the market is closed: ${order.timeInForce} orders can not wait for the open`;
}

function takesLiquidity(market: MarketView, order: PaperOrder): string | null {
  const quote = market.quote(order.instrument);
  if (!order.postOnly || order.limitPrice === null || quote === undefined) return null;
  // What a closed market last showed is nobody's offer now; the open decides.
  if ((market.phase(order.instrument)?.phase ?? 'open') === 'closed') return null;
  const touch = farTouch(quote, order.side);
  return touch !== undefined && within(order.side, touch.price, order.limitPrice) ? POST_ONLY_REASON : null;
}

function reducesNothing(book: Book, order: PaperOrder, before?: PaperOrder): string | null {
  if (!order.reduceOnly) return null;
  if (!opposes(order.side, positionOf(book, order.instrument).qty))
    return 'reduce only: there is nothing to reduce';
  const left = reducible(book, order.instrument, order.side, before);
  return compare(remaining(order), left) > 0
    ? `reduce only: working orders leave ${left.toFixed()} of the position to close`
    : null;
}

function sellsShort(book: Book, order: PaperOrder, before?: PaperOrder): string | null {
  if (canBeShort(book, order) || order.side === 'buy' || order.held) return null;
  const left = reducible(book, order.instrument, 'sell', before);
  return compare(remaining(order), left) > 0
    ? `${order.product === 'cnc' ? 'delivery (cnc)' : 'a cash account'} can not sell short: it has ${left.toFixed()} to sell`
    : null;
}

function costsTooMuch(book: Book, market: MarketView, order: PaperOrder, before?: PaperOrder): string | null {
  const opening = openingOf(book, order, before);
  if (isZero(opening)) return null;
  const quoteOf = market.quote.bind(market);
  const needed = reservation(book, order, opening, quoteOf);
  if (needed === undefined) return 'there is no price yet to reserve buying power by';
  const left = buyingPower(book, quoteOf, before);
  if (compare(needed, left) <= 0) return null;
  const short = subtract(needed, left);
  return `buying power: the order needs ${needed.toFixed()}, ${left.toFixed()} is left, ${short.toFixed()} too little`;
}

/** What an order would reserve as a whole if it were accepted now. Throws where nothing says what it would cost. */
export function marginFor(
  book: Book,
  market: MarketView & { instrument(id: InstrumentId): Instrument | undefined },
  order: OrderTerms & { readonly instrument: InstrumentId },
): BrokerMargin {
  const instrument = market.instrument(order.instrument);
  if (instrument === undefined) throw new Error(`${order.instrument} is not in the list`);
  const asked = {
    ...order,
    limitPrice: order.limitPrice ?? null,
    stopPrice: order.stopPrice ?? null,
    product: productOf(instrument, order.product),
  };
  const parts = reservationParts(book, asked, order.qty, (id) => market.quote(id));
  if (parts === undefined) throw new Error('there is no price yet to tell a margin by');
  return { required: parts.margin, fees: parts.fee, source: 'computed' };
}
