/** Tells the end of a session of each calendar that is followed, at its moment: a live stream says nothing of it. */
import type { InstrumentId } from '#domain/instrument.ts';
import { SESSION_LOOK_MAX_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Calendar } from './calendar.ts';

export interface SessionEndOptions {
  readonly clock: Clock;
  readonly calendarOf: (id: InstrumentId) => Calendar | undefined;
  readonly followed: () => readonly InstrumentId[];
  readonly ended: (ids: readonly InstrumentId[]) => void;
}

/** Returns what ends it. */
export function watchSessionEnds({ clock, calendarOf, followed, ended }: SessionEndOptions): () => void {
  let lookedAtMs = clock.wallMs();
  let cancel = (): void => undefined;

  /** The first close after a moment among what is followed. */
  function nextClose(afterMs: number): number | undefined {
    const closes = new Set(followed().map(calendarOf));
    const times = [...closes].flatMap((calendar) => calendar?.nextSession(afterMs)?.closeMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }
  function look(): void {
    const nowMs = clock.wallMs();
    const over = followed().filter((id) => {
      const closeMs = calendarOf(id)?.nextSession(lookedAtMs)?.closeMs;
      return closeMs !== undefined && closeMs <= nowMs;
    });
    // A wall clock that was set back tells no end twice.
    lookedAtMs = Math.max(lookedAtMs, nowMs);
    if (over.length > 0) ended(over);
  }
  function again(): void {
    const closeMs = nextClose(lookedAtMs);
    const untilMs = closeMs === undefined ? SESSION_LOOK_MAX_MS : closeMs - clock.wallMs();
    cancel = clock.after(Math.min(Math.max(untilMs, 1), SESSION_LOOK_MAX_MS), () => {
      look();
      again();
    });
  }
  again();
  return () => cancel();
}
