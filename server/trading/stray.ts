/** Executions that their ids give to an order which can not have them. */
import { text } from '#domain/decimal.ts';
import { printable } from '#domain/refusal.ts';
import type { BrokerExecution } from '#ports.ts';
import { adopt, orderBehind } from './adopt.ts';
import { instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { replaceRecorded, withdrawExecution } from './recorded-fills.ts';

/** An id alone makes no fill: one of another instrument, the other side, or another order of ours is not this order's. */
export function canBeOf(order: StoredOrder, { instrument, side, brokerClientId }: BrokerExecution): boolean {
  const named =
    brokerClientId === null || order.origin === 'external' || brokerClientId === order.brokerClientId;
  return named && order.instrument === instrument && order.side === side;
}

/** The account has it, so the books do; it is nobody's here, under an order of its own. */
export function postStray(line: Line, claimed: StoredOrder, execution: BrokerExecution): StoredOrder {
  const { executionId, brokerOrderId, instrument, side, qty } = execution;
  const { account } = claimed;
  withdrawExecution(line, claimed, executionId);
  line.audit.record({
    kind: 'execution.stray',
    account,
    outcome: 'error',
    detail: {
      execution_id: executionId,
      broker_order_id: printable(brokerOrderId),
      order_id: claimed.orderId,
      symbol: instrumentOf(line, instrument).symbol,
      side,
      qty: text(qty),
      text: 'not a fill of the order that its ids name; it belongs to external',
    },
  });
  const ids = { brokerClientId: null, brokerOrderId: `stray:${executionId}` };
  return replaceRecorded(line, adopt(line, account, orderBehind({ ...execution, ...ids })), {
    ...execution,
    ...ids,
  });
}
