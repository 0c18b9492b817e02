/** OAuth's endpoints under whatever a stranger may send: no answer is a fault, a token, or a way to an address that nobody registered. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAttacked, PUBLIC_HOST } from '../support/authorize-attack.ts';
import { type RawAnswer, send } from '../support/raw-http.ts';
import { authorization, CALLBACK, pkce } from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';
import { makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
let clientId: string;
beforeAll(async () => {
  at = await openAttacked();
  ({ clientId } = makeClient(at));
});
afterAll(() => at.close());

const NASTY = [
  '',
  ' ',
  '\0',
  '\r\n',
  '%',
  '%00',
  '%zz',
  '../..',
  '[]',
  '{}',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e999',
  'true',
  '\ud800',
  '\u202e',
  '\u200b',
  '\u{1f40e}',
  "'",
  '"',
  '<x>',
  '${7*7}',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'https://evil.example/',
  '//evil.example',
  'javascript:alert(1)',
  'data:,x',
  'urn:x',
  'http://[::1',
  'http://127.0.0.1:x/',
  'x'.repeat(2_000),
  'a b c d e',
  'read:market',
  'write:orders',
  'openid offline_access',
  'S256',
  'plain',
  'code',
  'none',
  'query',
];
const NAMES = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'resource',
  'request',
  'request_uri',
  'registration',
  'claims',
  'max_age',
  'id_token_hint',
  'grant_type',
  'code',
  'code_verifier',
  'refresh_token',
  'client_secret',
  'token',
  'token_type_hint',
  '__proto__',
  'constructor',
  'x[]',
  'x[a]',
  '',
];
const value = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }));
const pairs = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 6 });
const headers = fc.dictionary(
  fc.constantFrom(
    'authorization',
    'cookie',
    'dpop',
    'oauth-client-attestation',
    'accept',
    'user-agent',
    'x-forwarded-host',
    'content-type',
  ),
  fc.oneof(
    fc.constantFrom(
      'Basic',
      'Basic Og==',
      'Basic %%%',
      'Bearer x',
      'pcl_oauth_session=x; pcl_oauth_page=x; pcl_oauth_resume=x',
      'application/json',
      'application/x-www-form-urlencoded',
      '*/*',
      'a.b.c',
    ),
    fc.stringMatching(/^[\x21-\x7e]{1,60}$/),
  ),
  { maxKeys: 3 },
);
/** An honest request, some of it replaced, doubled or left out. */
const mangled = (honest: Readonly<Record<string, string>>) =>
  fc.tuple(fc.subarray(Object.keys(honest)), pairs, fc.boolean()).map(([kept, more, first]) => {
    const own = kept.map((name): [string, string] => [name, honest[name] ?? '']);
    return new URLSearchParams(first ? [...more, ...own] : [...own, ...more]).toString();
  });

function expectHarmless(answer: RawAnswer): void {
  expect(answer.status).toBeLessThan(500);
  expect(answer.text).not.toMatch(/oops|SQLITE|at \w+ \(|node_modules|access_token"/);
  const { location } = answer.headers;
  if (location === undefined || location.startsWith('/oauth/interaction/')) return;
  const to = new URL(location);
  expect(to.origin + to.pathname).toBe(CALLBACK);
  expect([to.searchParams.has('code'), to.searchParams.has('error') || to.hash.includes('error=')]).toEqual([
    false,
    true,
  ]);
}

test('authorize, token, revoke and what continues a request stand whatever is sent', {
  timeout: 120_000,
}, async () => {
  const { verifier } = pkce();
  const asked = Object.fromEntries(new URL(authorization(at, { clientId }).url).searchParams);
  const port = Number(at.gateway.url()?.split(':').at(-1));
  let address = 0;
  const ask = (
    method: string,
    path: string,
    more: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<RawAnswer> =>
    send({
      port,
      method,
      path,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...more,
        host: PUBLIC_HOST,
        // Open requests are counted by network, and everything by address.
        'x-forwarded-for': `2001:db8:0:${(++address).toString(16)}::1`,
        'x-forwarded-proto': 'https',
      },
      ...(body === undefined ? {} : { body }),
    });
  const exchanging = {
    grant_type: 'authorization_code',
    code: 'x',
    redirect_uri: CALLBACK,
    client_id: clientId,
    code_verifier: verifier,
  };
  const refreshing = { grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId };
  await fc.assert(
    fc.asyncProperty(
      mangled(asked),
      fc.oneof(mangled(exchanging), mangled(refreshing), value),
      headers,
      fc.stringMatching(/^[\w%.~-]{0,60}$/),
      async (query, body, head, uid) => {
        expectHarmless(await ask('GET', `/oauth/authorize?${query}`, head));
        expectHarmless(await ask('GET', `/oauth/authorize/${uid}?${query}`, head));
        expectHarmless(await ask('GET', `/oauth/interaction/${uid}`, head));
        expectHarmless(await ask('POST', '/oauth/token', head, body));
        expectHarmless(await ask('POST', '/oauth/revoke', head, body));
        expectHarmless(await ask('POST', `/oauth/interaction/${uid}/consent`, head, body));
      },
    ),
    { numRuns: 100 },
  );
  expect(at.logged().filter((line) => /"level":(?:50|60)/.test(line))).toEqual([]);
});
