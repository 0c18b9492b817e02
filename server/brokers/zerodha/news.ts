/** What is told of orders: the stream's words in turn, each order after the executions that made it so. */
import { z } from 'zod';
import { parseExact } from '#brokers/exact-json.ts';
import type { BrokerEvent } from '#ports.ts';
import type { KiteExecutions } from './executions.ts';
import type { KiteOrders } from './order-book.ts';
import { kiteOrder } from './rows.ts';

export interface KiteNews {
  /** A text of the ticker. What is no order, or can not be read, says nothing: the comparison with the broker is the truth. */
  read(message: string): void;
  /** Asks how an order is now, and tells it. */
  ask(brokerOrderId: string): void;
  tell(events: readonly BrokerEvent[]): void;
  onEvents(listener: (events: readonly BrokerEvent[]) => void): () => void;
  close(): Promise<void>;
}

const orderMessage = z.object({ type: z.literal('order'), data: kiteOrder });

export function openNews(orders: KiteOrders, executions: KiteExecutions): KiteNews {
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  let last = Promise.resolve();

  /** One after the other, as they came; what can not be asked is found by the comparison. */
  const inTurn = (work: () => Promise<void>): void => {
    last = last.then(work).catch(() => undefined);
  };
  const news: KiteNews = {
    read(message) {
      const parsed = parseExact(message);
      const told = parsed.ok ? orderMessage.safeParse(parsed.value) : undefined;
      if (told?.success !== true) return;
      const row = told.data.data;
      inTurn(async () => {
        const order = await orders.hear(row);
        if (order === undefined) return;
        const fills =
          row.filled_quantity === '0' ? [] : await executions.ofOrder(row.order_id).catch(() => []);
        news.tell([
          ...fills.map((execution) => ({ kind: 'execution', execution }) as const),
          { kind: 'order', order },
        ]);
      });
    },
    ask: (brokerOrderId) =>
      inTurn(async () => {
        const order = await orders.byBrokerId(brokerOrderId);
        if (order !== undefined) news.tell([{ kind: 'order', order }]);
      }),
    tell(events) {
      for (const listener of listeners) listener(events);
    },
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      await last;
    },
  };
  return news;
}
