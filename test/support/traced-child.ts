/** Child of a test, run under a trace of its system calls: places orders at a venue behind a socket, and ends. */
import { handClock } from './hand-clock.ts';
import { draft } from './order-drafts.ts';
import { openLine } from './order-line.ts';
import { wireAdapter } from './wire-broker.ts';

const [folder = '', csv = '', port = '', count = ''] = process.argv.slice(2);

const adapter = await wireAdapter(Number(port));
const clock = handClock();
const line = openLine(folder, clock, { csv, adapter: () => adapter });
await line.trading.start();
line.feed.start();
await clock.advanceAsync(0);
for (let number = 0; number < Number(count); number++) {
  // An account takes only so many orders a second.
  await clock.advanceAsync(1_000);
  const order = draft({ side: 'buy', limit: '1440' });
  const placed = await line.trading.owner.placeOrder(order, `order-${number}`);
  if (!placed.ok) throw new Error(placed.error.detail);
  process.stdout.write(`${placed.value.brokerClientId}\n`);
}
await line.close();
adapter.hangUp();
process.exit(0);
