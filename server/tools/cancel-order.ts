/** cancel_order: takes one working order back. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { reduceCommit, reduceFields } from './commit.ts';
import { defineTool } from './define.ts';
import { orderId } from './fields.ts';
import { orderWire } from './project.ts';
import { OF_BROKER } from './refusals.ts';
import { OrderShape } from './shapes.ts';

export const cancelOrder = defineTool({
  name: 'cancel_order',
  title: 'Cancel an order',
  description:
    'Cancels one working order of yours, at once. Status pending_cancel means that the broker has not confirmed yet: look with get_order. What was filled stays filled.',
  scope: 'write:orders',
  effect: 'reduce',
  rest: { method: 'DELETE', path: '/orders/{order_id}' },
  example: {
    prompt: 'Cancel that order.',
    arguments: { order_id: 'ord_8c1f04a29be37d5560ab91e2' },
  },
  refusals: ['order_final', 'reconciling', 'idempotency_conflict', ...OF_BROKER],
  input: z.strictObject({ order_id: orderId, ...reduceFields }),
  output: z.object({ dry_run: z.boolean(), order: OrderShape }),
  async run(services, principal, given) {
    const commit = reduceCommit('cancel_order', given);
    const canceled = await services.desk.cancelOrder(principal, given.order_id, commit);
    if (!canceled.ok) return canceled;
    return ok({ dry_run: canceled.value.dryRun, order: orderWire(canceled.value.order) });
  },
});
