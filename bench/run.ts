/** `npm run bench`: measures the figures named on the command line, or all; prints a table and writes JSON. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './figure.ts';
import { FIGURES } from './index.ts';
import { type Report, type Result, reportOf, resultOf, table } from './report.ts';

const HELP = `npm run bench -- [names…] [--quick] [--json FILE]

  --quick      short rounds: shows that it works, its numbers mean little
  --json FILE  where the results go (default: bench/results.json)

Figures:
${FIGURES.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}`;

async function measure(figure: Figure, quick: boolean): Promise<readonly Result[]> {
  const closers: (() => void | Promise<void>)[] = [];
  const bench: Bench = {
    quick,
    folder() {
      const path = mkdtempSync(join(realpathSync(tmpdir()), 'pcl-bench-'));
      closers.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
      return path;
    },
    onEnd: (close) => void closers.push(close),
    say: (text) => void process.stderr.write(`  ${text}\n`),
  };
  try {
    return (await figure.run(bench)).map((measured) => resultOf(figure, measured));
  } finally {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
  }
}

async function measureAll(figures: readonly Figure[], quick: boolean): Promise<Report> {
  const results: Result[] = [];
  const failed: { name: string; why: string }[] = [];
  for (const figure of figures) {
    process.stderr.write(`${figure.name}: ${figure.about}\n`);
    try {
      results.push(...(await measure(figure, quick)));
    } catch (cause) {
      failed.push({ name: figure.name, why: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  return reportOf({ quick, figures: results, failed });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string', default: fileURLToPath(new URL('results.json', import.meta.url)) },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !FIGURES.some((figure) => figure.name === name));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no figure ${unknown.join(', ')}.\n`);
  console.log(HELP);
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  const asked = FIGURES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const report = await measureAll(asked, values.quick);
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\n${table(report.figures)}`);
  for (const { name, why } of report.failed) console.error(`\n${name} could not be measured: ${why}`);
  // A missed target is told, not punished: what a machine can do is no bug. What did not work at all is one.
  process.exitCode = report.failed.length > 0 ? 1 : 0;
}
