/** An order on its way: what may not be sent is found first, then it is sent once, and what came of it is told in one of four ways. */
import type { BrokerDirectory, WireGate } from '#brokers/broker.ts';
import { text } from '#domain/decimal.ts';
import { type Instrument, isOnLot, isOnTick } from '#domain/instrument.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { BrokerListing, CancelOutcome, PlaceOutcome } from '#ports.ts';
import { type Api, readAs } from './api.ts';
import { orderPayload, refusalPayload } from './wire.ts';

export interface Way {
  readonly api: Api;
  readonly directory: BrokerDirectory;
  readonly gate: WireGate;
  /** Why nothing can be sent now, or undefined. */
  readonly away: () => string | undefined;
}

export async function place({ api, directory, gate, away }: Way, order: ClearedOrder): Promise<PlaceOutcome> {
  const listing = listed(directory, order);
  if (listing === undefined) return { kind: 'not_sent', reason: 'The exchange does not list it.' };
  const wrong = whyNot(order, listing.instrument) ?? away();
  if (wrong !== undefined) return { kind: 'not_sent', reason: wrong };
  const answer = await api.send('order', {
    method: 'POST',
    path: '/orders',
    body: { kind: 'json', value: bodyOf(order, listing.brokerSymbol) },
    gate: () => gate(order),
  });
  if (answer.kind !== 'answer')
    return { kind: answer.kind === 'not_sent' ? 'not_sent' : 'unknown', reason: answer.reason };
  return outcomeOf(order, answer.status, answer.text);
}

/** Only what is in the list now is traded: the directory keeps what has left it too. */
function listed(directory: BrokerDirectory, order: ClearedOrder): BrokerListing | undefined {
  const listing = directory.byId(order.instrument);
  return listing && directory.bySymbol(listing.brokerSymbol);
}

function whyNot(order: ClearedOrder, instrument: Instrument): string | undefined {
  const { type, timeInForce, limitPrice } = order;
  if (type !== 'market' && type !== 'limit') return 'The exchange takes market and limit orders.';
  if (timeInForce !== 'day' && timeInForce !== 'gtc') return 'The exchange takes day and gtc orders.';
  if (order.takeProfit ?? order.stopLoss ?? order.product) return 'The exchange knows no such order.';
  if (order.postOnly || order.reduceOnly || order.extendedHours) return 'The exchange knows no such order.';
  if (!isOnLot(order.qty, instrument)) return 'The quantity is not a multiple of the lot.';
  if (limitPrice === undefined) return type === 'limit' ? 'A limit order has a limit.' : undefined;
  return isOnTick(limitPrice, instrument) ? undefined : 'The price is not on the tick.';
}

const bodyOf = (order: ClearedOrder, symbol: string) => ({
  client_id: order.brokerClientId,
  symbol,
  side: order.side,
  type: order.type,
  tif: order.timeInForce,
  qty: text(order.qty),
  limit: order.limitPrice === undefined ? null : text(order.limitPrice),
});

function outcomeOf(order: ClearedOrder, status: number, body: string): PlaceOutcome {
  const taken = status === 201 ? readAs(orderPayload, body) : undefined;
  if (taken?.client_id === order.brokerClientId) return { kind: 'accepted', brokerOrderId: taken.id };
  const refused = status === 422 ? readAs(refusalPayload, body) : undefined;
  if (refused !== undefined) return { kind: 'rejected', reason: refused };
  return { kind: 'unknown', reason: `The exchange answered ${status} without a word on the order.` };
}

export async function cancel(
  api: Api,
  { brokerClientId, brokerOrderId }: { readonly brokerClientId: string; readonly brokerOrderId?: string },
): Promise<CancelOutcome> {
  const query = brokerOrderId === undefined ? { client_id: brokerClientId } : { id: brokerOrderId };
  const answer = await api.send('cancel', { method: 'DELETE', path: '/order', query });
  if (answer.kind !== 'answer')
    return { kind: answer.kind === 'not_sent' ? 'rejected' : 'unknown', reason: answer.reason };
  if (answer.status === 200 && readAs(orderPayload, answer.text)) return { kind: 'accepted' };
  const reason = readAs(refusalPayload, answer.text);
  if (reason !== undefined && answer.status === 409) return { kind: 'gone', reason };
  if (reason !== undefined && (answer.status === 404 || answer.status === 422))
    return { kind: 'rejected', reason };
  return { kind: 'unknown', reason: `The exchange answered ${answer.status} without a word on the order.` };
}
