/** One order by our id, whatever became of it, at the exchanges that can be asked so. */
import { toVenueId } from './client-id.ts';
import { isClass } from './error-class.ts';
import type { Exchange } from './exchange.ts';
import type { KnownOrders } from './known-orders.ts';
import type { CcxtOrder } from './types.ts';

/**
 * undefined is the exchange's word that it has none. Where an order is asked for by instrument, all that the account ever traded are
 * asked, its own first: which it was sent in is durable before it is sent. Rejects when any of them is not answered.
 */
export async function lookUp(
  { ccxt, facts }: Exchange,
  known: KnownOrders,
  brokerClientId: string,
): Promise<CcxtOrder | undefined> {
  const venueId = toVenueId(brokerClientId, facts);
  const parameter = facts.lookUpParameter ?? 'clientOrderId';
  const query = { [parameter]: venueId };
  if (facts.lookUp === undefined) throw new Error('The exchange can not be asked for an order by our id.');
  if (facts.lookUp === 'open-then-closed') {
    const [open] = await ccxt.fetchOpenOrders(undefined, undefined, undefined, query);
    return open ?? (await ccxt.fetchClosedOrders(undefined, undefined, undefined, query))[0];
  }
  const own = known.byClientId(brokerClientId)?.symbol;
  // Each is written down before its first order is sent: none at all means that the list was lost, and nobody would be asked.
  if (own === undefined && known.symbols().size === 0)
    throw new Error('It is not known here any more in which instrument the order was sent.');
  for (const symbol of own === undefined ? known.symbols().keys() : [own]) {
    try {
      return await ccxt.fetchOrder(undefined, symbol, query);
    } catch (fault) {
      if (!isClass(fault, 'OrderNotFound')) throw fault;
    }
  }
  return undefined;
}
