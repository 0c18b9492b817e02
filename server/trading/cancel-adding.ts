/** What is taken back when the authority of an agent or an account shrinks: adding orders, all of them or those that no longer fit. */
import type { AccountId, Actor, AgentId } from '#domain/principal.ts';
import { cancelMany } from './cancel.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';

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

/** The same of everybody's orders in an account, the owner's own and those placed elsewhere included. */
export function cancelAddingIn(line: Line, account: AccountId, which: Which): readonly string[] {
  return takeBack(line, line.orders.working({ account }), which);
}

function takeBack(
  line: Line,
  working: readonly StoredOrder[],
  { why, which = () => true, actor }: Which,
): readonly string[] {
  const adding = working.filter(
    (order) => order.effect === 'adding' && order.status !== 'pending_cancel' && which(order),
  );
  if (adding.length > 0) void cancelMany(line, adding, why, actor).catch(() => undefined);
  return adding.map((order) => order.orderId);
}

/** After a change of mandate: tightening cancels what no longer fits, and nothing else. */
export function cancelUnfit(line: Line, agent: AgentId): void {
  const { state } = line.access.agents.stateOf(agent);
  if (state !== 'ACTIVE') {
    cancelAdding(line, agent, { why: `canceled: the agent is ${state}` });
    return;
  }
  const mandate = line.access.mandates.current(agent);
  cancelAdding(line, agent, {
    why: 'canceled: it no longer fits the mandate',
    which(order) {
      if (mandate === undefined) return true;
      const listed = mandate.instruments === 'any' || mandate.instruments.has(order.instrument);
      return (
        !listed ||
        !mandate.accounts.has(order.account) ||
        !mandate.document.sides.includes(order.side) ||
        !mandate.document.order_types.includes(order.type) ||
        order.qty.gt(mandate.maxOrderQty) ||
        order.unitValue.times(order.qty.minus(order.filledQty)).gt(mandate.maxOrderValue)
      );
    },
  });
}
