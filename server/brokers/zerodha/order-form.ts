/** An order of ours as Kite's form: what it can carry, digit by digit, and why not where it can not. */
import { text } from '#domain/decimal.ts';
import type { ClearedOrder, OrderTerms, Product } from '#domain/order.ts';
import type { BrokerListing } from '#ports.ts';
import { tagOf } from './tag.ts';

/** MARKET and SL-M are refused without it; -1 leaves the percentage to the exchange's own rule. */
const MARKET_PROTECTION = '-1';

const TYPES = { market: 'MARKET', limit: 'LIMIT', stop: 'SL-M', stop_limit: 'SL' } as const;

/** Why Kite has no such order, as a sentence; undefined: it has. */
export function unsupported(order: ClearedOrder, listing: BrokerListing): string | undefined {
  const { instrument } = listing;
  if (instrument.assetClass === 'index')
    return `${instrument.symbol} is an index: its futures and options can be traded.`;
  if (order.type === 'trailing_stop') return 'Kite has no trailing stop.';
  if (order.timeInForce === 'fok') return 'Kite has no fill-or-kill.';
  if (order.timeInForce === 'ioc' && (order.type === 'stop' || order.type === 'stop_limit'))
    return 'A stop can not be immediate-or-cancel.';
  if (order.postOnly) return 'Kite has no post-only order.';
  if (order.reduceOnly) return 'Kite has no reduce-only order.';
  if (order.extendedHours) return 'Kite has no extended hours.';
  if (order.takeProfit !== undefined || order.stopLoss !== undefined)
    return 'Kite has no bracket order that could be placed as one.';
  if (!order.qty.mod('1').eq('0')) return 'Kite takes whole quantities only.';
  if (!order.qty.mod(instrument.lot).eq('0'))
    return `The quantity is not a multiple of the lot ${text(instrument.lot)}.`;
  for (const at of [order.limitPrice, order.stopPrice])
    if (at !== undefined && !at.mod(instrument.tick).eq('0'))
      return `The price ${text(at)} is not a multiple of the tick ${text(instrument.tick)}.`;
  return undefined;
}

/** Why a product can not hold this instrument; undefined: it can. */
export function wrongProduct(product: Product, { instrument }: BrokerListing): string | undefined {
  const derivative = instrument.assetClass === 'future' || instrument.assetClass === 'option';
  if (derivative && product === 'cnc') return 'Futures and options are held as nrml or mis, not as cnc.';
  if (!derivative && product === 'nrml') return 'Shares are held as cnc or mis, not as nrml.';
  return undefined;
}

export function placeForm(order: ClearedOrder, listing: BrokerListing, product: Product) {
  return {
    exchange: listing.extra['exchange'] ?? '',
    tradingsymbol: listing.extra['tradingsymbol'] ?? '',
    transaction_type: order.side === 'buy' ? 'BUY' : 'SELL',
    product: product.toUpperCase(),
    ...termsForm(order),
    tag: tagOf(order.brokerClientId),
  };
}

/** What a modification names again: all of the terms, so that nothing of the old ones is left by accident. */
export function termsForm(order: OrderTerms): Readonly<Record<string, string>> {
  const { type, limitPrice, stopPrice } = order;
  if (type === 'trailing_stop') throw new RangeError('Kite has no trailing stop');
  return {
    order_type: TYPES[type],
    quantity: text(order.qty),
    validity: order.timeInForce === 'ioc' ? 'IOC' : 'DAY',
    ...(limitPrice === undefined ? {} : { price: text(limitPrice) }),
    ...(stopPrice === undefined ? {} : { trigger_price: text(stopPrice) }),
    ...(type === 'market' || type === 'stop' ? { market_protection: MARKET_PROTECTION } : {}),
  };
}
