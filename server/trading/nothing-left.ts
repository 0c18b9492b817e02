/** What is taken back when a position went by something else than the orders against it: filled now, they would open the other side. */
import { isFinal } from '#domain/order.ts';
import { agentId } from '#domain/principal.ts';
import { cancelMany } from './cancel.ts';
import { opensShort } from './cancel-adding.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { withNothingLeft } from './reducible.ts';
import type { Shrunk } from './shrunk.ts';

/** After the commit. What is left of a position stays as protected as it was. */
export async function cancelWithNothingLeft(line: Line, shrunk: Shrunk): Promise<void> {
  const reducing = withNothingLeft(line, shrunk).filter((order) => !waitsForEntry(line, order));
  const due = [...reducing, ...shortsOf(line, shrunk)];
  if (due.length > 0) await cancelMany(line, due, 'canceled: the position that it would have sold has gone');
}

/** A leg is there for what its entry has yet to fill, too. */
function waitsForEntry(line: Line, { parentOrderId }: StoredOrder): boolean {
  const entry = parentOrderId === null ? undefined : line.orders.byId(parentOrderId);
  return entry !== undefined && !isFinal(entry.status);
}

/** Adding sales were assessed against what their agent had: where it may not be short, they go with that. */
function shortsOf(line: Line, { holder, account, instrument, side }: Shrunk): readonly StoredOrder[] {
  const agent = agentId(holder);
  if (side !== 'sell' || line.usage.adding({ agent, account, instrument, side }).qty.eq('0')) return [];
  const mandate = line.access.mandates.current(agent);
  if (mandate === undefined || mandate.document.allow_short) return [];
  return line.orders
    .working({ agent, account, instrument })
    .filter(({ effect, status }) => effect === 'adding' && status !== 'pending_cancel')
    .filter((order) => order.status !== 'pending_approval' && opensShort(line, order));
}
