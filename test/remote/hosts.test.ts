/** What each host sends, field by field, on the public host: what it meets, and what it may do afterwards. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AskFor,
  approve,
  ask,
  authorization,
  callTool,
  codeIn,
  deskOf,
  exchange,
  postForm,
  postJson,
  refresh,
  registration,
  resultOf,
  rpc,
  type Tokens,
  tokensOf,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

const HOST = 'mcp.example.test';
const CLAUDE_CALLBACK = 'https://claude.ai/api/mcp/auth_callback';
const CHATGPT_CALLBACK = 'https://chatgpt.com/connector_platform_oauth_redirect';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openRemoteGateway({ host: HOST });
});
afterAll(() => at.close());

/** Everybody comes from an address of their own: registrations are counted by it. */
let visitors = 0;
const fromElsewhere = (): void => at.front?.comesFrom(`198.51.100.${++visitors}`);

async function registered(over: Readonly<Record<string, unknown>>): Promise<string> {
  fromElsewhere();
  const answer = await postJson(at, '/oauth/register', registration(over));
  expect(answer.status).toBe(201);
  expect(Object.values(answer.body)).not.toContain(null);
  return String(answer.body['client_id']);
}

/** Approved, and then the person's browser and the host's token call. */
async function connected(o: AskFor): Promise<Tokens> {
  approve(at, o.clientId);
  const asked = authorization(at, o);
  const left = await at.browser().grant(asked.url);
  expect(left.href.startsWith(`${asked.redirectUri}?`)).toBe(true);
  expect(left.searchParams.get('state')).toBe(asked.state);
  expect(left.searchParams.get('iss')).toBe(at.issuer);
  return tokensOf(await exchange(at, asked, codeIn(left)));
}

async function reads({ access }: Tokens): Promise<void> {
  const quotes = resultOf(await callTool(at, access, 'get_quotes', { symbols: ['SPX'] }));
  expect(quotes).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
}

const pendingIds = (): readonly string[] =>
  deskOf(at)
    .list()
    .filter(({ state }) => state === 'pending')
    .map(({ clientId }) => clientId);

describe('Claude on the web', () => {
  test('registers itself, with a scope of its own that nobody here knows', async () => {
    const clientId = await registered({
      client_name: 'Claude',
      redirect_uris: [CLAUDE_CALLBACK],
      scope: 'claudeai',
    });
    const tokens = await connected({ clientId, redirectUri: CLAUDE_CALLBACK, scope: 'claudeai' });
    expect(tokens.scope.split(' ').toSorted()).toEqual(['read:account', 'read:market']);
    await reads(tokens);
    await reads(tokensOf(await refresh(at, clientId, tokens.refresh)));
  });

  test('names its metadata document, which is pinned here and still waits for the owner once', async () => {
    fromElsewhere();
    const clientId = 'https://claude.ai/oauth/mcp-oauth-client-metadata';
    const o = { clientId, redirectUri: CLAUDE_CALLBACK, scope: 'read:market read:account' };
    const page = await at.browser().open(authorization(at, o).url);
    expect(page.status).toBe(403);
    expect(page.html).toContain('/admin/remote-mcp');
    expect(pendingIds()).toContain(clientId);
    await reads(await connected(o));
    // The next person who connects finds it approved.
    const asked = authorization(at, o);
    await reads(tokensOf(await exchange(at, asked, codeIn(await at.browser().grant(asked.url)))));
  });

  test('registers two clients in one connect: the one that is used is approved, the other gets nowhere', async () => {
    const over = { client_name: 'Claude', redirect_uris: [CLAUDE_CALLBACK] };
    const unused = await registered(over);
    const clientId = await registered(over);
    expect(unused).not.toBe(clientId);
    const tokens = await connected({ clientId, redirectUri: CLAUDE_CALLBACK });
    await reads(tokens);
    expect(pendingIds()).toContain(unused);
    const stuck = await at
      .browser()
      .open(authorization(at, { clientId: unused, redirectUri: CLAUDE_CALLBACK }).url);
    expect(stuck.status).toBe(403);
    expect((await refresh(at, unused, tokens.refresh)).body).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('Claude Code', () => {
  test('registers itself with one loopback port and comes back on another', async () => {
    const clientId = await registered({
      client_name: 'Claude Code (portcullis)',
      redirect_uris: ['http://localhost:3118/callback'],
    });
    await reads(await connected({ clientId, redirectUri: 'http://localhost:51723/callback' }));
  });

  test('names its metadata document and comes back on a port of the moment', async () => {
    fromElsewhere();
    const clientId = 'https://claude.ai/oauth/claude-code-client-metadata';
    await reads(await connected({ clientId, redirectUri: 'http://localhost:49152/callback' }));
    const elsewhere = authorization(at, { clientId, redirectUri: 'https://localhost.example/callback' });
    const refused = await at.browser().open(elsewhere.url);
    expect(refused.status).toBe(400);
    expect(refused.left).toBeUndefined();
  });
});

describe('ChatGPT', () => {
  test('asks without a scope, and reconnects with an empty one', async () => {
    const clientId = await registered({ client_name: 'ChatGPT', redirect_uris: [CHATGPT_CALLBACK] });
    const first = await connected({ clientId, redirectUri: CHATGPT_CALLBACK });
    expect(first.scope.split(' ').toSorted()).toEqual(['read:account', 'read:market']);
    const again = await connected({ clientId, redirectUri: CHATGPT_CALLBACK, scope: '' });
    expect(again.scope).toBe(first.scope);
    await reads(again);
  });

  test('names its metadata document, which prefers a key of its own and also lists none', async () => {
    fromElsewhere();
    const clientId = 'https://chatgpt.com/oauth/client.json';
    await reads(await connected({ clientId, redirectUri: CHATGPT_CALLBACK }));
  });
});

test.each(['http://localhost:8787/callback', 'https://www.cursor.com/agents/mcp/oauth/callback'])(
  'Cursor comes back to %s',
  async (redirectUri) => {
    const clientId = await registered({ client_name: 'Cursor', redirect_uris: [redirectUri] });
    await reads(await connected({ clientId, redirectUri, scope: 'read:market read:account' }));
  },
);

test('a host that writes the resource with a slash gets a token for the one without', async () => {
  const clientId = await registered({});
  approve(at, clientId);
  const slashed = `${at.resource}/`;
  const asked = authorization(at, { clientId, resource: slashed });
  const code = codeIn(await at.browser().grant(asked.url));
  const tokens = tokensOf(await exchange(at, asked, code, { resource: slashed }));
  await reads(tokens);
  await reads(tokensOf(await refresh(at, clientId, tokens.refresh, { resource: slashed })));
  const claims = JSON.parse(Buffer.from(tokens.access.split('.')[1] ?? '', 'base64url').toString()) as object;
  expect(claims).toMatchObject({ aud: at.resource, iss: at.issuer });
});

test('a host that guesses the endpoints at the root finds them', async () => {
  fromElsewhere();
  const made = await postJson(at, '/register', registration());
  expect(made.status).toBe(201);
  const clientId = String(made.body['client_id']);
  approve(at, clientId);
  const asked = authorization(at, { clientId });
  const left = await at.browser().grant(asked.url.replace('/oauth/authorize', '/authorize'));
  const answer = await postForm(at, '/token', {
    grant_type: 'authorization_code',
    code: codeIn(left),
    redirect_uri: asked.redirectUri,
    client_id: clientId,
    code_verifier: asked.verifier,
  });
  await reads(tokensOf(answer));
});

describe('a host in a browser', () => {
  const ORIGIN = 'https://claude.ai';
  const preflight = (path: string, origin: string) =>
    at.fetch(at.issuer + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,mcp-protocol-version',
      },
    });

  test('asks first, registers, exchanges and calls', async () => {
    for (const path of ['/oauth/register', '/oauth/token', '/mcp']) {
      const asked = await preflight(path, ORIGIN);
      expect(asked.status, path).toBe(204);
      expect(asked.headers.get('access-control-allow-origin'), path).toBe(ORIGIN);
      expect(asked.headers.get('access-control-allow-headers')?.toLowerCase(), path).toContain(
        'content-type',
      );
    }
    const clientId = await registered({});
    approve(at, clientId);
    const asked = authorization(at, { clientId });
    const code = codeIn(await at.browser().grant(asked.url));
    const answer = await exchange(at, asked, code, {}, { origin: ORIGIN });
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    await reads(tokensOf(answer));
  });

  test('of an origin that is not listed is told nothing', async () => {
    for (const path of ['/oauth/register', '/oauth/token', '/mcp']) {
      const asked = await preflight(path, 'https://elsewhere.example');
      expect(asked.status, path).toBe(403);
      expect(asked.headers.get('access-control-allow-origin'), path).toBeNull();
    }
  });
});

describe.each(['client_secret_basic', 'client_secret_post'] as const)(
  'a host that asks for a secret (%s)',
  (method) => {
    const proof = (clientId: string, secret: string) =>
      method === 'client_secret_post'
        ? { over: { client_secret: secret }, headers: {} }
        : {
            over: { client_id: undefined },
            headers: {
              authorization: `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64')}`,
            },
          };

    test('is given one, and gets nowhere with another or none', async () => {
      fromElsewhere();
      const made = await postJson(
        at,
        '/oauth/register',
        registration({ token_endpoint_auth_method: method }),
      );
      const { client_id: id, client_secret: secret, client_secret_expires_at: expires } = made.body;
      expect([made.status, typeof secret, expires]).toEqual([201, 'string', 0]);
      const clientId = String(id);
      approve(at, clientId);
      const asked = authorization(at, { clientId });
      const code = codeIn(await at.browser().grant(asked.url));
      for (const guess of [proof(clientId, `${String(secret)}x`), { over: {}, headers: {} }]) {
        const refused = await exchange(at, asked, code, guess.over, guess.headers);
        expect([refused.status, refused.body['error']]).toEqual([401, 'invalid_client']);
      }
      const { over, headers } = proof(clientId, String(secret));
      await reads(tokensOf(await exchange(at, asked, code, over, headers)));
    });
  },
);

test('a host that looks whether it is still known is told in JSON, and a browser in words', async () => {
  const { url } = authorization(at, { clientId: 'client_ffffffffffffffffffffffffffffffff' });
  const told = await ask(at, url, { headers: { accept: 'application/json' } });
  expect([told.status, told.body['error']]).toEqual([400, 'invalid_client']);
  for (const accept of [
    '*/*',
    'text/html,application/xhtml+xml,application/xml;q=0.9,application/json;q=0.1',
  ]) {
    const page = await ask(at, url, { headers: { accept } });
    expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
  }
});

describe('what a host is told before it is anybody', () => {
  test('is found by the challenge, in the path form and in all others', async () => {
    const { status, headers } = await rpc(at, undefined, 'tools/list');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(
      new RegExp(`^Bearer .*resource_metadata="${at.issuer}/\\.well-known/oauth-protected-resource/mcp"`),
    );
    for (const form of ['', '/mcp']) {
      const resource = await at.fetch(`${at.issuer}/.well-known/oauth-protected-resource${form}`);
      expect(await resource.json()).toMatchObject({
        resource: at.resource,
        authorization_servers: [at.issuer],
        scopes_supported: ['read:market', 'read:account'],
      });
      for (const document of ['oauth-authorization-server', 'openid-configuration']) {
        const server = await at.fetch(`${at.issuer}/.well-known/${document}${form}`);
        expect(await server.json(), document + form).toMatchObject({
          issuer: at.issuer,
          authorization_endpoint: `${at.issuer}/oauth/authorize`,
          token_endpoint: `${at.issuer}/oauth/token`,
          registration_endpoint: `${at.issuer}/oauth/register`,
          code_challenge_methods_supported: ['S256'],
          client_id_metadata_document_supported: true,
        });
      }
    }
    const other = await at.fetch(`${at.issuer}/.well-known/anything-else`);
    expect(other.status).toBe(404);
    expect(other.headers.get('content-type')).toContain('json');
  });
});
