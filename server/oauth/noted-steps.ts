/** Steps of connections in memory until they are written: counted for each client and address, and bounded for both. */
import {
  CONNECTION_ADDRESSES_NEW_MAX,
  CONNECTION_ADDRESSES_NEW_WINDOW_MS,
  CONNECTION_SUBJECTS_NOTED_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { ProgressRow } from './progress-table.ts';
import type { ConnectionStep } from './records.ts';

/** Before it has a client id, somebody is the address that asks. */
export const ADDRESS_SUBJECT = 'address:';
export const isAddress = (subject: string): boolean => subject.startsWith(ADDRESS_SUBJECT);

interface Noted {
  readonly times: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly outcome: string;
}
interface Subject {
  /** Since the last write. */
  readonly steps: Map<ConnectionStep, Noted>;
  /** The outcome that each step had in the writes of this process. */
  readonly written: Map<ConnectionStep, string>;
  /** Of a client: the address whose steps before were its own. */
  cameFrom: string | undefined;
}

/** `news`: to be written soon. `repeat`: counted, and no hurry. `dropped`: one stranger too many. */
export type Counted = 'news' | 'repeat' | 'dropped';

export interface NotedSteps {
  has(subject: string): boolean;
  count(o: {
    readonly subject: string;
    readonly step: ConnectionStep;
    readonly outcome: string;
    readonly atMs: number;
  }): Counted;
  /** The client is noted already. */
  cameFrom(clientId: string, address: string): void;
  rows(): readonly ProgressRow[];
  joins(): readonly { readonly clientId: string; readonly address: string }[];
  /** What `rows` and `joins` told is on the disk. */
  written(): void;
}

/** `stored` says whether a subject has rows on the disk already. */
export function notedSteps(clock: Clock, stored: (subject: string) => boolean): NotedSteps {
  const subjects = new Map<string, Subject>();
  const admitsStranger = newcomers(clock);

  function subjectOf(name: string): Subject | undefined {
    const known = subjects.get(name);
    if (known) return known;
    if (isAddress(name) && !stored(name) && !admitsStranger()) return undefined;
    if (subjects.size >= CONNECTION_SUBJECTS_NOTED_MAX) forgetWritten(subjects);
    if (subjects.size >= CONNECTION_SUBJECTS_NOTED_MAX) return undefined;
    const made: Subject = { steps: new Map(), written: new Map(), cameFrom: undefined };
    subjects.set(name, made);
    return made;
  }

  return {
    has: (name) => subjects.has(name),
    count({ subject: name, step, outcome, atMs }) {
      const subject = subjectOf(name);
      if (!subject) return 'dropped';
      const { times, firstAtMs } = subject.steps.get(step) ?? { times: 0, firstAtMs: atMs };
      subject.steps.set(step, { times: times + 1, firstAtMs, lastAtMs: atMs, outcome });
      const before = subject.written.get(step);
      // A stranger who errs now in one way, now in another, is no news.
      return before === undefined || (before !== outcome && !isAddress(name)) ? 'news' : 'repeat';
    },
    cameFrom(clientId, address) {
      const subject = subjects.get(clientId);
      if (subject) subject.cameFrom = address;
    },
    rows: () =>
      [...subjects].flatMap(([name, { steps }]) =>
        [...steps].map(([step, noted]) => rowOf(name, step, noted)),
      ),
    joins: () =>
      [...subjects].flatMap(([clientId, { cameFrom }]) =>
        cameFrom === undefined ? [] : [{ clientId, address: cameFrom }],
      ),
    written() {
      for (const subject of subjects.values()) {
        for (const [step, { outcome }] of subject.steps) subject.written.set(step, outcome);
        subject.steps.clear();
        subject.cameFrom = undefined;
      }
    },
  };
}

const rowOf = (subject: string, step: ConnectionStep, noted: Noted): ProgressRow => ({
  subject,
  step,
  first_at: noted.firstAtMs,
  last_at: noted.lastAtMs,
  times: noted.times,
  last_outcome: noted.outcome,
});

/** Makes room among those of whom nothing waits to be written. */
function forgetWritten(subjects: Map<string, Subject>): void {
  for (const [name, { steps }] of subjects) if (steps.size === 0) subjects.delete(name);
}

/** How many addresses that nobody has seen before are taken up: strangers in crowds cost neither memory nor disk. */
function newcomers(clock: Clock): () => boolean {
  let openedMs = Number.NEGATIVE_INFINITY;
  let admitted = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - openedMs >= CONNECTION_ADDRESSES_NEW_WINDOW_MS) {
      openedMs = nowMs;
      admitted = 0;
    }
    admitted++;
    return admitted <= CONNECTION_ADDRESSES_NEW_MAX;
  };
}
