/** Orders: everybody's, filtered by the address, newest first, a page at a time. */
import { z } from 'zod';
import { ORDER_STATES } from '#domain/order.ts';
import { ok } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX } from '#limits.ts';
import type { OwnerDesk, OwnerOrderFilter } from '#trading/owner-desk.ts';
import { action, definePage, go, type OwnerVisit, refused } from './define.ts';
import { address, holderNames, pagesBack, wantedOrders } from './order-filter.ts';
import { orderDecimals, orderRow } from './order-rows.ts';

const PATH = '/admin/orders';
const CANCEL_ALL_PATH = '/admin/cancel-orders';

export const orders = definePage({
  path: '/orders',
  title: 'Orders',
  view: 'orders.html',
  nav: { label: 'Orders', group: 'trade' },
  live: ['state', 'orders'],
  load: (visit) => ok(listing(visit)),
  actions: {
    cancel: action({
      input: z.strictObject({ order_id: z.string().max(64) }),
      async run({ services, query }, { order_id }) {
        const canceled = await services.trading.owner.cancel(order_id);
        if (!canceled.ok) return refused(canceled.error);
        const { status, symbol } = canceled.value;
        return go(address(PATH, query), cancelNotice(order_id, symbol, status));
      },
    }),
  },
});

/** What the broker has said of a cancel so far. */
export const cancelNotice = (orderId: string, symbol: string, status: string): string =>
  status === 'canceled'
    ? `${orderId} (${symbol}) is canceled.`
    : `The cancel of ${orderId} (${symbol}) is on its way; the order is ${status.replaceAll('_', ' ')}.`;

function listing({ services, query }: OwnerVisit) {
  const { owner } = services.trading;
  const { filter, errors } = wantedOrders(services, query);
  const back = pagesBack(query);
  const beforeSeq = back.at(-1);
  const found =
    errors.length > 0
      ? { items: [], nextBeforeSeq: null }
      : owner.orders({
          ...filter,
          limit: CONSOLE_ROWS_MAX,
          ...(beforeSeq === undefined ? {} : { beforeSeq }),
        });
  const rows = found.items.map((order) => orderRow(services, order));
  const next = found.nextBeforeSeq;
  const pageAt = (pages: readonly number[]): string => address(PATH, query, { before: pages.join(',') });
  const isFiltered = Object.keys(filter).length > 0;
  return {
    errors,
    rows,
    decimals: orderDecimals(rows),
    filtered: isFiltered,
    first_page: beforeSeq === undefined,
    older: next === null ? null : pageAt([...back, next]),
    newer: back.length === 0 ? null : pageAt(back.slice(0, -1)),
    looked_back_to_ms: next !== null && rows.length < CONSOLE_ROWS_MAX ? writtenBelow(owner, next) : null,
    options: {
      accounts: owner.statuses().map(({ id }) => id),
      agents: holderNames(services),
      statuses: ORDER_STATES,
    },
    cancel_form: address(`${PATH}/cancel`, query),
    cancel_all: errors.length > 0 ? null : cancelAllAddress(filter),
  };
}

/** How far back a bounded look has come: the time of the newest order it has not seen. */
function writtenBelow(owner: OwnerDesk, seq: number): number | null {
  return owner.orders({ limit: 1, beforeSeq: seq }).items[0]?.createdAtMs ?? null;
}

/** Offered only where the list shows just what it would cancel: it goes by account, agent and symbol alone. */
function cancelAllAddress(filter: Omit<OwnerOrderFilter, 'limit'>): string | null {
  const { account = '', agent = '', symbol = '', status, ...others } = filter;
  const isWider = Object.keys(others).length > 0 || (status !== undefined && status !== 'open');
  return isWider ? null : address(CANCEL_ALL_PATH, { account, agent, symbol });
}
