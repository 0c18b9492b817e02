/** Where the authorization endpoint can be made to send somebody: to no address that was not registered, for nobody that was not approved. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import {
  comeFromElsewhere,
  expectPage,
  forgetAll,
  madeFor,
  openAttacked,
} from '../support/authorize-attack.ts';
import {
  ask,
  authorization,
  CALLBACK,
  deskOf,
  exchange,
  type Parameters,
  pkce,
  register,
} from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';
import { errorIn, makeClient } from '../support/remote-grants.ts';

const LOOPBACK = 'http://127.0.0.1/callback';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openAttacked();
});
afterAll(() => at.close());
beforeEach(() => comeFromElsewhere(at));
afterEach(() => forgetAll(at));

describe('redirect_uri', () => {
  const TRICKS: readonly (readonly [string, string])[] = [
    ['another host', 'https://evil.example/callback'],
    ['another path', `${CALLBACK}/evil`],
    ['a path that climbs', `${CALLBACK}/../evil`],
    ['a slash at the end', `${CALLBACK}/`],
    ['a query', `${CALLBACK}?next=https://evil.example`],
    ['a fragment', `${CALLBACK}#evil`],
    ['a user name', 'https://client.example@evil.example/callback'],
    ['a user name on the right host', 'https://evil@client.example/callback'],
    ['a host that begins alike', 'https://client.example.evil.example/callback'],
    ['a port of its own: https has no wildcard', 'https://client.example:8443/callback'],
    ['the port that goes without saying', 'https://client.example:443/callback'],
    ['http for https', 'http://client.example/callback'],
    ['a host in capitals', 'https://CLIENT.example/callback'],
    ['a host with a dot at the end', 'https://client.example./callback'],
    ['a letter of another script', 'https://cli\u0435nt.example/callback'],
    ['full-width letters that browsers fold', 'https://\uff43lient.example/callback'],
    ['a backslash', 'https://client.example\\@evil.example/callback'],
    ['a space before', ` ${CALLBACK}`],
    ['a newline after', `${CALLBACK}\n`],
    ['a tab inside', 'https://client.ex\tample/callback'],
    ['a null byte', `${CALLBACK}\0.evil.example`],
    ['percent-encoded letters', 'https://client.example/%63allback'],
    ['two at once', `${CALLBACK} https://evil.example/callback`],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['no address', 'callback'],
    ['nothing', ''],
  ];
  test.each(TRICKS)('with %s leads nowhere', async (_what, redirectUri) => {
    const { clientId } = makeClient(at);
    const asked = authorization(at, { clientId, over: { redirect_uri: redirectUri } });
    const error = redirectUri === '' ? 'invalid_request' : 'invalid_redirect_uri';
    expectPage(at, await ask(at, asked.url), 400, error);
  });

  test('that is not named is not guessed, even where there is only one', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId, over: { redirect_uri: undefined } });
    expectPage(at, await ask(at, asked.url), 400, 'invalid_request');
  });

  const LOOPBACK_TRICKS: readonly (readonly [string, string])[] = [
    ['a user name', 'http://127.0.0.1:7000@evil.example/callback'],
    ['a user name on loopback', 'http://evil@127.0.0.1:7000/callback'],
    ['localhost, which was not registered', 'http://localhost:7000/callback'],
    ['IPv6, which was not registered', 'http://[::1]:7000/callback'],
    ['another address of this machine', 'http://127.0.0.2:7000/callback'],
    ['an address that only begins so', 'http://127.0.0.1.evil.example:7000/callback'],
    ['the address in hexadecimal', 'http://0x7f.0.0.1:7000/callback'],
    ['the address in one number', 'http://2130706433:7000/callback'],
    ['the short form of the address', 'http://127.1:7000/callback'],
    ['a port that is none', 'http://127.0.0.1:99999/callback'],
    ['two ports', 'http://127.0.0.1:7000:80/callback'],
    ['https', 'https://127.0.0.1:7000/callback'],
    ['another path', 'http://127.0.0.1:7000/evil'],
    ['a path that climbs', 'http://127.0.0.1:7000/evil/../callback'],
    ['a query', 'http://127.0.0.1:7000/callback?x'],
    ['a fragment', 'http://127.0.0.1:7000/callback#x'],
    ['a backslash', 'http://127.0.0.1:7000\\@evil.example/callback'],
    ['a tab in the port', 'http://127.0.0.1:70\t00/callback'],
  ];
  test.each(LOOPBACK_TRICKS)(
    'on loopback, where the port is free, with %s leads nowhere',
    async (_what, uri) => {
      const asked = authorization(at, { clientId: madeFor(at, LOOPBACK), over: { redirect_uri: uri } });
      expectPage(at, await ask(at, asked.url), 400, 'invalid_redirect_uri');
    },
  );

  test('of a program is its own to the letter', async () => {
    const clientId = madeFor(at, 'com.example.app:/callback');
    for (const uri of [
      'com.example.app:/callback2',
      'com.example.app://callback',
      'COM.EXAMPLE.APP:/callback',
    ])
      expectPage(
        at,
        await ask(at, authorization(at, { clientId, over: { redirect_uri: uri } }).url),
        400,
        'invalid_redirect_uri',
      );
  });
});

describe('a client that nobody approved', () => {
  async function pending(): Promise<string> {
    const { body, status } = await register(at);
    expect(status).toBe(201);
    return String(body['client_id']);
  }
  test.each<readonly [string, Parameters]>([
    ['prompt=none', { prompt: 'none' }],
    ['a response_type that there is not', { response_type: 'token' }],
    ['a response_mode that there is not', { response_mode: 'fragment' }],
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a foreign resource', { resource: 'https://evil.example' }],
    ['a request object', { request: 'x' }],
    ['a prompt that contradicts itself', { prompt: 'none login' }],
  ])('open redirect: %s brings a page, and nobody to its address', async (_what, over) => {
    const asked = authorization(at, { clientId: await pending(), over });
    expectPage(at, await ask(at, asked.url), 403, 'unauthorized_client');
  });

  test('open redirect: nor once it was turned down', async () => {
    const clientId = await pending();
    deskOf(at).revoke(clientId, OWNER_CLI);
    const asked = authorization(at, { clientId, over: { prompt: 'none' } });
    expectPage(at, await ask(at, asked.url), 403, 'unauthorized_client');
  });

  test('an id that is nobody is a page, the same for every id, whatever else is wrong', async () => {
    const pages = new Set<string>();
    for (const clientId of [
      'client_0',
      `client_${'0'.repeat(32)}`,
      '__proto__',
      "' OR 1=1 --",
      'x'.repeat(5_000),
    ]) {
      const answer = await ask(at, authorization(at, { clientId, over: { prompt: 'none' } }).url);
      expectPage(at, answer, 400, 'invalid_client');
      pages.add(answer.text.replaceAll(/nonce(?:="|-)[^"']+/g, ''));
    }
    expect(pages.size).toBe(1);
  });
});

describe('client ID metadata documents', () => {
  test.each([
    ['SSRF: an address of this machine', (port: number) => `http://127.0.0.1:${port}/client.json`],
    ['SSRF: the same over https', (port: number) => `https://127.0.0.1:${port}/client.json`],
    ['SSRF: a name of this machine', (port: number) => `https://localhost:${port}/client.json`],
    ['SSRF: the metadata address of clouds', () => 'http://169.254.169.254/latest/meta-data/'],
    ['redirect: a document that leads on', (port: number) => `http://127.0.0.1:${port}/redirect`],
    ['oversize: a document without end', (port: number) => `http://127.0.0.1:${port}/endless`],
    ['mismatch: a pinned address with a slash', () => 'https://claude.ai/oauth/mcp-oauth-client-metadata/'],
    ['mismatch: a pinned address with a query', () => 'https://claude.ai/oauth/mcp-oauth-client-metadata?x'],
    ['mismatch: a pinned address in capitals', () => 'https://CLAUDE.ai/oauth/mcp-oauth-client-metadata'],
    ['mismatch: a pinned address over http', () => 'http://claude.ai/oauth/mcp-oauth-client-metadata'],
    ['mismatch: a pinned path elsewhere', () => 'https://evil.example/oauth/mcp-oauth-client-metadata'],
    [
      'mismatch: a pinned address as a user name',
      () => 'https://claude.ai@evil.example/oauth/mcp-oauth-client-metadata',
    ],
    ['a file', () => 'file:///etc/passwd'],
    ['data', () => 'data:application/json,{}'],
  ])('%s is nobody, and nothing is fetched', async (_what, idAt) => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    server.on('connection', () => asked.push('connection'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const clientId = idAt((server.address() as AddressInfo).port);
    try {
      expectPage(at, await ask(at, authorization(at, { clientId }).url), 400, 'invalid_client');
      expect(errorIn(await exchange(at, { clientId, redirectUri: CALLBACK, ...pkce() }, 'x'))).toBe(
        '401 invalid_client',
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(asked).toEqual([]);
    expect(deskOf(at).find(clientId)).toBeUndefined();
  });

  test('mismatch: a pinned id leads to the addresses that are pinned with it, and to no other', async () => {
    const clientId = 'https://claude.ai/oauth/mcp-oauth-client-metadata';
    for (const redirectUri of [CALLBACK, 'https://chatgpt.com/connector_platform_oauth_redirect', LOOPBACK])
      expectPage(
        at,
        await ask(at, authorization(at, { clientId, redirectUri }).url),
        400,
        'invalid_redirect_uri',
      );
  });
});
