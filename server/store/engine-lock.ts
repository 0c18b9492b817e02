/** One engine a data folder: an exclusive lock that the kernel takes back when the process dies, however it dies. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { printable } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';

export interface LockHolder {
  readonly pid: number;
  /** What it was started as, for the person who reads the refusal. */
  readonly command: string;
  /** Wall clock, epoch ms. */
  readonly startedAtMs: number;
}

export interface EngineLock {
  release(): void;
}

/**
 * Takes `<folder>/lock.db` with BEGIN EXCLUSIVE on a connection of its own; the error is one sentence that says who holds it.
 * Never read lock.db by other means in the same process: POSIX locks of a file end when any handle of it is closed.
 */
export function takeEngineLock(folder: string, holder: LockHolder): Result<EngineLock, string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'lock.db');
  const sidePath = join(folder, 'lock.json');
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db?.close();
    const busy = cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY');
    return err(
      busy
        ? `Another engine works in ${folder}: ${whoHolds(sidePath)}.`
        : `The lock ${path} can not be taken (${(cause as Error).message}); remove that file when no engine runs.`,
    );
  }
  const held = db;
  announce(sidePath, holder);
  function release(): void {
    process.off('exit', release);
    if (!held.open) return;
    rmSync(sidePath, { force: true });
    held.exec('ROLLBACK');
    held.close();
  }
  // A connection that nobody refers to is collected, and its lock with it: this refers to it until the process ends.
  process.on('exit', release);
  return ok({ release });
}

/** Written whole by renaming, so that a reader never meets half a holder. */
function announce(path: string, holder: LockHolder): void {
  const temporary = `${path}.${holder.pid}`;
  writeFileSync(
    temporary,
    `${JSON.stringify({ pid: holder.pid, command: holder.command, started_at: new Date(holder.startedAtMs).toISOString() })}\n`,
    { mode: 0o600 },
  );
  renameSync(temporary, path);
}

function whoHolds(path: string): string {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (
      typeof holder === 'object' &&
      holder &&
      'pid' in holder &&
      'command' in holder &&
      'started_at' in holder
    ) {
      return printable(
        `process ${String(holder.pid)} (${String(holder.command)}), since ${String(holder.started_at)}`,
      );
    }
  } catch {
    // Between taking the lock and saying so, or written by hand: the lock itself is what counts.
  }
  return 'a process that has not said who it is yet';
}
