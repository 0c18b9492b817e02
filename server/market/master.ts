/** The built-in master of instruments, and the book that turns what was written into one instrument or a refusal. */
import { defineInstrument, type Instrument, type InstrumentId, instrumentId } from '#domain/instrument.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { SEARCH_RESULTS_MAX, SUGGESTIONS_MAX } from '#limits.ts';
import { editDistance } from './edit-distance.ts';

/** Steps as the venues publish them: cents for US shares, 0.05 rupee at NSE, tenths of a pip at OANDA, 1e-8 coin at Coinbase. */
export const BUILT_IN: readonly Instrument[] = [
  defineInstrument({
    id: 'INDEX:SPX',
    symbol: 'SPX',
    name: 'S&P 500 Index',
    assetClass: 'index',
    currency: 'USD',
    tick: '0.01',
    lot: '1',
    calendar: 'tape',
    timezone: 'America/New_York',
    tradable: 'paper',
    note: 'An index can not be bought; it is practised on, on paper only.',
    aliases: ['^GSPC', '^SPX', 'GSPC', 'S&P 500', 'S&P500', 'SP500', 'SPX500', 'US500', 'INX'],
  }),
  defineInstrument({
    id: 'CRYPTO:BTC/USD',
    symbol: 'BTC/USD',
    name: 'Bitcoin in US dollars',
    assetClass: 'crypto',
    currency: 'USD',
    base: 'BTC',
    tick: '0.01',
    lot: '0.00000001',
    minNotional: '1',
    calendar: 'crypto',
    timezone: 'UTC',
    aliases: ['BTCUSD', 'BTC-USD', 'BTC_USD', 'XBT/USD', 'XBTUSD', 'BTC', 'BITCOIN'],
  }),
  defineInstrument({
    id: 'CRYPTO:ETH/USD',
    symbol: 'ETH/USD',
    name: 'Ether in US dollars',
    assetClass: 'crypto',
    currency: 'USD',
    base: 'ETH',
    tick: '0.01',
    lot: '0.00000001',
    minNotional: '1',
    calendar: 'crypto',
    timezone: 'UTC',
    aliases: ['ETHUSD', 'ETH-USD', 'ETH_USD', 'ETH', 'ETHEREUM'],
  }),
  defineInstrument({
    id: 'ARCX:SPY',
    symbol: 'SPY',
    name: 'SPDR S&P 500 ETF Trust',
    assetClass: 'equity',
    currency: 'USD',
    tick: '0.01',
    lot: '1',
    calendar: 'us-equity',
    timezone: 'America/New_York',
    aliases: ['SPY.US', 'ARCA:SPY', 'NYSEARCA:SPY'],
  }),
  defineInstrument({
    id: 'XNAS:AAPL',
    symbol: 'AAPL',
    name: 'Apple Inc.',
    assetClass: 'equity',
    currency: 'USD',
    tick: '0.01',
    lot: '1',
    calendar: 'us-equity',
    timezone: 'America/New_York',
    aliases: ['AAPL.US', 'NASDAQ:AAPL', 'APPLE'],
  }),
  defineInstrument({
    id: 'FX:EUR/USD',
    symbol: 'EUR/USD',
    name: 'Euro in US dollars',
    assetClass: 'fx',
    currency: 'USD',
    base: 'EUR',
    tick: '0.00001',
    lot: '1',
    calendar: 'fx',
    timezone: 'America/New_York',
    aliases: ['EURUSD', 'EUR-USD', 'EUR_USD', 'EURUSD=X'],
  }),
  defineInstrument({
    id: 'XNSE:YESBANK',
    symbol: 'YESBANK',
    name: 'Yes Bank Limited',
    assetClass: 'equity',
    currency: 'INR',
    tick: '0.05',
    lot: '1',
    calendar: 'tape',
    timezone: 'Asia/Kolkata',
    aliases: ['NSE:YESBANK', 'YESBANK.NS', 'YESBANK-EQ'],
  }),
];

export interface InstrumentBook {
  /** Those that ship with the product. */
  builtIn(): readonly Instrument[];
  /** Those too that have left their broker's list: orders and positions in them outlive it. */
  byId(id: InstrumentId): Instrument | undefined;
  /**
   * In these lists together. An exact instrument id is always taken. Exact canonical symbol only: the case and the spelling of a symbol are never repaired, because another spelling may be
   * another instrument. Refuses `unknown_symbol` with did_you_mean, or `ambiguous_symbol` with the ids that share the spelling.
   */
  resolve(symbol: string, scopes: readonly string[]): Result<Instrument, Refusal>;
  /** Best match first: symbol, then alias, then name; exact before beginning before middle. An empty query lists all. */
  search(query: string, limit: number, scopes: readonly string[]): readonly Instrument[];
}

/** Throws RangeError when two instruments share an id. */
export function instrumentBook(instruments: readonly Instrument[]): InstrumentBook {
  const byId = new Map(instruments.map((one) => [one.id, one]));
  if (byId.size !== instruments.length) throw new RangeError('two instruments share an id');
  const bySymbol = new Map<string, Instrument[]>();
  for (const one of instruments) bySymbol.set(one.symbol, [...(bySymbol.get(one.symbol) ?? []), one]);

  const within = (scopes: readonly string[]): readonly Instrument[] =>
    instruments.filter(({ directory }) => scopes.includes(directory));

  return {
    builtIn: () => instruments,
    byId: (id) => byId.get(id),
    resolve(symbol, scopes) {
      const exact = byId.get(instrumentId(symbol));
      if (exact && scopes.includes(exact.directory)) return ok(exact);
      const found = (bySymbol.get(symbol) ?? []).filter(({ directory }) => scopes.includes(directory));
      const [first] = found;
      if (first && found.length === 1) return ok(first);
      const shown = printable(symbol).slice(0, 40);
      if (first) {
        const ids = found.map((one) => one.id);
        const detail = `The symbol ${shown} names ${ids.length} instruments (${ids.join(', ')}); the owner must rename one before it can be used.`;
        return err(refuse('ambiguous_symbol', detail, { did_you_mean: ids }));
      }
      const nearest = suggestions(within(scopes), symbol);
      const hint =
        nearest.length > 0 ? `did you mean ${nearest.join(' or ')}?` : 'search_instruments lists them.';
      return err(
        refuse(
          'unknown_symbol',
          `No instrument is written exactly "${shown}"; ${hint}`,
          nearest.length > 0 ? { did_you_mean: nearest } : {},
        ),
      );
    },
    search: (query, limit, scopes) =>
      ranked(within(scopes), query).slice(0, Math.min(limit, SEARCH_RESULTS_MAX)),
  };
}

/** Longer text than any symbol is no slip of the finger; measuring it would only cost time. */
const SUGGESTED_LENGTH_MAX = 41;
/** A derivative of a thing is another thing: no spelling of it, so nothing is suggested. */
const DERIVATIVE = /perp|swap|futures?\b|\.p$|=f$|\d!$|\/usd:/;
/** What other vendors put around the same name: a cashtag, the feed's or venue's name, Bloomberg's and Reuters' endings. */
const DECORATION =
  /^\$|^[a-z]{2,10}:|(?:\s+[a-z]{2})?\s+(?:equity|index|curncy)$|\s+us$|\.(?:o|oq|n|us)$|=x$|[-.](?:eq|ns)$/g;

/** Two slips of the finger, in an alias too. */
const SLIPS_MAX = 2.5;

/** Same spelling but for case, then an alias, then one or two slips of the finger; canonical symbols, nearest first. */
function suggestions(instruments: readonly Instrument[], given: string): readonly string[] {
  const wanted = printable(given.slice(0, SUGGESTED_LENGTH_MAX))
    .normalize('NFKC')
    .replace(/\p{Pd}/gu, '-')
    .trim()
    .toLowerCase();
  if (wanted === '' || DERIVATIVE.test(wanted)) return [];
  const bare = wanted.replace(DECORATION, '');
  const isDecorated = bare !== wanted;
  const scored: { symbol: string; distance: number }[] = [];
  for (const one of instruments) {
    const undecorated = isDecorated ? distanceTo(one, bare) + 0.25 : Number.POSITIVE_INFINITY;
    const distance = Math.min(distanceTo(one, wanted), undecorated);
    if (distance <= (wanted.length >= 6 ? SLIPS_MAX : 1.5)) scored.push({ symbol: one.symbol, distance });
  }
  scored.sort((a, b) => a.distance - b.distance);
  const exact = scored.filter((one) => one.distance < 1);
  const chosen = exact.length > 0 ? exact : scored;
  return [...new Set(chosen.map((one) => one.symbol))].slice(0, SUGGESTIONS_MAX);
}

const distanceTo = (one: Instrument, wanted: string): number =>
  Math.min(
    slipsBetween(wanted, one.symbol.toLowerCase()),
    ...one.aliases.map((alias) => slipsBetween(wanted, alias.toLowerCase()) + 0.5),
  );

/** Words that differ more in length than in slips that count are not measured: a call may name dozens of long ones. */
const slipsBetween = (wanted: string, name: string): number =>
  Math.abs(wanted.length - name.length) > SLIPS_MAX ? Number.POSITIVE_INFINITY : editDistance(wanted, name);

function ranked(instruments: readonly Instrument[], query: string): readonly Instrument[] {
  const wanted = query.slice(0, 80).trim().toLowerCase();
  if (wanted === '') return instruments;
  const scored: { one: Instrument; rank: number }[] = [];
  for (const one of instruments) {
    const ranks = [
      rankOf(one.symbol, wanted),
      ...one.aliases.map((alias) => rankOf(alias, wanted) + 0.25),
      rankOf(one.name, wanted) + 0.5,
    ];
    const rank = Math.min(...ranks);
    if (rank < Number.POSITIVE_INFINITY) scored.push({ one, rank });
  }
  return scored.sort((a, b) => a.rank - b.rank).map((entry) => entry.one);
}

/** 0 equal, 1 begins with it, 2 contains it. */
function rankOf(candidate: string, wanted: string): number {
  const at = candidate.toLowerCase();
  if (at === wanted) return 0;
  if (at.startsWith(wanted)) return 1;
  return at.includes(wanted) ? 2 : Number.POSITIVE_INFINITY;
}
