/** Reads the record for the owner: its latest lines, filtered, and the sealed arguments of one. */
import { err, ok, type Result } from '#domain/result.ts';
import { PAGE_MAX } from '#limits.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { openChain } from './chain.ts';
import { type AuditFilter, type Walk } from './filter.ts';
import type { JsonValue, LineFields } from './line.ts';
import { type AuditSearch, type Found, openAuditSearch } from './search.ts';

export type AuditLine = LineFields & { readonly hash: string };

export type { AuditFilter } from './filter.ts';

export interface AuditPage extends Found {
  readonly lines: readonly AuditLine[];
}
export interface AuditTexts extends Found {
  /** The canonical lines, as they stand in the file. */
  readonly texts: readonly string[];
}

export interface AuditQuery {
  /** The latest `count` lines (at most PAGE_MAX) that fit, oldest first. */
  tail(count: number, filter?: AuditFilter): readonly AuditLine[];
  /** The same as the canonical lines that stand in the file. */
  tailLines(count: number, filter?: AuditFilter): readonly string[];
  /** A page of what fits the filter; `Found.next` is where the next one goes on. */
  page(filter: AuditFilter, walk: Walk): AuditPage;
  pageTexts(filter: AuditFilter, walk: Walk): AuditTexts;
  /** 0 while nothing is recorded. */
  lastSeq(): number;
  line(seq: number): AuditLine | undefined;
  /** What the record speaks of: what a filter may ask for. */
  subjects(): ReturnType<AuditSearch['subjects']>;
  /** What the call of line `seq` was given, secrets left out; the error says in one sentence why there is nothing to show. */
  argumentsOf(seq: number): Result<JsonValue, string>;
}

export function auditQuery(store: Store, keyring: Keyring): AuditQuery {
  const search = openAuditSearch(store);
  const selectLine = store.db.prepare<[number], { line: string }>('SELECT line FROM audit WHERE seq = ?');
  const selectLast = store.db.prepare<[], number>('SELECT max(seq) FROM audit').pluck();
  // Of one line, or of a group that it is one of.
  const selectSealed = store.db.prepare<[number], { seq: number; last_seq: number | null; sealed: Buffer }>(
    'SELECT seq, last_seq, sealed FROM audit_arguments WHERE seq <= ? ORDER BY seq DESC LIMIT 1',
  );

  // A found line is in the table: both are read in one turn, and nothing is ever taken out.
  const textOf = (seq: number): string => selectLine.get(seq)?.line ?? '';
  const pageTexts: AuditQuery['pageTexts'] = (filter, walk) => {
    const found = search.find(filter, walk);
    return { ...found, texts: found.seqs.map(textOf) };
  };

  function tailLines(count: number, filter: AuditFilter = {}): readonly string[] {
    const limit = Math.max(0, Math.min(PAGE_MAX, Math.trunc(count)));
    const { seqs } = search.find(filter, { newestFirst: true, from: filter.beforeSeq, limit });
    return [...seqs].sort((a, b) => a - b).map(textOf);
  }

  return {
    tailLines,
    tail: (count, filter) => tailLines(count, filter).map(parseLine),
    page(filter, walk) {
      const { texts, ...found } = pageTexts(filter, walk);
      return { ...found, lines: texts.map(parseLine) };
    },
    pageTexts,
    lastSeq: () => selectLast.get() ?? 0,
    line(seq) {
      const row = selectLine.get(seq);
      return row && parseLine(row.line);
    },
    subjects: () => search.subjects(),
    argumentsOf(seq) {
      const line = selectLine.get(seq);
      if (!line) return err(`The record has no line ${seq}.`);
      const { args_hmac } = parseLine(line.line);
      if (args_hmac === null) return err(`Line ${seq} was recorded without arguments.`);
      const row = selectSealed.get(seq);
      const lines = row && { first: row.seq, last: row.last_seq ?? row.seq };
      if (!row || !lines || seq > lines.last)
        return err(`The sealed arguments of line ${seq} are not in the database any more.`);
      const chain = openChain(keyring);
      const canonical = chain.unseal(lines, row.sealed)[seq - lines.first] ?? null;
      if (canonical === null || chain.argumentsHmac(canonical) !== args_hmac) {
        return err(`The sealed arguments of line ${seq} are not those that the line was written for.`);
      }
      return ok(JSON.parse(canonical) as JsonValue);
    },
  };
}

/** Lines of the table were written by us; `verify` is what proves that they still are. */
export const parseLine = (line: string): AuditLine => JSON.parse(line) as AuditLine;
