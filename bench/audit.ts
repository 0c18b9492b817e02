/** How fast the record is proved, beside an engine that takes orders meanwhile and does not notice. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '#config.ts';
import { defineFigure, quantile } from './figure.ts';
import { settingsIn } from './gateway.ts';
import { startOrderGateway } from './order-flow.ts';
import { AUDIT_LINES, seedLines } from './seed.ts';
import { makeTraders } from './traders.ts';

const MILLION = 1_000_000;

interface Verified {
  readonly ok: boolean;
  readonly lines: number;
  readonly seconds: number;
}

/** As its owner runs it, the start of the program included. */
function verify(folder: string): Promise<Verified> {
  const { promise, resolve, reject } = Promise.withResolvers<Verified>();
  const startedMs = performance.now();
  const main = fileURLToPath(new URL('../server/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'audit', 'verify', '--json'], {
    env: environmentWith(settingsIn(folder)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.once('close', (code) => {
    if (code !== 0)
      return reject(new Error(`audit verify ended with ${String(code)}: ${output.slice(0, 400)}`));
    const report = JSON.parse(output) as Verified;
    return resolve({ ok: report.ok, lines: report.lines, seconds: (performance.now() - startedMs) / 1_000 });
  });
  return promise;
}

export const audit = defineFigure({
  name: 'audit',
  about: 'audit verify of a million lines, and what an order notices of it',
  async run(bench) {
    const lines = bench.quick ? 20_000 : AUDIT_LINES;
    const folder = bench.folder();
    const traders = makeTraders(folder);
    seedLines(folder, lines);
    const gateway = await startOrderGateway(bench, folder, traders);
    const alone = await verify(folder);
    await gateway.flow(bench.quick ? 1 : 8);
    const [beside, flow] = await Promise.all([verify(folder), gateway.flow(bench.quick ? 1 : 12)]);
    if (alone.lines < lines || beside.lines < lines) throw new Error('Not every line was looked at.');
    const perMillion = (alone.seconds * MILLION) / alone.lines;
    bench.say(`audit: ${(alone.lines / alone.seconds).toFixed(0)} lines a second`);
    return [
      {
        name: 'verify_million',
        value: perMillion,
        unit: 's',
        target: { atMost: 20 },
        details: { lines: alone.lines, seconds: alone.seconds, beside_orders_seconds: beside.seconds },
      },
      { name: 'verify', value: alone.lines / alone.seconds, unit: 'lines/s' },
      {
        name: 'order_line_p50_meanwhile',
        value: quantile(flow.atServerMs, 0.5),
        unit: 'ms',
        details: { p99: quantile(flow.atServerMs, 0.99), max: Math.max(...flow.atServerMs) },
      },
      { name: 'loop_delay_max_meanwhile', value: flow.loopDelayMaxMs, unit: 'ms', target: { atMost: 100 } },
    ];
  },
});
