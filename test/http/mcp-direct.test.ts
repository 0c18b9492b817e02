/** The short way of a modern tool call answers as the SDK would: same status, same body, whatever is right or wrong with it. */
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '#http/app.ts';
import { type Doors, openDoors, VERSION } from '../support/doors.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

const PROTOCOL = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const CLIENT = 'io.modelcontextprotocol/clientInfo';

let doors: Doors;
/** The same gateway with every call sent the long way. */
let longWay: FastifyInstance;
let longPort = 0;
let key = '';
beforeAll(async () => {
  doors = await openDoors();
  const { dispatcher, access, audit, clock, mcp } = doors;
  longWay = buildApp({
    settings: {
      allowedHosts: [],
      ipAllowlist: [],
      publicUrl: undefined,
      publicConsole: false,
      publicRest: false,
      corsOrigins: [],
      trustedProxies: [],
      logLevel: 'silent',
      remoteScopes: [],
    },
    dispatcher,
    access,
    audit,
    clock,
    tools: [],
    version: VERSION,
    mcp: { ...mcp, tools: { ...mcp.tools, has: () => false } },
  });
  longPort = Number(new URL(await longWay.listen({ host: '127.0.0.1', port: 0 })).port);
  key = doors.key().key;
});
afterAll(async () => {
  await longWay.close();
  await doors.close();
});

interface Call {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}
type Change = {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly body?: Readonly<Record<string, unknown>>;
};
const without = (given: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
/** A call with nothing to object to, and what is changed in it; undefined takes something away. */
function call({ headers, params, meta, body }: Change = {}): Call {
  const good = { [PROTOCOL]: '2026-07-28', [CAPABILITIES]: {}, [CLIENT]: { name: 'test', version: '1' } };
  const given = {
    name: 'get_word',
    arguments: { word: 'gate' },
    _meta: without({ ...good, ...meta }),
    ...params,
  };
  return {
    headers: without({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'get_word',
      accept: 'application/json, text/event-stream',
      ...headers,
    }) as Record<string, string>,
    body: without({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: without(given), ...body }),
  };
}
const post = (port: number, { headers, body }: Call, as = key): Promise<RawAnswer> =>
  send({ port, method: 'POST', path: '/mcp', headers: { ...bearer(as), ...headers }, body });
const wentShort = ({ headers }: RawAnswer): boolean => headers['cache-control'] === 'no-store';
const told = ({ status, text }: RawAnswer): unknown => ({
  status,
  body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
});
const named = (name: string, args: object): Change => ({
  headers: { 'mcp-name': name },
  params: { name, arguments: args },
});

describe('a call with nothing to object to', () => {
  test.each<[string, Change]>([
    ['as it comes', {}],
    ['with a text for its id', { body: { id: 'seven' } }],
    [
      'of a client with capabilities',
      { meta: { [CAPABILITIES]: { elicitation: {}, roots: { listChanged: true } } } },
    ],
    ['of a client that does not say who it is', { meta: { [CLIENT]: undefined } }],
    ['with something of its own in the envelope', { meta: { traceparent: '00-1-2-01' } }],
    ['whose arguments are refused', { params: { arguments: { word: 7, more: true } } }],
    ['without arguments', { params: { arguments: undefined } }],
    ['whose text needs escaping', { params: { arguments: { word: '"\\\u2028\n<é😀' } } }],
    ['that its tool refuses', named('get_refused', { reason: 'max_order_value' })],
    ['that comes too often', named('get_refused', { reason: 'rate_limited' })],
    ['whose tool fails', named('get_fault', {})],
  ])('%s takes the short way, twice, and is answered as on the long one', async (_what, change) => {
    const long = await post(longPort, call(change));
    expect(wentShort(long)).toBe(false);
    for (const _time of ['first', 'again']) {
      const short = await post(doors.port, call(change));
      expect(wentShort(short)).toBe(true);
      expect(short.headers['content-type']).toMatch(/^application\/json/);
      expect(short.status).toBe(200);
      expect(told(short)).toEqual(told(long));
    }
  });
});

describe('a call with something unusual or wrong', () => {
  test.each<[number, string, Change]>([
    [400, 'no version in the headers', { headers: { 'mcp-protocol-version': undefined } }],
    [400, 'an older version in the headers', { headers: { 'mcp-protocol-version': '2025-11-25' } }],
    [400, 'a version nobody knows in the headers', { headers: { 'mcp-protocol-version': '2099-01-01' } }],
    [
      400,
      'a version nobody knows',
      { headers: { 'mcp-protocol-version': '2099-01-01' }, meta: { [PROTOCOL]: '2099-01-01' } },
    ],
    [400, 'no method in the headers', { headers: { 'mcp-method': undefined } }],
    [400, 'another method in the headers', { headers: { 'mcp-method': 'tools/list' } }],
    [400, 'no name in the headers', { headers: { 'mcp-name': undefined } }],
    [400, 'another name in the headers', { headers: { 'mcp-name': 'slow_order' } }],
    [400, 'a name in broken Base64', { headers: { 'mcp-name': '=?base64?%%%?=' } }],
    [200, 'its name in Base64', { headers: { 'mcp-name': `=?base64?${btoa('get_word')}?=` } }],
    [400, 'no version in the envelope', { meta: { [PROTOCOL]: undefined } }],
    [400, 'a version that is no text', { meta: { [PROTOCOL]: 20260728 } }],
    [400, 'no capabilities', { meta: { [CAPABILITIES]: undefined } }],
    [400, 'capabilities that are a list', { meta: { [CAPABILITIES]: [] } }],
    [400, 'capabilities that are malformed', { meta: { [CAPABILITIES]: { roots: 'yes' } } }],
    [400, 'a client without a name', { meta: { [CLIENT]: { version: '1' } } }],
    [400, 'no envelope', { params: { _meta: undefined } }],
    [400, 'an envelope that is a text', { params: { _meta: 'none' } }],
    [400, 'an id that is null', { body: { id: null } }],
    [400, 'an id that is a fraction', { body: { id: 1.5 } }],
    [400, 'another protocol than JSON-RPC 2.0', { body: { jsonrpc: '1.0' } }],
    [400, 'a field of its own', { body: { extra: 1 } }],
    [200, 'arguments that are null', { params: { arguments: null } }],
    [200, 'arguments that are a list', { params: { arguments: ['gate'] } }],
    [200, 'a name that is a number', { params: { name: 7 } }],
    [200, 'a parameter of its own', { params: { task: { ttl: 1 } } }],
    [200, 'a tool that does not exist', named('get_nothing', {})],
    [200, 'a name of every object', named('constructor', {})],
  ])('is answered %d on the long way: %s', async (_status, _what, change) => {
    // A good envelope seen before must not help a bad one.
    await post(doors.port, call());
    const short = await post(doors.port, call(change));
    expect(wentShort(short)).toBe(false);
    expect(told(short)).toEqual(told(await post(longPort, call(change))));
    expect(short.status).toBe(_status);
  });

  test('is a stream when it asks for progress', async () => {
    const asked = call({ meta: { progressToken: 'p' } });
    expect(wentShort(await post(doors.port, asked))).toBe(false);
  });
});

describe('who may not', () => {
  test('lacks a scope: 403, which names it, on both ways', async () => {
    const reader = doors.key(['read:market'], 'reader').key;
    const asked = call(named('slow_order', { name: 'one' }));
    const short = await post(doors.port, asked, reader);
    expect(short.status).toBe(403);
    expect(short.headers['www-authenticate']).toContain('scope="write:orders"');
    expect(short.json()).toMatchObject({
      id: 7,
      error: { code: -32003, data: { reason: 'insufficient_scope' } },
    });
    expect((await post(longPort, asked, reader)).status).toBe(403);
    expect(doors.script.seen).not.toContain('one');
  });

  test('is revoked, or caught by the kill switch: 401, and nothing runs', async () => {
    const { id, key: own } = doors.key(['read:market'], 'brief');
    const asked = call({ params: { arguments: { word: 'never' } } });
    expect((await post(doors.port, call(), own)).status).toBe(200);
    doors.kill();
    const killed = await post(doors.port, asked, own);
    expect([killed.status, killed.json()]).toMatchObject([
      401,
      { error: { data: { reason: 'trading_halted' } } },
    ]);
    doors.resume();
    expect((await post(doors.port, call(), own)).status).toBe(200);
    doors.access.keys.revoke(id, { kind: 'owner', credential: 'owner', door: 'cli' });
    const revoked = await post(doors.port, asked, own);
    expect([revoked.status, revoked.json()]).toMatchObject([
      401,
      { error: { data: { reason: 'credential_revoked' } } },
    ]);
    expect(JSON.stringify(doors.script.seen)).not.toContain('never');
  });

  test('calls too often: 200 with isError, the wait in it, and on the record', async () => {
    const own = doors.key(['read:market'], 'busy').key;
    const principal = doors.access.keys.authenticate(own, { door: 'http', address: '127.0.0.1' });
    if (!principal.ok) throw new Error(principal.error.detail);
    while (doors.access.rate.take(principal.value.agent, 'read').ok);
    const short = await post(doors.port, call(), own);
    expect(wentShort(short)).toBe(true);
    expect([short.status, short.json()]).toMatchObject([
      200,
      { result: { isError: true, structuredContent: { reason: 'rate_limited', retry_after: 60 } } },
    ]);
    expect(told(short)).toEqual(told(await post(longPort, call(), own)));
    expect(doors.record().at(-1)).toMatchObject({
      agent: 'busy',
      outcome: 'refused',
      detail: { reason: 'rate_limited' },
    });
  });
});
