/** What is said after an order was asked for: that it went out only where it did. */
import type { OrderRecord } from '#trading/views.ts';
import type { Notice } from './define.ts';

/** `sent` is what to say of one that is at the broker; the page that it stands on tells the reason of another. */
export function sentNotice(
  { orderId, status }: Pick<OrderRecord, 'orderId' | 'status'>,
  sent: string,
): Notice {
  switch (status) {
    case 'refused':
      return {
        warning: `Nothing was sent: ${orderId} was stopped before the broker. Its timeline says why.`,
      };
    case 'rejected':
      return {
        warning: `The broker rejected ${orderId}: nothing works or is held from it. Its timeline says why.`,
      };
    case 'submitting':
    case 'unknown':
      return {
        warning: `It is not clear yet what became of ${orderId}: the broker is being asked. Do not send it again.`,
      };
    case 'received':
    case 'pending_approval':
    case 'open':
    case 'partially_filled':
    case 'pending_replace':
    case 'pending_cancel':
    case 'filled':
    case 'canceled':
    case 'expired':
      return sent;
    default:
      return status satisfies never;
  }
}
