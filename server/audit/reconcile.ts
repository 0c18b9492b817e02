/** Finds where the file of the record really ends, compared with the table, and cuts off what a crash left half written. */
import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
} from 'node:fs';
import type { Store } from '#store/open.ts';
import type { Chain } from './chain.ts';
import { parseBody, splitLine } from './line.ts';
import { linesOf, rotatedFiles } from './lines.ts';

/** The record can not go on as it is; one sentence that says what to do. */
export class AuditError extends Error {}

/** What had to be put right. A torn line is what a crash leaves; the other two are somebody's doing. */
export interface Repair {
  readonly reason: 'torn_line' | 'file_cut' | 'file_missing';
  /** Of what was not a line of the record. */
  readonly bytesCut: number;
  /** Lines that had been written and synced, and were gone. */
  readonly linesMissing: number;
}

/** The end of the current file as far as it is known to be ours. */
export interface Position {
  readonly bytes: number;
  readonly lastSeq: number;
  /** The first seq of this file. */
  readonly firstSeq: number;
}

/** The row of `audit_file`: written after a sync, so the file holds at least this much unless somebody cut it. */
interface Synced {
  readonly bytes: number;
  readonly lastSeq: number;
}

interface ReconcileOptions {
  readonly store: Store;
  readonly folder: string;
  readonly chain: Chain;
  readonly onRepair: (repair: Repair) => void;
}

interface Table {
  readonly head: number;
  line(seq: number): string | undefined;
}

/**
 * Only what was written after the last known sync may differ from the table: a crash or a power failure leaves torn lines,
 * missing lines, or blocks of zeros there. That part is cut where it stops being ours and written again from the table.
 * Throws AuditError when lines that were synced have been changed, and when the file knows more than the database.
 */
export function reconcile(options: ReconcileOptions, path: string): Position {
  const { store, folder, onRepair } = options;
  const table = tableOf(store);
  const rotated = rotatedFiles(folder).at(-1)?.lastSeq ?? 0;
  if (rotated > table.head) throw fileAhead(folder, rotated, table.head);
  const saved = store.db
    .prepare<[], Synced>('SELECT bytes, last_seq AS lastSeq FROM audit_file WHERE id = 1')
    .get();
  const synced = saved && saved.lastSeq > rotated ? saved : undefined;
  const empty: Position = { bytes: 0, lastSeq: rotated, firstSeq: rotated + 1 };
  if (!existsSync(path)) {
    if (synced) onRepair({ reason: 'file_missing', bytesCut: 0, linesMissing: synced.lastSeq - rotated });
    return empty;
  }
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const size = fstatSync(file).size;
    const end = scan({ ...options, path, file, table, synced }, empty);
    const missing = Math.max(0, (synced?.lastSeq ?? 0) - end.lastSeq);
    if (end.bytes < size) {
      ftruncateSync(file, end.bytes);
      fdatasyncSync(file);
    }
    if (missing > 0) onRepair({ reason: 'file_cut', bytesCut: size - end.bytes, linesMissing: missing });
    else if (end.bytes < size) onRepair({ reason: 'torn_line', bytesCut: size - end.bytes, linesMissing: 0 });
    return end;
  } finally {
    closeSync(file);
  }
}

interface Scan extends ReconcileOptions {
  readonly path: string;
  readonly file: number;
  readonly table: Table;
  readonly synced: Synced | undefined;
}

/** Walks from the last known sync (or the beginning, when the file is not as it was left there) as far as lines equal rows. */
function scan(what: Scan, empty: Position): Position {
  const { file, table, synced } = what;
  const firstSeq = firstSeqOf(file) ?? empty.firstSeq;
  const trusted = synced && endsAt(file, synced, table) ? synced : { bytes: 0, lastSeq: firstSeq - 1 };
  let end: Position = { ...trusted, firstSeq };
  for (const line of linesOf(file, trusted.bytes)) {
    const expected = table.line(end.lastSeq + 1);
    if (line.whole && expected !== undefined && line.bytes.equals(Buffer.from(expected))) {
      end = { ...end, bytes: line.end, lastSeq: end.lastSeq + 1 };
      continue;
    }
    if (line.whole) refuseEdited(what, line.bytes, { seq: end.lastSeq + 1, end: line.end });
    break;
  }
  return end;
}

function refuseEdited(what: Scan, line: Buffer, at: { readonly seq: number; readonly end: number }): void {
  const parts = splitLine(line);
  const ours = parts !== undefined && what.chain.hashOf(parts.body) === parts.hash;
  const seq = ours ? parseBody(parts.body.toString('utf8'))?.seq : undefined;
  if (seq !== undefined && seq > what.table.head) throw fileAhead(what.folder, seq, what.table.head);
  if (what.synced && at.end <= what.synced.bytes) {
    throw new AuditError(
      `The audit file ${what.path} was changed at line ${at.seq} after it had been written; keep it as evidence in another folder, and the gateway writes it again from the database.`,
    );
  }
}

function fileAhead(folder: string, seq: number, head: number): AuditError {
  return new AuditError(
    `The audit files in ${folder} reach line ${seq} but the database ends at ${head}: it was restored or rolled back; move the files to another folder, and the gateway writes them again from the database.`,
  );
}

function tableOf(store: Store): Table {
  const head = Number(store.db.prepare('SELECT coalesce(max(seq), 0) FROM audit').pluck().get());
  const select = store.db.prepare<[number], { line: string }>('SELECT line FROM audit WHERE seq = ?');
  return { head, line: (seq) => select.get(seq)?.line };
}

/** Whether the line that ends there is still the one that was written there. */
function endsAt(file: number, synced: Synced, table: Table): boolean {
  const line = table.line(synced.lastSeq);
  if (line === undefined) return false;
  const expected = Buffer.from(`${line}\n`);
  const start = synced.bytes - expected.length;
  if (start < 0) return false;
  const found = Buffer.alloc(expected.length);
  return readSync(file, found, 0, found.length, start) === found.length && found.equals(expected);
}

function firstSeqOf(file: number): number | undefined {
  for (const line of linesOf(file, 0)) {
    const match = /^\{"seq":(\d{1,15}),/.exec(line.bytes.toString('latin1', 0, 32));
    return match ? Number(match[1]) : undefined;
  }
  return undefined;
}
