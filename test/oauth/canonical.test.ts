/** What of a request reaches the library that answers it: one origin, known parameters, and every repetition. */
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { SCOPES } from '#domain/principal.ts';
import { type Canon, canonicalPage, canonicalRequest, soleParameter } from '#oauth/canonical.ts';
import type { ProviderCall } from '#oauth/parts.ts';

const CANON: Canon = {
  issuer: 'https://gate.example',
  resource: 'https://gate.example/mcp',
  scopesEnabled: ['read:market', 'read:account'],
};
const call = (over: Partial<ProviderCall> = {}): ProviderCall => ({
  endpoint: { kind: 'authorize' },
  query: '',
  headers: {},
  body: '',
  address: '203.0.113.7',
  ...over,
});
const asked = (query: string, canon = CANON): URLSearchParams =>
  new URL(canonicalRequest(call({ query }), canon).url ?? '', canon.issuer).searchParams;

describe('where a request came in', () => {
  test('is the issuer, whatever its headers say', () => {
    const { headers, url } = canonicalRequest(
      call({
        headers: {
          host: 'evil.example',
          'x-forwarded-host': 'evil.example',
          'x-forwarded-proto': 'http',
          'x-forwarded-for': '127.0.0.1',
          forwarded: 'host=evil.example',
          origin: 'https://evil.example',
          dpop: 'x',
          authorization: 'Bearer x',
          cookie: 'a=b',
        },
      }),
      CANON,
    );
    expect(headers).toEqual({
      host: 'gate.example',
      'x-forwarded-host': 'gate.example',
      'x-forwarded-proto': 'https',
      accept: 'text/html',
      cookie: 'a=b',
    });
    expect(url).toMatch(/^\/oauth\/authorize\?/);
  });

  test('is one path for each endpoint, and what continues a request can not leave it', () => {
    const pathOf = (endpoint: ProviderCall['endpoint']) => canonicalRequest(call({ endpoint }), CANON).url;
    expect(pathOf({ kind: 'token' })).toBe('/oauth/token');
    expect(pathOf({ kind: 'jwks' })).toBe('/oauth/jwks');
    expect(pathOf({ kind: 'resume', uid: '../token?x=1' })).toBe('/oauth/authorize/..%2Ftoken%3Fx%3D1');
  });

  test('is the same for our own pages, of which only the cookie counts', () => {
    const request = { url: '/oauth/interaction/u', headers: { host: 'evil.example', cookie: 'a=b' } };
    expect(canonicalPage(request, CANON.issuer).headers).toEqual({
      host: 'gate.example',
      'x-forwarded-host': 'gate.example',
      'x-forwarded-proto': 'https',
      cookie: 'a=b',
    });
  });
});

describe('a scope', () => {
  test.each([
    ['', 'read:market read:account'],
    ['scope=', 'read:market read:account'],
    ['scope=openid%20offline_access', 'read:market read:account'],
    ['scope=write:orders', 'read:market read:account'],
    ['scope=READ:MARKET', 'read:market read:account'],
    ['scope=read:market', 'read:market'],
    ['scope=openid+read:account+claudeai', 'read:account'],
    ['scope=read:account%20read:market', 'read:market read:account'],
    ['scope=write:orders%20read:market', 'read:market'],
  ])('%s asks for %s', (query, scope) => {
    expect(asked(query).getAll('scope')).toEqual([scope]);
  });

  test('that writes is there to be asked for once it is enabled, and by default then', () => {
    const canon = { ...CANON, scopesEnabled: SCOPES };
    expect(asked('scope=write:orders', canon).get('scope')).toBe('write:orders');
    expect(asked('', canon).get('scope')).toBe(SCOPES.join(' '));
  });
});

describe('a parameter', () => {
  test('that came twice comes twice, because that is refused', () => {
    const sent = asked(
      'scope=read:market&scope=read:account&redirect_uri=https://a.example&redirect_uri=https://b.example&state=1&state=2',
    );
    expect(sent.getAll('scope')).toEqual(['read:market', 'read:account']);
    expect(sent.getAll('redirect_uri')).toEqual(['https://a.example', 'https://b.example']);
    expect(sent.getAll('state')).toEqual(['1', '2']);
  });

  test('that nobody here knows is not there', () => {
    expect([
      ...asked('claims=x&nonce=1&id_token_hint=x&max_age=0&acr_values=1&ui_locales=de&foo=1').keys(),
    ]).toEqual(['scope']);
  });

  test('of a request object is there, to be refused', () => {
    expect(asked('request=x&request_uri=y&registration=z').toString()).toMatch(
      /^request=x&request_uri=y&registration=z&/,
    );
  });

  test.each(['form_post', 'fragment', 'web_message', 'jwt', 'QUERY', ''])(
    'response_mode %j is none that we have',
    (mode) => {
      expect(asked(`response_mode=${mode}`).get('response_mode')).toBe('unsupported');
      expect(asked('response_mode=query').get('response_mode')).toBe('query');
    },
  );

  test('prompt keeps what has a meaning here', () => {
    expect(asked('prompt=select_account').has('prompt')).toBe(false);
    expect(asked('prompt=consent%20select_account').get('prompt')).toBe('consent');
    expect(asked('prompt=none').get('prompt')).toBe('none');
    expect(asked('prompt=none%20login').get('prompt')).toBe('none login');
  });
});

describe('a resource', () => {
  const resources = (value: string) => asked(`resource=${encodeURIComponent(value)}`).getAll('resource');

  test.each(['https://gate.example/mcp', 'https://gate.example/mcp/', 'HTTPS://GATE.example:443/mcp'])(
    '%s is ours',
    (given) => {
      expect(resources(given)).toEqual([CANON.resource]);
    },
  );

  test.each([
    'https://gate.example',
    'https://gate.example/mcp//',
    'https://gate.example/mcp?x',
    'https://gate.example/mcp#x',
    'https://gate.example/MCP',
    'http://gate.example/mcp',
    'https://user@gate.example/mcp',
    'https://evil.example/mcp',
    'mcp',
  ])('%s is another, and stays it', (given) => {
    expect(resources(given)).toEqual([given]);
  });

  test('that is empty is none', () => {
    expect(resources('')).toEqual([]);
  });
});

describe('a form', () => {
  const form = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    authorization: 'Basic eDp5',
  };
  const sent = async (body: string, headers: ProviderCall['headers'] = form) => {
    const request = canonicalRequest(call({ endpoint: { kind: 'token' }, body, headers }), CANON);
    return { body: await text(request), headers: request.headers };
  };

  test('arrives whole, its resource as we write it, with its true length and no cookie', async () => {
    const given = 'code=a%2Bb&code=c&resource=https%3A%2F%2Fgate.example%2Fmcp%2F&x=%F0%9F%90%8E';
    const { body, headers } = await sent(given, { ...form, cookie: 'a=b', 'content-length': '3' });
    expect(body).toBe('code=a%2Bb&code=c&resource=https%3A%2F%2Fgate.example%2Fmcp&x=%F0%9F%90%8E');
    expect(headers).toEqual({
      host: 'gate.example',
      'x-forwarded-host': 'gate.example',
      'x-forwarded-proto': 'https',
      accept: 'application/json',
      ...form,
      'content-length': String(body.length),
    });
  });

  test('that is none stays what it is', async () => {
    const { body } = await sent('{"resource":"https://gate.example/mcp/"}', {
      'content-type': 'application/json',
    });
    expect(body).toBe('{"resource":"https://gate.example/mcp/"}');
  });

  test('has one value of a name, or none', () => {
    expect(soleParameter('grant_type=refresh_token&x=1', 'grant_type')).toBe('refresh_token');
    expect(soleParameter('grant_type=refresh_token&grant_type=x', 'grant_type')).toBeUndefined();
    expect(soleParameter('', 'grant_type')).toBeUndefined();
  });
});
