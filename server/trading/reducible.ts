/** How much of a position may still be closed: what it is, less what working reducing orders would take of it. */
import { absolute, add, max, min, type Quantity, subtract, sum, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Side } from '#domain/order.ts';
import type { Holding } from './holdings.ts';
import type { Line } from './line.ts';
import { remainingQty, type StoredOrder } from './order-rows.ts';

/**
 * What may still be sold of a long (bought back of a short) position: its size less what working reducing orders would take.
 * The legs of one bracket cancel each other, so a pair counts once, by what the entry has filled.
 */
export function reducible(position: Quantity, working: readonly StoredOrder[], line: Line): Quantity {
  const side: Side = position.gt('0') ? 'sell' : 'buy';
  let taken = ZERO_QUANTITY;
  const groups = new Map<string, Quantity>();
  for (const order of working) {
    if (order.side !== side || order.effect !== 'reducing') continue;
    if (order.parentOrderId === null) taken = add(taken, pendingMax(order));
    else {
      const known = groups.get(order.parentOrderId) ?? ZERO_QUANTITY;
      groups.set(order.parentOrderId, max(known, legTakes(line, order)));
    }
  }
  for (const quantity of groups.values()) taken = add(taken, quantity);
  return max(subtract(absolute(position), taken), ZERO_QUANTITY);
}

/**
 * What the holders on one side have that no working order will take. An agent's orders take its own part, and with
 * `may_reduce: account` that of others: what is taken so can not be closed a second time by whom it belongs to.
 */
export function unclaimed(
  position: Quantity,
  holders: readonly Holding[],
  inAccount: readonly StoredOrder[],
  line: Line,
): Quantity {
  const held = sum(
    ZERO_QUANTITY,
    holders.filter(({ qty }) => !qty.eq('0') && qty.gt('0') === position.gt('0')).map(({ qty }) => qty),
  );
  return reducible(held, inAccount, line);
}

/** A modify in flight may still leave either quantity: count the larger. */
const pendingMax = (order: StoredOrder): Quantity =>
  order.pending === null
    ? remainingQty(order)
    : max(remainingQty(order), subtract(order.pending.terms.qty, order.filledQty));

/** A leg is active up to what its entry has filled, less what the pair has closed already. */
function legTakes(line: Line, leg: StoredOrder): Quantity {
  if (leg.parentOrderId === null) return remainingQty(leg);
  const entry = line.orders.byId(leg.parentOrderId);
  if (entry === undefined) return remainingQty(leg);
  const closed = sum(
    ZERO_QUANTITY,
    line.orders.legsOf(leg.parentOrderId).map((order) => order.filledQty),
  );
  return max(min(remainingQty(leg), subtract(entry.filledQty, closed)), ZERO_QUANTITY);
}
