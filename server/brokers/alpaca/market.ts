/** Prices of what Alpaca lists: shares by the feed of the owner's plan, coins by Alpaca's own exchange. */
import { z } from 'zod';
import { price, quantity } from '#domain/decimal.ts';
import type { Bar, BarQuery, BrokerListing, BrokerMarket, Clock, Depth, Quote, Timeframe } from '#ports.ts';
import type { AlpacaApi } from './api.ts';
import {
  ASSETS_BYTES_MAX,
  ASSETS_TIMEOUT_MS,
  BAR_PAGES_MAX,
  BARS_PER_PAGE,
  FOLLOWED_MAX,
  LISTINGS_PER_PAGE,
  SYMBOLS_PER_REQUEST,
} from './bounds.ts';
import { listingOf } from './listings.ts';
import { COINS, isCoin, openPriceStreams, type PriceStreamsOptions } from './price-streams.ts';
import {
  assetPayload,
  type barPayload,
  barsPayload,
  msOf,
  orderbooksPayload,
  type QuotePayload,
  snapshotPayload,
} from './wire.ts';

export interface MarketOptions extends PriceStreamsOptions {
  readonly api: AlpacaApi;
}

export interface AlpacaMarket extends BrokerMarket {
  close(): void;
}

const snapshots = z.record(z.string(), snapshotPayload);

export function openMarket(options: MarketOptions): AlpacaMarket {
  const { api, clock, dataFeed } = options;
  const listeners = new Set<(quotes: readonly Quote[]) => void>();
  const followed = new Map<string, BrokerListing>();
  const lasts = new Map<string, string>();

  function tell(symbol: string, payload: QuotePayload): void {
    const listing = followed.get(symbol);
    const quote = listing && quoteOf(listing, payload, { last: lasts.get(symbol), clock });
    if (quote !== undefined) for (const listener of listeners) listener([quote]);
  }
  const streams = openPriceStreams(options, tell, (symbol, at) => {
    if (followed.has(symbol)) lasts.set(symbol, at);
  });

  async function snapshotsOf(listings: readonly BrokerListing[]): Promise<readonly Quote[]> {
    const [first] = listings;
    if (first === undefined) return [];
    const query = { symbols: listings.map((one) => one.brokerSymbol).join(',') };
    const told = isCoin(first)
      ? (await api.readData(z.object({ snapshots }), `${COINS}/snapshots`, { query }))?.snapshots
      : await api.readData(snapshots, '/v2/stocks/snapshots', { query: { ...query, feed: dataFeed } });
    return listings.flatMap((listing) => {
      const snapshot = told?.[listing.brokerSymbol];
      const last = snapshot?.latestTrade?.p;
      if (last !== undefined && followed.has(listing.brokerSymbol)) lasts.set(listing.brokerSymbol, last);
      const quote = snapshot?.latestQuote && quoteOf(listing, snapshot.latestQuote, { last, clock });
      return quote ?? [];
    });
  }

  return {
    async *listings() {
      for (const kind of ['us_equity', 'crypto']) {
        const assets = await api.read(z.array(assetPayload), '/v2/assets', {
          query: { status: 'active', asset_class: kind },
          timeoutMs: ASSETS_TIMEOUT_MS,
          bodyMaxBytes: ASSETS_BYTES_MAX,
        });
        // No list is not an empty list, from which everything would have gone.
        if (assets === undefined) throw new Error('Alpaca has no list of assets.');
        for (let from = 0; from < assets.length; from += LISTINGS_PER_PAGE)
          yield assets.slice(from, from + LISTINGS_PER_PAGE).flatMap((one) => listingOf(one) ?? []);
      }
    },
    async quotes(listings) {
      const quotes: Quote[] = [];
      for (const kind of [listings.filter(isCoin), listings.filter((one) => !isCoin(one))])
        for (let from = 0; from < kind.length; from += SYMBOLS_PER_REQUEST)
          quotes.push(...(await snapshotsOf(kind.slice(from, from + SYMBOLS_PER_REQUEST))));
      return quotes;
    },
    followedMax: FOLLOWED_MAX[dataFeed],
    follow(listings) {
      followed.clear();
      for (const listing of listings) followed.set(listing.brokerSymbol, listing);
      for (const symbol of lasts.keys()) if (!followed.has(symbol)) lasts.delete(symbol);
      streams.follow(listings);
    },
    onQuotes(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    depth: (listing) => (isCoin(listing) ? coinDepth(api, listing, clock) : shareDepth(snapshotsOf, listing)),
    timeframes: ['1m', '5m', '15m', '1h', '1d'],
    bars: (listing, query) => barsOf({ api, dataFeed, clock }, listing, query),
    heardAtMs: () => streams.heardAtMs(),
    reopen: (why) => streams.reopen(why),
    close: () => streams.close(),
  };
}

/** A side at 0 is a side without an order, and a bid above the ask is no price: nothing can be had at either. */
function quoteOf(
  listing: BrokerListing,
  { t, bp, bs, ap, as }: QuotePayload,
  { last, clock }: { readonly last: string | undefined; readonly clock: Clock },
): Quote | undefined {
  const [bid, ask] = [price(bp), price(ap)];
  if (bid.lte('0') || ask.lte('0') || bid.gt(ask)) return undefined;
  return {
    instrument: listing.instrument.id,
    bid,
    ask,
    last: last === undefined ? null : price(last),
    bidSize: quantity(bs),
    askSize: quantity(as),
    timeMs: msOf(t),
    publishedMs: clock.wallMs(),
    source: 'live',
  };
}

async function coinDepth(api: AlpacaApi, listing: BrokerListing, clock: Clock): Promise<Depth> {
  const symbol = listing.brokerSymbol;
  const told = await api.readData(orderbooksPayload, `${COINS}/latest/orderbooks`, {
    query: { symbols: symbol },
  });
  const book = told?.orderbooks[symbol];
  if (book === undefined) throw new Error(`Alpaca has no book of ${symbol}.`);
  const side = (levels: typeof book.b) =>
    levels.filter(({ s }) => quantity(s).gt('0')).map(({ p, s }) => ({ price: price(p), size: quantity(s) }));
  return {
    bids: side(book.b).toSorted((a, b) => b.price.cmp(a.price)),
    asks: side(book.a).toSorted((a, b) => a.price.cmp(b.price)),
    timeMs: msOf(book.t),
    publishedMs: clock.wallMs(),
    source: 'live',
  };
}

/** Alpaca has no book of shares: their best bid and ask. */
async function shareDepth(
  snapshotsOf: (listings: readonly BrokerListing[]) => Promise<readonly Quote[]>,
  listing: BrokerListing,
): Promise<Depth> {
  const [quote] = await snapshotsOf([listing]);
  if (quote === undefined) throw new Error(`Alpaca has no quote of ${listing.brokerSymbol}.`);
  const { bid, ask, bidSize, askSize, timeMs, publishedMs, source } = quote;
  return {
    bids: [{ price: bid, size: bidSize }],
    asks: [{ price: ask, size: askSize }],
    timeMs,
    publishedMs,
    source,
  };
}

const FRAMES: Readonly<Record<Timeframe, { readonly name: string; readonly lengthMs: number }>> = {
  '1m': { name: '1Min', lengthMs: 60_000 },
  '5m': { name: '5Min', lengthMs: 300_000 },
  '15m': { name: '15Min', lengthMs: 900_000 },
  '1h': { name: '1Hour', lengthMs: 3_600_000 },
  '1d': { name: '1Day', lengthMs: 86_400_000 },
};
/** Nights, weekends and holidays have no bars: so much more time than the bars themselves take is looked through. */
const TIME_PER_BAR_TIME = 8;
const QUIET_MS = 14 * 86_400_000;

async function barsOf(
  { api, dataFeed, clock }: Pick<MarketOptions, 'api' | 'dataFeed' | 'clock'>,
  listing: BrokerListing,
  { timeframe, startMs, endMs, limit }: BarQuery,
): Promise<readonly Bar[]> {
  const { name, lengthMs } = FRAMES[timeframe];
  // The end is exclusive here and inclusive there; a bar is complete when its time is over.
  const lastMs = Math.min((endMs ?? Number.POSITIVE_INFINITY) - 1, clock.wallMs() - lengthMs);
  const firstMs = startMs ?? Math.max(0, lastMs - limit * lengthMs * TIME_PER_BAR_TIME - QUIET_MS);
  if (firstMs > lastMs) return [];
  const symbol = listing.brokerSymbol;
  const found: z.output<typeof barPayload>[] = [];
  let token: string | undefined;
  for (let page = 0; page < BAR_PAGES_MAX && found.length < limit; page++) {
    const told = await api.readData(barsPayload, isCoin(listing) ? `${COINS}/bars` : '/v2/stocks/bars', {
      query: {
        symbols: symbol,
        timeframe: name,
        start: new Date(firstMs).toISOString(),
        end: new Date(lastMs).toISOString(),
        limit: String(Math.min(limit - found.length, BARS_PER_PAGE)),
        sort: startMs === undefined ? 'desc' : 'asc',
        ...(isCoin(listing) ? {} : { feed: dataFeed, adjustment: 'raw' }),
        ...(token === undefined ? {} : { page_token: token }),
      },
    });
    found.push(...(told?.bars?.[symbol] ?? []));
    token = told?.next_page_token ?? undefined;
    if (token === undefined) break;
  }
  const bars = found.slice(0, limit).map(
    ({ t, o, h, l, c, v }): Bar => ({
      timeMs: msOf(t),
      open: price(o),
      high: price(h),
      low: price(l),
      close: price(c),
      volume: quantity(v),
    }),
  );
  return startMs === undefined ? bars.toReversed() : bars;
}
