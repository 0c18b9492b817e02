/** Finds lines of the record by what they say: an answer takes as long with a million lines as with a hundred. */
import { AUDIT_CHUNK_LINES_MAX, AUDIT_SCAN_ROWS_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import {
  type AuditFilter,
  conditions,
  isNarrowed,
  type SqlValue,
  type Subject,
  type Walk,
} from './filter.ts';
import { orderLines } from './order-index.ts';
import { openMerge } from './stretches.ts';
import { openSubjects, type SubjectNames } from './subjects.ts';

export interface Found {
  readonly seqs: readonly number[];
  /** Where the next piece goes on (`Walk.from`); undefined when there is none. */
  readonly next: number | undefined;
  /** Not all of the record was looked at: there may be more, which the next piece looks for. */
  readonly cut: boolean;
  /** What was gone through, for the next piece. */
  readonly about?: readonly Subject[] | undefined;
}

export interface AuditSearch {
  /**
   * By agent, kind, tool, outcome and time in the order of the lines' time, which is that of the record unless the clock was
   * set back or a broken store made lines wait; without these in the order of the record.
   */
  find(filter: AuditFilter, walk: Walk): Found;
  subjects(): SubjectNames;
}

export function openAuditSearch({ db }: Pick<Store, 'db'>): AuditSearch {
  const ofOrder = orderLines({ db });
  const subjects = openSubjects({ db });
  const merge = openMerge({ db });
  const last = db.prepare<[], number | null>('SELECT max(seq) FROM audit').pluck();

  /** What no index serves: so many rows are looked at, and the next piece goes on from there. */
  function look(filter: AuditFilter, walk: Walk): Found {
    const { newestFirst, limit } = walk;
    const head = last.get() ?? 0;
    const from = walk.from ?? (newestFirst ? head + 1 : 0);
    const start = newestFirst ? Math.min(from, head + 1) : Math.max(from, 0);
    const end = newestFirst ? start - AUDIT_SCAN_ROWS_MAX : start + AUDIT_SCAN_ROWS_MAX;
    const { where, values } = conditions(filter);
    const seqs = db
      .prepare<SqlValue[], number>(
        `SELECT seq FROM audit NOT INDEXED WHERE seq > ? AND seq < ? ${where} ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
      )
      .pluck()
      .all(newestFirst ? end - 1 : start, newestFirst ? start : end + 1, ...values, limit + 1);
    const isEnd = newestFirst ? end <= 1 : end >= head;
    if (seqs.length > limit || isEnd) return piece(seqs, limit);
    return { seqs, next: end, cut: true };
  }

  function lookAtOrder(orderId: string, filter: AuditFilter, walk: Walk): Found {
    const { newestFirst, limit } = walk;
    const from = walk.from ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
    const of = ofOrder(orderId, { from, newestFirst, limit: AUDIT_SCAN_ROWS_MAX });
    const { where, values } = conditions(filter);
    const fits = db.prepare<SqlValue[], number>(`SELECT 1 FROM audit WHERE seq = ? ${where}`);
    const seqs = of.filter((seq) => fits.get(seq, ...values) !== undefined);
    const farthest = of.at(-1);
    if (seqs.length > limit || of.length < AUDIT_SCAN_ROWS_MAX || farthest === undefined)
      return piece(seqs, limit);
    return { seqs, next: farthest, cut: true };
  }

  /** No index leads to a credential: of what else is asked for, so many lines are looked at. */
  function lookThrough({ credential, ...filter }: AuditFilter, walk: Walk): Found {
    const fits = fitsCredential(db, credential ?? '');
    const seqs: number[] = [];
    let at: Found = { seqs: [], next: walk.from, about: walk.about, cut: false };
    for (let looked = 0; looked < AUDIT_SCAN_ROWS_MAX; looked += AUDIT_CHUNK_LINES_MAX) {
      at = findPlain(filter, { ...walk, from: at.next, about: at.about, limit: AUDIT_CHUNK_LINES_MAX });
      seqs.push(...at.seqs.filter(fits));
      if (seqs.length > walk.limit || at.next === undefined)
        return { ...piece(seqs, walk.limit), about: at.about };
      if (at.cut) break;
    }
    return { seqs, next: at.next, about: at.about, cut: true };
  }

  function findPlain(filter: AuditFilter, walk: Walk): Found {
    if (filter.orderId !== undefined) return lookAtOrder(filter.orderId, filter, walk);
    const about = isNarrowed(filter) ? (walk.about ?? subjects.of(filter)) : undefined;
    if (about === undefined) return look(filter, walk);
    const seqs = merge(about, filter, { ...walk, limit: walk.limit + 1 });
    return { ...piece(seqs, walk.limit), about };
  }

  return {
    find: (filter, walk) =>
      filter.credential === undefined ? findPlain(filter, walk) : lookThrough(filter, walk),
    subjects: () => subjects.names(),
  };
}

/** No longer than a page, and whether there is another one. */
const piece = (seqs: readonly number[], limit: number): Found => ({
  seqs: seqs.slice(0, limit),
  next: seqs.length > limit ? seqs[limit - 1] : undefined,
  cut: false,
});

function fitsCredential(db: Store['db'], wanted: string): (seq: number) => boolean {
  const of = db
    .prepare<[number], string | null>("SELECT line ->> '$.credential' FROM audit WHERE seq = ?")
    .pluck();
  const stem = wanted.endsWith('*') ? wanted.slice(0, -1) : undefined;
  return (seq) => {
    const credential = of.get(seq) ?? '';
    return stem === undefined ? credential === wanted : credential.startsWith(stem);
  };
}
