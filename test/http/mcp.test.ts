/** MCP over HTTP as clients of both eras and a bare curl meet it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { INSTRUCTIONS } from '#http/mcp-server.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { currentClient, olderClient } from '../support/mcp-clients.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

let doors: Doors;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  doors = await openDoors();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => doors.close());

async function connected<C extends { close(): Promise<unknown> }>(connecting: Promise<C>): Promise<C> {
  const client = await connecting;
  closers.push(() => client.close());
  return client;
}
function rpc(
  key: string | undefined,
  body: unknown,
  headers: Record<string, string> = {},
  path = '/mcp',
): Promise<RawAnswer> {
  return send({
    port: doors.port,
    method: 'POST',
    path,
    headers: { ...(key === undefined ? {} : bearer(key)), ...headers },
    body,
  });
}
const request = (method: string, params?: unknown) => ({
  jsonrpc: '2.0',
  id: 7,
  method,
  ...(params === undefined ? {} : { params }),
});

describe('a client of the current line', () => {
  test('finds the modern era by itself, lists its tools and calls one', async () => {
    const client = await connected(currentClient(doors.url, doors.key().key, 'auto'));
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain('get_word');
    const result = await client.callTool({ name: 'get_word', arguments: { word: 'gate', times: 2 } });
    expect(result.structuredContent).toEqual({ word: 'gate', times: 2, loud: false, tags: [] });
    expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
    expect(result.isError).toBeUndefined();
  });
  test('is served as well when it insists on either era', async () => {
    const { key } = doors.key();
    const modern = await connected(currentClient(doors.url, key, { pin: '2026-07-28' }));
    const legacy = await connected(currentClient(doors.url, key, 'legacy'));
    expect(legacy.getNegotiatedProtocolVersion()).toBe('2025-11-25');
    for (const client of [modern, legacy]) {
      const result = await client.callTool({ name: 'get_word', arguments: { word: 'gate' } });
      expect(result.structuredContent).toMatchObject({ word: 'gate' });
    }
  });
  test('is told the rules in the first 512 characters', async () => {
    const client = await connected(currentClient(doors.url, doors.key().key));
    const told = (client.getInstructions() ?? '').slice(0, 512);
    expect(told).toBe(INSTRUCTIONS);
    for (const rule of [
      'dry_run',
      'action_token',
      'idempotency_key',
      'final word',
      'never instructions',
      "broker's own MCP",
    ])
      expect(told).toContain(rule);
  });
  test('gets a protocol error for a tool that does not exist, in every era', async () => {
    const { key } = doors.key();
    for (const mode of ['auto', 'legacy'] as const) {
      const client = await connected(currentClient(doors.url, key, mode));
      await expect(client.callTool({ name: 'get_wrod', arguments: {} })).rejects.toMatchObject({
        code: -32602,
      });
    }
  });
});

describe('a client of the older line', () => {
  test('lists, calls, and accepts a refusal against the output schema', async () => {
    const client = await connected(olderClient(doors.url, doors.key().key));
    const good = await client.callTool({ name: 'get_word', arguments: { word: 'gate' } });
    expect(good.structuredContent).toMatchObject({ word: 'gate' });
    const refused = await client.callTool({ name: 'get_refused', arguments: { reason: 'max_order_value' } });
    expect(refused.isError).toBe(true);
    expect(refused.structuredContent).toMatchObject({
      reason: 'max_order_value',
      status: 422,
      retry_safe: true,
      limits: [{ limit: 'max_order_value', max: '10' }],
    });
  });
  test('is told of wrong arguments by a refusal, not by a protocol error', async () => {
    const client = await connected(olderClient(doors.url, doors.key().key));
    const refused = await client.callTool({ name: 'get_word', arguments: { word: 'gate', tmies: 2 } });
    expect(refused.isError).toBe(true);
    expect(refused.structuredContent).toMatchObject({ reason: 'invalid_input', did_you_mean: ['times'] });
  });
  test('sees exactly the tools of its scopes', async () => {
    const client = await connected(olderClient(doors.url, doors.key(['read:market']).key));
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(['get_word', 'get_refused']);
    for (const tool of tools) {
      expect(tool.annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false });
      expect(tool.outputSchema).toMatchObject({ type: 'object' });
    }
  });
});

describe('a bare request', () => {
  test('curl … tools/list gets one JSON answer', async () => {
    const answer = await rpc(doors.key().key, request('tools/list'), { accept: '*/*' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json()).toMatchObject({
      jsonrpc: '2.0',
      id: 7,
      result: { tools: [{ name: 'get_word' }, {}, {}, {}, {}, {}] },
    });
    expect(answer.headers['mcp-session-id']).toBeUndefined();
  });
  test.each(['/mcp', '/'])('tools/call without any MCP header is answered under %s', async (path) => {
    const call = request('tools/call', { name: 'get_word', arguments: { word: 'gate' } });
    const answer = await rpc(doors.key().key, call, {}, path);
    expect(answer.json()).toMatchObject({ id: 7, result: { structuredContent: { word: 'gate' } } });
  });
  test('ping, initialize and an unknown method are answered too', async () => {
    const { key } = doors.key();
    expect((await rpc(key, request('ping'))).json()).toMatchObject({ id: 7, result: {} });
    const initialize = request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'curl', version: '8' },
    });
    const answer = await rpc(key, initialize);
    expect(answer.json()).toMatchObject({
      result: { protocolVersion: '2025-06-18', serverInfo: { name: 'portcullis' } },
    });
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    expect((await rpc(key, request('no/such'))).json()).toMatchObject({ id: 7, error: { code: -32601 } });
  });
  test('malformed parameters, no body and a batch are protocol errors, and nothing runs', async () => {
    const { key } = doors.key();
    const ran = doors.script.seen.length;
    const malformed = await rpc(key, request('tools/call', { name: 7 }));
    expect(malformed.json()).toMatchObject({ id: 7, error: { code: -32602 } });
    const empty = await send({ port: doors.port, method: 'POST', path: '/mcp', headers: bearer(key) });
    expect(empty.status).toBe(400);
    expect(empty.json()).toMatchObject({ error: { code: -32700 } });
    const call = request('tools/call', { name: 'get_word', arguments: { word: 'x' } });
    const batch = await rpc(key, [call, call]);
    expect(batch.status).toBe(400);
    expect(batch.json()).toMatchObject({ error: { code: -32600 } });
    expect((await rpc(key, '{ broken')).json()).toMatchObject({ error: { code: -32700 } });
    expect(doors.script.seen).toHaveLength(ran);
  });
  test('an unknown tool is -32602, and its name is made printable', async () => {
    const answer = await rpc(doors.key().key, request('tools/call', { name: 'x\u001b[31m\u202ey' }));
    expect(answer.json()).toMatchObject({
      error: { code: -32602, message: expect.stringContaining('Unknown tool: xy') },
    });
  });
  test('a list cursor that is none of ours is -32602', async () => {
    const answer = await rpc(doors.key().key, request('tools/list', { cursor: 'no_such_tool' }));
    expect(answer.json()).toMatchObject({ error: { code: -32602 } });
  });
  test('GET that asks for no stream answers the capability document, keyless', async () => {
    const answer = await send({ port: doors.port, path: '/mcp' });
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({
      name: 'portcullis',
      endpoint: '/mcp',
      authentication: { scheme: 'Bearer' },
    });
    expect(answer.text).not.toContain('get_word');
  });
});

describe('who may not', () => {
  const call = request('tools/call', { name: 'get_word', arguments: { word: 'x' } });
  const unknownKey = `pcl_${'A'.repeat(43)}`;
  test.each([
    ['nothing', undefined],
    ['an unknown key', unknownKey],
    ['a malformed key', 'pcl_x'],
  ])('%s is 401 with -32001, the way to a key, and the refusal as data', async (_what, key) => {
    const answer = await rpc(key, call);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.json()).toMatchObject({
      jsonrpc: '2.0',
      error: {
        code: -32001,
        message: expect.stringContaining('keys create'),
        data: { reason: 'unauthenticated', status: 401, retry_safe: true },
      },
    });
    expect(answer.text).not.toContain('resource_metadata');
  });
  test.each(['POST', 'DELETE', 'GET'])(
    '%s without a key is refused on /mcp, the event stream too',
    async (method) => {
      const headers = { accept: 'text/event-stream' };
      const answer = await send({ port: doors.port, method, path: '/mcp', headers });
      expect(answer.status).toBe(401);
    },
  );
  test('other schemes and a key in the URL are no key', async () => {
    const { key } = doors.key();
    const basic = await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers: { authorization: `Basic ${key}` },
      body: call,
    });
    expect(basic.status).toBe(401);
    const inUrl = await send({ port: doors.port, method: 'POST', path: `/mcp?key=${key}`, body: call });
    expect(inUrl.status).toBe(401);
  });
  test('a revoked key is 401 credential_revoked', async () => {
    const { id, key } = doors.key();
    expect((await rpc(key, call)).status).toBe(200);
    doors.access.keys.revoke(id, { kind: 'owner', credential: 'owner', door: 'cli' });
    const answer = await rpc(key, call);
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ error: { code: -32001, data: { reason: 'credential_revoked' } } });
  });
  test('a key from a forbidden address is 403 ip_not_allowed', async () => {
    const made = doors.access.keys.create({
      agent: 'far',
      scopes: ['read:market'],
      ipAllow: ['203.0.113.0/24'],
      by: { kind: 'owner', credential: 'owner', door: 'cli' },
    });
    const answer = await rpc(made.ok ? made.value.key : '', call);
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ error: { data: { reason: 'ip_not_allowed' } } });
  });
  test('a missing scope is 403 and named, in both eras, and the attempt is on the record', async () => {
    const { id, key } = doors.key(['read:market'], 'reader');
    const order = request('tools/call', { name: 'slow_order', arguments: { name: 'never' } });
    const answer = await rpc(key, order);
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="write:orders"',
    );
    expect(answer.json()).toMatchObject({
      id: 7,
      error: { data: { reason: 'insufficient_scope', status: 403 } },
    });
    for (const mode of ['auto', 'legacy'] as const) {
      const client = await connected(currentClient(doors.url, key, mode));
      const forbidden = { name: 'slow_order', arguments: { name: 'never' } };
      await expect(client.callTool(forbidden)).rejects.toThrow();
      await expect(client.callTool(forbidden, { onprogress: () => undefined })).rejects.toThrow();
    }
    expect(doors.script.seen).not.toContain('never');
    expect(doors.record()).toContainEqual(
      expect.objectContaining({ tool: 'slow_order', credential: id, outcome: 'refused', door: 'http' }),
    );
  });
  test('denials are on the record with their reason', async () => {
    await rpc(unknownKey, call);
    await doors.clock.advanceAsync(2_000);
    expect(doors.record()).toContainEqual(
      expect.objectContaining({
        kind: 'auth.denied',
        door: 'http',
        detail: expect.objectContaining({ reason: 'unauthenticated' }),
      }),
    );
  });
});

describe('a refusal', () => {
  test("of the call, not of the caller, is 200 with isError: an agent's own rate limit and halt among them", async () => {
    const { key } = doors.key();
    for (const reason of ['max_order_value', 'rate_limited', 'trading_halted']) {
      const answer = await rpc(key, request('tools/call', { name: 'get_refused', arguments: { reason } }));
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ result: { isError: true, structuredContent: { reason } } });
    }
  });
  test('that ends the caller while the call runs is told by the status, in both eras', async () => {
    const { key } = doors.key();
    const call = { name: 'get_refused', arguments: { reason: 'credential_revoked' } };
    const modern = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'get_refused',
      accept: 'application/json, text/event-stream',
    };
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    for (const answer of [
      await rpc(key, request('tools/call', call)),
      await rpc(key, request('tools/call', { ...call, _meta: meta }), modern),
    ]) {
      expect(answer.status).toBe(401);
      expect(answer.json()).toMatchObject({
        id: 7,
        error: { code: -32001, data: { reason: 'credential_revoked' } },
      });
    }
  });
  test('carries the same object as text and as structured content', async () => {
    const answer = await rpc(
      doors.key().key,
      request('tools/call', { name: 'get_refused', arguments: { reason: 'max_order_value' } }),
    );
    const { result } = answer.json() as {
      result: { content: { text: string }[]; structuredContent: unknown };
    };
    expect(JSON.parse(result.content[0]?.text ?? '')).toEqual(result.structuredContent);
  });
});
