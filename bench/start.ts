/** A start without an account that needs ccxt: that nothing of it is loaded, and what the gateway takes then. */
import { type Bench, defineFigure, median } from './figure.ts';
import { serveGateway } from './gateway.ts';
import { residentMemory } from './process.ts';
import { pause } from './time.ts';

const REST_MS = 2_000;

/** Ends the process with this when anything of ccxt is loaded. */
const LOADED = 70;
const ENDS_WITH_CCXT = `
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (!url.includes('/node_modules/ccxt/')) return next(url, context);
    process.stderr.write(url + ' was loaded, and no account needs it.\\n');
    process.exit(${LOADED});
  },
});
`;
const HOOK = `data:text/javascript,${encodeURIComponent(ENDS_WITH_CCXT)}`;

async function startOnce(bench: Bench, folder: string) {
  const beganMs = performance.now();
  const gateway = await serveGateway(bench, {
    folder,
    nodeOptions: ['--max-semi-space-size=4', '--import', HOOK],
  });
  const seconds = (performance.now() - beganMs) / 1_000;
  await pause(bench.quick ? 100 : REST_MS);
  const ended = gateway.child.exitCode;
  if (ended !== null)
    throw new Error(`the gateway ended with ${ended}${ended === LOADED ? ': it loaded ccxt' : ''}`);
  const memory = await residentMemory(gateway.pid);
  await gateway.stop();
  return { seconds, memory };
}

export const start = defineFigure({
  name: 'start',
  about: 'a start without an account at an exchange of ccxt: nothing of it is loaded; time and memory',
  async run(bench) {
    const folder = bench.folder();
    const runs = [];
    for (let n = 0; n < (bench.quick ? 2 : 5); n++) runs.push(await startOnce(bench, folder));
    // The first start makes the database.
    const seconds = runs.slice(1).map((run) => run.seconds);
    const memory = median(runs.map((run) => run.memory));
    bench.say(`start ${median(seconds).toFixed(2)} s, ${memory.toFixed(0)} MB`);
    return [
      {
        name: 'without_ccxt',
        value: median(seconds),
        unit: 's',
        target: { atMost: 1.5 },
        details: { memory_mb: memory },
      },
    ];
  },
});
