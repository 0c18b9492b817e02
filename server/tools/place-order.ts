/** place_order: the one way in for an order; previews first, sends when told so with token and key. */
import { z } from 'zod';
import { money, price, quantity, ratio } from '#domain/decimal.ts';
import { ORDER_TYPES, type OrderDraft, SIDES, TIMES_IN_FORCE } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { TAG_LENGTH_MAX } from '#limits.ts';
import { chooseAccount } from './choose-account.ts';
import { tradeCommit, tradeFields } from './commit.ts';
import { defineTool } from './define.ts';
import { account, clientOrderId, percentBelow100, positiveDecimal, symbol, units } from './fields.ts';
import { checkOrderPrices } from './order-prices.ts';
import { placeWire } from './project.ts';
import { OF_COMMIT, OF_ORDER_LINE, OF_SYMBOL } from './refusals.ts';
import { PlaceShape } from './shapes.ts';

const input = z
  .strictObject({
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
    client_order_id: clientOrderId.optional().describe('Your own reference'),
    tag: z
      .string()
      .regex(new RegExp(`^[A-Za-z0-9 ._:/-]{1,${TAG_LENGTH_MAX}}$`), {
        error: `1 to ${TAG_LENGTH_MAX} of letters, digits, spaces and . _ : / -`,
      })
      .optional()
      .describe('The strategy it belongs to'),
    ...tradeFields,
  })
  .superRefine(checkOrderPrices);

export const placeOrder = defineTool({
  name: 'place_order',
  title: 'Place an order',
  description:
    'Places one order. With dry_run true (the default) nothing is sent: you get a preview (estimated price, value, fees, limits used, warnings) and an action_token. To place it, show the preview to whoever decides, then repeat exactly the same arguments with dry_run false, that action_token and an idempotency_key of your choice. After a timeout or a lost answer repeat the same key and arguments: it can not become a second order. Prices, quantities and money are decimal strings. Give exactly one of qty and notional. Example: {"symbol":"SPX","side":"buy","qty":"1","type":"limit","limit_price":"1400.25"}. A refusal names its reason and figures; change the order rather than repeat it.',
  scope: 'write:orders',
  effect: 'trade',
  rest: { method: 'POST', path: '/orders' },
  example: {
    prompt: 'Buy two units of SPX at 1400 or better, good till canceled. Show me the preview first.',
    arguments: {
      symbol: 'SPX',
      side: 'buy',
      qty: '2',
      type: 'limit',
      limit_price: '1400',
      time_in_force: 'gtc',
    },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed', ...OF_COMMIT, ...OF_ORDER_LINE],
  input,
  output: PlaceShape,
  async run(services, principal, given) {
    const chosen = chooseAccount(services, principal, given.account);
    if (!chosen.ok) return chosen;
    const commit = tradeCommit('place_order', { ...given, account: chosen.value });
    if (!commit.ok) return commit;
    const placed = await services.desk.placeOrder(principal, draftOf(given, chosen.value), commit.value);
    return placed.ok ? ok(placeWire(placed.value, { tokenGiven: given.action_token !== undefined })) : placed;
  },
});

function draftOf(given: z.output<typeof input>, chosen: AccountId): OrderDraft {
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
    ...(given.take_profit === undefined ? {} : { takeProfit: price(given.take_profit) }),
    ...(given.stop_loss === undefined ? {} : { stopLoss: price(given.stop_loss) }),
    ...(given.client_order_id === undefined ? {} : { clientOrderId: given.client_order_id }),
    ...(given.tag === undefined ? {} : { tag: given.tag }),
  };
}
