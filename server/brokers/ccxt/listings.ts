/** Markets of ccxt as listings: coins against a currency and linear perpetuals, with the steps, bounds and fees of each. */
import {
  defineInstrument,
  type Instrument,
  type InstrumentId,
  instrumentId,
  SYMBOL_PATTERN,
} from '#domain/instrument.ts';
import type { BrokerListing } from '#ports.ts';
import { plainDecimal } from './decimals.ts';
import type { AccountKind } from './facts.ts';
import type { CcxtMarket, Figure } from './types.ts';

/** How ccxt says how fine prices and amounts are (`precisionMode`). */
const DECIMAL_PLACES = 2;
const TICK_SIZE = 4;

export const directoryOf = (exchange: string, testnet: boolean): string =>
  `ccxt:${exchange}${testnet ? ':testnet' : ''}`;

/** Exchanges of ccxt with an adapter of their own here, whose ids begin so already. */
const OWN_ADAPTER = /^ccxt:alpaca\b/;

export function idOf(directory: string, symbol: string): InstrumentId {
  const list = OWN_ADAPTER.test(directory) ? directory : directory.slice('ccxt:'.length);
  return instrumentId(`${list.replaceAll(':', '-').toUpperCase()}:${symbol}`);
}

export const kindOf = (instrument: Instrument): AccountKind =>
  instrument.assetClass === 'perpetual' ? 'swap' : 'spot';

export interface ListingContext {
  readonly directory: string;
  readonly exchange: string;
  readonly precisionMode: number;
}

/** undefined: neither a coin nor a linear perpetual, not traded now, or without a step that could be kept. */
export function listingOf(market: CcxtMarket, context: ListingContext): BrokerListing | undefined {
  const { symbol } = market;
  const isSpot = market.spot === true || market.type === 'spot';
  const isPerpetual = (market.swap === true || market.type === 'swap') && market.linear === true;
  if (!(isSpot || isPerpetual) || market.active === false || !SYMBOL_PATTERN.test(symbol)) return undefined;
  const tick = stepOf(market.precision.price, context.precisionMode);
  const lot = stepOf(market.precision.amount, context.precisionMode);
  const multiplier = isPerpetual ? positive(market.contractSize) : '1';
  if (tick === undefined || lot === undefined || multiplier === undefined) return undefined;
  const minNotional = positive(market.limits.cost?.min);
  const settle = market.settle ?? market.quote;
  const instrument = defineInstrument({
    id: idOf(context.directory, symbol),
    symbol,
    name: isSpot ? `${market.base} in ${market.quote}` : `${market.base} perpetual in ${settle}`,
    assetClass: isSpot ? 'crypto' : 'perpetual',
    currency: market.quote,
    ...(isSpot ? { base: market.base } : {}),
    tick,
    lot,
    multiplier,
    ...(minNotional === undefined ? {} : { minNotional }),
    calendar: 'crypto',
    timezone: 'UTC',
    directory: context.directory,
    venue: context.exchange,
    ...(isPerpetual ? { contract: { underlying: `${market.base}/${market.quote}`, settle } } : {}),
  });
  return { instrument, brokerSymbol: symbol, extra: extraOf(market) };
}

/** What an order is held against besides its steps, and what it costs. */
function extraOf(market: CcxtMarket): Readonly<Record<string, string>> {
  const said = {
    qty_min: positive(market.limits.amount?.min),
    qty_max: positive(market.limits.amount?.max),
    price_min: positive(market.limits.price?.min),
    price_max: positive(market.limits.price?.max),
    maker: plainDecimal(market.maker),
    taker: plainDecimal(market.taker),
  };
  return Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** Significant digits are no step: how fine a price may be depends on its size, which only the exchange then says. */
function stepOf(figure: Figure, mode: number): string | undefined {
  const text = plainDecimal(figure);
  if (text === undefined) return undefined;
  if (mode === TICK_SIZE) return positive(text);
  if (mode !== DECIMAL_PLACES || !/^\d{1,2}$/.test(text)) return undefined;
  const places = Number(text);
  return places === 0 ? '1' : places <= 18 ? `0.${'0'.repeat(places - 1)}1` : undefined;
}

function positive(figure: Figure): string | undefined {
  const text = plainDecimal(figure);
  return text !== undefined && !text.startsWith('-') && /[1-9]/.test(text) ? text : undefined;
}
