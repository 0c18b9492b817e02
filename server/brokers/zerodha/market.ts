/** Prices of Kite: the list of instruments, quotes and candles asked for, and the ticker's stream of what is followed. */
import { z } from 'zod';
import { isDecimalText, type Price, price, quantity, text } from '#domain/decimal.ts';
import {
  KITE_CANDLE_REQUESTS_MAX,
  KITE_DUMP_BYTES_MAX,
  KITE_FOLLOWED_MAX,
  KITE_QUOTES_MAX,
} from '#limits.ts';
import { calendar } from '#market/calendar.ts';
import type { Bar, BarQuery, BrokerListing, BrokerMarket, Clock, Depth, Quote, Timeframe } from '#ports.ts';
import { type KiteClient, KiteQuestionError } from './client.ts';
import { KITE_EXCHANGES, listingsOf } from './dump.ts';
import { fromIst, toIst } from './kite-time.ts';
import type { Ticker } from './ticker.ts';
import type { KiteTick } from './ticks.ts';

export interface KiteMarketOptions {
  readonly client: KiteClient;
  readonly clock: Clock;
  readonly ticker: Ticker;
  /** Who is told what the ticker says. */
  readonly quotesHeard: Set<(quotes: readonly Quote[]) => void>;
}

export interface KiteMarket extends BrokerMarket {
  lastPrice(listing: BrokerListing): Promise<string>;
}

const decimal = z.string().refine(isDecimalText);
const level = z.object({ price: decimal, quantity: decimal });
const quoteRow = z.object({
  timestamp: z.string().nullish(),
  last_price: decimal,
  depth: z.object({ buy: z.array(level), sell: z.array(level) }).optional(),
});
const quotesTold = z.record(z.string(), quoteRow);
const lastTold = z.record(z.string(), z.object({ last_price: decimal }));
const candlesTold = z.object({
  candles: z.array(z.tuple([z.string(), decimal, decimal, decimal, decimal, decimal], z.unknown())),
});

const INTERVALS: {
  readonly [of in Timeframe]: { readonly word: string; readonly ms: number; readonly daysMax: number };
} = {
  '1m': { word: 'minute', ms: 60_000, daysMax: 60 },
  '5m': { word: '5minute', ms: 300_000, daysMax: 100 },
  '15m': { word: '15minute', ms: 900_000, daysMax: 200 },
  '1h': { word: '60minute', ms: 3_600_000, daysMax: 400 },
  '1d': { word: 'day', ms: 86_400_000, daysMax: 2_000 },
};
const DAY_MS = 86_400_000;

export function openKiteMarket({ client, clock, ticker, quotesHeard }: KiteMarketOptions): KiteMarket {
  async function asked(listings: readonly BrokerListing[]) {
    const i = listings.slice(0, KITE_QUOTES_MAX).map(({ brokerSymbol }) => brokerSymbol);
    return quotesTold.parse(await client.read({ path: '/quote', query: { i }, costs: 'quotes' }));
  }

  return {
    followedMax: KITE_FOLLOWED_MAX,
    timeframes: ['1m', '5m', '15m', '1h', '1d'],
    async *listings() {
      for (const exchange of KITE_EXCHANGES)
        yield* listingsOf(await client.readText(`/instruments/${exchange}`, KITE_DUMP_BYTES_MAX));
    },
    async quotes(listings) {
      if (listings.length === 0) return [];
      const told = await asked(listings);
      const nowMs = clock.wallMs();
      return listings.flatMap((listing) => {
        const row = told[listing.brokerSymbol];
        if (row === undefined) return [];
        const last = price(row.last_price);
        const [bid] = levelsOf(row.depth?.buy);
        const [ask] = levelsOf(row.depth?.sell);
        const atMs = fromIst(row.timestamp ?? '') ?? nowMs;
        return quoteFrom(listing, { last, bid, ask, atMs, nowMs }) ?? [];
      });
    },
    follow: (listings) => ticker.follow(listings),
    onQuotes(listener) {
      quotesHeard.add(listener);
      return () => quotesHeard.delete(listener);
    },
    async depth(listing): Promise<Depth> {
      const row = (await asked([listing]))[listing.brokerSymbol];
      if (row === undefined) throw new KiteQuestionError(`Kite has no depth of ${listing.brokerSymbol}.`);
      const nowMs = clock.wallMs();
      const timeMs = fromIst(row.timestamp ?? '') ?? nowMs;
      const [bids, asks] = [levelsOf(row.depth?.buy), levelsOf(row.depth?.sell)];
      return { bids, asks, timeMs, publishedMs: nowMs, source: 'live' };
    },
    async lastPrice(listing) {
      const tick = ticker.latest(listing);
      if (tick !== undefined) return text(tick.last);
      const query = { i: [listing.brokerSymbol] };
      const told = lastTold.parse(await client.read({ path: '/quote/ltp', query, costs: 'quotes' }));
      const row = told[listing.brokerSymbol];
      if (row === undefined) throw new KiteQuestionError(`Kite has no price of ${listing.brokerSymbol}.`);
      return text(price(row.last_price));
    },
    bars: (listing, query) => readBars(client, clock, listing, query),
    heardAtMs: () => ticker.heardAtMs(),
    reopen: (why) => ticker.reopen(why),
  };
}

interface Level {
  readonly price: Price;
  readonly size: ReturnType<typeof quantity>;
}
const levelsOf = (rows: readonly z.output<typeof level>[] = []): readonly Level[] =>
  rows
    .map((row) => ({ price: price(row.price), size: quantity(row.quantity) }))
    .filter((one) => one.price.gt('0') && one.size.gt('0'));

export function quoteOf(listing: BrokerListing, tick: KiteTick, nowMs: number): Quote | undefined {
  const [bid] = (tick.bids ?? []).map((one) => ({ price: one.price, size: one.qty }));
  const [ask] = (tick.asks ?? []).map((one) => ({ price: one.price, size: one.qty }));
  return quoteFrom(listing, { last: tick.last, bid, ask, atMs: tick.exchangeMs ?? nowMs, nowMs });
}

/**
 * An index has no orders: both its sides are its value. A share whose one side is empty (at its circuit), or whose sides cross (in the
 * opening auction), has no quote: what is known of it grows old, and orders on it are refused as stale.
 */
function quoteFrom(
  listing: BrokerListing,
  of: {
    readonly last: Price;
    readonly bid: Level | undefined;
    readonly ask: Level | undefined;
    readonly atMs: number;
    readonly nowMs: number;
  },
): Quote | undefined {
  const isIndex = listing.instrument.assetClass === 'index';
  const bid = isIndex ? of.last : of.bid?.price;
  const ask = isIndex ? of.last : of.ask?.price;
  if (bid === undefined || ask === undefined || !bid.gt('0') || bid.gt(ask)) return undefined;
  return {
    instrument: listing.instrument.id,
    bid,
    ask,
    last: of.last.gt('0') ? of.last : null,
    bidSize: of.bid?.size ?? null,
    askSize: of.ask?.size ?? null,
    timeMs: of.atMs,
    publishedMs: of.nowMs,
    source: 'live',
  };
}

/** From `startMs` on, or back from the end: piece by piece, since Kite answers for a bounded number of days. */
async function readBars(
  client: KiteClient,
  clock: Clock,
  listing: BrokerListing,
  query: BarQuery,
): Promise<readonly Bar[]> {
  const { word, ms, daysMax } = INTERVALS[query.timeframe];
  const nowMs = clock.wallMs();
  const endMs = Math.min(query.endMs ?? nowMs, nowMs);
  const spanMs = daysMax * DAY_MS;
  let bars: Bar[] = [];
  let [fromMs, toMs] =
    query.startMs === undefined
      ? [endMs - spanMs, endMs]
      : [query.startMs, Math.min(query.startMs + spanMs, endMs)];
  for (let asked = 0; asked < KITE_CANDLE_REQUESTS_MAX && fromMs < toMs; asked++) {
    const piece = await candles(client, listing, { word, fromMs, toMs });
    const complete = piece.filter(
      (bar) => bar.timeMs >= fromMs && bar.timeMs < endMs && endOf(bar, ms) <= nowMs,
    );
    const known = new Set(bars.map(({ timeMs }) => timeMs));
    const fresh = complete.filter(({ timeMs }) => !known.has(timeMs));
    bars = query.startMs === undefined ? [...fresh, ...bars] : [...bars, ...fresh];
    if (bars.length >= query.limit) break;
    [fromMs, toMs] =
      query.startMs === undefined ? [fromMs - spanMs, fromMs] : [toMs, Math.min(toMs + spanMs, endMs)];
  }
  return query.startMs === undefined ? bars.slice(-query.limit) : bars.slice(0, query.limit);
}

/** A day's bar is complete when the exchange has closed; the last hour of a day is a quarter of one. */
function endOf({ timeMs }: Bar, ms: number): number {
  const session = calendar('nse').sessionOn(toIst(timeMs).slice(0, 10));
  const ends = ms === DAY_MS ? (session?.closeMs ?? timeMs + ms) : timeMs + ms;
  return session === undefined ? ends : Math.min(ends, Math.max(session.closeMs, timeMs + 60_000));
}

async function candles(
  client: KiteClient,
  listing: BrokerListing,
  of: { readonly word: string; readonly fromMs: number; readonly toMs: number },
): Promise<readonly Bar[]> {
  // A day's candle stands at midnight, and its bar where the session opens: the day is asked for from its beginning.
  const from = of.word === 'day' ? `${toIst(of.fromMs).slice(0, 10)} 00:00:00` : toIst(of.fromMs);
  const data = await client.read({
    path: `/instruments/historical/${listing.extra['token']}/${of.word}`,
    query: { from, to: toIst(of.toMs), continuous: '0', oi: '0' },
    costs: 'history',
  });
  return candlesTold.parse(data).candles.flatMap(([time, open, high, low, close, volume]) => {
    const stampMs = fromIst(time);
    if (stampMs === undefined) return [];
    const opened = calendar('nse').sessionOn(toIst(stampMs).slice(0, 10))?.openMs;
    const timeMs = of.word === 'day' ? (opened ?? stampMs) : stampMs;
    return {
      timeMs,
      open: price(open),
      high: price(high),
      low: price(low),
      close: price(close),
      volume: listing.instrument.assetClass === 'index' ? null : quantity(volume),
    };
  });
}
