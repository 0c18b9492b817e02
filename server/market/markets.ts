/** Which feed and which list of instruments each account trades on, and feeds looked at together. */
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import type { FeedTick, MarketFeed, Quote } from '#ports.ts';

export interface MarketSource {
  readonly feed: MarketFeed;
  /** Whose instruments it quotes: `built-in`, or a broker's list. */
  readonly directory: string;
}

export interface Markets {
  /** What the account trades on: the standard one unless it was given its own. */
  of(account: AccountId): MarketFeed;
  /** The feeds of these accounts as one: the first that carries an instrument answers for it, the freshest quote stands. */
  among(accounts: readonly AccountId[]): MarketFeed;
  /** Every feed there is, the standard one first. */
  all(): MarketFeed;
  /** The feeds themselves, each once. */
  feeds(): readonly MarketFeed[];
  /** The list of instruments in which the account's symbols are looked up. */
  scopeOf(account: AccountId): string;
  /** Each once; the standard one where there are no accounts. */
  scopesOf(accounts: readonly AccountId[]): readonly string[];
  /** Every list that an account trades from, the standard one first. */
  scopes(): readonly string[];
  add(account: AccountId, source: MarketSource): void;
  remove(account: AccountId): void;
  /** Ticks of every feed, of those that come later too. A feed that two accounts share ticks once. */
  onTick(listener: (tick: FeedTick) => void): () => void;
}

/** `standard` is what an account without a market of its own trades on: the tape. */
export function openMarkets(standard: MarketSource): Markets {
  const sources = new Map<AccountId, MarketSource>();
  const listeners = new Set<(tick: FeedTick) => void>();
  /** One subscription a feed while somebody listens. */
  const heard = new Map<MarketFeed, () => void>();

  const sourceOf = (account: AccountId): MarketSource => sources.get(account) ?? standard;
  const feeds = (): readonly MarketFeed[] => [
    ...new Set([standard.feed, ...[...sources.values()].map(({ feed }) => feed)]),
  ];

  function listen(): void {
    const wanted = listeners.size === 0 ? [] : feeds();
    for (const [feed, stop] of heard) {
      if (wanted.includes(feed)) continue;
      stop();
      heard.delete(feed);
    }
    for (const feed of wanted) if (!heard.has(feed)) heard.set(feed, feed.onTick(tellAll));
  }
  function tellAll(tick: FeedTick): void {
    const thrown: unknown[] = [];
    for (const listener of listeners) {
      try {
        listener(tick);
      } catch (cause) {
        thrown.push(cause);
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }
  function onTick(listener: (tick: FeedTick) => void): () => void {
    listeners.add(listener);
    listen();
    return () => {
      listeners.delete(listener);
      listen();
    };
  }

  return {
    of: (account) => sourceOf(account).feed,
    among(accounts) {
      const some = [...new Set(accounts.map((account) => sourceOf(account).feed))];
      const [first, ...others] = some;
      if (first === undefined) return standard.feed;
      return others.length === 0 ? first : together(() => some);
    },
    all: () => (sources.size === 0 ? standard.feed : { ...together(feeds), onTick }),
    feeds,
    scopeOf: (account) => sourceOf(account).directory,
    scopes: () => [
      ...new Set([standard.directory, ...[...sources.values()].map(({ directory }) => directory)]),
    ],
    scopesOf(accounts) {
      const scopes = new Set(accounts.map((account) => sourceOf(account).directory));
      return scopes.size === 0 ? [standard.directory] : [...scopes];
    },
    add(account, source) {
      sources.set(account, source);
      listen();
    },
    remove(account) {
      sources.delete(account);
      listen();
    },
    onTick,
  };
}

/** Never empty. */
function together(feeds: () => readonly MarketFeed[]): MarketFeed {
  const carrying = (id: InstrumentId): readonly MarketFeed[] => feeds().filter((feed) => feed.carries(id));
  const first = (id: InstrumentId): MarketFeed | undefined => carrying(id)[0];
  const main = (): MarketFeed => {
    const [one] = feeds();
    if (one === undefined) throw new Error('there is no feed at all');
    return one;
  };
  return {
    nowMs: () => main().nowMs(),
    run: (of) => ((of === undefined ? undefined : first(of)) ?? main()).run(of),
    instruments() {
      const found = new Map<InstrumentId, Instrument>();
      for (const feed of feeds()) for (const one of feed.instruments()) found.set(one.id, one);
      return [...found.values()];
    },
    carries: (id) => carrying(id).length > 0,
    async follow(ids) {
      await Promise.all(
        feeds().flatMap((feed) => {
          const own = ids.filter((id) => feed.carries(id));
          return own.length === 0 ? [] : [feed.follow(own)];
        }),
      );
    },
    hold(ids, why) {
      const releases = feeds().map((feed) =>
        feed.hold(
          ids.filter((id) => feed.carries(id)),
          why,
        ),
      );
      return () => {
        for (const release of releases) release();
      };
    },
    quote: (id) =>
      carrying(id).reduce<Quote | undefined>((freshest, feed) => {
        const quote = feed.quote(id);
        return quote && (!freshest || quote.publishedMs > freshest.publishedMs) ? quote : freshest;
      }, undefined),
    depth: async (id) => first(id)?.depth(id),
    phase: (id) => first(id)?.phase(id),
    finest: (id) => first(id)?.finest(id),
    bars: async (query) => (await first(query.instrument)?.bars(query)) ?? [],
    onTick(listener) {
      const stops = feeds().map((feed) => feed.onTick(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
