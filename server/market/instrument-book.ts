/** The book that turns what was written into one instrument or a refusal: the built-in ones, and what brokers list. */
import { type Instrument, type InstrumentId, instrumentId } from '#domain/instrument.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { SEARCH_RESULTS_MAX, SUGGESTIONS_MAX } from '#limits.ts';
import { ranked, suggestions } from './matching.ts';
import { otherSpellings } from './symbols/spellings.ts';

export interface InstrumentBook {
  /** Those that ship with the product. */
  builtIn(): readonly Instrument[];
  /** Those too that have left their broker's list: orders and positions in them outlive it. */
  byId(id: InstrumentId): Instrument | undefined;
  /**
   * In these lists together. An exact instrument id is always taken. Exact canonical symbol only: the case and the spelling of a
   * symbol are never repaired, because another spelling may be another instrument. Refuses `unknown_symbol` with did_you_mean, or
   * `ambiguous_symbol` with the ids that share the spelling.
   */
  resolve(symbol: string, scopes: readonly string[]): Result<Instrument, Refusal>;
  /** Best match first: symbol, then alias, then name; exact before beginning before middle. An empty query lists all. */
  search(query: string, limit: number, scopes: readonly string[]): readonly Instrument[];
}

/** Instruments of many lists, looked into and never listed whole. */
export interface ListedInstruments {
  byId(id: InstrumentId): Instrument | undefined;
  /** In these lists now, written exactly so. */
  bySymbol(symbol: string, scopes: readonly string[]): readonly Instrument[];
  /** Some that a misspelt symbol may have meant; a bounded number. */
  near(given: string, scopes: readonly string[]): readonly Instrument[];
  /** Some that match what is searched for, the likeliest among them; a bounded number. */
  matching(query: string, scopes: readonly string[]): readonly Instrument[];
  /** Those of these lists that were never read from their broker: nothing can be found in them yet. */
  unread(scopes: readonly string[]): readonly string[];
}

/** Throws RangeError when two of the built-in instruments share an id. */
export function instrumentBook(
  instruments: readonly Instrument[],
  listed?: ListedInstruments,
): InstrumentBook {
  const builtIn = inMemory(instruments);
  const lists = listed === undefined ? [builtIn] : [builtIn, listed];
  const among = (find: (list: ListedInstruments) => readonly Instrument[]): readonly Instrument[] =>
    lists.flatMap(find);

  function byId(id: InstrumentId): Instrument | undefined {
    return builtIn.byId(id) ?? listed?.byId(id);
  }
  /** What others write so comes before what merely looks like it. */
  function meant(symbol: string, scopes: readonly string[]): readonly string[] {
    const spelled = otherSpellings(symbol).flatMap((one) => among((list) => list.bySymbol(one, scopes)));
    const near = suggestions(
      among((list) => list.near(symbol, scopes)),
      symbol,
    );
    return [...new Set([...spelled.map((one) => one.symbol), ...near])].slice(0, SUGGESTIONS_MAX);
  }
  return {
    builtIn: () => instruments,
    byId,
    resolve(symbol, scopes) {
      const exact = symbol.includes(':') ? byId(instrumentId(symbol)) : undefined;
      if (exact && scopes.includes(exact.directory)) return ok(exact);
      const found = among((list) => list.bySymbol(symbol, scopes));
      const [first] = found;
      if (first && found.length === 1) return ok(first);
      return err(
        first ? ambiguous(symbol, found) : unknown(symbol, meant(symbol, scopes), listed?.unread(scopes)),
      );
    },
    search: (query, limit, scopes) =>
      ranked(
        among((list) => list.matching(query, scopes)),
        query,
      ).slice(0, Math.min(limit, SEARCH_RESULTS_MAX)),
  };
}

const shown = (symbol: string): string => printable(symbol).slice(0, 40);

function ambiguous(symbol: string, found: readonly Instrument[]): Refusal {
  const ids = found.map((one) => one.id);
  const detail = `The symbol ${shown(symbol)} names ${ids.length} instruments (${ids.join(', ')}); say which by its id.`;
  return refuse('ambiguous_symbol', detail, { did_you_mean: ids });
}

function unknown(symbol: string, nearest: readonly string[], unread: readonly string[] = []): Refusal {
  const hint =
    nearest.length > 0
      ? `did you mean ${nearest.join(' or ')}?`
      : unread.length > 0
        ? notReadYet(unread)
        : 'search_instruments lists them.';
  const detail = `No instrument is written exactly "${shown(symbol)}"; ${hint}`;
  return refuse('unknown_symbol', detail, nearest.length > 0 ? { did_you_mean: nearest } : {});
}

/** Whoever reads this can wait; only the owner can mend what stands in the way. */
const notReadYet = (lists: readonly string[]): string =>
  `the list of instruments of ${lists.join(' and ')} has not been read yet, so nothing in it can be traded. Try again in a minute; if it stays so, tell the owner: \`portcullis market status\` says why.`;

/** So few that each is looked at. */
function inMemory(instruments: readonly Instrument[]): ListedInstruments {
  const byId = new Map(instruments.map((one) => [one.id, one]));
  if (byId.size !== instruments.length) throw new RangeError('two instruments share an id');
  const within = (scopes: readonly string[]): readonly Instrument[] =>
    instruments.filter(({ directory }) => scopes.includes(directory));
  return {
    byId: (id) => byId.get(id),
    bySymbol: (symbol, scopes) => within(scopes).filter((one) => one.symbol === symbol),
    near: (_given, scopes) => within(scopes),
    matching: (_query, scopes) => within(scopes),
    unread: () => [],
  };
}
