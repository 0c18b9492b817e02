/** Which pages were answered: the same form twice is one answer, and whoever sends the second goes the way of the first. */
import { INTERACTIONS_ANSWERED_MAX } from '#limits.ts';

export interface Answered {
  /** Settles when the first answer is on its way; undefined: there was none. */
  of(uid: string): Promise<unknown> | undefined;
  /** Called in the same turn as what it answers with commits. */
  mark(uid: string, answering: Promise<unknown>): void;
}

/** In memory: an answered page is gone from the store as soon as its browser has followed the answer. */
export function openAnswered(): Answered {
  const answered = new Map<string, Promise<unknown>>();
  return {
    of: (uid) => answered.get(uid),
    mark(uid, answering) {
      const [oldest] = answered.keys();
      if (answered.size >= INTERACTIONS_ANSWERED_MAX && oldest !== undefined) answered.delete(oldest);
      answered.set(uid, answering);
      // What could not be answered may be tried again.
      answering.catch(() => answered.delete(uid));
    },
  };
}
