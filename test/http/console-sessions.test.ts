// Who is signed in: cookies that nobody else sets or hears, a way back that leads nowhere else, proofs, and guessing that ends.
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildApp } from '#http/app.ts';
import { OWNER_TRIES_MAX, SESSION_IDLE_MS, STEP_UP_TTL_MS } from '#limits.ts';
import { OWNER, sessionCookie, signedIn } from '../support/browser.ts';
import { type PlainBrowser, plainBrowser } from '../support/console-browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

let gate: TestGateway;
let browser: PlainBrowser;
beforeEach(async () => {
  gate = await openTestGateway();
  await signedIn(gate);
  browser = plainBrowser({ url: gate.url });
});
afterEach(() => gate.close());

const signIn = async (
  as: PlainBrowser,
  fields: Readonly<Record<string, string>> = {},
): Promise<Awaited<ReturnType<PlainBrowser['post']>>> => {
  await as.get('/admin/login');
  return as.post('/admin/login/in', { ...OWNER, next: '/admin', ...fields });
};
const isSignedIn = async (as: PlainBrowser): Promise<boolean> => (await as.get('/admin/gate')).status === 200;
const cookie = (): string => sessionCookie(gate.url);

describe('signing in', () => {
  test('gives a session, and the page that was wanted', async () => {
    const wanted = await browser.get('/admin/orders?status=open');
    expect([wanted.status, wanted.headers.location]).toEqual([
      303,
      '/admin/login?next=%2Fadmin%2Forders%3Fstatus%3Dopen',
    ]);
    const answer = await signIn(browser, { next: '/admin/orders?status=open' });
    expect([answer.status, answer.headers.location]).toEqual([303, '/admin/orders?status=open']);
    expect(await isSignedIn(browser)).toBe(true);
  });

  describe('of who follows a link on another site, whose browser keeps the session to itself', () => {
    const LINK = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const PRESSED = { ...LINK, 'sec-fetch-user': '?1' };
    const ask = (headers: Readonly<Record<string, string>>, path = '/admin/approvals/apr_1?a=b;c') =>
      browser.get(path, headers);

    test('is asked for once more by a page of ours, and only then', async () => {
      const first = await ask(PRESSED);
      expect([first.status, first.headers['refresh']]).toEqual([200, '0; url=/admin/approvals/apr_1?a=b;c']);
      expect(first.text).toContain('asks once more by itself');
      const again = await ask({ ...PRESSED, 'sec-fetch-site': 'same-origin' });
      expect([again.status, again.headers['refresh']]).toEqual([303, undefined]);
      expect(again.headers.location).toMatch(/^\/admin\/login\?next=/);
    });

    test('goes nowhere when nobody pressed anything, and shows no page of the owner’s in either case', async () => {
      expect((await ask(LINK)).headers['refresh']).toBeUndefined();
      const page = (await ask(PRESSED, '/admin/orders')).text;
      expect(page).not.toContain('<nav');
    });
  });

  test.each([
    'https://evil.example/',
    '//evil.example/admin',
    String.raw`/\evil.example`,
    String.raw`/admin\..\..\evil`,
    '/admin/../../evil',
    '/administrator',
    '/adminevil.example',
    'javascript:alert(1)',
    '/admin\nLocation: https://evil.example',
    '/docs',
    '',
  ])('never leads to %j', async (next) => {
    const answer = await signIn(browser, { next });
    const to = new URL(answer.headers.location ?? '', gate.url);
    expect([to.origin, to.pathname]).toEqual([gate.url, '/admin']);
  });

  test('never goes on with a session that was there before: what somebody planted is not signed in', async () => {
    const planted = 'A'.repeat(43);
    browser.cookies.set(cookie(), planted);
    expect(await isSignedIn(browser)).toBe(false);
    await signIn(browser);
    const mine = browser.cookies.get(cookie());
    expect(mine).not.toBe(planted);
    const attacker = plainBrowser({ url: gate.url });
    attacker.cookies.set(cookie(), planted);
    expect(await isSignedIn(attacker)).toBe(false);
    // Nor does another sign-in go on with the one before.
    await browser.get('/admin/gate');
    await browser.post('/admin/security/sign-out');
    browser.cookies.set(cookie(), mine ?? '');
    await signIn(browser);
    expect(browser.cookies.get(cookie())).not.toBe(mine);
  });

  test('with anything wrong says the same, sets no session and shows no passphrase again', async () => {
    const wrong = [{ passphrase: 'not the passphrase' }, { name: 'somebody' }, { passphrase: '' }];
    const pages = [];
    for (const fields of wrong) {
      const answer = await signIn(browser, fields);
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain(OWNER.passphrase);
      expect(answer.text).not.toContain('not the passphrase');
      pages.push(/role="alert"[^]*?<\/div>/.exec(answer.text)?.[0]);
    }
    expect(new Set(pages).size).toBe(1);
    expect(browser.cookies.has(cookie())).toBe(false);
  });

  test('is slowed down when it is tried again and again, and the right one waits too', async () => {
    for (let n = 0; n < OWNER_TRIES_MAX; n++)
      expect((await signIn(browser, { passphrase: `guess number ${n} of many` })).status).toBe(401);
    const locked = await signIn(browser);
    expect(locked.status).toBe(429);
    expect(locked.text).toMatch(/Wait 300 s/);
    expect(browser.cookies.has(cookie())).toBe(false);
  });

  test('by many at once answers each, and lets none in by crowding', async () => {
    const crowd = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        signIn(plainBrowser({ url: gate.url }), { passphrase: `guess number ${n} of many` }),
      ),
    );
    const statuses = crowd.map(({ status }) => status);
    expect(statuses.every((status) => [401, 429, 503].includes(status))).toBe(true);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(OWNER_TRIES_MAX);
  });
});

describe('a session', () => {
  /** Without the market, which would have half a day of prices to tell. */
  const hour = async (): Promise<void> => {
    gate.gateway.feed.stop();
    await gate.gateway.trading.stop();
    gate.clock.advance(SESSION_IDLE_MS / 12);
  };
  beforeEach(async () => {
    browser.cookies.set(cookie(), await signedIn(gate));
  });

  test('ends with signing out, and its cookie is nobody then', async () => {
    const kept = browser.cookies.get(cookie()) ?? '';
    await browser.get('/admin/gate');
    const answer = await browser.post('/admin/security/sign-out');
    expect(answer.status).toBe(303);
    expect(browser.cookies.has(cookie())).toBe(false);
    browser.cookies.set(cookie(), kept);
    expect(await isSignedIn(browser)).toBe(false);
  });
  test('ends when nobody uses it, and looks that the page takes by itself do not count as use', async () => {
    for (let n = 0; n < 13; n++) {
      await hour();
      await browser.get('/admin/gate', { 'x-portcullis-live': '1' });
    }
    expect(await isSignedIn(browser)).toBe(false);
  });
  test('lives on while its owner uses it', async () => {
    for (let n = 0; n < 13; n++) {
      await hour();
      expect(await isSignedIn(browser)).toBe(true);
    }
  });
});

describe('what widens', () => {
  const raise = (fields = {}) => browser.post('/admin/gate/resume', fields);
  const state = (): string => gate.gateway.access.gatewayState();
  beforeEach(async () => {
    browser.cookies.set(cookie(), await signedIn(gate));
    await browser.get('/admin/gate');
    await browser.post('/admin/gate/kill', { cancel: 'none', positions: 'keep' });
    // The proof of the sign-in is old by now.
    gate.gateway.feed.stop();
    gate.clock.advance(STEP_UP_TTL_MS + 1_000);
  });
  test('asks who it is first, and has done nothing then', async () => {
    const answer = await raise();
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('Confirm that it is you');
    expect(state()).toBe('HALTED');
  });
  test('asks again when that was wrong', async () => {
    const answer = await raise({ _code: 'not the passphrase' });
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('Confirm that it is you');
    expect(answer.text).not.toContain('not the passphrase');
    expect(state()).toBe('HALTED');
  });
  test('acts once that was right, and asks no more for a while', async () => {
    expect((await raise({ _code: OWNER.passphrase })).status).toBe(303);
    expect(state()).toBe('ACTIVE');
    await browser.post('/admin/gate/kill', { cancel: 'none', positions: 'keep' });
    expect((await raise()).status).toBe(303);
    await browser.post('/admin/gate/kill', { cancel: 'none', positions: 'keep' });
    gate.gateway.feed.stop();
    gate.clock.advance(STEP_UP_TTL_MS + 1_000);
    expect((await raise()).status).toBe(403);
    expect(state()).toBe('HALTED');
  });
  test('can not be guessed at without end', async () => {
    for (let n = 0; n < OWNER_TRIES_MAX; n++) await raise({ _code: `guess number ${n} of many` });
    expect((await raise({ _code: OWNER.passphrase })).status).toBe(429);
    expect(state()).toBe('HALTED');
  });
});

describe('on this machine, over http', () => {
  test('cookies say Strict and HttpOnly, belong to the port, and claim nothing that only TLS gives', async () => {
    await signIn(browser);
    const { port } = new URL(gate.url);
    expect(browser.set.length).toBeGreaterThan(1);
    for (const line of browser.set) {
      expect(line).toMatch(new RegExp(`^portcullis-${port}-\\w+=`));
      expect(line).toMatch(/; Path=\/; .*HttpOnly; SameSite=Strict$/);
      expect(line).not.toMatch(/Secure|Domain/i);
    }
  });
  test('and an empty name of a host that is not ours is not served at all', async () => {
    const answer = await plainBrowser({ url: gate.url, host: 'evil.example' }).get('/admin/login');
    expect(answer.status).toBe(421);
  });
});

describe('on another host', () => {
  let app: FastifyInstance;
  const logged: string[] = [];
  const open = async (
    publicConsole: boolean,
    allowedHosts: readonly string[] = [],
    ipAllowlist: readonly string[] = [],
  ): Promise<void> => {
    const { dispatcher, mcp, access, audit, clock, version, console } = gate.gateway;
    app = buildApp({
      dispatcher,
      mcp,
      tools: [],
      access,
      audit,
      clock,
      version,
      console,
      logTo: { write: (line) => void logged.push(line) },
      settings: {
        allowedHosts,
        ipAllowlist,
        publicUrl: new URL('https://gate.example'),
        publicConsole,
        publicRest: false,
        corsOrigins: ['https://claude.ai'],
        trustedProxies: ['127.0.0.1'],
        logLevel: 'debug',
        remoteScopes: [],
      },
    });
    await app.ready();
  };
  afterEach(() => app.close());
  const TLS = { host: 'gate.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
  const get = (
    url: string,
    headers: Readonly<Record<string, string>> = TLS,
  ): Promise<LightMyRequestResponse> => app.inject({ url, headers });
  const post = (
    url: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
  ) =>
    app.inject({
      method: 'POST',
      url,
      headers: {
        ...TLS,
        origin: 'https://gate.example',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      payload: new URLSearchParams(fields).toString(),
    });

  test('there is no console until the owner has opened it there', async () => {
    await open(false);
    for (const path of [
      '/admin',
      '/admin/login',
      '/admin/setup',
      '/admin/static/console.css',
      '/admin/events',
    ])
      expect((await get(path)).statusCode).toBe(404);
  });

  test('behind a proxy with TLS it is whole: cookies are the host’s alone, and a sign-in works', async () => {
    await open(true);
    const page = await get('/admin/login');
    const token = /name="_token" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const visit = page.cookies[0];
    expect(visit).toMatchObject({
      name: '__Host-portcullis-visit',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
    });
    expect(visit).not.toHaveProperty('domain');
    const signed = await post(
      '/admin/login/in',
      { _token: token, ...OWNER, next: '/admin' },
      { cookie: `${visit?.name}=${visit?.value}` },
    );
    expect(signed.statusCode).toBe(303);
    const session = signed.cookies.find(({ name }) => name === '__Host-portcullis-session');
    expect(session).toMatchObject({ path: '/', httpOnly: true, secure: true, sameSite: 'Strict' });
    expect(session).not.toHaveProperty('domain');
    const inside = await get('/admin/gate', { ...TLS, cookie: `${session?.name}=${session?.value}` });
    expect(inside.statusCode).toBe(200);
    // The name that plain http uses on loopback is nobody here.
    const plain = { ...TLS, cookie: `portcullis-80-session=${session?.value}` };
    expect((await get('/admin/gate', plain)).statusCode).toBe(303);
  });

  test('over http it is refused, the page for signing in too, and no cookie is set', async () => {
    await open(true, ['inside.example']);
    for (const host of ['gate.example', 'inside.example'])
      for (const path of [
        '/admin',
        '/admin/login',
        '/admin/setup?code=x',
        '/admin/nothing',
        '/admin/events',
      ]) {
        const answer = await get(path, { ...TLS, host, 'x-forwarded-proto': 'http' });
        expect([host, path, answer.statusCode]).toEqual([host, path, 403]);
        expect(answer.body).toContain('Not over plain http');
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
    const sent = await post(
      '/admin/login/in',
      { ...OWNER, next: '/admin' },
      { 'x-forwarded-proto': 'http', origin: 'http://gate.example' },
    );
    expect(sent.statusCode).toBe(403);
    expect(sent.headers['set-cookie']).toBeUndefined();
  });

  test('from another machine it is not plain http, whatever Host a relay passes on', async () => {
    await open(false, [], ['198.51.100.9']);
    const headers = { host: '127.0.0.1:7800' };
    const here = await app.inject({ url: '/admin/login', headers, remoteAddress: '::1' });
    expect(here.statusCode).toBe(200);
    const relayed = await app.inject({ url: '/admin/login', headers, remoteAddress: '198.51.100.9' });
    expect(relayed.statusCode).toBe(403);
    expect(relayed.body).toContain('Not over plain http');
    expect(relayed.headers['set-cookie']).toBeUndefined();
  });

  test('a claim of TLS by somebody who is not the proxy is not believed', async () => {
    await open(true);
    const answer = await app.inject({ url: '/admin/login', headers: TLS, remoteAddress: '198.51.100.9' });
    expect(answer.statusCode).toBe(403);
  });

  test('a page of a host that may call tools may not send a form here', async () => {
    await open(true);
    const page = await get('/admin/login');
    const token = /name="_token" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const visit = page.cookies[0];
    const answer = await post(
      '/admin/login/in',
      { _token: token, ...OWNER, next: '/admin' },
      { cookie: `${visit?.name}=${visit?.value}`, origin: 'https://claude.ai' },
    );
    expect(answer.statusCode).toBe(403);
    expect(answer.cookies.some(({ name }) => name.endsWith('session'))).toBe(false);
  });

  test('and nothing secret of all that is in the log', async () => {
    await open(true);
    await get('/admin/setup?code=SECRET-CODE-OF-A-LINK');
    await post(
      '/admin/login/in',
      { ...OWNER, next: '/admin' },
      { cookie: '__Host-portcullis-session=SECRET-OF-A-COOKIE' },
    );
    const log = [...logged, ...gate.logged].join('');
    expect(log).toContain('/admin/login/in');
    for (const secret of [
      OWNER.passphrase,
      OWNER.passphrase.replaceAll(' ', '+'),
      'SECRET-CODE',
      'SECRET-OF-A-COOKIE',
    ])
      expect(log).not.toContain(secret);
  });
});
