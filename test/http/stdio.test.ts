/** MCP over one connection of the agent socket: both eras, each request authenticated anew. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { type ServedConnection, serveConnection } from '#http/stdio.ts';
import { SOCKET_MESSAGE_BYTES_MAX, SOCKET_REQUESTS_MAX } from '#limits.ts';
import { type Doors, openDoors, VERSION } from '../support/doors.ts';
import { currentClientOver, olderClientOver } from '../support/mcp-clients.ts';
import { socketPair, until } from '../support/streams.ts';

let doors: Doors;
const ends: Socket[] = [];
beforeEach(async () => {
  doors = await openDoors();
});
afterEach(async () => {
  for (const end of ends.splice(0)) end.destroy();
  await doors.close();
});

interface Line {
  readonly near: Socket;
  readonly far: Socket;
  readonly served: ServedConnection;
  readonly errors: string[];
}
async function line(
  principal: () => Result<Principal, Refusal> = () => doors.access.localPrincipal(),
): Promise<Line> {
  const { near, far } = await socketPair();
  ends.push(near, far);
  const errors: string[] = [];
  const served = serveConnection({
    stream: near,
    principal,
    stillLive: (who) => doors.access.stillLive(who).ok,
    mcp: doors.mcp,
    clock: doors.clock,
    version: VERSION,
    onError: (error) => errors.push(error.message),
  });
  return { near, far, served, errors };
}
/** Collects the answers of a connection, by id. */
function answersOf(far: Socket): Map<unknown, Record<string, unknown>> {
  const answers = new Map<unknown, Record<string, unknown>>();
  let rest = '';
  far.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      const message = JSON.parse(text) as Record<string, unknown>;
      answers.set(message['id'], message);
    }
  });
  return answers;
}
const request = (id: number, method: string, params?: unknown): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })}\n`;
const call = (id: number, name: string, args: object): string =>
  request(id, 'tools/call', { name, arguments: args });
function hold(): () => void {
  let open: () => void = () => undefined;
  doors.script.gate = new Promise((resolve) => {
    open = resolve;
  });
  return () => open();
}

describe('real clients', () => {
  test('of the current line speak either era', async () => {
    for (const mode of ['auto', 'legacy'] as const) {
      const client = await currentClientOver((await line()).far, mode);
      expect(client.getNegotiatedProtocolVersion()).toBe(mode === 'auto' ? '2026-07-28' : '2025-11-25');
      expect((await client.listTools()).tools.map((tool) => tool.name)).toContain('slow_order');
      const result = await client.callTool({ name: 'get_word', arguments: { word: 'gate' } });
      expect(result.structuredContent).toMatchObject({ word: 'gate' });
      await client.close();
    }
  });
  test('of the older line validate refusals against the output schema', async () => {
    const client = await olderClientOver((await line()).far);
    const refused = await client.callTool({ name: 'get_refused', arguments: { reason: 'max_order_value' } });
    expect(refused).toMatchObject({ isError: true, structuredContent: { reason: 'max_order_value' } });
    await client.close();
  });
  test('act as the agent local, on the record', async () => {
    const client = await olderClientOver((await line()).far);
    await client.callTool({ name: 'slow_order', arguments: { name: 'a', dry_run: false } });
    expect(doors.record()).toContainEqual(
      expect.objectContaining({ tool: 'slow_order', agent: 'local', credential: 'local', door: 'stdio' }),
    );
  });
});

describe('every request is authenticated anew', () => {
  test('the kill switch turns every call into trading_halted, and the list into an error; resume ends it', async () => {
    const client = await olderClientOver((await line()).far);
    doors.kill();
    const halted = await client.callTool({ name: 'get_word', arguments: { word: 'x' } });
    expect(halted).toMatchObject({ isError: true, structuredContent: { reason: 'trading_halted' } });
    await expect(client.listTools()).rejects.toMatchObject({ data: { reason: 'trading_halted' } });
    expect(doors.script.seen).toEqual([]);
    doors.resume();
    const again = await client.callTool({ name: 'get_word', arguments: { word: 'x' } });
    expect(again.structuredContent).toMatchObject({ word: 'x' });
  });
  test('so is a key that was presented: revoked, it is credential_revoked as a result, never silence', async () => {
    const { id, key } = doors.key();
    const client = await olderClientOver(
      (await line(() => doors.access.keys.authenticate(key, { door: 'stdio' }))).far,
    );
    doors.access.keys.revoke(id, OWNER_CLI);
    const refused = await client.callTool({ name: 'get_word', arguments: { word: 'x' } });
    expect(refused).toMatchObject({
      isError: true,
      structuredContent: { reason: 'credential_revoked', status: 401 },
    });
  });
  test('a missing scope is a result as well', async () => {
    const { key } = doors.key(['read:market'], 'reader');
    const client = await olderClientOver(
      (await line(() => doors.access.keys.authenticate(key, { door: 'stdio' }))).far,
    );
    const refused = await client.callTool({ name: 'slow_order', arguments: { name: 'never' } });
    expect(refused).toMatchObject({ isError: true, structuredContent: { reason: 'insufficient_scope' } });
    expect(doors.script.seen).not.toContain('never');
  });
  test('a stranger can open a connection and gets nothing but refusals', async () => {
    const { far } = await line(() => doors.access.keys.authenticate('pcl_wrong', { door: 'stdio' }));
    const answers = answersOf(far);
    far.write(call(1, 'get_word', { word: 'x' }) + request(2, 'tools/list'));
    await until(() => answers.size === 2);
    expect(answers.get(1)).toMatchObject({
      result: { isError: true, structuredContent: { reason: 'unauthenticated' } },
    });
    expect(answers.get(2)).toMatchObject({ error: { code: -32001, data: { reason: 'unauthenticated' } } });
  });
});

describe('a connection', () => {
  test('whose client has said its last word still gets every answer: echo … | portcullis stdio', async () => {
    const { near, far, served } = await line();
    const answers = answersOf(far);
    const open = hold();
    far.end(call(1, 'slow_order', { name: 'last', dry_run: false }) + call(2, 'get_word', { word: 'x' }));
    await until(() => near.readableEnded && answers.has(2));
    open();
    await served.closed;
    await until(() => answers.size === 2);
    expect(answers.get(1)).toMatchObject({ result: { structuredContent: { placed: 'last' } } });
  });
  test('that breaks does not stop what it had asked for', async () => {
    const { far, served } = await line();
    const open = hold();
    far.write(call(1, 'slow_order', { name: 'torn', dry_run: false }));
    await until(() => doors.script.seen.includes('torn'));
    far.destroy();
    open();
    await until(() => doors.script.finished.includes('torn'));
    await served.closed;
    await until(() => doors.record().some((entry) => entry.tool === 'slow_order' && entry.outcome === 'ok'));
  });
  test('that cancels a call is not answered, and the call goes on', async () => {
    const { far } = await line();
    const answers = answersOf(far);
    const open = hold();
    far.write(call(1, 'slow_order', { name: 'canceled', dry_run: false }));
    await until(() => doors.script.seen.includes('canceled'));
    far.write(
      `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })}\n`,
    );
    far.write(request(2, 'ping'));
    await until(() => answers.has(2));
    open();
    await until(() => doors.script.finished.includes('canceled'));
    expect(answers.has(1)).toBe(false);
  });
  test('that cancels and leaves is not kept open for the answer it does not want', async () => {
    const { far, served } = await line();
    const open = hold();
    far.write(call(1, 'slow_order', { name: 'left', dry_run: false }));
    await until(() => doors.script.seen.includes('left'));
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    far.end(`${JSON.stringify(cancel)}\n`);
    await served.closed;
    expect(doors.script.finished).toEqual([]);
    open();
    await until(() => doors.script.finished.includes('left'));
  });
  test('that sends a message over the limit is closed, and nothing of it runs', async () => {
    const { far, served, errors } = await line();
    far.on('error', () => undefined);
    far.write(call(1, 'get_word', { word: 'x'.repeat(2 * SOCKET_MESSAGE_BYTES_MAX) }));
    await served.closed;
    expect(errors.join()).toMatch(/size|exceed/i);
    expect(doors.script.seen).toEqual([]);
  });
  test('that sends nonsense is served on', async () => {
    const { far } = await line();
    const answers = answersOf(far);
    far.write('not json\n{"jsonrpc":"2.0"}\n\n');
    far.write(call(1, 'get_word', { word: 'x' }));
    await until(() => answers.has(1));
    expect(answers.get(1)).toMatchObject({ result: { structuredContent: { word: 'x' } } });
  });
  test.each([
    ['each under an id of its own', (n: number) => n],
    ['all under one id', () => 7],
  ])(
    'that asks without end, %s, is not read further than the bound until it is answered',
    async (_how, id) => {
      const { far } = await line();
      const answers = answersOf(far);
      const open = hold();
      const total = SOCKET_REQUESTS_MAX * 3;
      // 8 kB each: what one read brings in beyond the bound is a handful.
      for (let n = 1; n <= total; n++)
        far.write(call(id(n), 'slow_order', { name: `${n}`.padEnd(8_000, '.') }));
      await until(() => doors.script.seen.length >= SOCKET_REQUESTS_MAX);
      for (let turn = 0; turn < 500; turn++) await new Promise((done) => setImmediate(done));
      expect(doors.script.seen.length).toBeLessThan(SOCKET_REQUESTS_MAX + 32);
      expect(answers.size).toBe(0);
      open();
      await until(() => answers.has(id(total)) && doors.script.finished.length === total);
    },
  );
  test('is closed from this side at once, with what it had open', async () => {
    const { far, served } = await line();
    const ended = new Promise<void>((done) => {
      far.once('close', () => done());
    });
    far.resume();
    far.on('end', () => far.end());
    await served.close();
    await served.closed;
    await ended;
  });
});
