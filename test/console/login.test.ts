// Signing in without scripts: one answer to everything wrong, a wait that is told, codes, trusted browsers, and a new passphrase.
import { generateSync } from 'otplib/functional';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SecondFactorPurpose } from '#access/owner.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { OWNER_LOCK_FIRST_MS } from '#limits.ts';
import { type FormVisitor, formVisitor, type Seen } from '../support/form-visitor.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

const OWNER = { name: 'rosa', passphrase: 'four horses under the bridge' };
const STEP_MS = 30_000;

let gate: TestGateway;
beforeAll(async () => {
  gate = await openTestGateway();
  await gate.gateway.access.owner.create({ ...OWNER, by: OWNER_CLI });
});
afterAll(() => gate.close());
/** The owner's wall clock alone: nothing else here has to live through the time between. */
const later = (ms: number): void => gate.clock.setWall(gate.clock.wallMs() + ms);
// Lockouts of one test are over for the next.
beforeEach(() => later(30 * 60_000));

const owner = () => gate.gateway.access.owner;
async function atLogin(path = '/admin/login'): Promise<FormVisitor & { readonly page: Seen }> {
  const visitor = formVisitor(gate.url);
  return { ...visitor, page: await visitor.get(path) };
}
const signIn = (visitor: FormVisitor, fields: Record<string, string> = {}): Promise<Seen> =>
  visitor.send('/admin/login/in', { ...OWNER, next: '/admin', ...fields });

/** An authenticator with its codes; each is good once, so the clock goes on with every one. */
function enrolled(...purposes: readonly SecondFactorPurpose[]): {
  readonly code: () => string;
  readonly recovery: readonly string[];
} {
  const { secret } = owner().beginTotp();
  const code = (): string => {
    later(STEP_MS);
    return generateSync({ secret, epoch: Math.floor(gate.clock.wallMs() / 1_000) });
  };
  const confirmed = owner().confirmTotp(code());
  if (!confirmed.ok) throw new Error(confirmed.error.detail);
  owner().setPurposes(new Set(purposes));
  return { code, recovery: confirmed.value.recoveryCodes };
}

describe('with a passphrase alone', () => {
  beforeAll(() => owner().removeTotp());

  it('opens the console, and leads on to where one was going', async () => {
    const visitor = await atLogin();
    expect(visitor.page.html).not.toContain('authenticator');
    expect((await signIn(visitor)).to).toBe('/admin');
    expect((await visitor.get('/admin')).status).toBe(200);
    const asked = await formVisitor(gate.url).get('/admin/orders?symbol=SPX');
    expect(asked.to).toBe('/admin/login?next=%2Fadmin%2Forders%3Fsymbol%3DSPX');
    const back = await atLogin(asked.to ?? '');
    expect(back.page.html).toContain('name="next" value="/admin/orders?symbol=SPX"');
    expect((await signIn(back, { next: '/admin/orders?symbol=SPX' })).to).toBe('/admin/orders?symbol=SPX');
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/administrator', '/admin/\n/x'])(
    'leads nowhere but to its own pages: %j',
    async (next) => {
      expect((await signIn(await atLogin(), { next })).to).toBe('/admin');
    },
  );

  it('leads on at once when one is signed in already', async () => {
    const visitor = await atLogin();
    await signIn(visitor);
    expect((await visitor.get('/admin/login?next=/admin/agents')).to).toBe('/admin/agents');
  });

  it('says the same of a wrong name and a wrong passphrase, and gives back the name alone', async () => {
    const wrongName = await signIn(await atLogin(), { name: 'paul' });
    const wrongPassphrase = await signIn(await atLogin(), { passphrase: 'not the passphrase' });
    expect([wrongName.status, wrongPassphrase.status]).toEqual([401, 401]);
    const bare = ({ words }: Seen): string => words;
    expect(bare(wrongName)).toBe(bare(wrongPassphrase));
    expect(wrongName.html).toContain('value="paul"');
    expect(wrongPassphrase.html).not.toContain('not the passphrase');
  });

  it('makes the sixth try wait, says how long, and takes the right passphrase after that', async () => {
    const visitor = await atLogin();
    for (let tries = 0; tries < 5; tries++)
      expect((await signIn(visitor, { passphrase: 'not the passphrase' })).status).toBe(401);
    const locked = await signIn(visitor);
    expect(locked.status).toBe(429);
    expect(locked.words).toMatch(/Too many wrong tries; nothing was looked at\. Wait \d+ s\./);
    later(OWNER_LOCK_FIRST_MS);
    expect((await signIn(visitor)).to).toBe('/admin');
  });

  it('a browser that is trusted is not kept out by strangers who guess', async () => {
    const trusted = await atLogin();
    await signIn(trusted, { trust: 'yes' });
    await trusted.get('/admin/security');
    expect((await trusted.send('/admin/security/sign-out')).to).toBe('/admin/login?after=sign-out');
    expect([...trusted.cookies.keys()].join()).toMatch(/-device/);
    expect([...trusted.cookies.keys()].join()).not.toMatch(/-session/);
    const stranger = await atLogin();
    for (let tries = 0; tries < 6; tries++) await signIn(stranger, { passphrase: 'not the passphrase' });
    expect((await signIn(stranger)).status).toBe(429);
    expect((await trusted.get('/admin/login?after=sign-out')).words).toContain('You are signed out.');
    for (const word of ['constructor', '__proto__', 'else'])
      expect((await trusted.get(`/admin/login?after=${word}`)).html).not.toContain('role="status"');
    expect((await signIn(trusted)).to).toBe('/admin');
  });

  it('is not fooled by a form of another visitor, or by none', async () => {
    const [one, other] = [await atLogin(), formVisitor(gate.url)];
    expect((await other.send('/admin/login/in', { ...OWNER, next: '/admin' })).status).toBe(403);
    const before = owner().sessions().length;
    const token = /name="_token" value="([^"]+)"/.exec(one.page.html)?.[1] ?? '';
    await other.get('/admin/login');
    expect((await other.send('/admin/login/in', { ...OWNER, next: '/admin', _token: [token] })).status).toBe(
      403,
    );
    expect(owner().sessions()).toHaveLength(before);
  });
});

describe('with a code where the owner wants one', () => {
  it('asks for it in the same form, takes each once, and says nothing of which part was wrong', async () => {
    const { code } = enrolled('sign_in');
    const visitor = await atLogin();
    expect(visitor.page.html).toContain('name="code"');
    const good = code();
    expect((await signIn(visitor)).status).toBe(401);
    expect((await signIn(visitor, { code: '000000' })).status).toBe(401);
    const wrongPassphrase = await signIn(visitor, { code: good, passphrase: 'not the passphrase' });
    const wrongCode = await signIn(visitor, { code: '000000' });
    expect(wrongPassphrase.words).toBe(wrongCode.words);
    expect((await signIn(visitor, { code: good })).to).toBe('/admin');
    expect((await signIn(await atLogin(), { code: good })).status).toBe(401);
  });

  it('takes a recovery code once, and says how many are left', async () => {
    const { recovery } = enrolled('sign_in');
    const [code = ''] = recovery;
    const visitor = await atLogin();
    // As people copy it from paper.
    expect((await signIn(visitor, { code: ` ${code.toUpperCase().replaceAll('-', ' ')} ` })).to).toBe(
      '/admin',
    );
    expect((await visitor.get('/admin')).words).toContain('That recovery code is used up; 9 are left.');
    expect((await visitor.get('/admin')).words).not.toContain('9 are left');
    expect((await signIn(await atLogin(), { code })).status).toBe(401);
  });

  it('does not ask a browser that was trusted with one, until it is forgotten', async () => {
    const { code } = enrolled('sign_in');
    const trusted = await atLogin();
    await signIn(trusted, { code: code(), trust: 'yes' });
    await trusted.get('/admin');
    await trusted.send('/admin/security/sign-out');
    expect((await trusted.get('/admin/login')).html).not.toContain('name="code"');
    expect((await signIn(trusted)).to).toBe('/admin');
    for (const { id } of owner().devices()) owner().forgetDevice(id);
    expect((await trusted.get('/admin')).to).toBe('/admin/login');
    expect((await trusted.get('/admin/login')).html).toContain('name="code"');
  });
});

describe('a passphrase that was forgotten', () => {
  const link = (): string => `/admin/reset?code=${owner().issueResetLink().code}`;
  const chosen = (visitor: FormVisitor, fields: Record<string, string> = {}): Promise<Seen> =>
    visitor.send('/admin/reset/save', { passphrase: OWNER.passphrase, ...fields });

  it('shows nothing without a link; a link opens once and leaves the address', async () => {
    owner().removeTotp();
    const stranger = formVisitor(gate.url);
    expect((await stranger.get('/admin/reset')).status).toBe(404);
    expect((await stranger.get('/admin/reset?code=wrong')).status).toBe(404);
    const visitor = formVisitor(gate.url);
    const given = link();
    expect((await visitor.get(given)).to).toBe('/admin/reset');
    expect((await visitor.get('/admin/reset')).status).toBe(200);
    expect((await stranger.get(given)).status).toBe(404);
  });

  it('signs every browser out, also the one that it is done in, and the old passphrase opens nothing', async () => {
    const before = await atLogin();
    await signIn(before);
    await before.get(link());
    expect((await before.get('/admin/reset')).html).not.toContain('name="code"');
    const short = await chosen(before, { passphrase: 'short' });
    expect([short.status, short.words]).toEqual([400, expect.stringContaining('12 to 256 characters')]);
    const saved = await chosen(before, { passphrase: 'five goats over the river' });
    expect(saved.to).toBe('/admin/login?after=reset');
    expect((await before.get(saved.to ?? '')).words).toContain('The passphrase is changed');
    expect((await before.get('/admin')).to).toBe('/admin/login');
    expect((await chosen(before)).status).toBe(404);
    expect((await signIn(await atLogin())).status).toBe(401);
    expect((await signIn(await atLogin(), { passphrase: 'five goats over the river' })).to).toBe('/admin');
    const back = formVisitor(gate.url);
    await back.get(link());
    await back.get('/admin/reset');
    expect((await chosen(back)).status).toBe(303);
  });

  it('asks for a code where that purpose is on, whatever the others say', async () => {
    const { code, recovery } = enrolled('password_reset');
    const visitor = formVisitor(gate.url);
    await visitor.get(link());
    expect((await visitor.get('/admin/reset')).html).toContain('name="code"');
    expect((await chosen(visitor)).status).toBe(401);
    expect((await chosen(visitor, { code: '000000' })).status).toBe(401);
    expect((await chosen(visitor, { code: code() })).status).toBe(303);
    const again = formVisitor(gate.url);
    await again.get(link());
    await again.get('/admin/reset');
    expect((await chosen(again, { code: recovery[0] ?? '' })).status).toBe(303);
    // Signing in was never to ask.
    const signing = await atLogin();
    expect(signing.page.html).not.toContain('name="code"');
    expect((await signIn(signing)).to).toBe('/admin');
  });
});
