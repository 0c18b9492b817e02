/** Triggers that stay (GTT): what of ours they can stand for, and what they say. Kite places a LIMIT order for the day when one is met. */
import { z } from 'zod';
import { isDecimalText, price, quantity, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { ClearedOrder, Product } from '#domain/order.ts';
import type { BrokerListing, BrokerOrder, BrokerOrderStatus } from '#ports.ts';
import { fromIst } from './kite-time.ts';
import { productOf } from './rows.ts';

const decimal = z.string().refine(isDecimalText);
const leg = z.object({
  transaction_type: z.enum(['BUY', 'SELL']),
  product: z.string(),
  quantity: z.string().regex(/^\d{1,18}$/),
  price: decimal,
  result: z
    .object({
      order_result: z
        .object({
          status: z.string(),
          order_id: z.string().nullish(),
          rejection_reason: z.string().nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
export const kiteGtt = z.object({
  id: z.string().regex(/^\d{1,18}$/),
  type: z.string(),
  status: z.string(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
  condition: z.object({
    exchange: z.string(),
    tradingsymbol: z.string(),
    trigger_values: z.array(decimal).min(1).max(2),
    last_price: decimal,
  }),
  orders: z.array(leg).min(1).max(2),
});
export type KiteGtt = z.output<typeof kiteGtt>;

/** An order's id at Kite where it is a trigger; those of two legs have one for each. */
export const GTT_ID = /^gtt:(\d{1,18})(?::([01]))?$/;
export const gttIdOf = (brokerOrderId: string): string | undefined => GTT_ID.exec(brokerOrderId)?.[1];

export interface GttTerms {
  readonly trigger: string;
  readonly limit: string;
  readonly product: Product;
}

/**
 * What a good-till-cancelled order is as a trigger; a sentence where it would be something else. The order that Kite places is a
 * LIMIT, so a stop that would take any price is none; and a trigger that is met already would fire the wrong way round.
 */
export function gttTermsOf(order: ClearedOrder, product: Product, last: string): GttTerms | string {
  const { side, limitPrice, stopPrice } = order;
  const at = price(last);
  if (product === 'mis')
    return 'Kite keeps no intraday (mis) order beyond the day: use cnc or nrml, or time in force day.';
  if (order.type === 'limit' && limitPrice !== undefined) {
    const waits = side === 'buy' ? limitPrice.lt(at) : limitPrice.gt(at);
    return waits
      ? { trigger: text(limitPrice), limit: text(limitPrice), product }
      : `Kite keeps a gtc limit only away from the market (the last price is ${last}): send it with time in force day.`;
  }
  if (order.type === 'stop_limit' && limitPrice !== undefined && stopPrice !== undefined) {
    const waits = side === 'buy' ? stopPrice.gt(at) : stopPrice.lt(at);
    return waits
      ? { trigger: text(stopPrice), limit: text(limitPrice), product }
      : `The stop is met already (the last price is ${last}): nothing was sent.`;
  }
  return `Kite keeps no ${order.type} order beyond the day, since a trigger places a limit order: use stop_limit, or time in force day.`;
}

/** The form of a single trigger. Numbers are written digit by digit, never through a number. */
export function gttForm(listing: BrokerListing, order: ClearedOrder, terms: GttTerms, last: string) {
  const exchange = JSON.stringify(listing.extra['exchange'] ?? '');
  const symbol = JSON.stringify(listing.extra['tradingsymbol'] ?? '');
  const side = order.side === 'buy' ? 'BUY' : 'SELL';
  return {
    type: 'single',
    condition: `{"exchange":${exchange},"tradingsymbol":${symbol},"trigger_values":[${terms.trigger}],"last_price":${last}}`,
    orders: `[{"exchange":${exchange},"tradingsymbol":${symbol},"transaction_type":"${side}","quantity":${text(order.qty)},"order_type":"LIMIT","product":"${terms.product.toUpperCase()}","price":${terms.limit}}]`,
  };
}

/** What tells two triggers apart, as far as Kite shows of them; the last price counts, since it is what we sent. */
export function fingerprintOf(of: {
  readonly brokerSymbol: string;
  readonly side: 'BUY' | 'SELL';
  readonly qty: string;
  readonly trigger: string;
  readonly limit: string;
  readonly product: string;
  readonly last: string;
}): string {
  const plain = (written: string): string => text(price(written));
  return [
    of.brokerSymbol,
    of.side,
    of.qty,
    plain(of.trigger),
    plain(of.limit),
    of.product.toUpperCase(),
    plain(of.last),
  ].join('|');
}

export function fingerprintOfRow(gtt: KiteGtt): string | undefined {
  const { condition, orders, type } = gtt;
  const [only] = orders;
  const [trigger] = condition.trigger_values;
  if (type !== 'single' || only === undefined || trigger === undefined) return undefined;
  return fingerprintOf({
    brokerSymbol: `${condition.exchange}:${condition.tradingsymbol}`,
    side: only.transaction_type,
    qty: only.quantity,
    trigger,
    limit: only.price,
    product: only.product,
    last: condition.last_price,
  });
}

/** The order that a met trigger placed at the exchange. */
export function childOf(gtt: KiteGtt, index = 0): string | undefined {
  const id = gtt.orders[index]?.result?.order_result?.order_id ?? '';
  return id === '' ? undefined : id;
}

const ENDS: Readonly<Record<string, BrokerOrderStatus>> = {
  active: 'open',
  triggered: 'open',
  disabled: 'canceled',
  expired: 'expired',
  cancelled: 'canceled',
  deleted: 'canceled',
  rejected: 'rejected',
};

/** The orders that a trigger stands for, one a leg, while none of them has reached the exchange. */
export function ordersOfGtt(
  gtt: KiteGtt,
  instrument: InstrumentId,
  clientId: string | null,
): readonly BrokerOrder[] {
  const last = price(gtt.condition.last_price);
  return gtt.orders.flatMap((one, index) => {
    const trigger = gtt.condition.trigger_values[index];
    if (trigger === undefined) return [];
    const stop = price(trigger);
    const side = one.transaction_type === 'BUY' ? 'buy' : 'sell';
    const isStop = side === 'buy' ? stop.gt(last) : stop.lt(last);
    const failed = one.result?.order_result?.status === 'failed';
    const reason = failed
      ? (one.result?.order_result?.rejection_reason ?? 'Kite could not place it')
      : undefined;
    const product = productOf(one.product);
    return {
      brokerOrderId: gtt.orders.length === 1 ? `gtt:${gtt.id}` : `gtt:${gtt.id}:${index}`,
      brokerClientId: gtt.orders.length === 1 ? clientId : null,
      instrument,
      side,
      qty: quantity(one.quantity),
      type: isStop ? 'stop_limit' : 'limit',
      timeInForce: 'gtc',
      postOnly: false,
      reduceOnly: false,
      extendedHours: false,
      limitPrice: price(one.price),
      ...(isStop ? { stopPrice: stop } : {}),
      ...(product === undefined ? {} : { product }),
      ...(reason === undefined ? {} : { reason }),
      filledQty: ZERO_QUANTITY,
      status: failed ? 'rejected' : legStatus(gtt, index),
      held: false,
      timeMs: fromIst(gtt.updated_at ?? gtt.created_at) ?? 0,
    } satisfies BrokerOrder;
  });
}

/** Of two legs the one that was not met ends when the other is. */
function legStatus(gtt: KiteGtt, index: number): BrokerOrderStatus {
  if (gtt.status === 'triggered' && gtt.orders.length === 2 && !gtt.orders[index]?.result) return 'canceled';
  return ENDS[gtt.status] ?? 'open';
}
