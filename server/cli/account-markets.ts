/** What each account trades on: the tape, its own broker's market, the market of another account, or a public one. */
import { PAPER_MARKET_TAPE, paperMarketOf } from '#brokers/paper/settings.ts';
import { BUILT_IN_DIRECTORY } from '#domain/instrument.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Markets } from '#market/markets.ts';
import { type RelayFeed, relayFeed } from '#market/relay-feed.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { BrokerMarket, Clock, MarketFeed } from '#ports.ts';
import type { AccountRecord } from '#store/accounts.ts';
import type { AccountMarkets } from './account-connections.ts';
import { scopesOf } from './account-scopes.ts';
import { type LiveMarket, openLiveMarkets } from './live-markets.ts';
import type { Office } from './office.ts';

export interface MarketParts {
  readonly tape: TapeFeed;
  readonly markets: Markets;
  /** Lets everything that waits go first. */
  readonly turn: () => Promise<void>;
  /** The market of an exchange that needs no account there; throws with one sentence where there is none. */
  readonly openPublic: (exchange: string) => BrokerMarket & { readonly directory: string; close(): void };
}

export interface RunningMarkets extends AccountMarkets {
  /** Lists and feeds that are open, by the name of their account or exchange. */
  live(): ReadonlyMap<string, LiveMarket>;
  stop(): void;
}

export function openAccountMarkets(office: Office, parts: MarketParts): RunningMarkets {
  const { tape, markets, turn } = parts;
  const lives = openLiveMarkets(office, turn);
  /** By the account whose broker it is, or `public:<exchange>`. */
  const open = new Map<string, LiveMarket>();
  /** What stands for an account's market, open or not: those that trade on it keep it while its broker comes and goes. */
  const relayOf = relays(office.clock);
  const directoryOf = (id: AccountId): string => scopesOf(office, [id])[0] ?? BUILT_IN_DIRECTORY;

  function publicMarket(exchange: string): LiveMarket {
    const name = `public:${exchange}`;
    const known = open.get(name);
    if (known) return known;
    const market = parts.openPublic(exchange);
    const live = lives.open(market, market.directory, { name });
    const made = {
      ...live,
      stop() {
        live.stop();
        market.close();
      },
    };
    open.set(name, made);
    // Nobody has to connect anything first.
    made.list.connected();
    return made;
  }
  /** What a paper account is quoted by. */
  function ofPaper(
    account: AccountRecord,
  ): Result<{ readonly feed: TapeFeed | MarketFeed; readonly directory: string }, string> {
    const source = paperMarketOf(account.settings);
    switch (source.kind) {
      case PAPER_MARKET_TAPE: {
        const { currency } = tape.tape.instrument;
        return account.currency === currency
          ? ok({ feed: tape, directory: BUILT_IN_DIRECTORY })
          : err(`it holds ${account.currency}, and the tape is in ${currency}.`);
      }
      case 'live': {
        const id = accountId(source.account);
        const directory = directoryOf(id);
        return directory === BUILT_IN_DIRECTORY
          ? err(`the account ${source.account}, on whose prices it trades, has none of its own.`)
          : ok({ feed: relayOf(id).feed, directory });
      }
      case 'public':
        try {
          return ok(publicMarket(source.exchange));
        } catch (cause) {
          return err(cause instanceof Error ? cause.message : String(cause));
        }
    }
  }

  return {
    directory: ({ id }) => office.listed.openDirectory(directoryOf(id)),
    feedOf(account) {
      if (account.broker !== 'paper') {
        const directory = directoryOf(account.id);
        // While its market is not open it has no prices, and never the tape's.
        if (directory !== BUILT_IN_DIRECTORY)
          markets.add(account.id, { feed: relayOf(account.id).feed, directory });
        return ok(undefined);
      }
      const found = ofPaper(account);
      if (!found.ok) return found;
      if (found.value.feed !== tape) markets.add(account.id, found.value);
      return ok(found.value.feed);
    },
    opened(account, adapter) {
      const directory = directoryOf(account.id);
      if (adapter.market === undefined || directory === BUILT_IN_DIRECTORY) return;
      const live = lives.open(adapter.market, directory, { name: account.id, account: account.id });
      open.set(account.id, live);
      relayOf(account.id).to(live.feed);
      adapter.onEvents((events) => {
        if (events.some((event) => event.kind === 'connection' && event.connected)) live.list.connected();
      });
    },
    closed(id) {
      relayOf(id).to(undefined);
      open.get(id)?.stop();
      open.delete(id);
      markets.remove(id);
    },
    live: () => open,
    stop() {
      for (const live of open.values()) live.stop();
      open.clear();
    },
  };
}

function relays(clock: Clock): (id: AccountId) => RelayFeed {
  const made = new Map<AccountId, RelayFeed>();
  return (id) => {
    const relay = made.get(id) ?? relayFeed(clock);
    made.set(id, relay);
    return relay;
  };
}
