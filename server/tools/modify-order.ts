/** modify_order: changes quantity or prices of a working order, which keeps its id. */
import { z } from 'zod';
import { price, quantity, ratio } from '#domain/decimal.ts';
import { ok } from '#domain/result.ts';
import type { OrderChange } from '#trading/desk.ts';
import { tradeCommit, tradeFields } from './commit.ts';
import { defineTool } from './define.ts';
import { orderId, percentBelow100, positiveDecimal, units } from './fields.ts';
import { modifyWire } from './project.ts';
import { OF_COMMIT, OF_ORDER_LINE } from './refusals.ts';
import { ModifyShape } from './shapes.ts';

const CHANGES = ['qty', 'limit_price', 'stop_price', 'trail_percent', 'trail_price'] as const;

const input = z
  .strictObject({
    order_id: orderId,
    qty: units('New total, with the filled').optional(),
    limit_price: positiveDecimal().optional(),
    stop_price: positiveDecimal().optional(),
    trail_percent: percentBelow100('2.5 = 2.5 %').optional(),
    trail_price: positiveDecimal().optional(),
    ...tradeFields,
  })
  .refine((given) => CHANGES.some((field) => given[field] !== undefined), {
    path: ['qty'],
    error: `nothing to change: give at least one of ${CHANGES.join(', ')}`,
  })
  .refine((given) => given.trail_percent === undefined || given.trail_price === undefined, {
    path: ['trail_price'],
    error: 'at most one of trail_percent and trail_price',
  });

export const modifyOrder = defineTool({
  name: 'modify_order',
  title: 'Modify an order',
  description:
    'Changes a working order; order_id stays. Previews first; commit as for place_order: same arguments, dry_run false, token and key.',
  scope: 'write:orders',
  effect: 'trade',
  rest: { method: 'PATCH', path: '/orders/{order_id}' },
  example: {
    prompt: 'Raise the limit of that order to 1405.',
    arguments: { order_id: 'ord_8c1f04a29be37d5560ab91e2', limit_price: '1405' },
  },
  refusals: ['order_final', ...OF_COMMIT, ...OF_ORDER_LINE, 'approval_required'],
  input,
  output: ModifyShape,
  async run(services, principal, given) {
    const commit = tradeCommit('modify_order', given);
    if (!commit.ok) return commit;
    const changed = await services.desk.modifyOrder(principal, changeOf(given), commit.value);
    return changed.ok
      ? ok(modifyWire(changed.value, { tokenGiven: given.action_token !== undefined }))
      : changed;
  },
});

function changeOf(given: z.output<typeof input>): OrderChange {
  return {
    orderId: given.order_id,
    ...(given.qty === undefined ? {} : { qty: quantity(given.qty) }),
    ...(given.limit_price === undefined ? {} : { limitPrice: price(given.limit_price) }),
    ...(given.stop_price === undefined ? {} : { stopPrice: price(given.stop_price) }),
    ...(given.trail_percent === undefined
      ? {}
      : { trail: { kind: 'percent', percent: ratio(given.trail_percent) } }),
    ...(given.trail_price === undefined
      ? {}
      : { trail: { kind: 'price', distance: price(given.trail_price) } }),
  };
}
