/** Opens the one SQLite database of a data folder: WAL, durable commits, migrations, synchronous transactions. */
import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { STORE_BUSY_TIMEOUT_MS, STORE_CHECK_BYTES_MAX } from '#limits.ts';
import { AfterCommitError, StoreError, storeFault } from './fault.ts';
import { migrate, refuseForeign } from './migrate.ts';

export { AfterCommitError, StoreError, StoreUnavailable } from './fault.ts';

export interface Store {
  /** For prepared statements; every write runs inside `transaction`. */
  readonly db: Database.Database;
  readonly path: string;
  /**
   * Runs `work` in BEGIN IMMEDIATE … COMMIT (synchronous=FULL: durable when it returns) and gives back its value.
   * Inside another one it joins it. A throw rolls everything back, the outer one too, even when somebody catches it on the
   * way; a returned promise is a bug and throws. Throws StoreUnavailable when the disk or the database fails, and
   * AfterCommitError when it has committed but what was to happen next failed.
   */
  transaction<T>(work: () => T): T;
  /**
   * Calls once the current outermost transaction has committed (at once when there is none); never after a rollback.
   * Calls run in the order of their commits: those of a transaction begun by one of them come after those already waiting.
   */
  afterCommit(call: () => void): void;
  /** Calls at the start of every outermost transaction, inside it (the audit log flushes grouped reads so). */
  onBegin(call: () => void): void;
  inTransaction(): boolean;
  close(): void;
}

/**
 * Opens `<folder>/portcullis.db`, creating folder and file. Before the first pending migration of an existing database a copy is
 * written to `<folder>/backups/before-NNN.db`. Throws StoreError with one sentence when the file is not a database of ours, is
 * damaged, or was written by a newer version; nothing is changed then.
 */
export function openStore(folder: string): Store {
  const path = databasePath(folder);
  createPrivately(folder, path);
  refuseForeign(path);
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

export const databasePath = (folder: string): string => join(folder, 'portcullis.db');

/** SQLite gives its side files the mode of the database, so that one is created closed to others. */
function createPrivately(folder: string, path: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw new StoreError(`The data folder ${folder} can not be used: ${(cause as Error).message}`);
  }
}

function openDatabase(path: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(path);
    db.pragma(`busy_timeout = ${STORE_BUSY_TIMEOUT_MS}`);
    const mode = db.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal') throw new Error(`this file system has no write-ahead log, only ${String(mode)}`);
    db.pragma('synchronous = FULL');
    db.pragma('temp_store = MEMORY');
    // macOS: without it fsync returns before the drive has written.
    db.pragma('fullfsync = ON');
    db.pragma('foreign_keys = ON');
    if (statSync(path).size <= STORE_CHECK_BYTES_MAX) {
      const check = db.pragma('quick_check(1)', { simple: true });
      if (check !== 'ok') throw new Error(String(check));
    }
    return db;
  } catch (cause) {
    db?.close();
    throw new StoreError(
      `The database ${path} can not be opened (${(cause as Error).message}); restore it from a backup or move it away.`,
    );
  }
}

function transactional(db: Database.Database, path: string): Store {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const onBegins: (() => void)[] = [];
  let afterCommits: (() => void)[] = [];
  /** Committed calls in order; whoever runs them runs also those that are added meanwhile. */
  const due: (() => void)[] = [];
  let draining = false;
  /** Our own word on it: after a failed COMMIT SQLite may still think that it is inside one. */
  let running = false;
  /** What an inner transaction threw: the outer one can not commit the half of it. */
  let doomed: { readonly cause: unknown } | undefined;

  function runOutermost<T>(work: () => T): T {
    if (db.inTransaction) rollback.run();
    begin.run();
    running = true;
    try {
      for (const call of onBegins) call();
      const value = runInner(work);
      if (doomed) throw doomed.cause;
      commit.run();
      due.push(...afterCommits);
      return value;
    } catch (cause) {
      undo();
      throw cause;
    } finally {
      running = false;
      doomed = undefined;
      afterCommits = [];
    }
  }
  function runInner<T>(work: () => T): T {
    try {
      const value = work();
      if (value instanceof Promise) throw new Error('a transaction may not be asynchronous');
      return value;
    } catch (cause) {
      doomed ??= { cause };
      throw cause;
    }
  }
  function undo(): void {
    try {
      if (db.inTransaction) rollback.run();
    } catch {
      // The first failure is the one to tell; a transaction left open is rolled back before the next begins.
    }
  }
  function drain(): void {
    if (draining) return;
    draining = true;
    const failures: unknown[] = [];
    for (let call = due.shift(); call; call = due.shift()) {
      try {
        call();
      } catch (cause) {
        failures.push(cause);
      }
    }
    draining = false;
    if (failures.length > 0) {
      throw new AfterCommitError(`committed, but: ${String(failures[0])}`, { cause: failures[0] });
    }
  }

  return {
    db,
    path,
    transaction(work) {
      if (running) return runInner(work);
      let value: ReturnType<typeof work>;
      try {
        value = runOutermost(work);
      } catch (cause) {
        throw storeFault(cause);
      }
      drain();
      return value;
    },
    afterCommit(call) {
      if (running) afterCommits.push(call);
      else call();
    },
    onBegin: (call) => void onBegins.push(call),
    inTransaction: () => running,
    close: () => db.close(),
  };
}
