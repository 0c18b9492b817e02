/** Prices: asked for, streamed while they are followed, and never nonsense. */
import type { Bar, BarQuery, BrokerListing, BrokerMarket, Clock, Quote } from '#ports.ts';
import type { Api } from './api.ts';
import { listings } from './listings.ts';
import { barsPayload, type QuotePayload, quotesPayload } from './wire.ts';

/** What the market needs of the stream, which carries orders too. */
export interface PriceLine {
  follow(symbols: readonly string[]): void;
  heardAtMs(): number | undefined;
  reopen(why: string): void;
}
export interface ExampleMarket extends BrokerMarket {
  take(quotes: readonly QuotePayload[]): void;
}

const FOLLOWED_MAX = 100;
const MINUTE_MS = 60_000;

export function openMarket(api: Api, clock: Clock, line: PriceLine): ExampleMarket {
  const listeners = new Set<(quotes: readonly Quote[]) => void>();
  let followed = new Map<string, BrokerListing>();
  const quotesOf = (told: readonly QuotePayload[], wanted: ReadonlyMap<string, BrokerListing>) =>
    told.flatMap((one) => quoteOf(one, wanted.get(one.symbol), clock) ?? []);

  return {
    listings: () => listings(api),
    async quotes(wanted) {
      const symbols = wanted.map(({ brokerSymbol }) => brokerSymbol).join(',');
      return quotesOf(await api.read(quotesPayload, '/quotes', { symbols }), bySymbol(wanted));
    },
    followedMax: FOLLOWED_MAX,
    follow(wanted) {
      followed = bySymbol(wanted.slice(0, FOLLOWED_MAX));
      line.follow([...followed.keys()]);
    },
    take(told) {
      const quotes = quotesOf(told, followed);
      if (quotes.length > 0) for (const listener of listeners) listener(quotes);
    },
    onQuotes(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    depth: () => Promise.reject(new Error('The exchange tells no depth.')),
    timeframes: ['1m'],
    bars: (listing, query) => barsOf(api, clock, listing, query),
    heardAtMs: () => line.heardAtMs(),
    reopen: (why) => line.reopen(why),
  };
}

const bySymbol = (all: readonly BrokerListing[]): Map<string, BrokerListing> =>
  new Map(all.map((listing) => [listing.brokerSymbol, listing]));

/** A side at 0 is a side without an order, and a bid above the ask is no price. */
function quoteOf(told: QuotePayload, listing: BrokerListing | undefined, clock: Clock): Quote | undefined {
  const { bid, ask, bid_size: bidSize, ask_size: askSize, time: timeMs } = told;
  if (listing === undefined || bid.lte('0') || bid.gt(ask)) return undefined;
  const instrument = listing.instrument.id;
  return {
    instrument,
    bid,
    ask,
    last: null,
    bidSize,
    askSize,
    timeMs,
    publishedMs: clock.wallMs(),
    source: 'live',
  };
}

/** The exchange's `to` is exclusive, as ours; a bar is complete when its time is over. */
async function barsOf(
  api: Api,
  clock: Clock,
  { brokerSymbol: symbol }: BrokerListing,
  { startMs, endMs = Number.POSITIVE_INFINITY, limit }: BarQuery,
): Promise<readonly Bar[]> {
  const to = Math.min(endMs, clock.wallMs() - MINUTE_MS + 1);
  const from = startMs === undefined ? undefined : String(startMs);
  const bars = await api.read(barsPayload, '/bars', { symbol, from, to: String(to), limit: String(limit) });
  return bars.map(({ time: timeMs, ...bar }) => ({ timeMs, ...bar }));
}
