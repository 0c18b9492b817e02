/** Finds lines of the record by what they say: an answer takes as long with a million lines as with a hundred. */
import { AUDIT_SCAN_ROWS_MAX, AUDIT_SUBJECTS_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { AuditOutcome } from './event.ts';
import { orderLines } from './order-index.ts';

export interface AuditFilter {
  /** An exact kind, or all that begin with it: `order.*`. */
  readonly kind?: string;
  /** null: what no agent did. */
  readonly agent?: string | null;
  readonly tool?: string;
  readonly outcome?: AuditOutcome;
  /** What was done with this order; looks at it are left out. */
  readonly orderId?: string;
  /** From then on, epoch ms. */
  readonly sinceMs?: number;
  /** Before then, epoch ms. */
  readonly untilMs?: number;
  /** Only what comes after this line in a list of the newest first: the page before. */
  readonly beforeSeq?: number;
}

export interface Walk {
  readonly newestFirst: boolean;
  /** Goes on after this line, the last one of the piece before. */
  readonly from?: number | undefined;
  readonly limit: number;
}

export interface Found {
  readonly seqs: readonly number[];
  /** Where the next piece goes on (`Walk.from`); undefined when there is none. */
  readonly next: number | undefined;
  /** Not all of the record was looked at: there may be more, which the next piece looks for. */
  readonly cut: boolean;
}

/** What a line is about; one stretch of the index, in which lines stand in the order of their time. */
type Subject = readonly (string | null)[];
const SUBJECT = ['agent', 'kind', 'tool', 'outcome'] as const;
const IS_SUBJECT = SUBJECT.map((column) => `${column} IS ?`).join(' AND ');

interface Entry {
  readonly seq: number;
  readonly time: number;
}

export interface AuditSearch {
  /**
   * By agent, kind, tool, outcome and time in the order of the lines' time, which is that of the record unless the clock was
   * set back or a broken store made lines wait; without these in the order of the record.
   */
  find(filter: AuditFilter, walk: Walk): Found;
  /** What the record speaks of, for choosing a filter: without what no agent or tool did, sorted. */
  subjects(): {
    readonly agents: readonly string[];
    readonly kinds: readonly string[];
    readonly tools: readonly string[];
  };
}

export function openAuditSearch({ db }: Pick<Store, 'db'>): AuditSearch {
  const ofOrder = orderLines({ db });
  const distinct = SUBJECT.map((column, level) => distinctValues(db, column, SUBJECT.slice(0, level)));
  const stretches = { older: stretch(db, 'older'), newer: stretch(db, 'newer') };
  const entryAt = db.prepare<[number], Entry>('SELECT seq, time FROM audit WHERE seq = ?');

  /** Each combination that the record has of what the filter leaves open; undefined when they are too many to look at each. */
  function subjectsOf(filter: AuditFilter): readonly Subject[] | undefined {
    let found: readonly Subject[] = [[]];
    for (const [level, column] of SUBJECT.entries()) {
      const longer: Subject[] = [];
      for (const prefix of found) {
        const room = AUDIT_SUBJECTS_MAX - longer.length;
        const values = distinct[level]?.(prefix, wanted(filter, column), room) ?? [];
        if (values.length > room) return undefined;
        for (const value of values) longer.push([...prefix, value]);
      }
      found = longer;
    }
    return found;
  }

  /** The nearest lines of each stretch, merged: a stretch need not be read beyond the farthest line that still has room. */
  function merge(subjects: readonly Subject[], filter: AuditFilter, walk: Walk): Found {
    const { newestFirst, limit } = walk;
    const cursor = walk.from === undefined ? undefined : entryAt.get(walk.from);
    // Where there is no such line, it is either before all of them or after.
    if (walk.from !== undefined && !cursor && walk.from < 1 === newestFirst) return piece([], limit);
    const near = newestFirst ? nearestNewest : nearestOldest;
    let best: readonly Entry[] = [];
    for (const subject of subjects) {
      const farthest = best.length > limit ? best[limit]?.time : undefined;
      const found = stretches[newestFirst ? 'older' : 'newer'](subject, {
        cursor,
        farthest,
        sinceMs: filter.sinceMs ?? 0,
        untilMs: filter.untilMs ?? Number.MAX_SAFE_INTEGER,
        limit: limit + 1,
      });
      if (found.length > 0) best = [...best, ...found].sort(near).slice(0, limit + 1);
    }
    return piece(
      best.map((entry) => entry.seq),
      limit,
    );
  }

  /** What no index serves: so many rows are looked at, and the next piece goes on from there. */
  function look(filter: AuditFilter, walk: Walk): Found {
    const { newestFirst, limit } = walk;
    const from = walk.from ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
    const start = newestFirst ? Math.min(from, headOf(db) + 1) : Math.max(from, 0);
    const end = newestFirst ? start - AUDIT_SCAN_ROWS_MAX : start + AUDIT_SCAN_ROWS_MAX;
    const { where, values } = conditions(filter);
    const seqs = db
      .prepare<(string | number | null)[], number>(
        `SELECT seq FROM audit WHERE seq > ? AND seq < ? ${where} ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
      )
      .pluck()
      .all(newestFirst ? end - 1 : start, newestFirst ? start : end + 1, ...values, limit + 1);
    const isEnd = newestFirst ? end <= 1 : end >= headOf(db);
    if (seqs.length > limit || isEnd) return piece(seqs, limit);
    return { seqs, next: end, cut: true };
  }

  function lookAtOrder(orderId: string, filter: AuditFilter, walk: Walk): Found {
    const { newestFirst, limit } = walk;
    const from = walk.from ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
    const of = ofOrder(orderId, { from, newestFirst, limit: AUDIT_SCAN_ROWS_MAX });
    const { where, values } = conditions(filter);
    const fits = db.prepare<(string | number | null)[], number>(`SELECT 1 FROM audit WHERE seq = ? ${where}`);
    const seqs = of.filter((seq) => fits.get(seq, ...values) !== undefined);
    const last = of.at(-1);
    if (seqs.length > limit || of.length < AUDIT_SCAN_ROWS_MAX || last === undefined)
      return piece(seqs, limit);
    return { seqs, next: last, cut: true };
  }

  return {
    find(filter, walk) {
      if (filter.orderId !== undefined) return lookAtOrder(filter.orderId, filter, walk);
      const subjects = isNarrowed(filter) ? subjectsOf(filter) : undefined;
      return subjects === undefined ? look(filter, walk) : merge(subjects, filter, walk);
    },
    subjects() {
      const all = (level: number, prefixes: readonly Subject[]) =>
        prefixes.map((prefix) => distinct[level]?.(prefix, {}, AUDIT_SUBJECTS_MAX) ?? []);
      const agents = all(0, [[]]).flat();
      const ofAgents = agents.map((agent) => [agent]);
      const kinds = all(1, ofAgents);
      const ofKinds = kinds.flatMap((list, index) => list.map((kind) => [agents[index] ?? null, kind]));
      const tools = all(2, ofKinds.slice(0, AUDIT_SUBJECTS_MAX));
      return { agents: named(agents), kinds: named(kinds.flat()), tools: named(tools.flat()) };
    },
  };
}

const named = (values: readonly (string | null)[]): readonly string[] =>
  [...new Set(values)].filter((value) => value !== null).sort();

/** No longer than a page, and whether there is another one. */
const piece = (seqs: readonly number[], limit: number): Found => ({
  seqs: seqs.slice(0, limit),
  next: seqs.length > limit ? seqs[limit - 1] : undefined,
  cut: false,
});

const nearestNewest = (a: Entry, b: Entry): number => b.time - a.time || b.seq - a.seq;
const nearestOldest = (a: Entry, b: Entry): number => a.time - b.time || a.seq - b.seq;

const headOf = (db: Store['db']): number =>
  Number(db.prepare('SELECT coalesce(max(seq), 0) FROM audit').pluck().get());

function isNarrowed({ agent, kind, tool, outcome, sinceMs, untilMs }: AuditFilter): boolean {
  return [agent, kind, tool, outcome, sinceMs, untilMs].some((given) => given !== undefined);
}

// ---- one column of a subject -----------------------------------------------------------------------------------------

/** One value, all from a text on and before another, or any. */
interface Wanted {
  readonly only?: string | null;
  readonly from?: string;
  readonly before?: string;
}

function wanted(filter: AuditFilter, column: (typeof SUBJECT)[number]): Wanted {
  const given = filter[column];
  if (given === undefined) return {};
  if (column !== 'kind' || given === null || !given.endsWith('.*')) return { only: given };
  // `/` is the character after `.`.
  const stem = given.slice(0, -2);
  return { from: `${stem}.`, before: `${stem}/` };
}

/** Steps from one value to the next through the index, so that it costs as much as there are values, not rows. */
function distinctValues(db: Store['db'], column: string, before: readonly string[]) {
  const fixed = before.map((one) => `${one} IS ? AND `).join('');
  const isNull = db.prepare<(string | null)[], number>(
    `SELECT 1 FROM audit WHERE ${fixed} ${column} IS NULL LIMIT 1`,
  );
  const mayBeNull = column === 'agent' || column === 'tool';
  const first = db
    .prepare<(string | null)[], string | null>(
      `SELECT min(${column}) FROM audit WHERE ${fixed} ${column} >= ?`,
    )
    .pluck();
  const after = db
    .prepare<(string | null)[], string | null>(
      `SELECT min(${column}) FROM audit WHERE ${fixed} ${column} > ?`,
    )
    .pluck();
  return (prefix: Subject, { only, from, before: end }: Wanted, room: number): readonly (string | null)[] => {
    if (only !== undefined) return [only];
    const found: (string | null)[] = [];
    if (mayBeNull && isNull.get(...prefix) !== undefined) found.push(null);
    let value = first.get(...prefix, from ?? '') ?? null;
    while (value !== null && found.length <= room && (end === undefined || value < end)) {
      found.push(value);
      value = after.get(...prefix, value) ?? null;
    }
    return found;
  };
}

// ---- one stretch of the index ----------------------------------------------------------------------------------------

interface Bounds {
  /** The line to go on after. */
  readonly cursor: Entry | undefined;
  /** Time beyond which nothing is needed any more. */
  readonly farthest: number | undefined;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly limit: number;
}

/** The nearest lines of one subject. What has the very time of the cursor is asked apart: the index serves each, not both. */
function stretch(db: Store['db'], side: 'older' | 'newer') {
  const [compare, order] = side === 'older' ? ['<', 'DESC'] : ['>', 'ASC'];
  const select = `SELECT seq, time FROM audit WHERE ${IS_SUBJECT}`;
  const atCursor = db.prepare<(string | number | null)[], Entry>(
    `${select} AND time = ? AND seq ${compare} ? ORDER BY seq ${order} LIMIT ?`,
  );
  const between = db.prepare<(string | number | null)[], Entry>(
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

// ---- what a row must say, where an index does not lead to it ----------------------------------------------------------

function conditions(filter: AuditFilter): {
  readonly where: string;
  readonly values: readonly (string | number | null)[];
} {
  const parts: string[] = [];
  const values: (string | number | null)[] = [];
  const add = (part: string, given: string | number | null): void => {
    parts.push(` AND ${part}`);
    values.push(given);
  };
  for (const column of SUBJECT) {
    const { only, from, before } = wanted(filter, column);
    if (only !== undefined) add(`${column} IS ?`, only);
    if (from !== undefined) add(`${column} >= ?`, from);
    if (before !== undefined) add(`${column} < ?`, before);
  }
  if (filter.sinceMs !== undefined) add('time >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('time < ?', filter.untilMs);
  return { where: parts.join(''), values };
}
