/** The pages of accounts at brokers: forms of the broker's own fields, secrets on no page, real money on a fresh code, a sign-in that comes back once. */
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { BROKERS } from '#brokers/index.ts';
import { accountId } from '#domain/principal.ts';
import { BROKER_SIGN_IN_TTL_MS } from '#limits.ts';
import { OWNER } from '../support/browser.ts';
import { consoleClient } from '../support/console-client.ts';
import { daily, type LoopbackVenue, loopback, loopbackVenue } from '../support/loopback-broker.ts';
import { plainFetch } from '../support/plain-fetch.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let venue: LoopbackVenue;
let scene: TradingScene;
let code: () => string;
beforeAll(async () => {
  venue = await loopbackVenue();
  scene = await tradingScene({ brokers: [...BROKERS, loopback, daily] });
});
afterAll(async () => {
  await scene.gate.close();
  await venue.close();
});

const ADD = '/admin/add-account/loopback/add';
const { passphrase } = OWNER;
const form = (over: object = {}) => ({
  name: 'main',
  mode: 'paper',
  'secret.key': venue.key,
  'secret.secret': venue.secret,
  'setting.endpoint': venue.endpoint,
  'setting.desk': '',
  ...over,
});
const ids = () => scene.gate.gateway.accounts.list().map(({ id }) => id);
const proofIsOld = () => scene.gate.clock.advanceAsync(6 * 60_000);
/** Whether anything of what was entered as secret stands in a page. */
const holdsSecrets = (html: string): boolean => html.includes('canary');
const told = (kind: string) => {
  scene.gate.gateway.audit.flush();
  return auditQuery(scene.gate.gateway.store, scene.gate.gateway.keyring).tail(5, { kind });
};

describe('the form of a broker', () => {
  test('is made of its own fields; what is secret is typed unseen', async () => {
    const listed = await scene.console.get('/admin/accounts');
    expect(listed.html).toContain('href="/admin/add-account/loopback"');
    expect(listed.words).toContain('Daily live');
    const page = await scene.console.get('/admin/add-account/loopback');
    expect(page.html).toMatch(/name="secret\.key" type="password"[^>]* autocomplete="off"/);
    expect(page.html).toMatch(/name="setting\.endpoint" type="text"/);
    expect(page.html).toMatch(/<select[^>]*name="setting\.desk"/);
    expect(formOf(page.html, ADD)).toMatchObject({ mode: 'paper', 'setting.desk': '' });
    expect(page.words).toContain('Shown once where you made it.');
    expect((await scene.console.get('/admin/add-account/nowhere')).status).toBe(404);
    const live = await scene.console.get('/admin/add-account/daily');
    expect(formOf(live.html, '/admin/add-account/daily/add')).toMatchObject({ mode: 'live' });
    for (const id of BROKERS.map((broker) => broker.id).filter((one) => one !== 'paper'))
      expect((await scene.console.get(`/admin/add-account/${id}`)).status).toBe(200);
  });

  test('says what is wrong at each field, keeps what was entered, and shows no credential again', async () => {
    await proofIsOld();
    const wrong = form({
      name: 'Not A Name',
      'secret.key': `canary${'x'.repeat(60)}`,
      'setting.desk': 'third',
    });
    const page = await scene.console.post(ADD, wrong, passphrase);
    expect(page.status).toBe(400);
    for (const name of ['name', 'secret.key', 'setting.desk'])
      expect(page.html).toContain(`id="add-${name}-wrong"`);
    expect(page.html).toContain(`value="${venue.endpoint}"`);
    expect(holdsSecrets(page.html)).toBe(false);
    expect(venue.asked).toEqual([]);
  });

  test('asks for proof in the form itself when the last is old: no page carries the credentials', async () => {
    await proofIsOld();
    const page = await scene.console.post(ADD, form());
    expect(page.words).toContain('Nothing was done yet');
    expect(holdsSecrets(page.html)).toBe(false);
    expect(page.html).toMatch(/name="name"[^>]*value="main"/);
    expect(ids()).toEqual(['paper']);
    expect(venue.asked).toEqual([]);
  });

  test('that its broker does not take is not kept, in the broker’s words; that it takes is there', async () => {
    const refused = await scene.console.post(ADD, form({ 'secret.secret': 'canary-wrong' }), passphrase);
    expect(refused.words).toContain(
      'Loopback did not take these credentials: the key or the secret is wrong.',
    );
    expect(holdsSecrets(refused.html)).toBe(false);
    const added = await scene.console.follow(ADD, form(), passphrase);
    expect(added.words).toContain('Loopback took the credentials: 25000.5 USD of paper money.');
    expect(added.words).toMatch(/main PAPER ACTIVE Loopback · /);
    expect(holdsSecrets(added.html)).toBe(false);
  });
});

describe('an account at a broker', () => {
  test('shows what its broker can do and can not, how it is set, and how far it is verified', async () => {
    const page = await scene.console.get('/admin/accounts/main');
    expect(page.words).toContain(
      'market, limit, stop, stop limit, trailing stop orders; good for day, gtc, ioc, fok',
    );
    expect(page.words).toContain(
      'Can not do take profit and stop loss with the order; changing a working order',
    );
    expect(page.words).toContain(`Address ${venue.endpoint}`);
    expect(page.words).toContain('not against the broker itself');
    expect(page.words).toMatch(/Equity 25,000\.50? USD/);
    expect(holdsSecrets(page.html)).toBe(false);
    expect(page.html).not.toContain('/admin/accounts/main/begin-anew');
  });

  test('is connected anew by a press, and takes other credentials once they are tried', async () => {
    const before = venue.asked.length;
    const anew = await scene.console.follow('/admin/accounts/main/reconnect');
    expect(anew.words).toContain('The connection of main was made anew');
    expect(venue.asked.length).toBeGreaterThan(before);
    await proofIsOld();
    const path = '/admin/accounts/main/credentials';
    const page = await scene.console.get(path);
    expect(formOf(page.html, `${path}/change`)).toEqual({ 'secret.key': '', 'secret.secret': '' });
    const keys = { 'secret.key': venue.key, 'secret.secret': 'canary-other' };
    const asked = await scene.console.post(`${path}/change`, keys);
    expect(asked.words).toContain('Nothing was done yet');
    const refused = await scene.console.post(`${path}/change`, keys, passphrase);
    expect(refused.words).toContain(
      'The credentials were not changed. Loopback did not take these credentials',
    );
    for (const one of [asked, refused]) expect(holdsSecrets(one.html)).toBe(false);
    venue.secret = 'canary-other';
    const changed = await scene.console.follow(`${path}/change`, keys, passphrase);
    expect(changed.words).toContain('The credentials were changed. Loopback took the credentials');
    expect((await scene.console.get('/admin/accounts/paper/credentials')).status).toBe(404);
  });

  test('whose broker is away is told at the top of every page', async () => {
    venue.secret = 'another one';
    await scene.console.follow('/admin/accounts/main/reconnect');
    await expect
      .poll(async () => (await scene.console.get('/admin/agents')).words)
      .toContain('main not connected tick');
    expect((await scene.console.get('/admin/accounts/main')).words).toContain(
      'the key or the secret is wrong',
    );
    venue.secret = 'canary-other';
    await scene.console.follow('/admin/accounts/main/reconnect');
    await expect
      .poll(async () => (await scene.console.get('/admin/agents')).words)
      .not.toContain('main not connected');
  });
});

describe('a paper account', () => {
  test('trades on what an account at a broker is quoted only where that has prices of its own', async () => {
    await proofIsOld();
    const paper = { name: 'shadow', cash: '500', preset: 'friendly', seed: '1', accountType: 'cash' };
    const add = (over: object) =>
      scene.console.post('/admin/accounts/add', { ...paper, ...over }, passphrase);
    expect((await add({ market: 'live:ghost' })).html).toMatch(
      /id="add-market-wrong">must name an account at a broker/,
    );
    expect((await add({ market: 'nowhere' })).html).toMatch(
      /id="add-market-wrong">must be tape, live:ACCOUNT/,
    );
    expect((await add({ market: 'public:kraken' })).html).toMatch(
      /id="add-currency-wrong">must be what is paid with/,
    );
    expect(ids()).not.toContain('shadow');
    // This broker quotes nothing itself.
    expect((await add({ market: 'live:main' })).to).toBe('/admin/accounts/shadow');
    const page = await scene.console.get('/admin/accounts/shadow');
    expect(page.words).toContain('has none of its own');
    const kept = await scene.console.post('/admin/accounts/main/remove/now');
    expect(kept.words).toContain('These trade on the prices of main: shadow. Remove them first.');
    await scene.console.post('/admin/accounts/shadow/remove/now');
    expect(ids()).not.toContain('shadow');
  });
});

describe('real money', () => {
  const live = (over: object = {}) => form({ name: 'real', mode: 'live', ...over });

  test('needs an authenticator: a passphrase is not enough, however fresh', async () => {
    const page = await scene.console.post(ADD, live(), passphrase);
    expect(page.words).toContain('needs your authenticator app, and none is enrolled');
    expect(holdsSecrets(page.html)).toBe(false);
    expect(ids()).not.toContain('real');
    const { owner } = scene.gate.gateway.access;
    const { secret } = owner.beginTotp();
    code = () => generateSync({ secret, epoch: scene.gate.clock.wallMs() / 1_000 });
    const [session] = owner.sessions();
    expect(owner.confirmTotp(code(), session?.id).ok).toBe(true);
  });

  test('takes a fresh code for this act alone, never the one of a moment ago', async () => {
    await proofIsOld();
    const once = code();
    const stepped = await scene.console.post(ADD, form({ name: 'second' }), once);
    expect(stepped.status).toBe(303);
    const asked = await scene.console.post(ADD, live());
    expect(asked.words).toContain('Nothing was done yet');
    const used = await scene.console.post(ADD, live(), once);
    expect(used.words).toContain('the code is wrong or was used already');
    for (const one of [asked, used]) expect(holdsSecrets(one.html)).toBe(false);
    expect(ids()).not.toContain('real');
    await scene.gate.clock.advanceAsync(60_000);
    const added = await scene.console.follow(ADD, live(), code());
    expect(added.words).toContain('25000.5 USD of real money');
    expect(added.words).toMatch(/LIVE/);
    const keys = { 'secret.key': venue.key, 'secret.secret': venue.secret };
    const changed = await scene.console.post('/admin/accounts/real/credentials/change', keys);
    expect(changed.words).toContain('Nothing was done yet');
  });
});

describe('a sign-in at the broker', () => {
  const PATH = '/admin/accounts/kite/sign-in';
  const begin = async (): Promise<string> => {
    const page = await scene.console.post(`${PATH}/begin`);
    const to = /^0; url=(.*)$/.exec(page.headers.get('refresh') ?? '')?.[1] ?? '';
    expect(page.html).toContain('rel="noreferrer"');
    const inner = new URL(to).searchParams.get('redirect_params') ?? '';
    return new URLSearchParams(inner).get('state') ?? '';
  };
  const back = (state: string, token: string) =>
    `${PATH}?state=${state}&status=success&request_token=${token}`;

  test('waits for the owner until it is done, and refuses what was not begun here', async () => {
    await scene.gate.clock.advanceAsync(60_000);
    const added = await scene.console.follow(
      '/admin/add-account/daily/add',
      form({ name: 'kite', mode: 'live' }),
      code(),
    );
    expect(added.words).toContain('Sign in at Daily for kite LIVE');
    expect((await scene.console.get('/admin')).words).toMatch(
      /The broker of kite needs you: You have to sign in/,
    );
    expect((await scene.console.get('/admin/agents')).words).toContain('kite sign in there');
    venue.requestTokens.add('r1');
    const forged = await scene.console.get(back('x'.repeat(32), 'r1'));
    expect(forged.to).toBe(PATH);
    expect((await scene.console.get(PATH)).words).toContain('This sign-in was not begun here');
    expect(venue.requestTokens.has('r1')).toBe(true);
    expect((await scene.console.get('/admin/accounts/main/sign-in')).status).toBe(404);
  });

  test('comes back once, to the session that began it, and leaves the address at once', async () => {
    const state = await begin();
    const { gateway } = scene.gate;
    const other = gateway.access.owner.openSession({ address: '127.0.0.1', userAgent: 'other' });
    const stranger = await consoleClient(scene.gate.url, other.token).get(back(state, 'r1'));
    expect(stranger.to).toBe(PATH);
    expect(venue.requestTokens.has('r1')).toBe(true);
    const done = await scene.console.get(back(state, 'r1'));
    expect([done.status, done.to]).toEqual([303, '/admin/accounts/kite']);
    expect((await scene.console.get('/admin/accounts/kite')).words).toMatch(
      /You are signed in .*session ends/,
    );
    expect(gateway.secrets.read(accountId('kite'), 'session')).toBe('canary-token-r1');
    venue.requestTokens.add('r2');
    expect((await scene.console.get(back(state, 'r2'))).to).toBe(PATH);
    expect(venue.requestTokens.has('r2')).toBe(true);
    expect(told('broker.signed_in').map(({ outcome }) => outcome)).toEqual(['ok']);
    expect(JSON.stringify(told('broker.signed_in'))).not.toMatch(/canary|r1"/);
  });

  test('that takes too long, or that the broker does not take, changes nothing', async () => {
    const late = await begin();
    await scene.gate.clock.advanceAsync(BROKER_SIGN_IN_TTL_MS + 1);
    expect((await scene.console.get(back(late, 'r2'))).to).toBe(PATH);
    expect(venue.requestTokens.has('r2')).toBe(true);
    const state = await begin();
    await scene.console.get(back(state, 'unknown'));
    expect((await scene.console.get(PATH)).words).toContain('the request token is not known');
    expect(scene.gate.gateway.secrets.read(accountId('kite'), 'session')).toBe('canary-token-r1');
  });

  test('a browser that another site sends back is asked once more by a page of ours; signed out it keeps no token', async () => {
    const sent = (site: string) =>
      plainFetch(`${scene.gate.url}${back('s', 'r2')}`, {
        headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      });
    const strict = await sent('cross-site');
    expect(strict.headers.get('refresh')).toBe(`0; url=${back('s', 'r2')}`);
    const out = await sent('same-origin');
    expect(out.headers.get('location')).toBe(`/admin/login?next=${encodeURIComponent(PATH)}`);
  });
});
