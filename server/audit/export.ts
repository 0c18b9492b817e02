/** The record as a file for the owner: what fits a filter, oldest first, in pieces that leave the engine its turn. */
import { AUDIT_CHUNK_LINES_MAX } from '#limits.ts';
import { canonicalJson } from './line.ts';
import { type AuditFilter, type AuditLine, type AuditQuery, parseLine } from './query.ts';
import type { Found } from './search.ts';

export const EXPORT_FORMATS = ['jsonl', 'csv'] as const;
/** `jsonl`: the lines as they stand in the file of the record. `csv`: a table for a spreadsheet (RFC 4180). */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Columns of the table; a line's chain stays with `jsonl`, which is what can be proved. */
const COLUMNS = [
  'seq',
  'time',
  'kind',
  'agent',
  'credential',
  'door',
  'tool',
  'scope',
  'account',
  'outcome',
  'latency_ms',
  'detail',
] as const satisfies readonly (keyof AuditLine)[];

export interface ChunkedReading {
  readonly query: AuditQuery;
  /** Lets everything that waits go first: orders, and answers to others. */
  readonly turn: () => Promise<void>;
}

/**
 * Chunks of text. Each is made when it is asked for, so memory does not grow with the record; what is recorded meanwhile is
 * left out.
 */
export async function* exportAudit(
  { query, turn }: ChunkedReading,
  filter: AuditFilter,
  format: ExportFormat,
): AsyncGenerator<string, void, undefined> {
  const row = format === 'csv' ? (text: string) => csvRow(parseLine(text)) : (text: string) => `${text}\n`;
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`;
  const last = query.lastSeq();
  let piece: Partial<Found> = {};
  do {
    const found = query.pageTexts(filter, {
      newestFirst: false,
      from: piece.next,
      about: piece.about,
      limit: AUDIT_CHUNK_LINES_MAX,
    });
    piece = found;
    const chunk = found.texts.filter((_, index) => (found.seqs[index] ?? 0) <= last).map(row);
    if (chunk.length > 0) yield chunk.join('');
    await turn();
  } while (piece.next !== undefined);
}

const csvRow = (line: AuditLine): string => `${COLUMNS.map((column) => csvCell(line[column])).join(',')}\r\n`;

/** What a spreadsheet takes for a formula begins so, also after a line break inside a cell or white space. */
const FORMULA = /^\s*[=+\-@]|^[\t\r\n]/;

/** Text of agents and brokers stands here: an apostrophe keeps a spreadsheet from running it (OWASP, CSV injection). */
function csvCell(value: AuditLine[(typeof COLUMNS)[number]]): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : canonicalJson(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
