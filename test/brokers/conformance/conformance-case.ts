/** What a case of the suite is, and the reasons for which one does not apply. */
import type { ConformanceSubject, Drill } from './bench.ts';
import type { Scene } from './scene.ts';

export interface ConformanceCase {
  /** `C01`; never used again for another case. */
  readonly number: string;
  /** What is true of an adapter that passes, as a sentence. */
  readonly title: string;
  /** Why it does not apply, in half a sentence; undefined: it does. */
  skipWhen(subject: ConformanceSubject): string | undefined;
  run(scene: Scene): Promise<void>;
}

type Skip = ConformanceCase['skipWhen'];

export const never: Skip = () => undefined;
const WITHOUT: Readonly<Record<Drill, string>> = {
  wire: 'nothing between it and its venue can fail on request',
  stream: 'it has no stream that could break',
  session: 'its keys do not end by themselves',
  market: 'it has no prices of its own',
  elsewhere: 'orders come to its venue through it alone',
  'venue cancels': 'its venue cancels nothing by itself',
  'venue expires': 'its venue lets nothing expire on request',
  'venue rejects late': 'its venue says no at once or never',
  clock: 'its venue has no clock of its own',
};
export const needs =
  (drill: Drill): Skip =>
  ({ drills }) =>
    drills.includes(drill) ? undefined : WITHOUT[drill];
export const unless =
  (has: (subject: ConformanceSubject) => boolean, reason: string): Skip =>
  (subject) =>
    has(subject) ? undefined : reason;
/** The first reason of several. */
export const either =
  (...skips: readonly Skip[]): Skip =>
  (subject) => {
    for (const skip of skips) {
      const reason = skip(subject);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };

/** A case in a line and a body. */
export const conforms = (
  number: string,
  title: string,
  skipWhen: Skip,
  run: ConformanceCase['run'],
): ConformanceCase => ({ number, title, skipWhen, run });
