/** Orders and fills as templates take them: decimal strings, epoch ms, words. */
import { isPositive, subtract, text } from '#domain/decimal.ts';
import { isFinal, type OrderTerms } from '#domain/order.ts';
import { REFUSAL_REASONS, type RefusalReason } from '#domain/refusal.ts';
import { REFUSAL_GUIDE } from '#domain/refusal-guide.ts';
import type { OwnerOrder, OwnerTrade } from '#trading/owner-desk.ts';
import type { ConsoleServices } from './desks.ts';
import { decimalsOf, shownMoney, shownPriceOrNone, textOrNone } from './figures.ts';

type Book = Pick<ConsoleServices, 'book'>;

export function orderRow({ book }: Book, order: OwnerOrder) {
  const left = subtract(order.qty, order.filledQty);
  return {
    order_id: order.orderId,
    client_order_id: order.clientOrderId,
    agent: order.agentName,
    account: order.account,
    symbol: order.symbol,
    instrument: order.instrument,
    side: order.side,
    ...termsOf(order),
    qty: text(order.qty),
    filled_qty: text(order.filledQty),
    left_qty: text(left),
    has_fills: isPositive(order.filledQty),
    avg_fill_price: shownPriceOrNone(order.avgFillPrice, book.byId(order.instrument)?.tick),
    status: order.status,
    final: isFinal(order.status),
    reason: reasonInWords(order.reason),
    role: order.role,
    origin: order.origin,
    effect: order.effect,
    held: order.held,
    tag: order.tag,
    created_at_ms: order.createdAtMs,
    updated_at_ms: order.updatedAtMs,
  };
}
export type OrderRow = ReturnType<typeof orderRow>;

/** What makes an order of its type, each price on its own. */
export function termsOf(terms: Omit<OrderTerms, 'qty'>) {
  const { trail } = terms;
  return {
    type: terms.type,
    time_in_force: terms.timeInForce,
    limit_price: textOrNone(terms.limitPrice),
    stop_price: textOrNone(terms.stopPrice),
    trail_price: trail?.kind === 'price' ? text(trail.distance) : null,
    trail_percent: trail?.kind === 'percent' ? text(trail.percent) : null,
    post_only: terms.postOnly,
    reduce_only: terms.reduceOnly,
    extended_hours: terms.extendedHours,
  };
}

/** Of each column of figures, how many decimals it shows. */
export const orderDecimals = (rows: readonly OrderRow[]) => ({
  qty: decimalsOf(rows.flatMap((row) => [row.qty, row.filled_qty])),
  price: decimalsOf(
    rows.flatMap((row) => [row.limit_price, row.stop_price, row.avg_fill_price]),
    2,
  ),
});

/** A refusal has its meaning and remedy in the guide; a broker's word is shown as it came. */
export function reasonInWords(reason: string | null) {
  if (reason === null) return null;
  const known = isReason(reason) ? REFUSAL_GUIDE[reason] : undefined;
  return known === undefined
    ? { word: reason, meaning: null, remedy: null }
    : { word: reason.replaceAll('_', ' '), meaning: known.meaning, remedy: known.remedy };
}

const isReason = (word: string): word is RefusalReason =>
  (REFUSAL_REASONS as readonly string[]).includes(word);

export function tradeRow(trade: OwnerTrade) {
  return {
    execution_id: trade.executionId,
    order_id: trade.orderId,
    agent: trade.agentName,
    account: trade.account,
    symbol: trade.symbol,
    side: trade.side,
    qty: text(trade.qty),
    price: text(trade.price),
    fee: shownMoney(trade.fee),
    realised: shownMoney(trade.realised),
    time_ms: trade.timeMs,
  };
}
export type TradeRow = ReturnType<typeof tradeRow>;

export const tradeDecimals = (rows: readonly TradeRow[]) => ({
  qty: decimalsOf(rows.map((row) => row.qty)),
  price: decimalsOf(
    rows.map((row) => row.price),
    2,
  ),
  money: decimalsOf(
    rows.flatMap((row) => [row.fee, row.realised]),
    2,
  ),
});
