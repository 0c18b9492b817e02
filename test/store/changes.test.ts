/** What was read is remembered only as long as nobody, in this process or another, can have changed it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Changes, openChanges } from '#store/changes.ts';
import { openStore, type Store } from '#store/open.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';

let folder: string;
let store: Store;
let clock: HandClock;
let changes: Changes;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-changes-'));
  store = openStore(folder);
  clock = handClock();
  changes = openChanges(store, clock);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});
const write = () => store.db.exec(`UPDATE settings SET value = value || 'x' WHERE name = 'a'`);

describe('the number of changes', () => {
  test('stays while nothing is committed, reads included', () => {
    const before = changes.now();
    store.db.prepare('SELECT * FROM settings').all();
    expect(changes.now()).toBe(before);
  });

  test('is another after a transaction of ours, committed or rolled back', () => {
    const before = changes.now();
    store.transaction(write);
    const committed = changes.now();
    expect(committed).not.toBe(before);
    expect(() =>
      store.transaction(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(changes.now()).not.toBe(committed);
  });

  test('is another a millisecond after a commit of another process', () => {
    const other = new Database(store.path);
    const before = changes.now();
    other.exec(`INSERT INTO settings (name, value) VALUES ('theirs', '1')`);
    other.close();
    clock.advance(1);
    expect(changes.now()).not.toBe(before);
  });

  test('equals nothing inside a transaction, not even itself', () => {
    store.transaction(() => expect(changes.now() === changes.now()).toBe(false));
  });

  test('is another when it is told to forget', () => {
    const before = changes.now();
    changes.forget();
    expect(changes.now()).not.toBe(before);
  });
});
