/** Calls an agent may make in a window of time, per bucket; exact in any window, and kept across a restart. */
import type { AgentId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { RATE_COUNT_MAX, RATE_SAVE_INTERVAL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import type { SteadyWall } from './wall.ts';

const UNITS = { second: 1_000, minute: 60_000, hour: 3_600_000 } as const;

export interface Rate {
  readonly count: number;
  readonly per: keyof typeof UNITS;
}

export const rateWindowMs = ({ per }: Rate): number => UNITS[per];

/** Previews count as reads; reduce tools have a bucket of their own, so that a busy agent can still get out. */
export type CallKind = 'read' | 'write' | 'reduce';
/** What an agent does as a remote client is counted apart; several clients of one agent are counted together. */
export type RateBucket = CallKind | `remote_${CallKind}`;
export type RateLimits = { readonly [bucket in RateBucket]: Rate };

/** As the owner sets them; what is left out is at its default. */
export interface Rates {
  /** Of keys and stdio. */
  readonly read: Rate;
  readonly write: Rate;
  readonly remoteRead: Rate;
  readonly remoteWrite: Rate;
}

export const DEFAULT_RATES: Rates = {
  read: { count: 600, per: 'minute' },
  write: { count: 120, per: 'minute' },
  remoteRead: { count: 60, per: 'minute' },
  remoteWrite: { count: 50, per: 'minute' },
};

/** Reduce tools have as much room as writes, for themselves. */
export function limitsOf(rates: Partial<Rates>): RateLimits {
  const { read, write, remoteRead, remoteWrite } = { ...DEFAULT_RATES, ...rates };
  return {
    read,
    write,
    reduce: write,
    remote_read: remoteRead,
    remote_write: remoteWrite,
    remote_reduce: remoteWrite,
  };
}

/** Parses `600 per minute` (second, minute, hour); the error is the rule. */
export function parseRate(given: string): Result<Rate, string> {
  const rule = `a rate such as "600 per minute" (second, minute or hour), from 1 to ${RATE_COUNT_MAX}`;
  const match = /^\s*(\d{1,9})\s+per\s+(second|minute|hour)\s*$/i.exec(given);
  const count = Number(match?.[1]);
  const unit = match?.[2]?.toLowerCase();
  const per = (Object.keys(UNITS) as (keyof typeof UNITS)[]).find((name) => name === unit);
  if (per === undefined || !(count >= 1 && count <= RATE_COUNT_MAX)) return err(rule);
  return ok({ count, per });
}

/** The times of the calls that count, as a ring: the last `used` before `next`, oldest first. */
interface Window {
  readonly agent: AgentId;
  readonly bucket: RateBucket;
  readonly calls: Float64Array;
  next: number;
  used: number;
  dirty: boolean;
}

export interface RateLimiter {
  take(agent: AgentId, bucket: RateBucket): Result<{ readonly remaining: number }, Refusal>;
  /** Other limits from here on; calls already made count towards them. */
  change(limits: RateLimits): void;
  /** Saves what is not saved yet. */
  flush(): void;
}

interface RateOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly wall: SteadyWall;
  readonly limits: RateLimits;
}

/**
 * Windows go by monotonic time, which no operator sets. They are saved at most once a second (a crash forgets at most that
 * much) with their age by steady wall time, and taken up again at the next start.
 */
export function openRateLimiter(o: RateOptions): RateLimiter {
  const { store, clock, wall } = o;
  let { limits } = o;
  const load = store.db.prepare('SELECT saved_at, ages FROM rate_windows WHERE agent_id = ? AND bucket = ?');
  const save = store.db.prepare(
    `INSERT INTO rate_windows (agent_id, bucket, saved_at, ages) VALUES (?, ?, ?, ?)
     ON CONFLICT (agent_id, bucket) DO UPDATE SET saved_at = excluded.saved_at, ages = excluded.ages`,
  );
  const windows = new Map<string, Window>();
  let saving = false;

  function windowOf(agent: AgentId, bucket: RateBucket): Window {
    const name = `${agent} ${bucket}`;
    const known = windows.get(name);
    if (known) return known;
    const row = load.get(agent, bucket) as { saved_at: number; ages: Buffer } | undefined;
    const calls = new Float64Array(limits[bucket].count);
    const used = row ? restore(calls, row, { nowMs: clock.monotonicMs(), wallMs: wall() }) : 0;
    const opened: Window = { agent, bucket, calls, next: used % calls.length, used, dirty: false };
    windows.set(name, opened);
    return opened;
  }
  function flush(): void {
    const dirty = [...windows.values()].filter((window) => window.dirty);
    if (dirty.length === 0) return;
    store.transaction(() => {
      const nowMs = clock.monotonicMs();
      const savedAt = wall();
      for (const window of dirty) {
        letGo(window, nowMs - UNITS[limits[window.bucket].per]);
        save.run(window.agent, window.bucket, savedAt, agesOf(window, nowMs));
      }
      store.afterCommit(() => {
        for (const window of dirty) window.dirty = false;
      });
    });
  }
  function saveSoon(): void {
    if (saving) return;
    saving = true;
    clock.after(RATE_SAVE_INTERVAL_MS, () => {
      saving = false;
      try {
        flush();
      } catch (fault) {
        // Limits go on in memory, and are saved with the next call after the store has healed.
        if (!(fault instanceof StoreUnavailable)) throw fault;
      }
    });
  }

  return {
    take(agent, bucket) {
      const window = windowOf(agent, bucket);
      const { count, per } = limits[bucket];
      const windowMs = UNITS[per];
      const nowMs = clock.monotonicMs();
      letGo(window, nowMs - windowMs);
      if (window.used === count)
        return err(tooFast(bucket, limits[bucket], callOf(window, 0) + windowMs - nowMs));
      window.calls[window.next] = nowMs;
      window.next = (window.next + 1) % count;
      window.used += 1;
      window.dirty = true;
      saveSoon();
      return ok({ remaining: count - window.used });
    },
    change(next) {
      flush();
      windows.clear();
      limits = next;
    },
    flush,
  };
}

function tooFast(bucket: RateBucket, rate: Rate, waitMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  const count = String(rate.count);
  return refuse(
    'rate_limited',
    `More than ${count} ${bucket.replace('_', ' ')} calls a ${rate.per}; wait ${seconds} s.`,
    {
      retry_after: seconds,
      limits: [
        { limit: `rate_${bucket}`, used: count, order: '1', max: count, unit: `calls per ${rate.per}` },
      ],
    },
  );
}

/** The nth of the calls that count, from the oldest. */
function callOf({ calls, next, used }: Window, nth: number): number {
  return calls[(next - used + nth + calls.length) % calls.length] ?? Number.NEGATIVE_INFINITY;
}

/** A call stops counting when the window has passed, each once. */
function letGo(window: Window, untilMs: number): void {
  while (window.used > 0 && callOf(window, 0) <= untilMs) window.used -= 1;
}

/** Ages are rounded down, so that a restored call is never older than it was. */
function agesOf(window: Window, nowMs: number): Buffer {
  const packed = Buffer.alloc(window.used * 4);
  for (let nth = 0; nth < window.used; nth++)
    packed.writeUInt32LE(Math.floor(nowMs - callOf(window, nth)), nth * 4);
  return packed;
}

/** Fills the ring with the newest calls of the saved row; gives back how many. */
function restore(
  calls: Float64Array,
  row: { readonly saved_at: number; readonly ages: Buffer },
  now: { readonly nowMs: number; readonly wallMs: number },
): number {
  const sinceMs = Math.max(0, now.wallMs - row.saved_at);
  const total = Math.floor(row.ages.length / 4);
  const kept = Math.min(total, calls.length);
  for (let n = 0; n < kept; n++) {
    calls[n] = now.nowMs - row.ages.readUInt32LE((total - kept + n) * 4) - sinceMs;
  }
  return kept;
}
