/** What can be traded: identity, steps, currency and calendar, and the ways its symbol is written. */
import { INSTRUMENT_NAME_LENGTH_MAX } from '#limits.ts';
import { isMultipleOf, type Price, price, type Quantity, quantity, type Ratio, ratio } from './decimal.ts';
import { excerpt } from './refusal.ts';

declare const instrumentBrand: unique symbol;
/** Stable identity, `VENUE:SYMBOL`; a symbol may be written in several ways, an id in one. */
export type InstrumentId = string & { readonly [instrumentBrand]: true };
export const instrumentId = (id: string): InstrumentId => id as InstrumentId;

/** `perpetual`: a linear crypto perpetual, which is held on margin; `crypto`: the coin itself. */
export const ASSET_CLASSES = ['equity', 'index', 'crypto', 'fx', 'perpetual', 'future', 'option'] as const;
export type AssetClass = (typeof ASSET_CLASSES)[number];

export interface Instrument {
  readonly id: InstrumentId;
  /** Canonical spelling on our wires: ASCII `[A-Za-z0-9._:/ -]{1,40}`. */
  readonly symbol: string;
  readonly name: string;
  readonly assetClass: AssetClass;
  /** ISO 4217 code, or the asset code of a crypto quote currency. */
  readonly currency: string;
  /** The asset that is held (crypto and fx), e.g. BTC; undefined for shares and indices. */
  readonly base?: string;
  readonly tick: Price;
  readonly lot: Quantity;
  readonly multiplier: Ratio;
  /** Smallest value of an order in `currency`; undefined: none. */
  readonly minNotional?: Price;
  /** Name of the trading calendar (`market/`). */
  readonly calendar: string;
  /** IANA zone of its venue: the zone of its trading dates. */
  readonly timezone: string;
  /** `paper`: tradable on paper only; the note says why. */
  readonly tradable: 'everywhere' | 'paper';
  readonly note?: string;
  /** Other spellings that are recognised in suggestions, never silently replaced. */
  readonly aliases: readonly string[];
  /** Whose list it is from: `built-in`, or a broker's (`alpaca`, `zerodha`, `ccxt:kraken`). Positions and quotes of two lists never mix. */
  readonly directory: string;
  /** Where it trades: an ISO 10383 MIC (XNAS, XNSE), or the exchange's own name for crypto. Absent where there is none. */
  readonly venue?: string;
  readonly isin?: string;
  /** Of a derivative. Dates are YYYY-MM-DD in the venue's zone. */
  readonly contract?: Contract;
}

export interface Contract {
  /** The symbol it is derived from, in this directory's spelling where it lists it. */
  readonly underlying: string;
  /** What it is settled in (perpetuals): the account must hold it. */
  readonly settle?: string;
  readonly expiry?: string;
  readonly strike?: Price;
  readonly right?: 'call' | 'put';
}

export const BUILT_IN_DIRECTORY = 'built-in';

export const SYMBOL_PATTERN = /^[A-Za-z0-9._:/ -]{1,40}$/;

export interface InstrumentInput
  extends Omit<
    Instrument,
    'id' | 'tick' | 'lot' | 'multiplier' | 'minNotional' | 'aliases' | 'tradable' | 'directory' | 'contract'
  > {
  readonly id: string;
  readonly tick: string;
  readonly lot: string;
  readonly multiplier?: string;
  readonly minNotional?: string;
  readonly aliases?: readonly string[];
  readonly tradable?: 'everywhere' | 'paper';
  /** `built-in` when absent. */
  readonly directory?: string;
  readonly contract?: Omit<Contract, 'strike'> & { readonly strike?: string };
}

/** Builds an instrument from decimal strings; throws RangeError when a step is not positive or the symbol malformed. */
export function defineInstrument(input: InstrumentInput): Instrument {
  const { minNotional, contract, ...rest } = input;
  const built: Instrument = {
    ...rest,
    name: words(input.name),
    id: instrumentId(input.id),
    tick: price(input.tick),
    lot: quantity(input.lot),
    multiplier: ratio(input.multiplier ?? '1'),
    tradable: input.tradable ?? 'everywhere',
    aliases: (input.aliases ?? []).map(words),
    directory: input.directory ?? BUILT_IN_DIRECTORY,
    ...(minNotional === undefined ? {} : { minNotional: price(minNotional) }),
    ...(contract === undefined ? {} : { contract: contractFrom(contract) }),
  };
  if (!SYMBOL_PATTERN.test(built.symbol)) throw new RangeError(`malformed symbol ${built.symbol}`);
  if (built.tick.lte('0') || built.lot.lte('0') || built.multiplier.lte('0')) {
    throw new RangeError(`${built.symbol}: tick, lot and multiplier are positive`);
  }
  return built;
}

/** A broker's own, which agents read. */
const words = (given: string): string => excerpt(given, INSTRUMENT_NAME_LENGTH_MAX);

function contractFrom({ strike, ...given }: NonNullable<InstrumentInput['contract']>): Contract {
  const rest = { ...given, underlying: words(given.underlying) };
  return strike === undefined ? rest : { ...rest, strike: price(strike) };
}

/** The currency that its value is counted and paid in: of a perpetual what it is settled in. */
export const pricedIn = ({ currency, contract }: Instrument): string => contract?.settle ?? currency;

export const isOnTick = (at: Price, instrument: Instrument): boolean => isMultipleOf(at, instrument.tick);
export const isOnLot = (of: Quantity, instrument: Instrument): boolean => isMultipleOf(of, instrument.lot);
