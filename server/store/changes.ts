/** Tells whether what was read from the database can have changed, at the price of one look instead of the reads themselves. */
import type { Store } from './open.ts';

export interface Changes {
  /**
   * The same number twice: nothing was committed in between, by us or by another process, and what was read under the first
   * is what a read would give now. Inside a transaction it is NaN, which equals nothing: what is read there may be rolled back.
   */
  now(): number;
  /** What was remembered no longer counts, for a reason that the database does not know. */
  forget(): void;
}

export function openChanges(store: Store): Changes {
  // Changes with every commit of another connection; ours begin a transaction.
  const ofOthers = store.db.prepare('PRAGMA data_version').pluck();
  let seen: unknown;
  let count = 0;
  const forget = (): void => {
    count++;
  };
  store.onBegin(forget);
  return {
    now() {
      if (store.inTransaction()) return Number.NaN;
      const version = ofOthers.get();
      if (version !== seen) forget();
      seen = version;
      return count;
    },
    forget,
  };
}
