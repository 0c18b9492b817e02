/** What the exchange lists, as instruments: the steps of prices and sizes are its own, the calendar is one of ours. */
import { defineInstrument, SYMBOL_PATTERN } from '#domain/instrument.ts';
import type { BrokerListing } from '#ports.ts';
import type { Api } from './api.ts';
import { instrumentOf, marketsPayload } from './wire.ts';

export const DIRECTORY = 'example';
const LISTINGS_PER_PAGE = 1_000;

export async function* listings(api: Api): AsyncIterable<readonly BrokerListing[]> {
  const all = await api.read(marketsPayload, '/markets');
  for (let from = 0; from < all.length; from += LISTINGS_PER_PAGE)
    yield all.slice(from, from + LISTINGS_PER_PAGE).flatMap((one) => listingOf(one) ?? []);
}

/** undefined: it has no spelling on our wires, or no step that is one. */
export function listingOf(market: {
  readonly symbol: string;
  readonly tick: string;
  readonly lot: string;
}): BrokerListing | undefined {
  const { symbol, tick, lot } = market;
  const [base, currency] = symbol.split('-');
  if (!base || !currency || !SYMBOL_PATTERN.test(symbol)) return undefined;
  if (/^[0.]+$|^-/.test(tick) || /^[0.]+$|^-/.test(lot)) return undefined;
  const instrument = defineInstrument({
    id: instrumentOf(symbol),
    symbol,
    name: `${base} in ${currency}`,
    assetClass: 'crypto',
    currency,
    base,
    tick,
    lot,
    calendar: 'crypto',
    timezone: 'UTC',
    directory: DIRECTORY,
    venue: 'EXAMPLE',
  });
  return { instrument, brokerSymbol: symbol, extra: {} };
}
