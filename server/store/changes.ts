/** Tells whether what was read from the database can have changed, at the price of one look instead of the reads themselves. */
import { STORE_LOOK_INTERVAL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Store } from './open.ts';

export interface Changes {
  /**
   * The same number twice: we committed nothing in between, nor had another process up to STORE_LOOK_INTERVAL_MS ago, and what
   * was read under the first still stands. Inside a transaction it is NaN, which equals nothing: there every read is a read.
   */
  now(): number;
  /** What was remembered no longer counts, for a reason that the database does not know. */
  forget(): void;
}

export function openChanges(store: Store, clock: Clock): Changes {
  // Changes with every commit of another connection; ours begin a transaction.
  const ofOthers = store.db.prepare('PRAGMA data_version').pluck();
  let seen: unknown;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  const forget = (): void => {
    count++;
  };
  store.onBegin(forget);
  return {
    now() {
      if (store.inTransaction()) return Number.NaN;
      const nowMs = clock.monotonicMs();
      if (nowMs - lookedAtMs < STORE_LOOK_INTERVAL_MS) return count;
      lookedAtMs = nowMs;
      const version = ofOthers.get();
      if (version !== seen) forget();
      seen = version;
      return count;
    },
    forget,
  };
}
