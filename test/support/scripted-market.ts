/** A broker's market that says what a test tells it to, and keeps what it was asked. */
import { price, quantity } from '#domain/decimal.ts';
import type { Bar, BarQuery, BrokerListing, BrokerMarket, Clock, Quote, Timeframe } from '#ports.ts';
import { pages } from './listings.ts';

export interface ScriptedMarket extends BrokerMarket {
  /** What `listings` lists. */
  listed: readonly BrokerListing[];
  /** What `quotes` answers with; a function may never answer. */
  answer: (listings: readonly BrokerListing[]) => Promise<readonly Quote[]>;
  bar: (listing: BrokerListing, query: BarQuery) => Promise<readonly Bar[]>;
  readonly followed: (readonly string[])[];
  readonly asked: (readonly string[])[];
  readonly reopened: string[];
  /** On the stream; heard now. */
  say(...quotes: readonly Quote[]): void;
  /** A heartbeat. */
  beat(): void;
  /** The connection ends: until the next one speaks, nothing is known of when it was last heard. */
  cut(): void;
}

export function scriptedMarket(
  clock: Clock,
  listed: readonly BrokerListing[],
  more: { readonly followedMax?: number; readonly timeframes?: readonly Timeframe[] } = {},
): ScriptedMarket {
  const listeners = new Set<(quotes: readonly Quote[]) => void>();
  const symbols = (listings: readonly BrokerListing[]): string[] =>
    listings.map(({ brokerSymbol }) => brokerSymbol);
  let heardAtMs: number | undefined;
  const market: ScriptedMarket = {
    listed,
    answer: async () => [],
    bar: async () => [],
    followed: [],
    asked: [],
    reopened: [],
    listings: () => pages(market.listed),
    quotes(listings) {
      market.asked.push(symbols(listings));
      return market.answer(listings);
    },
    follow: (listings) => void market.followed.push(symbols(listings)),
    followedMax: more.followedMax ?? 100,
    onQuotes(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    depth: async () => {
      throw new Error('no depth');
    },
    timeframes: more.timeframes ?? ['1m', '1d'],
    bars: (listing, query) => market.bar(listing, query),
    heardAtMs: () => heardAtMs,
    reopen: (why) => void market.reopened.push(why),
    say(...quotes) {
      heardAtMs = clock.monotonicMs();
      for (const listener of listeners) listener(quotes);
    },
    beat() {
      heardAtMs = clock.monotonicMs();
    },
    cut() {
      heardAtMs = undefined;
    },
  };
  return market;
}

export const quoteOf = (
  { instrument }: BrokerListing,
  [bid, ask]: readonly [string, string],
  timeMs: number,
  sizes: readonly [string, string] | null = null,
): Quote => ({
  instrument: instrument.id,
  bid: price(bid),
  ask: price(ask),
  last: null,
  bidSize: sizes && quantity(sizes[0]),
  askSize: sizes && quantity(sizes[1]),
  timeMs,
  publishedMs: timeMs,
  source: 'live',
});
