/** Every setting of remote MCP acts: what it opens, what it shuts, and which of them do so at once. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { formVisitor } from '../support/form-visitor.ts';
import type { RawAnswer } from '../support/raw-http.ts';
import {
  authorization,
  codeIn,
  connect,
  exchange,
  refresh,
  register,
  tokensOf,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { openTokenGateway, type TokenGateway } from '../support/token-gateway.ts';

const READS = ['read:market', 'read:account'] as const;
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

let gate: TokenGateway;
let far: RemoteGateway | undefined;
afterEach(async () => {
  await far?.close();
  far = undefined;
});

async function open(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  gate = await openTokenGateway(settings);
}
/** The same data under other settings. */
async function restart(settings: Readonly<Record<string, string>>, http = true): Promise<void> {
  await gate.stop();
  gate = await openTokenGateway(settings, { folder: gate.folder, http });
}
async function save(texts: Readonly<Record<string, string>>): Promise<void> {
  const saved = await gate.gateway.console.settings.save(texts);
  if (!saved.ok) throw new Error(JSON.stringify(saved.error));
  expect(saved.value.waiting).toEqual([]);
}
const list = (bearer?: string): Promise<RawAnswer> => gate.ask({ bearer, body: LIST });
/** From this machine itself, through nothing. */
async function here(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${gate.port}${path}`, { redirect: 'manual', ...init });
}
const keyed = (key: string): RequestInit => ({
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  body: JSON.stringify(LIST),
});
const ROUTES = [
  '/oauth/authorize',
  '/oauth/jwks',
  '/authorize',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server/mcp',
  '/.well-known/openid-configuration',
];

describe('MCP_HTTP_ENABLED', () => {
  afterEach(() => gate.close());

  test.each(['true', 'True'])('=%s opens the routes, the challenge and the tokens', async (on) => {
    await open({ MCP_HTTP_ENABLED: on });
    for (const path of ROUTES) expect((await gate.ask({ method: 'GET', path })).status, path).not.toBe(404);
    expect((await list()).headers['www-authenticate']).toContain('resource_metadata=');
    expect((await list(gate.connected())).status).toBe(200);
  });
  test('=false shuts them all, ends what was granted for good, and keys and stdio do not notice', async () => {
    await open();
    const grantId = gate.grant(gate.client());
    const token = gate.token(grantId);
    const { key } = gate.key();
    await restart({ MCP_HTTP_ENABLED: 'False', MCP_OAUTH_WRITE_SCOPE_ENABLED: 'false' });
    for (const path of [
      ...ROUTES,
      '/oauth/token',
      '/oauth/register',
      '/token',
      '/register',
      '/oauth/revoke',
    ]) {
      for (const method of ['GET', 'POST'])
        expect((await here(path, { method })).status, `${method} ${path}`).toBe(404);
    }
    const refused = await here('/mcp', keyed(token));
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect((await list(token)).status).toBe(421);
    expect((await here('/mcp', keyed(key))).status).toBe(200);
    expect((await gate.call('get_gateway_status'))?.ok).toBe(true);
    expect(gate.gateway.grants.find(grantId)?.ended?.reason).toBe('remote_off');
    await restart({});
    expect((await list(token)).status).toBe(401);
    expect((await here('/mcp', keyed(key))).status).toBe(200);
  });
  test('with no HTTP at all (serve --local) serves nobody remote, and ends nothing', async () => {
    await open();
    const grantId = gate.grant(gate.client());
    const token = gate.token(grantId);
    await restart({}, false);
    expect(gate.gateway.grants.find(grantId)?.ended).toBeNull();
    expect(gate.gateway.access.remote.authenticate(token, { door: 'http' }).ok).toBe(false);
    const status = await gate.call('get_gateway_status');
    expect(status).toMatchObject({ ok: true, output: { remote_mcp: false } });
    await restart({});
    expect((await list(token)).status).toBe(200);
  });
});

describe('MCP_PUBLIC_URL', () => {
  afterEach(() => gate.close());

  test('is the host that is answered to, the issuer and the audience; another one ends what the old one signed', async () => {
    await open();
    const grantId = gate.grant(gate.client());
    const token = gate.token(grantId);
    expect((await gate.ask({ bearer: token, body: LIST, headers: { host: 'other.example' } })).status).toBe(
      421,
    );
    const document = await gate.ask({ method: 'GET', path: '/.well-known/oauth-authorization-server' });
    expect(document.json()).toMatchObject({ issuer: 'https://gate.example.com' });
    await restart({ MCP_PUBLIC_URL: 'https://other.example' });
    const moved = { host: 'other.example' };
    expect((await gate.ask({ bearer: token, body: LIST, headers: moved })).status).toBe(401);
    expect((await list(token)).status).toBe(421);
    expect(gate.gateway.grants.find(grantId)?.ended?.reason).toBe('moved');
    // Coming back brings nothing back.
    await restart({});
    expect((await list(token)).status).toBe(401);
  });
});

describe('MCP_OAUTH_WRITE_SCOPE_ENABLED', () => {
  afterEach(() => gate.close());

  const scopesTold = async (): Promise<readonly unknown[]> => [
    (await gate.ask({ method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' })).json()[
      'scopes_supported'
    ],
    (await gate.ask({ method: 'GET', path: '/.well-known/oauth-authorization-server' })).json()[
      'scopes_supported'
    ],
    /scope="([^"]*)"/.exec(String((await list()).headers['www-authenticate']))?.[1]?.split(' '),
  ];
  test('switched off acts at once: on what is told, on tokens already issued, and for good', async () => {
    await open();
    const clientId = gate.client();
    const writes = gate.token(gate.grant(clientId));
    const reads = gate.token(gate.grant(clientId, READS));
    for (const told of await scopesTold()) expect(told).toContain('write:orders');
    await save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'false' });
    for (const told of await scopesTold()) expect(told).not.toContain('write:orders');
    expect((await list(writes)).status).toBe(401);
    expect((await list(reads)).status).toBe(200);
    await save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' });
    for (const told of await scopesTold()) expect(told).toContain('write:orders');
    expect((await list(writes)).status).toBe(401);
    expect((await gate.callTool(gate.token(gate.grant(clientId)), 'cancel_all_orders')).status).toBe(200);
  });
});

describe('MCP_HTTP_CORS_ORIGINS', () => {
  afterEach(() => gate.close());
  const preflight = (origin: string, path = '/mcp'): Promise<RawAnswer> =>
    gate.ask({
      method: 'OPTIONS',
      path,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,mcp-protocol-version,mcp-session-id',
      },
    });

  test('lets the pages of these origins call, with the headers of MCP, and follows at once', async () => {
    await open();
    const allowed = await preflight('https://claude.ai');
    expect(allowed.status).toBe(204);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://claude.ai');
    for (const name of ['Authorization', 'MCP-Protocol-Version', 'Mcp-Session-Id', 'Mcp-Method', 'Mcp-Name'])
      expect(allowed.headers['access-control-allow-headers']).toContain(name);
    expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
    expect((await preflight('https://host.example')).status).toBe(403);
    await save({ MCP_HTTP_CORS_ORIGINS: 'https://host.example' });
    expect((await preflight('https://host.example')).status).toBe(204);
    expect((await preflight('https://claude.ai')).status).toBe(403);
    const token = gate.connected();
    const called = await gate.ask({ bearer: token, body: LIST, headers: { origin: 'https://claude.ai' } });
    expect(called.status).toBe(403);
  });
});

describe('MCP_HTTP_IP_ALLOWLIST', () => {
  afterEach(() => gate.close());
  const OTHER = { 'x-forwarded-for': '192.0.2.1' };

  test('guards what agents use and nothing that signing in needs, and follows at once', async () => {
    await open({ PORTCULLIS_PUBLIC_CONSOLE: 'True', PORTCULLIS_PUBLIC_REST: 'true' });
    const token = gate.connected();
    const get = (path: string, headers = {}) => gate.ask({ method: 'GET', path, headers });
    expect((await gate.ask({ bearer: token, body: LIST, headers: OTHER })).status).toBe(200);
    await save({ MCP_HTTP_IP_ALLOWLIST: '198.51.100.0/24' });
    const refused = await gate.ask({ bearer: token, body: LIST, headers: OTHER });
    expect(refused.status).toBe(403);
    expect(refused.json()).toMatchObject({ error: { code: -32003, data: { reason: 'ip_not_allowed' } } });
    expect(refused.headers['www-authenticate']).toBeUndefined();
    for (const path of ['/admin/login', '/api/v1/status', '/docs', '/'])
      expect((await get(path, OTHER)).status, path).toBe(403);
    for (const path of [...ROUTES, '/healthz']) expect((await get(path, OTHER)).status, path).not.toBe(403);
    expect((await list(token)).status).toBe(200);
    expect((await get('/admin/login')).status).not.toBe(403);
    expect((await here('/healthz')).status).toBe(200);
    await save({ MCP_HTTP_IP_ALLOWLIST: '' });
    expect((await gate.ask({ bearer: token, body: LIST, headers: OTHER })).status).toBe(200);
  });
  test('believes no address that an untrusted proxy passes on', async () => {
    await open({ TRUSTED_PROXIES: '', MCP_HTTP_IP_ALLOWLIST: '198.51.100.0/24,127.0.0.0/8' });
    expect((await list(gate.connected())).status).toBe(403);
  });
});

describe('MCP_RATE_LIMIT_READ and _WRITE', () => {
  afterEach(() => gate.close());

  test('bound remote clients alone, and follow at once without forgetting what was called', async () => {
    await open();
    const token = gate.connected();
    const read = async (): Promise<string> => (await gate.callTool(token, 'get_orders')).text;
    for (let n = 0; n < 3; n++) expect(await read()).not.toContain('rate_limited');
    await save({ MCP_RATE_LIMIT_READ: '4 per minute', MCP_RATE_LIMIT_WRITE: '1 per hour' });
    expect(await read()).not.toContain('rate_limited');
    expect(await read()).toContain('More than 4 remote read calls a minute');
    expect((await gate.callTool(token, 'cancel_all_orders')).text).not.toContain('rate_limited');
    expect((await gate.callTool(token, 'cancel_all_orders')).text).toContain('rate_remote_reduce');
    await save({ MCP_RATE_LIMIT_READ: '60 per minute' });
    expect(await read()).not.toContain('rate_limited');
  });
});

describe('MCP_OAUTH_KEYS_DIR and MCP_LOOPBACK_URL', () => {
  afterEach(() => gate.close());

  test('the one holds the key that signs, the other is accepted', async () => {
    await open({ MCP_LOOPBACK_URL: 'http://127.0.0.1:5000' });
    gate.connected();
    const folder = join(gate.folder, 'keys');
    expect(existsSync(folder)).toBe(true);
    expect(readdirSync(folder).filter((name) => /^oauth-[0-9a-f]{16}\.pem$/.test(name))).toHaveLength(1);
  });
});

describe('the times of tokens and codes, and MCP_OAUTH_REQUIRE_APPROVAL', () => {
  const rowsOf = (at: RemoteGateway, kind: string): readonly number[] => {
    const rows = at.gateway.store.db
      .prepare<[string], number>('SELECT expires_at FROM oauth_payloads WHERE kind = ? ORDER BY expires_at')
      .pluck()
      .all(kind);
    return rows.map((atMs) => Math.round((atMs - at.gateway.access.wall()) / 1_000));
  };
  async function saveFar(at: RemoteGateway, texts: Readonly<Record<string, string>>): Promise<void> {
    const saved = await at.gateway.console.settings.save(texts);
    expect(saved).toMatchObject({ ok: true, value: { waiting: [] } });
  }
  const lifetimeOf = (token: string): number => {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return Number(claims.exp) - Number(claims.iat);
  };

  test('follow at once', async () => {
    const at = await openRemoteGateway();
    far = at;
    const first = await connect(at);
    expect(lifetimeOf(first.access)).toBe(900);
    expect(Math.abs((rowsOf(at, 'RefreshToken').at(-1) ?? 0) - 2_592_000)).toBeLessThan(60);
    await saveFar(at, {
      MCP_OAUTH_ACCESS_TTL: '60',
      MCP_OAUTH_REFRESH_TTL: '7200',
      MCP_OAUTH_CODE_TTL: '30',
    });
    const renewed = tokensOf(await refresh(at, first.clientId, first.refresh));
    expect(lifetimeOf(renewed.access)).toBe(60);
    const second = await connect(at, { agent: 'other' });
    expect(lifetimeOf(second.access)).toBe(60);
    expect(rowsOf(at, 'RefreshToken').some((left) => Math.abs(left - 7_200) < 60)).toBe(true);
    await at.browser().grant(authorization(at, { clientId: second.clientId, scope: 'read:market' }).url);
    // Of the three that were made, the first under the standard of 60 s.
    expect(rowsOf(at, 'AuthorizationCode').map((left) => left <= 30)).toEqual([true, true, false]);

    // A client that nobody has approved gets a token by the owner's consent alone, once the owner says so.
    await saveFar(at, { MCP_OAUTH_REQUIRE_APPROVAL: 'false' });
    const registered = await register(at);
    const clientId = String(registered.body['client_id']);
    const asked = authorization(at, { clientId, scope: 'read:market' });
    const back = await at.browser().grant(asked.url);
    expect(tokensOf(await exchange(at, asked, codeIn(back))).access).not.toBe('');
    expect(at.gateway.clients.find(clientId)?.state).toBe('approved');
  }, 60_000);
});

describe('PORTCULLIS_PUBLIC_CONSOLE and _REST', () => {
  const HOST = 'gate.example.com';

  test('=false leaves the public host without both', async () => {
    far = await openRemoteGateway({ host: HOST });
    for (const path of ['/', '/admin', '/admin/login', '/api/v1/status', '/docs'])
      expect((await far.fetch(`${far.issuer}${path}`)).status, path).toBe(404);
    expect(await (await far.fetch(`${far.issuer}/healthz`)).json()).toEqual({ status: 'ok' });
  });
  test('=true serves them: the owner signs in over TLS, and REST takes keys', async () => {
    const at = await openRemoteGateway({
      host: HOST,
      settings: { PORTCULLIS_PUBLIC_CONSOLE: 'True', PORTCULLIS_PUBLIC_REST: 'True' },
    });
    far = at;
    const visitor = formVisitor(at.issuer, { origin: at.issuer }, (url, init) => at.fetch(url, init));
    expect((await at.fetch(`${at.issuer}/`)).headers.get('location')).toBe('/admin');
    expect((await visitor.get('/admin/login')).status).toBe(200);
    const { name, passphrase } = at.owner;
    const inside = await visitor.follow('/admin/login/in', { name, passphrase, next: '' });
    expect(inside.status).toBe(200);
    expect([...visitor.cookies.keys()]).toContain('__Host-portcullis-session');
    expect((await visitor.get('/admin/remote-mcp')).status).toBe(200);
    const status = `${at.issuer}/api/v1/status`;
    expect((await at.fetch(status)).status).toBe(401);
    const { key } = at.test.key('reader', READS);
    expect((await at.fetch(status, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
    expect((await at.fetch(`${at.issuer}/docs`)).status).toBe(401);
  });
});

describe('what is switched off', () => {
  afterEach(() => gate.close());

  test('has ended before anybody else hears of the change, and though another part fails at it', async () => {
    await open();
    const { grants, settings, access } = gate.gateway;
    const grantId = gate.grant(gate.client());
    const enabledThen: (readonly string[])[] = [];
    const changeRates = access.changeRates.bind(access);
    Object.assign(access, {
      changeRates: (...given: Parameters<typeof changeRates>) => {
        enabledThen.push(grants.enabled());
        changeRates(...given);
        throw new Error('rates fail');
      },
    });
    const heard: boolean[] = [];
    settings.onActing((next) => heard.push(next.MCP_OAUTH_WRITE_SCOPE_ENABLED));
    await expect(save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'false' })).rejects.toThrow('rates fail');
    expect(enabledThen).toEqual([READS]);
    expect(grants.find(grantId)?.ended?.reason).toBe('write_off');
    expect(heard).toEqual([false]);
    Object.assign(access, { changeRates });
  });
});

describe('what changes is on the record', () => {
  afterEach(() => gate.close());

  test('with each grant that it ended', async () => {
    await open();
    const grantId = gate.grant(gate.client());
    await save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'false' });
    gate.gateway.audit.flush();
    const lines = gate.gateway.store.db
      .prepare<[], string>(
        `SELECT line FROM audit WHERE kind IN ('oauth.grant_ended', 'settings.changed') ORDER BY seq`,
      )
      .pluck()
      .all();
    expect(lines.at(-2)).toContain('MCP_OAUTH_WRITE_SCOPE_ENABLED');
    expect(lines.at(-1)).toContain(grantId);
    expect(lines.at(-1)).toContain('write_off');
    expect(gate.gateway.grants.end(grantId, 'owner', OWNER_CONSOLE)).toBe(false);
  });
});
