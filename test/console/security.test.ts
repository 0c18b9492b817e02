// Security without scripts: every change of a second factor takes a fresh code, sessions and browsers end, and signing out is real.
import { generateSync } from 'otplib/functional';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SecondFactorPurpose } from '#access/owner.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { type FormVisitor, formVisitor } from '../support/form-visitor.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

const OWNER = { name: 'rosa', passphrase: 'four horses under the bridge' };
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1';

let gate: TestGateway;
beforeAll(async () => {
  gate = await openTestGateway();
  await gate.gateway.access.owner.create({ ...OWNER, by: OWNER_CLI });
});
afterAll(() => gate.close());
/** The owner's wall clock alone: nothing else here has to live through the time between. */
const later = (ms: number): void => gate.clock.setWall(gate.clock.wallMs() + ms);
beforeEach(() => {
  later(30 * 60_000);
  owner().removeTotp();
});

const owner = () => gate.gateway.access.owner;
const purposes = (): readonly SecondFactorPurpose[] => [...(owner().record()?.purposes ?? [])];
let secret = '';
/** Each is good once, so the clock goes on with every one. */
function code(of = secret): string {
  later(30_000);
  return generateSync({ secret: of, epoch: Math.floor(gate.clock.wallMs() / 1_000) });
}
function enroll(): readonly string[] {
  ({ secret } = owner().beginTotp());
  const confirmed = owner().confirmTotp(code());
  if (!confirmed.ok) throw new Error(confirmed.error.detail);
  return confirmed.value.recoveryCodes;
}
async function signedIn(userAgent = FIREFOX): Promise<FormVisitor> {
  const visitor = formVisitor(gate.url, { 'user-agent': userAgent });
  await visitor.get('/admin/login');
  const { to } = await visitor.send('/admin/login/in', { ...OWNER, next: '/admin/security' });
  if (to !== '/admin/security') throw new Error('the owner is not signed in');
  await visitor.get(to);
  return visitor;
}
const AT = '/admin/security';

describe('an authenticator', () => {
  it('is begun with the passphrase while there is none, confirmed with its code, and gives ten codes once', async () => {
    const visitor = await signedIn();
    const asked = await visitor.send(`${AT}/begin-authenticator`);
    expect([asked.status, asked.words]).toEqual([403, expect.stringContaining('your passphrase')]);
    expect(owner().begunTotp()).toBeUndefined();
    expect((await visitor.send(`${AT}/begin-authenticator`, { _code: 'wrong passphrase' })).status).toBe(401);
    const begun = await visitor.follow(`${AT}/begin-authenticator`, { _code: OWNER.passphrase });
    secret = (/class="secret">([A-Z2-7 ]+)</.exec(begun.html)?.[1] ?? '').replaceAll(' ', '');
    expect(begun.html).toContain('<svg');
    expect((await visitor.send(`${AT}/authenticator`, { code: '000000' })).status).toBe(400);
    expect(owner().record()?.totp).toBe(false);
    const done = await visitor.send(`${AT}/authenticator`, { code: code() });
    const codes = done.html.match(/[0-9a-z]{4}(?:-[0-9a-z]{4}){3}/g) ?? [];
    expect(new Set(codes).size).toBe(10);
    expect(owner().record()?.totp).toBe(true);
    const again = await visitor.get(AT);
    expect(again.words).toContain('10 of its recovery codes are left');
    for (const one of codes) expect(again.html).not.toContain(one);
  });

  it('is replaced with a code of the old one, and not with the passphrase', async () => {
    enroll();
    const old = secret;
    const visitor = await signedIn();
    expect((await visitor.send(`${AT}/begin-authenticator`, { _code: OWNER.passphrase })).status).toBe(401);
    const begun = await visitor.follow(`${AT}/begin-authenticator`, { _code: code() });
    const next = (/class="secret">([A-Z2-7 ]+)</.exec(begun.html)?.[1] ?? '').replaceAll(' ', '');
    expect(next).not.toBe(old);
    // The old one stays until the new one is confirmed.
    expect((await visitor.send(`${AT}/purposes`, { purpose: 'sign_in', _code: code(old) })).status).toBe(303);
    expect((await visitor.send(`${AT}/authenticator`, { code: code(next) })).status).toBe(200);
    expect((await visitor.send(`${AT}/recovery`, { _code: code(old) })).status).toBe(401);
    secret = next;
    expect((await visitor.send(`${AT}/recovery`, { _code: code() })).status).toBe(200);
  });

  it('shows its secret to nobody who has not proved themselves a moment ago', async () => {
    enroll();
    const visitor = await signedIn();
    const begun = await visitor.follow(`${AT}/begin-authenticator`, { _code: code() });
    expect(begun.html).toContain('class="secret"');
    later(6 * 60_000);
    expect((await visitor.get(`${AT}?enrol=1`)).html).not.toMatch(/class="secret"|<svg xmlns/);
    expect((await visitor.send(`${AT}/authenticator`, { code: '123456' })).status).toBe(403);
  });

  it('is removed with a code, and its recovery codes and purposes go with it', async () => {
    const [recovery = ''] = enroll();
    owner().setPurposes(new Set(['password_reset'] as const));
    const visitor = await signedIn();
    expect((await visitor.send(`${AT}/remove-authenticator`)).status).toBe(403);
    expect(owner().record()?.totp).toBe(true);
    // A recovery code is a code.
    expect((await visitor.follow(`${AT}/remove-authenticator`, { _code: recovery })).words).toContain(
      'No authenticator is enrolled',
    );
    expect(owner().record()).toMatchObject({ totp: false, recoveryCodesLeft: 0 });
    expect(purposes()).toEqual([]);
  });

  it('gets new recovery codes, and the old ones open nothing', async () => {
    const [old = ''] = enroll();
    const visitor = await signedIn();
    const renewed = await visitor.send(`${AT}/recovery`, { _code: code() });
    expect(renewed.html.match(/[0-9a-z]{4}(?:-[0-9a-z]{4}){3}/g)).toHaveLength(10);
    expect(renewed.html).not.toContain(old);
    expect(owner().confirmRecoveryCode(old)).toBe(false);
  });
});

describe('where a code is asked for', () => {
  it.each([
    [[]],
    [['sign_in']],
    [['remote_write']],
    [['password_reset']],
    [['sign_in', 'password_reset']],
    [['sign_in', 'remote_write', 'password_reset']],
  ] satisfies SecondFactorPurpose[][][])('is saved as ticked, each for itself: %j', async (ticked) => {
    enroll();
    const visitor = await signedIn();
    const saved = await visitor.follow(`${AT}/purposes`, { purpose: ticked, _code: code() });
    expect(saved.words).toContain('Where a code is asked for is saved.');
    expect(new Set(purposes())).toEqual(new Set(ticked));
    const boxes = [...saved.html.matchAll(/value="(\w+)" checked/g)].map(([, id]) => id);
    expect(new Set(boxes)).toEqual(new Set(ticked));
  });

  it('takes a fresh code with every save, whoever has shown one just before', async () => {
    enroll();
    const visitor = await signedIn();
    const fresh = code();
    expect((await visitor.send(`${AT}/purposes`, { purpose: 'sign_in', _code: fresh })).status).toBe(303);
    expect((await visitor.send(`${AT}/purposes`, { purpose: [] })).status).toBe(403);
    expect((await visitor.send(`${AT}/purposes`, { purpose: [], _code: fresh })).status).toBe(401);
    expect((await visitor.send(`${AT}/purposes`, { purpose: 'everything', _code: code() })).status).toBe(400);
    expect(purposes()).toEqual(['sign_in']);
  });

  it('is nothing to be saved without an authenticator', async () => {
    const visitor = await signedIn();
    expect((await visitor.get(AT)).words).toContain('Nowhere, until an authenticator is enrolled.');
    const sent = await visitor.send(`${AT}/purposes`, { purpose: 'sign_in', _code: OWNER.passphrase });
    expect(sent.status).toBe(400);
    expect(purposes()).toEqual([]);
  });
});

describe('the passphrase', () => {
  it('is changed by the one before; others are signed out, this browser stays', async () => {
    const [here, there] = [await signedIn(), await signedIn(SAFARI)];
    const next = 'five goats over the river';
    const wrong = await here.send(`${AT}/passphrase`, {
      current_passphrase: 'not the passphrase',
      passphrase: next,
    });
    expect(wrong.status).toBe(401);
    const short = await here.send(`${AT}/passphrase`, {
      current_passphrase: OWNER.passphrase,
      passphrase: 'short',
    });
    expect(short.words).toContain('12 to 256 characters');
    expect((await there.get(AT)).status).toBe(200);
    const changed = await here.follow(`${AT}/passphrase`, {
      current_passphrase: OWNER.passphrase,
      passphrase: next,
    });
    expect(changed.words).toContain('The passphrase is changed.');
    expect((await there.get(AT)).status).toBe(303);
    const back = await here.follow(`${AT}/passphrase`, {
      current_passphrase: next,
      passphrase: OWNER.passphrase,
    });
    expect(back.html).not.toContain(next);
  });
});

describe('sessions and browsers', () => {
  it('are listed with browser and address, this one marked, and end one by one or all but this', async () => {
    owner().endOtherSessions('');
    const [here, phone, desk] = [await signedIn(), await signedIn(SAFARI), await signedIn(FIREFOX)];
    const page = await here.get(AT);
    expect(page.words).toContain('Firefox 140, Linux this one 127.0.0.1');
    expect(page.words).toContain('Safari 19, iOS 127.0.0.1');
    const phoneSession = owner()
      .sessions()
      .find(({ userAgent }) => userAgent === SAFARI);
    await here.follow(`${AT}/end-session`, { id: phoneSession?.id ?? '' });
    expect((await phone.get(AT)).to).toContain('/admin/login');
    expect((await desk.get(AT)).status).toBe(200);
    expect((await here.follow(`${AT}/end-others`)).words).toContain('One other session is ended.');
    expect((await desk.get(AT)).to).toContain('/admin/login');
    expect((await here.get(AT)).status).toBe(200);
  });

  it('shows no more of what a browser calls itself than can be read', async () => {
    const visitor = await signedIn('<script>alert(1)</script>');
    const page = await visitor.get(AT);
    expect(page.html).not.toContain('<script>alert');
    expect(page.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('a trusted browser is listed, and forgotten', async () => {
    const visitor = formVisitor(gate.url, { 'user-agent': SAFARI });
    await visitor.get('/admin/login');
    await visitor.send('/admin/login/in', { ...OWNER, next: '/admin', trust: 'yes' });
    const [device] = owner().devices();
    expect((await visitor.get(AT)).html).toContain(`value="${device?.id}"`);
    const forgotten = await visitor.follow(`${AT}/forget-device`, { id: device?.id ?? '' });
    expect(forgotten.words).toContain('No browser is trusted');
    expect(owner().devices()).toEqual([]);
  });

  it('signing out ends the session at the gateway, not in the browser alone', async () => {
    const visitor = await signedIn();
    const kept = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const out = await visitor.send(`${AT}/sign-out`);
    expect(out.to).toBe('/admin/login?after=sign-out');
    expect([...visitor.cookies.keys()].join()).not.toContain('session');
    const replayed = await fetch(`${gate.url}/admin`, { headers: { cookie: kept }, redirect: 'manual' });
    expect(replayed.status).toBe(303);
  });

  it('is signed out by nobody else: a form without its token changes nothing', async () => {
    const visitor = await signedIn();
    expect((await visitor.send(`${AT}/sign-out`, { _token: 'guessed' })).status).toBe(403);
    expect((await visitor.get(AT)).status).toBe(200);
  });
});

it('shows the last sign-ins and the refused ones, with why', async () => {
  const stranger = formVisitor(gate.url);
  await stranger.get('/admin/login');
  await stranger.send('/admin/login/in', { ...OWNER, passphrase: 'not the passphrase', next: '/admin' });
  const visitor = await signedIn();
  gate.gateway.audit.flush();
  const { words, html } = await visitor.get(AT);
  expect(words).toContain('Signed in with the passphrase');
  expect(words).toContain('refused sign-in: wrong passphrase');
  expect(html).not.toContain('not the passphrase');
});
