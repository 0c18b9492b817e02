/** Whatever is wrong with a request is told in the same words everywhere: JSON, nothing of what was sent, no stack. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BODY_BYTES_MAX } from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';
import { openSocket, responseIn } from '../support/raw-socket.ts';

let doors: Doors;
let key: string;
beforeAll(async () => {
  doors = await openDoors();
  ({ key } = doors.key());
});
afterAll(() => doors.close());

const PROBLEM = {
  type: expect.stringMatching(/^urn:portcullis:/),
  title: expect.any(String),
  detail: expect.any(String),
};

/** A refusal that leaves its reader at a loss is asked for again and again. */
describe('what to do about it is said', () => {
  test.each([
    ['of an address where nothing is', '/nothing', {}, 404, 'MCP is at /mcp'],
    ['of one below an address that there is', '/docs/static/nothing.css', {}, 404, 'MCP is at /mcp'],
    ['of one that is too long', `/api/v1/words/${'x'.repeat(500)}`, {}, 414, 'shorten it'],
    ['of a foreign Host', '/mcp', { host: 'evil.example' }, 421, 'PORTCULLIS_ALLOWED_HOSTS'],
    ['of a foreign Origin', '/mcp', { origin: 'https://evil.example' }, 403, 'MCP_HTTP_CORS_ORIGINS'],
    ['of a proxy', '/mcp', { 'x-forwarded-for': '203.0.113.7' }, 403, 'connect directly'],
  ])('%s', async (_name, path, headers, status, advice) => {
    const answer = await send({ port: doors.port, path, headers });
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(advice);
  });
});

describe('a wrong method', () => {
  test.each([
    ['PUT', '/mcp', 'DELETE, GET, POST'],
    ['PATCH', '/mcp', 'DELETE, GET, POST'],
    ['HEAD', '/mcp', 'DELETE, GET, POST'],
    ['DELETE', '/', 'GET, POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/docs', 'GET'],
    ['POST', '/api/v1/words/x', 'GET'],
    ['GET', '/api/v1/slow-orders', 'POST'],
    ['PUT', '/api/v1/slow-orders/1', 'DELETE, PATCH'],
    ['TRACE', '/healthz', 'GET, HEAD'],
    ['PROPFIND', '/api/v1/fault', 'GET'],
  ])('%s %s is 405 and names those there are, key or not', async (method, path, allow) => {
    for (const headers of [bearer(key), {}]) {
      const answer = await send({ port: doors.port, method, path, headers });
      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe(allow);
      if (method === 'HEAD') continue;
      const told =
        path === '/mcp' ? { jsonrpc: '2.0', error: { data: { ...PROBLEM, status: 405 } } } : PROBLEM;
      expect(answer.json()).toMatchObject(told);
    }
  });
  test('comes before the body, which nobody reads', async () => {
    for (const [path, status] of [
      ['/healthz', 405],
      ['/nothing', 404],
    ] as const) {
      const answer = await send({ port: doors.port, method: 'POST', path, body: '{ broken' });
      expect(answer.status).toBe(status);
    }
  });
  test('HEAD of the health is for monitors', async () => {
    const answer = await send({ port: doors.port, method: 'HEAD', path: '/healthz' });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('on both doors alike', () => {
  const DOORS = [
    ['/mcp', (status: number) => ({ jsonrpc: '2.0', id: null, error: { data: { ...PROBLEM, status } } })],
    ['/api/v1/slow-orders', (status: number) => ({ ...PROBLEM, status })],
  ] as const;
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    send({ port: doors.port, method: 'POST', path, headers: { ...bearer(key), ...headers }, body });
  test.each(DOORS)('%s: a body of another type is 415', async (path, told) => {
    const answer = await post(path, 'canary=1', { 'content-type': 'text/plain' });
    expect(answer.status).toBe(415);
    expect(answer.json()).toMatchObject(told(415));
    expect(answer.text).not.toContain('canary');
  });
  test.each(DOORS)('%s: a body over the bound is 413', async (path, told) => {
    const answer = await post(path, JSON.stringify('x'.repeat(BODY_BYTES_MAX)));
    expect(answer.status).toBe(413);
    expect(answer.json()).toMatchObject(told(413));
  });
  test('a body that is no JSON is 400: the parse error of JSON-RPC, or a problem', async () => {
    for (const body of ['{"canary', '[1,', 'undefined', '\u0000', '{"a":1}{"b":2}']) {
      const mcp = await post('/mcp', body);
      expect(mcp.status).toBe(400);
      expect(mcp.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32700 } });
      const rest = await post('/api/v1/slow-orders', body);
      expect(rest.status).toBe(400);
      expect(rest.json()).toMatchObject({ ...PROBLEM, status: 400 });
      expect(`${mcp.text}${rest.text}`).not.toMatch(/canary|position|Unexpected/);
    }
  });
  test('keys that poison prototypes are 400, however deep', async () => {
    for (const poison of [
      '{"__proto__": {"admin": true}}',
      '{"constructor": {"prototype": {"admin": true}}}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_word","arguments":{"__proto__":{"word":"x"}}}}',
      '{"a":[[{"b":{"\\u005f_proto__":{"admin":true}}}]]}',
    ])
      for (const [path] of DOORS) {
        const answer = await post(path, poison);
        expect(answer.status).toBe(400);
      }
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
    expect(doors.script.seen).toEqual([]);
  });
  test('an address that can not be decoded is 400, one too long 414', async () => {
    for (const [path, status] of [
      ['/api/v1/words/%zz', 400],
      ['/%c0%ae%c0%ae/', 400],
      [`/api/v1/words/${'x'.repeat(500)}`, 414],
    ] as const) {
      const answer = await send({ port: doors.port, path, headers: bearer(key) });
      expect(answer.status).toBe(status);
      expect(answer.json()).toMatchObject({ ...PROBLEM, status });
    }
  });
});

describe('what is not HTTP', () => {
  const HOST = 'Host: 127.0.0.1\r\n';
  test.each([
    ['noise', 'canary\x00\x01\x02\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03canary', 400],
    ['a header with a bare CR', `GET /healthz HTTP/1.1\r\n${HOST}X: canary\rY: 1\r\n\r\n`, 400],
    ['a folded header', `GET /healthz HTTP/1.1\r\n${HOST}X: canary\r\n folded\r\n\r\n`, 400],
    ['a path with a control character', `GET /canary\x1b[31m HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a length that is none', `POST /mcp HTTP/1.1\r\n${HOST}Content-Length: canary\r\n\r\n`, 400],
    ['two lengths', `POST /mcp HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\ncanary`, 400],
    [
      'a length and chunks',
      `POST /mcp HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a head that is too large', `GET /healthz HTTP/1.1\r\n${HOST}X: ${'canary'.repeat(4_000)}\r\n\r\n`, 431],
    ['an address that is too large', `GET /${'canary'.repeat(4_000)} HTTP/1.1\r\n${HOST}\r\n`, 431],
  ])('%s: a problem in JSON, and the connection ends', async (_name, said, status) => {
    const { ended } = await openSocket(doors.port, said);
    const answer = responseIn(await ended);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('connection')).toBe('close');
    expect(JSON.parse(answer.body)).toMatchObject({ ...PROBLEM, status });
    expect(answer.body).not.toMatch(/canary|HPE_| {4}at /);
    expect(doors.logged.join('')).not.toContain('canary');
  });
  test.each([
    ['no Host at all', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 421],
    ['HTTP/1.0 without one', 'GET /healthz HTTP/1.0\r\n\r\n', 421],
    ['two Hosts', `GET /healthz HTTP/1.1\r\n${HOST}Host: evil.example\r\nConnection: close\r\n\r\n`, 421],
    [
      'an absolute address of somebody else',
      `GET http://evil.example/healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
      421,
    ],
    [
      'an absolute address of ours',
      `GET http://127.0.0.1/healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
      421,
    ],
    ['the asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, 404],
    [
      'an expectation',
      `POST /mcp HTTP/1.1\r\n${HOST}Expect: canary\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      401,
    ],
  ])('%s is told in JSON', async (_name, said, status) => {
    const { ended } = await openSocket(doors.port, said);
    const answer = responseIn(await ended);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/(problem\+)?json/);
    expect(answer.body).not.toMatch(/canary|evil\.example/);
  });
  test('no upgrade is made, and no tunnel opened', async () => {
    const upgrade = await openSocket(
      doors.port,
      `GET /mcp HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    expect(await upgrade.until(/protocol_versions/)).toMatch(/^HTTP\/1\.1 200 /);
    upgrade.socket.destroy();
    const tunnel = await openSocket(doors.port, `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${HOST}\r\n`);
    expect(await tunnel.ended).not.toMatch(/^HTTP\/1\.1 2/);
  });
  test('noise behind a call does not pass for its answer: the answer comes, then the end', async () => {
    let open = (): void => undefined;
    doors.script.gate = new Promise((resolve) => {
      open = resolve;
    });
    const body = JSON.stringify({ name: 'first', dry_run: false });
    const call = `POST /api/v1/slow-orders HTTP/1.1\r\n${HOST}Authorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const connection = await openSocket(doors.port, call);
    await expect.poll(() => doors.script.seen).toContain('first');
    connection.socket.write('noise \x00\r\n\r\n');
    // Another request shows that the noise has been read meanwhile.
    await send({ port: doors.port, path: '/healthz' });
    expect(connection.heard()).toBe('');
    open();
    const answer = responseIn(await connection.ended);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ placed: 'first' });
    doors.script.seen.splice(0);
  });
});
