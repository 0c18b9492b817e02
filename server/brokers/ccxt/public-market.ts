/** The prices of an exchange without an account there: what `public:<exchange>` is quoted by. */
import type { Clock } from '#ports.ts';
import { openExchange } from './exchange.ts';
import { directoryOf } from './listings.ts';
import { type ExchangeMarket, openMarket } from './market.ts';

export interface PublicMarket extends ExchangeMarket {
  /** The list that its instruments are in, the same as that of a live account there. */
  readonly directory: string;
}

export interface PublicMarketOptions {
  /** A simulator or a proxy on loopback in place of the exchange. */
  readonly endpoints?: { readonly rest: string; readonly stream?: string | undefined };
}

/** Throws with one sentence when there is no such exchange. Loads it, which takes a fifth of a second the first time. */
export function openPublicMarket(
  exchangeId: string,
  clock: Clock,
  options: PublicMarketOptions = {},
): PublicMarket {
  const exchange = openExchange({
    exchange: exchangeId,
    kind: 'spot',
    testnet: false,
    credentials: {},
    endpoints: options.endpoints,
    clock,
  });
  const directory = directoryOf(exchangeId, false);
  const market = openMarket(exchange, directory, clock);
  return { ...market, directory };
}
