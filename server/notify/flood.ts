/** So many messages an hour and no more for each destination: what is not urgent stops first, and one message says so. */
import { NOTIFY_PER_HOUR_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { Destination } from './destinations.ts';
import { type Message, newMessageId } from './message.ts';

const HOUR_MS = 3_600_000;

export interface Flood {
  /** So much was for it within the last hour that what is not urgent, or anything, is left out. */
  isFull(to: Destination, urgent: boolean, nowMs: number): boolean;
  /** What says so, once an hour for each bound. */
  saying(to: Destination, urgent: boolean, nowMs: number): Message | undefined;
}

export function openFlood({ db }: Store): Flood {
  const countSince = db
    .prepare<[number, string], number>(
      `SELECT count(*) FROM notify_messages m JOIN notify_jobs j ON j.message_id = m.id
       WHERE m.created_at > ? AND j.destination_id = ? AND m.kind NOT IN ('flood', 'test')`,
    )
    .pluck();
  const saidSince = db
    .prepare<[string, number], number>(
      `SELECT 1 FROM notify_messages WHERE kind = 'flood' AND subject = ? AND created_at > ?`,
    )
    .pluck();
  const { routine, urgent: all } = NOTIFY_PER_HOUR_MAX;
  return {
    isFull: (to, urgent, nowMs) => (countSince.get(nowMs - HOUR_MS, to.id) ?? 0) >= (urgent ? all : routine),
    saying(to, urgent, nowMs) {
      const subject = `${to.id} ${urgent ? 'all' : 'routine'}`;
      if (saidSince.get(subject, nowMs - HOUR_MS) !== undefined) return undefined;
      const words = urgent
        ? {
            title: 'Too many messages: nothing more is sent for now',
            body: `More than ${all} messages within an hour were for here. What comes now is left out until there are fewer; look at the console.`,
          }
        : {
            title: 'Many messages: what is not urgent is held back',
            body: `More than ${routine} messages within an hour were for here. Fills and other routine messages are left out until there are fewer; what is urgent still comes.`,
          };
      return {
        id: newMessageId(),
        kind: 'flood',
        subject,
        ...words,
        path: '/admin/notifications',
        urgent: true,
        createdAtMs: nowMs,
      };
    },
  };
}
