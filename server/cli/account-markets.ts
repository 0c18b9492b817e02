/** What accounts trade on when no broker's market is open: the tape, and the built-in list of instruments. */
import { err, ok } from '#domain/result.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { AccountMarkets } from './account-connections.ts';

export const tapeMarkets = (feed: TapeFeed): AccountMarkets => ({
  directory: () => ({ byId: () => undefined, bySymbol: () => undefined }),
  feedOf(account) {
    if (account.broker !== 'paper') return ok(undefined);
    const { currency } = feed.tape.instrument;
    return account.currency === currency
      ? ok(feed)
      : err(`it holds ${account.currency}, and the tape is in ${currency}.`);
  },
  opened: () => undefined,
  closed: () => undefined,
});
