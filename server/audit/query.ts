/** Reads the record for the owner: its latest lines, filtered, and the sealed arguments of one. */
import { err, ok, type Result } from '#domain/result.ts';
import { PAGE_MAX } from '#limits.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { openChain } from './chain.ts';
import type { AuditOutcome } from './event.ts';
import type { JsonValue, LineFields } from './line.ts';

export type AuditLine = LineFields & { readonly hash: string };

export interface AuditFilter {
  /** An exact kind, or all that begin with it: `order.*`. */
  readonly kind?: string;
  readonly agent?: string;
  readonly tool?: string;
  readonly outcome?: AuditOutcome;
  /** Only lines with a smaller seq: the page before. */
  readonly beforeSeq?: number;
}

export interface AuditQuery {
  /** The latest `count` lines (at most PAGE_MAX) that fit, oldest first. */
  tail(count: number, filter?: AuditFilter): readonly AuditLine[];
  /** The same as the canonical lines that stand in the file. */
  tailLines(count: number, filter?: AuditFilter): readonly string[];
  /** What the call of line `seq` was given, secrets left out; the error says in one sentence why there is nothing to show. */
  argumentsOf(seq: number): Result<JsonValue, string>;
}

export function auditQuery(store: Store, keyring: Keyring): AuditQuery {
  const selectLine = store.db.prepare<[number], { line: string }>('SELECT line FROM audit WHERE seq = ?');
  // Of one line, or of a group that it is one of.
  const selectSealed = store.db.prepare<[number], { seq: number; last_seq: number | null; sealed: Buffer }>(
    'SELECT seq, last_seq, sealed FROM audit_arguments WHERE seq <= ? ORDER BY seq DESC LIMIT 1',
  );

  function tailLines(count: number, filter: AuditFilter = {}): readonly string[] {
    const { where, values } = conditions(filter);
    const limit = Math.max(0, Math.min(PAGE_MAX, Math.trunc(count)));
    const rows = store.db
      .prepare<(string | number)[], { line: string }>(
        `SELECT line FROM audit ${where} ORDER BY seq DESC LIMIT ?`,
      )
      .all(...values, limit);
    return rows.map((row) => row.line).reverse();
  }

  return {
    tailLines,
    tail: (count, filter) => tailLines(count, filter).map(parseLine),
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
const parseLine = (line: string): AuditLine => JSON.parse(line) as AuditLine;

function conditions(filter: AuditFilter): { readonly where: string; readonly values: (string | number)[] } {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  const add = (part: string, ...given: (string | number)[]): void => {
    parts.push(part);
    values.push(...given);
  };
  if (filter.kind?.endsWith('.*')) {
    // `/` is the character after `.`: a range, so that the index serves it.
    const stem = filter.kind.slice(0, -2);
    add('kind >= ? AND kind < ?', `${stem}.`, `${stem}/`);
  } else if (filter.kind !== undefined) add('kind = ?', filter.kind);
  if (filter.agent !== undefined) add('agent = ?', filter.agent);
  if (filter.tool !== undefined) add('tool = ?', filter.tool);
  if (filter.outcome !== undefined) add('outcome = ?', filter.outcome);
  if (filter.beforeSeq !== undefined) add('seq < ?', filter.beforeSeq);
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}
