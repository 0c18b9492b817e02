/** Proves the record: every byte of every file against its key, its neighbours, the database and checkpoints kept elsewhere. */
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { err, ok, type Result } from '#domain/result.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { AUDIT_KEYS, type Chain, openChain } from './chain.ts';
import { type Checkpoint, verifyCheckpoint } from './checkpoint.ts';
import { GENESIS_HASH, type LineFields, lineWithHash, parseBody, splitLine } from './line.ts';
import { auditFiles, CURRENT_FILE, type FileLine, linesOf } from './lines.ts';

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
  readonly store: Store;
  readonly folder: string;
  readonly keyring: Keyring;
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

/** Streams: memory does not grow with the record. Flush the log first when it is open. */
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
  const { store, folder, keyring } = options;
  const files = existsSync(folder) ? auditFiles(folder) : [];
  const synced = Number(store.db.prepare('SELECT coalesce(max(last_seq), 0) FROM audit_file').pluck().get());
  const checkpoints = checkpointsBySeq(options);
  const rows = store.db
    .prepare<[], TableRow>('SELECT seq, time, kind, agent, tool, outcome, line, hash FROM audit ORDER BY seq')
    .iterate();
  try {
    if (keyring.exists(AUDIT_KEYS.chain)) {
      const proof: Proof = { progress, chain: openChain(keyring), rows, checkpoints };
      for (const path of files) proveFile(proof, path);
      proveRest(proof, synced);
    } else if (files.length > 0 || !rows.next().done) {
      const why = `the key ${AUDIT_KEYS.chain}.key of the record is missing from the key folder`;
      throw new Bad({ seq: 1, line: 1, file: `${AUDIT_KEYS.chain}.key`, why });
    }
  } finally {
    rows.return?.();
  }
  const beyond = Math.max(0, ...checkpoints.keys());
  if (beyond > progress.seq) {
    const why = `the record ends at ${progress.seq} but a checkpoint signed line ${beyond}: its tail was cut`;
    throw new Bad({ seq: progress.seq + 1, line: 1, file: 'checkpoint', why });
  }
}

function proveFile(proof: Proof, path: string): void {
  const { progress } = proof;
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  let number = 0;
  try {
    for (const line of linesOf(file, 0)) {
      number++;
      const why = faultOfLine(proof, line);
      if (why !== undefined) {
        throw new Bad({ seq: progress.seq + 1, line: number, file: basename(path), why });
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
function proveRest(proof: Proof, synced: number): void {
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
