/** Limits of an account from the command line: tightening asks for nobody, loosening for the owner, with an engine and without. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ensureFirstAccount } from '#cli/account-book.ts';
import { ACTS } from '#cli/acts.ts';
import { type Office, openOffice } from '#cli/office.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { wallClock } from '#clock.ts';
import { type AccountId, accountId, OWNER_CLI } from '#domain/principal.ts';
import { configIn, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';
import { draft } from '../support/order-drafts.ts';
import { copyOfTheClone } from '../support/portcullis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PASSPHRASE = 'four words nobody said';
const PAPER: AccountId = accountId('paper');
const proof = { passphrase: PASSPHRASE };

const act = (name: string) => {
  const found = ACTS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no act ${name}`);
  return found;
};
const set = (office: Office, to: object, given?: object, question?: 'proof') =>
  carryOut(act('limits.set'), office, { input: { account: 'paper', ...to }, proof: given, question });
const show = async (office: Office): Promise<Record<string, unknown>> => {
  const shown = await carryOut(act('limits.show'), office, { input: { account: 'paper' } });
  if (!shown.ok) throw new Error(shown.error.detail);
  return shown.value as Record<string, unknown>;
};
const limitsOf = async (office: Office): Promise<unknown> => (await show(office))['limits'];
const STANDARD = { max_drawdown_percent: '30', max_positions: null, max_daily_loss: null };
const UNPROVEN = { ok: false, error: { reason: 'unauthenticated' } };

async function withOwner<T extends Office>(office: T): Promise<T> {
  const made = await office.access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  return office;
}

const opened: TestGateway[] = [];
afterEach(async () => {
  for (const gate of opened.splice(0)) await gate.close();
});
async function engine(): Promise<TestGateway> {
  const gate = await openTestGateway({ http: false });
  opened.push(gate);
  return gate;
}
function alone(): Office {
  const config = configIn(temporaryFolder());
  const office = openOffice(config, handClock(), { memoryKib: 64, passes: 1 });
  onTestFinished(() => office.close());
  ensureFirstAccount(office);
  return office;
}

describe.each([
  ['through a running engine', async (): Promise<Office> => (await engine()).gateway],
  ['without an engine', async (): Promise<Office> => alone()],
])('%s', (_where, open) => {
  it('tightens without a proof, and loosens with one alone', async () => {
    const office = await withOwner(await open());
    expect(await limitsOf(office)).toEqual(STANDARD);
    expect(
      await set(office, { max_drawdown: '20', max_positions: '5', max_daily_loss: '500' }),
    ).toMatchObject({ ok: true, value: { changed: true } });
    const tight = { max_drawdown_percent: '20', max_positions: 5, max_daily_loss: '500' };
    for (const looser of [
      { max_drawdown: '20.01' },
      { max_drawdown: 'off' },
      { max_positions: '6' },
      { max_positions: 'off' },
      { max_daily_loss: '500.01' },
      { max_daily_loss: 'off' },
      // One that is looser among others that are tighter.
      { max_drawdown: '1', max_positions: '0', max_daily_loss: '501' },
    ]) {
      expect(await set(office, looser), JSON.stringify(looser)).toMatchObject(UNPROVEN);
      expect(await set(office, looser, undefined, 'proof')).toEqual({
        ok: true,
        value: { asked: 'passphrase' },
      });
    }
    expect(await limitsOf(office)).toEqual(tight);
    for (const same of [{ max_drawdown: '20' }, { max_positions: '5' }, { max_daily_loss: '500.00' }])
      expect(await set(office, same)).toMatchObject({ ok: true, value: { changed: false } });
    expect(await set(office, { max_daily_loss: '501' }, { passphrase: 'another' })).toMatchObject(UNPROVEN);
    expect(await limitsOf(office)).toEqual(tight);
    expect(await set(office, { max_daily_loss: '501' }, proof)).toMatchObject({ ok: true });
    expect(await limitsOf(office)).toEqual({ ...tight, max_daily_loss: '501' });
  });

  it('is asked for no proof of what tightens, nor while nobody owns the gateway', async () => {
    const office = await open();
    const nothing = { ok: true, value: { asked: 'nothing' } };
    expect(await set(office, { max_drawdown: 'off' }, undefined, 'proof')).toEqual(nothing);
    expect(await set(office, { max_drawdown: 'off' })).toMatchObject({ ok: true });
    await withOwner(office);
    expect(await set(office, { max_drawdown: '5' }, undefined, 'proof')).toEqual(nothing);
    // The question changes nothing.
    expect(await limitsOf(office)).toMatchObject({ max_drawdown_percent: null });
  });

  it('refuses what it can not read, and an account that there is not, without asking for a proof', async () => {
    const office = await withOwner(await open());
    expect(await set(office, { max_positions: 'many' })).toMatchObject({
      ok: false,
      error: { reason: 'invalid_input', errors: [{ field: 'max_positions' }] },
    });
    expect(await set(office, { account: 'papr', max_drawdown: 'off' })).toMatchObject({
      ok: false,
      error: { reason: 'not_found', did_you_mean: ['paper'] },
    });
    expect(await limitsOf(office)).toEqual(STANDARD);
  });
});

describe('two who tighten at once', () => {
  it('end at the tighter one: what would loosen by then is refused', async () => {
    const { gateway } = await engine();
    await withOwner(gateway);
    const both = await Promise.all([
      set(gateway, { max_drawdown: '10' }),
      set(gateway, { max_drawdown: '20' }),
    ]);
    expect(both).toMatchObject([{ ok: true }, UNPROVEN]);
    expect(await limitsOf(gateway)).toMatchObject({ max_drawdown_percent: '10' });
  });
});

describe('an account that has reached a limit', () => {
  const traded = async (gate: TestGateway): Promise<void> => {
    const answer = gate.gateway.trading.owner.placeOrder(draft({ side: 'sell', qty: '5' }), 'form-1');
    for (let second = 0; second < 5; second++) await gate.clock.advanceAsync(1_000);
    expect(await answer).toMatchObject({ ok: true });
  };

  it('is shown with what was used, and is lifted with the proof alone', async () => {
    const gate = await engine();
    await gate.clock.advanceAsync(5_000);
    await traded(gate);
    const { gateway } = gate;
    await withOwner(gateway);
    // The tape begins by rising, against what was sold short.
    expect(await set(gateway, { max_daily_loss: '0' })).toMatchObject({
      ok: true,
      value: { reducing: [{ limit: 'max_daily_loss', max: '0' }] },
    });
    const shown = await show(gateway);
    expect(await carryOut(act('accounts.list'), gateway, { input: {} })).toMatchObject({
      value: { accounts: [{ id: 'paper', limits_reached: ['max_daily_loss'] }] },
    });
    expect(shown).toMatchObject({ used: { positions: 1, drawdown_percent: expect.any(String) } });
    const lift = (given?: object) =>
      carryOut(act('accounts.lift'), gateway, { input: { name: 'paper' }, proof: given });
    expect(await lift()).toMatchObject(UNPROVEN);
    expect(gateway.trading.owner.accountLimits.of(PAPER).reducing).toHaveLength(1);
    expect(await lift(proof)).toMatchObject({
      ok: true,
      value: { lifted: [{ limit: 'max_daily_loss' }], reducing: [], used: { daily_loss: '0' } },
    });
    expect(await lift(proof)).toMatchObject({ ok: true, value: { lifted: [] } });
  });
});

describe('as typed words', () => {
  it('limits and the lift of an account say what they did, for a person and for a program', async () => {
    const clone = copyOfTheClone();
    onTestFinished(() => clone.close());
    const gate = clone.fresh();
    const office = openOffice(configIn(gate.folder), wallClock, { memoryKib: 64, passes: 1 });
    await withOwner(office).finally(() => office.close());
    const password = join(gate.folder, 'pass');
    writeFileSync(password, `${PASSPHRASE}\n`, { mode: 0o600 });
    const tightened = await gate.run(['limits', 'set', 'paper', '--max-daily-loss', '250']);
    expect(tightened.stdout).toMatch(
      /^The limits of paper are changed:\n[^]*drawdown .*30 %\npositions .*off\ndaily loss .*250 USD\n$/,
    );
    const loosen = ['limits', 'set', 'paper', '--max-daily-loss', 'off'];
    const refused = await gate.run(loosen);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /asks for the owner: run it in a terminal, or give it --password-file FILE/,
    );
    const proven = ['--password-file', password];
    expect(await gate.json([...loosen, ...proven])).toMatchObject({
      account: 'paper',
      changed: true,
      limits: STANDARD,
      used: null,
    });
    const lifted = await gate.run(['accounts', 'lift', 'paper', ...proven]);
    expect(lifted.stdout).toBe('Nothing was lifted: paper had reached no limit of its own.\n');
  });
});
