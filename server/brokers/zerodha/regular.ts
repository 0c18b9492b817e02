/** Orders at the exchange: for the day or immediate, placed, changed and withdrawn under Kite's number. */
import { z } from 'zod';
import type { ClearedOrder, Product } from '#domain/order.ts';
import { calendar } from '#market/calendar.ts';
import type { BrokerListing, CancelOutcome, PlaceOutcome } from '#ports.ts';
import { toIst } from './kite-time.ts';
import { placeForm, termsForm } from './order-form.ts';
import { isFinalRow } from './rows.ts';
import { gateFor, type KiteWire, notCanceled, notSent, outcomeOf, remember } from './wire.ts';

const orderTold = z.object({ order_id: z.string().min(1).max(64) });
/** When the exchange begins to take orders: its opening auction. */
const TAKES_FROM = '09:00:00';

/** `regular` while the exchange takes orders; after hours only for who asked for it. */
function varietyNow(wire: KiteWire, listing: BrokerListing): { readonly variety: string } | string {
  const nowMs = wire.clock.wallMs();
  const session = calendar(listing.instrument.calendar === 'bse' ? 'bse' : 'nse').nextSession(nowMs);
  const [today = '', time = ''] = toIst(nowMs).split(' ');
  if (session?.date === today && time >= TAKES_FROM) return { variety: 'regular' };
  if (wire.settings.after_market === 'yes') return { variety: 'amo' };
  return 'The exchange is closed. The account takes after-market orders only where its setting after_market says yes.';
}

export async function placeRegular(
  wire: KiteWire,
  order: ClearedOrder,
  at: { readonly listing: BrokerListing; readonly product: Product; readonly sinceMs: number },
): Promise<PlaceOutcome> {
  const variety = varietyNow(wire, at.listing);
  if (typeof variety === 'string') return notSent(variety);
  wire.orders.gave(order.brokerClientId);
  const answer = await wire.client.ask({
    kind: 'order',
    method: 'POST',
    path: `/orders/${variety.variety}`,
    body: { kind: 'form', fields: placeForm(order, at.listing, at.product) },
    gate: gateFor(wire, order, at.sinceMs),
  });
  return outcomeOf(answer, (data) => {
    const told = orderTold.safeParse(data);
    if (!told.success) return undefined;
    const id = told.data.order_id;
    remember(() => wire.memory.learn(order.brokerClientId, id));
    return id;
  });
}

/** `name` is what it is called here: its number, or the trigger that placed it. */
export async function replaceRegular(
  wire: KiteWire,
  order: ClearedOrder,
  at: { readonly orderId: string; readonly name: string; readonly sinceMs: number },
): Promise<PlaceOutcome> {
  const row = await wire.orders.rowOf(at.orderId);
  if (row !== undefined && isFinalRow(row))
    return { kind: 'rejected', reason: `The order is ${row.status} at Kite.` };
  const answer = await wire.client.ask({
    kind: 'order',
    method: 'PUT',
    path: `/orders/${row?.variety ?? 'regular'}/${at.orderId}`,
    body: { kind: 'form', fields: termsForm(at.name === at.orderId ? order : childTerms(order)) },
    gate: gateFor(wire, order, at.sinceMs),
  });
  return outcomeOf(answer, (data) => (orderTold.safeParse(data).success ? at.name : undefined));
}

/** What a trigger has placed is a limit order of the day, whatever it waited for before. */
function childTerms(order: ClearedOrder): ClearedOrder {
  const { stopPrice: _met, ...rest } = order;
  return { ...rest, type: 'limit', timeInForce: 'day' };
}

export async function cancelRegular(wire: KiteWire, orderId: string): Promise<CancelOutcome> {
  const row = await wire.orders.rowOf(orderId);
  const answer = await wire.client.ask({
    kind: 'cancel',
    method: 'DELETE',
    path: `/orders/${row?.variety ?? 'regular'}/${orderId}`,
  });
  if (answer.kind === 'data') return { kind: 'accepted' };
  if (answer.kind !== 'refused') return notCanceled(answer);
  const now = await wire.orders.byBrokerId(orderId).catch(() => undefined);
  const over = now !== undefined && now.status !== 'open' && now.status !== 'partially_filled';
  return over ? { kind: 'gone', reason: `The order is ${now.status} at Kite.` } : notCanceled(answer);
}
