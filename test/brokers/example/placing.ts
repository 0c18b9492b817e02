/** The heart of an adapter, as docs/writing-a-broker.md builds it: one order to a broker that speaks JSON, and what is true of it after. */
import { z } from 'zod';
import type { WireGate } from '#brokers/broker.ts';
import { parseExact } from '#brokers/exact-json.ts';
import type { HttpCaller } from '#brokers/http-call.ts';
import type { RequestBudget } from '#brokers/request-budget.ts';
import { text } from '#domain/decimal.ts';
import { type Instrument, isOnLot, isOnTick } from '#domain/instrument.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { PlaceOutcome } from '#ports.ts';

export interface Wire {
  readonly caller: HttpCaller;
  readonly budget: RequestBudget;
  readonly gate: WireGate;
  readonly instrument: Instrument;
}

const accepted = z.object({ id: z.string().min(1) });
const refusal = z.object({ message: z.string() });

export async function place(
  { caller, budget, gate, instrument }: Wire,
  order: ClearedOrder,
): Promise<PlaceOutcome> {
  const wrong = whyNot(order, instrument);
  if (wrong !== undefined) return { kind: 'not_sent', reason: wrong };
  const turn = await budget.take('order');
  if (turn !== 'granted') return { kind: 'not_sent', reason: turn.refused };
  const answer = await caller.call({
    method: 'POST',
    path: '/orders',
    body: { kind: 'json', value: bodyOf(order) },
    gate: () => gate(order),
  });
  if (answer.kind !== 'answer')
    return { kind: answer.kind === 'not_sent' ? 'not_sent' : 'unknown', reason: answer.reason };
  if (answer.status === 429) budget.holdFor(answer.retryAfterMs ?? 1_000);
  return outcomeOf(answer.status, answer.text);
}

function whyNot(order: ClearedOrder, instrument: Instrument): string | undefined {
  if (order.type !== 'limit' || order.limitPrice === undefined) return 'This broker takes limit orders.';
  if (!isOnLot(order.qty, instrument)) return 'The quantity is not a multiple of the lot.';
  return isOnTick(order.limitPrice, instrument) ? undefined : 'The price is not on the tick.';
}

const bodyOf = ({ brokerClientId, side, qty, limitPrice }: ClearedOrder) => ({
  client_id: brokerClientId,
  side,
  qty: text(qty),
  limit: limitPrice === undefined ? null : text(limitPrice),
});

function outcomeOf(status: number, body: string): PlaceOutcome {
  const parsed = parseExact(body);
  const value: unknown = parsed.ok ? parsed.value : undefined;
  const taken = accepted.safeParse(value);
  if (status === 201 && taken.success) return { kind: 'accepted', brokerOrderId: taken.data.id };
  const refused = refusal.safeParse(value);
  if (status === 422 && refused.success) return { kind: 'rejected', reason: refused.data.message };
  return { kind: 'unknown', reason: `The broker answered ${status} without a word on the order.` };
}
