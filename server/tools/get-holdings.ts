/** get_holdings: what the accounts own, delivered or on its way, apart from what they hold for the day. */
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { defineTool } from './define.ts';
import { accountFilter, symbol } from './fields.ts';
import { filterSymbol } from './filter-symbol.ts';
import { HoldingShape, holdingWire } from './holding-wire.ts';
import { OF_BROKER, OF_SYMBOL } from './refusals.ts';

export const getHoldings = defineTool({
  name: 'get_holdings',
  title: 'Get holdings',
  description:
    'What your accounts own beyond the day: shares and coins that are paid for, of which unsettled_qty is not delivered yet and locked_qty not free to sell. source says whether the broker lists it or the positions do.',
  scope: 'read:account',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/holdings' },
  example: {
    prompt: 'Which shares do I own for good?',
    arguments: { account: 'paper' },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed', ...OF_BROKER],
  input: z.strictObject({ account: accountFilter, symbol: symbol.optional() }),
  output: z.object({ holdings: z.array(HoldingShape) }),
  async run(services, principal, given) {
    const filter = filterSymbol(services, principal, given.symbol);
    if (!filter.ok) return filter;
    const found = await services.desk.holdings(principal, {
      ...(given.account === undefined ? {} : { account: accountId(given.account) }),
      ...filter.value,
    });
    return found.ok ? ok({ holdings: found.value.map(holdingWire) }) : found;
  },
});
