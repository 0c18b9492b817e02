/** Reads a broker's list of instruments anew and writes what has changed, in pieces so small that no order waits for one. */
import { excerpt } from '#domain/refusal.ts';
import {
  BROKER_REASON_LENGTH_MAX,
  DIRECTORY_CHUNK_MS,
  DIRECTORY_CHUNK_ROWS,
  DIRECTORY_LISTINGS_MAX,
  DIRECTORY_REFRESH_AT_MINUTES,
  DIRECTORY_RETRY_MS,
  DIRECTORY_SHRINK_PERCENT,
} from '#limits.ts';
import type { BrokerListing, BrokerMarket, Clock } from '#ports.ts';
import type { Store } from '#store/open.ts';
import type { InstrumentTable } from './instrument-table.ts';

export type RefreshOutcome =
  | {
      readonly kind: 'refreshed';
      readonly directory: string;
      readonly listed: number;
      readonly changed: number;
      readonly left: number;
    }
  | { readonly kind: 'failed'; readonly directory: string; readonly fault: string };

export interface RefreshOptions {
  readonly store: Store;
  readonly table: InstrumentTable;
  readonly clock: Clock;
  /** Lets everything that waits go first. */
  readonly turn: () => Promise<void>;
  /** Rows have been written: what was read of them before no longer counts. */
  readonly changed: () => void;
  /** Inside the transaction that ends a refresh. */
  readonly record: (outcome: RefreshOutcome) => void;
}

export interface Refreshed {
  readonly directory: string;
  readonly market: Pick<BrokerMarket, 'listings'>;
  /** How many a list had that was too short to be believed the first time. */
  readonly secondLookAt?: number;
  /** Whoever listed it is gone: nothing of it is written any more. */
  readonly isOver?: () => boolean;
}

const OVER = 'nobody trades from it any more';

/** A list that was too short: it counts when it is as short the second time. */
class TooShort extends Error {
  readonly seen: number;
  constructor(seen: number, before: number) {
    super(
      `it listed ${seen} of the ${before} instruments it had; the others are kept until a second look says the same`,
    );
    this.seen = seen;
  }
}

/**
 * Never rejects: what comes of it is on the record and in `directories`. What was read before a failure is kept, because each
 * listing stands by itself; nothing leaves the list unless the whole of it was read.
 */
export async function refreshDirectory(
  o: RefreshOptions,
  { directory, market, secondLookAt, isOver = () => false }: Refreshed,
): Promise<{ readonly outcome: RefreshOutcome; readonly shortAt?: number }> {
  const { store, table, clock } = o;
  const atMs = clock.wallMs();
  try {
    const before = table.countNow(directory);
    const seen = await readAll(o, { directory, market, atMs, isOver });
    const isShort = seen.count === 0 || seen.count * 100 < before * (100 - DIRECTORY_SHRINK_PERCENT);
    const isConfirmed = secondLookAt !== undefined && seen.count > 0 && seen.count <= secondLookAt * 1.05;
    if (isShort && !isConfirmed) throw new TooShort(seen.count, before);
    const left = await closeUnseen(o, { directory, atMs, seen: seen.keys, isOver });
    if (isOver()) throw new Error(OVER);
    const outcome = {
      kind: 'refreshed',
      directory,
      listed: seen.count,
      changed: seen.changed,
      left,
    } as const;
    store.transaction(() => {
      table.refreshed(directory, atMs, seen.count);
      o.record(outcome);
    });
    return { outcome };
  } catch (cause) {
    // A whole page of a broker may be in it.
    const words = (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ');
    const fault = excerpt(words, BROKER_REASON_LENGTH_MAX);
    const outcome = { kind: 'failed', directory, fault } as const;
    if (isOver()) return { outcome };
    try {
      store.transaction(() => {
        table.failed(directory, fault);
        o.record(outcome);
      });
    } catch {
      // A database that takes nothing has its own alarm; the list is read again in any case.
    }
    return cause instanceof TooShort ? { outcome, shortAt: cause.seen } : { outcome };
  }
}

interface Seen {
  readonly keys: ReadonlySet<number>;
  readonly count: number;
  readonly changed: number;
}

async function readAll(
  o: RefreshOptions,
  { directory, market, atMs, isOver }: Refreshed & { readonly atMs: number },
): Promise<Seen> {
  const keys = new Set<number>();
  let changed = 0;
  for await (const page of market.listings()) {
    if (keys.size + page.length > DIRECTORY_LISTINGS_MAX) throw new Error('it lists too many instruments');
    for (let next = 0; next < page.length; ) {
      if (isOver?.() === true) throw new Error(OVER);
      const piece = writePiece(o, page, { directory, from: next, atMs, keys });
      next = piece.next;
      changed += piece.changed;
      await o.turn();
    }
  }
  return { keys, count: keys.size, changed };
}

/** As many rows as fit into one short transaction. */
function writePiece(
  { store, table, clock, changed: tell }: RefreshOptions,
  page: readonly BrokerListing[],
  {
    directory,
    from,
    atMs,
    keys,
  }: {
    readonly directory: string;
    readonly from: number;
    readonly atMs: number;
    readonly keys: Set<number>;
  },
): { readonly next: number; readonly changed: number } {
  const beganMs = clock.monotonicMs();
  let next = from;
  let changed = 0;
  store.transaction(() => {
    const end = Math.min(page.length, from + DIRECTORY_CHUNK_ROWS);
    for (; next < end && (next === from || clock.monotonicMs() - beganMs < DIRECTORY_CHUNK_MS); next++) {
      const listing = page[next];
      if (listing === undefined) break;
      if (listing.instrument.directory !== directory)
        throw new Error(`it lists ${listing.instrument.id} as of ${listing.instrument.directory}`);
      const row = table.list(listing, atMs);
      keys.add(row.key);
      if (row.changed) changed++;
    }
  });
  if (changed > 0) tell();
  return { next, changed };
}

/** Nobody trades from it any more, and what listed it must not be believed by who comes next: everything has left it. */
export const emptyDirectory = (o: Omit<RefreshOptions, 'record'>, directory: string): Promise<number> =>
  closeUnseen(o, { directory, atMs: o.clock.wallMs(), seen: new Set() });

async function closeUnseen(
  { store, table, clock, turn, changed }: Omit<RefreshOptions, 'record'>,
  {
    directory,
    atMs,
    seen,
    isOver = () => false,
  }: Pick<Refreshed, 'directory' | 'isOver'> & { readonly atMs: number; readonly seen: ReadonlySet<number> },
): Promise<number> {
  let left = 0;
  let after = 0;
  for (;;) {
    const keys = table.keysNow(directory, after, DIRECTORY_CHUNK_ROWS);
    const last = keys.at(-1);
    if (last === undefined || isOver()) return left;
    let at = 0;
    const beganMs = clock.monotonicMs();
    store.transaction(() => {
      for (; at < keys.length && (at === 0 || clock.monotonicMs() - beganMs < DIRECTORY_CHUNK_MS); at++) {
        const key = keys[at];
        if (key === undefined) break;
        after = key;
        if (seen.has(key)) continue;
        table.close(key, atMs);
        left++;
      }
    });
    if (left > 0) changed();
    await turn();
  }
}

export interface DirectoryKeeper {
  /** Reads the list now unless that is under way; resolves with what came of it. */
  refresh(): Promise<RefreshOutcome>;
  /** The broker is connected: reads the list where it never was, or not since the last time it was due. */
  connected(): void;
  stop(): void;
}

/** Keeps one list fresh: at the first connection, every day at its time, and again a while after a failure. */
export function keepDirectory(
  o: RefreshOptions,
  list: Omit<Refreshed, 'secondLookAt' | 'isOver'>,
): DirectoryKeeper {
  const { clock, table } = o;
  let running: Promise<RefreshOutcome> | undefined;
  let cancel: (() => void) | undefined;
  let shortAt: number | undefined;
  let stopped = false;
  const of = { ...list, isOver: () => stopped };

  function plan(delayMs: number): void {
    cancel?.();
    if (!stopped) cancel = clock.after(delayMs, () => void refresh());
  }
  async function readOnce(): Promise<RefreshOutcome> {
    try {
      const done = await refreshDirectory(o, shortAt === undefined ? of : { ...of, secondLookAt: shortAt });
      ({ shortAt } = { shortAt: undefined, ...done });
      plan(done.outcome.kind === 'failed' ? DIRECTORY_RETRY_MS : untilDueMs(clock.wallMs()));
      return done.outcome;
    } finally {
      running = undefined;
    }
  }
  function refresh(): Promise<RefreshOutcome> {
    running ??= readOnce();
    return running;
  }

  return {
    refresh,
    connected() {
      const nowMs = clock.wallMs();
      const { refreshedAtMs = null } = table.state(of.directory) ?? {};
      const isDue = refreshedAtMs === null || refreshedAtMs < nowMs + untilDueMs(nowMs) - DAY_MS;
      if (running !== undefined) return;
      if (isDue) void refresh();
      else if (cancel === undefined) plan(untilDueMs(nowMs));
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}

/** Of markets that list the same directory one is asked: the one that was connected last, while it is there. */
export function shareDirectories(
  o: RefreshOptions,
): (of: Omit<Refreshed, 'secondLookAt'>) => DirectoryKeeper {
  const lists = new Map<
    string,
    { readonly keeper: DirectoryKeeper; readonly markets: Set<Refreshed['market']> }
  >();
  function open(directory: string) {
    const markets = new Set<Refreshed['market']>();
    const listings = () => {
      const market = [...markets].at(-1);
      if (market === undefined) throw new Error('nobody lists it any more');
      return market.listings();
    };
    const list = { keeper: keepDirectory(o, { directory, market: { listings } }), markets };
    lists.set(directory, list);
    return list;
  }
  return ({ directory, market }) => {
    const list = lists.get(directory) ?? open(directory);
    const { keeper, markets } = list;
    markets.add(market);
    return {
      refresh: () => keeper.refresh(),
      connected() {
        if (!markets.delete(market)) return;
        markets.add(market);
        keeper.connected();
      },
      stop() {
        markets.delete(market);
        if (markets.size > 0 || lists.get(directory) !== list) return;
        keeper.stop();
        lists.delete(directory);
      },
    };
  };
}

const DAY_MS = 86_400_000;

/** Until the next time of day at which lists are read; never 0. */
function untilDueMs(nowMs: number): number {
  const dueAtMs = DIRECTORY_REFRESH_AT_MINUTES * 60_000;
  return DAY_MS - ((((nowMs - dueAtMs) % DAY_MS) + DAY_MS) % DAY_MS);
}
