/** Prices of one exchange: its listings, its quotes streamed or asked for, its depth and bars. Needs no keys. */
import { CCXT_FOLLOWED_MAX, CCXT_LISTINGS_PER_PAGE, DEPTH_LEVELS_MAX } from '#limits.ts';
import type { BrokerListing, BrokerMarket, Clock, Quote } from '#ports.ts';
import { TIMEFRAMES } from '#ports.ts';
import { BARS_PER_ANSWER, barsOf } from './bars.ts';
import type { Exchange } from './exchange.ts';
import { listingOf } from './listings.ts';
import { openQuoteStream } from './quote-stream.ts';
import { depthOf, quoteOf } from './quotes.ts';
import type { CcxtTickers } from './types.ts';

export interface ExchangeMarket extends BrokerMarket {
  close(): void;
}

export function openMarket(exchange: Exchange, directory: string, clock: Clock): ExchangeMarket {
  const { ccxt, wire } = exchange;
  const ask = <T>(call: () => Promise<T>): Promise<T> =>
    wire.run({ kind: 'read', left: false, status: undefined }, call);

  function quotesIn(tickers: CcxtTickers, listings: Iterable<BrokerListing>): readonly Quote[] {
    const wanted = new Map([...listings].map((one) => [one.brokerSymbol, one]));
    const nowMs = clock.wallMs();
    return Object.values(tickers).flatMap((ticker) => {
      const listing = wanted.get(ticker.symbol ?? '');
      return (listing && quoteOf(ticker, listing, nowMs)) ?? [];
    });
  }
  async function askQuotes(listings: readonly BrokerListing[]): Promise<readonly Quote[]> {
    const symbols = listings.map(({ brokerSymbol }) => brokerSymbol);
    if (symbols.length === 0) return [];
    await ask(() => ccxt.loadMarkets());
    if (ccxt.has['fetchBidsAsks'] === true)
      return quotesIn(await ask(() => ccxt.fetchBidsAsks(symbols)), listings);
    if (ccxt.has['fetchTickers'] === true)
      return quotesIn(await ask(() => ccxt.fetchTickers(symbols)), listings);
    const told = await Promise.all(symbols.map((symbol) => ask(() => ccxt.fetchTicker(symbol))));
    return quotesIn(Object.fromEntries(told.map((one, index) => [String(index), one])), listings);
  }
  const stream = openQuoteStream({ exchange, clock, ask, askQuotes, quotesIn });

  return {
    async *listings() {
      const markets = await ask(() => ccxt.loadMarkets(true));
      const { precisionMode, id } = ccxt;
      const context = { directory, exchange: id, precisionMode };
      const all = Object.values(markets).flatMap((one) => listingOf(one, context) ?? []);
      for (let at = 0; at < all.length; at += CCXT_LISTINGS_PER_PAGE)
        yield all.slice(at, at + CCXT_LISTINGS_PER_PAGE);
    },
    quotes: askQuotes,
    follow: (listings) => stream.follow(listings),
    followedMax: CCXT_FOLLOWED_MAX,
    onQuotes: (listener) => stream.onQuotes(listener),
    async depth({ brokerSymbol }) {
      await ask(() => ccxt.loadMarkets());
      const book = await ask(() => ccxt.fetchOrderBook(brokerSymbol, DEPTH_LEVELS_MAX));
      return depthOf(book, DEPTH_LEVELS_MAX, clock.wallMs());
    },
    timeframes: TIMEFRAMES.filter((one) => ccxt.timeframes?.[one] !== undefined),
    async bars({ brokerSymbol }, query) {
      await ask(() => ccxt.loadMarkets());
      return barsOf(query, clock.wallMs(), (sinceMs) =>
        ask(() => ccxt.fetchOHLCV(brokerSymbol, query.timeframe, sinceMs, BARS_PER_ANSWER)),
      );
    },
    heardAtMs: () => stream.heardAtMs(),
    reopen: () => stream.reopen(),
    close() {
      stream.close();
      exchange.close();
    },
  };
}
