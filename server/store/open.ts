/** Opens the one SQLite database of a data folder: WAL, durable commits, migrations, synchronous transactions. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export type Row = Readonly<Record<string, string | number | bigint | Buffer | null>>;

export interface Store {
  /** For prepared statements; every write runs inside `transaction`. */
  readonly db: Database.Database;
  readonly path: string;
  /**
   * Runs `work` in BEGIN IMMEDIATE … COMMIT (synchronous=FULL: durable when it returns) and gives back its value.
   * Inside another one it joins it. A throw rolls everything back; a returned promise is a bug and throws.
   */
  transaction<T>(work: () => T): T;
  /** Calls once the current outermost transaction has committed (at once when there is none); never after a rollback. */
  afterCommit(call: () => void): void;
  /** Calls at the start of every outermost transaction, inside it (the audit log flushes grouped reads so). */
  onBegin(call: () => void): void;
  inTransaction(): boolean;
  close(): void;
}

const MIGRATION_NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;

export class StoreError extends Error {}

/**
 * Opens `<folder>/portcullis.db`, creating folder and file. Before the first pending migration of an existing database a copy is
 * written to `<folder>/backups/before-NNN.db`. Throws StoreError with one sentence when the file is not a database of ours, is
 * damaged, or was written by a newer version; nothing is changed then.
 */
export function openStore(folder: string): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'portcullis.db');
  const db = openDatabase(path);
  try {
    migrate(db, folder);
  } catch (cause) {
    db.close();
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(`The database ${path} could not be brought up to date: ${(cause as Error).message}`);
  }
  return transactional(db, path);
}

function openDatabase(path: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(path);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('busy_timeout = 2000');
    const check = db.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') throw new Error(String(check));
    return db;
  } catch (cause) {
    db?.close();
    throw new StoreError(
      `The database ${path} can not be opened (${(cause as Error).message}); restore it from a backup or move it away.`,
    );
  }
}

function migrate(db: Database.Database, folder: string): void {
  const directory = join(import.meta.dirname, 'migrations');
  const files = readdirSync(directory)
    .filter((name) => MIGRATION_NAME.test(name))
    .sort();
  const current = Number(db.pragma('user_version', { simple: true }));
  const newest = files.length;
  if (current > newest) {
    throw new StoreError(
      `The database was written by a newer version (schema ${current}, this one knows ${newest}); update Portcullis.`,
    );
  }
  const hasTables = db.prepare(`SELECT count(*) FROM sqlite_schema WHERE type = 'table'`).pluck().get() !== 0;
  if (current === 0 && hasTables)
    throw new StoreError('The file portcullis.db is a database of another program.');
  if (current < newest && current > 0) {
    const backups = join(folder, 'backups');
    mkdirSync(backups, { recursive: true, mode: 0o700 });
    const target = join(backups, `before-${String(current + 1).padStart(3, '0')}.db`);
    db.prepare('VACUUM INTO ?').run(freshName(backups, target));
  }
  for (const [index, name] of files.entries()) {
    const version = index + 1;
    if (Number(name.slice(0, 3)) !== version) throw new StoreError(`Migration ${name} is out of order.`);
    if (version <= current) continue;
    db.transaction(() => {
      db.exec(readFileSync(join(directory, name), 'utf8'));
      db.pragma(`user_version = ${version}`);
    }).immediate();
  }
}

/** VACUUM INTO refuses an existing file: a second attempt at the same step gets a number of its own. */
function freshName(directory: string, wanted: string): string {
  const taken = new Set(readdirSync(directory).map((name) => join(directory, name)));
  let candidate = wanted;
  for (let n = 2; taken.has(candidate); n++) candidate = wanted.replace(/\.db$/, `-${n}.db`);
  return candidate;
}

function transactional(db: Database.Database, path: string): Store {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const onBegins: (() => void)[] = [];
  let afterCommits: (() => void)[] = [];

  function runOutermost<T>(work: () => T): T {
    begin.run();
    let value: T;
    try {
      for (const call of onBegins) call();
      value = work();
      if (value instanceof Promise) throw new Error('a transaction may not be asynchronous');
      commit.run();
    } catch (cause) {
      afterCommits = [];
      if (db.inTransaction) rollback.run();
      throw cause;
    }
    const calls = afterCommits;
    afterCommits = [];
    for (const call of calls) call();
    return value;
  }

  return {
    db,
    path,
    transaction: (work) => (db.inTransaction ? work() : runOutermost(work)),
    afterCommit(call) {
      if (db.inTransaction) afterCommits.push(call);
      else call();
    },
    onBegin: (call) => void onBegins.push(call),
    inTransaction: () => db.inTransaction,
    close: () => db.close(),
  };
}
