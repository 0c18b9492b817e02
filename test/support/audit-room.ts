/** The record in a folder of its own, with a real store, real keys and a hand-turned clock. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { auditFiles } from '#audit/lines.ts';
import { type AuditLog, openAuditLog } from '#audit/log.ts';
import { type VerifyReport, verifyAudit } from '#audit/verify.ts';
import { type Keyring, openKeyring } from '#store/keyring.ts';
import { openStore, type Store } from '#store/open.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface AuditRoom {
  readonly root: string;
  readonly store: Store;
  readonly clock: HandClock;
  readonly keyring: Keyring;
  readonly log: AuditLog;
  /** Folder of the files, and the one that is written to. */
  readonly folder: string;
  readonly file: string;
  record(kind: string, detail?: Readonly<Record<string, string | number>>): number;
  /** Lines of all files, in order. */
  lines(): readonly string[];
  /** Kinds of all rows, in order. */
  kinds(): readonly string[];
  verify(checkpoints?: readonly string[]): VerifyReport;
  /** The process dies here: nothing is flushed, nothing is closed in order. */
  crash(): void;
}

export function openAuditRoom(
  options: { readonly root?: string; readonly fileBytesMax?: number } = {},
): AuditRoom {
  const root = options.root ?? temporaryFolder();
  const folder = join(root, 'log');
  const store = openStore(join(root, 'data'));
  onTestFinished(() => store.close());
  const clock = handClock();
  const keyring = openKeyring(join(root, 'keys'));
  const { fileBytesMax } = options;
  const log = openAuditLog({
    store,
    clock,
    folder,
    keyring,
    ...(fileBytesMax === undefined ? {} : { fileBytesMax }),
  });
  return {
    root,
    store,
    clock,
    keyring,
    log,
    folder,
    file: join(folder, 'audit.jsonl'),
    record: (kind, detail) =>
      store.transaction(() => log.record({ kind, outcome: 'ok', ...(detail ? { detail } : {}) })),
    lines: () =>
      (existsSync(folder) ? auditFiles(folder) : []).flatMap((path) =>
        readFileSync(path, 'utf8').split('\n').slice(0, -1),
      ),
    kinds: () => store.db.prepare<[], string>('SELECT kind FROM audit ORDER BY seq').pluck().all(),
    verify: (checkpoints) => verifyAudit({ store, folder, keyring, ...(checkpoints ? { checkpoints } : {}) }),
    crash: () => store.close(),
  };
}

/** The same folders, opened by a new process. */
export function reopen(room: AuditRoom, options: { readonly fileBytesMax?: number } = {}): AuditRoom {
  return openAuditRoom({ ...options, root: room.root });
}
