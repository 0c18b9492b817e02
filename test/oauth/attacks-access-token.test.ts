/** Access tokens at /mcp as a forger sends them, and secrets as who measures guesses them: 401 in the words that hosts go by, and nothing else. */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import type { RawAnswer } from '../support/raw-http.ts';
import { openTokenGateway, type TokenGateway } from '../support/token-gateway.ts';
import { claimsOf, PUBLIC_URL, type TokenClaims } from '../support/tokens.ts';

let gate: TokenGateway;
let grantId: string;
beforeAll(async () => {
  gate = await openTokenGateway();
  grantId = gate.grant(gate.client());
});
afterAll(() => gate.close());

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = (over: TokenClaims = {}): TokenClaims => {
  const grant = gate.gateway.grants.find(grantId);
  if (!grant) throw new Error('no grant');
  return { ...claimsOf(grant, gate.gateway.access.wall()), ...over };
};
const jwk = (): Readonly<Record<string, unknown>> => gate.gateway.console.remote.signing?.jwks()[0] ?? {};
const kid = (): string => String(jwk()['kid']);
const signedBy = (key: KeyObject, header: TokenClaims, over: TokenClaims = {}): string => {
  const content = `${part({ alg: 'RS256', typ: 'at+jwt', kid: kid(), ...header })}.${part(claims(over))}`;
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
};
const nowSeconds = (): number => Math.floor(gate.clock.wallMs() / 1_000);
const forger = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ourPem = (): string =>
  createPublicKey({ key: { ...jwk() }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
const hmac = (alg: string, secret: string | Buffer): string => {
  const content = `${part({ alg, typ: 'at+jwt', kid: kid() })}.${part(claims())}`;
  return `${content}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(content)
    .digest('base64url')}`;
};
const call = (bearer: string): Promise<RawAnswer> => gate.callTool(bearer, 'get_mandate');

const CHALLENGE = `Bearer error="invalid_token", resource_metadata="${PUBLIC_URL.origin}/.well-known/oauth-protected-resource/mcp", scope="read:market read:account write:orders"`;
/** RFC 6750, 3.1; with no word of the token and none on what was wrong with it. */
function expectUnknown(answer: RawAnswer, token: string): void {
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, CHALLENGE]);
  expect(answer.json()['error']).toMatchObject({ code: -32_001, data: { reason: 'unauthenticated' } });
  for (const piece of token.split('.').filter(({ length }) => length > 8))
    expect(answer.text).not.toContain(piece);
}

test('the token that all of these are made from is a good one', async () => {
  expect((await call(gate.token(grantId))).status).toBe(200);
});

describe('a forged token', () => {
  const FORGED: readonly (readonly [string, () => string])[] = [
    ['aud: another resource', () => gate.token(grantId, { aud: 'https://other.example/mcp' })],
    [
      'aud: ours among others',
      () => gate.token(grantId, { aud: [`${PUBLIC_URL.origin}/mcp`, 'https://other.example'] }),
    ],
    ['aud: our origin', () => gate.token(grantId, { aud: PUBLIC_URL.origin })],
    ['aud: none', () => gate.token(grantId, { aud: undefined })],
    ['iss: another', () => gate.token(grantId, { iss: 'https://other.example' })],
    ['iss: ours with a slash', () => gate.token(grantId, { iss: `${PUBLIC_URL.origin}/` })],
    ['exp: a second ago', () => gate.token(grantId, { iat: nowSeconds() - 900, exp: nowSeconds() - 1 })],
    ['exp: never', () => gate.token(grantId, { exp: undefined })],
    ['exp: in a hundred years', () => gate.token(grantId, { exp: 4_900_000_000 })],
    ['client_id: another', () => gate.token(grantId, { client_id: 'x' })],
    ['alg none', () => `${part({ alg: 'none', typ: 'at+jwt', kid: kid() })}.${part(claims())}.`],
    [
      'alg None with a signature',
      () => `${part({ alg: 'None', typ: 'at+jwt', kid: kid() })}.${part(claims())}.AA`,
    ],
    ['HS256 with the public key', () => hmac('HS256', ourPem())],
    ['HS256 with the modulus', () => hmac('HS256', Buffer.from(String(jwk()['n']), 'base64url'))],
    ['HS512 with nothing', () => hmac('HS512', '')],
    ['a foreign key under our kid', () => signedBy(forger.privateKey, {})],
    [
      'jwk: a key of its own',
      () => signedBy(forger.privateKey, { jwk: forger.publicKey.export({ format: 'jwk' }) }),
    ],
    ['x5c: a certificate of its own', () => signedBy(forger.privateKey, { x5c: ['MIIB'] })],
    ['kid: a path', () => signedBy(forger.privateKey, { kid: '../../../../dev/null' })],
    ['kid: a name of objects', () => signedBy(forger.privateKey, { kid: '__proto__' })],
    ['kid: SQL', () => signedBy(forger.privateKey, { kid: "x' UNION SELECT 'y" })],
    ['kid: none', () => signedBy(forger.privateKey, { kid: undefined })],
    ['crit and b64', () => signedBy(forger.privateKey, { crit: ['b64'], b64: false })],
    ['zip', () => signedBy(forger.privateKey, { zip: 'DEF' })],
    ['typ: an ID token', () => signedBy(forger.privateKey, { typ: 'JWT' })],
    ['typ: application/at+jwt', () => signedBy(forger.privateKey, { typ: 'application/at+jwt' })],
    ['encrypted', () => `${part({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.AA.AA.AA.AA`],
    ['nested', () => `${part({ alg: 'RS256', cty: 'JWT', kid: kid() })}.${part(claims())}.AA`],
    ['two tokens in one', () => `${gate.token(grantId)}.${gate.token(grantId)}`],
    ['padded', () => `${gate.token(grantId)}==`],
    ['a token and a word', () => `${gate.token(grantId)},x`],
    ['4 KiB and more', () => gate.token(grantId, { more: 'x'.repeat(4_096) })],
  ];
  test.each(FORGED)('%s: 401', async (_what, forge) => {
    const token = forge();
    const answer = await call(token);
    // Longer than any of ours it is not even looked at.
    if (token.length > 4_096) expect(answer.status).toBe(401);
    else expectUnknown(answer, token);
  });

  test('jku, x5u: an address of its own is never asked', async () => {
    let asked = 0;
    const server = createServer((_request, response) => response.end());
    server.on('connection', () => asked++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    for (const header of [{ jku: url }, { x5u: url }, { jku: url, kid: 'mine' }]) {
      const token = signedBy(forger.privateKey, header);
      expectUnknown(await call(token), token);
    }
    await new Promise((resolve) => server.close(resolve));
    expect(asked).toBe(0);
  });

  test('unknown gid: signed by our key, for a grant that is in no ledger, as of a gateway restored twice', async () => {
    const { grants } = gate.gateway;
    const found = grants.find(grantId);
    const restored = gate.token(grantId, { gid: 'f'.repeat(43) });
    expect(found).toBeDefined();
    const answer = await call(restored);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, CHALLENGE]);
    expect(answer.json()['error']).toMatchObject({ data: { reason: 'credential_revoked' } });
  });

  test('more scopes than were granted: those of the ledger count', async () => {
    const reader = gate.grant(gate.client('reader', ['read:market']), ['read:market']);
    const token = gate.token(reader, { scope: 'read:market read:account write:orders' });
    const answer = await call(token);
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer error="insufficient_scope", scope="read:market read:account"/,
    );
  });
});

test('in the query string, in the body or in a cookie a good token is not looked at', async () => {
  const token = gate.token(grantId);
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', access_token: token };
  for (const o of [
    { path: `/mcp?access_token=${token}`, body },
    { path: `/mcp?token=${token}`, body },
    { body, headers: { cookie: `access_token=${token}; pcl_oauth_session=${token}` } },
    { body, headers: { 'x-access-token': token, 'proxy-authorization': `Bearer ${token}` } },
    { body, headers: { authorization: `Basic ${token}` } },
    { body, headers: { authorization: `DPoP ${token}` } },
    { body, headers: { authorization: token } },
  ]) {
    const answer = await gate.ask(o);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(CHALLENGE.replace('error="invalid_token", ', ''));
    expect(answer.text).not.toContain(token);
  }
});

test('timing of secrets: nobody’s, a public client’s and a wrong one cost the same', () => {
  const { clients } = gate.gateway;
  const made = clients.createStatic({
    name: 'Script',
    redirectUris: ['http://127.0.0.1/callback'],
    agent: 'script',
    scopes: ['read:market'],
    confidential: true,
    by: OWNER_CLI,
  });
  if (!made.ok) throw new Error(made.error.detail);
  const { secret, client } = made.value;
  if (secret === null) throw new Error('no secret');
  const last = secret.endsWith('A') ? 'B' : 'A';
  const guesses: readonly (readonly [string, string])[] = [
    ['client_nobody', secret],
    [gate.client('public'), secret],
    [client.clientId, secret.slice(0, -1) + last],
    [client.clientId, `${last}${secret.slice(1)}`],
  ];
  const ROUNDS = 40;
  const fastest = guesses.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++)
    guesses.forEach(([id, guess], kind) => {
      const startedMs = performance.now();
      for (let n = 0; n < 200; n++) if (clients.known.secretMatches(id, guess)) throw new Error('let in');
      fastest[kind] = Math.min(fastest[kind] ?? Number.POSITIVE_INFINITY, performance.now() - startedMs);
    });
  // An answer without a hash would be a fraction of one with it; what a hash hides needs no clock.
  expect(Math.max(...fastest) / Math.min(...fastest), JSON.stringify(fastest)).toBeLessThan(2.5);
  expect(clients.known.secretMatches(client.clientId, secret)).toBe(true);
});
