/** Child of a test: records without end and says after every commit what is durable now, until it is killed. */
import { join } from 'node:path';
import { openAuditLog } from '#audit/log.ts';
import { wallClock } from '#clock.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';

const [root = '', cycle = ''] = process.argv.slice(2);
const store = openStore(join(root, 'data'));
const log = openAuditLog({
  store,
  clock: wallClock,
  folder: join(root, 'log'),
  keyring: openKeyring(join(root, 'keys')),
  fileBytesMax: 20_000,
});

function work(n: number): void {
  log.recordGrouped({ kind: 'read', outcome: 'ok' });
  const seq = store.transaction(() => log.record({ kind: 'commit', outcome: 'ok', detail: { cycle, n } }));
  process.stdout.write(`${seq} ${cycle} ${n}\n`);
  // In turns, so that death meets every step: timers write the file now and then, and a flush does at once.
  if (n % 5 === 0) log.flush();
  if (n % 3 === 0) setTimeout(() => work(n + 1), n % 40);
  else setImmediate(() => work(n + 1));
}
work(1);
