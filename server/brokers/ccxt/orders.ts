/** Orders between us and ccxt: our terms as its arguments, checked to the last digit, and its orders as ours. */
import type { BrokerOrder, BrokerOrderStatus } from '#domain/broker.ts';
import {
  compare,
  isMultipleOf,
  isZero,
  price,
  quantity,
  text,
  value,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { ClearedOrder, OrderTerms, OrderType } from '#domain/order.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { BrokerCapabilities, BrokerListing } from '#ports.ts';
import { isRecord, textAt } from './answer.ts';
import { millisecondsOf, plainDecimal, positivePriceOf, quantityOf } from './decimals.ts';
import type { ExchangeFacts } from './facts.ts';
import { kindOf } from './listings.ts';
import type { Ccxt, CcxtOrder, Figure } from './types.ts';

export interface VenueOrder {
  readonly type: 'market' | 'limit';
  readonly amount: string;
  readonly price: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface OrderContext {
  readonly capabilities: BrokerCapabilities;
  readonly ccxt: Ccxt;
  readonly facts: ExchangeFacts;
  readonly listing: BrokerListing;
}

/** Nothing is rounded: what ccxt would send in another size or at another price is not sent, with the reason in one sentence. */
export function venueOrder(order: ClearedOrder, context: OrderContext): Result<VenueOrder, string> {
  const { ccxt, facts, listing } = context;
  const { instrument, brokerSymbol } = listing;
  const limit = order.limitPrice;
  const stop = order.stopPrice;
  const needsLimit = order.type === 'limit' || order.type === 'stop_limit';
  const needsStop = order.type === 'stop' || order.type === 'stop_limit';
  const undeclared = undeclaredIn(order, context.capabilities);
  if (undeclared !== undefined) return err(`${undeclared} at this exchange.`);
  if (needsLimit !== (limit !== undefined) || needsStop !== (stop !== undefined))
    return err('The order’s prices do not belong to its type.');
  const amiss = boundsAmiss(order, listing);
  if (amiss !== undefined) return err(amiss);
  const amount = text(order.qty);
  if (!isKept(amount, () => ccxt.amountToPrecision(brokerSymbol, amount)))
    return err(`off_lot: the exchange takes no ${amount} of ${brokerSymbol}.`);
  for (const at of [limit, stop]) {
    if (at === undefined) continue;
    const written = text(at);
    if (!isKept(written, () => ccxt.priceToPrecision(brokerSymbol, written)))
      return err(`off_tick: the exchange takes no price ${written} of ${brokerSymbol}.`);
  }
  return ok({
    type: needsLimit ? 'limit' : 'market',
    amount,
    price: limit === undefined ? undefined : text(limit),
    params: {
      ...facts.orderParameters,
      ...(order.postOnly ? { postOnly: true } : {}),
      ...(order.reduceOnly && kindOf(instrument) === 'swap' ? { reduceOnly: true } : {}),
      ...(order.timeInForce === 'ioc' || order.timeInForce === 'fok'
        ? { timeInForce: order.timeInForce.toUpperCase() }
        : {}),
      ...(stop === undefined ? {} : { [facts.stopParameter]: text(stop) }),
    },
  });
}

/** What the account does not say that it can is never sent, whoever asks. */
function undeclaredIn(order: ClearedOrder, can: BrokerCapabilities): string | undefined {
  if (!can.orderTypes.includes(order.type)) return `Orders of the type ${order.type} are not placed`;
  if (!can.timesInForce.includes(order.timeInForce))
    return `Orders good for ${order.timeInForce} are not placed`;
  if (order.takeProfit !== undefined || order.stopLoss !== undefined) return 'Brackets are not placed';
  if (order.postOnly && !can.postOnly) return 'Orders that only make are not placed';
  if (order.reduceOnly && !can.reduceOnly) return 'Orders that only reduce are not placed';
  if (order.extendedHours) return 'There are no extended hours';
  return order.product === undefined ? undefined : 'There are no products';
}

function boundsAmiss(
  order: OrderTerms,
  { instrument, brokerSymbol, extra }: BrokerListing,
): string | undefined {
  if (!isMultipleOf(order.qty, instrument.lot))
    return `off_lot: ${brokerSymbol} is traded in steps of ${text(instrument.lot)}.`;
  for (const at of [order.limitPrice, order.stopPrice]) {
    if (at === undefined) continue;
    if (!isMultipleOf(at, instrument.tick))
      return `off_tick: prices of ${brokerSymbol} go in steps of ${text(instrument.tick)}.`;
    if (extra['price_min'] !== undefined && compare(at, price(extra['price_min'])) < 0)
      return `Prices of ${brokerSymbol} begin at ${extra['price_min']}.`;
    if (extra['price_max'] !== undefined && compare(at, price(extra['price_max'])) > 0)
      return `Prices of ${brokerSymbol} end at ${extra['price_max']}.`;
  }
  if (extra['qty_min'] !== undefined && compare(order.qty, quantity(extra['qty_min'])) < 0)
    return `The smallest order of ${brokerSymbol} is ${extra['qty_min']}.`;
  if (extra['qty_max'] !== undefined && compare(order.qty, quantity(extra['qty_max'])) > 0)
    return `The largest order of ${brokerSymbol} is ${extra['qty_max']}.`;
  const at = order.limitPrice;
  const { minNotional, multiplier } = instrument;
  if (minNotional !== undefined && at !== undefined && value(at, order.qty, multiplier).lt(minNotional))
    return `below_min_notional: the smallest order of ${brokerSymbol} is worth ${text(minNotional)}.`;
  return undefined;
}

/** ccxt cuts digits that an exchange does not take without a word. */
function isKept(written: string, asSent: () => string): boolean {
  try {
    return plainDecimal(asSent()) === plainDecimal(written);
  } catch {
    return false;
  }
}

export interface OrderReading {
  readonly instrumentOf: (symbol: string) => InstrumentId | undefined;
  /** Ours by the venue's ids of it; null when it is nobody's of ours. */
  readonly clientIdOf: (venueClientId: string | undefined, brokerOrderId: string) => string | null;
  /** What we placed it with, where that is remembered: many answers leave out half of it. */
  readonly termsOf: (brokerClientId: string) => OrderTerms | undefined;
  readonly nowMs: number;
}

/** The reason in one sentence where it says too little to be an order, or says something that is not known here. */
export function brokerOrder(told: CcxtOrder, reading: OrderReading): Result<BrokerOrder, string> {
  const { id, symbol } = told;
  if (typeof id !== 'string' || id === '' || typeof symbol !== 'string')
    return err('The exchange told of an order without its id or symbol.');
  const instrument = reading.instrumentOf(symbol);
  if (instrument === undefined) return err(`${symbol} is not among the instruments of this account.`);
  const venueClientId = clientIdIn(told);
  const brokerClientId = reading.clientIdOf(venueClientId, id);
  const terms = brokerClientId === null ? undefined : reading.termsOf(brokerClientId);
  const qty = quantityOf(told.amount) ?? terms?.qty;
  const side = told.side === 'buy' || told.side === 'sell' ? told.side : terms?.side;
  if (qty === undefined || !qty.gt('0') || side === undefined)
    return err('The exchange told of an order without its side or size.');
  const filledQty = quantityOf(told.filled) ?? quantityOf(filledIn(told)) ?? ZERO_QUANTITY;
  const status = statusOf(told.status, { isPart: !isZero(filledQty), isWhole: filledQty.gte(qty) });
  if (status === undefined)
    return err(`The exchange gave an order a status that is not known: ${told.status}.`);
  const trigger = positivePriceOf(told.triggerPrice) ?? positivePriceOf(told.stopLossPrice);
  const isForProfit = takesProfit(told);
  const stopPrice = isForProfit ? undefined : (trigger ?? terms?.stopPrice);
  const profitPrice = isForProfit ? (positivePriceOf(told.takeProfitPrice) ?? trigger) : undefined;
  const limit = positivePriceOf(told.price) ?? profitPrice;
  const type =
    terms?.type ??
    typeOf(isForProfit ? 'limit' : told.type, {
      isStop: stopPrice !== undefined,
      hasLimit: limit !== undefined,
    });
  const limitPrice = limit ?? terms?.limitPrice;
  const hasLimit = (type === 'limit' || type === 'stop_limit') && limitPrice !== undefined;
  const hasStop = (type === 'stop' || type === 'stop_limit') && stopPrice !== undefined;
  return ok({
    brokerOrderId: id,
    brokerClientId,
    instrument,
    side,
    qty,
    type,
    timeInForce: terms?.timeInForce ?? forceOf(told.timeInForce),
    ...(hasLimit ? { limitPrice } : {}),
    ...(hasStop ? { stopPrice } : {}),
    postOnly: terms?.postOnly ?? told.postOnly ?? false,
    reduceOnly: terms?.reduceOnly ?? told.reduceOnly ?? false,
    extendedHours: false,
    filledQty,
    status,
    held: false,
    timeMs: millisecondsOf(told.timestamp) ?? reading.nowMs,
  });
}

/**
 * From the exchange's own screen: it waits for a better price, as a limit does. Taken for a stop it would be one on the wrong side of
 * the market. ccxt names both alike, so the exchange's own word is looked at.
 */
function takesProfit({ info }: CcxtOrder): boolean {
  const own = [info, isRecord(info) ? info['descr'] : undefined];
  // The last two are those of Binance's streams.
  const words = ['type', 'origType', 'ordertype', 'order_type', 'o', 'ot'] as const;
  return own.some((part) => words.some((word) => /^take.?profit/i.test(textAt(part, word) ?? '')));
}

/** Streams of Kraken name our id in their own words alone; ccxt looks at another of their fields. */
function clientIdIn({ clientOrderId, info }: CcxtOrder): string | undefined {
  return textAt(info, 'cl_ord_id') ?? (typeof clientOrderId === 'string' ? clientOrderId : undefined);
}

/** So of what they have filled. */
const filledIn = ({ info }: CcxtOrder): Figure => {
  const told = isRecord(info) ? info['cum_qty'] : undefined;
  return typeof told === 'string' || typeof told === 'number' ? told : undefined;
};

function statusOf(
  status: CcxtOrder['status'],
  { isPart, isWhole }: { readonly isPart: boolean; readonly isWhole: boolean },
): BrokerOrderStatus | undefined {
  switch (status) {
    case 'open':
    case 'new':
    case 'pending_new':
    case 'partially_filled':
      return isPart ? 'partially_filled' : 'open';
    case 'closed':
    case 'filled':
      // An order that ended short of its size was ended by somebody: the rest of it will never fill.
      return isWhole ? 'filled' : 'canceled';
    case 'canceled':
    case 'expired':
    case 'rejected':
      return status;
    // On its way to be canceled: still at work, and the next word says what became of it.
    case 'canceling':
      return isPart ? 'partially_filled' : 'open';
    case undefined:
    case null:
    default:
      return undefined;
  }
}

function typeOf(
  type: CcxtOrder['type'],
  { isStop, hasLimit }: { readonly isStop: boolean; readonly hasLimit: boolean },
): OrderType {
  const isMarket = type === 'market' || !hasLimit;
  if (isStop) return isMarket ? 'stop' : 'stop_limit';
  return isMarket ? 'market' : 'limit';
}

const forceOf = (force: Figure): 'gtc' | 'ioc' | 'fok' =>
  force === 'IOC' ? 'ioc' : force === 'FOK' ? 'fok' : 'gtc';
