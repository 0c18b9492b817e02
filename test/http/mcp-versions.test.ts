/** Each revision of the protocol that hosts of the last two years speak, from its handshake to the end of its session. */
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

let doors: Doors;
let key: string;
beforeAll(async () => {
  doors = await openDoors();
  ({ key } = doors.key());
});
afterAll(() => doors.close());

const BOTH = 'application/json, text/event-stream';
const MODERN = '2026-07-28';
const rpc = (method: string, params?: object) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  ...(params ? { params } : {}),
});
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
const WORD = { name: 'get_word', arguments: { word: 'gate' } };

function post(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
  const sent = { ...bearer(key), accept: BOTH, ...headers };
  return send({ port: doors.port, method: 'POST', path: '/mcp', headers: sent, body });
}
/** The one message of an answer, which may have come as a stream of one event. */
function messageOf(answer: RawAnswer): unknown {
  if (!String(answer.headers['content-type']).startsWith('text/event-stream')) return answer.json();
  // A proxy that collects answers would hold events back.
  expect(answer.headers['x-accel-buffering']).toBe('no');
  const data = answer.text.split('\n').filter((line) => line.startsWith('data: {'));
  expect(data).toHaveLength(1);
  return JSON.parse((data[0] ?? '').slice('data: '.length));
}
async function handshake(version: string): Promise<{ readonly session: string; readonly chosen: string }> {
  const answer = await post(
    rpc('initialize', {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'host', version: '1' },
    }),
  );
  const { result } = messageOf(answer) as { result: { protocolVersion: string } };
  const session = answer.headers['mcp-session-id'];
  expect(session).toMatch(/^[\x21-\x7e]{32,}$/);
  return { session: String(session), chosen: result.protocolVersion };
}

describe.each(SUPPORTED_PROTOCOL_VERSIONS)('a host of %s', (version) => {
  test.each(['names it in every request', 'never names it again'] as const)(
    'that %s is served from handshake to farewell',
    async (how) => {
      const { session, chosen } = await handshake(version);
      expect(chosen).toBe(version);
      const headers = {
        'mcp-session-id': session,
        ...(how === 'never names it again' ? {} : { 'mcp-protocol-version': version }),
      };
      const noted = await post(INITIALIZED, headers);
      expect(noted).toMatchObject({ status: 202, text: '' });
      expect(messageOf(await post(rpc('tools/list'), headers))).toMatchObject({
        result: { tools: expect.arrayContaining([expect.objectContaining({ name: 'get_word' })]) },
      });
      expect(messageOf(await post(rpc('tools/call', WORD), headers))).toMatchObject({
        result: { structuredContent: { word: 'gate' } },
      });
      expect(messageOf(await post(rpc('ping'), headers))).toMatchObject({ id: 1, result: {} });
      expect(messageOf(await post(rpc('no/such'), headers))).toMatchObject({ error: { code: -32601 } });
      const farewell = { ...bearer(key), ...headers };
      await send({ port: doors.port, method: 'DELETE', path: '/mcp', headers: farewell });
      expect((await post(rpc('tools/call', WORD), headers)).status).toBe(404);
    },
  );
});

describe('a host of a revision we do not know', () => {
  test('is offered the latest of its era in the handshake', async () => {
    const { chosen } = await handshake('2030-01-01');
    expect(chosen).toBe(SUPPORTED_PROTOCOL_VERSIONS[0]);
  });
  test.each(['2030-01-01', '2024-01-01', 'draft'])(
    'is told in a session that its header, %s, names none of ours, and nothing runs',
    async (version) => {
      const { session } = await handshake('2025-11-25');
      const ran = doors.script.seen.length;
      const headers = { 'mcp-session-id': session, 'mcp-protocol-version': version };
      const answer = await post(rpc('tools/call', WORD), headers);
      expect(answer.status).toBe(400);
      expect(doors.script.seen).toHaveLength(ran);
    },
  );
});

describe('a host in a session', () => {
  test.each(['application/json', 'text/event-stream', '*/*'])(
    'that reads %s alone is told to read both, as the revisions ask, and nothing runs',
    async (accept) => {
      const { session } = await handshake('2025-11-25');
      const ran = doors.script.seen.length;
      const answer = await post(rpc('tools/call', WORD), { 'mcp-session-id': session, accept });
      expect(answer.status).toBe(406);
      expect(answer.json()).toMatchObject({
        error: { message: expect.stringContaining('application/json') },
      });
      expect(doors.script.seen).toHaveLength(ran);
    },
  );
});

describe('a host of the modern era', () => {
  const meta = (version = MODERN) => ({
    _meta: {
      'io.modelcontextprotocol/protocolVersion': version,
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  });
  const heads = (method: string, more: Readonly<Record<string, string>> = {}) => ({
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...more,
  });
  const called = { ...WORD, ...meta() };

  test('discovers, lists and calls, each request for itself and no session ever', async () => {
    for (const [method, params, more] of [
      ['server/discover', meta(), {}],
      ['tools/list', meta(), {}],
      ['tools/call', called, { 'mcp-name': 'get_word' }],
    ] as const) {
      const answer = await post(rpc(method, params), heads(method, more));
      expect(answer.status).toBe(200);
      expect(answer.headers['mcp-session-id']).toBeUndefined();
      expect(messageOf(answer)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
    }
  });
  test.each([
    ['another method', { 'mcp-method': 'tools/list', 'mcp-name': 'get_word' }],
    ['no method', { 'mcp-name': 'get_word' }],
    ['the method in capitals', { 'mcp-method': 'TOOLS/CALL', 'mcp-name': 'get_word' }],
    ['another tool', { 'mcp-method': 'tools/call', 'mcp-name': 'get_refused' }],
    ['no tool', { 'mcp-method': 'tools/call' }],
  ])('whose headers name %s is refused with -32020, and nothing runs', async (_what, headers) => {
    const ran = doors.script.seen.length;
    const answer = await post(rpc('tools/call', called), { 'mcp-protocol-version': MODERN, ...headers });
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toMatchObject({ id: 1, error: { code: -32020 } });
    expect(doors.script.seen).toHaveLength(ran);
  });
  test('whose header names another revision than its body is refused with -32020', async () => {
    const ran = doors.script.seen.length;
    for (const version of ['2025-11-25', '2030-01-01']) {
      const headers = heads('tools/call', { 'mcp-name': 'get_word', 'mcp-protocol-version': version });
      const answer = await post(rpc('tools/call', called), headers);
      expect(answer.status).toBe(400);
      expect(messageOf(answer)).toMatchObject({ error: { code: -32020 } });
    }
    expect(doors.script.seen).toHaveLength(ran);
  });
  test('of a revision we do not know is told those we do, with -32022', async () => {
    const params = { ...WORD, ...meta('2030-01-01') };
    const headers = heads('tools/call', { 'mcp-name': 'get_word', 'mcp-protocol-version': '2030-01-01' });
    const answer = await post(rpc('tools/call', params), headers);
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toMatchObject({
      error: { code: -32022, data: { supported: [MODERN], requested: '2030-01-01' } },
    });
  });
  test('that asks for a method there is not gets 404 and -32601', async () => {
    for (const method of ['no/such', 'initialize', 'ping', 'logging/setLevel']) {
      const answer = await post(rpc(method, meta()), heads(method));
      expect(answer.status).toBe(404);
      expect(messageOf(answer)).toMatchObject({ id: 1, error: { code: -32601 } });
    }
  });
  test('that leaves out what every request must carry gets 400 and -32602', async () => {
    const [version, capabilities] = Object.entries(meta()['_meta']);
    for (const kept of [version, capabilities]) {
      const params = { _meta: Object.fromEntries(kept ? [kept] : []) };
      const answer = await post(rpc('tools/list', params), heads('tools/list'));
      expect(answer.status).toBe(400);
      expect(messageOf(answer)).toMatchObject({ id: 1, error: { code: -32602 } });
    }
  });
});
