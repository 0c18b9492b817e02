/** Merges the stretches of the index that a filter asks for: the nearest lines of all of them, without reading any further. */
import { AUDIT_PROBE_FACTOR } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { type AuditFilter, conditions, type SqlValue, SUBJECT, type Subject, type Walk } from './filter.ts';

interface Entry {
  readonly seq: number;
  readonly time: number;
}

/** Seqs of the nearest `walk.limit` lines in the order of their time and, of one moment, of the record. */
export type Merge = (subjects: readonly Subject[], filter: AuditFilter, walk: Walk) => readonly number[];

export function openMerge({ db }: Pick<Store, 'db'>): Merge {
  const stretches = { older: stretch(db, 'older'), newer: stretch(db, 'newer') };
  const entryAt = db.prepare<[number], Entry>('SELECT seq, time FROM audit WHERE seq = ?');
  const guess = openGuess(db);
  return (subjects, filter, walk) => {
    const { newestFirst, limit } = walk;
    const cursor = walk.from === undefined ? undefined : entryAt.get(walk.from);
    // Where there is no such line, it is either before all of them or after.
    if (walk.from !== undefined && !cursor && walk.from < 1 === newestFirst) return [];
    const nearest = newestFirst ? newestNearest : oldestNearest;
    const read = stretches[newestFirst ? 'older' : 'newer'];
    let farthest = guess(filter, walk, cursor);
    let found: Entry[] = [];
    for (const subject of subjects) {
      found.push(
        ...read(subject, {
          cursor,
          farthest,
          sinceMs: filter.sinceMs ?? 0,
          untilMs: filter.untilMs ?? Number.MAX_SAFE_INTEGER,
          limit,
        }),
      );
      if (found.length < 2 * limit) continue;
      found = found.sort(nearest).slice(0, limit);
      farthest = found.at(-1)?.time;
    }
    return found
      .sort(nearest)
      .slice(0, limit)
      .map((entry) => entry.seq);
  };
}

const newestNearest = (a: Entry, b: Entry): number => b.time - a.time || b.seq - a.seq;
const oldestNearest = (a: Entry, b: Entry): number => a.time - b.time || a.seq - b.seq;

// ---- how far at most ----------------------------------------------------------------------------------------------

/**
 * Where much fits the filter, the rows next to where it begins hold enough: the time of the farthest of them is as far as any
 * stretch needs to be read. undefined: they do not. A clock that was set back makes the guess worse, and never wrong.
 */
function openGuess(db: Store['db']) {
  const timeAt = db.prepare<[number], number>('SELECT time FROM audit WHERE seq = ?').pluck();
  const last = db.prepare<[], number | null>('SELECT max(seq) FROM audit').pluck();
  /** The first seq from which on times are no earlier, if times only ever grow. */
  function seqAt(timeMs: number, head: number): number {
    let low = 1;
    let high = head + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((timeAt.get(middle) ?? timeMs) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  return (filter: AuditFilter, walk: Walk, cursor: Entry | undefined): number | undefined => {
    const { newestFirst, limit } = walk;
    const head = last.get() ?? 0;
    const edgeMs = newestFirst ? filter.untilMs : filter.sinceMs;
    const edge = edgeMs === undefined ? (newestFirst ? head + 1 : 1) : seqAt(edgeMs, head);
    const start = cursor?.seq ?? (newestFirst ? edge : edge - 1);
    const span = limit * AUDIT_PROBE_FACTOR;
    const { where, values } = conditions(filter);
    const rows = db
      .prepare<SqlValue[], Entry>(
        `SELECT seq, time FROM audit NOT INDEXED WHERE seq > ? AND seq < ? ${where}`,
      )
      .all(newestFirst ? start - span : start, newestFirst ? start : start + span, ...values);
    const nearest = newestFirst ? newestNearest : oldestNearest;
    const beyond = rows.filter((row) => cursor === undefined || nearest(cursor, row) < 0);
    return beyond.sort(nearest)[limit - 1]?.time;
  };
}

// ---- one stretch ----------------------------------------------------------------------------------------------------

interface Bounds {
  /** The line to go on after. */
  readonly cursor: Entry | undefined;
  /** Time beyond which nothing is needed. */
  readonly farthest: number | undefined;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly limit: number;
}

/** The nearest lines of one subject. What has the very time of the cursor is asked apart: the index serves each, not both. */
function stretch(db: Store['db'], side: 'older' | 'newer') {
  const [compare, order] = side === 'older' ? ['<', 'DESC'] : ['>', 'ASC'];
  const select = `SELECT seq, time FROM audit WHERE ${SUBJECT.map((column) => `${column} IS ?`).join(' AND ')}`;
  const atCursor = db.prepare<SqlValue[], Entry>(
    `${select} AND time = ? AND seq ${compare} ? ORDER BY seq ${order} LIMIT ?`,
  );
  const between = db.prepare<SqlValue[], Entry>(
    `${select} AND time >= ? AND time < ? ORDER BY time ${order}, seq ${order} LIMIT ?`,
  );
  return (subject: Subject, bounds: Bounds): readonly Entry[] => {
    const { cursor, farthest, limit } = bounds;
    let { sinceMs, untilMs } = bounds;
    let found: readonly Entry[] = [];
    if (cursor) {
      if (sinceMs <= cursor.time && cursor.time < untilMs)
        found = atCursor.all(...subject, cursor.time, cursor.seq, limit);
      if (side === 'older') untilMs = Math.min(untilMs, cursor.time);
      else sinceMs = Math.max(sinceMs, cursor.time + 1);
    }
    if (farthest !== undefined) {
      if (side === 'older') sinceMs = Math.max(sinceMs, farthest);
      else untilMs = Math.min(untilMs, farthest + 1);
    }
    if (sinceMs >= untilMs || found.length >= limit) return found;
    return [...found, ...between.all(...subject, sinceMs, untilMs, limit - found.length)];
  };
}
