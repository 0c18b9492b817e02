/** How grants end: by somebody's act, each with its line on the record and all that was kept of it, or by themselves. */
import type { Access } from '#access/access.ts';
import type { AuditLog } from '#audit/log.ts';
import { agentId, type Owner } from '#domain/principal.ts';
import {
  GRANT_KEPT_MS,
  GRANT_LAPSES_AFTER_MS,
  GRANT_SWEEP_AFTER_KILL_MS,
  GRANT_SWEEP_INTERVAL_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { type GrantRow, type GrantTable } from './grant-table.ts';
import type { GrantLedger } from './parts.ts';
import type { GrantEnding, RemoteGrant } from './records.ts';

export interface GrantEndings extends Pick<GrantLedger, 'endAll'> {
  /** Of those that live, in one commit with whatever else the caller does; gives how many ended. */
  readonly endThose: (rows: () => readonly GrantRow[], reason: GrantEnding, by?: Owner) => number;
  /** Writes down what has ended by itself, and forgets what ended long ago. */
  readonly sweep: () => void;
  readonly close: () => void;
}

interface EndingOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly access: Pick<Access, 'epoch' | 'wall' | 'onEpochChange'>;
  readonly table: GrantTable;
}

export function grantEndings(o: EndingOptions): GrantEndings {
  const { store, audit, clock, access, table } = o;

  function finish(row: GrantRow, reason: GrantEnding | 'expired' | 'killed', by?: Owner): void {
    table.end(row.grant_id, reason, access.wall());
    table.dropPayloads(row.grant_id);
    audit.record({
      kind: 'oauth.grant_ended',
      ...actorOf(table, row, by),
      outcome: 'ok',
      detail: { grant: row.grant_id, client: table.client(row.client_id)?.credential ?? null, reason },
    });
  }
  /** Nothing was ever fetched with it, or everything that was has run out: it must not seem to be a connection. */
  const hasLapsed = ({ grant_id, created_at }: GrantRow): boolean =>
    access.wall.hasPassed(created_at + GRANT_LAPSES_AFTER_MS) && !table.isConnected(grant_id, access.wall());
  const endThose: GrantEndings['endThose'] = (rows, reason, by) =>
    store.transaction(() => {
      const living = rows().filter((row) => endedOf(row, access) === null);
      for (const row of living) finish(row, reason, by);
      return living.length;
    });
  function sweep(): void {
    store.transaction(() => {
      for (const row of table.standing()) {
        const ended = endedOf(row, access);
        if (ended?.reason === 'expired' || ended?.reason === 'killed') finish(row, ended.reason);
        else if (ended === null && hasLapsed(row)) finish(row, 'lapsed');
      }
      table.purge(access.wall() - GRANT_KEPT_MS);
    });
  }

  let stopSweeps: (() => void) | undefined;
  let closed = false;
  function sweepLater(delayMs: number): void {
    stopSweeps?.();
    if (closed) return;
    stopSweeps = clock.after(delayMs, () => {
      unlessBroken(sweep);
      sweepLater(GRANT_SWEEP_INTERVAL_MS);
    });
  }
  sweepLater(GRANT_SWEEP_INTERVAL_MS);
  // The epoch is what ends them. This only writes it down, and a kill waits for no such thing.
  access.onEpochChange(() => sweepLater(GRANT_SWEEP_AFTER_KILL_MS));

  return {
    endThose,
    endAll: (reason, by) => endThose(() => table.standing(), reason, by),
    sweep,
    close() {
      closed = true;
      stopSweeps?.();
    },
  };
}

/** The epoch counts before everything else: what is of before a kill is never anything again. */
export function endedOf(row: GrantRow, access: Pick<Access, 'epoch' | 'wall'>): RemoteGrant['ended'] {
  if (row.revoked_at !== null)
    return { atMs: row.revoked_at, reason: row.reason as NonNullable<RemoteGrant['ended']>['reason'] };
  if (row.epoch !== access.epoch()) return { atMs: access.wall(), reason: 'killed' };
  return access.wall.hasPassed(row.expires_at) ? { atMs: row.expires_at, reason: 'expired' } : null;
}

/** Whose act it was: the owner's by a door of theirs, else the client's. */
export function actorOf(table: GrantTable, row: GrantRow, by?: Owner) {
  const agent = table.agentName(agentId(row.agent_id));
  const credential = by?.credential ?? table.client(row.client_id)?.credential;
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(credential === undefined ? {} : { credential }),
    door: by?.door ?? ('http' as const),
  };
}

/** What is only noted down must not keep an agent from canceling its orders when nothing can be written. */
export function unlessBroken(work: () => void): void {
  try {
    work();
  } catch (fault) {
    if (!(fault instanceof StoreUnavailable)) throw fault;
  }
}
