// Setting up without scripts: the link opens once, leaves the address at once, and nothing shows without it.
import { afterEach, expect, it } from 'vitest';
import { ONE_TIME_LINK_TTL_MS } from '#limits.ts';
import { formVisitor } from '../support/form-visitor.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

const PASSPHRASE = 'four horses under the bridge';
const OWNER = { name: 'rosa', passphrase: PASSPHRASE };
const open: TestGateway[] = [];
afterEach(async () => {
  for (const gate of open.splice(0)) await gate.close();
});
async function unclaimed(): Promise<TestGateway> {
  const gate = await openTestGateway();
  open.push(gate);
  return gate;
}
const linkOf = (gate: TestGateway): string =>
  `/admin/setup?code=${gate.gateway.access.owner.issueSetupCode().code}`;

it('shows nothing without a code, with a wrong one, or with one that is used', async () => {
  const gate = await unclaimed();
  const stranger = formVisitor(gate.url);
  const bare = await stranger.get('/admin/setup');
  expect(bare.status).toBe(404);
  expect(bare.html).not.toContain('<form');
  expect((await stranger.get('/admin/setup?code=wrong')).status).toBe(404);
  const link = linkOf(gate);
  const owner = formVisitor(gate.url);
  expect((await owner.get(link)).status).toBe(303);
  expect((await stranger.get(link)).status).toBe(404);
  expect((await stranger.get('/admin/setup')).status).toBe(404);
  const sent = await stranger.send('/admin/setup/create', OWNER);
  expect(sent.status).toBe(403);
  expect(gate.gateway.access.owner.record()).toBeUndefined();
});

it('takes the code out of the address at once, and keeps a ticket that no script reads', async () => {
  const gate = await unclaimed();
  const visitor = formVisitor(gate.url);
  const redeemed = await visitor.get(linkOf(gate));
  expect(redeemed.to).toBe('/admin/setup');
  expect(redeemed.headers.get('set-cookie')).toMatch(/-ticket=.*HttpOnly.*SameSite=Strict/);
  const page = await visitor.get('/admin/setup');
  expect(page.status).toBe(200);
  expect(page.words).toContain('At least 12 characters, better 15 or more');
});

it('is over after 15 minutes', async () => {
  const gate = await unclaimed();
  const late = formVisitor(gate.url);
  const link = linkOf(gate);
  gate.clock.setWall(gate.clock.wallMs() + ONE_TIME_LINK_TTL_MS + 1_000);
  expect((await late.get(link)).status).toBe(404);
});

it('makes the owner, signs in and leads on to the first run; then there is no setup any more', async () => {
  const gate = await unclaimed();
  const visitor = formVisitor(gate.url);
  await visitor.get(linkOf(gate));
  await visitor.get('/admin/setup');
  const welcome = await visitor.follow('/admin/setup/create', OWNER);
  expect(welcome.words).toContain('Add an authenticator');
  expect([...visitor.cookies.keys()].join()).toMatch(/-session/);
  expect([...visitor.cookies.keys()].join()).not.toMatch(/-ticket|-visit/);
  expect(gate.gateway.access.owner.record()?.name).toBe('rosa');
  expect((await visitor.get('/admin/setup')).status).toBe(404);
  expect((await formVisitor(gate.url).get('/admin/setup')).status).toBe(404);
});

it.each([
  ['a passphrase that is too short', { ...OWNER, passphrase: 'too short' }, '12 to 256 characters'],
  [
    'a passphrase that is the name',
    { name: 'rosa-luxemburg', passphrase: 'Rosa-Luxemburg' },
    'other than the name',
  ],
  ['a name that is none', { ...OWNER, name: 'Rosa Luxemburg' }, 'small letters, digits'],
])('refuses %s in words, keeps the name and never the passphrase', async (_, given, rule) => {
  const gate = await unclaimed();
  const visitor = formVisitor(gate.url);
  await visitor.get(linkOf(gate));
  await visitor.get('/admin/setup');
  const again = await visitor.send('/admin/setup/create', given);
  expect(again.status).toBe(400);
  expect(again.words).toContain(rule);
  expect(again.html).toContain(`value="${given.name}"`);
  expect(again.html).not.toContain(given.passphrase);
  expect(gate.gateway.access.owner.record()).toBeUndefined();
  expect((await visitor.follow('/admin/setup/create', OWNER)).words).toContain('Add an authenticator');
});

it('belongs to one: of two who follow the same link in turn the second gets nothing', async () => {
  const gate = await unclaimed();
  const link = linkOf(gate);
  const [first, second] = [formVisitor(gate.url), formVisitor(gate.url)];
  await first.get(link);
  expect((await second.get(link)).status).toBe(404);
  // A new link voids the ticket of the one before.
  await second.get(linkOf(gate));
  expect((await first.get('/admin/setup')).status).toBe(404);
  await second.get('/admin/setup');
  await second.follow('/admin/setup/create', OWNER);
});

it('leads back to the first run at every sign-in until it is ended, and nowhere after that', async () => {
  const gate = await unclaimed();
  const visitor = formVisitor(gate.url);
  await visitor.get(linkOf(gate));
  await visitor.get('/admin/setup');
  await visitor.follow('/admin/setup/create', OWNER);
  const { firstRun } = gate.gateway.access;
  const signIn = async (next = '/admin'): Promise<string | null> => {
    const browser = formVisitor(gate.url);
    await browser.get('/admin/login');
    return (await browser.send('/admin/login/in', { ...OWNER, next })).to;
  };
  expect(await signIn()).toBe('/admin/welcome');
  expect(await signIn('/admin/orders')).toBe('/admin/orders');
  firstRun.end('dismissed');
  expect(await signIn()).toBe('/admin');
  expect((await visitor.get('/admin/welcome')).to).toBe('/admin');
});

it('leaves neither code, ticket nor passphrase in the log or on the record', async () => {
  const gate = await openTestGateway({ settings: { LOG_LEVEL: 'trace' } });
  open.push(gate);
  const link = linkOf(gate);
  const visitor = formVisitor(gate.url);
  await visitor.get(link);
  await visitor.get('/admin/setup');
  const ticket = [...visitor.cookies].find(([name]) => name.endsWith('-ticket'))?.[1];
  await visitor.send('/admin/setup/create', { ...OWNER, passphrase: 'too short' });
  await visitor.follow('/admin/setup/create', OWNER);
  const session = [...visitor.cookies].find(([name]) => name.endsWith('-session'))?.[1];
  const { store, audit } = gate.gateway;
  audit.flush();
  const told = [...gate.logged, ...store.db.prepare<[], string>('SELECT line FROM audit').pluck().all()].join(
    '\n',
  );
  expect(told).toContain('owner.created');
  for (const secret of [link.split('=')[1], ticket, session, PASSPHRASE, 'too short'])
    expect(told).not.toContain(secret ?? 'nothing was kept');
});
