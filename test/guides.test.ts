/** The guide for scripts is followed word by word on a running gateway: its shell lines, its Python, its JavaScript. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_MANDATE } from '#cli/mandates.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import { openTestGateway, type TestGateway } from './support/gateway.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../docs/rest.md'), 'utf8');
const blocksOf = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);
const there = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const run = promisify(execFile);

let gate: TestGateway<Clock>;
let folder: string;
beforeAll(async () => {
  // Long bars: no session ends under an order that is good for the day.
  const settings = { PAPER_PRESET: 'friendly', PAPER_BAR_SECONDS: '600' };
  gate = await openTestGateway({ clock: wallClock, settings });
  folder = mkdtempSync(join(tmpdir(), 'portcullis-guide-'));
  gate.key('trend');
  // The one that the guide has its reader write.
  const set = gate.gateway.access.mandates.set('trend', EXAMPLE_MANDATE, OWNER_CLI);
  if (!set.ok) throw new Error(set.error.detail);
});
afterAll(async () => {
  await gate.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a reader would have in the environment: a key, and the gateway's address. */
async function follow(program: string, args: readonly string[]): Promise<string> {
  const { key } = gate.key('trend');
  const PATH = [dirname(process.execPath), process.env['PATH']].join(':');
  const { stdout } = await run(program, [...args], {
    cwd: folder,
    env: { PATH, KEY: key, GATEWAY: gate.url },
    timeout: 15_000,
  });
  return stdout;
}

describe('docs/rest.md', () => {
  it.runIf(there('curl'))('its shell lines answer one after the other as it says', async () => {
    const lines = blocksOf('sh').filter((block) => !block.includes('npx portcullis'));
    const script = lines.join('\n').replaceAll('http://127.0.0.1:7800', gate.url);
    const told = await follow('bash', ['-ec', `curl() { command curl -sS "$@"; echo; }\n${script}`]);
    const answers = told
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers).toMatchObject([
      { quotes: [{ symbol: 'SPX' }] },
      { agent: 'trend', trading_state: 'ACTIVE' },
      { dry_run: true, action_token: expect.stringMatching(/^act_/) },
      { dry_run: false, order: { symbol: 'SPX', qty: '1' } },
      { order: { symbol: 'SPX' } },
      { canceled: expect.any(Array), failed: [] },
      expect.any(Object),
      { reason: 'max_order_value', status: 422, retry_safe: true },
      { bars: expect.any(Array) },
    ]);
  });

  it.runIf(there('python3'))('its Python runs as it stands', async () => {
    const [program = ''] = blocksOf('python');
    writeFileSync(join(folder, 'script.py'), program);
    const told = await follow('python3', ['script.py']);
    expect(told).toMatch(/would cost [\d.]+/);
    expect(told).toMatch(/ord_\w+ open\ncanceled\n\d+ trades\n/);
    expect(told).toMatch(/refused: max_order_qty/);
  });

  it('its JavaScript runs as it stands', async () => {
    const [program = ''] = blocksOf('js');
    writeFileSync(join(folder, 'script.mjs'), program);
    const told = await follow(process.execPath, ['script.mjs']);
    expect(told).toMatch(/ord_\w+ filled [\d.]+\nown \d+/);
    expect(told).toMatch(/refused: off_lot/);
  });
});
