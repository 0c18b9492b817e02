/** The store's transactions: whole or not at all, in order, and honest about a disk that fails. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AfterCommitError, openStore, type Store, StoreUnavailable } from '#store/open.ts';
import { startChild } from '../support/child-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function newStore(): Store {
  const store = openStore(temporaryFolder());
  store.transaction(() => store.db.exec('CREATE TABLE notes (text TEXT NOT NULL) STRICT'));
  return store;
}
const write = (store: Store, text: string): void =>
  void store.db.prepare('INSERT INTO notes (text) VALUES (?)').run(text);
const notes = (store: Store): unknown[] =>
  store.db.prepare('SELECT text FROM notes ORDER BY rowid').pluck().all();

describe('a transaction', () => {
  test('gives back its value, and is durable by the pragmas that make it so', () => {
    const store = newStore();
    expect(store.transaction(() => 7)).toBe(7);
    expect(store.db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(store.db.pragma('synchronous', { simple: true })).toBe(2);
    expect(store.db.pragma('foreign_keys', { simple: true })).toBe(1);
  });

  test('rolls everything back when it throws, and throws on', () => {
    const store = newStore();
    const fault = new Error('no');
    const attempt = (): void =>
      store.transaction(() => {
        write(store, 'a');
        throw fault;
      });
    expect(attempt).toThrow(fault);
    expect(notes(store)).toEqual([]);
    expect(store.inTransaction()).toBe(false);
    store.transaction(() => write(store, 'b'));
    expect(notes(store)).toEqual(['b']);
  });

  test('inside another one joins it', () => {
    const store = newStore();
    const attempt = (): void =>
      store.transaction(() => {
        store.transaction(() => write(store, 'inner'));
        throw new Error('outer');
      });
    expect(attempt).toThrow('outer');
    expect(notes(store)).toEqual([]);
  });

  test('is lost as a whole when an inner one failed, even if somebody swallowed that', () => {
    const store = newStore();
    const attempt = (): string =>
      store.transaction(() => {
        write(store, 'outer');
        try {
          store.transaction(() => {
            write(store, 'half');
            throw new Error('inner');
          });
        } catch {
          // A careless caller.
        }
        return 'done';
      });
    expect(attempt).toThrow('inner');
    expect(notes(store)).toEqual([]);
  });

  test('refuses a promise and keeps nothing of what ran before it', () => {
    const store = newStore();
    const attempt = (): unknown =>
      store.transaction(async () => {
        write(store, 'a');
        return Promise.resolve();
      });
    expect(attempt).toThrow(/may not be asynchronous/);
    expect(notes(store)).toEqual([]);
  });
});

describe('what waits for a commit', () => {
  test('runs once it is durable, never inside the transaction', () => {
    const store = newStore();
    const seen: unknown[] = [];
    store.transaction(() => {
      store.transaction(() => store.afterCommit(() => seen.push(['inner', store.inTransaction()])));
      store.afterCommit(() => seen.push(['outer', notes(store)]));
      write(store, 'a');
      expect(seen).toEqual([]);
    });
    expect(seen).toEqual([
      ['inner', false],
      ['outer', ['a']],
    ]);
  });

  test('is forgotten after a rollback', () => {
    const store = newStore();
    let calls = 0;
    const attempt = (): void =>
      store.transaction(() => {
        store.afterCommit(() => calls++);
        throw new Error('no');
      });
    expect(attempt).toThrow('no');
    store.transaction(() => undefined);
    expect(calls).toBe(0);
  });

  test('runs at once when there is no transaction', () => {
    const store = newStore();
    let calls = 0;
    store.afterCommit(() => calls++);
    expect(calls).toBe(1);
  });

  test('keeps the order of commits when one of the calls commits again', () => {
    const store = newStore();
    const seen: string[] = [];
    store.transaction(() => {
      store.afterCommit(() => {
        seen.push('first');
        store.transaction(() => store.afterCommit(() => seen.push('third')));
      });
      store.afterCommit(() => seen.push('second'));
    });
    expect(seen).toEqual(['first', 'second', 'third']);
  });

  test('says that the commit stands when one of the calls fails, after all of them have run', () => {
    const store = newStore();
    const seen: string[] = [];
    const attempt = (): void =>
      store.transaction(() => {
        write(store, 'kept');
        store.afterCommit(() => {
          throw new Error('listener');
        });
        store.afterCommit(() => seen.push('next'));
      });
    expect(attempt).toThrow(AfterCommitError);
    expect(notes(store)).toEqual(['kept']);
    expect(seen).toEqual(['next']);
  });
});

describe('what runs at the beginning', () => {
  test('runs inside every outermost transaction, before its work, and rolls back with it', () => {
    const store = newStore();
    store.onBegin(() => write(store, `begin ${store.inTransaction()}`));
    store.transaction(() => store.transaction(() => write(store, 'work')));
    expect(notes(store)).toEqual(['begin true', 'work']);
    const attempt = (): void =>
      store.transaction(() => {
        throw new Error('no');
      });
    expect(attempt).toThrow('no');
    expect(notes(store)).toEqual(['begin true', 'work']);
  });
});

describe('a disk that fails', () => {
  test('a full database is StoreUnavailable, leaves nothing behind, and heals', () => {
    const store = newStore();
    const pages = Number(store.db.pragma('page_count', { simple: true }));
    store.db.pragma(`max_page_count = ${pages}`);
    const after: string[] = [];
    const attempt = (): void =>
      store.transaction(() => {
        store.afterCommit(() => after.push('sent'));
        write(store, 'x'.repeat(100_000));
      });
    expect(attempt).toThrow(StoreUnavailable);
    expect(attempt).toThrow(expect.objectContaining({ code: 'SQLITE_FULL' }));
    expect(notes(store)).toEqual([]);
    expect(after).toEqual([]);
    store.db.pragma(`max_page_count = ${pages + 1_000}`);
    attempt();
    expect(notes(store)).toHaveLength(1);
    expect(after).toEqual(['sent']);
  });

  test('another process that keeps the database to itself is StoreUnavailable', () => {
    const store = newStore();
    const other = openStore(join(store.path, '..'));
    store.db.pragma('busy_timeout = 1');
    other.transaction(() => {
      expect(() => store.transaction(() => write(store, 'a'))).toThrow(
        expect.objectContaining({ code: 'SQLITE_BUSY' }),
      );
    });
    expect(notes(store)).toEqual([]);
  });

  test('a bug in a statement is not taken for a failing disk', () => {
    const store = newStore();
    const attempt = (): void =>
      store.transaction(() => void store.db.prepare('INSERT INTO notes VALUES (NULL)').run());
    expect(attempt).toThrow(expect.objectContaining({ code: 'SQLITE_CONSTRAINT_NOTNULL' }));
    expect(attempt).not.toThrow(StoreUnavailable);
  });

  test('a write that the kernel cuts short is StoreUnavailable, and what was committed is whole', async () => {
    const folder = temporaryFolder();
    const child = startChild(new URL('../support/fill-store.ts', import.meta.url), [folder], {
      fileBlocksMax: 2_048,
    });
    const lines: string[] = [];
    for (let line = await child.line(); line !== undefined; line = await child.line()) lines.push(line);
    expect(await child.end()).toBe(0);
    const [refused, committed, healed] = lines.map((line): unknown => JSON.parse(line));
    expect(refused).toEqual({ unavailable: true, code: expect.stringMatching(/^SQLITE_(?:IOERR|FULL)/) });
    expect(healed).toEqual({ still_open: false });
    const store = openStore(folder);
    expect(notes(store)).toHaveLength(Number((committed as { count: number }).count));
    expect(statSync(store.path).mode & 0o077).toBe(0);
  });
});
