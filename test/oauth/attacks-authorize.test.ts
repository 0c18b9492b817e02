/** The authorization endpoint as an attacker asks it: mix-up, no PKCE, what is not spoken here, and parameters that come twice. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  comeFromElsewhere,
  expectPage,
  expectTold,
  forgetAll,
  madeFor,
  openAttacked,
  queryOf,
  rows,
  visit,
} from '../support/authorize-attack.ts';
import {
  ask,
  authorization,
  CALLBACK,
  codeIn,
  exchange,
  type Parameters,
  tokensOf,
} from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';
import { makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openAttacked();
});
afterAll(() => at.close());
beforeEach(() => comeFromElsewhere(at));
afterEach(() => forgetAll(at));

describe('mix-up', () => {
  test('iss is on success, and is that of the metadata: a client knows whose answer it holds', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    const left = await at.browser().grant(asked.url);
    expect(left.searchParams.getAll('iss')).toEqual([at.issuer]);
    const { body } = await ask(at, '/.well-known/oauth-authorization-server');
    expect(body).toMatchObject({ issuer: at.issuer, authorization_response_iss_parameter_supported: true });
    expect(tokensOf(await exchange(at, asked, codeIn(left))).access).not.toBe('');
  });

  test('iss is on every error that a client is told, and nobody sets another', async () => {
    const asked = authorization(at, {
      clientId: makeClient(at).clientId,
      over: { iss: 'https://evil.example', prompt: 'none' },
    });
    const answer = await ask(at, asked.url);
    expectTold(at, answer, asked, 'login_required');
    const to = new URL(answer.headers.get('location') ?? '');
    expect(to.searchParams.getAll('iss')).toEqual([at.issuer]);
  });

  test('iss, code and state that stand in a redirect URI are replaced, never doubled', async () => {
    const redirectUri = `${CALLBACK}?iss=https://evil.example&code=planted&state=planted&tenant=7`;
    const asked = authorization(at, { clientId: madeFor(at, redirectUri), redirectUri });
    const { searchParams } = await at.browser().grant(asked.url);
    expect(searchParams.getAll('iss')).toEqual([at.issuer]);
    expect(searchParams.getAll('state')).toEqual([asked.state]);
    expect(searchParams.getAll('code')).toHaveLength(1);
    expect(searchParams.get('code')).not.toBe('planted');
    expect(searchParams.get('tenant')).toBe('7');
  });
});

describe('PKCE', () => {
  test.each<readonly [string, Parameters, string]>([
    [
      'none: no challenge',
      { code_challenge: undefined, code_challenge_method: undefined },
      'Authorization Server policy requires PKCE to be used for this request',
    ],
    ['plain', { code_challenge_method: 'plain' }, 'not supported value of code_challenge_method'],
    [
      'no method, which would mean plain',
      { code_challenge_method: undefined },
      'code_challenge_method must be provided',
    ],
    [
      'a method in another case',
      { code_challenge_method: 's256' },
      'not supported value of code_challenge_method',
    ],
    [
      'a method without a challenge',
      { code_challenge: undefined },
      'code_challenge must be provided with code_challenge_method',
    ],
    ['a challenge that is too short', { code_challenge: 'short' }, ''],
    ['a challenge of other characters', { code_challenge: `${'a'.repeat(42)}=` }, ''],
  ])('%s ends before any page', async (_what, over, description) => {
    const asked = authorization(at, { clientId: makeClient(at).clientId, over });
    const told = expectTold(at, await ask(at, asked.url), asked, 'invalid_request');
    if (description !== '') expect(told).toBe(description);
  });
});

describe('a parameter that comes twice', () => {
  test('redirect_uri: neither of the two is gone to', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    for (const query of [
      `${queryOf(asked)}&redirect_uri=https%3A%2F%2Fevil.example%2F`,
      `redirect_uri=https%3A%2F%2Fevil.example%2F&${queryOf(asked)}`,
      `${queryOf(asked)}&redirect_uri=${encodeURIComponent(CALLBACK)}`,
    ])
      expectPage(at, await visit(at, query), 400, 'invalid_request');
  });

  test('client_id: neither of the two is believed', async () => {
    const [mine, yours] = [makeClient(at), makeClient(at)];
    const asked = authorization(at, { clientId: mine.clientId });
    expectPage(at, await visit(at, `${queryOf(asked)}&client_id=${yours.clientId}`), 400, 'invalid_request');
    expectPage(at, await visit(at, `client_id=nobody&${queryOf(asked)}`), 400, 'invalid_request');
  });

  test.each([
    'response_type=code',
    'scope=read%3Amarket',
    'code_challenge=x',
    'code_challenge_method=S256',
    'response_mode=query&response_mode=query',
    'prompt=login&prompt=consent',
  ])('%s: the client is told, and no page opens', async (more) => {
    const asked = authorization(at, { clientId: makeClient(at).clientId, scope: 'read:market' });
    expectTold(at, await visit(at, `${queryOf(asked)}&${more}`), asked, 'invalid_request');
  });

  test('state: neither of the two is sent back', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    const answer = await visit(at, `${queryOf(asked)}&state=planted`);
    const to = new URL(answer.headers.get('location') ?? '');
    expect([to.searchParams.get('error'), to.searchParams.has('state')]).toEqual(['invalid_request', false]);
    expect(rows(at)).toBe(0);
  });

  test('in another spelling, or as a list, is another name and counts for nothing', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    const evil = encodeURIComponent('https://evil.example/');
    for (const name of [
      'Redirect_Uri',
      'redirect_uri[]',
      'redirect_uri%00',
      'redirect_uri%20',
      'redirect%5Furi2',
    ]) {
      const left = await at.browser().grant(`${asked.url}&${name}=${evil}`);
      expect(left.origin + left.pathname).toBe(CALLBACK);
    }
  });
});

describe('what is not spoken here', () => {
  test.each<readonly [string, Parameters, string]>([
    ['response_type token', { response_type: 'token' }, 'unsupported_response_type'],
    ['response_type id_token', { response_type: 'id_token', nonce: 'n' }, 'unsupported_response_type'],
    ['response_type code token', { response_type: 'code token' }, 'unsupported_response_type'],
    ['response_type none', { response_type: 'none' }, 'unsupported_response_type'],
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['response_mode fragment', { response_mode: 'fragment' }, 'unsupported_response_mode'],
    ['response_mode form_post', { response_mode: 'form_post' }, 'unsupported_response_mode'],
    ['response_mode web_message', { response_mode: 'web_message' }, 'unsupported_response_mode'],
    ['response_mode jwt', { response_mode: 'jwt' }, 'unsupported_response_mode'],
    ['response_mode query.jwt', { response_mode: 'query.jwt' }, 'unsupported_response_mode'],
    ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    ['a request_uri', { request_uri: 'https://evil.example/request' }, 'request_uri_not_supported'],
    [
      'a request_uri as of pushed requests',
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      'request_uri_not_supported',
    ],
    [
      'registration',
      { registration: '{"redirect_uris":["https://evil.example"]}' },
      'registration_not_supported',
    ],
    ['a foreign resource', { resource: 'https://evil.example/mcp' }, 'invalid_target'],
    ['our origin as the resource', { resource: 'https://gate.example.test' }, 'invalid_target'],
    ['a resource with a fragment', { resource: 'https://gate.example.test/mcp#x' }, 'invalid_target'],
    ['a resource with a user name', { resource: 'https://x@gate.example.test/mcp' }, 'invalid_target'],
  ])('%s is refused in the words of the protocol', async (_what, over, error) => {
    const asked = authorization(at, { clientId: makeClient(at).clientId, over });
    const answer = await ask(at, asked.url);
    if (over['response_type']?.includes('token')) {
      // RFC 6749, 4.2.2.1: what was meant for the fragment is told there; it is an error and nothing else.
      const to = new URL(answer.headers.get('location') ?? '');
      const told = new URLSearchParams(to.hash === '' ? to.search : to.hash.slice(1));
      expect([told.get('error'), told.has('access_token'), rows(at)]).toEqual([error, false, 0]);
      return;
    }
    expectTold(at, answer, asked, error);
  });

  test('a second resource beside ours is refused, not granted', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    const answer = await visit(at, `${queryOf(asked)}&resource=https%3A%2F%2Fevil.example%2Fmcp`);
    expectTold(at, answer, asked, 'invalid_target');
  });

  test('claims, max_age, hints, acr_values and prompt=create change nothing of what is asked', async () => {
    const asked = authorization(at, {
      clientId: makeClient(at).clientId,
      over: {
        claims: '{"id_token":{"sub":{"value":"root"}}}',
        max_age: '0',
        id_token_hint: 'eyJhbGciOiJub25lIn0.e30.',
        login_hint: '<script>alert(1)</script>',
        acr_values: 'none',
        prompt: 'create select_account',
        nonce: 'n',
        display: 'popup',
        dpop_jkt: 'x',
        authorization_details: '[{"type":"payment"}]',
        web_message_uri: 'https://evil.example',
        _method: 'POST',
        client_secret: 'x',
        code: 'x',
      },
    });
    const page = await at.browser().open(asked.url);
    expect([page.status, page.words.includes('alert')]).toEqual([200, false]);
    const stored = at.gateway.store.db.prepare(
      "SELECT payload FROM oauth_payloads WHERE kind = 'Interaction'",
    );
    const { params } = JSON.parse(String(stored.pluck().get())) as { params: Record<string, unknown> };
    expect(Object.keys(params).toSorted()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'redirect_uri',
      'resource',
      'response_type',
      'scope',
      'state',
    ]);
  });
});
