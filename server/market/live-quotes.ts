/** The last usable quote of each instrument of a live feed, and how old it is: nothing old ever counts as fresh. */
import { compare, isPositive } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { FEED_QUOTES_MAX, QUOTE_AGE_MAX_MS } from '#limits.ts';
import type { Quote } from '#ports.ts';

export interface LiveQuotes {
  get(id: InstrumentId): Quote | undefined;
  /** As it is kept, where it is news; undefined: it is nothing to value by, or older than what is known. */
  take(quote: Quote, heard: 'streamed' | 'asked'): Quote | undefined;
}

export function openLiveQuotes(wallMs: () => number): LiveQuotes {
  const quotes = new Map<InstrumentId, Quote>();
  return {
    get: (id) => quotes.get(id),
    take(told, heard) {
      if (!isTwoSided(told)) return undefined;
      // A time that has not come would keep out every quote until then, and a loss would not be seen.
      const quote = { ...told, timeMs: Math.min(told.timeMs, wallMs()) };
      const before = quotes.get(quote.instrument);
      if (before && quote.timeMs < before.timeMs) return undefined;
      const publishedMs = publishedAt(quote, wallMs(), heard);
      // The answer to a question is no newer than what the stream has said of the same moment.
      const kept = { ...quote, publishedMs: Math.max(publishedMs, sameMoment(before, quote)) };
      quotes.delete(quote.instrument);
      quotes.set(quote.instrument, kept);
      if (quotes.size > FEED_QUOTES_MAX) {
        const [oldest] = quotes.keys();
        if (oldest !== undefined) quotes.delete(oldest);
      }
      return kept;
    },
  };
}

/** A side that is missing, nothing or crossed says nothing of what the thing is worth. */
const isTwoSided = ({ bid, ask }: Quote): boolean =>
  isPositive(bid) && isPositive(ask) && compare(bid, ask) <= 0;

const sameMoment = (before: Quote | undefined, quote: Quote): number =>
  before?.timeMs === quote.timeMs ? before.publishedMs : Number.NEGATIVE_INFINITY;

/**
 * What the stream says is as old as the hearing of it, unless the venue's own time is long past (what it repeats to who has just
 * subscribed). What was asked for is as old as the venue says: that nobody has quoted since is no news.
 */
function publishedAt({ timeMs }: Quote, nowMs: number, heard: 'streamed' | 'asked'): number {
  if (heard === 'streamed' && nowMs - timeMs <= QUOTE_AGE_MAX_MS) return nowMs;
  return Math.min(nowMs, timeMs);
}
