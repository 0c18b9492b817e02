/** Child of a test: carries out one act of the order line, says each step it comes by, and dies at the one it was told to. */
import { createInterface } from 'node:readline';
import { handClock } from './hand-clock.ts';
import { ACTS, type Target } from './kill-acts.ts';
import { openLine } from './order-line.ts';
import { watchedStore } from './watched-store.ts';
import { wireAdapter } from './wire-broker.ts';

/** What the child is told, in one line. */
export interface Order {
  readonly folder: string;
  readonly csv: string;
  readonly wallMs: number;
  readonly port: number;
  readonly apiKey: string;
  readonly act: string;
  readonly target: Target;
  /** The number of the step to die at, from 0; null: none. */
  readonly dieAt: number | null;
}

/** What it says: a step, and that the act is over. */
export type Said = { readonly step: string } | { readonly over: true };

async function run({ folder, csv, wallMs, port, apiKey, act, target, dieAt }: Order): Promise<void> {
  const chosen = ACTS.find(({ name }) => name === act);
  if (chosen === undefined) throw new Error(`no act ${act}`);
  let watching = chosen.work === undefined;
  let steps = 0;
  function step(name: string): void {
    if (!watching) return;
    // Whole even when the next instruction is the last one: a pipe takes it at once.
    process.stdout.write(`${JSON.stringify({ step: name })}\n`);
    if (steps++ === dieAt) process.kill(process.pid, 'SIGKILL');
  }
  const adapter = await wireAdapter(port, (method, what) => step(`${method}: ${what}`));
  const clock = handClock(wallMs);
  const line = openLine(folder, clock, {
    csv,
    adapter: () => adapter,
    watched: (store) => watchedStore(store, step),
  });
  await line.trading.start();
  line.feed.start();
  await clock.advanceAsync(0);
  const who = line.access.keys.authenticate(apiKey, { door: 'http' });
  if (!who.ok) throw new Error(who.error.detail);
  watching = true;
  await chosen.work?.(line.trading, who.value, target);
  watching = false;
  process.stdout.write(`${JSON.stringify({ over: true })}\n`);
  await line.close();
  adapter.hangUp();
}

// Everything is imported by the time that there is something to do: that takes longest.
const [told] = await createInterface({ input: process.stdin })
  [Symbol.asyncIterator]()
  .next()
  .then(({ value }) => [value as string | undefined]);
if (told !== undefined) await run(JSON.parse(told) as Order);
process.exit(0);
