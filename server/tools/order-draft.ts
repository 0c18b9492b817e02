/** What an order says, as fields, and the draft made of them: for the tool that places one and for the owner's ticket. */
import { z } from 'zod';
import { money, price, quantity, ratio } from '#domain/decimal.ts';
import { ORDER_TYPES, type OrderDraft, SIDES, TIMES_IN_FORCE } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { TAG_LENGTH_MAX } from '#limits.ts';
import {
  account,
  clientOrderId,
  percentBelow100,
  positiveDecimal,
  product,
  symbol,
  units,
} from './fields.ts';

/** Which prices go with which type is `checkOrderPrices`'s to say. */
export const orderFields = {
  account: account.optional(),
  symbol,
  side: z.enum(SIDES),
  qty: units('Units (shares, coins, contracts); a multiple of the lot').optional(),
  notional: positiveDecimal(
    'Instead of qty: value in the quote currency, rounded down to the lot',
  ).optional(),
  type: z.enum(ORDER_TYPES),
  time_in_force: z.enum(TIMES_IN_FORCE).default('day'),
  limit_price: positiveDecimal('For limit and stop_limit').optional(),
  stop_price: positiveDecimal('Trigger of stop and stop_limit').optional(),
  trail_percent: percentBelow100('For trailing_stop: distance in percent, "2.5" = 2.5 %').optional(),
  trail_price: positiveDecimal('For trailing_stop, instead: distance in price').optional(),
  take_profit: positiveDecimal('Bracket: limit price that closes the position').optional(),
  stop_loss: positiveDecimal('Bracket: stop price that closes the position').optional(),
  post_only: z.boolean().default(false).describe('Limit only: never take liquidity'),
  reduce_only: z.boolean().default(false).describe('Refuse unless it lowers your own position'),
  extended_hours: z.boolean().default(false),
  product: product.optional(),
  client_order_id: clientOrderId.optional().describe('Your own reference'),
  tag: z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9 ._:/-]{1,${TAG_LENGTH_MAX}}$`), {
      error: `1 to ${TAG_LENGTH_MAX} of letters, digits, spaces and . _ : / -`,
    })
    .optional()
    .describe('The strategy it belongs to'),
};

export type OrderFields = z.output<z.ZodObject<typeof orderFields>>;

export function draftOf(given: OrderFields, chosen: AccountId): OrderDraft {
  return {
    account: chosen,
    symbol: given.symbol,
    side: given.side,
    size:
      given.qty === undefined
        ? { kind: 'notional', notional: money(given.notional ?? '') }
        : { kind: 'qty', qty: quantity(given.qty) },
    type: given.type,
    timeInForce: given.time_in_force,
    ...(given.limit_price === undefined ? {} : { limitPrice: price(given.limit_price) }),
    ...(given.stop_price === undefined ? {} : { stopPrice: price(given.stop_price) }),
    ...(given.trail_percent === undefined
      ? {}
      : { trail: { kind: 'percent', percent: ratio(given.trail_percent) } }),
    ...(given.trail_price === undefined
      ? {}
      : { trail: { kind: 'price', distance: price(given.trail_price) } }),
    postOnly: given.post_only,
    reduceOnly: given.reduce_only,
    extendedHours: given.extended_hours,
    ...(given.product === undefined ? {} : { product: given.product }),
    ...(given.take_profit === undefined ? {} : { takeProfit: price(given.take_profit) }),
    ...(given.stop_loss === undefined ? {} : { stopLoss: price(given.stop_loss) }),
    ...(given.client_order_id === undefined ? {} : { clientOrderId: given.client_order_id }),
    ...(given.tag === undefined ? {} : { tag: given.tag }),
  };
}
