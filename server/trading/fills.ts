/** What a fill does, wherever it was read: books, usage, the order and the record, in the caller's transaction. */
import { add, max, scale, text, value } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import type { FillEffect } from './holdings.ts';
import { type Executed, postExecution } from './ledger.ts';
import { agentNameOf, feedOf, instrumentOf, type Line } from './line.ts';
import { fixDayStart } from './loss.ts';
import type { StoredOrder } from './order-rows.ts';
import { writePnlDay } from './pnl.ts';
import { addLateFill, transition } from './transition.ts';

/** An execution of one of our orders. */
export interface OrderFill extends Executed {
  /** null: not known. */
  readonly brokerOrderId: string | null;
  /** The mandate day that it counts for; absent: today. */
  readonly day?: string;
}

export interface Filled {
  readonly order: StoredOrder;
  readonly effects: readonly FillEffect[];
}

/** Posts a fill that has not been posted yet. */
export function postFillOf(line: Line, order: StoredOrder, fill: OrderFill): Filled {
  const { account } = order;
  fixDays(line, account, fill.instrument);
  fixDay(line, line.holdings.of(order.agent, account, fill.instrument));
  const effects = postExecution(line, order, fill, feedOf(line, account).run());
  const instrument = instrumentOf(line, fill.instrument);
  if (order.effect === 'adding') {
    const worth = scale(value(fill.price, fill.qty), instrument.multiplier);
    line.usage.addFill(order, fill.day ?? line.access.mandateDay(line.wallMs()), worth);
  }
  const filled = recordFill(line, order, fill);
  line.audit.record({
    kind: 'order.executed',
    agent: agentNameOf(line, order.agent),
    account,
    outcome: 'ok',
    detail: {
      order_id: order.orderId,
      execution_id: fill.executionId,
      symbol: instrument.symbol,
      side: fill.side,
      qty: text(fill.qty),
      price: text(fill.price),
      fee: text(fill.fee),
    },
  });
  writePnlDay(line, account);
  return { order: filled, effects };
}

/** Fixes where everybody stood in an instrument, before a fill changes it. */
export function fixDays(line: Line, account: AccountId, instrument: StoredOrder['instrument']): void {
  for (const holding of line.holdings.holdersOf(account, instrument)) fixDay(line, holding);
}

export const fixDay = (line: Line, holding: Parameters<typeof fixDayStart>[1]): void =>
  fixDayStart(line, holding, line.access.mandateDay(line.wallMs()));

/** The order's own part of a fill. */
export function recordFill(line: Line, order: StoredOrder, fill: OrderFill): StoredOrder {
  line.memory.sentAtMs.delete(order.orderId);
  const filledQty = add(order.filledQty, fill.qty);
  const patch = {
    filledQty,
    filledValue: add(order.filledValue, value(fill.price, fill.qty)),
    ...(fill.brokerOrderId === null ? {} : { brokerOrderId: fill.brokerOrderId }),
    held: false,
  };
  const detail = `${fill.side === 'buy' ? 'bought' : 'sold'} ${text(fill.qty)} at ${text(fill.price)}`;
  if (isFinal(order.status)) return addLateFill(line, order, patch, `${detail} (reported late)`);
  // A change under way may have made it larger: then this is not all of it.
  const whole = order.pending === null ? order.qty : max(order.qty, order.pending.terms.qty);
  if (filledQty.gte(whole)) return transition(line, order, { to: 'filled', detail, patch });
  const waiting = order.status === 'pending_cancel' || order.status === 'pending_replace';
  return transition(line, order, { to: waiting ? order.status : 'partially_filled', detail, patch });
}
