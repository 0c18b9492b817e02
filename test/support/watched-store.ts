/** A store whose transactions are told as they go: begun, written but not committed, committed; each by what it wrote of orders. */
import type { Statement } from 'better-sqlite3';
import type { Store } from '#store/open.ts';

export function watchedStore(store: Store, step: (name: string) => void): Store {
  let lastRow: Statement<[], number> | undefined;
  let rowsAfter: Statement<[number], string> | undefined;
  const newest = (): number => {
    lastRow ??= store.db.prepare<[], number>('SELECT coalesce(max(id), 0) FROM order_timeline').pluck();
    return lastRow.get() ?? 0;
  };
  const written = (since: number): string => {
    rowsAfter ??= store.db
      .prepare<[number], string>('SELECT status FROM order_timeline WHERE id > ? ORDER BY id')
      .pluck();
    return rowsAfter.all(since).join(', ') || 'nothing of an order';
  };
  return {
    ...store,
    transaction<T>(work: () => T): T {
      if (store.inTransaction()) return store.transaction(work);
      step('a transaction begins');
      let wrote = '';
      return store.transaction(() => {
        const before = newest();
        // First in the queue: nothing has been done yet about what is durable now.
        store.afterCommit(() => step(`committed: ${wrote}`));
        const value = work();
        wrote = written(before);
        step(`written: ${wrote}`);
        return value;
      });
    },
  };
}
