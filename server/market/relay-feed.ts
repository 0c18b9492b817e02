/** A feed that stands for one that comes and goes: whoever follows and listens stays, and while there is none it carries nothing. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { Clock, FeedTick, MarketFeed } from '#ports.ts';

export interface RelayFeed {
  readonly feed: MarketFeed;
  /** From now on it stands for this one; undefined: for none. */
  to(target: MarketFeed | undefined): void;
}

interface Hold {
  readonly ids: readonly InstrumentId[];
  readonly why: Parameters<MarketFeed['hold']>[1];
  release: (() => void) | undefined;
}

export function relayFeed(clock: Clock): RelayFeed {
  const listeners = new Set<(tick: FeedTick) => void>();
  const holds = new Set<Hold>();
  let target: MarketFeed | undefined;
  let deaf: (() => void) | undefined;

  const feed: MarketFeed = {
    nowMs: () => target?.nowMs() ?? clock.wallMs(),
    run: () => target?.run() ?? 1,
    instruments: () => target?.instruments() ?? [],
    carries: (id) => target?.carries(id) ?? false,
    follow: async (ids) => target?.follow(ids),
    hold(ids, why) {
      const hold: Hold = { ids, why, release: target?.hold(ids, why) };
      holds.add(hold);
      return () => {
        holds.delete(hold);
        hold.release?.();
      };
    },
    quote: (id) => target?.quote(id),
    depth: async (id) => target?.depth(id),
    phase: (id) => target?.phase(id),
    finest: (id) => target?.finest(id),
    bars: async (query) => (await target?.bars(query)) ?? [],
    onTick(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return {
    feed,
    to(next) {
      deaf?.();
      for (const hold of holds) hold.release?.();
      target = next;
      for (const hold of holds) hold.release = next?.hold(hold.ids, hold.why);
      deaf = next?.onTick((tick) => {
        for (const listener of listeners) {
          try {
            listener(tick);
          } catch {
            // One of many that hear it; who throws has an alarm of its own.
          }
        }
      });
    },
  };
}
