/** get_order: one order with the story of its states. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { defineTool } from './define.ts';
import { orderId } from './fields.ts';
import { approvalWire, orderWire, timelineWire } from './project.ts';
import { ApprovalShape, OrderShape, TimelineShape } from './shapes.ts';

export const getOrder = defineTool({
  name: 'get_order',
  title: 'Get an order',
  description:
    'One of your orders with its timeline: every state it went through, when (wall time) and why. Status unknown means that the broker has not said yet; it is being asked, so do not send the order again. Status pending_approval: the owner decides until approval.expires_at; ask again later, and after a no read reason and timeline.',
  scope: 'read:account',
  effect: 'read',
  rest: { method: 'GET', path: '/orders/{order_id}' },
  example: {
    prompt: 'What happened to that order?',
    arguments: { order_id: 'ord_8c1f04a29be37d5560ab91e2' },
  },
  refusals: ['not_found'],
  input: z.strictObject({ order_id: orderId }),
  output: z.object({
    order: OrderShape,
    timeline: z.array(TimelineShape),
    approval: ApprovalShape.optional(),
  }),
  async run(services, principal, given) {
    const found = await services.desk.order(principal, given.order_id);
    if (!found.ok) return found;
    const { order, timeline, approval } = found.value;
    return ok({
      order: orderWire(order),
      timeline: timeline.map(timelineWire),
      ...(approval === undefined ? {} : { approval: approvalWire(approval) }),
    });
  },
});
