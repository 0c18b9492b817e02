/** Tells the owner what they would want to know: put together here, from the record to the channels. */

import type { AuditLog } from '#audit/log.ts';
import type { AuditLine } from '#audit/query.ts';
import { NOTIFY_LOOK_DELAY_MS, NOTIFY_RETRY_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { settings } from '#store/settings.ts';
import { openActs } from './acts.ts';
import { openAskers } from './askers.ts';
import { dropClient, gatherClient } from './asking-clients.ts';
import { openConsoleUrl } from './console-url.ts';
import { openDelivery } from './delivery.ts';
import type { NotifyDesk } from './desk.ts';
import { openDestinations } from './destinations.ts';
import { gatherFill, openBursts } from './gathered.ts';
import { openJobs } from './jobs.ts';
import { openOutbox } from './outbox.ts';
import { openReader } from './reader.ts';
import { TALE_KINDS, taleOf } from './tales.ts';
import { openTrouble } from './trouble.ts';

export interface Notify {
  readonly desk: NotifyDesk;
  /** Takes up what the last run left, and follows the record from here on. */
  start(): void;
  /** The database takes nothing: said at once, from memory, because there is no job to be made of it. */
  storeBroken(): void;
  /** Jobs that are under way are delivered again after the next start. */
  stop(): Promise<void>;
}

export interface NotifyOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record' | 'head' | 'trouble'>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** Steady: it never goes back. */
  readonly wallMs: () => number;
  /** Whether a remote client waits for the owner's approval; else sign-in and consent let it in. */
  readonly approvesClients: () => boolean;
  /** Where the engine itself is reached; undefined without HTTP. */
  readonly ownUrl: () => string | undefined;
  /** Told of what must not happen; telling goes on after a while. */
  readonly onFault: (cause: unknown) => void;
}

export function openNotify(o: NotifyOptions): Notify {
  const { store, audit, clock, wallMs } = o;
  const url = openConsoleUrl(settings(store), o.ownUrl);
  const destinations = openDestinations(store, o.keyring);
  const outbox = openOutbox({ store, destinations, wallMs });
  const jobs = openJobs(store);
  const bursts = openBursts(outbox);
  const askers = openAskers(outbox);
  const urlOf = (path: string): string | null => {
    const acting = url.acting();
    return acting === undefined ? null : acting + path;
  };
  const delivery = openDelivery({ ...o, destinations, jobs, urlOf });
  const reader = openReader({ store, head: () => audit.head().seq, kinds: TALE_KINDS, take });
  const trouble = openTrouble({ store, clock, wallMs, audit, outbox, destinations, delivery });
  let running = false;
  let cancelLook: (() => void) | undefined;

  /** A line that can not be told of is passed over: every one after it would wait for it for ever. */
  function read(line: AuditLine): ReturnType<typeof taleOf> {
    try {
      return taleOf(line);
    } catch (cause) {
      o.onFault(cause);
      return undefined;
    }
  }
  function take(line: AuditLine): void {
    const tale = read(line);
    if (tale === undefined) return;
    switch (tale.kind) {
      case 'tell':
        return tale.asks === undefined
          ? outbox.tell(tale.draft)
          : askers.tell(tale.draft, tale.asks, wallMs());
      case 'over':
        if (outbox.over(tale.of, tale.subject) && tale.news !== undefined) outbox.tell(tale.news);
        return;
      case 'fill':
        return gatherFill(outbox, tale.fill, wallMs());
      case 'client_asks':
        return gatherClient(outbox, tale.client, { nowMs: wallMs(), waits: o.approvesClients() });
      case 'client_answered':
        return dropClient(outbox, tale.id, { nowMs: wallMs(), waits: o.approvesClients() });
      case 'refusal':
        return bursts.take(tale, Date.parse(line.time));
      default:
        return tale satisfies never;
    }
  }
  function look(): void {
    cancelLook = undefined;
    if (!running || destinations.list().length === 0) return;
    try {
      trouble.lookAtFile();
      if (reader.look()) lookIn(0);
    } catch (cause) {
      o.onFault(cause);
      lookIn(NOTIFY_RETRY_MS);
    }
    delivery.look();
  }
  function lookIn(inMs: number): void {
    if (running) cancelLook ??= clock.after(inMs, look);
  }
  // Whatever is on the record was committed, in whichever way it came there; between commits nothing is done.
  store.onBegin(() => {
    if (running && cancelLook === undefined && destinations.list().length > 0)
      store.afterCommit(() => lookIn(NOTIFY_LOOK_DELAY_MS));
  });

  return {
    desk: openActs({ ...o, destinations, jobs, outbox, delivery, url, begin: () => reader.skip() }),
    start() {
      running = true;
      look();
    },
    storeBroken: () => running && void trouble.tellOfStore().catch(o.onFault),
    async stop() {
      running = false;
      cancelLook?.();
      await delivery.stop();
    },
  };
}
