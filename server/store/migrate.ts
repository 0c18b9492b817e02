/** Brings a database up to date: numbered migrations, forward only, each whole or not at all, after a backup. */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from './fault.ts';

const MIGRATION_NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;
const DIRECTORY = join(import.meta.dirname, 'migrations');
/** `PCLS`, in the header of our databases: a schema version alone would not tell them from another program's. */
const APPLICATION_ID = 0x50434c53;

function migrations(): readonly string[] {
  return readdirSync(DIRECTORY)
    .filter((name) => MIGRATION_NAME.test(name))
    .sort();
}

/** Looks without touching: throws StoreError when the file is no database, another program's, or from a newer version. */
export function refuseForeign(path: string): void {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    const version = Number(db.pragma('user_version', { simple: true }));
    const application = Number(db.pragma('application_id', { simple: true }));
    const empty = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
    if (application !== APPLICATION_ID && !(empty && version === 0 && application === 0)) {
      throw new StoreError(`The file ${path} is a database of another program; move it away.`);
    }
    const newest = migrations().length;
    if (version > newest) {
      throw new StoreError(
        `The database ${path} was written by a newer version (schema ${version}, this one knows ${newest}); update Portcullis.`,
      );
    }
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(
      `The database ${path} can not be opened (${(cause as Error).message}); restore it from a backup or move it away.`,
    );
  } finally {
    db?.close();
  }
}

export function migrate(db: Database.Database, folder: string): void {
  const files = migrations();
  const current = Number(db.pragma('user_version', { simple: true }));
  if (current > 0 && current < files.length) backUp(db, join(folder, 'backups'), current + 1);
  for (const [index, name] of files.entries()) {
    const version = index + 1;
    if (Number(name.slice(0, 3)) !== version) throw new StoreError(`Migration ${name} is out of order.`);
    if (version <= current) continue;
    db.transaction(() => {
      db.exec(readFileSync(join(DIRECTORY, name), 'utf8'));
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version}`);
    }).immediate();
  }
}

/** A copy that is whole and on the disk before anything is changed; no half copy stays behind. */
function backUp(db: Database.Database, backups: string, version: number): void {
  mkdirSync(backups, { recursive: true, mode: 0o700 });
  const target = freshName(backups, `before-${String(version).padStart(3, '0')}`);
  const file = openSync(target, 'wx', 0o600);
  try {
    db.prepare('VACUUM INTO ?').run(target);
    fsyncSync(file);
  } catch (cause) {
    rmSync(target, { force: true });
    throw cause;
  } finally {
    closeSync(file);
  }
}

/** A second attempt at the same step keeps the copy of the first. */
function freshName(directory: string, wanted: string): string {
  const taken = new Set(readdirSync(directory));
  let name = `${wanted}.db`;
  for (let n = 2; taken.has(name); n++) name = `${wanted}-${n}.db`;
  return join(directory, name);
}
