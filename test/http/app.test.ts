/** The surface around the doors: health, redirects, what is not there, what goes wrong, what is logged. */
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerError } from '#http/errors.ts';
import { BODY_BYTES_MAX } from '#limits.ts';
import { type Doors, openDoors, SECRET_OF_A_FAULT } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.close());

test('GET /healthz answers without a key and says nothing else', async () => {
  const answer = await send({ port: doors.port, path: '/healthz' });
  expect(answer.status).toBe(200);
  expect(answer.json()).toEqual({ status: 'ok' });
});

test('GET / leads to the console', async () => {
  const answer = await send({ port: doors.port, path: '/' });
  expect(answer.status).toBe(302);
  expect(answer.headers.location).toBe('/admin');
});

test.each([
  '/admin',
  '/nothing',
  '/api/v1',
  '/api/v1/nothing',
  '/oauth/token',
  '/.well-known/openid-configuration',
  '/mcp/',
  '/MCP',
])('%s is a real JSON 404', async (path) => {
  const answer = await send({ port: doors.port, path });
  expect(answer.status).toBe(404);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json()).toMatchObject({ status: 404, reason: 'not_found' });
});

test('GET /docs is the OpenAPI document of every tool, keyless here', async () => {
  const answer = await send({ port: doors.port, path: '/docs' });
  expect(answer.json()).toMatchObject({ openapi: '3.1.0', paths: { '/words/{word}': { get: {} } } });
});
test('GET /docs on the public host is there only when REST is, and asks for a key', async () => {
  const publicUrl = new URL('https://gate.example');
  const headers = { host: 'gate.example' };
  for (const publicRest of [false, true]) {
    const remote = await openDoors({ publicUrl, publicRest });
    const keyless = await send({ port: remote.port, path: '/docs', headers });
    expect(keyless.status).toBe(publicRest ? 401 : 404);
    const withKey = await send({
      port: remote.port,
      path: '/docs',
      headers: { ...headers, ...bearer(remote.key().key) },
    });
    expect(withKey.status).toBe(publicRest ? 200 : 404);
    await remote.close();
  }
});
test('GET /docs names the Host that was admitted, whatever a caller behind a trusted proxy says of itself', async () => {
  const named = await openDoors({
    publicUrl: new URL('https://gate.example'),
    allowedHosts: ['gate.lan'],
    trustedProxies: ['127.0.0.1'],
  });
  const page = await send({
    port: named.port,
    path: '/docs',
    headers: {
      host: 'gate.lan',
      accept: 'text/html',
      'x-forwarded-for': '10.0.0.9',
      'x-forwarded-host': '"><script>canary</script>',
      'x-forwarded-proto': 'canary',
    },
  });
  expect(page.status).toBe(200);
  expect(page.text).toContain('http://gate.lan/');
  expect(page.text).not.toContain('canary');
  await named.close();
});

describe('what goes wrong', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    send({
      port: doors.port,
      method: 'POST',
      path: '/api/v1/slow-orders',
      headers: { ...bearer(doors.key().key), ...headers },
      body,
    });
  test('a body that is not JSON is 400 and is not echoed', async () => {
    const answer = await post('{"name": canary-body');
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('canary-body');
  });
  test('a body that poisons prototypes is 400 before anything looks at it', async () => {
    for (const body of ['{"__proto__": {"name": "x"}}', '{"constructor": {"prototype": {}}}']) {
      const answer = await post(body);
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ type: 'urn:portcullis:problem:bad_request' });
    }
    expect(doors.script.seen).toEqual([]);
  });
  test('a body of another type is 415', async () => {
    expect((await post('name=x', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415);
  });
  test('a body over the limit is 413, under /mcp too', async () => {
    const big = JSON.stringify({ name: 'x'.repeat(BODY_BYTES_MAX) });
    expect((await post(big)).status).toBe(413);
    const mcp = await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers: bearer(doors.key().key),
      body: big,
    });
    expect(mcp.status).toBe(413);
    expect(mcp.json()).toMatchObject({ jsonrpc: '2.0', error: { data: { status: 413 } } });
  });
  test('a stranger with a large or broken body is told 401 before it is read', async () => {
    const answer = await send({ port: doors.port, method: 'POST', path: '/mcp', body: '{ broken' });
    expect(answer.status).toBe(401);
  });
  test('a fault is answered as internal, and nowhere outside the record does it say more', async () => {
    const answer = await send({ port: doors.port, path: '/api/v1/fault', headers: bearer(doors.key().key) });
    expect(answer.status).toBe(500);
    expect(answer.json()).toMatchObject({ reason: 'internal', retry_safe: true });
    expect(answer.text).not.toContain(SECRET_OF_A_FAULT);
    expect(JSON.stringify(doors.record())).toContain(SECRET_OF_A_FAULT);
  });
});

test('a store that can not be read is 503 on both doors, an unforeseen fault 500, and neither says more', async () => {
  const app = Fastify();
  app.setErrorHandler(answerError);
  for (const url of ['/mcp', '/api/v1/status'])
    app.get<{ Querystring: { readonly code: string } }>(url, ({ query }) => {
      throw Object.assign(new Error(SECRET_OF_A_FAULT), { code: query.code });
    });
  for (const [code, status, reason] of [
    ['SQLITE_IOERR_READ', 503, 'store_unavailable'],
    ['SQLITE_CONSTRAINT', 500, 'internal'],
    ['ERR_ASSERTION', 500, 'internal'],
  ] as const) {
    const rest = await app.inject({ url: `/api/v1/status?code=${code}` });
    expect([rest.statusCode, rest.json()]).toMatchObject([status, { reason, status }]);
    const mcp = await app.inject({ url: `/mcp?code=${code}` });
    expect([mcp.statusCode, mcp.json()]).toMatchObject([
      status,
      { jsonrpc: '2.0', id: null, error: { code: -32603, data: { reason } } },
    ]);
    expect(`${rest.body}${mcp.body}`).not.toMatch(/canary|SQLITE/);
  }
});

describe('the log', () => {
  test('has a line for a request, and neither key, query, body nor header value in any', async () => {
    const { key } = doors.key();
    await send({
      port: doors.port,
      path: '/api/v1/words/x?tags=canary-query',
      headers: { ...bearer(key), cookie: 'session=canary-cookie' },
    });
    await send({
      port: doors.port,
      path: `/api/v1/words/x?key=${key}`,
      headers: bearer('pcl_canary-wrong-key'),
    });
    await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers: bearer(key),
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'get_word', arguments: { word: 'canary-word' } },
      },
    });
    const log = doors.logged.join('');
    expect(log).toContain('/api/v1/words/x');
    expect(log).not.toContain(key);
    expect(log).not.toMatch(/canary-(query|cookie|wrong-key|word|body)/);
  });
});
