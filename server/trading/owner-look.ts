/** A bounded look through a long table, newest first: the rarest filter leads, and what is further back is on the next page. */
import { OWNER_SCAN_PROBE_ROWS, OWNER_SCAN_ROWS_MAX } from '#limits.ts';
import type { Line } from './line.ts';

/** Rows in the order of their `seq` that one index finds by itself. */
export interface Lead {
  readonly from: string;
  readonly where: string;
}

export interface Look {
  /** The table by its own sequence, and the column that tells when a row was written: it only ever grows with it. */
  readonly table: 'orders' | 'executions';
  readonly writtenAt: 'created_at' | 'posted_at';
  /** Of the filters that are set; none: the table itself. */
  readonly leads: readonly Lead[];
  /** Every filter, as SQL in which one that is not set is NULL. */
  readonly filters: string;
  /** The columns that `filters` names. */
  readonly columns: readonly string[];
  readonly values: Readonly<Record<string, string | null>>;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly beforeSeq: number | undefined;
  readonly limit: number;
}

export interface Looked {
  /** Newest first. */
  readonly seqs: readonly number[];
  readonly nextBeforeSeq: number | null;
}

interface Span {
  readonly from: number;
  readonly before: number;
}

export function look(line: Line, asked: Look): Looked {
  const span = spanOf(line, asked);
  const lead = rarest(line, asked, span);
  const found = line
    .prepare<[Record<string, string | number | null>], number>(
      // The inner part reads no further than the outer one has found enough.
      `SELECT seq FROM (
         SELECT ${['seq', ...asked.columns].join(', ')} FROM ${lead.from}
         WHERE ${lead.where} AND seq >= @from AND seq < @before ORDER BY seq DESC LIMIT ${OWNER_SCAN_ROWS_MAX}
       ) WHERE ${asked.filters} LIMIT @limit`,
    )
    .pluck()
    .all({ ...asked.values, ...span, limit: asked.limit + 1 });
  const seqs = found.slice(0, asked.limit);
  if (found.length > asked.limit) return { seqs, nextBeforeSeq: seqs.at(-1) ?? null };
  return { seqs, nextBeforeSeq: nth(line, lead, { asked, span, nth: OWNER_SCAN_ROWS_MAX }) ?? null };
}

/** The lead whose rows go back furthest is the one that has the fewest of them here. */
function rarest(line: Line, asked: Look, span: Span): Lead {
  const [first = { from: asked.table, where: 'TRUE' }, ...others] = asked.leads;
  if (others.length === 0) return first;
  const probed = asked.leads.map((lead) => ({
    lead,
    back: nth(line, lead, { asked, span, nth: OWNER_SCAN_PROBE_ROWS }) ?? 0,
  }));
  return probed.reduce((best, one) => (one.back < best.back ? one : best)).lead;
}

/** The sequence of the nth row of a lead, the newest being the first; undefined when there are not so many. */
function nth(
  line: Line,
  lead: Lead,
  { asked, span, nth }: { readonly asked: Look; readonly span: Span; readonly nth: number },
): number | undefined {
  return line
    .prepare<[Record<string, string | number | null>], number>(
      `SELECT seq FROM ${lead.from} WHERE ${lead.where} AND seq >= @from AND seq < @before
       ORDER BY seq DESC LIMIT 1 OFFSET ${nth - 1}`,
    )
    .pluck()
    .get({ ...asked.values, ...span });
}

/** Times as sequences: rows are written in the order of both. */
function spanOf(line: Line, asked: Look): Span {
  const before = Math.min(
    asked.beforeSeq ?? Number.MAX_SAFE_INTEGER,
    asked.untilMs === undefined ? Number.MAX_SAFE_INTEGER : firstAt(line, asked, asked.untilMs),
  );
  return { from: asked.sinceMs === undefined ? 0 : firstAt(line, asked, asked.sinceMs), before };
}

/** The first sequence written at that time or later, by halving; beyond the last one when there is none. */
function firstAt(line: Line, { table, writtenAt }: Look, atMs: number): number {
  const last = line.prepare<[], number>(`SELECT max(seq) FROM ${table}`).pluck().get() ?? 0;
  // The row there, or the next one: sequences have gaps.
  const written = line
    .prepare<[number], number>(`SELECT ${writtenAt} FROM ${table} WHERE seq >= ? ORDER BY seq LIMIT 1`)
    .pluck();
  let low = 0;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((written.get(middle) ?? atMs) >= atMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
