/** Opening a data folder: new, old, newer, damaged, another program's; nothing is changed by a refusal. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openStore, StoreError } from '#store/open.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIGRATIONS = new URL('../../server/store/migrations/', import.meta.url);
const NEWEST = readdirSync(MIGRATIONS).length;

/** A database as an earlier version left it: the first `count` migrations, in the mode it worked in. */
function oldDatabase(folder: string, count: number): Database.Database {
  const db = new Database(join(folder, 'portcullis.db'));
  db.pragma('journal_mode = WAL');
  for (const name of readdirSync(MIGRATIONS).sort().slice(0, count)) {
    db.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
  }
  db.pragma('application_id = 0x50434c53');
  db.pragma(`user_version = ${count}`);
  return db;
}

/** Every file below, with its content: what a refusal may not have touched. */
function contents(folder: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) found[name] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return found;
}

function refusalOf(folder: string): string {
  const before = contents(folder);
  let message = '';
  try {
    openStore(folder).close();
  } catch (cause) {
    expect(cause).toBeInstanceOf(StoreError);
    message = (cause as Error).message;
  }
  expect(contents(folder)).toEqual(before);
  return message;
}

describe('a new folder', () => {
  test('gets a database of the newest schema, closed to other users, without a backup', () => {
    const folder = join(temporaryFolder(), 'deep', 'data');
    const store = openStore(folder);
    expect(store.db.pragma('user_version', { simple: true })).toBe(NEWEST);
    expect(store.db.prepare(`SELECT value FROM settings WHERE name = 'trading_state'`).pluck().get()).toBe(
      'ACTIVE',
    );
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
    expect(readdirSync(folder)).not.toContain('backups');
  });

  test('opens again as it was', () => {
    const folder = temporaryFolder();
    const store = openStore(folder);
    store.transaction(() =>
      store.db.exec(`UPDATE settings SET value = 'HALTED' WHERE name = 'trading_state'`),
    );
    store.close();
    const again = openStore(folder);
    expect(again.db.prepare(`SELECT value FROM settings WHERE name = 'trading_state'`).pluck().get()).toBe(
      'HALTED',
    );
    expect(readdirSync(folder)).not.toContain('backups');
  });
});

describe('an older database', () => {
  test('is brought up to date after a whole copy of it was made', () => {
    const folder = temporaryFolder();
    const old = oldDatabase(folder, 2);
    old.exec(`UPDATE settings SET value = '7' WHERE name = 'authority_epoch'`);
    old.close();
    const store = openStore(folder);
    expect(store.db.pragma('user_version', { simple: true })).toBe(NEWEST);
    const select = `SELECT value FROM settings WHERE name = 'authority_epoch'`;
    expect(store.db.prepare(select).pluck().get()).toBe('7');
    expect(readdirSync(join(folder, 'backups'))).toEqual(['before-003.db']);
    const copyPath = join(folder, 'backups', 'before-003.db');
    expect(statSync(copyPath).mode & 0o077).toBe(0);
    const copy = new Database(copyPath, { readonly: true });
    expect(copy.pragma('user_version', { simple: true })).toBe(2);
    expect(copy.prepare(select).pluck().get()).toBe('7');
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  test('keeps every copy: a second attempt at the same step gets a number of its own', () => {
    const folder = temporaryFolder();
    oldDatabase(folder, 2).close();
    mkdirSync(join(folder, 'backups'));
    writeFileSync(join(folder, 'backups', 'before-003.db'), 'the first copy');
    openStore(folder);
    expect(readdirSync(join(folder, 'backups')).sort()).toEqual(['before-003-2.db', 'before-003.db']);
    expect(readFileSync(join(folder, 'backups', 'before-003.db'), 'utf8')).toBe('the first copy');
  });

  test('keeps what was reached when a step fails, and that step leaves nothing', () => {
    const folder = temporaryFolder();
    const old = oldDatabase(folder, 2);
    old.exec('CREATE TABLE audit_file (surprise TEXT)');
    old.close();
    expect(() => openStore(folder)).toThrow(/could not be brought up to date: .*audit_file already exists/);
    const db = new Database(join(folder, 'portcullis.db'), { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBe(2);
    expect(db.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'audit'`).pluck().get()).toBe(0);
  });
});

describe('a refusal changes nothing', () => {
  test('a database written by a newer version', () => {
    const folder = temporaryFolder();
    const db = oldDatabase(folder, NEWEST);
    db.pragma(`user_version = ${NEWEST + 3}`);
    db.close();
    expect(refusalOf(folder)).toMatch(
      /newer version \(schema \d+, this one knows \d+\); update Portcullis\.$/,
    );
  });

  test.each(['delete', 'wal'])('a database of another program (%s)', (mode) => {
    const folder = temporaryFolder();
    const db = new Database(join(folder, 'portcullis.db'));
    db.pragma(`journal_mode = ${mode}`);
    db.exec('CREATE TABLE songs (title TEXT)');
    db.close();
    expect(refusalOf(folder)).toMatch(/database of another program/);
  });

  test('a database of another program that counts its versions as we do', () => {
    const folder = temporaryFolder();
    const db = new Database(join(folder, 'portcullis.db'));
    db.exec('CREATE TABLE songs (title TEXT)');
    db.pragma('user_version = 2');
    db.close();
    expect(refusalOf(folder)).toMatch(/database of another program/);
  });

  test('a database of another program that a crash left in its log', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'portcullis.db');
    const db = new Database(join(folder, 'other.db'));
    db.pragma('journal_mode = WAL');
    db.exec('CREATE TABLE songs (title TEXT)');
    cpSync(`${db.name}`, path);
    cpSync(`${db.name}-wal`, `${path}-wal`);
    db.close();
    expect(() => openStore(folder)).toThrow(/database of another program/);
    expect(new Database(path).prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['songs']);
  });

  test('a file that is no database', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'portcullis.db'), 'Dear diary, '.repeat(1_000));
    expect(refusalOf(folder)).toMatch(
      /can not be opened \(the file is not a database\); restore it from a backup/,
    );
  });

  test('a data folder that is a file', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'data'), '');
    expect(() => openStore(join(folder, 'data'))).toThrow(StoreError);
  });

  test('a damaged database', () => {
    const folder = temporaryFolder();
    openStore(folder).close();
    const path = join(folder, 'portcullis.db');
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 4_096 * 3, 4_096 * 6);
    writeFileSync(path, bytes);
    expect(() => openStore(folder)).toThrow(
      /can not be opened .*restore it from a backup or move it away\.$/s,
    );
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });
});
