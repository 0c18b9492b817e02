/** Counts what repeats within a second, so that a flood of denials is told in two lines a second and not in thousands. */
import { AUDIT_REPEAT_WINDOW_MS, AUDIT_REPEATED_KEYS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { StoreUnavailable } from '#store/open.ts';
import type { AuditEvent } from './event.ts';

export interface Repeats {
  take(event: AuditEvent): void;
  /** Puts out what was counted so far in every running second. */
  countOut(): void;
  close(): void;
}

interface Running {
  count: number;
  latest: AuditEvent;
  cancel: () => void;
}

/** The first event of a second goes through `put` at once, the others of its kind, agent and reason as one when it ends. */
export function openRepeats(clock: Clock, put: (event: AuditEvent) => void): Repeats {
  const running = new Map<string, Running>();

  function countOut(repeat: Running): void {
    if (repeat.count === 0) return;
    put({ ...repeat.latest, detail: { ...repeat.latest.detail, count: repeat.count } });
    repeat.count = 0;
  }
  function end(key: string, repeat: Running): void {
    try {
      countOut(repeat);
      running.delete(key);
    } catch (cause) {
      // The store is broken and the queue full: the count waits for the next second.
      if (!(cause instanceof StoreUnavailable)) throw cause;
      repeat.cancel = clock.after(AUDIT_REPEAT_WINDOW_MS, () => end(key, repeat));
    }
  }

  return {
    take(event) {
      const key = JSON.stringify([event.kind, event.agent, event.outcome, event.detail?.['reason']]);
      const known = running.get(key);
      if (known) {
        known.count++;
        known.latest = event;
        return;
      }
      put(event);
      if (running.size >= AUDIT_REPEATED_KEYS_MAX) return;
      const repeat: Running = { count: 0, latest: event, cancel: () => undefined };
      repeat.cancel = clock.after(AUDIT_REPEAT_WINDOW_MS, () => end(key, repeat));
      running.set(key, repeat);
    },
    countOut() {
      for (const repeat of running.values()) countOut(repeat);
    },
    close() {
      for (const repeat of running.values()) repeat.cancel();
      running.clear();
    },
  };
}
