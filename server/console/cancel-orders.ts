/** Canceling every open order of a filter: what it would do, in numbers, before it does it. */
import { z } from 'zod';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX, PAGE_MAX } from '#limits.ts';
import type { CancelResult } from '#trading/views.ts';
import { action, definePage, go, refused, show } from './define.ts';
import { address, whoseAndWhat } from './order-filter.ts';
import { orderDecimals, orderRow } from './order-rows.ts';

export const cancelOrders = definePage({
  path: '/cancel-orders',
  title: 'Cancel orders',
  view: 'cancel-orders.html',
  load({ services, query }) {
    const { filter, errors } = whoseAndWhat(services, query);
    if (errors.length > 0) {
      const rules = errors.map(({ field, value, rule }) => `${field} ${JSON.stringify(value)}: ${rule}`);
      return err(refuse('invalid_input', `Nothing was canceled. ${rules.join('; ')}.`, { errors }));
    }
    const found = services.trading.owner.orders({ ...filter, status: 'open', limit: PAGE_MAX });
    const rows = found.items.map((order) => orderRow(services, order));
    const listed = rows.slice(0, CONSOLE_ROWS_MAX);
    const { account = '', agent = '', symbol = '' } = filter;
    return ok({
      account,
      agent,
      symbol,
      rows: listed,
      decimals: orderDecimals(listed),
      count: rows.length,
      more: found.nextBeforeSeq !== null,
      buys: rows.filter((row) => row.side === 'buy').length,
      sells: rows.filter((row) => row.side === 'sell').length,
      agents: new Set(rows.map((row) => row.agent)).size,
      protecting: rows.filter((row) => row.effect === 'reducing').length,
      back: address('/admin/orders', { account, agent, symbol, status: 'open' }),
    });
  },
  actions: {
    all: action({
      input: z.strictObject({ account: z.string(), agent: z.string(), symbol: z.string() }),
      async run({ services }, fields) {
        const { filter, errors } = whoseAndWhat(services, fields);
        if (errors.length > 0)
          return refused(
            refuse('invalid_input', 'Nothing was canceled: the filter is not right.', { errors }),
          );
        const done = await services.trading.owner.cancelAll(filter);
        if (!done.ok) return refused(done.error);
        if (done.value.failed.length > 0) return show({ ...done.value });
        return go(address('/admin/orders', { ...fields, status: '' }), resultInWords(done.value));
      },
    }),
  },
});

function resultInWords({ canceled, pending }: CancelResult): string {
  const waiting = pending.length === 0 ? '' : `, ${pending.length} waiting for the broker's word`;
  return `${canceled.length} ${canceled.length === 1 ? 'order' : 'orders'} canceled${waiting}.`;
}
