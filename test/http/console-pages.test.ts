// Every page of the console as HTTP tells it: its policy to the letter, nothing kept, nothing framed, and nothing for who is not signed in.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRANCES, PAGES } from '#console/index.ts';
import { sessionCookie, signedIn } from '../support/browser.ts';
import { type PlainBrowser, plainBrowser } from '../support/console-browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { type RawAnswer, send } from '../support/raw-http.ts';

let gate: TestGateway;
let owner: PlainBrowser;
let guest: PlainBrowser;
beforeAll(async () => {
  gate = await openTestGateway({ settings: { LOG_LEVEL: 'debug' } });
  owner = plainBrowser({ url: gate.url });
  owner.cookies.set(sessionCookie(gate.url), await signedIn(gate));
  guest = plainBrowser({ url: gate.url });
});
afterAll(() => gate.close());

const addressOf = ({ path }: { readonly path: string }): string => `/admin${path.replaceAll(/:\w+/g, '1')}`;
const POLICY =
  "default-src 'none';script-src 'nonce-N';style-src 'nonce-N';img-src 'self' data:;connect-src 'self';form-action 'self';base-uri 'none';object-src 'none';frame-ancestors 'none';require-trusted-types-for 'script';trusted-types portcullis";

function expectLockedDown(answer: RawAnswer): void {
  const policy = String(answer.headers['content-security-policy']);
  expect(policy.replaceAll(/'nonce-[0-9a-f]{32}'/g, "'nonce-N'")).toBe(POLICY);
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(answer.headers).not.toHaveProperty('x-powered-by');
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
}

/** A script or style without the nonce of this answer would not load; an attribute that acts would be a second way in. */
function expectCleanMarkup({ text, headers }: RawAnswer): void {
  const [script, style] = [...String(headers['content-security-policy']).matchAll(/'nonce-([0-9a-f]+)'/g)];
  for (const [tag] of text.matchAll(/<script[^>]*>/g)) expect(tag).toContain(`nonce="${script?.[1]}"`);
  for (const [tag] of text.matchAll(/<link rel="stylesheet"[^>]*>/g))
    expect(tag).toContain(`nonce="${style?.[1]}"`);
  expect(text).not.toMatch(/<style|<[^>]+\sstyle=|<[^>]+\son\w+=|<iframe|<base|<object|<embed|javascript:/i);
  expect(text).not.toMatch(/\s(?:data-)?hx-(?!ignore)/);
  const loaded = [...text.matchAll(/<(?:script|link|img|source)[^>]*\s(?:src|href)="([^"]*)"/g)];
  for (const [, address = ''] of loaded) expect(address).toMatch(/^(?:\/admin\/static\/|data:image\/)/);
}

describe.each(PAGES.map((page) => addressOf(page)))('%s', (address) => {
  test('keeps to itself, by a policy with a nonce of its own', async () => {
    const first = await owner.get(address);
    const second = await owner.get(address);
    expect([200, 303, 400, 404]).toContain(first.status);
    if (first.status === 303) return;
    for (const answer of [first, second]) {
      expectLockedDown(answer);
      expectCleanMarkup(answer);
    }
    const nonces = [first, second].flatMap(({ headers }) =>
      [...String(headers['content-security-policy']).matchAll(/nonce-([0-9a-f]+)/g)].map(([nonce]) => nonce),
    );
    expect(new Set(nonces).size).toBe(4);
  });
  test('is nothing to who is not signed in', async () => {
    const answer = await guest.get(address);
    expect([answer.status, answer.text]).toEqual([303, '']);
    expect(answer.headers.location).toMatch(/^\/admin\/login(?:\?next=|$)/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe.each(ENTRANCES.map((page) => addressOf(page)))('%s', (address) => {
  test('is locked down too', async () => {
    const answer = await guest.get(address);
    expect([200, 404]).toContain(answer.status);
    expectLockedDown(answer);
    expectCleanMarkup(answer);
  });
});

describe('what there is not', () => {
  test.each([
    '/admin/nothing',
    '/admin/orders/x/y/z',
    '/admin/',
    '/admin//',
    '/admin/%2e%2e/mcp',
    '/admin/gate/nothing',
  ])('%s is a page of its own to the owner, and the way in to everybody else', async (path) => {
    const inside = await owner.get(path);
    expect(inside.status).toBe(404);
    expectLockedDown(inside);
    const outside = await guest.get(path);
    expect([outside.status, outside.text]).toEqual([303, '']);
  });
  test.each(['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])('%s acts on no page', async (method) => {
    const before = gate.gateway.audit.head().seq;
    const { host, port } = new URL(gate.url);
    const cookie = [...owner.cookies].map((pair) => pair.join('=')).join('; ');
    for (const path of ['/admin', '/admin/gate', '/admin/gate/kill', '/admin/events']) {
      const answer = await send({ port: Number(port), method, path, headers: { host, cookie } });
      expect([404, 405]).toContain(answer.status);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
    expect(gate.gateway.audit.head().seq).toBe(before);
    expect(gate.gateway.access.gatewayState()).toBe('ACTIVE');
  });
  test('another site gets nothing of a page', async () => {
    const answer = await owner.get('/admin', { origin: 'https://evil.example' });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });
});

test('what goes wrong inside is said, and not how', async () => {
  const { preferences } = gate.gateway.console;
  const whole = { ...preferences };
  Object.assign(preferences, {
    read: () => {
      throw new Error('SECRET-OF-A-FAULT');
    },
  });
  const answer = await owner.get('/admin');
  Object.assign(preferences, whole);
  expect(answer.status).toBe(500);
  expectLockedDown(answer);
  expect(answer.text).toContain('Something went wrong inside the gateway');
  expect(answer.text).not.toContain('SECRET-OF-A-FAULT');
});

test('no log line has a session, a token of a form, or what was asked for after the question mark', async () => {
  await owner.get('/admin/orders?text=SECRET-OF-A-QUERY');
  await guest.get('/admin/setup?code=SECRET-OF-A-LINK');
  await owner.post('/admin/gate/nothing', { secret: 'SECRET-OF-A-FIELD' });
  const log = gate.logged.join('');
  expect(log).toContain('/admin/setup');
  const secrets = [
    ...owner.cookies.values(),
    ...guest.cookies.values(),
    owner.token(),
    'SECRET-OF-A-Q',
    'SECRET-OF-A-L',
    'SECRET-OF-A-FI',
  ];
  for (const secret of secrets) expect(log).not.toContain(secret);
});
