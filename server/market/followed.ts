/** What a live feed follows: positions and working orders before watchers, watchers before what was merely asked for, all bounded. */
import type { InstrumentId } from '#domain/instrument.ts';
import { FEED_FOLLOW_GATHER_MS, FEED_FOLLOW_LOOK_MS, FEED_FOLLOW_MS, FEED_FOLLOWED_MAX } from '#limits.ts';
import type { BrokerListing, BrokerMarket, Clock, MarketFeed } from '#ports.ts';

export interface FollowedOptions {
  readonly market: Pick<BrokerMarket, 'follow' | 'followedMax'>;
  readonly clock: Clock;
  /** undefined: it can not be followed. */
  readonly listingOf: (id: InstrumentId) => BrokerListing | undefined;
}

type Why = Parameters<MarketFeed['hold']>[1];

export interface Followed {
  /** Asked for now: followed for a while. */
  ask(ids: readonly InstrumentId[]): void;
  readonly hold: (ids: readonly InstrumentId[], why: Why) => () => void;
  /** What the broker was told to stream. */
  told(): readonly BrokerListing[];
  start(): void;
  stop(): void;
}

export function openFollowed({ market, clock, listingOf }: FollowedOptions): Followed {
  /** By when it was last asked for, the latest last. */
  const asked = new Map<InstrumentId, number>();
  /** How many hold it. */
  const held: { readonly [why in Why]: Map<InstrumentId, number> } = {
    traded: new Map(),
    watched: new Map(),
  };
  let told: readonly BrokerListing[] = [];
  let gathering: (() => void) | undefined;
  let looking = (): void => undefined;

  function wanted(): readonly BrokerListing[] {
    const nowMs = clock.monotonicMs();
    for (const [id, atMs] of asked) if (atMs + FEED_FOLLOW_MS <= nowMs) asked.delete(id);
    const latestFirst = [...asked.keys()].reverse();
    return [...new Set([...held.traded.keys(), ...held.watched.keys(), ...latestFirst])]
      .flatMap((id) => listingOf(id) ?? [])
      .slice(0, Math.min(market.followedMax, FEED_FOLLOWED_MAX));
  }
  function tell(): void {
    gathering = undefined;
    const listings = wanted();
    const same = listings.length === told.length && listings.every((one, index) => one === told[index]);
    told = listings;
    if (!same) market.follow(listings);
  }
  /** What is asked for together is told together. */
  function gather(): void {
    gathering ??= clock.after(FEED_FOLLOW_GATHER_MS, tell);
  }
  /** What was asked for expires without anybody asking. */
  function look(): void {
    looking = clock.after(FEED_FOLLOW_LOOK_MS, () => {
      gather();
      look();
    });
  }
  function count(ids: readonly InstrumentId[], why: Why, by: 1 | -1): void {
    const counts = held[why];
    for (const id of ids) {
      const next = (counts.get(id) ?? 0) + by;
      if (next > 0) counts.set(id, next);
      else counts.delete(id);
    }
    gather();
  }

  return {
    ask(ids) {
      for (const id of ids) {
        asked.delete(id);
        asked.set(id, clock.monotonicMs());
      }
      for (const id of asked.keys()) {
        if (asked.size <= FEED_FOLLOWED_MAX) break;
        asked.delete(id);
      }
      gather();
    },
    hold(ids, why) {
      count(ids, why, 1);
      let released = false;
      return () => {
        if (!released) count(ids, why, -1);
        released = true;
      };
    },
    told: () => told,
    start() {
      gather();
      look();
    },
    stop() {
      looking();
      gathering?.();
      gathering = undefined;
    },
  };
}
