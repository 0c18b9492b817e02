/** The wall clock: the one place that reads the time of the machine. */
import type { Clock } from './ports.ts';

export const wallClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
