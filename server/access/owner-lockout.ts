/** Tries that were wrong: five in five minutes, then each waits twice as long as the one before; kept across a restart. */
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  OWNER_LOCK_FIRST_MS,
  OWNER_LOCK_MAX_MS,
  OWNER_TRIES_ANYWHERE_MAX,
  OWNER_TRIES_MAX,
  OWNER_TRIES_WINDOW_MS,
  OWNER_TRY_BUCKETS_MAX,
} from '#limits.ts';
import type { Store } from '#store/open.ts';
import { LOOPBACK, networkOf } from './address.ts';
import type { SteadyWall } from './wall.ts';

export interface Bucket {
  readonly name: string;
  readonly max: number;
}

export interface Lockout {
  /** Counts a try before it is looked at, in every bucket or in none, so that many at once are no more than one by one. */
  take(buckets: readonly Bucket[]): Result<void, Refusal>;
  /** Inside the transaction of a try that was right. */
  clear(buckets: readonly Bucket[]): void;
}

interface Row {
  readonly times: readonly number[];
  readonly locks: number;
  readonly lockedUntil: number;
}
const FRESH: Row = { times: [], locks: 0, lockedUntil: 0 };

export const bucket = (name: string): Bucket => ({ name, max: OWNER_TRIES_MAX });

/**
 * There is one account, so an address is counted whatever name it tries: a bucket a name would tell which name is right.
 * Everything outside this machine counts towards one wide bucket too, for who has many addresses.
 */
export function visitorBuckets(trying: 'sign_in' | 'link', address: string): readonly Bucket[] {
  const network = networkOf(address);
  const own = bucket(`${trying} ${network}`);
  if (network === LOOPBACK) return [own];
  return [own, { name: `${trying} anywhere`, max: OWNER_TRIES_ANYWHERE_MAX }];
}

export function openLockout(store: Store, wall: SteadyWall): Lockout {
  const { db } = store;
  const select = db.prepare('SELECT times, locks, locked_until FROM owner_tries WHERE bucket = ?');
  const upsert = db.prepare(
    `INSERT INTO owner_tries (bucket, times, locks, locked_until, last_at) VALUES (@bucket, @times, @locks, @lockedUntil, @at)
     ON CONFLICT (bucket) DO UPDATE
     SET times = excluded.times, locks = excluded.locks, locked_until = excluded.locked_until, last_at = excluded.last_at`,
  );
  const remove = db.prepare('DELETE FROM owner_tries WHERE bucket = ?');
  const purge = db.prepare('DELETE FROM owner_tries WHERE last_at <= ? AND locked_until <= ?');
  const count = db.prepare('SELECT count(*) FROM owner_tries').pluck();
  const removeOldest = db.prepare(
    'DELETE FROM owner_tries WHERE bucket = (SELECT bucket FROM owner_tries ORDER BY last_at LIMIT 1)',
  );

  function read(name: string): Row {
    const row = select.get(name) as { times: string; locks: number; locked_until: number } | undefined;
    if (!row) return FRESH;
    return {
      times: JSON.parse(row.times) as number[],
      locks: row.locks,
      lockedUntil: row.locked_until,
    };
  }
  function makeRoom(nowMs: number): void {
    purge.run(nowMs - OWNER_LOCK_MAX_MS, nowMs - OWNER_LOCK_MAX_MS);
    if (Number(count.get()) >= OWNER_TRY_BUCKETS_MAX) removeOldest.run();
  }

  return {
    take(buckets) {
      return store.transaction(() => {
        const nowMs = wall();
        const rows = buckets.map((one) => ({ one, row: stillCounting(read(one.name), nowMs) }));
        const lockedUntil = Math.max(...rows.map(({ row }) => row.lockedUntil));
        if (!wall.hasPassed(lockedUntil)) return err(locked(lockedUntil - nowMs));
        for (const { one, row } of rows) {
          if (row === FRESH) makeRoom(nowMs);
          const next = counted(row, one.max, nowMs);
          upsert.run({ ...next, bucket: one.name, times: JSON.stringify(next.times), at: nowMs });
        }
        return ok(undefined);
      });
    },
    clear(buckets) {
      for (const one of buckets) remove.run(one.name);
    },
  };
}

/** A bucket is fresh again when its last lockout has been over for as long as the longest one takes. */
function stillCounting(row: Row, nowMs: number): Row {
  const times = row.times.filter((time) => time > nowMs - OWNER_TRIES_WINDOW_MS);
  const isOver = row.locks === 0 || nowMs - row.lockedUntil >= OWNER_LOCK_MAX_MS;
  if (!isOver) return { ...row, times };
  return times.length === 0 ? FRESH : { times, locks: 0, lockedUntil: 0 };
}

/** The last try that is allowed locks at once; being right clears it. After a lockout there is one try before the next. */
function counted(row: Row, max: number, nowMs: number): Row {
  const times = [...row.times, nowMs].slice(-max);
  if (row.locks === 0 && times.length < max) return { ...row, times };
  const lockMs = Math.min(OWNER_LOCK_FIRST_MS * 2 ** row.locks, OWNER_LOCK_MAX_MS);
  return { times, locks: row.locks + 1, lockedUntil: nowMs + lockMs };
}

function locked(waitMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return refuse('rate_limited', `Too many wrong tries; nothing was looked at. Wait ${seconds} s.`, {
    retry_after: seconds,
  });
}
