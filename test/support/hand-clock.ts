/** A clock that only moves when a test turns it; due timers fire in order, at their own time. */
import type { Clock } from '#ports.ts';

export interface HandClock extends Clock {
  /** Moves both clocks forward and fires what is due. */
  advance(ms: number): void;
  /** Fires what is due like `advance`, but lets promises settle after every timer. */
  advanceAsync(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an operator or NTP would; deadlines must not notice. */
  setWall(ms: number): void;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly call: () => void;
}

export function handClock(startMs = Date.UTC(2026, 0, 5, 12)): HandClock {
  let wall = startMs;
  let monotonic = 0;
  let order = 0;
  const timers = new Set<Timer>();

  function nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs > untilMs) continue;
      if (!next || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order))
        next = timer;
    }
    return next;
  }
  function moveTo(ms: number): void {
    if (ms > monotonic) {
      wall += ms - monotonic;
      monotonic = ms;
    }
  }

  return {
    wallMs: () => wall,
    monotonicMs: () => monotonic,
    after(delayMs, call) {
      const timer = { dueMs: monotonic + Math.max(0, delayMs), order: order++, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = monotonic + ms;
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        timers.delete(timer);
        moveTo(timer.dueMs);
        timer.call();
      }
      moveTo(until);
    },
    async advanceAsync(ms) {
      const until = monotonic + ms;
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        timers.delete(timer);
        moveTo(timer.dueMs);
        timer.call();
        await new Promise((resolve) => setImmediate(resolve));
      }
      moveTo(until);
      await new Promise((resolve) => setImmediate(resolve));
    },
    setWall(ms) {
      wall = ms;
    },
  };
}
