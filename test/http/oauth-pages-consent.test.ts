/** What a person decides on the page of consent: what a tick gives, once; and what a client that waits is shown. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SCOPES } from '#domain/principal.ts';
import {
  approvedClient,
  atConsent,
  atSignIn,
  grantsOf,
  post,
  recorded,
  refusedAndStillOpen,
  signInFields,
} from '../support/consent-scene.ts';
import { approve, CALLBACK, codeIn, deskOf, exchange, register, tokensOf } from '../support/remote-flow.ts';
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

describe('what a tick gives', () => {
  test('what reads is ticked at first, what writes never', async () => {
    const { page, browser } = await atConsent(at);
    const ticks = browser.form(page, '/consent').fields.filter(({ name }) => name === 'scopes');
    expect(ticks.map(({ value, sent }) => [value, sent])).toEqual([
      ['read:market', true],
      ['read:account', true],
      ['write:orders', false],
    ]);
  });

  test('unticking works: the tokens hold what was left', async () => {
    const scene = await atConsent(at);
    const left = await scene.browser.grant(scene.page, { scopes: ['read:market'] });
    const tokens = tokensOf(await exchange(at, scene.asked, codeIn(left)));
    expect(tokens.scope).toBe('read:market');
  });

  test.each([
    ['not asked for', { scope: 'read:market' }, 'read:account'],
    ["above the client's ceiling", { scopes: ['read:market', 'read:account'] as const }, 'write:orders'],
    ['that there is not', {}, 'admin:all'],
  ])('a forged tick of a scope %s refuses all of it', async (_what, o, forged) => {
    const scene = await atConsent(at, o);
    const ticks = scene.browser.form(scene.page, '/consent').fields.filter(({ name }) => name === 'scopes');
    expect(ticks.map(({ value }) => value)).not.toContain(forged);
    const answer = await post(at, scene, 'consent', { ...READ, scopes: ['read:market', forged] });
    await refusedAndStillOpen(at, scene, answer, 403);
  });

  test('none ticked is no consent: access_denied, with state and iss', async () => {
    const scene = await atConsent(at);
    const left = await scene.browser.grant(scene.page, { scopes: [] });
    expect(Object.fromEntries(left.searchParams)).toMatchObject({
      error: 'access_denied',
      state: scene.asked.state,
      iss: at.issuer,
    });
    expect(grantsOf(at, scene.clientId)).toEqual([]);
  });

  test('denying is no consent either, and is on the record', async () => {
    const scene = await atConsent(at);
    const left = await scene.browser.grant(scene.page, { deny: true });
    expect([left.searchParams.get('error'), left.searchParams.get('code')]).toEqual(['access_denied', null]);
    const [line] = recorded(at, 'oauth.consent_denied');
    expect(line).toMatchObject({
      credential: 'owner',
      door: 'http',
      outcome: 'refused',
      detail: { why: 'denied', client: scene.clientId },
    });
  });

  test('an end that is no choice grants nothing; the one chosen is the end', async () => {
    const scene = await atConsent(at);
    const answer = await post(at, scene, 'consent', { ...READ, expires: '3650' });
    expect(answer.html).toContain('choose how long the access lasts');
    await refusedAndStillOpen(at, scene, answer, 400);
    const [grant] = grantsOf(at, scene.clientId);
    const days = ((grant?.expiresAtMs ?? 0) - (grant?.createdAtMs ?? 0)) / 86_400_000;
    expect(days).toBeCloseTo(30, 3);
  });
});

describe('once', () => {
  test('double submit: the second press goes the way of the first, and there is one grant', async () => {
    const scene = await atConsent(at);
    const answers = await Promise.all([1, 2, 3].map(() => post(at, scene, 'consent', READ)));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    const ways = new Set(answers.map(({ location }) => new URL(location ?? '', at.issuer).pathname));
    expect(ways.size).toBe(1);
    expect(grantsOf(at, scene.clientId)).toHaveLength(1);
    // What is pressed afterwards changes nothing: neither more nor a denial.
    for (const act of ['consent', 'deny']) await post(at, scene, act, act === 'deny' ? {} : ALL);
    const { left } = await scene.browser.open(answers[0]?.location ?? '');
    expect(left?.searchParams.get('error')).toBeNull();
    expect(codeIn(left ?? new URL(CALLBACK))).not.toBe('');
    expect(grantsOf(at, scene.clientId).map(({ scopes }) => scopes)).toEqual([['read:market']]);
  });

  test('back after consent: the page is over, and its form gives nothing more', async () => {
    const scene = await atConsent(at);
    await scene.browser.grant(scene.page);
    const back = await scene.browser.open(scene.page.url);
    expect([back.left, back.status]).toEqual([undefined, 404]);
    expect(back.words).toContain('This page is over');
    const again = await post(at, scene, 'consent', ALL);
    expect([again.status, again.location]).toEqual([404, null]);
    expect(grantsOf(at, scene.clientId)).toHaveLength(1);
  });

  test('back after sign-in: the page is over, and does not show the consent', async () => {
    const scene = await atSignIn(at);
    const { browser, page } = scene;
    await browser.send(page, browser.form(page, '/sign-in'), signInFields(at));
    const back = await browser.open(page.url);
    expect(back.words).toContain('This page is over');
  });
});

describe('while the page is open', () => {
  const keptOf = (clientId: string): unknown =>
    at.gateway.store.db
      .prepare('SELECT kind FROM oauth_payloads WHERE client_id = ? ORDER BY kind')
      .pluck()
      .all(clientId);

  test('disconnected: the page is over, and its consent gives nothing', async () => {
    const scene = await atConsent(at);
    expect(keptOf(scene.clientId)).toEqual(['Interaction']);
    expect(deskOf(at).disconnect(scene.clientId, OWNER).ok).toBe(true);
    expect(keptOf(scene.clientId)).toEqual([]);
    expect((await scene.browser.open(scene.page.url)).words).toContain('This page is over');
    const late = await post(at, scene, 'consent', ALL);
    expect([late.status, late.location, grantsOf(at, scene.clientId).length]).toEqual([404, null, 0]);
  });

  test('a grant that ends leaves nothing of it with the authorization server', async () => {
    const scene = await atConsent(at);
    await scene.browser.grant(scene.page);
    expect(keptOf(scene.clientId)).toEqual(['AuthorizationCode', 'Grant']);
    const [grant] = grantsOf(at, scene.clientId);
    expect(deskOf(at).endGrant(grant?.grantId ?? '', OWNER).ok).toBe(true);
    expect(keptOf(scene.clientId)).toEqual([]);
  });

  test('revoked: sign-in and consent give nothing, and the page says so', async () => {
    const [signing, consenting] = [await atSignIn(at), await atConsent(at)];
    for (const scene of [signing, consenting]) deskOf(at).revoke(scene.clientId, OWNER);
    const answers = [
      await post(at, signing, 'sign-in', signInFields(at)),
      await post(at, consenting, 'consent', ALL),
    ];
    for (const { status, location, html } of answers) {
      expect([status, location]).toEqual([403, null]);
      expect(html).toContain('The owner does not let this app in');
    }
    expect(grantsOf(at, consenting.clientId)).toEqual([]);
  });

  test('deleted: the page is over', async () => {
    const scene = await atConsent(at);
    deskOf(at).remove(scene.clientId, OWNER);
    const answer = await post(at, scene, 'consent', ALL);
    expect([answer.status, answer.location]).toEqual([404, null]);
  });

  test('the ceiling made lower: a tick from before is refused, never dropped', async () => {
    const scene = await atConsent(at);
    deskOf(at).changeCeiling({ clientId: scene.clientId, scopes: ['read:market'], by: OWNER });
    const answer = await post(at, scene, 'consent', ALL);
    expect(answer.html).toContain('more was ticked than can be given now');
    expect(answer.html).not.toContain('value="write:orders"');
    await refusedAndStillOpen(at, scene, answer, 403);
  });
});

describe('a client that waits', () => {
  const registered = async (): Promise<string> =>
    String((await register(at, { client_name: 'Waiting \u202eHost</b>' })).body['client_id']);

  test('is told so, with what the owner compares, and goes on in the same page once approved', async () => {
    const scene = await atSignIn(at, { clientId: await registered(), scope: 'read:market' });
    const { page, browser, clientId } = scene;
    expect(page.status).toBe(403);
    expect(page.words).toContain("Waiting for the owner's approval");
    expect(page.words).toContain('/admin/remote-mcp');
    expect(page.words).toContain('client.example');
    expect(page.words).toMatch(/[0-9a-f]{4}-[0-9a-f]{4}/);
    expect(page.html).toContain('Waiting Host&lt;/b&gt;');
    const state = async () => {
      const headers = { cookie: browser.cookies(page.url), 'sec-fetch-site': 'same-origin' };
      return (await at.fetch(`${page.url}/state`, { headers })).json();
    };
    expect(await state()).toEqual({ waits: true });
    const early = await post(at, scene, 'continue');
    expect([early.status, early.location]).toEqual([403, null]);
    approve(at, clientId);
    expect(await state()).toEqual({ waits: false });
    const next = await browser.open(page.url);
    expect(next.forms.some(({ action }) => action.endsWith('/sign-in'))).toBe(true);
    const left = await browser.grant(next);
    expect(left.searchParams.get('state')).toBe(scene.asked.state);
    expect(codeIn(left)).not.toBe('');
  });

  test('goes back to the app with unauthorized_client, state and iss', async () => {
    const scene = await atSignIn(at, { clientId: await registered() });
    const { page, browser } = scene;
    const { left } = await browser.send(page, browser.form(page, '/back'));
    expect(Object.fromEntries(left?.searchParams ?? [])).toMatchObject({
      error: 'unauthorized_client',
      state: scene.asked.state,
      iss: at.issuer,
    });
  });

  test('can not be signed in for or consented to, whatever is sent', async () => {
    const scene = await atSignIn(at, { clientId: await registered() });
    for (const [act, fields] of [
      ['sign-in', signInFields(at)],
      ['consent', ALL],
    ] as const) {
      const answer = await post(at, scene, act, fields);
      expect([answer.status, answer.location]).toEqual([403, null]);
    }
    expect(grantsOf(at, scene.clientId)).toEqual([]);
    expect(deskOf(at).find(scene.clientId)?.state).toBe('pending');
  });
});

describe('the consent page', () => {
  test('says whose budget it is, and that an agent without a mandate can not trade', async () => {
    const { page } = await atConsent(at, { clientId: approvedClient(at, { agent: 'scalper' }) });
    expect(page.words).toContain('It acts as your agent scalper');
    expect(page.words).toContain('scalper has no mandate: every order is refused');
  });

  test("shows what the agent's mandate allows, in figures", async () => {
    const clientId = approvedClient(at, { agent: 'measured' });
    const set = at.gateway.access.mandates.set('measured', MANDATE, OWNER);
    expect(set.ok).toBe(true);
    const { page } = await atConsent(at, { clientId });
    for (const words of [
      'one order up to 1,234.50 USD',
      'a day up to 5,000.00 USD',
      'you are asked about orders above 500.00 USD',
      'PAPER',
      'never short',
    ])
      expect(page.words).toContain(words);
  });
});

const OWNER = { kind: 'owner', credential: 'owner', door: 'cli' } as const;
const MANDATE = {
  accounts: ['paper'],
  symbols: ['SPX'],
  sides: ['buy', 'sell'],
  order_types: ['market', 'limit'],
  max_order_qty: '10',
  max_order_value: '1234.5',
  max_daily_value: '5000',
  max_daily_orders: 20,
  max_daily_loss: '200',
  max_open_orders: 5,
  max_gross_exposure: '10000',
  trading_hours: 'session',
  expires_at: null,
  approval: { above: '500' },
};
