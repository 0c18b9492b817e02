/** place_order: the one way in for an order; previews first, sends when told so with token and key. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { APPROVAL_NOTE_LENGTH_MAX } from '#limits.ts';
import { chooseAccount } from './choose-account.ts';
import { tradeCommit, tradeFields } from './commit.ts';
import { defineTool } from './define.ts';
import { draftOf, orderFields } from './order-draft.ts';
import { checkOrderPrices } from './order-prices.ts';
import { placeWire } from './project.ts';
import { OF_COMMIT, OF_ORDER_LINE, OF_SYMBOL } from './refusals.ts';
import { PlaceShape } from './shapes.ts';

const note = z
  .string()
  .min(1)
  .max(APPROVAL_NOTE_LENGTH_MAX, { error: `at most ${APPROVAL_NOTE_LENGTH_MAX} characters` })
  .optional()
  .describe('Shown to the owner if an approval is needed');

const input = z.strictObject({ ...orderFields, note, ...tradeFields }).superRefine(checkOrderPrices);

export const placeOrder = defineTool({
  name: 'place_order',
  title: 'Place an order',
  description:
    'Places one order. With dry_run true (the default) nothing is sent: you get a preview (estimated price, value, fees, limits used, warnings) and an action_token. To place it, show the preview to whoever decides, then repeat exactly the same arguments with dry_run false, that action_token and an idempotency_key of your choice. After a timeout or a lost answer repeat the same key and arguments: it can not become a second order. Prices, quantities and money are decimal strings. Give exactly one of qty and notional. Example: {"symbol":"SPX","side":"buy","qty":"1","type":"limit","limit_price":"1400.25"}. A refusal names its reason and figures; change the order rather than repeat it. Status pending_approval: the owner decides; look with get_order.',
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
  refusals: [
    ...OF_SYMBOL,
    'account_not_allowed',
    ...OF_COMMIT,
    ...OF_ORDER_LINE,
    'max_pending_approvals',
    'approval_rejected',
    'approval_expired',
  ],
  input,
  output: PlaceShape,
  async run(services, principal, given) {
    const chosen = chooseAccount(services, principal, given.account);
    if (!chosen.ok) return chosen;
    const commit = tradeCommit('place_order', { ...given, account: chosen.value });
    if (!commit.ok) return commit;
    const draft = draftOf(given, chosen.value);
    const asked = given.note === undefined ? draft : { ...draft, note: given.note };
    const placed = await services.desk.placeOrder(principal, asked, commit.value);
    return placed.ok ? ok(placeWire(placed.value, { tokenGiven: given.action_token !== undefined })) : placed;
  },
});
