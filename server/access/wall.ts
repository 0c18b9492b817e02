/** Wall time that never goes back, not even across restarts, so that what has expired stays expired. */
import { WALL_SAVE_INTERVAL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';

export interface SteadyWall {
  /** Epoch milliseconds, whole, never less than an earlier answer. */
  (): number;
  /** Whether that time has come. A yes is durable before it is given: no restart and no clock takes it back. */
  hasPassed(deadlineMs: number): boolean;
}

/**
 * The machine's clock, held up by the highest time ever saved (`settings.wall_high_water_ms`). When the machine's clock is set
 * back, steady time goes on at half the pace until the machine has caught up: expiries still arrive, and the two meet again.
 */
export function steadyWall(store: Store, clock: Clock): SteadyWall {
  const read = store.db.prepare(`SELECT value FROM settings WHERE name = 'wall_high_water_ms'`).pluck();
  const write = store.db.prepare(
    `UPDATE settings SET value = ? WHERE name = 'wall_high_water_ms' AND CAST(value AS INTEGER) < CAST(? AS INTEGER)`,
  );
  let savedMs = Number(read.get());
  let steadyMs = savedMs;
  let atMonotonicMs = clock.monotonicMs();

  function advance(): number {
    const monotonicMs = clock.monotonicMs();
    steadyMs = Math.max(clock.wallMs(), steadyMs + (monotonicMs - atMonotonicMs) / 2);
    atMonotonicMs = monotonicMs;
    return Math.floor(steadyMs);
  }
  /** Inside a transaction a failure is the transaction's; outside, time must go on while the disk does not. */
  function save(nowMs: number): void {
    const commit = (): void =>
      store.transaction(() => {
        write.run(String(nowMs), String(nowMs));
        store.afterCommit(() => {
          savedMs = Math.max(savedMs, nowMs);
        });
      });
    if (store.inTransaction()) return commit();
    try {
      commit();
    } catch (fault) {
      // Cancels and the kill switch read the time too, and go first even when the store is broken.
      if (!(fault instanceof StoreUnavailable)) throw fault;
    }
  }

  function nowMs(): number {
    const now = advance();
    if (now - savedMs >= WALL_SAVE_INTERVAL_MS) save(now);
    return now;
  }
  function hasPassed(deadlineMs: number): boolean {
    const now = nowMs();
    if (now < deadlineMs) return false;
    if (savedMs < deadlineMs) save(now);
    return true;
  }
  return Object.assign(nowMs, { hasPassed });
}
