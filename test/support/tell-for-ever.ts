/** Child of a test: records what the owner is to be told without end, and tells it, until it is killed. */
import { join } from 'node:path';
import { openAuditLog } from '#audit/log.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { openNotify } from '#notify/notify.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';

const [root = '', cycle = '', url = ''] = process.argv.slice(2);
const store = openStore(join(root, 'data'));
const keyring = openKeyring(join(root, 'keys'));
const audit = openAuditLog({ store, clock: wallClock, folder: join(root, 'log'), keyring });
const notify = openNotify({
  store,
  audit,
  keyring,
  clock: wallClock,
  wallMs: () => wallClock.wallMs(),
  approvesClients: () => true,
  ownUrl: () => undefined,
  onFault: (cause) => void process.stderr.write(String(cause)),
});
if (notify.desk.destinations().length === 0)
  notify.desk.add(
    { channel: 'webhook', label: 'hook', kinds: ['agent'], fields: { secret_url: url } },
    OWNER_CLI,
  );
notify.start();

function work(n: number): void {
  const agent = `agent-${cycle}-${n}`;
  store.transaction(() => audit.record({ kind: 'mandate.tightened', agent, outcome: 'ok' }));
  process.stdout.write(`${agent}\n`);
  setTimeout(() => work(n + 1), 60);
}
work(1);
