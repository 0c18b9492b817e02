/** A connection to the books: once it is closed it sends nothing and says nothing, for another one may have them by then. */
import type { PaperAdapter } from './adapter.ts';
import { PaperError } from './desk.ts';

const NOT_SENT = { kind: 'not_sent', reason: 'the connection to the account is closed' } as const;

/** What a closed connection remembers of the books is old: writing or telling it would undo what the next one has done. */
export function untilClosed(adapter: PaperAdapter): PaperAdapter {
  let open = true;
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    if (!open) throw new PaperError(`This connection to the account ${adapter.account} is closed.`);
    return question();
  };
  return {
    ...adapter,
    connected: () => open,
    place: async (order) => (open ? adapter.place(order) : NOT_SENT),
    replace: async (order) => (open ? adapter.replace(order) : NOT_SENT),
    cancel: async (order) => (open ? adapter.cancel(order) : { kind: 'unknown', reason: NOT_SENT.reason }),
    orderByClientId: (id) => ask(() => adapter.orderByClientId(id)),
    openOrders: () => ask(() => adapter.openOrders()),
    historySince: (cursor) => ask(() => adapter.historySince(cursor)),
    positions: () => ask(() => adapter.positions()),
    balance: () => ask(() => adapter.balance()),
    restart: (cash) => ask(() => adapter.restart(cash)),
    async close() {
      open = false;
      await adapter.close();
    },
  };
}
