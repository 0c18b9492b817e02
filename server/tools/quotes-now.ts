/** Quotes as they stand: of several instruments at once, and which of them nobody quotes. */
import { z } from 'zod';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { MarketFeed } from '#ports.ts';
import { quoteWire } from './project.ts';
import { QuoteShape } from './shapes.ts';

export const QuotesNowShape = z.object({
  quotes: z.array(QuoteShape),
  /** Known symbols that no feed quotes now. */
  unavailable: z.array(z.object({ symbol: z.string(), reason: z.string() })),
});

export function quotesNow(
  feed: MarketFeed,
  instruments: readonly Instrument[],
  wallMs: number,
): z.output<typeof QuotesNowShape> {
  const quotes: z.output<typeof QuoteShape>[] = [];
  const unavailable: z.output<typeof QuotesNowShape>['unavailable'] = [];
  for (const { id, symbol } of instruments) {
    const quote = feed.quote(id);
    if (quote === undefined) unavailable.push({ symbol, reason: whyNot(feed, id) });
    else quotes.push(quoteWire(symbol, quote, wallMs));
  }
  return { quotes, unavailable };
}

/** A feed does not tell a venue that is silent from a broker that can not be reached. */
const whyNot = (feed: MarketFeed, id: InstrumentId): string =>
  feed.carries(id)
    ? 'no quote of it was heard: its venue gives no two-sided one at the moment, or its broker is not connected (list_accounts says so of yours)'
    : 'no feed quotes it here';
