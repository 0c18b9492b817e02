/** Whether a price that the owner read at the broker can be of this order at all: a slip of the pen would go into the books. */
import {
  absolute,
  compare,
  type Price,
  percentOf,
  quotient,
  ratio,
  subtract,
  text,
} from '#domain/decimal.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import { COLLAR_PERCENT } from '#limits.ts';
import { feedOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { Evidence } from './owner-desk.ts';
import { referenceOf } from './valuation.ts';

/** What is unlikely is recorded too, once the owner says that it stands there so. */
export function pricesWrong(line: Line, order: StoredOrder, evidence: Evidence): readonly FieldError[] {
  if (evidence.pricesConfirmed === true) return [];
  for (const { price } of evidence.fills ?? []) {
    const rule = worseThanLimit(order, price) ?? farFromMarket(line, order, price);
    if (rule !== undefined)
      return [
        fieldError('price', text(price), `${rule}; look again, and confirm it if the statement says so`),
      ];
  }
  return [];
}

function worseThanLimit(order: StoredOrder, price: Price): string | undefined {
  // Either terms may have been filled while a change is under way.
  const limits = [order.limitPrice, order.pending?.terms.limitPrice].filter((limit) => limit !== undefined);
  const [first] = limits;
  if (first === undefined) return undefined;
  const worse = order.side === 'buy' ? 1 : -1;
  if (limits.some((limit) => compare(price, limit) !== worse)) return undefined;
  return `${text(price)} is ${order.side === 'buy' ? 'above' : 'below'} the limit of the order, ${text(first)}`;
}

/** The order's own prices say what it was to fill at, the quote what it costs now: near to one of them is near enough. */
function farFromMarket(line: Line, order: StoredOrder, price: Price): string | undefined {
  const quote = feedOf(line, order.account).quote(order.instrument);
  const now = quote && referenceOf(quote);
  const near = [order.limitPrice, order.stopPrice, now].filter((known) => known !== undefined);
  const assetClass = line.book.byId(order.instrument)?.assetClass;
  const [nearest] = [...near].sort((a, b) => compare(distance(a, price), distance(b, price)));
  if (nearest === undefined || assetClass === undefined)
    return `no price of ${order.symbol} is known that ${text(price)} could be compared with`;
  const percent = COLLAR_PERCENT[assetClass];
  if (distance(nearest, price).lte(percentOf(nearest, ratio(percent)))) return undefined;
  const off = Math.round(quotient(distance(nearest, price), nearest) * 10_000) / 100;
  const of = nearest === now ? 'the price now' : 'the price of the order';
  return `${text(price)} is ${off} % from ${of}, ${text(nearest)}; up to ${percent} % would be usual`;
}

const distance = (a: Price, b: Price): Price => absolute(subtract(a, b));
