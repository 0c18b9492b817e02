/** What the exchange sends, as this adapter reads it: figures become decimals, words that nobody knows decide nothing. */
import { z } from 'zod';
import { isDecimalText, money, price, quantity } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import { SIDES } from '#domain/order.ts';
import { excerpt } from '#domain/refusal.ts';
import { BROKER_REASON_LENGTH_MAX } from '#limits.ts';
import type { BrokerExecution, BrokerOrder, BrokerOrderStatus } from '#ports.ts';

const decimal = z.string().refine(isDecimalText, 'not a decimal');
const aPrice = decimal.transform(price);
const aQuantity = decimal.transform(quantity);
const someMoney = decimal.transform(money);
const timeMs = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const id = z.string().min(1).max(64);

export const orderPayload = z.object({
  id,
  /** null: not placed by a program. */
  client_id: id.nullable(),
  symbol: id,
  side: z.enum(SIDES),
  type: z.enum(['market', 'limit']),
  tif: z.enum(['day', 'gtc']),
  qty: aQuantity,
  limit: aPrice.nullable(),
  filled: aQuantity,
  status: z.string(),
  reason: z.string().nullable(),
  time: timeMs,
});
const fillPayload = z.object({
  id,
  order_id: id,
  client_id: id.nullable(),
  symbol: id,
  side: z.enum(SIDES),
  qty: aQuantity,
  price: aPrice,
  fee: someMoney,
  time: timeMs,
});
/** `next` is where the next page begins: the number of the last fill there is, or that was given. */
export const fillsPayload = z.object({ fills: z.array(fillPayload), next: z.string().regex(/^\d+$/) });
export const accountPayload = z.object({ currency: id, cash: someMoney, equity: someMoney, free: someMoney });
export const positionsPayload = z.array(z.object({ symbol: id, qty: aQuantity }));
export const marketsPayload = z.array(z.object({ symbol: id, tick: decimal, lot: decimal }));
const quotePayload = z.object({
  symbol: id,
  bid: aPrice,
  ask: aPrice,
  bid_size: aQuantity,
  ask_size: aQuantity,
  time: timeMs,
});
export type QuotePayload = z.output<typeof quotePayload>;
export const quotesPayload = z.array(quotePayload);
export const barsPayload = z.array(
  z.object({ time: timeMs, open: aPrice, high: aPrice, low: aPrice, close: aPrice, volume: aQuantity }),
);
export const orderNews = z.object({
  type: z.literal('order'),
  order: orderPayload,
  fill: fillPayload.nullable(),
});
export const quoteNews = z.object({ type: z.literal('quotes'), quotes: quotesPayload });
/** What no document knows has a type too. */
export const anyNews = z.looseObject({ type: z.string() });

export const instrumentOf = (symbol: string) => instrumentId(`EXAMPLE:${symbol}`);

export function orderOf(told: z.output<typeof orderPayload>): BrokerOrder {
  return {
    brokerOrderId: told.id,
    brokerClientId: told.client_id,
    instrument: instrumentOf(told.symbol),
    side: told.side,
    type: told.type,
    timeInForce: told.tif,
    qty: told.qty,
    filledQty: told.filled,
    status: statusOf(told.status, told.filled.gt('0')),
    held: false,
    postOnly: false,
    reduceOnly: false,
    extendedHours: false,
    timeMs: told.time,
    ...(told.limit === null ? {} : { limitPrice: told.limit }),
    ...(told.reason === null ? {} : { reason: excerpt(told.reason, BROKER_REASON_LENGTH_MAX) }),
  };
}

/** A state that no document knows is not the end of an order: it works until the exchange says otherwise. */
function statusOf(said: string, isPartlyFilled: boolean): BrokerOrderStatus {
  switch (said) {
    case 'filled':
    case 'canceled':
    case 'expired':
    case 'rejected':
      return said;
    default:
      return isPartlyFilled ? 'partially_filled' : 'open';
  }
}

export const executionOf = (told: z.output<typeof fillPayload>): BrokerExecution => ({
  executionId: told.id,
  brokerOrderId: told.order_id,
  brokerClientId: told.client_id,
  instrument: instrumentOf(told.symbol),
  side: told.side,
  qty: told.qty,
  price: told.price,
  fee: told.fee,
  timeMs: told.time,
});

/** The exchange’s own sentence. */
export const refusalPayload = z
  .object({ message: z.string().min(1) })
  .transform(({ message }) => excerpt(message, BROKER_REASON_LENGTH_MAX));
