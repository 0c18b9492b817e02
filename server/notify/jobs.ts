/** The jobs of the outbox: what is due for a destination, and what became of it. */
import type { Store } from '#store/open.ts';
import type { MessageKind } from './kinds.ts';
import { type StoredMessage, storedMessage } from './outbox.ts';

export interface Job {
  readonly message: StoredMessage;
  readonly destination: string;
  /** Tries that failed. */
  readonly tries: number;
}

/** One line of the list of what was sent. */
export interface Delivery {
  readonly messageId: string;
  readonly kind: MessageKind;
  readonly title: string;
  readonly path: string | null;
  readonly createdAtMs: number;
  readonly destination: string;
  readonly state: 'waiting' | 'sent' | 'given_up' | 'not_needed';
  readonly tries: number;
  readonly dueAtMs: number;
  readonly doneAtMs: number | null;
  readonly error: string | null;
}

export interface Jobs {
  /** The first that is due for a destination; of one moment, the first that was told. */
  due(destination: string, nowMs: number): Job | undefined;
  /** When a destination's next one is due. */
  nextDueMs(destination: string): number | undefined;
  /** Whether another destination took it. */
  wasSent(messageId: string): boolean;
  /** Inside a transaction, as everything below. */
  done(job: Job, became: 'sent' | 'given_up' | 'not_needed', nowMs: number, error?: string): void;
  again(job: Job, dueAtMs: number, error: string): void;
  /** What waits for others in the place of this one is due now. */
  hasten(messageId: string, nowMs: number): void;
  /** Everything that waits for a destination. */
  drop(destination: string, nowMs: number): void;
  latest(count: number): readonly Delivery[];
}

type MessageRow = Parameters<typeof storedMessage>[0];

export function openJobs({ db }: Store): Jobs {
  const selectDue = db.prepare<[string, number], MessageRow & { readonly tries: number }>(
    `SELECT m.*, j.tries FROM notify_jobs j INDEXED BY notify_jobs_waiting
     JOIN notify_messages m ON m.id = j.message_id
     WHERE j.state = 'waiting' AND j.destination_id = ? AND j.due_at <= ?
     ORDER BY j.due_at, m.rowid LIMIT 1`,
  );
  const selectNext = db
    .prepare<[string], number | null>(
      `SELECT min(due_at) FROM notify_jobs INDEXED BY notify_jobs_waiting
       WHERE state = 'waiting' AND destination_id = ?`,
    )
    .pluck();
  const selectSent = db
    .prepare<[string], number>(`SELECT 1 FROM notify_jobs WHERE message_id = ? AND state = 'sent' LIMIT 1`)
    .pluck();
  const updateDone = db.prepare(
    `UPDATE notify_jobs SET state = ?, done_at = ?, last_error = coalesce(?, last_error), tries = tries + ?
     WHERE message_id = ? AND destination_id = ? AND state = 'waiting'`,
  );
  const updateAgain = db.prepare(
    `UPDATE notify_jobs SET due_at = ?, last_error = ?, tries = tries + 1
     WHERE message_id = ? AND destination_id = ? AND state = 'waiting'`,
  );
  const updateHasten = db.prepare(
    `UPDATE notify_jobs SET due_at = min(due_at, ?) WHERE message_id = ? AND state = 'waiting' AND tries = 0`,
  );
  const updateDropped = db.prepare(
    `UPDATE notify_jobs SET state = 'not_needed', done_at = ? WHERE state = 'waiting' AND destination_id = ?`,
  );
  const selectLatest = db.prepare<[number], Delivery>(
    `SELECT m.id AS messageId, m.kind, m.title, m.path, m.created_at AS createdAtMs, d.label AS destination,
            j.state, j.tries, j.due_at AS dueAtMs, j.done_at AS doneAtMs, j.last_error AS error
     FROM notify_messages m JOIN notify_jobs j ON j.message_id = m.id
     JOIN notify_destinations d ON d.id = j.destination_id
     ORDER BY m.created_at DESC, m.rowid DESC, j.due_at LIMIT ?`,
  );
  return {
    due(destination, nowMs) {
      const row = selectDue.get(destination, nowMs);
      return row && { message: storedMessage(row), destination, tries: row.tries };
    },
    nextDueMs: (destination) => selectNext.get(destination) ?? undefined,
    wasSent: (messageId) => selectSent.get(messageId) !== undefined,
    done({ message, destination }, became, nowMs, error) {
      const tried = became === 'not_needed' ? 0 : 1;
      updateDone.run(became, nowMs, error ?? null, tried, message.id, destination);
    },
    again: ({ message, destination }, dueAtMs, error) =>
      void updateAgain.run(dueAtMs, error, message.id, destination),
    hasten: (messageId, nowMs) => void updateHasten.run(nowMs, messageId),
    drop: (destination, nowMs) => void updateDropped.run(nowMs, destination),
    latest: (count) => selectLatest.all(count),
  };
}
