// bin/portcullis.mjs on whatever Node calls it: from anywhere, through a link, under a Node too old to run the gateway.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = `
const [what = ''] = process.argv.slice(2);
if (what === 'wait') {
  process.on('SIGTERM', () => process.exit(7));
  setInterval(() => {}, 1000);
  console.log(JSON.stringify({ pid: process.pid }));
} else {
  const stdin = what === 'read' ? (await Array.fromAsync(process.stdin)).join('') : '';
  console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), env: process.env.LAUNCHED_BY_PORTCULLIS, stdin }));
  if (what === 'abort') process.kill(process.pid, 'SIGKILL');
  process.exit(Number(what) || 0);
}
`;

const temporary = realpathSync(tmpdir());
const launcher = fileURLToPath(new URL('../bin/portcullis.mjs', import.meta.url));
const oldNode = nodeOlderThanOurs();
let project = '';
let bin = '';

beforeEach(() => {
  project = mkdtempSync(join(temporary, 'portcullis-launcher-'));
  bin = join(project, 'bin', 'portcullis.mjs');
  for (const folder of ['bin', 'server', 'node_modules/node/bin']) {
    mkdirSync(join(project, folder), { recursive: true });
  }
  copyFileSync(launcher, bin);
  symlinkSync(process.execPath, join(project, 'node_modules/node/bin/node'));
  writeFileSync(join(project, 'server/main.ts'), MAIN);
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

describe('on a Node that can run the gateway', () => {
  it('runs the command line in place, from another folder and through a link', () => {
    const link = join(project, 'link.mjs');
    symlinkSync(bin, link);
    const run = spawnSync(process.execPath, [link, '3', '--cash', '1 000'], {
      cwd: temporary,
      encoding: 'utf8',
    });
    expect(run).toMatchObject({ status: 3, stderr: '' });
    expect(JSON.parse(run.stdout)).toMatchObject({ args: ['3', '--cash', '1 000'] });
  });

  it('says in one sentence that `npm ci` is missing', () => {
    rmSync(join(project, 'node_modules'), { recursive: true });
    const run = spawnSync(process.execPath, [bin, 'serve'], { encoding: 'utf8' });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toBe(`Portcullis is not installed yet: run \`npm ci\` in ${project}.\n`);
  });
});

const whereOldNode = oldNode === undefined ? describe.skip : describe;
if (oldNode === undefined) console.log('skipped: the launcher under an older Node (this machine has none)');

whereOldNode('on an older Node', () => {
  const old = oldNode ?? process.execPath;

  it('goes on with the Node beside it: arguments, folder, input and exit code are the same', () => {
    const run = spawnSync(old, [bin, 'read', '--x'], { cwd: temporary, encoding: 'utf8', input: 'line' });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toEqual({ args: ['read', '--x'], cwd: temporary, stdin: 'line' });
    expect(spawnSync(old, [bin, '5']).status).toBe(5);
  });

  it('ends as the gateway ended when a signal killed it', () => {
    expect(spawnSync(old, [bin, 'abort'])).toMatchObject({ status: null, signal: 'SIGKILL' });
  });

  it('passes a signal on and waits for the answer', async () => {
    const { child } = await startWaiting(old);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  it('takes the gateway with it when it is killed outright', async () => {
    const { child, pid } = await startWaiting(old);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
  });

  it('names the way out when there is no newer Node beside it', () => {
    rmSync(join(project, 'node_modules/node'), { recursive: true });
    const run = spawnSync(old, [bin, 'serve'], { encoding: 'utf8' });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toMatch(/^Portcullis needs Node 24\.12 or later .* run `npm ci` in .*\n$/);
  });
});

async function startWaiting(node: string) {
  const child = spawn(node, [bin, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { child, pid: Number(JSON.parse(String(line)).pid) };
}

/** A killed process that nobody has reaped yet still answers to signal 0. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}

/** The system's own Node, when it is one that the launcher has to replace. */
function nodeOlderThanOurs(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (folder === '' || folder.includes('node_modules') || !existsSync(node)) continue;
    const [major = 0, minor = 0] = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
      .stdout.split('.')
      .map(Number);
    if (major >= 18 && (major < 24 || (major === 24 && minor < 12))) return node;
  }
  return undefined;
}
