/** Child of a test: an order line that does what it is told, line by line, while its parent breaks the disk under it. */
import { createInterface } from 'node:readline';
import { wallClock } from '#clock.ts';
import { OWNER_CLI, SCOPES } from '#domain/principal.ts';
import { draft } from './order-drafts.ts';
import { openLine } from './order-line.ts';
import { wireAdapter } from './wire-broker.ts';

/** What its parent may ask of it. */
export type Task = 'place' | 'cancel' | 'kill' | 'waiting' | 'states' | 'end';

// By default the kernel ends a process that writes beyond its limit; with a listener the write fails instead.
process.on('SIGXFSZ', () => undefined);

const [folder = '', csv = '', port = '', mandate = ''] = process.argv.slice(2);
const adapter = await wireAdapter(Number(port));
const line = openLine(folder, wallClock, { csv, adapter: () => adapter });
const { agents, mandates, keys } = line.access;
agents.create('claude', ['paper'], OWNER_CLI);
mandates.set('claude', JSON.parse(mandate) as unknown, OWNER_CLI);
const key = keys.create({ agent: 'claude', scopes: [...SCOPES], by: OWNER_CLI });
if (!key.ok) throw new Error(key.error.detail);
const who = keys.authenticate(key.value.key, { door: 'http' });
if (!who.ok) throw new Error(who.error.detail);
await line.trading.start();
line.feed.start();

let number = 0;
async function carryOut(task: Task): Promise<unknown> {
  const { trading, store } = line;
  if (!who.ok) return undefined;
  switch (task) {
    case 'place': {
      const name = `order-${++number}`;
      const commit = { kind: 'commit', tool: 'place_order', digest: name, idempotencyKey: name } as const;
      return trading.placeOrder(who.value, draft({ side: 'buy', limit: '1440' }), commit);
    }
    case 'cancel': {
      const [open] = store.db
        .prepare<[], string>(`SELECT order_id FROM orders WHERE status = 'open' ORDER BY seq`)
        .pluck()
        .all();
      return trading.cancelOrder(who.value, open ?? '', {
        tool: 'cancel_order',
        digest: 'c',
        dryRun: false,
        idempotencyKey: 'cancel',
      });
    }
    case 'kill':
      return trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    case 'waiting':
      return trading.owner.waiting().items;
    case 'states':
      return {
        gate: trading.owner.tradingState(),
        orders: store.db.prepare('SELECT status, count(*) AS orders FROM orders GROUP BY status').all(),
      };
    case 'end':
      return undefined;
    default:
      return task satisfies never;
  }
}

process.stdout.write(`${JSON.stringify({ ready: process.pid })}\n`);
for await (const task of createInterface({ input: process.stdin })) {
  if (task === 'end') break;
  const answer = await carryOut(task as Task).catch((cause: unknown) => ({
    thrown: cause instanceof Error ? cause.constructor.name : String(cause),
    code: cause instanceof Error && 'code' in cause ? cause.code : null,
  }));
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
process.exit(0);
