/** What was placed elsewhere says nothing of what it is for: whether it could add risk is read off the position that it meets. */
import { absolute, add, quantity, sum, ZERO_QUANTITY } from '#domain/decimal.ts';
import { ACCOUNT_HOLDER, EXTERNAL_HOLDER, opposes } from './holdings.ts';
import type { Line } from './line.ts';
import { remainingQty, type StoredOrder, WORKING } from './order-rows.ts';

/** Whether a working order could add risk as things stand now. */
export const couldAdd = (line: Line, order: StoredOrder): boolean =>
  order.effect === 'adding' && !(order.origin === 'external' && onlyCloses(line, order));

/**
 * Against the account's position or the one that was opened elsewhere, up to its size: a close or a stop of the owner's at the
 * broker's own screen. Several share the position, the oldest first.
 */
function onlyCloses(line: Line, order: StoredOrder): boolean {
  const { account, instrument, side, seq } = order;
  const positions = [ACCOUNT_HOLDER, EXTERNAL_HOLDER]
    .map((holder) => line.holdings.of(holder, account, instrument).qty)
    .filter((qty) => opposes(side, qty));
  if (positions.length === 0) return false;
  const before = line
    .prepare<[string, string, string, string, number], { qty: string; filled_qty: string }>(
      `SELECT qty, filled_qty FROM orders INDEXED BY orders_working
       WHERE ${WORKING} AND agent_id = ? AND account_id = ? AND instrument_id = ? AND side = ? AND seq < ?
         AND status <> 'pending_cancel'`,
    )
    .all(EXTERNAL_HOLDER, account, instrument, side, seq)
    .map((row) => remainingQty({ qty: quantity(row.qty), filledQty: quantity(row.filled_qty) }));
  const claimed = add(remainingQty(order), sum(ZERO_QUANTITY, before));
  return positions.some((qty) => claimed.lte(absolute(qty)));
}
