/** The first run's order: what to say, and what came of it, as the record and the orders have it. */

import type { JsonValue } from '#audit/event.ts';
import type { AuditLine } from '#audit/query.ts';
import { PAGE_MAX } from '#limits.ts';
import type { OwnerOrder } from '#trading/owner-desk.ts';
import type { OwnerVisit, PageData } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { curlFitting, curlTooMuch, firstOrder, wordsFitting, wordsTooMuch } from './first-order.ts';
import { connectsAs } from './welcome-agent.ts';

/**
 * The agent's own first entry among its latest orders: what closes, protects or settles a position is no order that was asked for
 * here. The agent was made by the first run, so none of them is older.
 */
function ownEntry(services: ConsoleServices, status: 'filled' | 'open'): OwnerOrder | undefined {
  const agent = connectsAs(services)?.name;
  if (agent === undefined) return undefined;
  return services.trading.owner
    .orders({ agent, status, limit: PAGE_MAX })
    .items.findLast(({ origin, role }) => origin === 'agent' && role === 'entry');
}
export const filledOrder = (services: ConsoleServices): OwnerOrder | undefined =>
  ownEntry(services, 'filled');

export function orderStep(visit: OwnerVisit): PageData {
  const { services } = visit;
  const agent = connectsAs(services);
  if (agent === undefined) return { agent: null };
  const refusal = services.audit
    .tail(1, { agent: agent.name, tool: 'place_order', kind: 'tool.call', outcome: 'refused' })
    .map(refusalView)[0];
  return {
    agent: { name: agent.name, host: agent.host?.id ?? '', connected: agent.connected },
    guide: guideFor(visit, agent.name),
    refusal: refusal ?? null,
    working: workingOrder(services),
    filled: filledOrder(services) ?? null,
  };
}

/** Under a mandate that asks, it waits for the owner first. */
function workingOrder(services: ConsoleServices) {
  const working = ownEntry(services, 'open');
  if (working === undefined) return null;
  const waits = working.status === 'pending_approval';
  return { ...working, approval: waits ? working.approvalId : null };
}

/** null: without a quote or a mandate there is nothing to say yet. */
function guideFor({ services, origin }: OwnerVisit, agentName: string) {
  const feed = services.markets.all();
  const [instrument] = feed.instruments();
  const quote = instrument && feed.quote(instrument.id);
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
