/** The table `accounts`: each connection to a broker, with the broker's own settings as JSON. */
import { type AccountId, accountId } from '#domain/principal.ts';
import type { Store } from './open.ts';

export interface AccountRecord {
  readonly id: AccountId;
  readonly broker: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
  /** The broker's own, as they were given; never a secret. */
  readonly settings: unknown;
  readonly createdAtMs: number;
}

export interface AccountTable {
  /** Those that were not removed, oldest first. */
  list(): readonly AccountRecord[];
  byId(id: AccountId): AccountRecord | undefined;
  /** Whether the id was ever taken: books are kept under it for ever. */
  wasTaken(id: AccountId): boolean;
  insert(account: AccountRecord): void;
  /** New settings of the broker's own. */
  change(id: AccountId, settings: unknown): void;
  remove(id: AccountId, atMs: number): void;
}

interface AccountRow {
  readonly id: string;
  readonly broker: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
  readonly settings: string;
  readonly created_at: number;
}

export function accountTable(store: Store): AccountTable {
  const { db } = store;
  const all = db.prepare<[], AccountRow>(
    'SELECT * FROM accounts WHERE removed_at IS NULL ORDER BY created_at, rowid',
  );
  const one = db.prepare<[string], AccountRow>('SELECT * FROM accounts WHERE id = ? AND removed_at IS NULL');
  const taken = db.prepare<[string]>('SELECT 1 FROM accounts WHERE id = ?');
  const insert = db.prepare(
    'INSERT INTO accounts (id, broker, mode, currency, settings, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const change = db.prepare('UPDATE accounts SET settings = ? WHERE id = ?');
  const remove = db.prepare('UPDATE accounts SET removed_at = ? WHERE id = ?');
  return {
    list: () => all.all().map(recordOf),
    byId(id) {
      const row = one.get(id);
      return row && recordOf(row);
    },
    wasTaken: (id) => taken.get(id) !== undefined,
    insert(account) {
      const { id, broker, mode, currency, settings, createdAtMs } = account;
      insert.run(id, broker, mode, currency, JSON.stringify(settings), createdAtMs);
    },
    change: (id, settings) => void change.run(JSON.stringify(settings), id),
    remove: (id, atMs) => void remove.run(atMs, id),
  };
}

const recordOf = (row: AccountRow): AccountRecord => ({
  id: accountId(row.id),
  broker: row.broker,
  mode: row.mode,
  currency: row.currency,
  settings: JSON.parse(row.settings) as unknown,
  createdAtMs: row.created_at,
});
