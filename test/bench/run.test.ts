/** The bench itself: names its figures, runs one, and writes what programs read. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { median, meets, quantile } from '../../bench/figure.ts';
import { FIGURES } from '../../bench/index.ts';
import { load } from '../../bench/load.ts';
import { resultOf, table } from '../../bench/report.ts';

const RUN = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));
const bench = (args: readonly string[], temporary = tmpdir()) =>
  promisify(execFile)(process.execPath, [RUN, ...args], { env: { ...process.env, TMPDIR: temporary } });

describe('the list of figures', () => {
  test('names each once, and says what it is about', () => {
    expect(new Set(FIGURES.map(({ name }) => name)).size).toBe(FIGURES.length);
    for (const { name, about } of FIGURES)
      expect([name, about]).toEqual([expect.stringMatching(/^[a-z_-]+$/), expect.stringMatching(/\w+ \w+/)]);
  });

  test('is shown by --help; a figure that there is not ends it with 2', async () => {
    const { stdout } = await bench(['--help']);
    for (const { name } of FIGURES) expect(stdout).toContain(`  ${name} `);
    await expect(bench(['dors'])).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('dors') });
  });
});

describe('a run', () => {
  test('starts the gateway, measures, writes JSON of the stable format and leaves nothing behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'results.json');
    const { stdout } = await bench(['footprint', '--quick', '--json', file], folder);
    expect(stdout).toMatch(/footprint\.start +\d/);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(report).toMatchObject({ format: 1, node: process.version, quick: true, failed: [] });
    expect(report['figures']).toEqual(
      ['start', 'memory_idle', 'memory_busy', 'memory_growth'].map((name) => ({
        name: `footprint.${name}`,
        value: expect.any(Number),
        unit: name === 'start' ? 's' : 'MB',
        target: { atMost: expect.any(Number) },
        ok: expect.any(Boolean),
        details: expect.any(Object),
      })),
    );
    expect(readdirSync(folder)).toEqual(['results.json']);
  }, 60_000);
});

describe('the figures of real brokers', () => {
  test('run against a simulated venue in a process of its own, and end all that they began', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'results.json');
    await bench(['broker', 'feed', 'instruments', '--quick', '--json', file], folder);
    const { figures, failed } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown[]>;
    expect(failed).toEqual([]);
    expect(figures).toMatchObject([
      { name: 'broker.order_added_ms', unit: 'ms', target: { atMost: 2 } },
      { name: 'feed.5000_quotes_a_second', unit: 'ms', target: { atMost: 50 }, details: { stuck: 2 } },
      { name: 'instruments.search_200k', unit: 'ms', target: { atMost: 10 } },
    ]);
    expect(readdirSync(folder)).toEqual(['results.json']);
  }, 90_000);
});

describe('load', () => {
  test.each([
    [200, '{"quotes":[{"bid":"1"}]}', undefined],
    [200, '{"isError":true}', /without "bid":"/],
    [429, '{"quotes":[{"bid":"1"}]}', /another status/],
  ])('with answers of %d %s counts only right ones', async (status, body, why) => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const ran = load(
      { url, method: 'GET', headers: {}, answers: '"bid":"', pid: process.pid },
      { calls: 64 },
    );
    if (why) await expect(ran).rejects.toThrow(why);
    else expect((await ran).calls).toBe(64);
  });
});

describe('what is told', () => {
  test('is a table with a verdict for each target', () => {
    const figure = { name: 'f', about: 'a b', run: async () => [] };
    const rows = [
      resultOf(figure, { name: 'fast', value: 0.61, unit: 'ratio', target: { atLeast: 0.6 } }),
      resultOf(figure, { name: 'slow', value: 123.4, unit: 'ms', target: { atMost: 10 } }),
      resultOf(figure, { name: 'told', value: 12.34, unit: 'MB' }),
    ];
    expect(table(rows).split('\n')).toEqual([
      'figure  value  unit   target',
      'f.fast   0.61  ratio  >= 0.6  ok',
      'f.slow    123  ms     <= 10   MISSED',
      'f.told   12.3  MB',
    ]);
  });

  test('quantiles and medians', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, Number.NaN]);
    expect([quantile([1, 2, 3, 4], 0.5), quantile([1, 2], 0.99), quantile([], 0.5)]).toEqual([
      3,
      2,
      Number.NaN,
    ]);
    expect([meets(1, { atLeast: 1 }), meets(1.1, { atMost: 1 })]).toEqual([true, false]);
  });
});
