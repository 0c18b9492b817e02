// Forms of the console: only our own page can send one, as whoever it was shown to, and looking never acts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ENTRANCES, PAGES } from '#console/index.ts';
import { FORM_BYTES_MAX, FORM_FIELDS_MAX, SESSION_SEEN_SAVE_INTERVAL_MS } from '#limits.ts';
import { OWNER, sessionCookie, signedIn } from '../support/browser.ts';
import { type PlainBrowser, plainBrowser } from '../support/console-browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { type RawAnswer, send } from '../support/raw-http.ts';

let gate: TestGateway;
let owner: PlainBrowser;
const KILL = { cancel: 'none', positions: 'keep' };
const state = (): string => gate.gateway.access.gatewayState();
async function signedInBrowser(): Promise<PlainBrowser> {
  const browser = plainBrowser({ url: gate.url });
  browser.cookies.set(sessionCookie(gate.url), await signedIn(gate));
  await browser.get('/admin/gate');
  return browser;
}
const FORM = 'application/x-www-form-urlencoded';
/** With the owner's cookies and nothing else of what a browser says. */
const raw = (body: string, type: string): Promise<RawAnswer> =>
  send({
    port: Number(new URL(gate.url).port),
    method: 'POST',
    path: '/admin/gate/kill',
    headers: {
      host: new URL(gate.url).host,
      cookie: [...owner.cookies].map((pair) => pair.join('=')).join('; '),
      'content-type': type,
    },
    body,
  });
beforeAll(async () => {
  gate = await openTestGateway();
});
afterAll(() => gate.close());
beforeEach(async () => {
  if (state() === 'HALTED') gate.gateway.console.gate.resume();
  owner = await signedInBrowser();
});

describe('a form that the page itself sends', () => {
  test('acts', async () => {
    expect((await owner.post('/admin/gate/kill', KILL)).status).toBe(200);
    expect(state()).toBe('HALTED');
  });
  test('acts too when the browser is too old to say where it comes from', async () => {
    const answer = await raw(new URLSearchParams({ _token: owner.token(), ...KILL }).toString(), FORM);
    expect([answer.status, state()]).toEqual([200, 'HALTED']);
  });
});

describe('a form from elsewhere', () => {
  test.each([
    ['without a token', { _token: '' }, {}],
    ['with a token that was made up', { _token: 'A'.repeat(43) }, {}],
    ['of another site', {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another port of this machine', {}, { origin: 'http://127.0.0.1:1' }],
    ['of our host over https', {}, { origin: 'https://SELF' }],
    ['of a sandboxed frame', {}, { origin: 'null' }],
    ['that the browser says is cross-site', {}, { 'sec-fetch-site': 'cross-site' }],
    ['of a sister site', {}, { 'sec-fetch-site': 'same-site' }],
    ['typed into the address bar', {}, { 'sec-fetch-site': 'none' }],
  ])('%s changes nothing: 403', async (_what, fields, headers: Record<string, string>) => {
    const origin = headers['origin']?.replace('SELF', new URL(gate.url).host);
    const answer = await owner.post(
      '/admin/gate/kill',
      { ...KILL, ...fields },
      {
        ...headers,
        ...(origin === undefined ? {} : { origin }),
      },
    );
    expect(answer.status).toBe(403);
    expect(state()).toBe('ACTIVE');
  });

  test("with another session's token changes nothing", async () => {
    const other = await signedInBrowser();
    expect(other.token()).not.toBe(owner.token());
    const answer = await owner.post('/admin/gate/kill', { ...KILL, _token: other.token() });
    expect(answer.status).toBe(403);
    expect(state()).toBe('ACTIVE');
  });
  test('with the token of the page for signing in changes nothing', async () => {
    const guest = plainBrowser({ url: gate.url });
    await guest.get('/admin/login');
    expect((await owner.post('/admin/gate/kill', { ...KILL, _token: guest.token() })).status).toBe(403);
    expect(state()).toBe('ACTIVE');
  });
  test('with the token of a session that has ended leads to signing in, and changes nothing', async () => {
    gate.gateway.access.owner.endOtherSessions('none');
    const answer = await owner.post('/admin/gate/kill', KILL);
    expect([answer.status, answer.headers.location]).toEqual([303, '/admin/login']);
    expect(state()).toBe('ACTIVE');
  });
  test('can not sign somebody in either', async () => {
    const guest = plainBrowser({ url: gate.url });
    await guest.get('/admin/login');
    const fields = { ...OWNER, next: '/admin' };
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
      expect((await guest.post('/admin/login/in', fields, headers)).status).toBe(403);
    expect((await guest.post('/admin/login/in', { ...fields, _token: owner.token() })).status).toBe(403);
    expect(guest.cookies.has(sessionCookie(gate.url))).toBe(false);
  });
});

describe('a page of elsewhere', () => {
  const looks = ['/admin', '/admin/audit/record.csv', '/admin/events', '/admin/login'];
  test.each([
    ['as an image', 'no-cors', 'image'],
    ['as a script', 'no-cors', 'script'],
    ['in a frame', 'navigate', 'iframe'],
    ['by a call', 'cors', 'empty'],
  ])('takes nothing of the console in, %s, whatever cookies come with it', async (_, mode, dest) => {
    for (const site of ['same-site', 'cross-site'])
      for (const path of looks) {
        const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest };
        const answer = await owner.get(path, headers);
        expect([path, answer.status, answer.text]).toEqual([path, 403, '']);
      }
  });
  test('may lead to it, and keeps no session alive by taking it in', async () => {
    const [before] = gate.gateway.access.owner.sessions();
    gate.clock.setWall(gate.clock.wallMs() + 2 * SESSION_SEEN_SAVE_INTERVAL_MS);
    const from = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' };
    await owner.get('/admin', { ...from, 'sec-fetch-dest': 'iframe' });
    expect(gate.gateway.access.owner.sessions()[0]).toEqual(before);
    expect((await owner.get('/admin', { ...from, 'sec-fetch-dest': 'document' })).status).toBe(200);
  });
});

describe('an action of a page', () => {
  const actions = [...PAGES, ...ENTRANCES].flatMap((page) =>
    Object.keys(page.actions).map((name) => `/admin${page.path.replaceAll(/:\w+/g, 'x')}/${name}`),
  );
  test('there are many', () => {
    expect(actions.length).toBeGreaterThan(20);
  });
  test.each(actions)('%s is not carried out by looking, nor without a token', async (path) => {
    const before = gate.gateway.audit.head().seq;
    expect((await owner.get(path)).status).toBeGreaterThan(302);
    expect((await owner.post(path, { _token: 'none' })).status).toBe(403);
    expect(gate.gateway.audit.head().seq).toBe(before);
  });
});

describe('a body that is no form', () => {
  test.each([
    ['JSON', 'application/json', '{"cancel":"none","positions":"keep"}', 415],
    ['multipart', 'multipart/form-data; boundary=x', '--x--', 415],
    ['text', 'text/plain', 'cancel=none&positions=keep', 415],
    ['too long', FORM, `a=${'a'.repeat(FORM_BYTES_MAX)}`, 413],
    ['with too many fields', FORM, 'a=1&'.repeat(FORM_FIELDS_MAX + 1), 400],
    ['with a field that objects are made of', FORM, '__proto__=x&cancel=none', 400],
    ['without its token', FORM, 'cancel=none&positions=keep', 403],
    ['without anything', FORM, '', 403],
  ])('(%s) is refused, and nothing of it is repeated', async (_what, type, body, status) => {
    const answer = await raw(body, type);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    // Longer than what a nonce may have by chance.
    expect(answer.text).not.toContain('a'.repeat(40));
    expect(state()).toBe('ACTIVE');
  });
  test.each(['constructor', 'toString', 'hasOwnProperty'])(
    'may call a field %s, which means nothing',
    async (name) => {
      const answer = await owner.post('/admin/gate/kill', { ...KILL, [name]: 'x' });
      expect([answer.status, state()]).toEqual([400, 'ACTIVE']);
    },
  );
});
