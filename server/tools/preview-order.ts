/** preview_order: what an order would come to, for who may look and not trade; nothing it answers can be sent. */
import { z } from 'zod';
import { SIDES, TIMES_IN_FORCE } from '#domain/order.ts';
import { ok } from '#domain/result.ts';
import { chooseAccount } from './choose-account.ts';
import { defineTool } from './define.ts';
import { account, positiveDecimal, product, symbol, units } from './fields.ts';
import { draftOf } from './order-draft.ts';
import { checkOrderPrices } from './order-prices.ts';
import { previewWire } from './project.ts';
import { OF_ORDER_LINE, OF_SYMBOL } from './refusals.ts';
import { PreviewShape } from './shapes.ts';

/** What the answer turns on; what only says how an order behaves at the broker is place_order's. */
const input = z
  .strictObject({
    account: account.optional(),
    symbol,
    side: z.enum(SIDES),
    qty: units().optional(),
    notional: positiveDecimal().optional(),
    type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
    time_in_force: z.enum(TIMES_IN_FORCE).default('day'),
    limit_price: positiveDecimal().optional(),
    stop_price: positiveDecimal().optional(),
    product: product.optional(),
  })
  .superRefine((order, context) => checkOrderPrices({ ...order, post_only: false }, context));

export const previewOrder = defineTool({
  name: 'preview_order',
  title: 'Preview an order',
  description: 'What an order would cost and whether it would pass. Places nothing. Give qty or notional.',
  scope: 'read:account',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/order-preview' },
  example: {
    prompt: 'What would five units of SPX cost me now?',
    arguments: { symbol: 'SPX', side: 'buy', qty: '5', type: 'market' },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed', ...OF_ORDER_LINE],
  input,
  output: z.object({
    preview: PreviewShape.extend({ under_mandate: z.boolean() }),
  }),
  async run(services, principal, given) {
    const chosen = chooseAccount(services, principal, given.account);
    if (!chosen.ok) return chosen;
    const flags = { post_only: false, reduce_only: false, extended_hours: false };
    const draft = draftOf({ ...given, ...flags }, chosen.value);
    const found = await services.desk.previewOrder(principal, draft);
    if (!found.ok) return found;
    const { underMandate, ...preview } = found.value;
    return ok({ preview: { ...previewWire(preview), under_mandate: underMandate } });
  },
});
