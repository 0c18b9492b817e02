/** The pages of sign-in and consent under attack: whose form it is, who frames them, and whose browser asks. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SCOPES } from '#domain/principal.ts';
import {
  atConsent,
  atSignIn,
  grantsOf,
  post,
  refusedAndStillOpen,
  type Scene,
  signInFields,
  tokenOf,
} from '../support/consent-scene.ts';
import { CALLBACK } from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openRemoteGateway({
    host: 'gate.example.test',
    settings: { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' },
  });
});
afterAll(() => at.close());
// Open requests are counted by address, and what is refused here leaves many open.
let visitors = 0;
beforeEach(() => at.front?.comesFrom(`198.51.100.${++visitors}`));

const ALL = { scopes: [...SCOPES], expires: '30' };
const READ = { scopes: ['read:market'], expires: '30' };

describe('whose form it is', () => {
  test('CSRF: a consent without the token of its page grants nothing', async () => {
    const scene = await atConsent(at);
    await refusedAndStillOpen(at, scene, await post(at, scene, 'consent', { ...ALL, _token: '' }), 403);
  });

  test('CSRF: the token of another page grants nothing', async () => {
    const scene = await atConsent(at);
    const other = await atConsent(at);
    const answer = await post(at, scene, 'consent', { ...ALL, _token: tokenOf(other.page) });
    await refusedAndStillOpen(at, scene, answer, 403);
  });

  test.each([
    ['Origin of another site', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['Origin of another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }],
    ['Sec-Fetch-Site none', { 'sec-fetch-site': 'none' }],
    ['a cross-site form whose Origin was stripped', { origin: '', 'sec-fetch-site': 'cross-site' }],
  ])('CSRF: %s grants nothing', async (_what, headers) => {
    const scene = await atConsent(at);
    await refusedAndStillOpen(at, scene, await post(at, scene, 'consent', ALL, headers), 403);
  });

  test('CSRF: signing in and denying are held to the same', async () => {
    const scene = await atSignIn(at);
    for (const act of ['sign-in', 'deny', 'continue', 'back'])
      expect((await post(at, scene, act, signInFields(at), { origin: 'https://evil.example' })).status).toBe(
        403,
      );
    expect((await post(at, scene, 'sign-in', { ...signInFields(at), _token: 'x' })).status).toBe(403);
  });

  test('looking acts on nothing: the address of a form only leads to its page', async () => {
    const { page, browser, clientId } = await atConsent(at);
    for (const act of ['consent', 'deny', 'sign-in', 'back', 'continue']) {
      const answer = await at.fetch(
        `${page.url}/${act}?scopes=write:orders&expires=30&_token=${tokenOf(page)}`,
        {
          headers: { cookie: browser.cookies(page.url) },
        },
      );
      expect([answer.status, answer.headers.get('location')]).toEqual([303, new URL(page.url).pathname]);
    }
    expect(grantsOf(at, clientId)).toEqual([]);
  });

  test('fields that no form of ours has are refused, not ignored', async () => {
    const scene = await atConsent(at);
    const answer = await post(at, scene, 'consent', { ...READ, agent: 'local', limit: '1000000' });
    await refusedAndStillOpen(at, scene, answer, 400);
  });
});

describe('framing and what a page may load', () => {
  test('no site can frame a page, and every answer says so', async () => {
    const { page, browser } = await atConsent(at);
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    for (const dest of ['iframe', 'frame', 'embed', 'object', 'image']) {
      const framed = await at.fetch(page.url, {
        headers: {
          cookie: browser.cookies(page.url),
          'sec-fetch-site': 'cross-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': dest,
        },
      });
      expect([framed.status, await framed.text()]).toEqual([403, '']);
    }
  });

  test('the policy names what its forms may lead to, and no opener is cut off', async () => {
    const { page } = await atConsent(at);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`form-action 'self' ${new URL(CALLBACK).origin};`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(page.headers.get('referrer-policy')).toBe('same-origin');
    expect(page.headers.get('cross-origin-opener-policy')).toBeNull();
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  test('a page loads nothing but what is served beside it, and no other file is', async () => {
    const { page } = await atConsent(at);
    const loaded = [...page.html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path = '']) => path);
    expect(loaded.length).toBeGreaterThan(2);
    for (const path of loaded) {
      expect(path).toMatch(/^\/oauth\/static\//);
      expect((await at.fetch(`${at.issuer}${path}`)).status).toBe(200);
    }
    for (const name of ['console.js', 'htmx.min.js', '..%2f..%2fpackage.json', 'nothing.css'])
      expect((await at.fetch(`${at.issuer}/oauth/static/${name}`)).status, name).toBe(404);
  });

  test('cookies are read by no script, come with no request of another site, and stay on their page', async () => {
    const { asked } = await atSignIn(at);
    const answer = await at.fetch(asked.url);
    const cookies = answer.headers.getSetCookie();
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) {
      expect(cookie.toLowerCase()).toMatch(/httponly/);
      expect(cookie.toLowerCase()).toMatch(/samesite=lax/);
      // A browser lets `__Host-` have no path.
      if (!cookie.startsWith('__Host-')) expect(cookie).toMatch(/path=\/oauth/i);
    }
  });
});

describe('whose browser it is', () => {
  test("another browser's page is over, in the words of one that never was", async () => {
    const scene = await atConsent(at);
    const stranger = at.browser();
    const seen = await stranger.open(scene.page.url);
    const nothing = await stranger.open(`${at.issuer}/oauth/interaction/never-was`);
    expect([seen.status, seen.words]).toEqual([nothing.status, nothing.words]);
    expect(seen.status).toBe(404);
    expect(seen.words).not.toContain('Client');
    // With a token that fits, taken from over a shoulder.
    const answer = await post(at, { page: scene.page, browser: stranger }, 'consent', ALL);
    expect([answer.status, answer.location]).toEqual([404, null]);
    expect(grantsOf(at, scene.clientId)).toEqual([]);
  });

  test("one's own cookie opens nobody else's page", async () => {
    const [mine, yours] = [await atConsent(at), await atConsent(at)];
    const cookie = mine.browser.cookies(mine.page.url);
    const answer = await post(at, yours, 'consent', ALL, { cookie });
    expect([answer.status, answer.location]).toEqual([404, null]);
    expect(grantsOf(at, yours.clientId)).toEqual([]);
  });

  test('resuming without the cookie leads to no client', async () => {
    const scene = await atConsent(at);
    const { location } = await post(at, scene, 'consent', READ);
    const stranger = await at.browser().open(location ?? '');
    expect(stranger.left).toBeUndefined();
    expect(stranger.status).toBe(400);
    expect(stranger.words).toContain('This page is over');
    // The browser that consented still gets there.
    expect((await scene.browser.open(location ?? '')).left?.origin).toBe(new URL(CALLBACK).origin);
  });

  test('two tabs do not mix: each grants what was ticked in it, to its own client', async () => {
    const browser = at.browser();
    const [one, two] = [await atSignIn(at, { browser }), await atSignIn(at, { browser })];
    const signedIn = async ({ page }: Scene) =>
      browser.send(page, browser.form(page, '/sign-in'), signInFields(at));
    const [consentOne, consentTwo] = [await signedIn(one), await signedIn(two)];
    const pages = [
      { ...one, page: consentOne },
      { ...two, page: consentTwo },
    ] as const;
    await post(at, pages[1], 'consent', { ...READ, scopes: ['read:account'] });
    await post(at, pages[0], 'consent', READ);
    expect(grantsOf(at, one.clientId).map(({ scopes }) => scopes)).toEqual([['read:market']]);
    expect(grantsOf(at, two.clientId).map(({ scopes }) => scopes)).toEqual([['read:account']]);
  });

  test('being signed in once is no consent elsewhere: every request asks anew', async () => {
    const { browser } = await atConsent(at);
    const again = await atSignIn(at, { browser });
    expect(again.page.forms.some(({ action }) => action.endsWith('/sign-in'))).toBe(true);
    const answer = await post(at, again, 'consent', ALL);
    expect([answer.status, answer.location]).toEqual([200, null]);
    expect(grantsOf(at, again.clientId)).toEqual([]);
  });
});
