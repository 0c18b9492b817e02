/** Monotonic time: it counts what the machine slept through, and never goes back. */
import { describe, expect, it } from 'vitest';
import { countingSuspension, wallClock } from '#clock.ts';

function machine() {
  const at = { awakeMs: 5_000, upMs: 900_000, looks: 0 };
  const monotonicMs = countingSuspension({
    awakeMs: () => at.awakeMs,
    upMs: () => {
      at.looks += 1;
      return at.upMs;
    },
  });
  const runs = (ms: number): void => {
    at.awakeMs += ms;
    at.upMs += ms;
  };
  const sleeps = (ms: number): void => {
    at.upMs += ms;
  };
  return { at, monotonicMs, runs, sleeps };
}

describe('monotonic time', () => {
  it('is that of the process while the machine is awake', () => {
    const { monotonicMs, runs } = machine();
    expect(monotonicMs()).toBe(5_000);
    runs(90_000);
    expect(monotonicMs()).toBe(95_000);
  });

  it('counts eight hours of sleep, at the latest a second after them, and each sleep once', () => {
    const { monotonicMs, runs, sleeps } = machine();
    sleeps(8 * 3_600_000);
    runs(1_000);
    expect(monotonicMs()).toBe(6_000 + 8 * 3_600_000);
    runs(60_000);
    expect(monotonicMs()).toBe(66_000 + 8 * 3_600_000);
    sleeps(60_000);
    runs(1_000);
    expect(monotonicMs()).toBe(67_000 + 8 * 3_600_000 + 60_000);
  });

  it('takes no rounding for sleep, and never goes back', () => {
    const { at, monotonicMs, runs, sleeps } = machine();
    let before = monotonicMs();
    sleeps(5_000);
    for (const apartMs of [10, -10, 400, -4_000, 900, -60_000]) {
      runs(1_000);
      at.upMs += apartMs;
      expect(monotonicMs()).toBeGreaterThanOrEqual(before + 1_000);
      before = monotonicMs();
    }
    expect(before).toBe(5_000 + 6_000 + 5_010);
  });

  it('looks at the other count once a second at most', () => {
    const { at, monotonicMs, runs } = machine();
    for (let n = 0; n < 1_000; n++) {
      runs(10);
      monotonicMs();
    }
    expect(at.looks).toBeLessThanOrEqual(11);
  });

  it('goes on on this machine', () => {
    const first = wallClock.monotonicMs();
    expect(wallClock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });
});
