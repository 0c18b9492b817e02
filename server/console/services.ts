/** What the console's pages may reach: the owner's acts and looks, handed in by compose. */
import type { Access } from '#access/access.ts';
import type { InstrumentBook } from '#market/master.ts';
import type { Clock, MarketFeed } from '#ports.ts';
import type { Trading } from '#trading/open.ts';

/** How a host on this machine starts the stdio door. */
export interface StdioLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ConsoleServices {
  readonly access: Access;
  readonly trading: Trading;
  readonly book: InstrumentBook;
  readonly feed: MarketFeed;
  readonly clock: Clock;
  readonly version: string;
  /** IANA zone of the gateway (PORTCULLIS_TIMEZONE). */
  readonly timezone: string;
  readonly stdio: StdioLaunch;
}
