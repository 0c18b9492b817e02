/** Listings of a broker that exists in tests alone. */
import { defineInstrument, type InstrumentInput } from '#domain/instrument.ts';
import type { BrokerListing } from '#ports.ts';

export function listing(
  symbol: string,
  more: Partial<InstrumentInput> = {},
  extra: BrokerListing['extra'] = {},
): BrokerListing {
  const directory = more.directory ?? 'acme';
  const instrument = defineInstrument({
    id: `${directory.toUpperCase()}:${symbol}`,
    symbol,
    name: `${symbol} Incorporated`,
    assetClass: 'equity',
    currency: 'USD',
    tick: '0.01',
    lot: '1',
    calendar: 'us-equity',
    timezone: 'America/New_York',
    aliases: [],
    ...more,
    directory,
  });
  return { instrument, brokerSymbol: symbol, extra };
}

/** Pages of a list, one after the other. */
export async function* pages(
  ...lists: readonly (readonly BrokerListing[])[]
): AsyncGenerator<readonly BrokerListing[]> {
  for (const page of lists) yield page;
}
