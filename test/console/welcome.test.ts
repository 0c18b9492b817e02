// The first run as somebody at a browser that was left open finds it: it is no way around the codes that other pages ask for.
import { generateSync } from 'otplib/functional';
import { afterEach, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { STEP_UP_TTL_MS } from '#limits.ts';
import { type FormVisitor, formVisitor } from '../support/form-visitor.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

const OWNER = { name: 'rosa', passphrase: 'four horses under the bridge' };
const open: TestGateway[] = [];
afterEach(async () => {
  for (const gate of open.splice(0)) await gate.close();
});

/** An owner with an authenticator whose last proof is older than a dangerous act allows. */
async function leftOpen(): Promise<{ gate: TestGateway; found: FormVisitor }> {
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
  gate.clock.setWall(gate.clock.wallMs() + STEP_UP_TTL_MS + 1);
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
