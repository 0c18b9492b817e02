/** Messages and their jobs: what is told where and when, within the flood bound, and what became of it. */
import { NOTIFY_MESSAGES_KEPT_MAX, NOTIFY_NEXT_AFTER_MS } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { Destinations } from './destinations.ts';
import { openFlood } from './flood.ts';
import { isUrgent, type MessageKind, type NotifyKind } from './kinds.ts';
import { bodyText, type Message, newMessageId, titleText } from './message.ts';

/** Something to tell, before it is known to whom. */
export interface Draft {
  readonly kind: NotifyKind;
  readonly subject: string | null;
  readonly title: string;
  readonly body: readonly string[];
  readonly path: string | null;
  /** While it stands, the next destination is told too, whether or not the one before took it. */
  readonly needsOwner?: boolean;
  /** Stands until something else says that it is over. */
  readonly standing?: boolean;
  /** JSON: what the text is made of, while more may come. */
  readonly gathered?: string;
  /** Not sent before, and not at all where it no longer stands by then. */
  readonly delayMs?: number;
  /** Held back with routine messages, although its kind is urgent. */
  readonly routine?: boolean;
}

export interface StoredMessage extends Message {
  readonly needsOwner: boolean;
  readonly standing: boolean;
  readonly gathered: string | null;
}

/** All inside a transaction. */
export interface Outbox {
  /** Gives everybody who wants it a job. */
  tell(draft: Draft): void;
  /** The newest of its kind and subject. */
  latest(kind: MessageKind, subject: string | null): StoredMessage | undefined;
  rewrite(id: string, to: Pick<Draft, 'title' | 'body'> & { readonly gathered: string }): void;
  /** What was told is over; false where nothing of the kind stood, or nobody was to be told of it yet. */
  over(kind: NotifyKind, subject: string): boolean;
  /** A message for one destination that has been sent already. */
  note(message: Message, destination: string, became: { readonly error: string | null }): void;
}

interface MessageRow {
  readonly id: string;
  readonly kind: MessageKind;
  readonly subject: string | null;
  readonly title: string;
  readonly body: string;
  readonly path: string | null;
  readonly urgent: number;
  readonly needs_owner: number;
  readonly standing: number;
  readonly gathered: string | null;
  readonly created_at: number;
}

export const storedMessage = (row: MessageRow): StoredMessage => ({
  id: row.id,
  kind: row.kind,
  subject: row.subject,
  title: row.title,
  body: row.body,
  path: row.path,
  urgent: row.urgent === 1,
  needsOwner: row.needs_owner === 1,
  standing: row.standing === 1,
  gathered: row.gathered,
  createdAtMs: row.created_at,
});

export interface OutboxOptions {
  readonly store: Store;
  readonly destinations: Destinations;
  readonly wallMs: () => number;
}

export function openOutbox({ store, destinations, wallMs }: OutboxOptions): Outbox {
  const { db } = store;
  const save = saving(store);
  const insertJob = db.prepare(
    `INSERT INTO notify_jobs (message_id, destination_id, due_at, tries, state, last_error, done_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectLatest = db.prepare<[string, string | null], MessageRow>(
    'SELECT * FROM notify_messages WHERE kind = ? AND subject IS ? ORDER BY created_at DESC, rowid DESC LIMIT 1',
  );
  const update = db.prepare('UPDATE notify_messages SET title = ?, body = ?, gathered = ? WHERE id = ?');
  const end = db.prepare(
    'UPDATE notify_messages SET standing = 0 WHERE kind = ? AND subject = ? AND standing = 1',
  );
  const begun = db
    .prepare<[string, string, number], number>(
      `SELECT 1 FROM notify_messages m JOIN notify_jobs j ON j.message_id = m.id
       WHERE m.kind = ? AND m.subject = ? AND m.standing = 1 AND (j.due_at <= ? OR j.tries > 0 OR j.state <> 'waiting')`,
    )
    .pluck();
  const prune = pruning(store);
  const flood = openFlood(store);

  return {
    tell(draft) {
      const nowMs = wallMs();
      const urgent = isUrgent(draft.kind) && draft.routine !== true;
      const wanting = destinations
        .list()
        .filter((one) => one.kinds.has(draft.kind) && one.target !== undefined);
      const reached = wanting.filter((one) => !flood.isFull(one, { kind: draft.kind, urgent }, nowMs));
      for (const full of wanting) {
        const said = reached.includes(full)
          ? undefined
          : flood.saying(full, { kind: draft.kind, urgent }, nowMs);
        if (said === undefined) continue;
        save(said);
        insertJob.run(said.id, full.id, nowMs, 0, 'waiting', null, null);
      }
      if (reached.length === 0) return;
      const id = newMessageId();
      const { kind, subject, path, gathered = null, delayMs = 0 } = draft;
      save(
        {
          id,
          kind,
          subject,
          title: titleText(draft.title),
          body: bodyText(draft.body),
          path,
          urgent,
          createdAtMs: nowMs,
        },
        {
          needs_owner: draft.needsOwner === true ? 1 : 0,
          standing: draft.standing === true ? 1 : 0,
          gathered,
        },
      );
      for (const [index, to] of reached.entries())
        insertJob.run(id, to.id, nowMs + delayMs + index * NOTIFY_NEXT_AFTER_MS, 0, 'waiting', null, null);
      prune();
    },
    latest(kind, subject) {
      const row = selectLatest.get(kind, subject);
      return row && storedMessage(row);
    },
    rewrite: (id, { title, body, gathered }) =>
      void update.run(titleText(title), bodyText(body), gathered, id),
    over(kind, subject) {
      const told = begun.get(kind, subject, wallMs()) !== undefined;
      end.run(kind, subject);
      return told;
    },
    note(message, destination, { error }) {
      save(message);
      insertJob.run(
        message.id,
        destination,
        message.createdAtMs,
        1,
        error === null ? 'sent' : 'given_up',
        error,
        wallMs(),
      );
      prune();
    },
  };
}

type More = Partial<Pick<MessageRow, 'needs_owner' | 'standing' | 'gathered'>>;

function saving({ db }: Store): (message: Message, more?: More) => void {
  const insert = db.prepare<[Omit<MessageRow, 'id'> & { readonly id: string }]>(
    `INSERT INTO notify_messages
       (id, kind, subject, title, body, path, urgent, needs_owner, standing, gathered, created_at)
     VALUES (@id, @kind, @subject, @title, @body, @path, @urgent, @needs_owner, @standing, @gathered, @created_at)`,
  );
  return ({ createdAtMs, urgent, ...rest }, more = {}) => {
    const plain = { needs_owner: 0, standing: 0, gathered: null };
    insert.run({ ...plain, ...more, ...rest, urgent: urgent ? 1 : 0, created_at: createdAtMs });
  };
}

/** Keeps the newest, and what still has to be delivered however old it is: that is given up within hours. */
function pruning({ db }: Store): () => void {
  const oldest = db
    .prepare<[number], number>('SELECT rowid FROM notify_messages ORDER BY rowid DESC LIMIT 1 OFFSET ?')
    .pluck();
  const jobs = db.prepare(
    `DELETE FROM notify_jobs WHERE message_id IN (
       SELECT id FROM notify_messages m WHERE rowid <= ? AND NOT EXISTS (
         SELECT 1 FROM notify_jobs WHERE message_id = m.id AND state = 'waiting'))`,
  );
  const messages = db.prepare(
    `DELETE FROM notify_messages WHERE rowid <= ?
     AND NOT EXISTS (SELECT 1 FROM notify_jobs WHERE message_id = notify_messages.id)`,
  );
  const places = db.prepare(
    `DELETE FROM notify_destinations WHERE removed_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM notify_jobs WHERE destination_id = notify_destinations.id)`,
  );
  return () => {
    const before = oldest.get(NOTIFY_MESSAGES_KEPT_MAX);
    if (before === undefined) return;
    jobs.run(before);
    messages.run(before);
    places.run();
  };
}
