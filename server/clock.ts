/** The wall clock: the one place that reads the time of the machine. */
import { uptime } from 'node:os';
import { SUSPENDED_LOOK_INTERVAL_MS, SUSPENDED_MIN_MS } from './limits.ts';
import type { Clock } from './ports.ts';

/** Two counts from the start of something, in ms: one stands still while the machine is suspended, the other does not. */
export interface Readings {
  readonly awakeMs: () => number;
  readonly upMs: () => number;
}

/**
 * Monotonic time that counts what was slept through: a lid that was closed for eight hours ends a deadline of fifteen minutes. What
 * the one count grew beyond the other is added, once it is more than the two differ by rounding; looked at once a second at most, so
 * that reading the time stays cheap. It never goes back.
 */
export function countingSuspension({ awakeMs, upMs }: Readings): () => number {
  let lookedAtMs = awakeMs();
  const apartMs = upMs() - lookedAtMs;
  let suspendedMs = 0;
  return () => {
    const nowMs = awakeMs();
    if (nowMs - lookedAtMs >= SUSPENDED_LOOK_INTERVAL_MS) {
      lookedAtMs = nowMs;
      const grownMs = upMs() - nowMs - apartMs;
      if (grownMs - suspendedMs >= SUSPENDED_MIN_MS) suspendedMs = grownMs;
    }
    return nowMs + suspendedMs;
  };
}

const awakeMs = (): number => performance.now();

export const wallClock: Clock = {
  wallMs: () => Date.now(),
  // On Linux uptime is CLOCK_BOOTTIME. Elsewhere it follows the wall clock, which somebody may set.
  monotonicMs:
    process.platform === 'linux' ? countingSuspension({ awakeMs, upMs: () => uptime() * 1_000 }) : awakeMs,
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
