/** Tickers, books and candles of ccxt as quotes, depth and bars: what lacks a side, a price or a time is left out. */
import type { Bar, BrokerListing, Depth, DepthLevel, Quote, Timeframe } from '#ports.ts';
import { millisecondsOf, positivePriceOf, quantityOf } from './decimals.ts';
import type { CcxtBook, CcxtTicker, Figure } from './types.ts';

export const TIMEFRAME_MS: { readonly [timeframe in Timeframe]: number } = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
  '1d': 86_400_000,
};

export function quoteOf(ticker: CcxtTicker, listing: BrokerListing, nowMs: number): Quote | undefined {
  const bid = positivePriceOf(ticker.bid);
  const ask = positivePriceOf(ticker.ask);
  if (bid === undefined || ask === undefined) return undefined;
  return {
    instrument: listing.instrument.id,
    bid,
    ask,
    last: positivePriceOf(ticker.last) ?? null,
    bidSize: quantityOf(ticker.bidVolume) ?? null,
    askSize: quantityOf(ticker.askVolume) ?? null,
    // Best bids and asks come without a time at some exchanges: they were true when they were sent.
    timeMs: Math.min(millisecondsOf(ticker.timestamp) ?? nowMs, nowMs),
    publishedMs: nowMs,
    source: 'live',
  };
}

export function depthOf(book: CcxtBook, levelsMax: number, nowMs: number): Depth {
  const levels = (side: readonly (readonly Figure[])[]): readonly DepthLevel[] =>
    side.slice(0, levelsMax).flatMap(([at, size]) => {
      const price = positivePriceOf(at);
      return price === undefined ? [] : { price, size: quantityOf(size) ?? null };
    });
  return {
    bids: levels(book.bids),
    asks: levels(book.asks),
    timeMs: millisecondsOf(book.timestamp) ?? nowMs,
    publishedMs: nowMs,
    source: 'live',
  };
}

/** undefined: not a whole bar. Whether it is complete is for who knows the time. */
export function barOf([time, ...figures]: readonly Figure[]): Bar | undefined {
  const timeMs = millisecondsOf(time);
  const [open, high, low, close] = figures.map((one) => positivePriceOf(one));
  if (timeMs === undefined || !open || !high || !low || !close) return undefined;
  return { timeMs, open, high, low, close, volume: quantityOf(figures[4]) ?? null };
}
