/** The guide for scripts is followed word by word on a running gateway: its shell lines, its Python, its JavaScript. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
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
      { topics: ['quotes', 'orders'], symbols: ['SPX'] },
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

  it('its program that follows along goes on where it was cut', async () => {
    const [, program = ''] = blocksOf('js');
    writeFileSync(join(folder, 'follow.mjs'), program);
    const { key } = gate.key('trend');
    const place = join(folder, 'place.txt');
    /** Until it has told of this order's fill. */
    async function followUntil(orderId: () => string): Promise<string> {
      const child = spawn(process.execPath, [join(folder, 'follow.mjs')], {
        env: { KEY: key, GATEWAY: gate.url, PLACE: place },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let told = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text;
      });
      const ended = new Promise((done) => child.once('close', done));
      await vi.waitUntil(() => told.includes(`${orderId()} filled`), { timeout: 10_000, interval: 20 });
      child.kill('SIGKILL');
      await ended;
      return told;
    }
    async function buy(): Promise<string> {
      const order = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market', time_in_force: 'day' };
      const found = gate.gateway.access.keys.authenticate(key, { door: 'rest', address: '127.0.0.1' });
      if (!found.ok) throw new Error(found.error.detail);
      const ask = async (args: object) => {
        const answer = await gate.call('place_order', args, found.value);
        if (answer?.ok !== true) throw new Error(JSON.stringify(answer));
        return answer.output;
      };
      const { action_token } = await ask(order);
      const committed = await ask({
        ...order,
        dry_run: false,
        action_token,
        idempotency_key: String(action_token).slice(4, 24),
      });
      return (committed['order'] as { readonly order_id: string }).order_id;
    }
    let first = '';
    const telling = followUntil(() => first || 'none');
    // Written with the first event, which says that the stream has begun.
    await vi.waitUntil(() => existsSync(place), { timeout: 10_000, interval: 20 });
    first = await buy();
    expect(await telling).toContain(`${first} received`);
    const missed = await buy();
    const again = await followUntil(() => missed);
    expect(again).toContain(`${missed} received`);
    expect(again).not.toContain(first);
  });
});
