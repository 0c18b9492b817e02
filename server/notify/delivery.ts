/** Delivers the jobs: one at a time for each destination, bounded in time, again after a wait, and beside everything else. */
import { setMaxListeners } from 'node:events';
import type { AuditLog } from '#audit/log.ts';
import { NOTIFY_BACKOFF_MS, NOTIFY_RETRY_MS, NOTIFY_TIMEOUT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import type { Sent } from './channel.ts';
import { channelOf } from './channels.ts';
import type { Destination, Destinations } from './destinations.ts';
import type { Job, Jobs } from './jobs.ts';
import type { MessageKind } from './kinds.ts';
import type { Letter, Message } from './message.ts';

export interface Delivery {
  /** There may be something to do. */
  look(): void;
  /** One message, now and once, with no job behind it. */
  sendNow(to: Destination, message: Message): Promise<Sent>;
  /** Ends what is under way; its jobs are delivered again after the next start. */
  stop(): Promise<void>;
}

export interface DeliveryOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly clock: Clock;
  readonly wallMs: () => number;
  readonly destinations: Destinations;
  readonly jobs: Jobs;
  /** Where a message's page is, as the owner reaches it. */
  readonly urlOf: (path: string) => string | null;
  /** Told of what must not happen; the destination is served again after a while. */
  readonly onFault: (cause: unknown) => void;
}

export function openDelivery(o: DeliveryOptions): Delivery {
  const { store, clock, wallMs, destinations, jobs } = o;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const send = openSender(o, stopping.signal);
  const busy = new Map<string, Promise<void>>();
  let cancelTimer: (() => void) | undefined;

  /** Everything that is due there, one after the other. */
  async function serve(to: Destination): Promise<void> {
    for (
      let job = jobs.due(to.id, wallMs());
      job && !stopping.signal.aborted;
      job = jobs.due(to.id, wallMs())
    ) {
      if (isNeeded(jobs, job)) {
        const sent = await send(to, job.message);
        if (stopping.signal.aborted) return;
        await written(() => note(o, to, job, sent));
      } else await written(() => jobs.done(job, 'not_needed', wallMs()));
      // The owner may have removed or changed it meanwhile.
      const now = destinations.byId(to.id);
      if (now !== to) return;
    }
  }

  /** While the store takes nothing, nothing is sent there either: it would be sent again and again. */
  async function written(work: () => void): Promise<void> {
    for (;;) {
      try {
        return store.transaction(work);
      } catch (cause) {
        if (!(cause instanceof StoreUnavailable)) throw cause;
      }
      await pause();
      if (stopping.signal.aborted) return;
    }
  }
  /** Until it may work again, or the gateway stops. */
  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        stopping.signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(NOTIFY_RETRY_MS, end);
      stopping.signal.addEventListener('abort', end);
    });
  }

  function look(): void {
    if (stopping.signal.aborted) return;
    cancelTimer?.();
    cancelTimer = undefined;
    try {
      const next = beginDue(wallMs());
      if (next < Number.POSITIVE_INFINITY) cancelTimer = clock.after(next, look);
    } catch (cause) {
      // The store can not be read.
      o.onFault(cause);
      cancelTimer = clock.after(NOTIFY_RETRY_MS, look);
    }
  }
  /** Gives how long until something else is due. */
  function beginDue(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const to of destinations.list()) {
      if (busy.has(to.id)) continue;
      const dueMs = jobs.nextDueMs(to.id);
      if (dueMs === undefined) continue;
      if (dueMs > nowMs) next = Math.min(next, dueMs);
      else begin(to);
    }
    return next - nowMs;
  }
  function begin(to: Destination): void {
    const work = serve(to)
      .catch((cause: unknown) => {
        o.onFault(cause);
        return pause();
      })
      .then(() => {
        busy.delete(to.id);
        look();
      });
    busy.set(to.id, work);
  }

  return {
    look,
    sendNow: send,
    async stop() {
      stopping.abort();
      cancelTimer?.();
      await Promise.all(busy.values());
    },
  };
}

type Send = Delivery['sendNow'];

/** Sends once, bounded in time; ends at once when the gateway stops. */
function openSender({ clock, wallMs, urlOf }: DeliveryOptions, stopping: AbortSignal): Send {
  return async (to, message) => {
    if (to.target === undefined) {
      const why = 'Where it leads can not be opened: another key sealed it. Enter the destination anew.';
      return { kind: 'never', why };
    }
    const ending = new AbortController();
    const late = `The server did not answer within ${NOTIFY_TIMEOUT_MS / 1_000} s.`;
    const cancelLate = clock.after(NOTIFY_TIMEOUT_MS, () => ending.abort(late));
    const stop = (): void => ending.abort('The gateway stopped.');
    stopping.addEventListener('abort', stop, { once: true });
    if (stopping.aborted) stop();
    const letter: Letter = { ...message, url: message.path === null ? null : urlOf(message.path) };
    const { signal } = ending;
    try {
      const sent = channelOf(to.channel).send(to.target, { letter, wallMs: wallMs(), signal });
      // Whatever a channel or a library below it makes of the end, nobody waits for it any longer than that.
      return await Promise.race([sent, endOf(signal)]);
    } finally {
      cancelLate();
      stopping.removeEventListener('abort', stop);
    }
  };
}

const endOf = (signal: AbortSignal): Promise<Sent> =>
  new Promise((resolve) => {
    const end = (): void => resolve({ kind: 'later', why: String(signal.reason) });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

/** What asks the owner for something, and nothing when that was answered. */
const ENDS_UNTOLD: ReadonlySet<MessageKind> = new Set(['approval', 'unknown', 'client']);

/** What another took is told again only while it needs the owner; what is over is told by what became of it. */
function isNeeded(jobs: Jobs, { message }: Job): boolean {
  // A gathered one tells of who is there still, whether or not they need the owner.
  const asks = message.needsOwner || message.gathered !== null;
  if (ENDS_UNTOLD.has(message.kind) && asks && !message.standing) return false;
  if (!jobs.wasSent(message.id)) return true;
  return message.needsOwner && message.standing;
}

function note({ jobs, audit, wallMs }: DeliveryOptions, to: Destination, job: Job, sent: Sent): void {
  const nowMs = wallMs();
  if (sent.kind === 'sent') return jobs.done(job, 'sent', nowMs);
  const waitMs = NOTIFY_BACKOFF_MS[job.tries];
  if (sent.kind === 'later' && waitMs !== undefined)
    return jobs.again(job, nowMs + Math.max(waitMs, sent.afterMs ?? 0), sent.why);
  jobs.done(job, 'given_up', nowMs, sent.why);
  jobs.hasten(job.message.id, nowMs);
  audit.record({
    kind: 'notify.given_up',
    outcome: 'error',
    detail: {
      message: job.message.id,
      about: job.message.kind,
      destination: to.id,
      channel: to.channel,
      why: sent.why,
    },
  });
}
