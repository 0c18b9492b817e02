/** Child of a test, run under a limit on file sizes: lets the audit file meet it while the database still has room. */
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openAuditLog } from '#audit/log.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';
import { handClock } from './hand-clock.ts';

// By default the kernel ends a process that writes beyond its limit; with a listener the write fails instead.
process.on('SIGXFSZ', () => undefined);

/** Shells count the limit in blocks of their own size, so it is measured. */
function fileBytesMax(path: string): number {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4_096);
  let written = 0;
  try {
    for (;;) written += writeSync(file, block);
  } catch {
    return written;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

const root = process.argv[2] ?? '';
const limit = fileBytesMax(join(root, 'probe'));
const store = openStore(join(root, 'data'));
const clock = handClock();
const log = openAuditLog({
  store,
  clock,
  folder: join(root, 'log'),
  keyring: openKeyring(join(root, 'keys')),
});
const file = join(root, 'log', 'audit.jsonl');
let recorded = 0;

function recordMany(count: number): void {
  store.transaction(() => {
    for (let n = 0; n < count; n++) {
      recorded++;
      log.record({ kind: 'event', outcome: 'ok', detail: { pad: 'x'.repeat(500) } });
    }
  });
  clock.advance(200);
}

store.db.pragma('wal_autocheckpoint = 20');
do recordMany(100);
while (statSync(file).size < limit * 0.6);
// From here on the database grows in its own log, which begins at nothing.
store.db.pragma('wal_checkpoint(TRUNCATE)');
store.db.pragma('wal_autocheckpoint = 0');
recordMany(Math.ceil((limit * 0.45) / (statSync(file).size / recorded)));
process.stdout.write(`${JSON.stringify({ recorded, trouble: log.trouble(), lag: log.lag() })}\n`);
// The process dies without closing anything: at the end of it SQLite would meet the limit too.
process.kill(process.pid, 'SIGKILL');
