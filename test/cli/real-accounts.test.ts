// Accounts at a broker with credentials: tried, sealed, at work at once, and never in the way of a start; real money takes a fresh code.

import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { paper } from '#brokers/paper/index.ts';
import { add, credentials, list, remove } from '#cli/account-acts.ts';
import { addBrokerAccount, takeIn } from '#cli/account-adding.ts';
import { ensureFirstAccount } from '#cli/account-book.ts';
import { openAccountDesk } from '#cli/account-desk.ts';
import { type Office, openOffice } from '#cli/office.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { ACCOUNT_TRIAL_MAX_MS } from '#limits.ts';
import { configIn, gatewayFolder, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';
import { daily, type LoopbackVenue, loopback, loopbackVenue } from '../support/loopback-broker.ts';
import { WIDE_MANDATE } from '../support/trading-room.ts';

const PASSPHRASE = 'four words nobody said';
const BROKERS = [paper, loopback, daily];
const MAIN = accountId('main');

let venue: LoopbackVenue;
let folder: string;
const opened: TestGateway[] = [];
beforeEach(async () => {
  venue = await loopbackVenue();
  folder = gatewayFolder();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop();
  await venue.close();
  rmSync(folder, { recursive: true, force: true });
});

async function gateway(): Promise<TestGateway> {
  const gate = await openTestGateway({ folder, http: false, brokers: BROKERS });
  opened.push(gate);
  await gate.clock.advanceAsync(1_000);
  return gate;
}
async function connected(gate: TestGateway): Promise<void> {
  await expect.poll(() => gate.gateway.engine.adapters.get(MAIN)?.connected()).toBe(true);
}
async function stop(gate: TestGateway): Promise<void> {
  opened.splice(opened.indexOf(gate), 1);
  await gate.stop();
}
/** The books with the lock in hand, as a command without an engine has them. */
async function alone<T>(work: (office: Office) => Promise<T>): Promise<T> {
  const office = openOffice(configIn(folder), handClock(), { memoryKib: 64, passes: 1 }, BROKERS);
  try {
    ensureFirstAccount(office);
    return await work(office);
  } finally {
    office.close();
  }
}
const given = (over: object = {}) => ({
  broker: 'loopback',
  name: 'main',
  settings: { endpoint: venue.endpoint },
  credentials: { key: venue.key, secret: venue.secret },
  ...over,
});
const rules = (answer: Result<unknown, Refusal>): readonly string[] | string =>
  answer.ok
    ? 'granted'
    : (answer.error.errors ?? []).map(
        ({ field, value, rule }) => `${field} ${JSON.stringify(value)} ${rule}`,
      );
const ids = ({ accounts }: Pick<Office, 'accounts'>) => accounts.list().map(({ id }) => id);

/** A code of the authenticator, by the clock of the gateway. */
async function owner({ gateway: { access }, clock }: TestGateway, withTotp: boolean): Promise<() => string> {
  const made = await access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  if (!withTotp) return () => '000000';
  const { secret } = access.owner.beginTotp();
  const code = () => generateSync({ secret, epoch: clock.wallMs() / 1_000 });
  const confirmed = access.owner.confirmTotp(code());
  if (!confirmed.ok) throw new Error(confirmed.error.detail);
  return code;
}

describe('a new account at a broker', () => {
  it('is tried, sealed and at work at once, with what the broker said in a sentence', async () => {
    const gate = await gateway();
    const added = await carryOut(add, gate.gateway, { input: given() });
    expect(added).toMatchObject({
      ok: true,
      value: {
        id: 'main',
        broker: 'loopback',
        mode: 'paper',
        currency: 'USD',
        tried: 'Loopback took the credentials: 25000.5 USD of paper money.',
        trouble: null,
      },
    });
    await connected(gate);
    const { access } = gate.gateway;
    access.agents.create('claude', ['main'], OWNER_CLI);
    const { key } = gate.key('claude');
    access.mandates.set('claude', { ...WIDE_MANDATE, accounts: ['main'] }, OWNER_CLI);
    const who = access.keys.authenticate(key, { door: 'http' });
    if (!who.ok) throw new Error(who.error.detail);
    const order = { symbol: 'SPX', side: 'buy', qty: '2', type: 'market', account: 'main' };
    // Its books are compared once more when it has come to be connected.
    const once = { ...order, dry_run: false, idempotency_key: 'k1' };
    await expect
      .poll(async () => {
        await gate.clock.advanceAsync(1_000);
        return gate.call('place_order', once, who.value);
      })
      .toMatchObject({ ok: true, output: { order: { account: 'main' } } });
    expect(venue.orders).toMatchObject([{ side: 'buy', qty: '2', instrument: 'INDEX:SPX' }]);
    await expect
      .poll(() => gate.gateway.trading.owner.accountPositions({ account: MAIN, status: 'open' }))
      .toMatchObject([{ symbol: 'SPX' }]);
  });

  it('is there for the next start when it was added without an engine', async () => {
    await alone(async (office) => {
      expect(await carryOut(add, office, { input: given() })).toMatchObject({
        ok: true,
        value: { connected: false, trouble: null },
      });
      expect(venue.orders).toEqual([]);
    });
    const gate = await gateway();
    await connected(gate);
    expect(gate.logged.join('')).not.toContain('not connected');
  });

  it('is not stored when the broker does not take the credentials, and its words hold no secret', async () => {
    const gate = await gateway();
    const wrong = given({ credentials: { key: venue.key, secret: 'canary-wrong' } });
    expect(await carryOut(add, gate.gateway, { input: wrong })).toMatchObject({
      ok: false,
      error: {
        reason: 'invalid_input',
        detail:
          'The account was not added. Loopback did not take these credentials: the key or the secret is wrong.',
      },
    });
    venue.fault = 'echo';
    const echoed = await carryOut(add, gate.gateway, { input: given() });
    expect(JSON.stringify(echoed)).toContain('no access for …:…');
    expect(JSON.stringify(echoed)).not.toContain('canary');
    venue.fault = undefined;
    venue.currency = 'EUR';
    expect(await carryOut(add, gate.gateway, { input: given() })).toMatchObject({
      error: { detail: expect.stringMatching(/holds this account in EUR, and its settings say USD/) },
    });
    expect(ids(gate.gateway)).toEqual(['paper']);
    // The name is free still: nothing was ever kept under it.
    venue.currency = 'USD';
    expect(await carryOut(add, gate.gateway, { input: given() })).toMatchObject({ ok: true });
  });

  it('is not stored when the broker does not answer, which takes a bounded time', async () => {
    const gate = await gateway();
    venue.fault = 'silence';
    const answer = carryOut(add, gate.gateway, { input: given() });
    await gate.clock.advanceAsync(ACCOUNT_TRIAL_MAX_MS);
    expect(await answer).toMatchObject({
      ok: false,
      error: { detail: expect.stringMatching(/did not answer/) },
    });
    expect(ids(gate.gateway)).toEqual(['paper']);
  });

  it('says at each field what is wrong, asks nobody then, and repeats no credential', async () => {
    const gate = await gateway();
    const long = `canary-${'x'.repeat(60)}`;
    const answer = await carryOut(add, gate.gateway, {
      input: given({
        name: 'Not A Name',
        mode: 'demo',
        settings: { endpoint: 'http://example.com', desk: 'third', colour: 'red' },
        credentials: { key: long, secre: 'canary-typed-wrong' },
      }),
    });
    expect(rules(answer)).toEqual([
      expect.stringMatching(/^name "Not A Name" must be/),
      'mode "demo" must be paper or live',
      expect.stringMatching(/^endpoint "http:\/\/example.com" must be an address on this machine/),
      expect.stringMatching(/^desk "third" /),
      'colour "red" is no setting of Loopback',
      'secret "" is needed',
      'key "" is longer than a key',
      'secre "" is no credential of Loopback',
    ]);
    // A hint is a name that is meant instead: a field whose value is wrong has none.
    const hints = answer.ok ? [] : (answer.error.errors ?? []).flatMap(({ nearest: near }) => near ?? []);
    expect(hints).toEqual(['secret']);
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(rules(await carryOut(add, gate.gateway, { input: given({ broker: 'loopbak' }) }))).toEqual([
      'broker "loopbak" one of paper, loopback, daily',
    ]);
    expect(venue.asked).toEqual([]);
  });

  it('has its name once: of two at once one is there, and a name that was taken stays taken', async () => {
    const gate = await gateway();
    const both = await Promise.all([
      carryOut(add, gate.gateway, { input: given() }),
      carryOut(add, gate.gateway, { input: given() }),
    ]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(ids(gate.gateway)).toEqual(['paper', 'main']);
    expect(await carryOut(remove, gate.gateway, { input: { name: 'main' } })).toMatchObject({ ok: true });
    expect(rules(await carryOut(add, gate.gateway, { input: given() }))).toEqual([
      expect.stringMatching(/^name "main" was given before/),
    ]);
    expect(gate.gateway.secrets.read(MAIN, 'credentials')).toBeUndefined();
  });

  it('whose name is taken while its broker is asked is not stored', async () => {
    await alone(async (office) => {
      const slow = carryOut(add, office, { input: given() });
      const quick = carryOut(add, office, { input: { broker: 'paper', name: 'main' } });
      expect(await quick).toMatchObject({ ok: true });
      expect(rules(await slow)).toEqual([expect.stringMatching(/^name "main" was given before/)]);
      expect(office.secrets.read(MAIN, 'credentials')).toBeUndefined();
    });
  });

  it('leaves no secret in the record, the log, an answer or the copies of the database', async () => {
    const gate = await gateway();
    const answers = [
      await carryOut(add, gate.gateway, { input: given() }),
      await carryOut(list, gate.gateway, { input: {} }),
      await carryOut(credentials, gate.gateway, {
        input: { name: 'main', credentials: { key: venue.key, secret: venue.secret } },
      }),
      await openAccountDesk(gate.gateway, OWNER_CONSOLE).list(),
      await gate.call('list_accounts'),
      await gate.call('get_gateway_status'),
    ];
    gate.gateway.audit.flush();
    gate.gateway.store.db.prepare('VACUUM INTO ?').run(join(folder, 'data', 'backup.db'));
    const lines = auditQuery(gate.gateway.store, gate.gateway.keyring).tail(20);
    expect(lines.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['account.added', 'account.credentials_changed']),
    );
    const written = [JSON.stringify([answers, lines, gate.logged]), ...everythingIn(folder)];
    for (const secret of [venue.key, venue.secret])
      for (const text of written) expect(text.includes(secret)).toBe(false);
  });
});

/** Every file there is, as text. */
function everythingIn(path: string): readonly string[] {
  return readdirSync(path).flatMap((name) => {
    const file = join(path, name);
    if (statSync(file).isDirectory()) return everythingIn(file);
    return statSync(file).isFile() ? [readFileSync(file, 'latin1')] : [];
  });
}

describe('an account that can not be opened', () => {
  const listed = async (gate: TestGateway) =>
    (await openAccountDesk(gate.gateway, OWNER_CONSOLE).list()).find(({ id }) => id === 'main');

  it.each([
    [
      'its key file is another',
      () => writeFileSync(join(folder, 'keys', 'brokers.key'), Buffer.alloc(32), { mode: 0o600 }),
      /another key sealed it/,
    ],
    ['its key file is gone', () => rmSync(join(folder, 'keys', 'brokers.key')), /brokers\.key is missing/],
  ])(
    'because %s keeps nothing from starting, and works again with new credentials',
    async (_why, spoil, why) => {
      await alone((office) => carryOut(add, office, { input: given() }));
      spoil();
      const gate = await gateway();
      expect(gate.logged.join('')).toMatch(why);
      expect(await listed(gate)).toMatchObject({ connected: false, problem: expect.stringMatching(why) });
      expect(gate.gateway.engine.adapters.get(accountId('paper'))?.connected()).toBe(true);
      const again = { name: 'main', credentials: { key: venue.key, secret: venue.secret } };
      expect(await carryOut(credentials, gate.gateway, { input: again })).toMatchObject({ ok: true });
      await connected(gate);
      expect(await listed(gate)).toMatchObject({ connected: true, problem: null });
    },
  );

  it('because its row is of another version says which setting, and can be removed', async () => {
    await alone(async (office) => {
      await carryOut(add, office, { input: given() });
      office.accounts.change(MAIN, { endpoint: 'http://example.com' });
    });
    const gate = await gateway();
    expect((await listed(gate))?.problem).toMatch(
      /^The account main is not connected: its settings can not be read \(endpoint: /,
    );
    gate.gateway.store.db
      .prepare("INSERT INTO agent_accounts (agent_id, account_id) VALUES (?, 'main')")
      .run(gate.local().agent);
    const there = {
      id: 'main',
      mode: 'paper',
      connected: false,
      trouble: 'The gateway could not open this account; its owner is shown why.',
    };
    expect(await gate.call('list_accounts')).toMatchObject({
      output: { accounts: [{ ...there, currency: 'USD', cash: null, equity: null }, { id: 'paper' }] },
    });
    expect(await gate.call('get_gateway_status')).toMatchObject({
      output: { accounts: [{ ...there, sign_in_needed: false, reconciled_at: null }, { id: 'paper' }] },
    });
    expect(await gate.call('get_account', { account: 'main' })).toMatchObject({
      refusal: { reason: 'broker_unavailable' },
    });
    expect(await carryOut(remove, gate.gateway, { input: { name: 'main' } })).toMatchObject({ ok: true });
  });

  it('because a crash came between storing and connecting is connected by the next start', async () => {
    const gate = await gateway();
    const { accounts, secrets, store, access } = gate.gateway;
    store.transaction(() => {
      accounts.insert({
        id: MAIN,
        broker: 'loopback',
        mode: 'paper',
        currency: 'USD',
        settings: { endpoint: venue.endpoint },
        createdAtMs: access.wall(),
      });
      secrets.write(
        MAIN,
        'credentials',
        JSON.stringify({ key: venue.key, secret: venue.secret }),
        access.wall(),
      );
    });
    await stop(gate);
    const later = await gateway();
    await connected(later);
  });

  it('and one whose broker is away is told apart: it is opened, and not connected', async () => {
    await alone((office) => carryOut(add, office, { input: given() }));
    const { secret } = venue;
    venue.secret = 'another';
    const gate = await gateway();
    await expect
      .poll(() => listed(gate))
      .toMatchObject({ connected: false, problem: null, trouble: 'the key or the secret is wrong' });
    venue.secret = secret;
    const account = gate.gateway.accounts.byId(MAIN);
    if (account === undefined) throw new Error('it is gone');
    expect(await takeIn(gate.gateway, account)).toBeNull();
  });
});

describe('real money', () => {
  const live = (over: object = {}) => given({ mode: 'live', ...over });

  it('is refused without an authenticator, whoever owns the gateway, and nobody is asked for a proof in vain', async () => {
    const gate = await gateway();
    for (const proof of [undefined, { passphrase: PASSPHRASE }])
      expect(await carryOut(add, gate.gateway, { input: live(), proof })).toMatchObject({
        ok: false,
        error: {
          reason: 'insufficient_scope',
          detail: expect.stringMatching(/needs your authenticator app/),
        },
      });
    await owner(gate, false);
    expect(await carryOut(add, gate.gateway, { input: live(), question: 'proof' })).toMatchObject({
      ok: false,
      error: { reason: 'insufficient_scope' },
    });
    expect(
      await carryOut(add, gate.gateway, { input: live(), proof: { passphrase: PASSPHRASE } }),
    ).toMatchObject({
      ok: false,
      error: { reason: 'insufficient_scope' },
    });
    expect(ids(gate.gateway)).toEqual(['paper']);
    expect(venue.asked).toEqual([]);
  });

  it('takes a fresh code for each act, on the socket too; one that was used opens nothing more', async () => {
    const gate = await gateway();
    const code = await owner(gate, true);
    const ask = (proof: unknown, over: object = {}) =>
      carryOut(add, gate.gateway, { input: live(over), proof });
    await gate.clock.advanceAsync(60_000);
    const first = code();
    // However it is called: without a code that was given for it, nothing.
    expect(await addBrokerAccount(gate.gateway, live(), { by: OWNER_CLI, code: false })).toMatchObject({
      error: { reason: 'unauthenticated' },
    });
    for (const proof of [undefined, { passphrase: PASSPHRASE }, { passphrase: PASSPHRASE, code: '000000' }])
      expect(await ask(proof)).toMatchObject({ ok: false, error: { reason: 'unauthenticated' } });
    expect(await ask({ passphrase: PASSPHRASE, code: first })).toMatchObject({
      ok: true,
      value: { mode: 'live' },
    });
    expect(await ask({ passphrase: PASSPHRASE, code: first }, { name: 'other' })).toMatchObject({
      ok: false,
      error: { reason: 'unauthenticated' },
    });
    const again = { name: 'main', credentials: { key: venue.key, secret: venue.secret } };
    expect(
      await carryOut(credentials, gate.gateway, {
        input: again,
        proof: { passphrase: PASSPHRASE, code: first },
      }),
    ).toMatchObject({ ok: false });
    await gate.clock.advanceAsync(60_000);
    expect(
      await carryOut(credentials, gate.gateway, {
        input: again,
        proof: { passphrase: PASSPHRASE, code: code() },
      }),
    ).toMatchObject({ ok: true });
  });

  it('is never what happens when nothing is said: a broker without paper accounts has to be told', async () => {
    const gate = await gateway();
    expect(rules(await carryOut(add, gate.gateway, { input: given({ broker: 'daily' }) }))).toEqual([
      'mode "" must be said: Daily has live only',
    ]);
  });
});

describe('other credentials', () => {
  it('take the place of those before when the broker takes them, and end its session there', async () => {
    const gate = await gateway();
    await carryOut(add, gate.gateway, { input: given() });
    gate.gateway.secrets.write(MAIN, 'session', 'token of before', 1);
    const wrong = { name: 'main', credentials: { key: venue.key, secret: 'canary-wrong' } };
    expect(await carryOut(credentials, gate.gateway, { input: wrong })).toMatchObject({
      ok: false,
      error: { detail: expect.stringMatching(/^The credentials were not changed\. Loopback did not take/) },
    });
    expect(gate.gateway.secrets.read(MAIN, 'session')).toBe('token of before');
    await connected(gate);
    venue.secret = 'canary-secret-2';
    const right = { name: 'main', credentials: { key: venue.key, secret: venue.secret } };
    expect(await carryOut(credentials, gate.gateway, { input: right })).toMatchObject({
      ok: true,
      value: { tried: expect.stringMatching(/took the credentials/) },
    });
    expect(gate.gateway.secrets.read(MAIN, 'credentials')).toContain('canary-secret-2');
    expect(gate.gateway.secrets.read(MAIN, 'session')).toBeUndefined();
  });

  it('are refused for an account that has none', async () => {
    const gate = await gateway();
    const none = { name: 'paper', credentials: { key: 'x' } };
    expect(await carryOut(credentials, gate.gateway, { input: none })).toMatchObject({
      error: { detail: 'paper has no credentials: Paper trading takes none.' },
    });
    expect(await carryOut(credentials, gate.gateway, { input: { ...none, name: 'ghost' } })).toMatchObject({
      error: { reason: 'not_found' },
    });
  });
});
