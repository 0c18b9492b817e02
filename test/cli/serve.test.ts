// `serve` as a process: one engine a data folder, starts that are refused in one sentence and change nothing, ends in order.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTheClone, type Portcullis } from '../support/portcullis.ts';

let clone: Portcullis;
beforeAll(() => {
  clone = copyOfTheClone();
});
afterAll(() => clone.close());
afterEach(() => rmSync(join(clone.project, '.env'), { force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const health = (url: string): Promise<number> => fetch(`${url}/healthz`).then(({ status }) => status);

describe('a start', () => {
  it('serves, with folders and sockets for its own user alone, and ends in order on SIGTERM', async () => {
    const gate = clone.fresh();
    mkdirSync(gate.dataFolder, { mode: 0o755 });
    const serving = await gate.serve();
    expect(await health(serving.url)).toBe(200);
    for (const folder of ['data', 'log', 'keys']) expect(modeOf(join(gate.folder, folder))).toBe('700');
    for (const socket of ['agent.sock', 'owner.sock'])
      expect(modeOf(join(gate.dataFolder, socket))).toBe('600');
    const said = serving.stdout();
    expect(said).toMatch(/paper \(paper, USD\)[\s\S]*SPX: 5105 recorded bars/);
    expect(said).toMatch(/Console +http:\S+\/admin\n[\s\S]*npx portcullis setup-link/);
    expect(await serving.stop()).toMatchObject({ code: 0 });
    expect(readdirSync(gate.dataFolder)).not.toContain('agent.sock');
    expect(existsSync(join(gate.dataFolder, 'lock.json'))).toBe(false);
    await expect(health(serving.url)).rejects.toThrow();
  });

  it('refuses beside another engine, saying who that is, and the first one goes on', async () => {
    const gate = clone.fresh();
    const first = await gate.serve();
    const second = await gate.run(['serve']);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(
      new RegExp(`^Another engine works in .*: process ${first.pid} \\(serve\\), since 2`),
    );
    expect(await health(first.url)).toBe(200);
    await first.stop();
  });

  it('goes on where kill -9 left it', async () => {
    const gate = clone.fresh();
    const first = await gate.serve();
    first.signal('SIGKILL');
    await first.ended();
    const second = await gate.serve();
    expect(await health(second.url)).toBe(200);
    expect(await gate.json(['audit', 'verify'])).toMatchObject({ ok: true });
    await second.stop();
  });

  it('finds its sockets when the path of the data folder is too long for one', async () => {
    const gate = clone.fresh();
    const long = { DATA_DIR: join(gate.folder, 'd'.repeat(120)) };
    const serving = await gate.serve(long);
    expect(await gate.json(['agents', 'list'], long)).toEqual({ agents: [] });
    const record = readFileSync(join(long.DATA_DIR, 'sockets.path'), 'utf8').trim();
    expect(modeOf(record)).toBe('700');
    expect(existsSync(join(record, 'owner.sock'))).toBe(true);
    await serving.stop();
    expect(existsSync(record)).toBe(false);
    expect(existsSync(join(long.DATA_DIR, 'sockets.path'))).toBe(false);
  });
});

/** Everything below the folder with its content; the lock is a thing of the moment. */
function contents(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('lock.db'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, readFileSync(path).toString('base64')]),
  );
}

describe('a start that is refused', () => {
  async function refused(gate: Portcullis, settings: Record<string, string>, said: RegExp): Promise<void> {
    const before = contents(gate.folder);
    const ran = await gate.run(['serve'], settings);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(said);
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    expect(contents(gate.folder)).toEqual(before);
  }
  const tape = (gate: Portcullis, text: string): Record<string, string> => {
    const path = join(gate.folder, 'tape.csv');
    writeFileSync(path, text);
    return { PAPER_TAPE: path, PAPER_SYMBOL: 'SPX' };
  };

  it.each([
    [{ PORT: 'no' }, /^PORT must be a whole number/],
    [{ HOST: '0.0.0.0' }, /^HOST=0\.0\.0\.0 is not loopback/],
    [{ MCP_HTTP_ENABLED: 'true' }, /^MCP_PUBLIC_URL is required with MCP_HTTP_ENABLED=true/],
    [{ PORTCULLIS_PUBLIC_CONSOLE: 'true' }, /^PORTCULLIS_PUBLIC_CONSOLE=true has nothing to act on/],
    [
      { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true', MCP_OAUTH_REQUIRE_APPROVAL: 'false' },
      /^MCP_OAUTH_WRITE_SCOPE_ENABLED/,
    ],
    [{ PORTCULLIS_TIMEZON: 'UTC' }, /did you mean PORTCULLIS_TIMEZONE\?$/m],
    [{ PAPER_SYMBOL: 'SPY' }, /^The sample tape is SPX/],
    [{ PAPER_SYMBOL: 'NOPE' }, /^PAPER_SYMBOL must be one of SPX, .*, not "NOPE"/],
    [
      { PAPER_TAPE: '/nowhere.csv', PAPER_SYMBOL: 'SPY' },
      /^The tape nowhere\.csv can not be read: there is no such file/,
    ],
    [{ PAPER_TAPE: '/nowhere.csv' }, /^PAPER_SYMBOL must say what PAPER_TAPE is the tape of/],
  ])('for %j', async (settings, said) => {
    await refused(clone.fresh(), settings, said);
  });

  it('for a broken .env, with a suggestion', async () => {
    writeFileSync(join(clone.project, '.env'), 'PAPER_PRESSET=friendly\n');
    await refused(
      clone.fresh(),
      {},
      /^PAPER_PRESSET \(\.env, line 1\) is not a setting; did you mean PAPER_PRESET\?$/m,
    );
  });

  it('for a broken tape, naming file, line and column', async () => {
    const gate = clone.fresh();
    const rows = 'date,open,high,low,close,volume\n2020-01-02,10,11,9,10,5\n2020-01-03,10,x,9,10,5\n';
    await refused(gate, tape(gate, rows), /^The tape tape\.csv, line 3, column high: "x" must be/);
  });

  it('for a port that something else has', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    try {
      await refused(
        clone.fresh(),
        { PORT: String(port) },
        /something else listens there; set PORT to another one/,
      );
    } finally {
      other.close();
    }
  });

  it('for a database that is none', async () => {
    const gate = clone.fresh();
    mkdirSync(gate.dataFolder);
    writeFileSync(join(gate.dataFolder, 'portcullis.db'), 'x'.repeat(5_000));
    for (const folder of ['log', 'keys']) mkdirSync(join(gate.folder, folder));
    await refused(gate, {}, /portcullis\.db/);
  });

  it('for a key file that others can read, or that is not a key', async () => {
    const gate = clone.fresh();
    await (await gate.serve()).stop();
    const key = join(gate.folder, 'keys', 'audit.key');
    chmodSync(key, 0o644);
    await refused(gate, {}, /can be read by other users .* chmod 600/);
    chmodSync(key, 0o600);
    const right = readFileSync(key);
    writeFileSync(key, 'short');
    await refused(gate, {}, /audit\.key holds 5 bytes instead of 32/);
    writeFileSync(key, Buffer.alloc(32, 1));
    await refused(gate, {}, /another key wrote it|another key/);
    writeFileSync(key, right);
    await (await gate.serve()).stop();
  });
});
