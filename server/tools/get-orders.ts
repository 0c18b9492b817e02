/** get_orders: the caller's own orders, newest first. */
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { seqCursor, seqOf } from './cursor.ts';
import { defineTool } from './define.ts';
import { accountFilter, cursor, limit, symbol, time, timeMs } from './fields.ts';
import { filterSymbol } from './filter-symbol.ts';
import { orderWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { nextCursor, OrderShape } from './shapes.ts';

export const getOrders = defineTool({
  name: 'get_orders',
  title: 'Get orders',
  description:
    'Your own orders, newest first. status open: still working (also received, submitting, pending and unknown ones); final: filled, canceled, rejected, refused, expired. Look here after any unclear answer before you place again.',
  scope: 'read:account',
  effect: 'read',
  rest: { method: 'GET', path: '/orders' },
  example: {
    prompt: 'Which of my orders are still working?',
    arguments: { status: 'open' },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed'],
  input: z.strictObject({
    account: accountFilter,
    symbol: symbol.optional(),
    status: z.enum(['open', 'final', 'all']).default('all'),
    since: time('Created at or after, wall time, ISO 8601'),
    limit,
    cursor,
  }),
  output: z.object({ orders: z.array(OrderShape), next_cursor: nextCursor }),
  async run(services, principal, given) {
    const filter = filterSymbol(services, principal, given.symbol);
    if (!filter.ok) return filter;
    const before = seqOf(given.cursor);
    if (!before.ok) return before;
    const page = await services.desk.orders(principal, {
      ...(given.account === undefined ? {} : { account: accountId(given.account) }),
      ...filter.value,
      status: given.status,
      ...(given.since === undefined ? {} : { sinceMs: timeMs(given.since) }),
      limit: given.limit,
      ...(before.value === undefined ? {} : { beforeSeq: before.value }),
    });
    if (!page.ok) return page;
    const { items, nextBeforeSeq } = page.value;
    return ok({
      orders: items.map(orderWire),
      ...(nextBeforeSeq === null ? {} : { next_cursor: seqCursor(nextBeforeSeq) }),
    });
  },
});
