/** The tables `instruments` and `directories`: what each broker lists, with the time for which every row of it held. */
import type { InstrumentId } from '#domain/instrument.ts';
import { INSTRUMENT_CANDIDATES_MAX } from '#limits.ts';
import type { BrokerListing } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { encodeListing } from './instrument-facts.ts';

export interface StoredListing {
  readonly facts: string;
  readonly broker_symbol: string;
}

export interface DirectoryState {
  readonly refreshedAtMs: number | null;
  readonly listed: number;
  /** Why the last try failed. */
  readonly fault: string | null;
}

export interface InstrumentTable {
  byId(id: InstrumentId): StoredListing | undefined;
  bySymbol(directory: string, symbol: string): readonly StoredListing[];
  byBrokerSymbol(directory: string, brokerSymbol: string): StoredListing | undefined;
  /** Their symbol begins so, in the order of symbols. */
  beginning(directory: string, prefix: string, limit: number): readonly StoredListing[];
  /** Rows that have each of these words, the last one perhaps not written to its end. */
  withWords(
    directories: readonly string[],
    words: readonly string[],
    limit: number,
  ): readonly StoredListing[];
  /**
   * Inside a transaction. Opens a row, closing the one that held until now where it differs; gives the key of the row that holds
   * and whether anything was written. Throws RangeError when another directory lists the id.
   */
  list(listing: BrokerListing, atMs: number): { readonly key: number; readonly changed: boolean };
  /** Keys of what is listed now, after a key, ascending. */
  keysNow(directory: string, afterKey: number, limit: number): readonly number[];
  countNow(directory: string): number;
  /** Inside a transaction: it has left the list. */
  close(key: number, atMs: number): void;
  state(directory: string): DirectoryState | undefined;
  /** Every directory that was ever asked for. */
  states(): readonly (DirectoryState & { readonly directory: string })[];
  refreshed(directory: string, atMs: number, listed: number): void;
  failed(directory: string, fault: string): void;
  /** As if it had never been asked for; its rows stay as they are. */
  forget(directory: string): void;
}

/** As one word of the index of words: `ccxt:kraken` would be two. */
const wordOf = (directory: string): string => `d${Buffer.from(directory).toString('hex')}`;
const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;

interface StateRow {
  readonly directory: string;
  readonly refreshed_at: number | null;
  readonly listed: number;
  readonly fault: string | null;
}
const stateOf = ({ refreshed_at, listed, fault }: StateRow): DirectoryState => ({
  refreshedAtMs: refreshed_at,
  listed,
  fault,
});

export function instrumentTable(store: Store): InstrumentTable {
  const sql = statements(store);

  function open(listing: BrokerListing, encoded: ReturnType<typeof encodeListing>, atMs: number): number {
    const { instrument, brokerSymbol } = listing;
    const { id, directory, symbol, name, assetClass, aliases } = instrument;
    const { facts, digest } = encoded;
    const row = [id, directory, symbol, brokerSymbol, name, assetClass, facts, digest, atMs] as const;
    const key = Number(sql.open.run(...row).lastInsertRowid);
    // Spellings that the broker has for it are searched for like ours.
    sql.addWords.run(key, wordOf(directory), `${symbol} ${brokerSymbol}`, name, aliases.join(' '));
    return key;
  }
  function close(key: number, atMs: number): void {
    sql.close.run(atMs, key);
    sql.dropWords.run(key);
  }

  return {
    byId: (id) => sql.byId.get(id) as StoredListing | undefined,
    bySymbol: (directory, symbol) => sql.bySymbol.all(directory, symbol) as StoredListing[],
    byBrokerSymbol: (directory, symbol) =>
      sql.byBrokerSymbol.get(directory, symbol) as StoredListing | undefined,
    beginning: (directory, prefix, limit) =>
      sql.beginning.all(directory, prefix, `${prefix}\u{10ffff}`, limit) as StoredListing[],
    withWords(directories, words, limit) {
      if (words.length === 0 || directories.length === 0) return [];
      const lists = directories.map(wordOf).join(' OR ');
      const wanted = `${words.map(quoted).join(' AND ')}*`;
      const match = `{symbol name aliases} : (${wanted}) AND directory : (${lists})`;
      return sql.words.all(match, Math.min(limit, INSTRUMENT_CANDIDATES_MAX)) as StoredListing[];
    },
    list(listing, atMs) {
      const { id, directory } = listing.instrument;
      const now = sql.now.get(id) as { key: number; digest: string; directory: string } | undefined;
      if (now !== undefined && now.directory !== directory)
        throw new RangeError(`${id} is listed by ${now.directory} already`);
      const encoded = encodeListing(listing);
      if (now?.digest === encoded.digest) return { key: now.key, changed: false };
      if (now !== undefined) close(now.key, atMs);
      return { key: open(listing, encoded, atMs), changed: true };
    },
    keysNow: (directory, afterKey, limit) => sql.keysNow.all(directory, afterKey, limit) as number[],
    countNow: (directory) => sql.countNow.get(directory) as number,
    close,
    state(directory) {
      const row = sql.state.get(directory) as StateRow | undefined;
      return row && stateOf(row);
    },
    states: () =>
      (sql.states.all() as StateRow[]).map((row) => ({ directory: row.directory, ...stateOf(row) })),
    refreshed: (directory, atMs, listed) => void sql.refreshed.run(directory, atMs, listed),
    failed: (directory, fault) => void sql.failed.run(directory, fault),
    forget: (directory) => void sql.forget.run(directory),
  };
}

function statements({ db }: Store) {
  const COLUMNS = 'facts, broker_symbol';
  return {
    byId: db.prepare(
      `SELECT ${COLUMNS} FROM instruments WHERE instrument_id = ? ORDER BY valid_from DESC, key DESC LIMIT 1`,
    ),
    // Two are enough to see that a symbol is not one instrument's.
    bySymbol: db.prepare(
      `SELECT ${COLUMNS} FROM instruments WHERE directory = ? AND symbol = ? AND valid_to IS NULL LIMIT 5`,
    ),
    byBrokerSymbol: db.prepare(
      `SELECT ${COLUMNS} FROM instruments WHERE directory = ? AND broker_symbol = ? AND valid_to IS NULL LIMIT 1`,
    ),
    beginning: db.prepare(
      `SELECT ${COLUMNS} FROM instruments
       WHERE directory = ? AND symbol >= ? AND symbol < ? AND valid_to IS NULL ORDER BY symbol LIMIT ?`,
    ),
    words: db.prepare(
      `SELECT ${COLUMNS} FROM instruments
       WHERE key IN (SELECT rowid FROM instrument_words WHERE instrument_words MATCH ? LIMIT ?)`,
    ),
    now: db.prepare(
      'SELECT key, digest, directory FROM instruments WHERE instrument_id = ? AND valid_to IS NULL',
    ),
    open: db.prepare(
      `INSERT INTO instruments
         (instrument_id, directory, symbol, broker_symbol, name, asset_class, facts, digest, valid_from)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    close: db.prepare('UPDATE instruments SET valid_to = ? WHERE key = ?'),
    addWords: db.prepare(
      'INSERT INTO instrument_words (rowid, directory, symbol, name, aliases) VALUES (?, ?, ?, ?, ?)',
    ),
    dropWords: db.prepare('DELETE FROM instrument_words WHERE rowid = ?'),
    keysNow: db
      .prepare(
        'SELECT key FROM instruments WHERE directory = ? AND key > ? AND valid_to IS NULL ORDER BY key LIMIT ?',
      )
      .pluck(),
    countNow: db.prepare('SELECT count(*) FROM instruments WHERE directory = ? AND valid_to IS NULL').pluck(),
    state: db.prepare('SELECT * FROM directories WHERE directory = ?'),
    states: db.prepare('SELECT * FROM directories ORDER BY directory'),
    refreshed: db.prepare(
      `INSERT INTO directories (directory, refreshed_at, listed, fault) VALUES (?, ?, ?, NULL)
       ON CONFLICT (directory) DO UPDATE SET refreshed_at = excluded.refreshed_at, listed = excluded.listed, fault = NULL`,
    ),
    failed: db.prepare(
      `INSERT INTO directories (directory, fault) VALUES (?, ?)
       ON CONFLICT (directory) DO UPDATE SET fault = excluded.fault`,
    ),
    forget: db.prepare('DELETE FROM directories WHERE directory = ?'),
  };
}
