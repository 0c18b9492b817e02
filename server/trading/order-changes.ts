/** What became of a change that was sent: the order tells its terms, and this whether they are the ones that were asked for. */
import type { AgentId } from '#domain/principal.ts';
import { printable } from '#domain/refusal.ts';
import type { PlaceOutcome } from '#ports.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { ChangeView } from './views.ts';

/** A change that is about to be sent. Inside the transaction that writes its terms down. */
export function beginChange(line: Line, order: StoredOrder, agent: AgentId, key: string): void {
  line
    .prepare(`INSERT INTO order_changes (order_id, agent_id, key, outcome) VALUES (?, ?, ?, 'pending')`)
    .run(order.orderId, agent, key);
}

/** The word on the order's last change, unless one has been given already. */
export function endChange(line: Line, orderId: string, change: ChangeView): void {
  line
    .prepare(
      `UPDATE order_changes SET outcome = ?, reason = ?
       WHERE id = (SELECT max(id) FROM order_changes WHERE order_id = ?) AND outcome IN ('pending', 'unknown')`,
    )
    .run(change.outcome, change.reason === undefined ? null : printable(change.reason), orderId);
}

/** The order's last change, by its number. */
export const lastChange = (line: Line, orderId: string): number | undefined =>
  line
    .prepare<[string], { id: number | null }>('SELECT max(id) AS id FROM order_changes WHERE order_id = ?')
    .get(orderId)?.id ?? undefined;

/** The broker's word on a change that was settled without it: that it took effect counts more than what was concluded. */
export function answerChange(line: Line, id: number, outcome: PlaceOutcome): void {
  const accepted = outcome.kind === 'accepted';
  if (!accepted && outcome.kind !== 'rejected') return;
  line
    .prepare(
      `UPDATE order_changes SET outcome = ?, reason = ?
       WHERE id = ? AND outcome IN ('pending', 'unknown', ?)`,
    )
    .run(outcome.kind, accepted ? null : printable(outcome.reason), id, accepted ? 'rejected' : 'unknown');
}

/** What there is to say of the change of an order that was asked for under a key. */
export function changeUnder(
  line: Line,
  agent: AgentId,
  key: string,
  orderId: string,
): ChangeView | undefined {
  const row = line
    .prepare<[string, string], { outcome: ChangeView['outcome']; reason: string | null }>(
      'SELECT outcome, reason FROM order_changes WHERE agent_id = ? AND key = ?',
    )
    .get(agent, key);
  if (row === undefined) return undefined;
  const order = line.orders.byId(orderId);
  const undecided = row.outcome === 'pending' || row.outcome === 'unknown';
  if (undecided && order?.pending === null)
    return {
      outcome: 'unknown',
      reason: `the order is ${order.status}, and the broker has not answered for the change`,
    };
  return { outcome: row.outcome, ...(row.reason === null ? {} : { reason: row.reason }) };
}
