// `portcullis stdio` as hosts start it: a pipe that brings its own engine, gives way to a real one, and ends when that is gone.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type VersionNegotiationMode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdioTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTheClone, endEngine, MANDATE, type Portcullis } from '../support/portcullis.ts';

let clone: Portcullis;
const closers: (() => Promise<unknown> | void)[] = [];
beforeAll(() => {
  clone = copyOfTheClone();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => clone.close());

function freshGate(): Portcullis {
  const gate = clone.fresh();
  closers.push(() => endEngine(gate.enginePid()));
  return gate;
}

const launch = (gate: Portcullis, args: readonly string[] = [], settings = {}) => ({
  command: process.execPath,
  args: [gate.launcher, 'stdio', ...args],
  env: gate.env(settings),
});

async function host(
  gate: Portcullis,
  args: readonly string[] = [],
  mode: VersionNegotiationMode = 'auto',
): Promise<Client> {
  const client = new Client({ name: 'host', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(new StdioClientTransport({ ...launch(gate, args), stderr: 'ignore' }));
  closers.push(() => client.close());
  return client;
}
async function ask(client: Client, name: string, args: object = {}): Promise<Record<string, unknown>> {
  const { structuredContent } = await client.callTool({ name, arguments: { ...args } });
  return structuredContent as Record<string, unknown>;
}
/** An ended process that init has not reaped yet still answers to signal 0. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
};
const LISTEN = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'subscriptions/listen',
  params: {
    notifications: { toolsListChanged: true },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})}\n`;
const LIST = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })}\n`;

describe('when nothing runs', () => {
  it('starts an engine without HTTP, serves as `local`, and two hosts share it', async () => {
    const gate = freshGate();
    const [one, two] = await Promise.all([host(gate), host(gate)]);
    expect(await ask(one, 'get_mandate')).toMatchObject({
      agent: 'local',
      credential: 'local',
      door: 'stdio',
    });
    expect(await ask(two, 'get_quotes', { symbols: ['SPX'] })).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
    const second = await gate.run(['serve', '--local']);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/Another engine works in .* \(serve --local\)/);
  });

  it('serves hosts of the older SDK too', async () => {
    const gate = freshGate();
    const client = new OldClient({ name: 'old', version: '1' });
    await client.connect(new OldStdioTransport(launch(gate)));
    closers.push(() => client.close());
    expect((await client.listTools()).tools.length).toBeGreaterThan(20);
  });

  it('ends the engine some time after its last client has gone, and leaves no socket', async () => {
    const gate = freshGate();
    const client = await host(gate);
    const pid = gate.enginePid() ?? 0;
    expect(isRunning(pid)).toBe(true);
    await client.close();
    await expect.poll(() => isRunning(pid), { timeout: 18_000, interval: 250 }).toBe(false);
    expect(existsSync(join(gate.dataFolder, 'agent.sock'))).toBe(false);
  }, 30_000);

  it('says what keeps the engine from starting, and nothing on standard output', async () => {
    const gate = freshGate();
    const ran = await gate.run(['stdio'], { PAPER_TAPE: '/nowhere.csv', PAPER_SYMBOL: 'SPY' }, LIST);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/The gateway did not start: The tape nowhere\.csv can not be read/);
  });
});

describe('when a gateway runs', () => {
  it('answers everything that was asked before the host hung up, and ends with 0', async () => {
    const gate = freshGate();
    const serving = await gate.serve();
    const ran = await gate.run(['stdio'], {}, LIST);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const lines = ran.stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ id: 1, result: { tools: expect.any(Array) } });
    await serving.stop();
  });

  it('presents a key from a file or from PORTCULLIS_KEY: its agent, its scopes', async () => {
    const gate = freshGate();
    const serving = await gate.serve();
    const { key } = (await gate.json([
      'keys',
      'create',
      '--agent',
      'claude',
      '--scopes',
      'read:account',
    ])) as { key: string };
    const file = join(gate.folder, 'key');
    writeFileSync(file, `${key}\n`);
    const byFile = await host(gate, ['--key-file', file]);
    expect(await ask(byFile, 'get_mandate')).toMatchObject({ agent: 'claude', scopes: ['read:account'] });
    const client = new Client({ name: 'host', version: '1' });
    await client.connect(new StdioClientTransport(launch(gate, [], { PORTCULLIS_KEY: key })));
    closers.push(() => client.close());
    expect(await ask(client, 'get_mandate')).toMatchObject({ agent: 'claude' });
    const [first] = ((await gate.json(['keys', 'list'])) as { keys: { id: string }[] }).keys;
    await gate.run(['keys', 'revoke', first?.id ?? '']);
    expect(await ask(client, 'get_mandate')).toMatchObject({ reason: 'credential_revoked' });
    await serving.stop();
  });

  it('never becomes `local` because a key is missing or wrong', async () => {
    const gate = freshGate();
    const serving = await gate.serve();
    for (const content of ['', 'two keys']) {
      const file = join(gate.folder, 'broken');
      writeFileSync(file, content);
      const ran = await gate.run(['stdio', '--key-file', file], {}, LIST);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/does not hold one API key/);
    }
    const gone = await gate.run(['stdio', '--key-file', join(gate.folder, 'gone')], {}, LIST);
    expect(gone).toMatchObject({ code: 1, stdout: '' });
    const wrong = await gate.run(['stdio'], { PORTCULLIS_KEY: 'pcl_wrong' }, LIST);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: -32001 } });
    await serving.stop();
  });

  it('ends with 1 and a sentence when the gateway goes away under it', async () => {
    const gate = freshGate();
    const serving = await gate.serve();
    const pipe = gate.start(['stdio']);
    pipe.child.stdin?.write(LIST);
    await pipe.says(/"tools"/);
    await serving.stop();
    const ended = await pipe.ended();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^The gateway went away/);
  });

  it('gives up on an engine that hangs, instead of hanging with it', async () => {
    const gate = freshGate();
    const serving = await gate.serve();
    serving.signal('SIGSTOP');
    try {
      const ran = await gate.run(['stdio'], {}, LIST);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/does not answer/);
    } finally {
      serving.signal('SIGCONT');
    }
    await serving.stop();
  });

  it('is taken over from by `serve`, whose orders go on', async () => {
    const gate = freshGate();
    const client = await host(gate);
    const order = {
      symbol: 'SPX',
      side: 'buy',
      qty: '1',
      type: 'limit',
      limit_price: '1400',
      time_in_force: 'gtc',
    };
    const { action_token } = await ask(client, 'place_order', order);
    await ask(client, 'place_order', { ...order, dry_run: false, action_token, idempotency_key: 'a' });
    const local = gate.enginePid();
    const serving = await gate.serve();
    expect(gate.enginePid()).toBe(serving.pid);
    await expect.poll(() => isRunning(local ?? 0)).toBe(false);
    const again = await host(gate);
    expect(await ask(again, 'get_orders')).toMatchObject({ orders: [{ limit_price: '1400' }] });
    await serving.stop();
  });
});

describe('to a gateway elsewhere (--url)', () => {
  it.each(['auto', 'legacy'] as const)('passes messages through over HTTP (%s)', async (mode) => {
    const gate = freshGate();
    const serving = await gate.serve();
    const { key } = (await gate.json([
      'keys',
      'create',
      '--agent',
      'far',
      '--scopes',
      'read:market,read:account',
    ])) as { key: string };
    const mandate = join(gate.folder, 'mandate.json');
    writeFileSync(mandate, JSON.stringify(MANDATE));
    await gate.run(['mandates', 'set', 'far', '--file', mandate]);
    const file = join(gate.folder, 'key');
    writeFileSync(file, key);
    const elsewhere = clone.fresh();
    const client = await host(elsewhere, ['--url', serving.url, '--key-file', file], mode);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('get_quotes');
    expect(await ask(client, 'get_mandate')).toMatchObject({ agent: 'far', door: 'http' });
    await expect(ask(client, 'place_order', {})).rejects.toMatchObject({ code: -32_003 });
    expect(existsSync(elsewhere.dataFolder)).toBe(false);
    const uri = 'portcullis://quotes/SPX';
    const heard = new Promise((resolve) => {
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => resolve(params.uri));
    });
    if (mode === 'auto') await client.listen({ resourceSubscriptions: [uri] });
    else await client.subscribeResource({ uri });
    expect(await heard).toBe(uri);
    // What listens is answered by its end alone: a host that goes away is not kept for it.
    const ended = await gate.run(['stdio', '--url', serving.url, '--key-file', file], {}, LISTEN);
    expect(ended.code).toBe(0);
    expect((await gate.run(['stdio', '--key-file', file], {}, LISTEN)).code).toBe(0);
    await client.close();
    await serving.stop();
  });

  it('answers with the refusal of the gateway, and ends with 1 when nobody is there', async () => {
    const gate = freshGate();
    const serving = await gate.serve();
    const stranger = await gate.run(['stdio', '--url', serving.url], {}, LIST);
    expect(stranger.code).toBe(0);
    expect(JSON.parse(stranger.stdout)).toMatchObject({ id: 1, error: { code: -32_001 } });
    await serving.stop();
    const nobody = await gate.run(['stdio', '--url', serving.url], {}, LIST);
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr).toMatch(/^The gateway at http.*\/mcp can not be reached: connect ECONNREFUSED/);
    expect((await gate.run(['stdio', '--url', 'gate.example.com'])).code).toBe(2);
  });
});
