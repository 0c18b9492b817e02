/** What is taken back when the authority of an agent or an account shrinks: adding orders, all of them or those that no longer fit. */
import { sum, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { AccountId, Actor, AgentId } from '#domain/principal.ts';
import { cancelMany } from './cancel.ts';
import { whyTakenBack } from './cancel-words.ts';
import { couldAdd } from './elsewhere.ts';
import { instrumentOf, type Line } from './line.ts';
import { remainingQty, type StoredOrder } from './order-rows.ts';
import { mostQty, reducible } from './reducible.ts';
import { isDue, tryToTakeBack } from './taking-back.ts';

interface Which {
  readonly why: string;
  /** Absent: every adding order. */
  readonly which?: (order: StoredOrder) => boolean;
  readonly actor?: Actor;
}

/**
 * Starts the cancels, names the orders and does not wait: the broker's answers arrive as events, and what is unclear is asked
 * for again.
 */
export function cancelAdding(line: Line, agent: AgentId, which: Which): readonly string[] {
  return takeBack(line, line.orders.working({ agent }), which);
}

/** The same of everybody's orders in an account: the owner's own, and those placed elsewhere that could add. */
export function cancelAddingIn(line: Line, account: AccountId, which: Which): readonly string[] {
  return takeBack(line, line.orders.working({ account }), which);
}

function takeBack(
  line: Line,
  working: readonly StoredOrder[],
  { why, which = () => true, actor }: Which,
): readonly string[] {
  const adding = working.filter((order) => isTakenBack(line, order) && which(order));
  // Somebody's word goes out at once; what a limit takes back every second is paced.
  if (actor !== undefined) void cancelMany(line, adding, why, actor).catch(() => undefined);
  else for (const order of adding.filter((one) => isDue(line, one))) tryToTakeBack(line, order, why);
  return adding.map((order) => order.orderId);
}

/** After a change of mandate: tightening cancels what no longer fits, and nothing else. */
export function cancelUnfit(line: Line, agent: AgentId): void {
  const standing = line.access.agents.stateOf(agent);
  if (standing.state !== 'ACTIVE') {
    cancelAdding(line, agent, { why: whyTakenBack(standing) });
    return;
  }
  const mandate = line.access.mandates.current(agent);
  cancelAdding(line, agent, {
    why: 'canceled: it no longer fits the mandate',
    which: (order) => !fits(line, mandate, order),
  });
}

/** What `cancelUnfit` takes back under a mandate, the one in force or one that may be. */
export const unfitUnder = (line: Line, agent: AgentId, mandate: Mandate): readonly string[] =>
  line.orders
    .working({ agent })
    .filter((order) => isTakenBack(line, order) && !fits(line, mandate, order))
    .map((order) => order.orderId);

const isTakenBack = (line: Line, order: StoredOrder): boolean =>
  couldAdd(line, order) && order.status !== 'pending_cancel';

function fits(line: Line, mandate: Mandate | undefined, order: StoredOrder): boolean {
  if (mandate === undefined || (mandate.expiresAtMs !== null && mandate.expiresAtMs <= line.wallMs()))
    return false;
  const { accounts, instruments, document, maxOrderQty, maxOrderValue } = mandate;
  const remaining = remainingQty(order);
  const covered =
    accounts.has(order.account) &&
    (instruments === 'any' || instruments.has(order.instrument)) &&
    (document.asset_classes?.includes(instrumentOf(line, order.instrument).assetClass) ?? true);
  return (
    covered &&
    document.sides.includes(order.side) &&
    document.order_types.includes(order.type) &&
    (document.allow_short || !opensShort(line, order)) &&
    order.qty.lte(maxOrderQty) &&
    order.unitValue.times(remaining).lte(maxOrderValue)
  );
}

/** Filled in full, beside what reduces and the adding sales before it, it would leave its agent short. */
export function opensShort(line: Line, { side, seq, ...at }: StoredOrder): boolean {
  if (side !== 'sell') return false;
  const { agent, account, instrument } = at;
  const { qty } = line.holdings.of(agent, account, instrument);
  const working = line.orders.working({ agent, account, instrument });
  const free = qty.gt('0') ? reducible(qty, working, line) : qty;
  const sales = working.filter((one) => one.side === side && one.effect === 'adding' && one.seq <= seq);
  return free.lt(sum(ZERO_QUANTITY, sales.map(mostQty)));
}
