/** Posts fills and settlements: cash, position at cost, fees, journal, history and events, in one place. */
import {
  absolute,
  add,
  isPositive,
  isZero,
  type Money,
  min,
  negate,
  type Price,
  proportion,
  type Quantity,
  type Ratio,
  subtract,
  text,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { BrokerExecution, BrokerSettlement } from '#ports.ts';
import {
  type Book,
  instrumentOf,
  note,
  type PaperOrder,
  type Position,
  positionOf,
  remaining,
} from './book.ts';
import { opposes } from './exposure.ts';
import { feeOf } from './fees.ts';
import { dateOf } from './products.ts';

export interface FillOf {
  readonly qty: Quantity;
  readonly price: Price;
  readonly liquidity: 'maker' | 'taker';
  /** What the price is when it is not the quote's. */
  readonly basis: 'quote' | 'last' | 'print';
}

/** Posts one fill of an order; the caller marks and tells the order afterwards. */
export function postFill(book: Book, order: PaperOrder, fill: FillOf): void {
  const instrument = instrumentOf(book, order.instrument);
  const timeMs = book.moment.timeMs;
  const orderTraded = value(fill.price, order.filledQty, instrument.multiplier);
  const { side, product } = order;
  const fee = feeOf(instrument, { side, product, orderTraded, ...fill, timeMs });
  const signed = order.side === 'buy' ? fill.qty : negate(fill.qty);
  const traded = value(fill.price, signed, instrument.multiplier);
  const cashChange = subtract(negate(traded), fee);
  book.state.cash = add(book.state.cash, cashChange);
  book.state.fees = add(book.state.fees, fee);
  const before = positionOf(book, order.instrument);
  const { position, realised } = moved(before, signed, fill.price, traded);
  book.state.positions.set(order.instrument, {
    ...position,
    ...heldAs(before, position, order.product, timeMs),
  });
  order.filledQty = add(order.filledQty, fill.qty);
  order.status = isZero(remaining(order)) ? 'filled' : 'partially_filled';
  if (fill.basis === 'last') order.reason = 'filled at the last price: that side of the market is not quoted';
  const execution: BrokerExecution = {
    executionId: `px-${++book.state.executions}`,
    brokerOrderId: order.brokerOrderId,
    brokerClientId: order.brokerClientId,
    instrument: order.instrument,
    side: order.side,
    qty: fill.qty,
    price: fill.price,
    fee,
    timeMs,
  };
  note(book, 'execution', {
    execution: execution.executionId,
    order: order.brokerOrderId,
    instrument: order.instrument,
    side: order.side,
    qty: text(fill.qty),
    price: text(fill.price),
    basis: fill.basis,
    liquidity: fill.liquidity,
    fee: text(fee),
    realised: text(realised),
    position: text(position.qty),
    cash_change: text(cashChange),
    cash: text(book.state.cash),
  });
  book.changes.history.push({ seq: ++book.state.history, kind: 'execution', state: execution });
  book.changes.events.push({ kind: 'execution', execution });
}

/** A position after a trade; realised profit is exact: proceeds less the part of the cost that leaves with them. */
/** In which product it is held now, and what of it came on this day; nothing of either once it is flat. */
function heldAs(
  before: Position,
  now: Position,
  product: PaperOrder['product'],
  timeMs: number,
): Pick<Position, 'product' | 'fresh'> {
  if (product === null || isZero(now.qty)) return { product: null, fresh: null };
  const grown = subtract(absolute(now.qty), absolute(before.qty));
  const date = dateOf(timeMs);
  const earlier = before.fresh?.date === date ? before.fresh.qty : ZERO_QUANTITY;
  if (isPositive(grown)) return { product, fresh: { date, qty: add(earlier, grown) } };
  return { product, fresh: before.fresh };
}

function moved(
  before: Position,
  signed: Quantity,
  at: Price,
  traded: Money,
): { readonly position: Position; readonly realised: Money } {
  const side = isPositive(signed) ? 'buy' : 'sell';
  const closing = opposes(side, before.qty) ? min(absolute(signed), absolute(before.qty)) : ZERO_QUANTITY;
  const closedAll = closing.eq(absolute(before.qty));
  const tradedClosing = closing.eq(absolute(signed)) ? traded : proportion(traded, closing, absolute(signed));
  const costClosing = closedAll ? before.cost : proportion(before.cost, closing, absolute(before.qty));
  const realised = isZero(closing) ? ZERO_MONEY : negate(add(tradedClosing, costClosing));
  const kept = isZero(closing) ? before.cost : subtract(before.cost, costClosing);
  const opened = subtract(traded, isZero(closing) ? ZERO_MONEY : tradedClosing);
  const position: Position = {
    qty: add(before.qty, signed),
    cost: add(kept, opened),
    realised: add(before.realised, realised),
    lastPrice: at,
    product: before.product,
    fresh: before.fresh,
  };
  return { position, realised };
}

export interface SettlementOf {
  readonly multiplier: Ratio;
  readonly detail: string;
}

/** Closes a position at a price without an order; nothing when it is flat. */
export function settle(book: Book, id: InstrumentId, at: Price, how: SettlementOf): void {
  const { detail, multiplier } = how;
  const before = positionOf(book, id);
  if (isZero(before.qty)) return;
  const cashChange = value(at, before.qty, multiplier);
  const realised = subtract(cashChange, before.cost);
  book.state.cash = add(book.state.cash, cashChange);
  book.state.positions.set(id, {
    qty: ZERO_QUANTITY,
    cost: ZERO_MONEY,
    realised: add(before.realised, realised),
    lastPrice: at,
    product: null,
    fresh: null,
  });
  const settlement: BrokerSettlement = {
    settlementId: `ps-${++book.state.settlements}`,
    instrument: id,
    qty: before.qty,
    price: at,
    detail,
    timeMs: book.moment.timeMs,
  };
  note(book, 'settlement', {
    settlement: settlement.settlementId,
    instrument: id,
    qty: text(before.qty),
    price: text(at),
    realised: text(realised),
    cash_change: text(cashChange),
    cash: text(book.state.cash),
    detail,
  });
  book.changes.history.push({ seq: ++book.state.history, kind: 'settlement', state: settlement });
  book.changes.events.push({ kind: 'settlement', settlement });
}

/** The opening deposit. */
export function deposit(book: Book, amount: Money): void {
  book.state.cash = add(book.state.cash, amount);
  note(book, 'deposit', {
    currency: book.state.currency,
    cash_change: text(amount),
    cash: text(book.state.cash),
  });
}
