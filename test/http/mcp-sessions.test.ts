/** Sessions and streams: whose they are, how many, how long, and that the kill switch ends them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import {
  MCP_PROGRESS_INTERVAL_MS,
  MCP_SESSION_IDLE_MS,
  MCP_SESSIONS_PER_AGENT_MAX,
  MCP_STREAM_CHECK_MS,
} from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { currentClient, olderClient } from '../support/mcp-clients.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';
import { abandon, openStream, until } from '../support/streams.ts';

let doors: Doors;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  doors = await openDoors();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close().catch(() => undefined);
  await doors.close();
});

const BOTH = 'application/json, text/event-stream';
const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const call = (name: string, args: object, meta?: object) => ({
  jsonrpc: '2.0',
  id: 9,
  method: 'tools/call',
  params: { name, arguments: args, ...(meta ? { _meta: meta } : {}) },
});
const WORD = call('get_word', { word: 'x' });

function post(key: string, body: unknown, session?: string): Promise<RawAnswer> {
  const headers = {
    ...bearer(key),
    accept: BOTH,
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
  };
  return send({ port: doors.port, method: 'POST', path: '/mcp', headers, body });
}
async function openSession(key: string): Promise<string> {
  const answer = await post(key, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  });
  expect(answer.status).toBe(200);
  const id = answer.headers['mcp-session-id'];
  if (typeof id !== 'string') throw new Error('no session was opened');
  await post(key, { jsonrpc: '2.0', method: 'notifications/initialized' }, id);
  return id;
}
function hold(): () => void {
  let open: () => void = () => undefined;
  doors.script.gate = new Promise((resolve) => {
    open = resolve;
  });
  return () => open();
}

describe('a session', () => {
  test('serves the one who opened it, and ends with DELETE', async () => {
    const { key } = doors.key();
    const session = await openSession(key);
    expect((await post(key, WORD, session)).json()).toMatchObject({
      id: 9,
      result: { structuredContent: { word: 'x' } },
    });
    expect((await post(key, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, session)).text).toContain(
      'get_word',
    );
    const ended = await send({
      port: doors.port,
      method: 'DELETE',
      path: '/mcp',
      headers: { ...bearer(key), 'mcp-session-id': session },
    });
    expect(ended.status).toBe(200);
    expect((await post(key, WORD, session)).status).toBe(404);
  });
  test('of one key is unknown to every other, of the same agent too', async () => {
    const session = await openSession(doors.key().key);
    for (const other of [doors.key().key, doors.key(['read:market'], 'scalper').key]) {
      expect((await post(other, WORD, session)).status).toBe(404);
      const list = await post(other, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, session);
      expect(list.status).toBe(404);
      expect(list.json()).toMatchObject({ error: { message: expect.stringContaining('no such session') } });
      const stream = await openStream({
        port: doors.port,
        key: other,
        headers: { 'mcp-session-id': session },
      });
      expect(stream.status).toBe(404);
      const ended = await send({
        port: doors.port,
        method: 'DELETE',
        path: '/mcp',
        headers: { ...bearer(other), 'mcp-session-id': session },
      });
      expect(ended.status).toBe(404);
    }
    expect(doors.script.seen).toEqual([]);
  });
  test('is not a key: without one its id opens nothing', async () => {
    const session = await openSession(doors.key().key);
    const answer = await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers: { 'mcp-session-id': session, accept: BOTH },
      body: WORD,
    });
    expect(answer.status).toBe(401);
  });
  test('is required of a legacy client that names its protocol version', async () => {
    const headers = { ...bearer(doors.key().key), accept: BOTH, 'mcp-protocol-version': '2025-11-25' };
    const answer = await send({ port: doors.port, method: 'POST', path: '/mcp', headers, body: WORD });
    expect(answer.status).toBe(400);
    expect(doors.script.seen).toEqual([]);
  });
  test('expires when idle, by the clock, and not before', async () => {
    const { key } = doors.key();
    const session = await openSession(key);
    await doors.clock.advanceAsync(MCP_SESSION_IDLE_MS - 1_000);
    expect((await post(key, WORD, session)).status).toBe(200);
    await doors.clock.advanceAsync(MCP_SESSION_IDLE_MS - 1_000);
    expect((await post(key, WORD, session)).status).toBe(200);
    await doors.clock.advanceAsync(MCP_SESSION_IDLE_MS);
    expect((await post(key, WORD, session)).status).toBe(404);
  });
  test('takes what it followed with it, however it ends, and a handshake that fails leaves nothing', async () => {
    const { subscriptions } = doors.mcp;
    const { id, key } = doors.key();
    const session = await openSession(key);
    expect(subscriptions.count).toBe(1);
    const headers = { ...bearer(key), 'mcp-session-id': session };
    await send({ port: doors.port, method: 'DELETE', path: '/mcp', headers });
    expect(subscriptions.count).toBe(0);
    await openSession(key);
    await doors.clock.advanceAsync(MCP_SESSION_IDLE_MS);
    expect(subscriptions.count).toBe(0);
    await post(key, { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
    expect(subscriptions.count).toBe(0);
    await openSession(key);
    doors.access.keys.revoke(id, OWNER_CLI);
    expect(subscriptions.count).toBe(0);
  });
  test('with an open stream does not expire', async () => {
    const { key } = doors.key();
    const session = await openSession(key);
    const stream = await openStream({ port: doors.port, key, headers: { 'mcp-session-id': session } });
    expect(stream.status).toBe(200);
    await doors.clock.advanceAsync(1.5 * MCP_SESSION_IDLE_MS);
    expect((await post(key, WORD, session)).status).toBe(200);
    stream.hangUp();
  });
  test("beyond the cap crowds out the agent's own oldest and nobody else's", async () => {
    const { key } = doors.key();
    const other = doors.key(['read:market'], 'scalper').key;
    const others = await openSession(other);
    const first = await openSession(key);
    const second = await openSession(key);
    expect((await post(key, WORD, first)).status).toBe(200);
    for (let n = 2; n < MCP_SESSIONS_PER_AGENT_MAX; n++) await openSession(key);
    await openSession(key);
    expect((await post(key, WORD, second)).status).toBe(404);
    expect((await post(key, WORD, first)).status).toBe(200);
    expect((await post(other, WORD, others)).status).toBe(200);
  });
});

describe('the kill switch', () => {
  test('makes the very next request of an open session 401, and closes its stream', async () => {
    const { key } = doors.key();
    const session = await openSession(key);
    const stream = await openStream({ port: doors.port, key, headers: { 'mcp-session-id': session } });
    doors.kill();
    const answer = await post(key, WORD, session);
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({
      error: { code: -32001, data: { reason: 'trading_halted', status: 401 } },
    });
    await stream.ended;
    expect(doors.script.seen).toEqual([]);
  });
  test('refuses reads, lists and every other method alike, on REST too', async () => {
    const { key } = doors.key();
    doors.kill();
    for (const method of ['tools/list', 'ping', 'initialize', 'server/discover'])
      expect((await post(key, { jsonrpc: '2.0', id: 1, method })).status).toBe(401);
    const rest = await send({ port: doors.port, path: '/api/v1/words/x', headers: bearer(key) });
    expect(rest.status).toBe(401);
    expect(rest.json()).toMatchObject({ reason: 'trading_halted', status: 401 });
  });
  test('closes a subscription stream of the modern era', async () => {
    const { key } = doors.key();
    const stream = await openStream({
      port: doors.port,
      key,
      method: 'POST',
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
      body: {
        jsonrpc: '2.0',
        id: 'listen:1',
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true }, _meta: MODERN_META },
      },
    });
    expect(stream.status).toBe(200);
    await until(() => stream.text().includes('acknowledged'));
    doors.kill();
    await stream.ended;
  });
  test('ends real clients of every era at their next call; after resume a key opens a new session', async () => {
    const { key } = doors.key();
    const modern = await currentClient(doors.url, key, 'auto');
    const legacy = await currentClient(doors.url, key, 'legacy');
    const older = await olderClient(doors.url, key);
    closers.push(
      () => modern.close(),
      () => legacy.close(),
      () => older.close(),
    );
    doors.kill();
    const word = { name: 'get_word', arguments: { word: 'x' } };
    await expect(modern.callTool(word)).rejects.toThrow();
    await expect(legacy.callTool(word)).rejects.toThrow();
    await expect(older.callTool(word)).rejects.toThrow();
    await expect(older.listTools()).rejects.toThrow();
    expect(doors.script.seen).toEqual([]);
    doors.resume();
    const again = await olderClient(doors.url, key);
    closers.push(() => again.close());
    expect((await again.callTool(word)).structuredContent).toMatchObject({ word: 'x' });
  });
  test('does not swallow the answer of a call that was under way', async () => {
    const { key } = doors.key();
    const session = await openSession(key);
    const open = hold();
    const answering = post(
      key,
      call('slow_order', { name: 'a', dry_run: false }, { progressToken: 1 }),
      session,
    );
    await until(() => doors.script.seen.includes('a'));
    doors.kill();
    open();
    expect((await answering).text).toContain('placed');
  });
});

describe('a revoked key', () => {
  test('is 401 in its open session, and its stream ends at the next look', async () => {
    const { id, key } = doors.key();
    const session = await openSession(key);
    const stream = await openStream({ port: doors.port, key, headers: { 'mcp-session-id': session } });
    doors.access.keys.revoke(id, OWNER_CLI);
    const answer = await post(key, WORD, session);
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ error: { data: { reason: 'credential_revoked' } } });
    await doors.clock.advanceAsync(MCP_STREAM_CHECK_MS);
    await stream.ended;
  });
});

describe('a call whose client goes away', () => {
  test('by hanging up goes on to its end and onto the record', async () => {
    const { key } = doors.key();
    const open = hold();
    const hangUp = await abandon({
      port: doors.port,
      key,
      body: call('slow_order', { name: 'b', dry_run: false }),
    });
    await until(() => doors.script.seen.includes('b'));
    hangUp();
    open();
    await until(() => doors.script.finished.includes('b'));
    await until(() => doors.record().some((line) => line.tool === 'slow_order' && line.outcome === 'ok'));
  });
  test.each(['auto', 'legacy'] as const)('by canceling (%s) goes on as well', async (mode) => {
    const client = await currentClient(doors.url, doors.key().key, mode);
    closers.push(() => client.close());
    const open = hold();
    const aborter = new AbortController();
    const calling = client.callTool(
      { name: 'slow_order', arguments: { name: mode, dry_run: false } },
      { signal: aborter.signal, onprogress: () => undefined },
    );
    await until(() => doors.script.seen.includes(mode));
    aborter.abort();
    await expect(calling).rejects.toThrow();
    open();
    await until(() => doors.script.finished.includes(mode));
    await until(() => doors.record().some((line) => line.tool === 'slow_order' && line.outcome === 'ok'));
  });
});

describe('progress', () => {
  test.each(['auto', 'legacy'] as const)('is told once a second to who asked for it (%s)', async (mode) => {
    const client = await currentClient(doors.url, doors.key().key, mode);
    closers.push(() => client.close());
    const open = hold();
    const told: number[] = [];
    const calling = client.callTool(
      { name: 'slow_order', arguments: { name: mode, dry_run: false } },
      { onprogress: ({ progress }) => told.push(progress) },
    );
    await until(() => doors.script.seen.includes(mode));
    await doors.clock.advanceAsync(MCP_PROGRESS_INTERVAL_MS);
    await until(() => told.length === 1);
    await doors.clock.advanceAsync(MCP_PROGRESS_INTERVAL_MS);
    await until(() => told.length === 2);
    open();
    expect((await calling).structuredContent).toEqual({ placed: mode });
    expect(told).toEqual([1, 2]);
  });
});
