/** A market under a clock turned by hand that goes on while a browser, which takes its own time, does something. */
import type { HandClock } from './hand-clock.ts';

interface GoingOn {
  readonly during: <T>(doing: Promise<T>) => Promise<T>;
  /** Until it is so; throws when that never comes about. */
  readonly until: (holds: () => Promise<boolean>) => Promise<void>;
}

export function goingOn(clock: () => Pick<HandClock, 'advanceAsync'>): GoingOn {
  const breathe = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    async during(doing) {
      let done = false;
      const settled = doing.finally(() => {
        done = true;
      });
      settled.catch(() => undefined);
      while (!done) {
        await clock().advanceAsync(20);
        await breathe(20);
      }
      return settled;
    },
    async until(holds) {
      for (let turn = 0; turn < 200; turn++) {
        if (await holds()) return;
        await clock().advanceAsync(100);
        await breathe(25);
      }
      throw new Error('it never came about');
    },
  };
}
