/** Brings a database up to date: numbered migrations, forward only, each whole or not at all, after a backup. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { StoreError } from './fault.ts';

const MIGRATION_NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;
const DIRECTORY = join(import.meta.dirname, 'migrations');
/** `PCLS`, in the header of our databases: a schema version alone would not tell them from another program's. */
const APPLICATION_ID = 0x50434c53;
const MAGIC = Buffer.from('SQLite format 3\0');
/** The header and the beginning of the schema's page. */
const HEADER_BYTES = 108;

function migrations(): readonly string[] {
  return readdirSync(DIRECTORY)
    .filter((name) => MIGRATION_NAME.test(name))
    .sort();
}

/**
 * Looks at the header alone, because even a reading SQLite leaves side files next to a database in WAL mode. Throws StoreError
 * when the file is no database, another program's, or from a newer version. The format of the header: sqlite.org/fileformat2.
 */
export function refuseForeign(path: string): void {
  const header = headerOf(path);
  if (header.length === 0) return;
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new StoreError(
      `The database ${path} can not be opened (the file is not a database); restore it from a backup or move it away.`,
    );
  }
  // Byte 100 begins the page of the schema: an empty one is a leaf without cells.
  const tables = header[100] !== 0x0d || header.readUInt16BE(103) !== 0;
  refuseOther(path, { version: header.readUInt32BE(60), application: header.readUInt32BE(68), tables });
}

function refuseOther(
  path: string,
  found: { readonly version: number; readonly application: number; readonly tables: boolean },
): void {
  const { version, application, tables } = found;
  const ours = application === APPLICATION_ID;
  if (!ours && (tables || version !== 0 || application !== 0)) {
    throw new StoreError(`The file ${path} is a database of another program; move it away.`);
  }
  const newest = migrations().length;
  if (version > newest) {
    throw new StoreError(
      `The database ${path} was written by a newer version (schema ${version}, this one knows ${newest}); update Portcullis.`,
    );
  }
}

function headerOf(path: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    return header.subarray(0, readSync(file, header, 0, HEADER_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

/** Brings `<folder>/portcullis.db` from whatever schema it has to the newest. */
export function migrate(db: Database.Database, folder: string): void {
  const files = migrations();
  const current = Number(db.pragma('user_version', { simple: true }));
  // Asked again, of SQLite: after a crash the newest header may still be in the log and not in the file.
  refuseOther(db.name, {
    version: current,
    application: Number(db.pragma('application_id', { simple: true })),
    tables: db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() !== 0,
  });
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
