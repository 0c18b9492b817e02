/** What the server says it can, in both eras and over stdio, is what it does; the lists' own bounds and hints. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { serveConnection } from '#http/stdio.ts';
import { MCP_LIST_TTL_MS } from '#limits.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { currentClient, currentClientOver, olderClient } from '../support/mcp-clients.ts';
import { bearer, send } from '../support/raw-http.ts';
import { socketPair } from '../support/streams.ts';

let gate: TestGateway;
let key: string;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  gate = await openTestGateway();
  ({ key } = gate.key());
  await gate.clock.advanceAsync(5_000);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => gate.close());

const CAPABILITIES = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
};
async function everyClient() {
  const { near, far } = await socketPair();
  const { access, mcp } = gate.gateway;
  const served = serveConnection({
    stream: near,
    principal: () => access.keys.authenticate(key, { door: 'stdio' }),
    stillLive: (who) => access.stillLive(who).ok,
    mcp,
    clock: gate.clock,
    version: 'test',
  });
  closers.push(() => served.close());
  const clients = [
    await currentClient(gate.url, key),
    await currentClient(gate.url, key, 'legacy'),
    await olderClient(gate.url, key),
    await currentClientOver(far),
  ] as const;
  for (const client of clients) closers.push(() => client.close());
  return clients;
}
const LISTS = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'] as const;

function post(body: object, headers: Readonly<Record<string, string>> = {}) {
  return send({
    port: Number(new URL(gate.url).port),
    method: 'POST',
    path: '/mcp',
    headers: { ...bearer(key), accept: 'application/json, text/event-stream', ...headers },
    body,
  });
}
const request = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 7, method, params });
const modern = (method: string, params: { readonly [name: string]: unknown } = {}) =>
  post(
    request(method, {
      ...params,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    }),
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof params['uri'] === 'string' ? { 'mcp-name': params['uri'] } : {}),
    },
  );

describe('capabilities', () => {
  test('are the same for everybody, and say nothing of what is not there', async () => {
    for (const client of await everyClient()) expect(client.getServerCapabilities()).toEqual(CAPABILITIES);
  });
  test('leave out log messages: setting their level is an unknown method', async () => {
    expect((await post(request('logging/setLevel', { level: 'debug' }))).json()).toMatchObject({
      error: { code: -32601 },
    });
    expect(await modern('logging/setLevel', { level: 'debug' })).toMatchObject({ status: 404 });
  });
  test('do not need to name ping, which the older era has', async () => {
    const client = await olderClient(gate.url, key);
    closers.push(() => client.close());
    expect(await client.ping()).toEqual({});
  });
});

describe('a list', () => {
  test('of the modern era may be kept for a while, by nobody but the caller; what is read may not', async () => {
    for (const method of LISTS)
      expect((await modern(method)).json(), method).toMatchObject({
        result: { ttlMs: MCP_LIST_TTL_MS, cacheScope: 'private' },
      });
    const read = await modern('resources/read', { uri: 'portcullis://status' });
    expect(read.json()).toMatchObject({ result: { ttlMs: 0, cacheScope: 'private' } });
  });
  test('refuses a cursor that it did not hand out, in every era', async () => {
    for (const method of LISTS) {
      const cursor = { cursor: 'Zm9v' };
      expect((await post(request(method, cursor))).json(), method).toMatchObject({ error: { code: -32602 } });
      expect((await modern(method, cursor)).json(), method).toMatchObject({ error: { code: -32602 } });
    }
  });
});

describe('a plain POST', () => {
  test('lists and reads without a session', async () => {
    const named = (name: string) => expect.arrayContaining([expect.objectContaining({ name })]);
    const resources = (await post(request('resources/list'))).json();
    expect(resources).toMatchObject({ result: { resources: named('mandate') } });
    const prompts = (await post(request('prompts/list'))).json();
    expect(prompts).toMatchObject({ result: { prompts: named('plan_trade') } });
    const uri = 'portcullis://status';
    const read = (await post(request('resources/read', { uri }))).json();
    expect(read).toMatchObject({ result: { contents: [{ uri, mimeType: 'application/json' }] } });
  });
  test('follows nothing: there is no stream that could tell of it', async () => {
    const answer = await post(request('resources/subscribe', { uri: 'portcullis://status' }));
    expect(answer.json()).toMatchObject({
      error: { code: -32600, message: expect.stringContaining('session') },
    });
    expect(await modern('resources/subscribe', { uri: 'portcullis://status' })).toMatchObject({
      status: 404,
    });
  });
});
