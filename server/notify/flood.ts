/** So many messages an hour and no more for each destination: what is not urgent stops first, and one message says so. */
import { NOTIFY_PER_HOUR_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { Destination } from './destinations.ts';
import { isOfAgents, labelOf, type NotifyKind } from './kinds.ts';
import { type Message, newMessageId } from './message.ts';

const HOUR_MS = 3_600_000;

/** What it is that may be too much. */
export interface Telling {
  readonly kind: NotifyKind;
  readonly urgent: boolean;
}

export interface Flood {
  /** So much was for it within the last hour that what is not urgent, or anything of its room, is left out. */
  isFull(to: Destination, what: Telling, nowMs: number): boolean;
  /** What says so, once an hour for each bound. */
  saying(to: Destination, what: Telling, nowMs: number): Message | undefined;
}

/** What agents bring about shares one room; every other kind has its own, which nothing else uses up. */
export function openFlood({ db }: Store): Flood {
  const kindsSince = db.prepare<[number, string], { readonly kind: NotifyKind; readonly count: number }>(
    `SELECT m.kind, count(*) AS count FROM notify_messages m JOIN notify_jobs j ON j.message_id = m.id
     WHERE m.created_at > ? AND j.destination_id = ? AND m.kind NOT IN ('flood', 'test') GROUP BY m.kind`,
  );
  const saidSince = db
    .prepare<[string, number], number>(
      `SELECT 1 FROM notify_messages WHERE kind = 'flood' AND subject = ? AND created_at > ?`,
    )
    .pluck();
  return {
    isFull(to, what, nowMs) {
      const counted = kindsSince
        .all(nowMs - HOUR_MS, to.id)
        .filter(({ kind }) => (isOfAgents(what.kind) ? isOfAgents(kind) : kind === what.kind));
      return counted.reduce((all, { count }) => all + count, 0) >= boundOf(what);
    },
    saying(to, what, nowMs) {
      const subject = `${to.id} ${roomOf(what)}`;
      if (saidSince.get(subject, nowMs - HOUR_MS) !== undefined) return undefined;
      return {
        id: newMessageId(),
        kind: 'flood',
        subject,
        ...wordsFor(what),
        path: '/admin/notifications',
        urgent: true,
        createdAtMs: nowMs,
      };
    },
  };
}

const roomOf = ({ kind, urgent }: Telling): string =>
  isOfAgents(kind) ? (urgent ? 'all' : 'routine') : kind;

function boundOf({ kind, urgent }: Telling): number {
  if (!isOfAgents(kind)) return NOTIFY_PER_HOUR_MAX.ofItsKind;
  return urgent ? NOTIFY_PER_HOUR_MAX.urgent : NOTIFY_PER_HOUR_MAX.routine;
}

function wordsFor(what: Telling): { readonly title: string; readonly body: string } {
  const bound = boundOf(what);
  if (!isOfAgents(what.kind))
    return {
      title: `Too many messages of one kind: ${labelOf(what.kind)}`,
      body: `More than ${bound} of them within an hour were for here. More of this kind are left out until there are fewer; look at the console. Every other kind still comes.`,
    };
  return what.urgent
    ? {
        title: 'Too many messages: nothing more of what agents do is sent for now',
        body: `More than ${bound} messages about what agents do within an hour were for here. More of them, approvals too, are left out until there are fewer; look at the console. What the gateway itself has to say still comes.`,
      }
    : {
        title: 'Many messages: what is not urgent is held back',
        body: `More than ${bound} messages about what agents do within an hour were for here. Fills and other routine messages are left out until there are fewer; what is urgent still comes.`,
      };
}
