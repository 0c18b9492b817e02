/** Deletes what is dead of codes, tokens, interactions and sessions: at the start and every hour, some rows at a time. */
import type { Access } from '#access/access.ts';
import { OAUTH_PURGE_INTERVAL_MS, OAUTH_PURGE_ROWS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import type { PayloadTable } from './payload-table.ts';

export interface PurgeOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, 'after'>;
  readonly access: Pick<Access, 'epoch' | 'wall'>;
  readonly table: Pick<PayloadTable, 'purge'>;
  readonly onFault: (cause: unknown) => void;
}

export interface Purge {
  start(): void;
  close(): void;
}

export function openPurge({ store, clock, access, table, onFault }: PurgeOptions): Purge {
  let cancel: (() => void) | undefined;
  const purge = (): number =>
    table.purge({ epoch: access.epoch(), nowMs: access.wall() }, OAUTH_PURGE_ROWS_MAX);
  function sweep(): void {
    let more = false;
    try {
      more = store.transaction(purge) === OAUTH_PURGE_ROWS_MAX;
    } catch (cause) {
      // Dead rows open nothing: they can wait for a store that takes deletions.
      if (!(cause instanceof StoreUnavailable)) onFault(cause);
    }
    cancel = clock.after(more ? 0 : OAUTH_PURGE_INTERVAL_MS, sweep);
  }
  return {
    start: sweep,
    close: () => cancel?.(),
  };
}
