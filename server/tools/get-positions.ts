/** get_positions: what the accounts hold, and which part of it is the caller's own. */
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { defineTool } from './define.ts';
import { accountFilter, symbol } from './fields.ts';
import { filterSymbol } from './filter-symbol.ts';
import { positionWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { PositionShape } from './shapes.ts';

export const getPositions = defineTool({
  name: 'get_positions',
  title: 'Get positions',
  description:
    "Positions in your accounts. qty is the whole account's (negative: short), own_qty the part that you opened and may close. Prices in the quote currency, values and profit in the account's.",
  scope: 'read:account',
  effect: 'read',
  rest: { method: 'GET', path: '/positions' },
  example: {
    prompt: 'What am I holding, and how is it doing?',
    arguments: { status: 'open' },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed'],
  input: z.strictObject({
    account: accountFilter,
    symbol: symbol.optional(),
    status: z.enum(['open', 'closed', 'all']).default('open'),
  }),
  output: z.object({ positions: z.array(PositionShape) }),
  async run(services, principal, given) {
    const filter = filterSymbol(services, principal, given.symbol);
    if (!filter.ok) return filter;
    const positions = await services.desk.positions(principal, {
      ...(given.account === undefined ? {} : { account: accountId(given.account) }),
      ...filter.value,
      status: given.status,
    });
    return positions.ok ? ok({ positions: positions.value.map(positionWire) }) : positions;
  },
});
