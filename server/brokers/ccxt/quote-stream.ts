/** Quotes of what is followed: by the exchange's stream, or asked for again and again where it has none that can be reached. */
import {
  CCXT_FOLLOWED_MAX,
  CCXT_QUOTES_INTERVAL_MS,
  CCXT_RETRY_FIRST_MS,
  CCXT_RETRY_MAX_MS,
} from '#limits.ts';
import type { BrokerListing, Clock, Quote } from '#ports.ts';
import type { Exchange } from './exchange.ts';
import type { CcxtTickers } from './types.ts';

export interface QuoteStreamOptions {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly ask: <T>(call: () => Promise<T>) => Promise<T>;
  readonly askQuotes: (listings: readonly BrokerListing[]) => Promise<readonly Quote[]>;
  readonly quotesIn: (tickers: CcxtTickers, listings: Iterable<BrokerListing>) => readonly Quote[];
}

export interface QuoteStream {
  follow(listings: readonly BrokerListing[]): void;
  onQuotes(listener: (quotes: readonly Quote[]) => void): () => void;
  heardAtMs(): number | undefined;
  reopen(): void;
  close(): void;
}

export function openQuoteStream(options: QuoteStreamOptions): QuoteStream {
  const { exchange, clock, ask, askQuotes, quotesIn } = options;
  const { ccxt } = exchange;
  const watch = watcherOf(exchange);
  const listeners = new Set<(quotes: readonly Quote[]) => void>();
  let followed: ReadonlyMap<string, BrokerListing> = new Map();
  /** On the sockets that are open: what was followed before goes on arriving until they are dropped. */
  const subscribed = new Set<string>();
  let round = 0;
  let closed = false;
  let heardAtMs: number | undefined;
  let wake: () => void = () => undefined;
  exchange.onHeard(() => {
    heardAtMs = clock.monotonicMs();
  });

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const stop = clock.after(ms, resolve);
      wake = () => {
        stop();
        resolve();
      };
    });
  async function next(): Promise<readonly Quote[]> {
    if (watch === undefined) {
      const quotes = await askQuotes([...followed.values()]);
      heardAtMs = clock.monotonicMs();
      return quotes;
    }
    await ask(() => ccxt.loadMarkets());
    await ccxt.loadHttpProxyAgent();
    const symbols = [...followed.keys()];
    for (const symbol of symbols) subscribed.add(symbol);
    return quotesIn(await ask(() => watch(symbols)), followed.values());
  }
  /** Ends with its round: a new list of instruments, or a stream that was dropped, begins another. */
  async function stream(mine: number): Promise<void> {
    let waitMs = CCXT_RETRY_FIRST_MS;
    const isOver = (): boolean => closed || mine !== round;
    while (!isOver() && followed.size > 0) {
      try {
        const quotes = await next();
        if (isOver()) return;
        if (quotes.length > 0) for (const listener of listeners) listener(quotes);
        waitMs = CCXT_RETRY_FIRST_MS;
        if (watch === undefined) await pause(CCXT_QUOTES_INTERVAL_MS);
      } catch {
        if (isOver()) return;
        subscribed.clear();
        heardAtMs = undefined;
        await pause(waitMs);
        waitMs = Math.min(waitMs * 2, CCXT_RETRY_MAX_MS);
      }
    }
  }
  function begin(): void {
    round += 1;
    wake();
    void stream(round);
  }
  function drop(): void {
    heardAtMs = undefined;
    subscribed.clear();
    exchange.dropSockets();
  }
  return {
    follow(listings) {
      if (closed) return;
      followed = new Map(listings.slice(0, CCXT_FOLLOWED_MAX).map((one) => [one.brokerSymbol, one]));
      // Not every exchange can be told to stop: what is followed no more goes with the sockets, before it is too much.
      const all = new Set([...subscribed, ...followed.keys()]);
      if (all.size > CCXT_FOLLOWED_MAX) drop();
      begin();
    },
    onQuotes(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    heardAtMs: () => heardAtMs,
    reopen() {
      drop();
      begin();
    },
    close() {
      closed = true;
      round += 1;
      wake();
    },
  };
}

type Watch = (symbols: readonly string[]) => Promise<CcxtTickers>;

function watcherOf({ ccxt, streams }: Exchange): Watch | undefined {
  if (!streams) return undefined;
  if (ccxt.has['watchBidsAsks'] === true) return (symbols) => ccxt.watchBidsAsks(symbols);
  if (ccxt.has['watchTickers'] === true) return (symbols) => ccxt.watchTickers(symbols);
  return undefined;
}
