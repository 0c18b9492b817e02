/** Whose browser an authorization is in, where an attacker has begun one, planted cookies, or holds what the owner's browser holds. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { comeFromElsewhere, openAttacked, raw } from '../support/authorize-attack.ts';
import {
  approvedClient,
  atConsent,
  atSignIn,
  grantsOf,
  post,
  signInFields,
} from '../support/consent-scene.ts';
import type { OwnerBrowser } from '../support/owner-browserless.ts';
import { CALLBACK, codeIn, exchange, tokensOf } from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';
import { errorIn } from '../support/remote-grants.ts';

let at: RemoteGateway;
beforeAll(async () => {
  at = await openAttacked();
});
afterAll(() => at.close());
beforeEach(() => comeFromElsewhere(at));

const READ = { scopes: ['read:market'], expires: '30' };
const resumeOf = (page: { readonly url: string }): string =>
  page.url.replace('/oauth/interaction/', '/oauth/authorize/');

/** RFC 6265bis, 4.1.3.2: whoever answers under a sibling host, or in the clear, can plant any cookie but these. */
const plantable = (cookies: string): string =>
  cookies
    .split('; ')
    .filter((cookie) => !cookie.startsWith('__Host-'))
    .join('; ');
/** What the owner's browser sends at an attacker's page after the attacker has planted their own cookies in it. */
const planted = (attacker: OwnerBrowser, owner: OwnerBrowser, url: string): string =>
  [plantable(attacker.cookies(url)), owner.cookies(url)].filter((cookies) => cookies !== '').join('; ');

describe('session fixation: cookies of the attacker in the browser of the owner', () => {
  test('the page is over there, so that nobody signs in on it', async () => {
    const attack = await atSignIn(at);
    const owner = at.browser();
    await atSignIn(at, { browser: owner });
    const cookie = planted(attack.browser, owner, attack.page.url);
    const looked = await at.fetch(attack.page.url, { headers: { cookie } });
    expect(looked.status).toBe(404);
    const signedIn = await post(at, attack, 'sign-in', signInFields(at), { cookie });
    expect([signedIn.status, signedIn.location]).toEqual([404, null]);
    const gained = await attack.browser.open(resumeOf(attack.page));
    expect(gained.forms.map(({ action }) => action).join()).not.toContain('/consent');
  });

  test('nor in a browser that was never here', async () => {
    const attack = await atSignIn(at);
    const cookie = plantable(attack.browser.cookies(attack.page.url));
    const signedIn = await post(at, attack, 'sign-in', signInFields(at), { cookie });
    expect([signedIn.status, signedIn.location]).toEqual([404, null]);
  });

  test('a consent of the owner is not picked up by who planted the page', async () => {
    const attack = await atConsent(at);
    const owner = at.browser();
    await atSignIn(at, { browser: owner });
    const cookie = planted(attack.browser, owner, attack.page.url);
    const answer = await post(at, attack, 'consent', READ, { cookie });
    expect([answer.status, answer.location]).toEqual([404, null]);
    expect(grantsOf(at, attack.clientId)).toEqual([]);
  });

  test('what tells browsers apart can be planted by nobody, and is read by no script', async () => {
    const { asked } = await atSignIn(at);
    const { pathname, search } = new URL(asked.url);
    const [mark, ...more] = ((await raw(at, pathname + search)).headers['set-cookie'] ?? []).filter(
      (cookie) => cookie.startsWith('__Host-'),
    );
    expect(more).toEqual([]);
    expect(mark).toMatch(/^__Host-pcl_oauth_browser=[\w-]{43}; /);
    for (const attribute of [/; path=\/(?:;|$)/i, /; secure/i, /; httponly/i, /; samesite=lax/i])
      expect(mark).toMatch(attribute);
    expect(mark).not.toMatch(/domain/i);
  });
});

describe('login CSRF: the attacker’s request in the browser of the owner', () => {
  test('the address of a page begins nothing in another browser', async () => {
    const attack = await atSignIn(at);
    const opened = await at.browser().open(attack.page.url);
    expect([opened.status, opened.forms.length]).toEqual([404, 0]);
  });

  test('a code of it is worth nothing to the owner’s client: each has a verifier of its own', async () => {
    const clientId = approvedClient(at);
    const mine = await atSignIn(at, { clientId });
    const theirs = await atSignIn(at, { clientId });
    const injected = codeIn(await theirs.browser.grant(theirs.page));
    expect(errorIn(await exchange(at, mine.asked, injected))).toBe('400 invalid_grant');
    // Nor the other way round: a stolen code without what only the client has.
    const stolen = codeIn(await mine.browser.grant(mine.page));
    expect(errorIn(await exchange(at, theirs.asked, stolen))).toBe('400 invalid_grant');
    expect(tokensOf(await exchange(at, mine.asked, stolen)).access).not.toBe('');
  });
});

describe('session swapping', () => {
  test('a sign-in of one request is none for another, with all of its cookies', async () => {
    const signedIn = await atConsent(at);
    const other = await atSignIn(at, { browser: signedIn.browser });
    expect(other.page.forms.some(({ action }) => action.endsWith('/sign-in'))).toBe(true);
    const answer = await post(at, other, 'consent', READ);
    expect([answer.status, answer.location]).toEqual([200, null]);
    expect(answer.html).toContain('passphrase');
    expect(grantsOf(at, other.clientId)).toEqual([]);
  });

  test('a cookie that was tampered with, or signed for another name, is none', async () => {
    const { browser, page } = await atConsent(at);
    const cookies = browser.cookies(page.url);
    const changed = [
      cookies.replace(
        /(pcl_oauth_page=)(.)/,
        (_all, name: string, first: string) => name + (first === 'A' ? 'B' : 'A'),
      ),
      cookies.replace(/pcl_oauth_page\.sig=[^;]+/, 'pcl_oauth_page.sig=AAAAAAAAAAAAAAAAAAAAAAAAAAA'),
      cookies.replace(/; ?pcl_oauth_page\.sig=[^;]+/, ''),
      cookies.replaceAll('pcl_oauth_page', 'pcl_oauth_resume'),
    ];
    for (const cookie of changed) {
      expect(cookie).not.toBe(cookies);
      expect((await at.fetch(page.url, { headers: { cookie } })).status).toBe(404);
    }
    expect((await at.fetch(page.url, { headers: { cookie: cookies } })).status).toBe(200);
  });

  test('resuming before anybody has signed in, or twice, leads to no code', async () => {
    const scene = await atSignIn(at);
    const again = await scene.browser.open(resumeOf(scene.page));
    expect(again.left).toBeUndefined();
    expect(again.forms.some(({ action }) => action.endsWith('/sign-in'))).toBe(true);
    const consent = await atConsent(at);
    const { location } = await post(at, consent, 'consent', READ);
    const left = await consent.browser.open(location ?? '');
    expect(left.left?.href.startsWith(`${CALLBACK}?code=`)).toBe(true);
    const twice = await consent.browser.open(location ?? '');
    expect([twice.left, twice.status]).toEqual([undefined, 400]);
  });
});

test('approve and revoke at the same moment: whichever is last, nothing lives that the owner turned down', async () => {
  for (const revokedFirst of [true, false]) {
    const scene = await atConsent(at);
    const { clients } = at.gateway;
    const revoke = (): void => void clients.revoke(scene.clientId, OWNER_CLI);
    if (revokedFirst) revoke();
    const answering = post(at, scene, 'consent', READ);
    if (!revokedFirst) setImmediate(revoke);
    const { location } = await answering;
    expect(grantsOf(at, scene.clientId)).toEqual([]);
    if (location !== null) {
      const end = await scene.browser.open(location);
      expect(end.left?.searchParams.has('code') ?? false).toBe(false);
    }
  }
});
