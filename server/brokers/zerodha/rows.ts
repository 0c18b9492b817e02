/** Kite's rows as they come, exact: numbers are decimal strings, and a word that nobody knows yet is kept as it is. */
import { z } from 'zod';
import { isDecimalText, type Price, price, quantity } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { type OrderType, PRODUCTS, type Product } from '#domain/order.ts';
import { printable } from '#domain/refusal.ts';
import { KITE_REASON_CHARS_MAX } from '#limits.ts';
import type { BrokerOrder, BrokerOrderStatus } from '#ports.ts';
import { fromIst } from './kite-time.ts';

const decimal = z.string().refine(isDecimalText);
const whole = z.string().regex(/^\d{1,18}$/);
const text = z.string().nullish();

export const kiteOrder = z.object({
  order_id: z.string().min(1).max(64),
  status: z.string(),
  status_message: text,
  order_timestamp: text,
  exchange_update_timestamp: text,
  variety: z.string(),
  exchange: z.string(),
  tradingsymbol: z.string(),
  order_type: z.string(),
  transaction_type: z.enum(['BUY', 'SELL']),
  validity: z.string(),
  product: z.string(),
  quantity: whole,
  price: decimal,
  trigger_price: decimal,
  filled_quantity: whole,
  market_protection: z.string().nullish(),
  tag: text,
  meta: z.unknown(),
});
export type KiteOrder = z.output<typeof kiteOrder>;

export const kiteTrade = z.object({
  trade_id: z.string().min(1).max(64),
  order_id: z.string().min(1).max(64),
  exchange: z.string(),
  tradingsymbol: z.string(),
  product: z.string(),
  average_price: decimal,
  quantity: whole,
  transaction_type: z.enum(['BUY', 'SELL']),
  fill_timestamp: z.string(),
});
export type KiteTrade = z.output<typeof kiteTrade>;

export const brokerSymbolOf = (row: { readonly exchange: string; readonly tradingsymbol: string }): string =>
  `${row.exchange}:${row.tradingsymbol}`;

/** CNC, MIS or NRML; undefined for what else Kite has (cover and bracket orders, margin trading). */
export function productOf(word: string): Product | undefined {
  const lower = word.toLowerCase();
  return PRODUCTS.find((one) => one === lower);
}

const TYPES: Readonly<Record<string, OrderType>> = {
  MARKET: 'market',
  LIMIT: 'limit',
  'SL-M': 'stop',
  SL: 'stop_limit',
};

/** Final states alone are named: every other word, one that is new too, is an order that may still work. */
export function statusOf(order: KiteOrder): BrokerOrderStatus {
  switch (order.status) {
    case 'COMPLETE':
      return 'filled';
    case 'CANCELLED':
      return 'canceled';
    case 'REJECTED':
      return 'rejected';
    default:
      return order.filled_quantity === '0' ? 'open' : 'partially_filled';
  }
}
export const isFinalRow = (order: KiteOrder): boolean =>
  ['COMPLETE', 'CANCELLED', 'REJECTED'].includes(order.status);

/** Which of two words on one order is the newer: quantities only grow, times only go on, and an end stays the end. */
export function isOlder(late: KiteOrder, known: KiteOrder): boolean {
  if (isFinalRow(known) && !isFinalRow(late)) return true;
  const [lateFilled, knownFilled] = [BigInt(late.filled_quantity), BigInt(known.filled_quantity)];
  if (lateFilled !== knownFilled) return lateFilled < knownFilled;
  return (updatedMs(late) ?? 0) < (updatedMs(known) ?? 0);
}

const updatedMs = (order: KiteOrder): number | undefined =>
  fromIst(order.exchange_update_timestamp ?? '') ?? fromIst(order.order_timestamp ?? '');

export interface Ids {
  readonly brokerOrderId: string;
  readonly brokerClientId: string | null;
}

/** Throws RangeError where a type of order is one that we have no word for. */
export function orderOf(row: KiteOrder, instrument: InstrumentId, ids: Ids): BrokerOrder {
  const type = typeOf(row);
  const limitPrice = type === 'limit' || type === 'stop_limit' ? positive(row.price) : undefined;
  const stopPrice = type === 'stop' || type === 'stop_limit' ? positive(row.trigger_price) : undefined;
  const product = productOf(row.product);
  const reason = row.status_message ?? '';
  return {
    ...ids,
    instrument,
    side: row.transaction_type === 'BUY' ? 'buy' : 'sell',
    qty: quantity(row.quantity),
    type,
    timeInForce: row.validity === 'IOC' ? 'ioc' : 'day',
    postOnly: false,
    reduceOnly: false,
    extendedHours: false,
    ...(limitPrice === undefined ? {} : { limitPrice }),
    ...(stopPrice === undefined ? {} : { stopPrice }),
    ...(product === undefined ? {} : { product }),
    ...(reason === '' ? {} : { reason: printable(reason.slice(0, KITE_REASON_CHARS_MAX)) }),
    filledQty: quantity(row.filled_quantity),
    status: statusOf(row),
    held: false,
    timeMs: updatedMs(row) ?? 0,
  };
}

/**
 * What was asked for, whatever has become of it at the exchange: a protected market order is shown there as a limit of its own, and a
 * stop that was met without its stop.
 */
function typeOf(row: KiteOrder): OrderType {
  const known = TYPES[row.order_type];
  if (known === undefined)
    throw new RangeError(`an order of the type ${printable(row.order_type.slice(0, 20))}`);
  const isStop = positive(row.trigger_price) !== undefined;
  const isProtected = !['0', '', undefined, null].includes(row.market_protection);
  if (known === 'market' || known === 'stop' || isProtected) return isStop ? 'stop' : 'market';
  return isStop ? 'stop_limit' : 'limit';
}

function positive(written: string): Price | undefined {
  const value = price(written);
  return value.gt('0') ? value : undefined;
}
