/** The token endpoint as an attacker calls it: every attempt is refused in exact words, and what it tried to use is as good as before. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { comeFromElsewhere, openAttacked } from '../support/authorize-attack.ts';
import { send } from '../support/raw-http.ts';
import {
  type Answer,
  ask,
  CALLBACK,
  callTool,
  exchange,
  form,
  type Parameters,
  postForm,
  refresh,
  tokensOf,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { coded, errorIn, granted, makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openAttacked();
});
afterAll(() => at.close());
beforeEach(() => comeFromElsewhere(at));

const FORM = 'application/x-www-form-urlencoded';
const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
const posted = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  ask(at, '/oauth/token', { method: 'POST', body, headers: { 'content-type': FORM, ...headers } });

/** RFC 6749, 5.2: JSON that no cache keeps, an error of the list, and no token. */
function expectRefused(answer: Answer, error: string): void {
  expect(errorIn(answer)).toBe(error);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  expect(
    Object.keys(answer.body).filter((name) => !/^(error|error_description|scope|iss)$/.test(name)),
  ).toEqual([]);
}

describe('who a client is', () => {
  test('a confidential client is nobody without its secret, by no way of leaving it out', async () => {
    const { clientId, secret = '' } = makeClient(at, { confidential: true });
    const other = makeClient(at, { confidential: true });
    const { asked, code } = await coded(at, clientId);
    const ways: readonly (readonly [string, Parameters, Readonly<Record<string, string>>])[] = [
      ['401 invalid_client', {}, {}],
      ['401 invalid_client', { client_secret: '' }, {}],
      ['401 invalid_client', { client_secret: 'undefined' }, {}],
      ['401 invalid_client', { client_secret: `${secret} ` }, {}],
      ['401 invalid_client', { client_secret: secret.slice(0, -1) }, {}],
      ['401 invalid_client', { client_secret: other.secret }, {}],
      ['401 invalid_client', { client_assertion: 'eyJhbGciOiJub25lIn0.e30.' }, {}],
      ['401 invalid_client', {}, { authorization: basic(clientId, 'guess') }],
      ['400 invalid_request', {}, { authorization: basic(clientId, '') }],
      ['400 invalid_request', {}, { authorization: basic(other.clientId, other.secret ?? '') }],
      ['400 invalid_request', {}, { authorization: `Bearer ${secret}` }],
      ['400 invalid_request', {}, { authorization: 'Basic !!!' }],
      ['400 invalid_request', {}, { authorization: 'Basic' }],
      ['400 invalid_request', { client_secret: secret }, { authorization: basic(clientId, secret) }],
      ['401 invalid_client', {}, { 'x-client-cert': 'x', 'ssl-client-verify': 'SUCCESS' }],
      ['400 invalid_request', { client_id: undefined }, {}],
    ];
    for (const [error, over, headers] of ways)
      expectRefused(await exchange(at, asked, code, over, headers), error);
    // And none of that used the code up.
    const honest = await exchange(
      at,
      asked,
      code,
      { client_id: undefined },
      { authorization: basic(clientId, secret) },
    );
    expect(tokensOf(honest).scope).toBe('read:market');
  });

  test('a refresh token of a confidential client is worth nothing without its secret: no downgrade', async () => {
    const { clientId, secret } = makeClient(at, { confidential: true });
    const { asked, code } = await coded(at, clientId);
    const first = tokensOf(await exchange(at, asked, code, { client_secret: secret }));
    expectRefused(await refresh(at, clientId, first.refresh), '401 invalid_client');
    expectRefused(await refresh(at, makeClient(at).clientId, first.refresh), '400 invalid_grant');
    expect(tokensOf(await refresh(at, clientId, first.refresh, { client_secret: secret })).access).not.toBe(
      '',
    );
  });

  test('a public client can not come with a secret, and is not let in by one', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    expectRefused(await exchange(at, asked, code, { client_secret: 'mine' }), '401 invalid_client');
    expectRefused(
      await exchange(at, asked, code, {}, { authorization: basic(clientId, 'mine') }),
      '401 invalid_client',
    );
    expect(tokensOf(await exchange(at, asked, code)).access).not.toBe('');
  });

  test('in the query it is nobody: only the body counts', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const parameters = form({
      grant_type: 'authorization_code',
      code,
      redirect_uri: asked.redirectUri,
      client_id: clientId,
      code_verifier: asked.verifier,
    }).toString();
    expectRefused(await postForm(at, `/oauth/token?${parameters}`, {}), '400 invalid_request');
    expectRefused(
      await postForm(at, `/oauth/token?client_id=${clientId}`, { grant_type: 'refresh_token' }),
      '400 invalid_request',
    );
    const answer = await ask(at, `/oauth/token?${parameters}`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect(tokensOf(await exchange(at, asked, code)).access).not.toBe('');
  });
});

describe('what the body is', () => {
  test('another type or coding is no form, and its code is as good as before', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      client_id: clientId,
      code_verifier: asked.verifier,
    };
    const body = form(fields).toString();
    const types = [
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      `${FORM}-evil`,
      'application/x-www-form-urlencoded+json',
    ];
    expectRefused(await posted(body, { 'content-type': `${FORM}, application/json` }), '415 invalid_request');
    for (const type of types)
      expectRefused(
        await posted(type === 'application/json' ? JSON.stringify(fields) : body, { 'content-type': type }),
        '400 invalid_request',
      );
    for (const [coding, packed] of [
      ['gzip', gzipSync(body)],
      ['br', brotliCompressSync(body)],
    ] as const)
      expectRefused(
        await posted(packed.toString('latin1'), { 'content-encoding': coding }),
        '400 invalid_request',
      );
    expect(tokensOf(await exchange(at, asked, code)).access).not.toBe('');
  });

  test.each(['client_id', 'grant_type', 'code', 'redirect_uri', 'code_verifier'])(
    '%s twice is refused, the same or another, and the code is as good as before',
    async (name) => {
      const { clientId } = makeClient(at);
      const { asked, code } = await coded(at, clientId);
      const honest = form({
        grant_type: 'authorization_code',
        code,
        redirect_uri: CALLBACK,
        client_id: clientId,
        code_verifier: asked.verifier,
      });
      const text = honest.toString();
      for (const second of [honest.get(name) ?? '', 'planted'])
        for (const body of [
          `${text}&${name}=${encodeURIComponent(second)}`,
          `${name}=${encodeURIComponent(second)}&${text}`,
        ])
          expectRefused(await posted(body), '400 invalid_request');
      expect(tokensOf(await exchange(at, asked, code)).access).not.toBe('');
    },
  );

  test('a foreign resource beside or instead of ours gives no token', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    for (const resource of ['https://evil.example/mcp', `${at.resource}x`, at.issuer, 'x'])
      expectRefused(await exchange(at, asked, code, { resource }), '400 invalid_target');
  });

  test('names that programs treat in their own way count for nothing', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const honest = form({
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      client_id: clientId,
      code_verifier: asked.verifier,
    });
    const odd =
      'code[]=x&__proto__=x&constructor=x&__proto__[clientId]=x&scope=write%3Aorders&account=root&sub=root';
    const tokens = tokensOf(await posted(`${honest.toString()}&${odd}`));
    expect(tokens.scope).toBe('read:market');
  });

  test('that is too large is refused before anybody reads it', async () => {
    const answer = await posted(`grant_type=refresh_token&refresh_token=${'x'.repeat(17 * 1_024)}`);
    expectRefused(answer, '413 invalid_request');
    expect(answer.body['error_description']).toBe(
      'The body could not be read: send a form of at most 16 KiB.',
    );
    const { clientId } = makeClient(at);
    for (const token of ['x'.repeat(15_000), '\0', '%00', '*', '_', "' OR '1'='1", '\u{1f40e}', '../../x'])
      expectRefused(await refresh(at, clientId, token), '400 invalid_grant');
  });
});

test.each([
  'password',
  'client_credentials',
  'implicit',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:saml2-bearer',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:pre-authorized_code',
  'Authorization_Code',
  'authorization_code ',
  '__proto__',
])('grant_type %s is none of ours', async (grant_type) => {
  const { clientId } = makeClient(at);
  const answer = await postForm(at, '/oauth/token', {
    grant_type,
    client_id: clientId,
    username: at.owner.name,
    password: at.owner.passphrase,
    assertion: 'x',
    scope: 'read:market',
  });
  expectRefused(answer, '400 unsupported_grant_type');
  expect(answer.text).not.toContain(at.owner.passphrase);
});

describe('one thing in the place of another', () => {
  test('a code is no refresh token, a refresh token no code, and an access token neither', async () => {
    const { clientId, access, refresh: token } = await granted(at);
    const { asked, code } = await coded(at, clientId);
    expectRefused(await refresh(at, clientId, code), '400 invalid_grant');
    expectRefused(await refresh(at, clientId, access), '400 invalid_grant');
    expectRefused(await exchange(at, asked, token), '400 invalid_grant');
    expectRefused(await exchange(at, asked, access), '400 invalid_grant');
    for (const bearer of [code, token]) expect((await callTool(at, bearer, 'get_quotes')).status).toBe(401);
    // All are as good as before.
    expect(tokensOf(await exchange(at, asked, code)).access).not.toBe('');
    expect(tokensOf(await refresh(at, clientId, token)).access).not.toBe('');
    expect((await callTool(at, access, 'get_quotes', { symbols: ['SPX'] })).status).toBe(200);
  });

  test('what another gateway gave opens nothing here: code, refresh token, access token', async () => {
    const other = await openRemoteGateway();
    try {
      const theirs = await granted(other);
      const { asked, code } = await coded(other, theirs.clientId);
      const { clientId } = makeClient(at);
      expectRefused(await exchange(at, { ...asked, clientId }, code), '400 invalid_grant');
      expectRefused(await exchange(at, asked, code), '401 invalid_client');
      expectRefused(await refresh(at, clientId, theirs.refresh), '400 invalid_grant');
      const answer = await callTool(at, theirs.access, 'get_quotes', { symbols: ['SPX'] });
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
        401,
        `Bearer error="invalid_token", resource_metadata="${at.issuer}/.well-known/oauth-protected-resource/mcp", scope="read:market read:account"`,
      ]);
    } finally {
      await other.close();
    }
  });
});

describe('a token in the hands of a thief', () => {
  test('who refreshes with a read-only token within its minute is found out by the next use of the stolen one', async () => {
    const { clientId, refresh: stolen } = await granted(at);
    const mine = tokensOf(await refresh(at, clientId, stolen));
    const theirs = tokensOf(await refresh(at, clientId, stolen));
    const next = tokensOf(await refresh(at, clientId, mine.refresh));
    expectRefused(await refresh(at, clientId, stolen), '400 invalid_grant');
    for (const token of [next.refresh, theirs.refresh])
      expectRefused(await refresh(at, clientId, token), '400 invalid_grant');
    for (const { access } of [mine, theirs, next])
      expect((await callTool(at, access, 'get_quotes', { symbols: ['SPX'] })).status).toBe(401);
  });

  test('revoking: with a foreign client, a foreign token or a JWT nothing ends, and nothing is told', async () => {
    const { clientId, access, refresh: token } = await granted(at);
    const revoke = (over: Parameters): Promise<Answer> =>
      postForm(at, '/oauth/revoke', { client_id: clientId, token, ...over });
    const others = [
      await revoke({ client_id: makeClient(at).clientId }),
      await revoke({ token: 'never-was' }),
      await revoke({ token: 'never-was', token_type_hint: 'refresh_token' }),
    ];
    for (const { status, text } of others) expect([status, text]).toEqual([200, '']);
    expect(errorIn(await revoke({ token: access }))).toBe('400 unsupported_token_type');
    expect(errorIn(await revoke({ client_id: 'nobody' }))).toBe('401 invalid_client');
    expect(errorIn(await revoke({ token: undefined }))).toBe('400 invalid_request');
    expect((await callTool(at, access, 'get_quotes', { symbols: ['SPX'] })).status).toBe(200);
    expect(tokensOf(await refresh(at, clientId, token)).access).not.toBe('');
  });
});

test('two requests in one: what follows the length of a body is another request, and no part of the first', async () => {
  const port = Number(at.gateway.url()?.split(':').at(-1));
  const head = { host: 'gate.example.test', 'content-type': FORM, 'x-forwarded-for': '203.0.113.9' };
  const both = await send({
    port,
    method: 'POST',
    path: '/oauth/token',
    headers: { ...head, 'content-length': '4', 'transfer-encoding': 'chunked' },
    body: '0\r\n\r\n',
  }).catch(() => ({ status: 400 }));
  expect(both.status).toBe(400);
});
