/** Alpaca's assets as instruments: US shares and pairs of coins, and how one is found again from what an answer calls it. */
import type { BrokerDirectory } from '#brokers/broker.ts';
import { defineInstrument, type Instrument, instrumentId, SYMBOL_PATTERN } from '#domain/instrument.ts';
import { printable } from '#domain/refusal.ts';
import type { BrokerListing } from '#ports.ts';
import type { AssetPayload } from './wire.ts';

export const DIRECTORY = 'alpaca';
const ID_PREFIX = 'ALPACA:';

/** ISO 10383 codes of the exchanges that Alpaca names. */
const VENUES: Readonly<Record<string, string>> = {
  NASDAQ: 'XNAS',
  NYSE: 'XNYS',
  AMEX: 'XASE',
  ARCA: 'ARCX',
  NYSEARCA: 'ARCX',
  BATS: 'BATS',
  OTC: 'OTCM',
};
/** Nine decimals of a share are the finest Alpaca counts in. */
const FRACTION = '0.000000001';

/** undefined: it is of no kind that is traded here, or has no spelling on our wires. */
export function listingOf(asset: AssetPayload): BrokerListing | undefined {
  if (!SYMBOL_PATTERN.test(asset.symbol) || asset.status !== 'active' || !asset.tradable) return undefined;
  const instrument =
    asset.class === 'crypto' ? coins(asset) : asset.class === 'us_equity' ? share(asset) : undefined;
  if (instrument === undefined) return undefined;
  return {
    instrument,
    brokerSymbol: asset.symbol,
    extra: {
      assetId: asset.id,
      class: asset.class,
      ...(asset.shortable ? { shortable: 'yes' } : {}),
      ...(typeof asset.min_order_size === 'string' ? { minOrderSize: asset.min_order_size } : {}),
    },
  };
}

const nameOf = (asset: AssetPayload): string => printable(asset.name).slice(0, 120) || asset.symbol;

function share(asset: AssetPayload): Instrument {
  const venue = VENUES[asset.exchange];
  return defineInstrument({
    id: `${ID_PREFIX}${asset.symbol}`,
    symbol: asset.symbol,
    name: nameOf(asset),
    assetClass: 'equity',
    currency: 'USD',
    // Below one dollar 0.0001 would do too; a cent is right for every price.
    tick: '0.01',
    lot: asset.fractionable ? FRACTION : '1',
    calendar: 'us-equity',
    timezone: 'America/New_York',
    directory: DIRECTORY,
    ...(venue === undefined ? {} : { venue, aliases: [`${venue}:${asset.symbol}`] }),
  });
}

function coins(asset: AssetPayload): Instrument | undefined {
  const [base, quote] = asset.symbol.split('/');
  const { price_increment: tick, min_trade_increment: lot } = asset;
  if (!base || !quote || typeof tick !== 'string' || typeof lot !== 'string') return undefined;
  return defineInstrument({
    id: `${ID_PREFIX}${asset.symbol}`,
    symbol: asset.symbol,
    name: nameOf(asset),
    assetClass: 'crypto',
    currency: quote,
    base,
    tick,
    lot,
    calendar: 'crypto',
    timezone: 'UTC',
    directory: DIRECTORY,
    venue: 'ALPACA',
    aliases: [`${base}${quote}`, `${base}-${quote}`],
  });
}

/** Longest first: what ends in USDT does not end in a D. */
const QUOTES = ['USDT', 'USDC', 'USD', 'BTC'] as const;

/** What an order, an execution or a position is in; undefined: nothing of the list, an option for example. */
export function findListing(
  directory: BrokerDirectory,
  told: { readonly symbol: string; readonly asset_id?: string | null | undefined },
): BrokerListing | undefined {
  // Positions spell a pair without its slash.
  const pairs = QUOTES.filter(
    (quote) => told.symbol.length > quote.length && told.symbol.endsWith(quote),
  ).map((quote) => `${told.symbol.slice(0, -quote.length)}/${quote}`);
  const isIt = (listing: BrokerListing | undefined): listing is BrokerListing =>
    listing !== undefined &&
    (typeof told.asset_id !== 'string' || listing.extra['assetId'] === told.asset_id);
  for (const symbol of [told.symbol, ...pairs]) {
    const listing = directory.bySymbol(symbol) ?? directory.byId(instrumentId(`${ID_PREFIX}${symbol}`));
    if (isIt(listing)) return listing;
  }
  return undefined;
}
