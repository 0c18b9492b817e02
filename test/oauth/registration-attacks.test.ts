/** Registration as an attacker sends it over HTTP: each attempt is refused in the protocol's words, and nothing of it is kept. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { asked } from '../support/client-room.ts';
import type { RawAnswer } from '../support/raw-http.ts';
import { openRegistering, type Registering } from '../support/registering.ts';

let at: Registering;
beforeAll(async () => {
  at = await openRegistering();
});
afterAll(() => at.close());
/** Each attempt comes from a network of its own, so that no cap is what stops it. */
let network = 0;
const elsewhere = (): { address: string } => ({ address: `198.51.${++network >> 8}.${network & 255}` });

const clients = () => at.gate.gateway.clients;
afterEach(() => {
  for (const { clientId } of clients().list()) clients().remove(clientId, OWNER_CLI);
});

/** Refused so, with nothing kept and nothing to cache. */
function expectRefused(answer: RawAnswer, status: number, error: string): Record<string, unknown> {
  expect([answer.status, answer.json()['error']]).toEqual([status, error]);
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
  });
  expect(Object.keys(answer.json())).toEqual(['error', 'error_description']);
  expect(clients().list()).toEqual([]);
  return answer.json();
}

test('a registration that is in order is answered 201, not to be kept by any cache, and waits for the owner', async () => {
  const answer = await at.post(asked(), elsewhere());
  expect(answer.status).toBe(201);
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    pragma: 'no-cache',
    'content-type': 'application/json; charset=utf-8',
  });
  expect(answer.text).not.toContain('null');
  expect(clients().find(String(answer.json()['client_id']))).toMatchObject({
    state: 'pending',
    address: `198.51.0.${network}`,
    userAgent: 'Host/1.0',
  });
});

describe('redirect URIs', () => {
  test.each([
    ['clear text', 'http://evil.example/cb'],
    ['a host that only begins like this machine', 'http://localhost.evil.example/cb'],
    ['a page of this gateway', 'https://GATE.example/oauth/authorize'],
    ['a script', 'javascript:alert(document.cookie)'],
    ['data', 'data:text/html,<script>1</script>'],
    ['a file', 'file:///etc/passwd'],
    ['a user name', 'https://claude.ai@evil.example/cb'],
    ['a fragment', 'https://client.example/cb#access_token'],
    ['an empty fragment', 'https://client.example/cb#'],
    ['a backslash', 'https://claude.ai\\@evil.example/cb'],
    ['a wildcard', 'https://*.claude.ai/cb'],
    ['a newline at the end', 'https://client.example/cb\n'],
    ['a line break with a header', 'https://client.example/cb\r\nLocation: https://evil.example'],
    ['a host in another script', 'https://cl\u0430ude.ai/api/mcp/auth_callback'],
    ['a mark that turns the text round', 'https://client.example/\u202ebc'],
    ['a character nobody sees', 'https://claude\u200b.ai/cb'],
  ])('with %s are refused, also beside one that is in order', async (_what, uri) => {
    for (const redirect_uris of [[uri], ['https://client.example/cb', uri]])
      expectRefused(await at.post(asked({ redirect_uris }), elsewhere()), 400, 'invalid_redirect_uri');
  });

  test('in another script are taken in their xn-- form, which is what the owner is shown', async () => {
    const answer = await at.post(
      asked({ client_name: '', redirect_uris: ['https://xn--clude-5ve.ai/cb'] }),
      elsewhere(),
    );
    expect(answer.json()).toMatchObject({
      client_name: 'xn--clude-5ve.ai',
      redirect_uris: ['https://xn--clude-5ve.ai/cb'],
    });
  });
});

describe('what a client would choose for itself', () => {
  test('a forged id, secret, state or agent is dropped', async () => {
    const forged = {
      client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
      client_secret: 'mine',
      state: 'approved',
      agent: 'claude',
    };
    const body = (await at.post(asked(forged), elsewhere())).json();
    expect(body['client_id']).toMatch(/^client_[0-9a-f]{32}$/);
    expect(body).not.toHaveProperty('client_secret');
    expect(clients().list()).toMatchObject([{ kind: 'registered', state: 'pending', agent: null }]);
  });

  test('a weaker proof than there is, or none that we know, is refused and not replaced by another', async () => {
    for (const token_endpoint_auth_method of ['plain', 'NONE', 'client_secret_jwt', 'private_key_jwt'])
      expectRefused(
        await at.post(asked({ token_endpoint_auth_method }), elsewhere()),
        400,
        'invalid_client_metadata',
      );
  });

  /** What comes with the request for a token, of who has no right to one. */
  interface Proof {
    readonly authorization?: string;
    readonly client_secret?: string;
  }
  const basic = (id: string, secret: string): Proof => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });
  const WRONG = 'x'.repeat(43);
  test.each<readonly [string, string, (id: string, secret: string) => Proof]>([
    ['client_secret_basic', 'nothing', () => ({})],
    ['client_secret_basic', 'a wrong secret', (id, secret) => basic(id, `${secret.slice(1)}A`)],
    ['client_secret_basic', 'a wrong secret in the body', () => ({ client_secret: WRONG })],
    ['client_secret_post', 'nothing', () => ({})],
    ['client_secret_post', 'an empty secret', () => ({ client_secret: '' })],
    ['none', 'a secret that it does not have', () => ({ client_secret: WRONG })],
  ])(
    'a client of %s that comes with %s is invalid_client: the proof is what was registered',
    async (method, _with, prove) => {
      const made = (await at.post(asked({ token_endpoint_auth_method: method }), elsewhere())).json();
      const [id, secret] = [String(made['client_id']), String(made['client_secret'])];
      const { authorization, ...fields } = prove(id, secret);
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'x',
        client_id: id,
        ...fields,
      });
      const answer = await at.post(form.toString(), {
        ...elsewhere(),
        path: '/oauth/token',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
      expect([answer.status, answer.json()['error']]).toEqual([401, 'invalid_client']);
      expect(answer.text).not.toContain(secret);
    },
  );

  test('a name that hides or steers is shown without what hides and steers', async () => {
    const name = '\u202eedualC\u202c\u200b \u001b[2J Approved\u2066 by\u0000 owner\u2069';
    const body = (await at.post(asked({ client_name: name }), elsewhere())).json();
    expect(body['client_name']).toBe('edualC Approved by owner');
    expect(clients().list()[0]?.metadata.client_name).toBe('edualC Approved by owner');
  });
});

describe('the body', () => {
  test('of more than 8 KiB is refused before it is read', async () => {
    const big = asked({ client_name: 'x'.repeat(8 * 1_024) });
    const { error_description } = expectRefused(
      await at.post(big, elsewhere()),
      413,
      'invalid_client_metadata',
    );
    expect(error_description).toBe('A registration has at most 8 KiB.');
    expect((await at.post(asked({ client_name: 'x'.repeat(7_000) }), elsewhere())).status).toBe(201);
  });

  test.each([
    [
      'nested deeply',
      `{"redirect_uris":["https://client.example/cb"],"x":${'['.repeat(2_000)}${']'.repeat(2_000)}}`,
    ],
    ['nested deeply and left open', '{"a":'.repeat(1_500)],
    ['with a thousand fields', `{${Array.from({ length: 700 }, (_, n) => `"f${n}":0`).join(',')}}`],
    ['cut off', '{"redirect_uris":["https://client.example/cb"'],
    ['two values', '{}{}'],
    ['no JSON', 'redirect_uris=https://client.example/cb'],
    ['empty', ''],
    ['a list', '[{"redirect_uris":["https://client.example/cb"]}]'],
    ['a number', '1e999'],
    ['with a prototype', '{"__proto__":{"state":"approved"},"redirect_uris":["https://client.example/cb"]}'],
    [
      'with a constructor',
      '{"constructor":{"prototype":{"x":1}},"redirect_uris":["https://client.example/cb"]}',
    ],
  ])('%s is refused', async (_what, body) => {
    expectRefused(await at.post(body, elsewhere()), 400, 'invalid_client_metadata');
  });

  test.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/json-patch+json',
  ])('that is called %s is refused', async (type) => {
    const answer = await at.post(JSON.stringify(asked()), {
      ...elsewhere(),
      headers: { 'content-type': type },
    });
    expectRefused(answer, 400, 'invalid_client_metadata');
  });

  test('with a field twice is read once, the last of them, and what was read is what is kept', async () => {
    const twice = (first: string, last: string) =>
      `{"redirect_uris":["${first}"],"client_name":"A","redirect_uris":["${last}"],"client_name":"B","token_endpoint_auth_method":"none"}`;
    const [good, bad] = ['https://client.example/cb', 'http://evil.example/cb'];
    expectRefused(await at.post(twice(good, bad), elsewhere()), 400, 'invalid_redirect_uri');
    const body = (await at.post(twice(bad, good), elsewhere())).json();
    expect(body).toMatchObject({ client_name: 'B', redirect_uris: [good] });
    expect(clients().known.payload(String(body['client_id']))).toMatchObject({
      client_name: 'B',
      redirect_uris: [good],
    });
  });
});

describe('the path', () => {
  test.each([
    '/oauth/Register',
    '/OAUTH/REGISTER',
    '/Register',
    '/oauth/register/',
    '/register/',
    '//oauth/register',
    '/oauth//register',
    '/oauth/./register',
    '/oauth/x/../register',
    '/oauth/register%2f',
    '/oauth/register;x',
    '/oauth/register%00',
    '/oauth\\register',
    '/oauth/register/client_x',
    '/oauth/reg',
    '/reg',
    '/mcp/register',
  ])('%s is not there', async (path) => {
    const answer = await at.post(asked(), { ...elsewhere(), path });
    expect(answer.status).toBe(404);
    expect(clients().list()).toEqual([]);
  });

  test.each(['/oauth/register', '/register', '/oauth/%72egister', '/oauth/register?state=approved'])(
    '%s is the same door: the same cap counts for all of its names',
    async (path) => {
      const from = elsewhere();
      for (let n = 0; n < 8; n++) expect((await at.post(asked(), { ...from, path })).status).toBe(201);
      expect((await at.post(asked(), { ...from, path: '/oauth/register' })).status).toBe(429);
    },
  );

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])(
    '%s is no way to register, read or change a client',
    async (method) => {
      const { client_id: clientId } = (await at.post(asked(), elsewhere())).json();
      const answer = await at.post(undefined, { ...elsewhere(), method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
      expect(
        (await at.post(undefined, { ...elsewhere(), method, path: `/oauth/register/${String(clientId)}` }))
          .status,
      ).toBe(404);
    },
  );
});

describe('who sends it', () => {
  test('one address too often is answered 429, with how long to wait, whatever it says of itself', async () => {
    const from = elsewhere();
    for (let n = 0; n < 8; n++)
      expect((await at.post(asked({ client_name: `n${n}` }), from)).status).toBe(201);
    const answer = await at.post(asked(), {
      ...from,
      headers: { 'user-agent': 'another', forwarded: 'for=192.0.2.1', 'x-real-ip': '192.0.2.1' },
    });
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('3600');
    expect(answer.json()).toMatchObject({ error: 'too_many_requests' });
    expect((await at.post(asked(), elsewhere())).status).toBe(201);
  });

  test('an address that is written before the one of the proxy counts for nothing', async () => {
    const { address } = elsewhere();
    const pretending = (n: number) => at.post(asked(), { address: `192.0.2.${n}, ${address}` });
    for (let n = 0; n < 8; n++) expect((await pretending(n)).status).toBe(201);
    expect((await pretending(9)).status).toBe(429);
  });

  test('under another Host, or from a page of another origin, reaches no registration', async () => {
    expect((await at.post(asked(), { ...elsewhere(), headers: { host: 'evil.example' } })).status).toBe(421);
    expect(
      (await at.post(asked(), { ...elsewhere(), headers: { origin: 'https://evil.example' } })).status,
    ).toBe(403);
    expect(clients().list()).toEqual([]);
  });
});

test('while the gateway is halted nobody registers', async () => {
  const { access, store } = at.gate.gateway;
  store.transaction(() => access.setGatewayState('HALTED', 'kill switch'));
  expectRefused(await at.post(asked(), elsewhere()), 503, 'temporarily_unavailable');
  store.transaction(() => access.setGatewayState('ACTIVE', 'resumed'));
  expect((await at.post(asked(), elsewhere())).status).toBe(201);
});

test('while the disk takes nothing nobody registers, and is told to come later', async () => {
  const { db } = at.gate.gateway.store;
  db.pragma('query_only = ON');
  const answer = await at.post(asked(), elsewhere());
  db.pragma('query_only = OFF');
  expectRefused(answer, 503, 'temporarily_unavailable');
  expect((await at.post(asked(), elsewhere())).status).toBe(201);
});

test('no body of all of these is in the log, and no secret is in it or on the record', async () => {
  const { client_secret: secret } = (
    await at.post(asked({ token_endpoint_auth_method: 'client_secret_post' }), elsewhere())
  ).json();
  expect(secret).toMatch(/^[\w-]{43}$/);
  const { audit, store } = at.gate.gateway;
  audit.flush();
  const record = store.db.prepare('SELECT line FROM audit').pluck().all().join('\n');
  for (const text of [at.gate.logged.join('\n'), record]) {
    expect(text).not.toContain(String(secret));
    expect(text).not.toContain('alert(document.cookie)');
  }
});
