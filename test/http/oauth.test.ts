/** OAuth's routes as a stranger meets them: each by its exact name, under one origin, and none while remote MCP is off. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { DISCOVERY_PATHS, OAUTH_ENDPOINTS } from '#http/oauth.ts';
import { OAUTH_BODY_BYTES_MAX } from '#limits.ts';
import { openTestGateway } from '../support/gateway.ts';
import { send } from '../support/raw-http.ts';
import { ask, authorization, postForm } from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { granted, makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
let port: number;
beforeAll(async () => {
  at = await openRemoteGateway();
  port = Number(new URL(at.issuer).port);
});
afterAll(() => at.close());

const READ = ['read:market', 'read:account'];
const document = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
  (await ask(at, path)).body;

describe('what hosts read first', () => {
  test('is the same at every address where they look for it', async () => {
    for (const { path, of } of DISCOVERY_PATHS) {
      const { status, headers, body } = await ask(at, path);
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('content-type')).toContain('application/json');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(of === 'server' ? body['issuer'] : body['resource'], path).toBe(
        of === 'server' ? at.issuer : at.resource,
      );
    }
  });

  test('is exact: what is named is there, what is not offered is not named', async () => {
    expect(await document('/.well-known/oauth-authorization-server')).toEqual({
      issuer: at.issuer,
      authorization_endpoint: `${at.issuer}/oauth/authorize`,
      token_endpoint: `${at.issuer}/oauth/token`,
      revocation_endpoint: `${at.issuer}/oauth/revoke`,
      registration_endpoint: `${at.issuer}/oauth/register`,
      jwks_uri: `${at.issuer}/oauth/jwks`,
      scopes_supported: READ,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    });
    expect(await document('/.well-known/oauth-protected-resource/mcp')).toEqual({
      resource: at.resource,
      resource_name: 'Portcullis',
      authorization_servers: [at.issuer],
      scopes_supported: READ,
      bearer_methods_supported: ['header'],
    });
  });

  test('follows the switch of the scope that writes at once, in both directions', async () => {
    const scopes = async () => [
      (await document('/.well-known/oauth-authorization-server'))['scopes_supported'],
      (await document('/.well-known/oauth-protected-resource'))['scopes_supported'],
    ];
    const switchTo = async (value: string) =>
      expect(await at.gateway.console.settings.save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: value })).toMatchObject({
        ok: true,
        value: { waiting: [] },
      });
    await switchTo('true');
    expect(await scopes()).toEqual([
      [...READ, 'write:orders'],
      [...READ, 'write:orders'],
    ]);
    await switchTo('false');
    expect(await scopes()).toEqual([READ, READ]);
  });

  test('holds the public half of the keys alone', async () => {
    const { status, body } = await ask(at, '/oauth/jwks');
    expect(status).toBe(200);
    const { keys } = body as { keys: readonly Record<string, unknown>[] };
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' });
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    }
  });
});

describe('a route', () => {
  test.each([
    ['POST', '/oauth/Token'],
    ['POST', '/oauth/token/'],
    ['POST', '/OAUTH/token'],
    ['POST', '/oauth//token'],
    ['POST', '/oauth/token%2f'],
    ['POST', '/oauth/Register'],
    ['POST', '/oauth/register/'],
    ['POST', '/oauth/reg'],
    ['GET', '/oauth/authorize/'],
    ['GET', '/oauth/Authorize'],
    ['GET', '/oauth/authorize/x/y'],
    ['GET', '/oauth/jwks/'],
    ['GET', '/oauth/me'],
    ['POST', '/oauth/session/end/confirm'],
    ['GET', '/oauth/session/end'],
    ['POST', '/oauth/request'],
    ['POST', '/oauth/introspect'],
    ['GET', '/token/introspection'],
    ['GET', '/me'],
    ['GET', '/jwks'],
    ['GET', '/auth'],
    ['GET', '/.well-known/oauth-authorization-server/'],
    ['GET', '/.well-known/OAuth-Authorization-Server'],
    ['GET', '/.well-known/nothing'],
  ])('%s %s is not there', async (method, path) => {
    const { status, headers } = await send({ port, method, path });
    expect(status).toBe(404);
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers.location).toBeUndefined();
  });

  test('takes its own method alone', async () => {
    for (const { method, path } of OAUTH_ENDPOINTS) {
      const other = method === 'GET' ? 'POST' : 'GET';
      const { status, headers } = await send({ port, method: other, path: path.replace(':uid', 'x') });
      expect([path, status, headers.allow]).toEqual([path, 405, method]);
    }
  });

  test('at the root does the same as the one that is named', async () => {
    const { clientId } = makeClient(at);
    const { search } = new URL(authorization(at, { clientId }).url);
    expect((await at.browser().open(`${at.issuer}/authorize${search}`)).status).toBe(200);
    const answers = [await postForm(at, '/token', {}), await postForm(at, '/oauth/token', {})];
    expect(answers.map(({ status, text }) => [status, text])[0]).toEqual([
      answers[1]?.status,
      answers[1]?.text,
    ]);
  });
});

describe('an answer past the framework', () => {
  test('has what every answer has, and lets nobody keep it', async () => {
    const { clientId, refresh } = await granted(at);
    const form = { grant_type: 'refresh_token', refresh_token: refresh, client_id: clientId };
    for (const answer of [await postForm(at, '/oauth/token', form), await postForm(at, '/oauth/token', {})]) {
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('referrer-policy')).toBe('same-origin');
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.headers.get('cross-origin-opener-policy')).toBeNull();
    }
  });

  test('is readable for a page of a listed origin, and for no other', async () => {
    const from = (origin?: string) =>
      postForm(at, '/oauth/token', { grant_type: 'x' }, origin === undefined ? {} : { origin });
    const listed = await from('https://claude.ai');
    expect(listed.headers.get('access-control-allow-origin')).toBe('https://claude.ai');
    expect(listed.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    const own = await from();
    expect(own.headers.get('access-control-allow-origin')).toBeNull();
    const keys = await ask(at, '/oauth/jwks');
    expect(keys.headers.get('access-control-allow-origin')).toBeNull();
    expect((await from('https://evil.example')).status).toBe(403);
  });

  test('at the token endpoint is JSON whatever the client accepts; at the authorization endpoint a page for whoever takes one', async () => {
    const token = await postForm(at, '/oauth/token', { grant_type: 'x' }, { accept: 'text/html' });
    expect(token.headers.get('content-type')).toContain('application/json');
    for (const accept of ['text/html,application/xhtml+xml', '*/*', 'application/json, text/html;q=0.1']) {
      const page = await ask(at, '/oauth/authorize', { headers: { accept } });
      expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    }
  });
});

describe('what can not be read', () => {
  test.each([
    ['application/json', '{"grant_type":"refresh_token"}'],
    ['text/plain', 'grant_type=refresh_token'],
    ['multipart/form-data; boundary=x', '--x--'],
  ])('as %s is invalid_request', async (type, body) => {
    const { status, text } = await send({
      port,
      method: 'POST',
      path: '/oauth/token',
      headers: { 'content-type': type },
      body,
    });
    expect([status, (JSON.parse(text) as { error: string }).error]).toEqual([400, 'invalid_request']);
  });

  test('because it is too long ends before anybody reads it', async () => {
    const { status, body, headers } = await postForm(at, '/oauth/token', {
      code: 'x'.repeat(OAUTH_BODY_BYTES_MAX),
    });
    expect([status, body['error'], headers.get('cache-control')]).toEqual([
      413,
      'invalid_request',
      'no-store',
    ]);
  });

  test('because a parameter came twice is invalid_request', async () => {
    const { status, text } = await send({
      port,
      method: 'POST',
      path: '/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=refresh_token&client_id=${makeClient(at).clientId}&refresh_token=x&refresh_token=y`,
    });
    expect([status, (JSON.parse(text) as { error: string }).error]).toEqual([400, 'invalid_request']);
  });
});

describe('under a name that is not ours', () => {
  test.each(['evil.example', '127.0.0.1.evil.example:1'])('%j nothing is answered', async (host) => {
    const { status, headers } = await send({
      port,
      path: '/.well-known/oauth-authorization-server',
      headers: { host },
    });
    expect(status).toBe(421);
    expect(headers.location).toBeUndefined();
  });

  test('in forwarding headers, addresses and cookies stay those of the issuer', async () => {
    const { clientId } = makeClient(at);
    const { pathname, search } = new URL(authorization(at, { clientId }).url);
    const { status, headers } = await send({
      port,
      path: pathname + search,
      headers: {
        host: new URL(at.issuer).host,
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-forwarded-for': '198.51.100.1',
        forwarded: 'host=evil.example;proto=https',
      },
    });
    expect(status).toBe(303);
    expect(headers.location).toMatch(/^\/oauth\/interaction\//);
    const cookies = headers['set-cookie'] ?? [];
    expect(JSON.stringify([headers.location, cookies])).not.toContain('evil');
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
    }
    const paths = cookies.map((cookie) => /; path=([^;]+)/i.exec(cookie)?.[1]?.replace(/[^/]{43}$/, ''));
    expect(new Set(paths.filter((path) => path !== '/'))).toEqual(
      new Set(['/oauth/interaction/', '/oauth/authorize/']),
    );
  });
});

test('while remote MCP is off there is none of all this', async () => {
  const off = await openTestGateway();
  try {
    const offPort = Number(new URL(off.url).port);
    const paths = [
      ...OAUTH_ENDPOINTS.map(({ method, path }) => ({ method, path: path.replace(':uid', 'x') })),
      ...DISCOVERY_PATHS.map(({ path }) => ({ method: 'GET', path })),
      { method: 'POST', path: '/oauth/register' },
      { method: 'POST', path: '/register' },
      { method: 'GET', path: '/oauth/interaction/x' },
      { method: 'GET', path: '/oauth/static/oauth.css' },
    ];
    for (const { method, path } of paths)
      expect([path, (await send({ port: offPort, method, path })).status]).toEqual([path, 404]);
    expect(off.gateway.clients.disconnectAll(OWNER_CLI)).toEqual({ grants: 0 });
  } finally {
    await off.close();
  }
});
