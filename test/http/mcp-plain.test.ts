/** /mcp as a plain HTTP client meets it: no session, no protocol header, whatever curl or a script happens to send. */
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

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const WORD = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'get_word', arguments: { word: 'gate' } },
};
function post(body: unknown, headers: Record<string, string> = {}, path = '/mcp'): Promise<RawAnswer> {
  return send({ port: doors.port, method: 'POST', path, headers: { ...bearer(key), ...headers }, body });
}
const told = (answer: RawAnswer) => ({
  status: answer.status,
  type: String(answer.headers['content-type']).split(';')[0],
  session: answer.headers['mcp-session-id'],
});
const ONE_JSON_ANSWER = { status: 200, type: 'application/json', session: undefined };

describe('one request gets one JSON answer', () => {
  test.each([
    undefined,
    '*/*',
    'application/json',
    'application/json, text/event-stream',
    'text/html,application/xhtml+xml,*/*;q=0.8',
    'text/event-stream',
  ])('whatever it says it accepts: %s', async (accept) => {
    for (const body of [LIST, WORD]) {
      const answer = await post(body, accept === undefined ? {} : { accept });
      expect(told(answer)).toEqual(ONE_JSON_ANSWER);
      expect(answer.json()).toMatchObject({ jsonrpc: '2.0', id: 1, result: {} });
    }
  });
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'Application/JSON',
    'application/json; charset="utf-8"',
  ])('as %s', async (type) => {
    for (const body of [LIST, WORD])
      expect(told(await post(body, { 'content-type': type }))).toEqual(ONE_JSON_ANSWER);
  });
  test.each(['/', '/mcp', '/mcp?from=script', '/?from=script'])('under %s', async (path) => {
    for (const body of [LIST, WORD]) expect(told(await post(body, {}, path))).toEqual(ONE_JSON_ANSWER);
  });
  test.each(['a string', 0, -7, 9_007_199_254_740_991])('with the id %j it came with', async (id) => {
    for (const body of [LIST, WORD]) expect((await post({ ...body, id })).json()).toMatchObject({ id });
  });
  test('a notification is accepted and not answered', async () => {
    const answer = await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(answer.status).toBe(202);
    expect(answer.text).toBe('');
  });
});

describe('what is no request is refused in JSON, and nothing runs', () => {
  test.each([
    ['a form', 'application/x-www-form-urlencoded', 415],
    ['a text', 'text/plain', 415],
    ['something like JSON', 'application/json-patch+json', 415],
  ])('%s', async (_what, type, status) => {
    const ran = doors.script.seen.length;
    const answer = await post(JSON.stringify(WORD), { 'content-type': type });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: expect.any(Number) } });
    expect(doors.script.seen).toHaveLength(ran);
  });
  test.each([
    ['another version of JSON-RPC', { ...WORD, jsonrpc: '1.0' }],
    ['no version of JSON-RPC', { id: 1, method: 'tools/call', params: WORD.params }],
    ['an id that is null', { ...WORD, id: null }],
    ['an id that is an object', { ...WORD, id: {} }],
    ['a method that is a number', { ...WORD, method: 7 }],
    ['parameters that are a list', { ...WORD, params: ['get_word'] }],
    ['a string', JSON.stringify('tools/call')],
    ['a number', '7'],
    ['null', 'null'],
    ['an empty list', []],
    ['a list', [WORD]],
    ['an empty object', {}],
  ])('%s', async (_what, body) => {
    const ran = doors.script.seen.length;
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json()).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } });
    expect(doors.script.seen).toHaveLength(ran);
  });
});

describe('other methods', () => {
  test.each(['PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE'])(
    '%s is 405, and Allow names those there are',
    async (method) => {
      const answer = await send({ port: doors.port, method, path: '/mcp', headers: bearer(key) });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('DELETE, GET, POST');
      if (method !== 'HEAD') expect(answer.json()).toMatchObject({ error: { data: { status: 405 } } });
    },
  );
  test.each(['/mcp/', '/mcp/tools', '/MCP', '/sse', '/messages'])('%s is nothing', async (path) => {
    const answer = await post(LIST, {}, path);
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ status: 404, reason: 'not_found' });
  });
  test.each([undefined, '*/*', 'text/html', 'application/json'])(
    'GET that accepts %s is answered the capability document, without a key',
    async (accept) => {
      const headers = accept === undefined ? {} : { accept };
      const answer = await send({ port: doors.port, path: '/mcp', headers });
      expect(told(answer)).toEqual(ONE_JSON_ANSWER);
      expect(answer.json()).toMatchObject({ endpoint: '/mcp', transport: 'streamable-http' });
      expect(answer.headers['cache-control']).toBe('no-store');
    },
  );
  test('a stream or the end of a session that is none is refused', async () => {
    for (const method of ['GET', 'DELETE']) {
      const headers = { ...bearer(key), accept: 'text/event-stream' };
      const without = await send({ port: doors.port, method, path: '/mcp', headers });
      expect(without.status).toBe(400);
      expect(without.json()).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } });
      const unknown = { ...headers, 'mcp-session-id': 'none-of-ours' };
      const answer = await send({ port: doors.port, method, path: '/mcp', headers: unknown });
      expect(answer.status).toBe(404);
    }
  });
});
