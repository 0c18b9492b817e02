/** A feed over a broker's market: follows what is asked for, held or watched, and says how old everything is. */
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import { FEED_FOLLOWED_MAX, FEED_FRESH_MS } from '#limits.ts';
import type {
  Bar,
  BarQuery,
  BrokerListing,
  BrokerMarket,
  Clock,
  Depth,
  FeedTick,
  MarketFeed,
  Quote,
} from '#ports.ts';
import { type Calendar, venueCalendar } from './calendar.ts';
import { phaseAt } from './calendar-phase.ts';
import { openFollowed } from './followed.ts';
import { openLiveQuotes } from './live-quotes.ts';
import { openQuestions } from './quote-questions.ts';
import { watchSessionEnds } from './session-ends.ts';
import type { ListingDirectory } from './stored-instruments.ts';
import { type StreamNews, type StreamWatch, watchStream } from './stream-watch.ts';

export interface LiveFeed extends MarketFeed {
  health(): FeedHealth;
  /** Follows and watches from here on. */
  start(): void;
  stop(): void;
}

export interface FeedHealth {
  /** How long ago anything was heard of an open market that is followed; null: nothing has to be. */
  readonly silentMs: number | null;
  readonly down: boolean;
  readonly followed: number;
}

/** Bars of a broker's instruments: from the store where they are known, fetched where they are not. */
export interface BarSource {
  finest(): BarQuery['timeframe'] | undefined;
  query(listing: BrokerListing, query: BarQuery): Promise<readonly Bar[]>;
}

export interface LiveFeedOptions {
  readonly market: BrokerMarket;
  readonly directory: ListingDirectory;
  readonly clock: Clock;
  readonly bars: BarSource;
  /** The stream has died, is opened anew, or speaks again. */
  readonly onNews: (news: StreamNews) => void;
}

export function openLiveFeed(o: LiveFeedOptions): LiveFeed {
  const { market, directory, clock } = o;
  const quotes = openLiveQuotes(() => clock.wallMs());
  const followed = openFollowed({ ...o, listingOf });
  const ticks = fanOut();
  const stops: (() => void)[] = [];

  /** In the list now: what has left it can not be quoted. */
  function listingOf(id: InstrumentId): BrokerListing | undefined {
    const known = directory.byId(id);
    const now = known && directory.bySymbol(known.brokerSymbol);
    return now?.instrument.id === id ? now : undefined;
  }
  const calendarOf = (id: InstrumentId): Calendar | undefined =>
    venueCalendar(directory.byId(id)?.instrument.calendar ?? '');

  function take(heard: readonly Quote[], how: 'streamed' | 'asked'): void {
    for (const quote of heard) {
      const kept = directory.byId(quote.instrument) && quotes.take(quote, how);
      if (kept) ticks.tell(kept, false);
    }
  }

  const questions = openQuestions({
    market,
    clock,
    isFresh: (id) => clock.wallMs() - (quotes.get(id)?.publishedMs ?? 0) <= FEED_FRESH_MS,
    answered: (heard) => take(heard, 'asked'),
  });

  let watch: StreamWatch | undefined;
  const isOpen = (id: InstrumentId): boolean => calendarOf(id)?.sessionAt(clock.wallMs()) !== undefined;
  function ended(ids: readonly InstrumentId[]): void {
    for (const id of ids) {
      const quote = quotes.get(id);
      if (quote) ticks.tell(quote, true);
    }
  }

  return {
    nowMs: () => clock.wallMs(),
    run: () => 1,
    instruments: () => followed.told().map(({ instrument }): Instrument => instrument),
    carries: (id) => listingOf(id) !== undefined,
    async follow(ids) {
      const own = ids.flatMap((id) => listingOf(id) ?? []).slice(0, FEED_FOLLOWED_MAX);
      if (own.length === 0) return;
      followed.ask(own.map(({ instrument }) => instrument.id));
      await questions.ask(own);
    },
    hold: followed.hold,
    quote: (id) => quotes.get(id),
    depth: async (id) => depthOf(market, listingOf(id)),
    phase(id) {
      const calendar = calendarOf(id);
      return calendar && phaseAt(calendar, clock.wallMs());
    },
    finest: (id) => (listingOf(id) === undefined ? undefined : o.bars.finest()),
    async bars(query) {
      const listing = listingOf(query.instrument);
      return listing === undefined ? [] : o.bars.query(listing, query);
    },
    onTick: ticks.on,
    health: () => ({
      silentMs: watch?.silentMs() ?? null,
      down: watch?.isDown() ?? false,
      followed: followed.told().length,
    }),
    start() {
      if (stops.length > 0) return;
      watch = watchStream({
        market,
        clock,
        expected: () => followed.told().some(({ instrument }) => isOpen(instrument.id)),
        tell: o.onNews,
      });
      stops.push(
        market.onQuotes((heard) => take(heard, 'streamed')),
        () => watch?.stop(),
        watchSessionEnds({
          clock,
          calendarOf,
          followed: () => followed.told().map(({ instrument }) => instrument.id),
          ended,
        }),
      );
      followed.start();
    },
    stop() {
      for (const stop of stops.splice(0)) stop();
      followed.stop();
    },
  };
}

async function depthOf(market: BrokerMarket, listing: BrokerListing | undefined): Promise<Depth | undefined> {
  if (!listing) return undefined;
  try {
    return await market.depth(listing);
  } catch {
    return undefined;
  }
}

interface FanOut {
  readonly tell: (quote: Quote, sessionEnd: boolean) => void;
  readonly on: MarketFeed['onTick'];
}

function fanOut(): FanOut {
  const listeners = new Set<(tick: FeedTick) => void>();
  return {
    tell(quote, sessionEnd) {
      for (const listener of listeners) {
        try {
          listener({ quote, run: 1, sessionEnd });
        } catch {
          // The stream is everybody's: who throws has an alarm of its own, and the next one hears of it all the same.
        }
      }
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
