/** What the record can not tell, because it is itself in trouble: a file that does not follow, a database that takes nothing. */
import type { AuditLog } from '#audit/log.ts';
import { NOTIFY_TROUBLE_AGAIN_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Store } from '#store/open.ts';
import type { Delivery } from './delivery.ts';
import type { Destinations } from './destinations.ts';
import { type Message, newMessageId } from './message.ts';
import type { Draft, Outbox } from './outbox.ts';

export interface Trouble {
  /** Tells when the file of the record has stopped to follow the database, and when it follows again. */
  lookAtFile(): void;
  /** One message, from memory, to the first destination that takes it; not again for a while. */
  tellOfStore(): Promise<void>;
}

export interface TroubleOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly wallMs: () => number;
  readonly audit: Pick<AuditLog, 'trouble'>;
  readonly outbox: Outbox;
  readonly destinations: Destinations;
  readonly delivery: Pick<Delivery, 'sendNow'>;
}

const FILE = { kind: 'record', subject: 'file', path: '/admin/audit' } as const;
const STOPPED: Draft = {
  ...FILE,
  title: 'The file of the record can not be written',
  body: [
    'The record goes on in the database, and the file follows once it can. Look at the disk of the gateway.',
  ],
  standing: true,
};
const FOLLOWS: Draft = {
  ...FILE,
  title: 'The file of the record is written again',
  body: ['It has caught up.'],
};

export function openTrouble(o: TroubleOptions): Trouble {
  let stopped = false;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return {
    lookAtFile() {
      const stops = o.audit.trouble() !== undefined;
      if (stops === stopped) return;
      o.store.transaction(() => {
        if (stops) o.outbox.tell(STOPPED);
        else if (o.outbox.over(FILE.kind, FILE.subject)) o.outbox.tell(FOLLOWS);
      });
      stopped = stops;
    },
    async tellOfStore() {
      const nowMs = o.clock.monotonicMs();
      if (nowMs - toldAtMs < NOTIFY_TROUBLE_AGAIN_MS) return;
      toldAtMs = nowMs;
      const message: Message = {
        id: newMessageId(),
        kind: 'record',
        subject: 'database',
        title: 'The database of the gateway can not be written',
        body: 'No new order is taken. Canceling and the kill switch work. Look at the disk of the gateway.',
        path: '/admin',
        urgent: true,
        createdAtMs: o.wallMs(),
      };
      for (const to of o.destinations.list().filter(({ kinds }) => kinds.has('record'))) {
        const sent = await o.delivery.sendNow(to, message);
        if (sent.kind === 'sent') return;
      }
    },
  };
}
