/** The one stream of the exchange: orders, fills and prices, and word of every gap. */
import { type LiveSocket, openLiveSocket } from '#brokers/live-socket.ts';
import type { BrokerEvent, Clock } from '#ports.ts';
import { readAs } from './api.ts';
import { anyNews, executionOf, orderNews, orderOf, type QuotePayload, quoteNews } from './wire.ts';

export interface StreamOptions {
  readonly url: string;
  readonly key: string;
  readonly clock: Clock;
  readonly followed: () => readonly string[];
  readonly onEvents: (events: readonly BrokerEvent[]) => void;
  readonly onQuotes: (quotes: readonly QuotePayload[]) => void;
  /** `true`, or why it is not open. */
  readonly onState: (open: true | string) => void;
}

export const followMessage = (symbols: readonly string[]): string => JSON.stringify({ follow: symbols });

export function openStream(options: StreamOptions): LiveSocket {
  const { url, key, clock, onEvents, onQuotes, onState } = options;
  return openLiveSocket({
    url: () => url,
    headers: () => ({ 'x-key': key }),
    clock,
    silenceMaxMs: 15_000,
    pingEveryMs: 5_000,
    backoff: { firstMs: 500, maxMs: 5_000 },
    onOpen: (send) => send(followMessage(options.followed())),
    onState: (state) =>
      onState(state.kind === 'open' || (state.status === 401 ? 'The exchange refuses the key.' : state.why)),
    onMessage(message) {
      const said = String(message);
      const news = readAs(orderNews, said);
      if (news !== undefined) {
        const { order, fill } = news;
        const executions =
          fill === null ? [] : [{ kind: 'execution', execution: executionOf(fill) } as const];
        return onEvents([...executions, { kind: 'order', order: orderOf(order) }]);
      }
      const prices = readAs(quoteNews, said);
      if (prices !== undefined) return onQuotes(prices.quotes);
      // Of a kind that may be new: passed over. All else may have been about an order: the stream begins anew, which tells a gap.
      const { type } = readAs(anyNews, said) ?? { type: 'order' };
      if (type === 'order') throw new Error('What it says can not be read.');
    },
  });
}
