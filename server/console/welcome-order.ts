/** The first run's order: what to say, and what came of it, as the record and the orders have it. */

import type { JsonValue } from '#audit/event.ts';
import type { AuditLine } from '#audit/query.ts';
import type { OwnerOrder } from '#trading/owner-desk.ts';
import type { OwnerVisit, PageData } from './define.ts';
import { curlFitting, curlTooMuch, firstOrder, wordsFitting, wordsTooMuch } from './first-order.ts';
import { connectsAs } from './welcome-agent.ts';

/** The latest filled order of the agent that the first run made. */
export function filledOrder(visit: OwnerVisit): OwnerOrder | undefined {
  const agent = connectsAs(visit);
  return (
    agent && visit.services.trading.owner.orders({ agent: agent.name, status: 'filled', limit: 1 }).items[0]
  );
}

export function orderStep(visit: OwnerVisit): PageData {
  const { services } = visit;
  const agent = connectsAs(visit);
  if (agent === undefined) return { agent: null };
  const filled = filledOrder(visit);
  const [working] = services.trading.owner.orders({ agent: agent.name, status: 'open', limit: 1 }).items;
  const refusal = services.audit
    .tail(1, { agent: agent.name, tool: 'place_order', kind: 'tool.call', outcome: 'refused' })
    .map(refusalView)[0];
  return {
    agent: { name: agent.name, host: agent.host?.id ?? '', connected: agent.connected },
    guide: guideFor(visit, agent.name),
    refusal: refusal ?? null,
    working: working ?? null,
    filled: filled ?? null,
  };
}

/** null: without a quote or a mandate there is nothing to say yet. */
function guideFor({ services, origin }: OwnerVisit, agentName: string) {
  const [instrument] = services.feed.instruments();
  const quote = instrument && services.feed.quote(instrument.id);
  const limits = services.trading.owner.mandateOf(agentName)?.mandate;
  if (!instrument || !quote || !limits) return null;
  const order = firstOrder(instrument, quote.ask, limits);
  return {
    ...order,
    words_too_much: wordsTooMuch(order),
    words_fitting: order.fits === null ? null : wordsFitting(order.symbol, order.fits),
    curl_too_much: curlTooMuch(origin, order),
    curl_fitting: order.fits === null ? null : curlFitting(origin, order.symbol, order.fits),
    max_order_value: limits.max_order_value,
    max_order_qty: limits.max_order_qty,
    currency: instrument.currency,
  };
}

function refusalView({ seq, time, detail }: AuditLine) {
  const limits: JsonValue = detail?.['limits'] ?? [];
  return {
    seq,
    at_ms: Date.parse(time),
    reason: detail?.['reason'] ?? '',
    limits: Array.isArray(limits) ? limits : [],
  };
}
