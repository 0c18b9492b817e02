/** What moves money: an order placed, changed or withdrawn at Kite, once, with an outcome that says no more than is known. */
import type { ClearedOrder, Product } from '#domain/order.ts';
import type { BrokerAdapter, BrokerListing } from '#ports.ts';
import { gttIdOf } from './gtt.ts';
import { unsupported, wrongProduct } from './order-form.ts';
import { cancelRegular, placeRegular, replaceRegular } from './regular.ts';
import { cancelTrigger, placeTrigger, replaceTrigger } from './trigger.ts';
import { type KiteWire, notSent } from './wire.ts';

export type KiteTrading = Pick<BrokerAdapter, 'place' | 'replace' | 'cancel'>;

export function openTrading(wire: KiteWire): KiteTrading {
  const listingOf = (order: ClearedOrder): BrokerListing | string => {
    const listing = wire.directory.byId(order.instrument);
    if (listing === undefined) return `${order.instrument} is not in Zerodha’s list.`;
    return wire.whyNot() ?? unsupported(order, listing) ?? listing;
  };

  return {
    async place(order) {
      const sinceMs = wire.clock.monotonicMs();
      const listing = listingOf(order);
      if (typeof listing === 'string') return notSent(listing);
      // Questions may come first, and none of them can place: whatever fails in them, nothing was sent.
      try {
        const product = await productFor(wire, order, listing);
        if (typeof product === 'string') return notSent(product);
        const at = { listing, sinceMs, ...product };
        return await (order.timeInForce === 'gtc'
          ? placeTrigger(wire, order, at)
          : placeRegular(wire, order, at));
      } catch (cause) {
        return notSent((cause as Error).message);
      }
    },
    async replace(order) {
      const sinceMs = wire.clock.monotonicMs();
      const listing = listingOf(order);
      if (typeof listing === 'string') return notSent(listing);
      const name = order.brokerOrderId ?? wire.memory.brokerIdOf(order.brokerClientId);
      if (name === undefined) return notSent('Kite’s id of the order is not known here.');
      const id = gttIdOf(name);
      try {
        return await (id === undefined
          ? replaceRegular(wire, order, { orderId: name, name, sinceMs })
          : replaceTrigger(wire, order, { id, listing, sinceMs }));
      } catch (cause) {
        return notSent((cause as Error).message);
      }
    },
    async cancel({ brokerClientId, brokerOrderId }) {
      try {
        const known = brokerOrderId ?? wire.memory.brokerIdOf(brokerClientId);
        const name = known ?? (await wire.orders.orderByClientId(brokerClientId))?.brokerOrderId;
        if (name === undefined) return { kind: 'rejected', reason: 'Kite lists no such order today.' };
        const id = gttIdOf(name);
        return await (id === undefined ? cancelRegular(wire, name) : cancelTrigger(wire, id));
      } catch (cause) {
        return { kind: 'unknown', reason: (cause as Error).message };
      }
    },
  };
}

/**
 * The product that an order takes. What closes a position takes the product in which it is held, since another one would open a second
 * position beside it; where that is not clear it is a sentence.
 */
export async function productFor(
  { portfolio, settings }: Pick<KiteWire, 'portfolio' | 'settings'>,
  order: Pick<ClearedOrder, 'side' | 'qty' | 'product'>,
  listing: BrokerListing,
): Promise<{ readonly product: Product } | string> {
  if (order.product !== undefined) return wrongProduct(order.product, listing) ?? { product: order.product };
  const held = await portfolio.heldAgainst(listing, order.side);
  if (held.size > 1)
    return `It is held as ${[...held.keys()].join(' and ')}: say which product the order is of.`;
  const [only] = held;
  const isShare = listing.instrument.assetClass === 'equity';
  const own = isShare ? settings.equity_product : settings.derivatives_product;
  if (only === undefined) return { product: own };
  const [product, qty] = only;
  return order.qty.lte(qty) || product === own
    ? { product }
    : `Only ${qty.toFixed()} is held as ${product}: say which product the rest is of, or send two orders.`;
}
