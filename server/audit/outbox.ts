/** Lets the file follow the table: in order, without gap or duplicate whatever happens to process, disk or file. */
import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AUDIT_FILE_BATCH_BYTES_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { Chain } from './chain.ts';
import { CURRENT_FILE, rotatedName } from './lines.ts';
import { AuditError, type Position, type Repair, reconcile } from './reconcile.ts';

export interface Outbox {
  /** Appends what the file lacks and syncs it. Throws AuditError or a system error; what was whole stays whole. */
  follow(): void;
  /** The last seq that is known to be in the file and synced. */
  lastSeq(): number;
  /** Writes the position into `audit_file`; called inside a transaction. */
  save(): void;
}

export interface OutboxOptions {
  readonly store: Store;
  readonly folder: string;
  readonly chain: Chain;
  readonly fileBytesMax: number;
  /** Told what had to be put right, so that it goes on the record too. */
  readonly onRepair: (repair: Repair) => void;
  /** Told that there is a new position to save with the next commit. */
  readonly onMoved: () => void;
}

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** Another process that writes to our file is met this often before we give up until the next time. */
const RECONCILE_TRIES_MAX = 3;

export function openOutbox(options: OutboxOptions): Outbox {
  const { store, folder, fileBytesMax } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, CURRENT_FILE);
  const linesAfter = store.db.prepare<[number], { seq: number; line: string }>(
    'SELECT seq, line FROM audit WHERE seq > ? ORDER BY seq',
  );
  const savePosition = store.db.prepare(
    `INSERT INTO audit_file (id, name, bytes, last_seq) VALUES (1, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, bytes = excluded.bytes, last_seq = excluded.last_seq`,
  );
  const batchBytesMax = Math.min(AUDIT_FILE_BATCH_BYTES_MAX, fileBytesMax);
  /** undefined: the file has to be looked at before it is written to. */
  let position: Position | undefined;
  let reached = 0;

  function nextBatch(after: number): {
    readonly text: string;
    readonly bytes: number;
    readonly lastSeq: number;
  } {
    const lines: string[] = [];
    let bytes = 0;
    let lastSeq = after;
    for (const row of linesAfter.iterate(after)) {
      const length = Buffer.byteLength(row.line) + 1;
      if (bytes > 0 && bytes + length > batchBytesMax) break;
      lines.push(row.line, '\n');
      bytes += length;
      lastSeq = row.seq;
    }
    return { text: lines.join(''), bytes, lastSeq };
  }

  /** Writes one batch at the known end; undefined when the file is not as it was left. */
  function append(at: Position): Position | undefined {
    const batch = nextBatch(at.lastSeq);
    if (batch.bytes === 0) return at;
    const full = at.bytes > 0 && at.bytes + batch.bytes > fileBytesMax;
    const from = full ? rotate(folder, at) : at;
    // Only an empty one is created: a file that is gone has to be noticed.
    if (from.bytes > 0 && !existsSync(path)) return undefined;
    const file = openSync(path, OPEN_FLAGS, 0o600);
    try {
      if (fstatSync(file).size !== from.bytes) return undefined;
      try {
        writeFileSync(file, batch.text);
        fdatasyncSync(file);
      } catch (cause) {
        ftruncateSync(file, from.bytes);
        throw cause;
      }
    } finally {
      closeSync(file);
    }
    if (from.bytes === 0) syncFolder(folder);
    return { ...from, bytes: from.bytes + batch.bytes, lastSeq: batch.lastSeq };
  }

  return {
    follow() {
      let tries = 0;
      for (;;) {
        if (!position && tries++ === RECONCILE_TRIES_MAX) {
          throw new AuditError(`Something else writes to ${path}; let only the gateway write there.`);
        }
        const from: Position = position ?? reconcile(options, path);
        position = undefined;
        position = append(from);
        reached = (position ?? from).lastSeq;
        if (position && position.lastSeq === from.lastSeq) return;
        if (position) options.onMoved();
      }
    },
    lastSeq: () => reached,
    save() {
      if (position) savePosition.run(CURRENT_FILE, position.bytes, position.lastSeq);
    },
  };
}

/** The name says which lines are in it; nothing is copied, so nothing can be lost on the way. */
function rotate(folder: string, at: Position): Position {
  const target = join(folder, rotatedName(at.firstSeq, at.lastSeq));
  if (existsSync(target)) {
    throw new AuditError(`The file ${target} is in the way of a full ${CURRENT_FILE}; move it elsewhere.`);
  }
  renameSync(join(folder, CURRENT_FILE), target);
  syncFolder(folder);
  return { bytes: 0, lastSeq: at.lastSeq, firstSeq: at.lastSeq + 1 };
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
