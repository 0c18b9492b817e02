// The first run as somebody at a browser that was left open finds it: it is no way around the codes that other pages ask for.
import { generateSync } from 'otplib/functional';
import { afterEach, expect, it } from 'vitest';
import { agentId, OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { STEP_UP_TTL_MS } from '#limits.ts';
import { type FormVisitor, formVisitor } from '../support/form-visitor.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';

const OWNER = { name: 'rosa', passphrase: 'four horses under the bridge' };
const open: TestGateway[] = [];
afterEach(async () => {
  for (const gate of open.splice(0)) await gate.close();
});

/** An owner with an authenticator whose last proof is older than a dangerous act allows. */
async function leftOpen(): Promise<{ gate: TestGateway; found: FormVisitor }> {
  const begun = await secured();
  const { clock } = begun.gate;
  clock.setWall(clock.wallMs() + STEP_UP_TTL_MS + 1);
  return begun;
}
/** An owner with an authenticator who has just proved it. */
async function secured(): Promise<{ gate: TestGateway; found: FormVisitor }> {
  const gate = await openTestGateway();
  open.push(gate);
  const { owner } = gate.gateway.access;
  await owner.create({ ...OWNER, by: OWNER_CLI });
  const found = formVisitor(gate.url);
  await found.get('/admin/login');
  await found.follow('/admin/login/in', { ...OWNER, next: '/admin/agents' });
  const { secret } = owner.beginTotp();
  const epoch = Math.floor(gate.clock.wallMs() / 1_000);
  if (!owner.confirmTotp(generateSync({ secret, epoch })).ok) throw new Error('not enrolled');
  return { gate, found };
}
const paperOf = async ({ gateway }: TestGateway) => (await gateway.console.accounts.list())[0]?.paper;

it('shows no new recovery codes without a code', async () => {
  const { found } = await leftOpen();
  await found.get('/admin/welcome');
  const asked = await found.send('/admin/welcome/new-codes');
  expect([asked.status, asked.words]).toEqual([403, expect.stringContaining('Confirm that it is you')]);
});

it('changes no account without a code', async () => {
  const { gate, found } = await leftOpen();
  gate.gateway.access.firstRun.keepRecovery();
  const before = await paperOf(gate);
  await found.get('/admin/welcome');
  const asked = await found.send('/admin/welcome/account', { preset: 'friendly', cash: '5000000' });
  expect(asked.status).toBe(403);
  expect(await paperOf(gate)).toEqual(before);
});

it('does nothing at all once it is over, whoever sends one of its forms', async () => {
  const { gate, found } = await leftOpen();
  const { firstRun } = gate.gateway.access;
  firstRun.keepRecovery();
  firstRun.end('finished');
  const before = await paperOf(gate);
  await found.get('/admin/agents');
  for (const [act, fields] of [
    ['account', { preset: 'friendly', cash: '5000000' }],
    ['agent', { name: 'second', host: 'curl', template: 'practice' }],
    ['key', { host: 'curl' }],
    ['new-codes', {}],
  ] as const)
    expect([act, (await found.send(`/admin/welcome/${act}`, fields)).to]).toEqual([act, '/admin']);
  expect(await paperOf(gate)).toEqual(before);
  expect(gate.gateway.access.agents.byName('second')).toBeUndefined();
});

/** The first run of an owner with everything but the order, whose agent may trade. */
async function allButTheOrder(): Promise<{ scene: TradingScene; signIn: () => Promise<string | null> }> {
  const scene = await tradingScene();
  open.push(scene.gate);
  const { owner, firstRun } = scene.gate.gateway.access;
  const { secret } = owner.beginTotp();
  const codeNow = (): string =>
    generateSync({ secret, epoch: Math.floor(scene.gate.clock.wallMs() / 1_000) });
  if (!owner.confirmTotp(codeNow()).ok) throw new Error('not enrolled');
  firstRun.begin();
  firstRun.keepRecovery();
  firstRun.setAgent({ name: 'claude', host: 'curl' });
  return {
    scene,
    async signIn() {
      // A code is good once.
      scene.gate.clock.setWall(scene.gate.clock.wallMs() + 60_000);
      const browser = formVisitor(scene.gate.url);
      await scene.during(browser.get('/admin/login'));
      const entered = { ...OWNER, code: codeNow(), next: '/admin' };
      return (await scene.during(browser.send('/admin/login/in', entered))).to;
    },
  };
}
const BUY = { symbol: 'SPX', side: 'buy', qty: '2', type: 'market' };

it('is over once its order is filled: the page stays to be read, and the next sign-in leads to the dashboard', async () => {
  const { scene, signIn } = await allButTheOrder();
  const { firstRun } = scene.gate.gateway.access;
  const claude = scene.agent('claude');
  expect(await signIn()).toBe('/admin/welcome');
  await scene.placed(claude, BUY);
  await scene.play(10);
  for (let twice = 0; twice < 2; twice++)
    expect((await scene.console.get('/admin/welcome')).words).toContain('The first order is filled');
  expect([await signIn(), firstRun.isOver()]).toEqual(['/admin', true]);
});

it("takes nothing for the first order but the agent's own entry", async () => {
  const { scene, signIn } = await allButTheOrder();
  const claude = scene.agent('claude');
  const order = await scene.placed(claude, BUY);
  await scene.play(10);
  // The account begins anew: what the agent holds is settled, which is the latest filled order under its name.
  const { accounts } = scene.gate.gateway.console;
  expect((await scene.during(accounts.reset('paper', '50000'))).ok).toBe(true);
  const { trading, store } = scene.gate.gateway;
  const [latest] = trading.owner.orders({ agent: 'claude', status: 'filled', limit: 1 }).items;
  expect(latest?.origin).toBe('settlement');
  expect((await scene.console.get('/admin/welcome')).html).toContain(`/admin/orders/${order}"`);
  store.db.prepare("UPDATE orders SET origin = 'close' WHERE order_id = ?").run(order);
  expect((await scene.console.get('/admin/welcome')).words).not.toContain('is filled');
  expect(await signIn()).toBe('/admin/welcome');
});

it('refuses a deposit that is none, says that nothing was changed, and changes nothing', async () => {
  const { gate, found } = await secured();
  gate.gateway.access.firstRun.keepRecovery();
  const before = await paperOf(gate);
  await found.get('/admin/welcome');
  const refused = await found.send('/admin/welcome/account', { preset: 'friendly', cash: 'much' });
  expect(refused.status).toBe(400);
  expect(refused.words).toContain('Nothing was changed: the deposit is not right yet.');
  expect(refused.words).not.toContain('begun anew');
  expect(refused.html).toContain('id="account-cash-wrong"');
  expect(await paperOf(gate)).toEqual(before);
});

it('names an agent after its host unless a name is given, and says what each template allows', async () => {
  const { gate, found } = await secured();
  gate.gateway.access.firstRun.keepRecovery();
  gate.gateway.access.firstRun.seeAccount();
  const page = await found.get('/admin/welcome');
  expect(page.words).toContain(
    'One order up to 2,000.00, a day up to 10,000.00, a loss in a day up to 200.00 USD.',
  );
  expect(page.html).not.toContain('value="claude"');
  const form = { host: 'cursor', template: 'practice' };
  const wrong = await found.send('/admin/welcome/agent', { ...form, name: 'My Agent' });
  expect([wrong.status, wrong.words]).toEqual([400, expect.stringContaining('1 to 40 small letters')]);
  await found.send('/admin/welcome/agent', { ...form, name: '' });
  expect(gate.gateway.access.agents.list().map(({ name }) => name)).toContain('cursor');
});

it('leads a first order that waits to its card, and goes on when it was approved', async () => {
  const { gate, found } = await secured();
  const { access, feed, trading } = gate.gateway;
  access.firstRun.keepRecovery();
  access.firstRun.seeAccount();
  await found.get('/admin/welcome');
  await found.send('/admin/welcome/agent', { host: 'curl', template: 'asks', name: 'asks-first' });
  expect(
    access.mandates.current(access.agents.byName('asks-first')?.id ?? agentId(''))?.document.approval,
  ).toBe('always');
  const { key } = gate.key('asks-first');
  const who = access.keys.authenticate(key, { door: 'rest' });
  if (!who.ok) throw new Error(who.error.detail);
  for (let second = 0; second < 5; second++) await gate.clock.advanceAsync(1_000);
  expect(feed.instruments()).toHaveLength(1);
  const order = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' };
  const look = await gate.call('place_order', order, who.value);
  const token = look?.ok === true ? look.output['action_token'] : undefined;
  const commit = { ...order, dry_run: false, action_token: token, idempotency_key: 'first' };
  expect((await gate.call('place_order', commit, who.value))?.ok).toBe(true);
  const [card] = trading.owner.approvals.waiting();
  if (card === undefined) throw new Error('nothing waits');
  const page = await found.get('/admin/welcome?step=order');
  expect(page.words).toContain('it waits for your approval, and nothing has been sent');
  expect(page.html).toContain(`href="/admin/approvals/${card.id}"`);
  const { id, digest } = card;
  expect((await trading.owner.approvals.approve({ id, digest, by: OWNER_CONSOLE })).ok).toBe(true);
  for (let second = 0; second < 20; second++) await gate.clock.advanceAsync(1_000);
  expect((await found.get('/admin/welcome?step=order')).words).not.toContain('it waits for your approval');
});
