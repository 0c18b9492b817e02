/** Events that wait for a commit: reads in groups, denials counted by the second, and what happened while the store was broken. */
import {
  AUDIT_DEFERRED_EVENTS_MAX,
  AUDIT_GROUP_EVENTS_MAX,
  AUDIT_GROUP_MS,
  AUDIT_RETRY_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { type AuditEvent, type PreparedEvent, prepare } from './event.ts';
import { openRepeats } from './repeats.ts';

export interface Pending {
  grouped(event: AuditEvent): void;
  repeated(event: AuditEvent): void;
  deferred(event: AuditEvent): void;
  /** Commits everything that waits, counts of running seconds included. Throws StoreUnavailable when it can not. */
  commit(): void;
  /** Why nothing can be committed at present, as a sentence. */
  trouble(): string | undefined;
  /** Nothing is taken or written any more. */
  close(): void;
}

/** `append` writes events to the chain; it is called inside a transaction only. */
export function openPending(
  store: Store,
  clock: Clock,
  append: (events: readonly PreparedEvent[]) => void,
): Pending {
  let group: PreparedEvent[] = [];
  let deferrals: PreparedEvent[] = [];
  let dropped = 0;
  let cancelTimer: (() => void) | undefined;
  let closed = false;
  /** What the database said when it last took nothing; undefined: nothing waits for it. */
  let refusal: string | undefined;

  /** Written at the start of whatever transaction comes next; forgotten only when that one has committed. */
  store.onBegin(() => {
    if (closed || (group.length === 0 && deferrals.length === 0)) return;
    const written = { group: group.length, deferrals: deferrals.length, dropped };
    const lost = dropped > 0 ? [droppedEvent(dropped, clock.wallMs())] : [];
    append([...deferrals, ...lost, ...group]);
    store.afterCommit(() => {
      group = group.slice(written.group);
      deferrals = deferrals.slice(written.deferrals);
      dropped -= written.dropped;
      if (group.length === 0 && deferrals.length === 0) stopTimer();
      refusal = undefined;
    });
  });

  function commit(): void {
    if (group.length > 0 || deferrals.length > 0) store.transaction(() => undefined);
  }
  function stopTimer(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }
  function commitSoon(delayMs: number): void {
    cancelTimer ??= clock.after(delayMs, () => {
      cancelTimer = undefined;
      try {
        commit();
      } catch (cause) {
        if (!(cause instanceof StoreUnavailable)) throw cause;
        refusal = cause.code;
        commitSoon(AUDIT_RETRY_MS);
      }
    });
  }
  /** A full queue commits now; with a broken store that throws, because a read nobody can record is not answered. */
  function enqueue(event: PreparedEvent): void {
    if (closed) throw new Error('the audit log is closed');
    if (group.length >= AUDIT_GROUP_EVENTS_MAX) {
      if (store.inTransaction()) {
        append([event]);
        return;
      }
      commit();
    }
    group.push(event);
    commitSoon(AUDIT_GROUP_MS);
  }
  const grouped = (event: AuditEvent): void => enqueue(prepare(event, clock.wallMs()));
  const repeats = openRepeats(clock, grouped);

  return {
    grouped,
    repeated: (event) => repeats.take(event),
    deferred(event) {
      if (deferrals.length >= AUDIT_DEFERRED_EVENTS_MAX) dropped++;
      else deferrals.push(prepare({ ...event, detail: { ...event.detail, deferred: true } }, clock.wallMs()));
      commitSoon(AUDIT_RETRY_MS);
    },
    commit() {
      repeats.countOut();
      commit();
    },
    trouble: () =>
      refusal === undefined
        ? undefined
        : `The database can not be written to (${refusal}): new orders are refused; cancels and the kill switch work and are recorded when it can.`,
    close() {
      closed = true;
      stopTimer();
      repeats.close();
    },
  };
}

function droppedEvent(count: number, timeMs: number): PreparedEvent {
  return prepare({ kind: 'audit.dropped', outcome: 'error', detail: { count, deferred: true } }, timeMs);
}
