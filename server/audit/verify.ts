/** Proves the record: every byte of every file against its key, its neighbours, the database and checkpoints kept elsewhere. */
import { closeSync } from 'node:fs';
import { err, ok, type Result } from '#domain/result.ts';
import { AUDIT_VERIFY_ROWS_MAX } from '#limits.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { AUDIT_KEYS, type Chain, openChain } from './chain.ts';
import { type Checkpoint, verifyCheckpoint } from './checkpoint.ts';
import { GENESIS_HASH, type LineFields, lineWithHash, parseBody, splitLine } from './line.ts';
import { CURRENT_FILE, type FileLine, linesOf } from './lines.ts';
import { type AuditSnapshot, auditSnapshot, openThen } from './snapshot.ts';

export interface FirstBad {
  readonly seq: number;
  /** From 1, within the file. */
  readonly line: number;
  /** Name of the file; `database` or `checkpoint` when the fault is there. */
  readonly file: string;
  readonly why: string;
}

export interface VerifyReport {
  readonly ok: boolean;
  /** Good lines in the files. */
  readonly lines: number;
  readonly last_seq: number;
  readonly head: string;
  /** Committed lines that the file has not got yet, checked in the database. */
  readonly pending: number;
  readonly first_bad?: FirstBad;
}

export interface VerifyOptions {
  readonly store: Pick<Store, 'db'>;
  readonly folder: string;
  readonly keyring: Keyring;
  /** Up to where, beside an engine that writes on; all that there is now when absent. */
  readonly snapshot?: AuditSnapshot;
  /** The texts of checkpoints that were kept elsewhere. */
  readonly checkpoints?: readonly string[];
}

interface TableRow {
  readonly seq: number;
  readonly time: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly tool: string | null;
  readonly outcome: string;
  readonly line: string;
  readonly hash: string;
}

/** A fault, before it is known to be the first. */
class Bad extends Error {
  readonly at: FirstBad;
  constructor(at: FirstBad) {
    super(at.why);
    this.at = at;
  }
}

/** How far the record has been found good. */
interface Progress {
  seq: number;
  hash: string;
  lines: number;
  pending: number;
}

interface Proof {
  readonly progress: Progress;
  readonly chain: Chain;
  readonly rows: Iterator<TableRow>;
  readonly checkpoints: ReadonlyMap<number, Checkpoint>;
}

/** Streams: memory does not grow with the record. Flush the log first when it is open here. */
export function verifyAudit(options: VerifyOptions): VerifyReport {
  const progress: Progress = { seq: 0, hash: GENESIS_HASH, lines: 0, pending: 0 };
  let firstBad: FirstBad | undefined;
  try {
    prove(options, progress);
  } catch (cause) {
    if (!(cause instanceof Bad)) throw cause;
    firstBad = cause.at;
  }
  return {
    ok: firstBad === undefined,
    lines: progress.lines,
    last_seq: progress.seq,
    head: progress.hash,
    pending: progress.pending,
    ...(firstBad === undefined ? {} : { first_bad: firstBad }),
  };
}

function prove(options: VerifyOptions, progress: Progress): void {
  const { store, folder, keyring, snapshot = auditSnapshot(store, folder) } = options;
  const checkpoints = checkpointsBySeq(options);
  const rows = rowsUntil(store, snapshot.head);
  if (keyring.exists(AUDIT_KEYS.chain)) {
    const proof: Proof = { progress, chain: openChain(keyring), rows, checkpoints };
    for (const file of snapshot.files) proveFile(proof, folder, file);
    proveRest(proof, snapshot);
  } else if (snapshot.files.length > 0 || !rows.next().done) {
    const why = `the key ${AUDIT_KEYS.chain}.key of the record is missing from the key folder`;
    throw new Bad({ seq: 1, line: 1, file: `${AUDIT_KEYS.chain}.key`, why });
  }
  const beyond = Math.max(0, ...checkpoints.keys());
  if (beyond > progress.seq) {
    const why = `the record ends at ${progress.seq} but a checkpoint signed line ${beyond}: its tail was cut`;
    throw new Bad({ seq: progress.seq + 1, line: 1, file: 'checkpoint', why });
  }
}

/** In batches: one long reading would keep the engine's write-ahead log from being emptied for as long as it lasts. */
function* rowsUntil({ db }: Pick<Store, 'db'>, head: number): Generator<TableRow, void, undefined> {
  const batch = db.prepare<[number, number, number], TableRow>(
    'SELECT seq, time, kind, agent, tool, outcome, line, hash FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
  );
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = batch.all(after, head, AUDIT_VERIFY_ROWS_MAX);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

function proveFile(proof: Proof, folder: string, then: AuditSnapshot['files'][number]): void {
  const { progress } = proof;
  const file = openThen(folder, then);
  if (file === undefined) {
    throw new Bad({ seq: progress.seq + 1, line: 1, file: then.name, why: 'the file is gone' });
  }
  let number = 0;
  try {
    for (const line of linesOf(file, 0, then.bytes)) {
      number++;
      const why = faultOfLine(proof, line);
      if (why !== undefined) {
        throw new Bad({ seq: progress.seq + 1, line: number, file: then.name, why });
      }
      progress.lines++;
    }
  } finally {
    closeSync(file);
  }
}

/** Why a line of a file is not the next one of the record; undefined when it is, and the record is one line longer. */
function faultOfLine(proof: Proof, line: FileLine): string | undefined {
  if (!line.whole) return 'the line does not end: it is torn, or its end was changed';
  const read = readLine(proof, line.bytes);
  if (!read.ok) return read.error;
  const next = proof.rows.next();
  if (next.done) return 'the database has no such line: it was restored, rolled back or cut';
  return faultOfRow(proof, next.value, read.value);
}

interface GoodLine {
  readonly fields: LineFields;
  readonly text: string;
  readonly hash: string;
}

/** Hash, spelling, number and predecessor. */
function readLine({ chain, progress }: Proof, line: Buffer): Result<GoodLine, string> {
  const parts = splitLine(line);
  if (!parts) return err('the line does not end in a hash: it was changed or is not ours');
  const { body, hash } = parts;
  if (chain.hashOf(body) !== hash) return err('the hash does not fit the line: one of them was changed');
  const spelled = body.toString('utf8');
  const fields = parseBody(spelled);
  if (!fields) return err('the line is not in its canonical spelling');
  const expected = progress.seq + 1;
  if (fields.seq < expected) return err(`line ${fields.seq} stands here again`);
  if (fields.seq > expected) return err(`line ${fields.seq} stands here: lines are missing or out of order`);
  if (fields.prev !== progress.hash) return err('the line does not follow the one before it');
  return ok({ fields, hash, text: lineWithHash(spelled, hash) });
}

/** Moves the record forward when the row agrees with the line. */
function faultOfRow(proof: Proof, row: TableRow, line: GoodLine): string | undefined {
  const { progress } = proof;
  const { fields } = line;
  if (row.seq !== fields.seq) return `the database goes on at ${row.seq}: rows are missing there`;
  if (row.line !== line.text) return 'the database holds another text for this line';
  const same =
    row.hash === line.hash &&
    row.kind === fields.kind &&
    row.agent === fields.agent &&
    row.tool === fields.tool &&
    row.outcome === fields.outcome &&
    row.time === Date.parse(fields.time);
  if (!same) return 'the columns of the database row do not repeat its line: they were changed';
  const checkpoint = proof.checkpoints.get(row.seq);
  if (checkpoint && checkpoint.hash !== row.hash) {
    return `the checkpoint of ${checkpoint.time} signed another line ${row.seq}: the record was written anew`;
  }
  progress.seq = row.seq;
  progress.hash = row.hash;
  return undefined;
}

/** Rows that the file has not got yet: they may only be newer than what is known to have been written. */
function proveRest(proof: Proof, { synced, head }: AuditSnapshot): void {
  const { progress } = proof;
  if (synced > progress.seq) {
    const why = `the files end at ${progress.seq} but line ${synced} had been written: the tail was cut`;
    throw new Bad({ seq: progress.seq + 1, line: progress.lines + 1, file: CURRENT_FILE, why });
  }
  for (let next = proof.rows.next(); !next.done; next = proof.rows.next()) {
    const read = readLine(proof, Buffer.from(next.value.line));
    const why = read.ok ? faultOfRow(proof, next.value, read.value) : read.error;
    if (why !== undefined) {
      throw new Bad({ seq: progress.seq + 1, line: progress.seq + 1, file: 'database', why });
    }
    progress.pending++;
  }
  if (head > progress.seq) {
    const why = `the database ends at ${progress.seq} but line ${head} had been committed: its tail was cut`;
    throw new Bad({ seq: progress.seq + 1, line: progress.seq + 1, file: 'database', why });
  }
}

function checkpointsBySeq(options: VerifyOptions): ReadonlyMap<number, Checkpoint> {
  const found = new Map<number, Checkpoint>();
  for (const [index, text] of (options.checkpoints ?? []).entries()) {
    const checkpoint = verifyCheckpoint(text, options.keyring);
    const other = checkpoint.ok ? found.get(checkpoint.value.seq) : undefined;
    const why = !checkpoint.ok
      ? `checkpoint ${index + 1} ${checkpoint.error}`
      : other && other.hash !== checkpoint.value.hash
        ? `two checkpoints signed different lines ${checkpoint.value.seq}`
        : undefined;
    if (why !== undefined) throw new Bad({ seq: 0, line: index + 1, file: 'checkpoint', why });
    if (checkpoint.ok) found.set(checkpoint.value.seq, checkpoint.value);
  }
  return found;
}
