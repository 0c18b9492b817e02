/** get_trades: the executions of the caller's own orders, newest first. */
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { seqCursor, seqOf } from './cursor.ts';
import { defineTool } from './define.ts';
import { accountFilter, cursor, limit, orderId, symbol, time, timeMs } from './fields.ts';
import { filterSymbol } from './filter-symbol.ts';
import { tradeWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { nextCursor, TradeShape } from './shapes.ts';

export const getTrades = defineTool({
  name: 'get_trades',
  title: 'Get trades',
  description:
    "Executions (fills) of your own orders, newest first: quantity in units, price in the quote currency, fee in the account's (positive is a cost), time on the market clock.",
  scope: 'read:account',
  effect: 'read',
  rest: { method: 'GET', path: '/trades' },
  example: {
    prompt: 'What were my last fills in SPX?',
    arguments: { symbol: 'SPX', limit: 10 },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed'],
  input: z.strictObject({
    account: accountFilter,
    symbol: symbol.optional(),
    order_id: orderId.optional(),
    since: time('Posted at or after, wall time, ISO 8601'),
    limit,
    cursor,
  }),
  output: z.object({ trades: z.array(TradeShape), next_cursor: nextCursor }),
  async run(services, principal, given) {
    const filter = filterSymbol(services, principal, given.symbol);
    if (!filter.ok) return filter;
    const before = seqOf(given.cursor);
    if (!before.ok) return before;
    const page = await services.desk.trades(principal, {
      ...(given.account === undefined ? {} : { account: accountId(given.account) }),
      ...filter.value,
      ...(given.order_id === undefined ? {} : { orderId: given.order_id }),
      ...(given.since === undefined ? {} : { sinceMs: timeMs(given.since) }),
      limit: given.limit,
      ...(before.value === undefined ? {} : { beforeSeq: before.value }),
    });
    if (!page.ok) return page;
    const { items, nextBeforeSeq } = page.value;
    return ok({
      trades: items.map(tradeWire),
      ...(nextBeforeSeq === null ? {} : { next_cursor: seqCursor(nextBeforeSeq) }),
    });
  },
});
