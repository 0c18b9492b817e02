/** Where the record stood at one moment: what a verification beside a running engine goes by, while the engine writes on. */
import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Store } from '#store/open.ts';
import { auditFiles } from './lines.ts';

export const auditSnapshotShape = z.strictObject({
  /** The last committed line. */
  head: z.int(),
  /** The last line that is known to be in the files and synced. */
  synced: z.int(),
  /** In the order of their lines, as long as they were. */
  files: z.array(z.strictObject({ name: z.string(), bytes: z.int(), inode: z.string() })),
});
export type AuditSnapshot = z.output<typeof auditSnapshotShape>;
type FileThen = AuditSnapshot['files'][number];

/** Takes a moment only, whatever the length of the record. Flush the log first when it is open. */
export function auditSnapshot({ db }: Pick<Store, 'db'>, folder: string): AuditSnapshot {
  const head = Number(db.prepare('SELECT coalesce(max(seq), 0) FROM audit').pluck().get());
  const synced = Number(db.prepare('SELECT coalesce(max(last_seq), 0) FROM audit_file').pluck().get());
  const paths = existsSync(folder) ? auditFiles(folder) : [];
  const files = paths.map((path) => {
    const { file, bytes, inode } = openNow(path);
    closeSync(file);
    return { name: basename(path), bytes, inode };
  });
  return { head, synced, files };
}

function openNow(path: string): {
  readonly file: number;
  readonly bytes: number;
  readonly inode: string;
} {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size, ino } = fstatSync(file, { bigint: true });
  return { file, bytes: Number(size), inode: String(ino) };
}

/** Opens what was this file then: it has another name when it has been put away since. Undefined when it is gone. */
export function openThen(folder: string, then: FileThen): number | undefined {
  const own = join(folder, then.name);
  const others = auditFiles(folder).filter((path) => path !== own);
  for (const path of [...(existsSync(own) ? [own] : []), ...others]) {
    const { file, inode } = openNow(path);
    if (inode === then.inode) return file;
    closeSync(file);
  }
  return undefined;
}
