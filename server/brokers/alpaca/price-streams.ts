/** Alpaca's two streams of prices as one: shares come from the feed of the owner's plan, coins from Alpaca's own exchange. */
import type { BrokerListing, Clock } from '#ports.ts';
import { openPriceStream, type PriceStream, type PriceStreamOptions } from './price-stream.ts';
import type { AlpacaCredentials, DataFeed, Hosts } from './settings.ts';

/** Where everything about coins is, on the stream and over HTTP. */
export const COINS = '/v1beta3/crypto/us';
export const isCoin = (listing: BrokerListing): boolean => listing.instrument.assetClass === 'crypto';

export interface PriceStreamsOptions {
  readonly hosts: Hosts;
  readonly credentials: AlpacaCredentials;
  readonly dataFeed: DataFeed;
  readonly clock: Clock;
  /** null: nothing is amiss with either. */
  readonly onTrouble: (why: string | null) => void;
}

export interface PriceStreams {
  follow(listings: readonly BrokerListing[]): void;
  /** Of two that are needed that of the one which has been silent longer. */
  heardAtMs(): number | undefined;
  reopen(why: string): void;
  close(): void;
}

export function openPriceStreams(
  { hosts, credentials, dataFeed, clock, onTrouble }: PriceStreamsOptions,
  onQuote: PriceStreamOptions['onQuote'],
  onTrade: PriceStreamOptions['onTrade'],
): PriceStreams {
  const troubles: { shares: string | null; coins: string | null } = { shares: null, coins: null };
  const open = (of: keyof typeof troubles, path: string): PriceStream =>
    openPriceStream({
      url: `${hosts.priceStreams}${path}`,
      credentials,
      clock,
      onQuote,
      onTrade,
      onTrouble(why) {
        troubles[of] = why;
        onTrouble(troubles.shares ?? troubles.coins);
      },
    });
  const shares = open('shares', `/v2/${dataFeed}`);
  const coins = open('coins', COINS);
  const both = [shares, coins];

  return {
    follow(listings) {
      const symbols = (ofCoins: boolean) =>
        new Set(listings.filter((one) => isCoin(one) === ofCoins).map((one) => one.brokerSymbol));
      shares.follow(symbols(false));
      coins.follow(symbols(true));
    },
    heardAtMs() {
      const heard = both.filter((one) => one.isNeeded()).map((one) => one.heardAtMs());
      const known = heard.filter((one) => one !== undefined);
      return heard.length === 0 || known.length < heard.length ? undefined : Math.min(...known);
    },
    reopen: (why) => {
      for (const one of both) one.reopen(why);
    },
    close: () => {
      for (const one of both) one.close();
    },
  };
}
