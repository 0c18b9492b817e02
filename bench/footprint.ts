/** What the gateway takes of a machine: time until it answers, memory at rest and after many calls. */
import { modernCall } from './calls.ts';
import { type Bench, defineFigure, median } from './figure.ts';
import { makeKey, type ServedGateway, serveGateway } from './gateway.ts';
import { load } from './load.ts';
import { residentMemory } from './process.ts';
import { pause } from './time.ts';

const POLL_MS = 5;
const REST_MS = 2_000;
const QUICK_REST_MS = 200;
/** More than the noise of a heap between two collections is growth. */
const GROWTH_MB_MAX = 20;

async function healthy({ url }: ServedGateway): Promise<void> {
  while (!(await fetch(`${url}/healthz`)).ok) await pause(POLL_MS);
}

/** On data that is there already, as at every start but the first. */
async function startTimes(bench: Bench, folder: string, starts: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let n = 0; n < starts; n++) {
    const startedMs = performance.now();
    const gateway = await serveGateway(bench, { folder });
    await healthy(gateway);
    times.push((performance.now() - startedMs) / 1_000);
    await gateway.stop();
  }
  return times;
}

export const footprint = defineFigure({
  name: 'footprint',
  about: 'start until /healthz answers; resident memory at rest and after many calls',
  async run(bench) {
    const folder = bench.folder();
    const key = makeKey(folder);
    const restMs = bench.quick ? QUICK_REST_MS : REST_MS;
    const times = await startTimes(bench, folder, bench.quick ? 2 : 6);
    const [first = Number.NaN, ...later] = times;
    const gateway = await serveGateway(bench, { folder });
    await pause(restMs);
    const idle = await residentMemory(gateway.pid);
    const call = modernCall(gateway, key);
    const [warm, all] = bench.quick ? [500, 1_000] : [20_000, 100_000];
    await load(call, { calls: warm });
    await pause(restMs);
    const warmed = await residentMemory(gateway.pid);
    await load(call, { calls: all - warm });
    await pause(restMs);
    const after = await residentMemory(gateway.pid);
    bench.say(`memory: ${idle.toFixed(0)} MB at rest, ${warmed.toFixed(0)} warm, ${after.toFixed(0)} after`);
    return [
      {
        name: 'start',
        value: median(later),
        unit: 's',
        target: { atMost: 1.5 },
        details: { first, times },
      },
      { name: 'memory_idle', value: idle, unit: 'MB', target: { atMost: 200 } },
      { name: 'memory_busy', value: after, unit: 'MB', target: { atMost: 200 }, details: { calls: all } },
      {
        name: 'memory_growth',
        value: after - warmed,
        unit: 'MB',
        target: { atMost: GROWTH_MB_MAX },
        details: { from_calls: warm, to_calls: all, warmed, after },
      },
    ];
  },
});
