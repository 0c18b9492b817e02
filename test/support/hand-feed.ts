/** A live feed that says what a test lets it say: quotes, silence, and venues that take their time to answer. */
import { price } from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { Clock, FeedTick, MarketFeed, MarketPhase, Quote } from '#ports.ts';

export interface HandFeed extends MarketFeed {
  /** Publishes a quote now. */
  say(id: InstrumentId, bid: string, ask?: string, tick?: Partial<Omit<FeedTick, 'quote'>>): void;
  /** What the venue answers when it is asked by `follow`; undefined: it has no quote. */
  readonly venue: Map<InstrumentId, readonly [bid: string, ask: string]>;
  /** In the order they were asked for. */
  readonly followed: InstrumentId[];
  /** Those that are held now. */
  held(): readonly InstrumentId[];
  /** While true, `follow` never resolves. */
  hangs: boolean;
  phaseIs: MarketPhase['phase'];
}

export function handFeed(clock: Clock, instruments: readonly Instrument[]): HandFeed {
  const quotes = new Map<InstrumentId, Quote>();
  const listeners = new Set<(tick: FeedTick) => void>();
  const holds = new Set<readonly InstrumentId[]>();
  const carries = (id: InstrumentId): boolean => instruments.some((one) => one.id === id);
  const feed: HandFeed = {
    venue: new Map(),
    followed: [],
    hangs: false,
    phaseIs: 'open',
    held: () => [...holds].flat().sort(),
    nowMs: () => clock.wallMs(),
    run: () => 1,
    instruments: () => instruments.filter(({ id }) => quotes.has(id)),
    carries,
    async follow(ids) {
      feed.followed.push(...ids);
      if (feed.hangs) await new Promise<never>(() => undefined);
      for (const id of ids) {
        const told = feed.venue.get(id);
        if (told) feed.say(id, ...told);
      }
    },
    hold(ids) {
      holds.add(ids);
      return () => void holds.delete(ids);
    },
    quote: (id) => quotes.get(id),
    depth: async () => undefined,
    phase: (id) =>
      carries(id)
        ? {
            nowMs: clock.wallMs(),
            phase: feed.phaseIs,
            session: undefined,
            next: undefined,
            tradingDate: new Date(clock.wallMs()).toISOString().slice(0, 10),
          }
        : undefined,
    finest: () => undefined,
    bars: async () => [],
    onTick(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    say(id, bid, ask = bid, tick = {}) {
      const now = clock.wallMs();
      const quote: Quote = {
        instrument: id,
        bid: price(bid),
        ask: price(ask),
        last: null,
        bidSize: null,
        askSize: null,
        timeMs: now,
        publishedMs: now,
        source: 'live',
      };
      quotes.set(id, quote);
      for (const listener of listeners) listener({ quote, run: 1, sessionEnd: false, ...tick });
    },
  };
  return feed;
}
