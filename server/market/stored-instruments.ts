/** Instruments that brokers list, read from the database as they are asked for, the latest kept decoded. */
import { BUILT_IN_DIRECTORY, type InstrumentId } from '#domain/instrument.ts';
import { INSTRUMENT_CANDIDATES_MAX, INSTRUMENTS_CACHED_MAX } from '#limits.ts';
import type { BrokerListing } from '#ports.ts';
import type { ListedInstruments } from './instrument-book.ts';
import { decodeListing } from './instrument-facts.ts';
import type { InstrumentTable, StoredListing } from './instrument-table.ts';

/** One broker's list: what an adapter looks its instruments up in. */
export interface ListingDirectory {
  /** Those that have left the list too. */
  byId(id: InstrumentId): BrokerListing | undefined;
  /** In the list now. */
  bySymbol(brokerSymbol: string): BrokerListing | undefined;
}

export interface StoredInstruments extends ListedInstruments {
  openDirectory(directory: string): ListingDirectory;
  /** A list has changed: what was read of it before no longer counts. */
  changed(): void;
}

export function storedInstruments(table: InstrumentTable): StoredInstruments {
  const cache = new Map<string, readonly BrokerListing[]>();

  function cached(key: string, read: () => readonly StoredListing[]): readonly BrokerListing[] {
    const known = cache.get(key);
    // The latest asked for is the last to go.
    if (known) cache.delete(key);
    const found =
      known ?? read().map(({ facts, broker_symbol: brokerSymbol }) => decodeListing(facts, brokerSymbol));
    cache.set(key, found);
    if (cache.size > INSTRUMENTS_CACHED_MAX) {
      const [oldest] = cache.keys();
      if (oldest !== undefined) cache.delete(oldest);
    }
    return found;
  }
  const one = (found: StoredListing | undefined): readonly StoredListing[] =>
    found === undefined ? [] : [found];
  const listingOf = (id: InstrumentId): BrokerListing | undefined =>
    cached(`id ${id}`, () => one(table.byId(id)))[0];
  const decoded = (rows: readonly StoredListing[]) =>
    rows.map(({ facts, broker_symbol }) => decodeListing(facts, broker_symbol).instrument);

  function bySymbol(symbol: string, scopes: readonly string[]) {
    return scopes.flatMap((scope) =>
      cached(`symbol ${scope} ${symbol}`, () => table.bySymbol(scope, symbol)).map(
        ({ instrument }) => instrument,
      ),
    );
  }

  return {
    byId: (id) => listingOf(id)?.instrument,
    bySymbol,
    near(given, scopes) {
      const upper = given.trim().toUpperCase();
      const words = wordsOf(given);
      return decoded([
        ...table.withWords(scopes, words, INSTRUMENT_CANDIDATES_MAX),
        ...scopes.flatMap((scope) => [
          ...table.bySymbol(scope, upper),
          ...table.beginning(scope, upper.slice(0, 2), INSTRUMENT_CANDIDATES_MAX),
        ]),
      ]);
    },
    matching(query, scopes) {
      const upper = query.trim().toUpperCase();
      const words = wordsOf(query).filter((word) => word.length > 1);
      const rows = [
        ...scopes.flatMap((scope) => table.bySymbol(scope, query.trim())),
        ...scopes.flatMap((scope) => table.beginning(scope, upper, INSTRUMENT_CANDIDATES_MAX)),
        ...table.withWords(scopes, words, INSTRUMENT_CANDIDATES_MAX),
      ];
      const found = new Map(decoded(rows).map((instrument) => [instrument.id, instrument]));
      return [...found.values()];
    },
    unread: (scopes) =>
      scopes.filter(
        (scope) => scope !== BUILT_IN_DIRECTORY && (table.state(scope)?.refreshedAtMs ?? null) === null,
      ),
    openDirectory: (directory) => ({
      byId(id) {
        const listing = listingOf(id);
        return listing?.instrument.directory === directory ? listing : undefined;
      },
      bySymbol: (brokerSymbol) =>
        cached(`broker ${directory} ${brokerSymbol}`, () =>
          one(table.byBrokerSymbol(directory, brokerSymbol)),
        )[0],
    }),
    changed: () => cache.clear(),
  };
}

/** As the index of words splits them. */
const wordsOf = (given: string): readonly string[] =>
  given
    .slice(0, 80)
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
