/** The record of everything: takes events, commits them in one chain with what they tell of, and lets the file follow. */
import {
  AUDIT_FILE_BUSY_DELAY_MS,
  AUDIT_FILE_BUSY_LINES,
  AUDIT_FILE_BYTES_MAX,
  AUDIT_FILE_DELAY_MS,
  AUDIT_GROUP_MS,
  AUDIT_RETRY_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Keyring } from '#store/keyring.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { AUDIT_KEYS, type Chain, openChain } from './chain.ts';
import { type AuditEvent, type PreparedEvent, prepare } from './event.ts';
import { splitLine } from './line.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { openPending } from './pending.ts';
import { AuditError, type Repair } from './reconcile.ts';
import { auditRows, type Head } from './rows.ts';

export { AuditError } from './reconcile.ts';

export interface AuditLog {
  /** Inside a store transaction only (throws outside): the event commits or vanishes with what it tells of. Returns its seq. */
  record(event: AuditEvent): number;
  /** For reads: commits within AUDIT_GROUP_MS, and before anything else that commits. Throws StoreUnavailable when too many wait. */
  recordGrouped(event: AuditEvent): void;
  /** For denials: the first of a second is recorded as grouped; the others of the same kind, agent and reason as one, with `detail.count`. */
  recordRepeated(event: AuditEvent): void;
  /** For what must not wait for a broken store (cancels, the kill switch): recorded when it heals, with `detail.deferred`. */
  recordDeferred(event: AuditEvent): void;
  /**
   * Told of every event that `record` took, once its transaction has committed: whatever changes is on the record, so whoever
   * wants to know of changes listens here. What was recorded in other ways changed nothing. Returns what ends it.
   */
  onRecorded(listener: (event: AuditEvent) => void): () => void;
  /** Commits everything that waits, brings the file up to the table and syncs it. Throws when either can not be done. */
  flush(): void;
  head(): Head;
  /** Committed lines that the file does not have yet. */
  lag(): number;
  /** Why the database takes nothing or the file does not follow, in one sentence; undefined while both do. */
  trouble(): string | undefined;
  /** Commits and writes what it can, then takes nothing more. */
  close(): void;
}

export interface AuditLogOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** LOG_DIR. */
  readonly folder: string;
  readonly keyring: Keyring;
  /** When the current file is put away under the numbers of its lines. */
  readonly fileBytesMax?: number;
}

/**
 * Opens the record: repairs what a crash tore (and records that), writes what the file misses. Throws AuditError with one
 * sentence when file and database contradict each other, or when the key of the chain is lost or another.
 */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { store, clock } = options;
  const chain = openCheckedChain(store, options.keyring);
  const rows = auditRows(store, chain);
  const file = openFollower(options, chain, (repair) => pending.grouped(repair));
  const write = (event: PreparedEvent): number => {
    const seq = rows.append(event);
    file.expect();
    return seq;
  };
  const pending = openPending(store, clock, (events) => {
    rows.appendAll(events);
    file.expect();
  });
  const listeners = new Set<(event: AuditEvent) => void>();
  let closed = false;
  const flush = (): void => {
    if (store.inTransaction()) throw new Error('the audit log can not be flushed inside a transaction');
    pending.commit();
    file.follow();
    // What the file needed repairing is on the record now, and follows too.
    pending.commit();
    file.follow();
    file.save();
  };
  flush();

  return {
    record(event) {
      if (closed) throw new Error('the audit log is closed');
      const seq = write(prepare(event, clock.wallMs()));
      if (listeners.size > 0) store.afterCommit(() => listeners.forEach((listener) => listener(event)));
      return seq;
    },
    onRecorded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    recordGrouped: (event) => pending.grouped(event),
    recordRepeated: (event) => pending.repeated(event),
    recordDeferred: (event) => pending.deferred(event),
    flush,
    head: () => rows.head(),
    lag: () => rows.head().seq - file.lastSeq(),
    trouble: () => pending.trouble() ?? file.trouble(),
    close() {
      if (closed) return;
      try {
        flush();
      } catch (cause) {
        // The file catches up when the gateway starts again; the database is what counts.
        if (!isFault(cause)) throw cause;
      } finally {
        closed = true;
        pending.close();
        file.close();
      }
    },
  };
}

/** A new key would chain on silently where nobody can check it against the old lines, so a lost one stops the gateway. */
function openCheckedChain(store: Store, keyring: Keyring): Chain {
  const last = store.db
    .prepare<[], { line: string; hash: string }>('SELECT line, hash FROM audit ORDER BY seq DESC LIMIT 1')
    .get();
  if (last && !keyring.exists(AUDIT_KEYS.chain)) {
    throw new AuditError(
      `The key ${AUDIT_KEYS.chain}.key of the audit record is missing from ${keyring.folder}; put it back from a backup.`,
    );
  }
  const chain = openChain(keyring);
  const parts = last && splitLine(Buffer.from(last.line));
  if (last && (!parts || chain.hashOf(parts.body) !== last.hash)) {
    throw new AuditError(
      `The last line of the audit record in the database does not fit the key ${AUDIT_KEYS.chain}.key in ${keyring.folder}: another key wrote it or it was changed; put the right key or a backup of the database back.`,
    );
  }
  return chain;
}

interface Follower extends Pick<Outbox, 'follow' | 'lastSeq'> {
  /** Says, inside a transaction, that lines will be there to follow once it has committed. */
  expect(): void;
  save(): void;
  trouble(): string | undefined;
  close(): void;
}

/** Runs the outbox off the hot path: soon after a commit, again after a failure, its position saved with the next commit. */
function openFollower(options: AuditLogOptions, chain: Chain, record: (event: AuditEvent) => void): Follower {
  const { store, clock } = options;
  let cancelFollow: (() => void) | undefined;
  let cancelSave: (() => void) | undefined;
  let unsaved = false;
  let trouble: string | undefined;
  let delayMs = AUDIT_FILE_DELAY_MS;
  let closed = false;

  const outbox = openOutbox({
    ...options,
    chain,
    fileBytesMax: options.fileBytesMax ?? AUDIT_FILE_BYTES_MAX,
    onRepair: (repair) => record(repairEvent(repair)),
    onMoved() {
      unsaved = true;
      cancelSave ??= clock.after(AUDIT_GROUP_MS, () => {
        cancelSave = undefined;
        attempt(save);
      });
    },
  });
  store.onBegin(() => {
    if (closed || !unsaved) return;
    outbox.save();
    store.afterCommit(() => {
      unsaved = false;
    });
  });

  function save(): void {
    if (unsaved) store.transaction(() => undefined);
  }
  function follow(): void {
    const before = outbox.lastSeq();
    try {
      outbox.follow();
      // Syncing stops everything else: where lines come by the hundred, many commits share one.
      const isBusy = outbox.lastSeq() - before >= AUDIT_FILE_BUSY_LINES;
      delayMs = isBusy ? AUDIT_FILE_BUSY_DELAY_MS : AUDIT_FILE_DELAY_MS;
      trouble = undefined;
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      trouble = `The audit file does not follow the database: ${cause.message}`;
      followIn(AUDIT_RETRY_MS);
      throw cause;
    }
  }
  function followIn(inMs: number): void {
    if (closed) return;
    cancelFollow ??= clock.after(inMs, () => {
      cancelFollow = undefined;
      attempt(follow);
    });
  }

  return {
    follow,
    lastSeq: () => outbox.lastSeq(),
    save,
    expect: () => store.afterCommit(() => followIn(delayMs)),
    trouble: () => trouble,
    close() {
      closed = true;
      cancelFollow?.();
      cancelSave?.();
    },
  };
}

function repairEvent({ reason, bytesCut, linesMissing }: Repair): AuditEvent {
  const outcome = reason === 'torn_line' ? 'ok' : 'error';
  return {
    kind: 'audit.repaired',
    outcome,
    detail: { reason, bytes_cut: bytesCut, lines_missing: linesMissing },
  };
}

/** In a timer nobody waits for the answer: the lag shows the fault, and the next attempt heals it. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (!isFault(cause)) throw cause;
  }
}

/** What the world does to us, as opposed to a bug of ours: a full disk, a broken store, a file that was touched. */
function isFault(cause: unknown): cause is Error {
  if (cause instanceof AuditError || cause instanceof StoreUnavailable) return true;
  return cause instanceof Error && typeof (cause as NodeJS.ErrnoException).syscall === 'string';
}
