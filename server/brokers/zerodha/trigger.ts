/** Orders that outlive the day: as triggers (GTT) at Kite, which carry no name of ours. */
import { z } from 'zod';
import type { ClearedOrder, Product } from '#domain/order.ts';
import type { BrokerListing, CancelOutcome, PlaceOutcome } from '#ports.ts';
import { childOf, fingerprintOf, fingerprintOfRow, type GttTerms, gttForm, gttTermsOf } from './gtt.ts';
import { cancelRegular, replaceRegular } from './regular.ts';
import { gateFor, type KiteWire, notCanceled, notSent, outcomeOf, remember } from './wire.ts';

const triggerTold = z.object({ trigger_id: z.string().regex(/^\d{1,18}$/) });

export async function placeTrigger(
  wire: KiteWire,
  order: ClearedOrder,
  at: { readonly listing: BrokerListing; readonly product: Product; readonly sinceMs: number },
): Promise<PlaceOutcome> {
  const { memory } = wire;
  const last = await wire.lastPrice(at.listing);
  const terms = gttTermsOf(order, at.product, last);
  if (typeof terms === 'string') return notSent(terms);
  const fingerprint = printOf(order, at.listing, terms, last);
  const same = (await wire.orders.triggers()).filter((one) => fingerprintOfRow(one) === fingerprint);
  // Written first: what is never answered must be told from what was there before it.
  memory.intend(order.brokerClientId, {
    fingerprint,
    before: same.map(({ id }) => id),
    sentMs: wire.clock.wallMs(),
  });
  const answer = await wire.client.ask({
    kind: 'order',
    method: 'POST',
    path: '/gtt/triggers',
    body: { kind: 'form', fields: gttForm(at.listing, order, terms, last) },
    gate: gateFor(wire, order, at.sinceMs),
  });
  const outcome = outcomeOf(answer, (data) => {
    const told = triggerTold.safeParse(data);
    if (!told.success) return undefined;
    const id = `gtt:${told.data.trigger_id}`;
    remember(() => memory.learn(order.brokerClientId, id));
    return id;
  });
  if (outcome.kind === 'rejected' || outcome.kind === 'not_sent')
    remember(() => memory.forget(order.brokerClientId));
  return outcome;
}

export async function replaceTrigger(
  wire: KiteWire,
  order: ClearedOrder,
  at: { readonly id: string; readonly listing: BrokerListing; readonly sinceMs: number },
): Promise<PlaceOutcome> {
  const name = `gtt:${at.id}`;
  const now = (await wire.orders.triggers()).find((one) => one.id === at.id);
  const child = now === undefined ? undefined : childOf(now);
  if (child !== undefined) return replaceRegular(wire, order, { orderId: child, name, sinceMs: at.sinceMs });
  const product = now?.orders[0]?.product === 'NRML' ? 'nrml' : 'cnc';
  const last = await wire.lastPrice(at.listing);
  const terms = gttTermsOf(order, product, last);
  if (typeof terms === 'string') return notSent(terms);
  const answer = await wire.client.ask({
    kind: 'order',
    method: 'PUT',
    path: `/gtt/triggers/${at.id}`,
    body: { kind: 'form', fields: gttForm(at.listing, order, terms, last) },
    gate: gateFor(wire, order, at.sinceMs),
  });
  const outcome = outcomeOf(answer, (data) => (triggerTold.safeParse(data).success ? name : undefined));
  if (outcome.kind === 'accepted') wire.changed(name);
  return outcome;
}

export async function cancelTrigger(wire: KiteWire, id: string): Promise<CancelOutcome> {
  const answer = await wire.client.ask({ kind: 'cancel', method: 'DELETE', path: `/gtt/triggers/${id}` });
  if (answer.kind === 'data') {
    wire.changed(`gtt:${id}`);
    return { kind: 'accepted' };
  }
  if (answer.kind !== 'refused') return notCanceled(answer);
  // It was met meanwhile: what it placed works at the exchange under its name.
  const gtt = (await wire.orders.triggers()).find((one) => one.id === id);
  const child = gtt?.status === 'triggered' ? childOf(gtt) : undefined;
  if (child !== undefined) return cancelRegular(wire, child);
  return gtt === undefined || gtt.status === 'active'
    ? notCanceled(answer)
    : { kind: 'gone', reason: `The trigger is ${gtt.status} at Kite.` };
}

function printOf(order: ClearedOrder, listing: BrokerListing, terms: GttTerms, last: string): string {
  return fingerprintOf({
    brokerSymbol: listing.brokerSymbol,
    side: order.side === 'buy' ? 'BUY' : 'SELL',
    qty: order.qty.toFixed(),
    trigger: terms.trigger,
    limit: terms.limit,
    product: terms.product,
    last,
  });
}
