/** OAuth's endpoints by other names, hosts, verbs and origins: each is the one endpoint under the one origin, or nothing. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  comeFromElsewhere,
  forgetAll,
  openAttacked,
  PUBLIC_HOST,
  queryOf,
  raw,
  rows,
} from '../support/authorize-attack.ts';
import { ask, authorization } from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';
import { makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openAttacked();
});
afterAll(() => at.close());
beforeEach(() => comeFromElsewhere(at));
afterEach(() => forgetAll(at));

describe('the address that it is called by', () => {
  test.each([
    ['Host', { host: 'evil.example' }, 421],
    ['Host with a dot at the end', { host: 'gate.example.test.' }, 421],
    ['Host with a user name', { host: 'evil@gate.example.test' }, 421],
    ['Host of IPv6', { host: '[2001:db8::1]' }, 421],
    ['Host of a page of this machine', { host: 'localhost:1', 'x-forwarded-for': '203.0.113.9' }, 403],
  ] as const)('a foreign %s is not served', async (_what, headers, status) => {
    for (const path of ['/.well-known/oauth-authorization-server', '/oauth/authorize', '/oauth/jwks'])
      expect((await raw(at, path, headers)).status).toBe(status);
  });

  test('X-Forwarded-* and Forwarded move no address in any document, page, cookie or redirect', async () => {
    const spoofed = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '1',
      'x-forwarded-prefix': '/evil',
      'x-original-host': 'evil.example',
      'x-original-url': '/oauth/register',
      'x-rewrite-url': '/oauth/register',
      forwarded: 'for=127.0.0.1;host=evil.example;proto=http',
    };
    const honest = await ask(at, '/.well-known/oauth-authorization-server');
    const document = await raw(at, '/.well-known/oauth-authorization-server', spoofed);
    expect(document.json()).toEqual(honest.body);
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    const { pathname, search } = new URL(asked.url);
    const begun = await raw(at, pathname + search, spoofed);
    expect(begun.status).toBe(303);
    expect(begun.headers.location).toMatch(/^\/oauth\/interaction\/[\w-]+$/);
    for (const cookie of begun.headers['set-cookie'] ?? []) {
      expect(cookie.toLowerCase()).toContain('secure');
      expect(cookie).not.toContain('evil');
    }
    const wrong = authorization(at, { clientId: asked.clientId, over: { prompt: 'none' } });
    const told = await raw(at, new URL(wrong.url).pathname + new URL(wrong.url).search, spoofed);
    expect(new URL(told.headers.location ?? '').searchParams.get('iss')).toBe(at.issuer);
  });
});

test('what this gateway does not offer is not there', async () => {
  for (const path of [
    '/oauth/request',
    '/oauth/par',
    '/oauth/introspect',
    '/oauth/token/introspection',
    '/oauth/userinfo',
    '/oauth/me',
    '/me',
    '/oauth/device',
    '/oauth/device/auth',
    '/device',
    '/oauth/backchannel',
    '/backchannel',
    '/oauth/session/end',
    '/session/end',
    '/oauth/reg',
    '/oauth/logout',
    '/oauth/challenge',
    '/interaction/x',
    '/auth',
    '/oauth/Authorize',
    '/OAuth/token',
    '/oauth/token/',
    '/oauth//token',
    '/oauth/./token',
    '/oauth/x/../token',
    '/oauth/token%2f',
    '/oauth/token;x',
    '/oauth/token%00',
    '/oauth/%2e%2e/oauth/token',
    '/.well-known/oauth-authorization-server/evil',
    '/.well-known/webfinger',
    '/.well-known/openid-credential-issuer',
  ])
    for (const method of ['GET', 'POST']) {
      const answer = await raw(at, path, {}, method);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
});

test('an address of an authorization that names none is over, and begins none', async () => {
  const query = queryOf(authorization(at, { clientId: makeClient(at).clientId }));
  for (const uid of ['x', '%00', '..', '%2e%2e', '%2e%2e%2ftoken', 'x%2fy', 'x'.repeat(100), '%ff']) {
    const answer = await raw(at, `/oauth/authorize/${uid}?${query}`);
    expect([uid, [400, 404].includes(answer.status)]).toEqual([uid, true]);
    expect([answer.headers.location, answer.headers['set-cookie']]).toEqual([undefined, undefined]);
  }
  expect(rows(at)).toBe(0);
});

test.each([
  ['HEAD', {}],
  ['POST', {}],
  ['PUT', {}],
  ['GET', { 'x-http-method-override': 'POST' }],
  ['GET', { 'x-method-override': 'DELETE' }],
] as const)('%s with %o is no other verb', async (method, headers) => {
  const query = queryOf(authorization(at, { clientId: makeClient(at).clientId, over: { prompt: 'none' } }));
  const authorize = await raw(at, `/oauth/authorize?${query}`, headers, method);
  if (method === 'GET') expect(authorize.headers.location).toContain('login_required');
  else
    expect([authorize.status, authorize.headers.allow, authorize.headers.location]).toEqual([
      405,
      'GET',
      undefined,
    ]);
  const token = await raw(at, '/oauth/token?grant_type=client_credentials', headers, method);
  expect(token.status).toBe(method === 'POST' ? 400 : 405);
});

test('CORS: no page of another origin reads what it was answered, and none may ask it by script', async () => {
  const listed = 'https://inspector.example';
  await at.restart({ MCP_HTTP_CORS_ORIGINS: listed });
  const query = queryOf(authorization(at, { clientId: makeClient(at).clientId }));
  const paths = [`/oauth/authorize?${query}`, '/oauth/interaction/x', '/oauth/static/oauth.js', '/authorize'];
  for (const path of paths) {
    const answer = await raw(at, path, { origin: listed });
    expect([path, answer.headers['access-control-allow-origin']]).toEqual([path, undefined]);
    const foreign = await raw(at, path, { origin: 'https://evil.example' });
    expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const preflight = await raw(
      at,
      path,
      { origin: listed, 'access-control-request-method': 'GET' },
      'OPTIONS',
    );
    expect([path, preflight.headers['access-control-allow-origin']]).toEqual([path, undefined]);
  }
  const token = await raw(at, '/oauth/token', { origin: listed }, 'POST');
  expect(token.headers['access-control-allow-origin']).toBe(listed);
  expect(token.headers['access-control-allow-credentials']).toBeUndefined();
  await at.restart();
});

test('an address that the list keeps out finds no other spelling of what the list guards', async () => {
  const other = await openAttacked({
    MCP_HTTP_IP_ALLOWLIST: '198.51.100.0/24',
    PORTCULLIS_ALLOWED_HOSTS: 'gate.lan',
    PORTCULLIS_PUBLIC_CONSOLE: 'true',
    PORTCULLIS_PUBLIC_REST: 'true',
  });
  try {
    for (const host of [PUBLIC_HOST, 'gate.lan'])
      for (const path of [
        '/mcp',
        '/%6dcp',
        '/mc%70',
        '/%61dmin',
        '/%61dmin/login',
        '/api/v%31/status',
        '/d%6fcs',
        '//mcp',
      ]) {
        const answer = await raw(other, path, { host, 'x-forwarded-for': '203.0.113.9' });
        expect([host, path, answer.status]).toEqual([host, path, 403]);
        expect(answer.text).toContain('ip_not_allowed');
      }
    expect((await raw(other, '/oauth/jwks')).status).toBe(200);
  } finally {
    await other.close();
  }
});

test.each([
  ['an image', 'no-cors', 'image'],
  ['a frame', 'navigate', 'iframe'],
  ['a script', 'no-cors', 'script'],
  ['a fetch', 'cors', 'empty'],
  ['a prefetch', 'no-cors', 'empty'],
])(
  '%s on a page of elsewhere begins nothing, so that no page fills the part of its visitor’s network',
  async (_what, mode, dest) => {
    const query = queryOf(authorization(at, { clientId: makeClient(at).clientId }));
    for (const site of ['cross-site', 'same-site'])
      for (const path of ['/oauth/authorize', '/authorize', '/oauth/authorize/x']) {
        const answer = await raw(at, `${path}?${query}`, {
          'sec-fetch-site': site,
          'sec-fetch-mode': mode,
          'sec-fetch-dest': dest,
        });
        expect([path, answer.status, answer.headers.location]).toEqual([path, 403, undefined]);
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
    expect(rows(at)).toBe(0);
  },
);
