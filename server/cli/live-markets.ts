/** Live markets while an engine runs: a feed for each, its list of instruments kept fresh, and its silences on the record. */
import type { JsonValue } from '#audit/event.ts';
import type { AccountId } from '#domain/principal.ts';
import { openBarStore } from '#market/bar-store.ts';
import { type DirectoryKeeper, type RefreshOutcome, shareDirectories } from '#market/directory-refresh.ts';
import { type LiveFeed, openLiveFeed } from '#market/live-feed.ts';
import type { StreamNews } from '#market/stream-watch.ts';
import type { BrokerMarket } from '#ports.ts';
import { StoreUnavailable } from '#store/open.ts';
import type { Office } from './office.ts';

export interface LiveMarket {
  readonly feed: LiveFeed;
  readonly directory: string;
  readonly list: DirectoryKeeper;
  stop(): void;
}

export interface LiveMarkets {
  /** `of`: whose market it is, as the record and the owner's messages name it. */
  open(
    market: BrokerMarket,
    directory: string,
    of: { readonly name: string; readonly account?: AccountId },
  ): LiveMarket;
}

type Books = Pick<Office, 'store' | 'clock' | 'audit' | 'listings' | 'listed'>;

export function openLiveMarkets(office: Books, turn: () => Promise<void>): LiveMarkets {
  const { store, clock, audit, listings, listed } = office;
  const bars = openBarStore(store, clock);

  /** How often in a row each list could not be read. */
  const failures = new Map<string, number>();

  function recordRefresh({ kind, directory, ...outcome }: RefreshOutcome): void {
    const times = kind === 'failed' ? (failures.get(directory) ?? 0) + 1 : 0;
    failures.set(directory, times);
    audit.record({
      kind: `directory.${kind}`,
      outcome: kind === 'refreshed' ? 'ok' : 'error',
      detail: { directory, ...outcome, ...(times === 0 ? {} : { times }) },
    });
  }
  function recordNews(name: string, account: AccountId | undefined, news: StreamNews): void {
    const detail: Record<string, JsonValue> = {
      source: name,
      silent_s: Math.round(news.silentMs / 1_000),
      ...(news.kind === 'reopened' ? { tries: news.tries } : {}),
    };
    const event = {
      kind: `feed.${news.kind}`,
      outcome: news.kind === 'back' ? ('ok' as const) : ('error' as const),
      ...(account === undefined ? {} : { account }),
      detail,
    };
    try {
      store.transaction(() => audit.record(event));
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause;
      audit.recordDeferred(event);
    }
  }

  const keeperOf = shareDirectories({
    store,
    table: listings,
    clock,
    turn,
    changed: () => listed.changed(),
    record: recordRefresh,
  });
  return {
    open(market, directory, { name, account }) {
      const feed = openLiveFeed({
        market,
        directory: listed.openDirectory(directory),
        clock,
        bars: bars.sourceOf(market),
        onNews: (news) => recordNews(name, account, news),
      });
      const list = keeperOf({ directory, market });
      feed.start();
      return {
        feed,
        directory,
        list,
        stop() {
          feed.stop();
          list.stop();
        },
      };
    },
  };
}
