// The owner's proof at the books: nothing that widens happens before it is judged, whoever asks and however often.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type OwnerAct, ownerAct } from '#cli/act.ts';
import { ACTS } from '#cli/acts.ts';
import { optionsOf } from '#cli/command.ts';
import { COMMANDS } from '#cli/index.ts';
import { carryOut, openOwnerSocket } from '#cli/owner-socket.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { OWNER_LOCK_FIRST_MS, OWNER_TRIES_MAX } from '#limits.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { MANDATE } from '../support/portcullis.ts';

const PASSPHRASE = 'canary-four-words-nobody-said';
const WIDENING = [
  'accounts.add',
  'accounts.credentials',
  'accounts.lift',
  'accounts.sign-in',
  'agents.create',
  'agents.lift',
  'approvals.approve',
  'clients.approve',
  'clients.create',
  'clients.rotate-keys',
  'keys.create',
  'keys.rotate',
  'mandates.set',
  'orders.record',
  'resume',
];
/** Those of which it is told by what they ask for. */
const BY_INPUT = ['limits.set'];
/** A question, and an option of the verb `kill`. */
const OF_OTHERS = ['owner.proof-asked', 'kill.drill', 'accounts.sign-in-url', 'market.instrument'];

let gate: TestGateway;
beforeEach(async () => {
  gate = await openTestGateway({ http: false });
});
afterEach(() => gate.close());

const named = (name: string): OwnerAct => {
  const found = ACTS.find((act) => act.name === name);
  if (found === undefined) throw new Error(`there is no act ${name}`);
  return found;
};
const carry = (act: OwnerAct, input: unknown, proof?: unknown) =>
  carryOut(act, gate.gateway, { input, proof });
async function setUp(): Promise<void> {
  const made = await gate.gateway.access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
}
/** The code of this moment, by the clock of the gateway. */
function enroll(): (steps?: number) => string {
  const { owner, wall } = gate.gateway.access;
  const { secret } = owner.beginTotp();
  const code = (steps = 0): string =>
    generateSync({ secret, epoch: Math.floor(wall() / 1_000) + 30 * steps });
  const confirmed = owner.confirmTotp(code());
  if (!confirmed.ok) throw new Error(confirmed.error.detail);
  return code;
}
/** Tells how often it was carried out. */
function probe() {
  let times = 0;
  const act = ownerAct({
    name: 'probe',
    widens: true,
    input: z.strictObject({}),
    work: () => ok({ times: ++times }),
  });
  return { act, times: () => times };
}
const record = (): string => {
  gate.gateway.audit.flush();
  return readFileSync(join(gate.config.LOG_DIR, 'audit.jsonl'), 'utf8');
};
const lines = (kind: string): Record<string, unknown>[] =>
  record()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['kind'] === kind);

describe('what widens', () => {
  it('is these acts, each of one verb, and exactly their verbs offer to bring the proof', () => {
    expect(
      ACTS.filter((act) => act.widens)
        .map((act) => act.name)
        .toSorted(),
    ).toEqual(WIDENING);
    const verbs = COMMANDS.flatMap(({ verbs: all }) => Object.values(all));
    for (const act of ACTS.filter(({ name }) => !OF_OTHERS.includes(name)))
      expect(
        verbs.filter((verb) => verb.act === act),
        act.name,
      ).toHaveLength(1);
    const offering = verbs.filter((verb) => Object.hasOwn(optionsOf(verb), 'totp'));
    expect(offering.map(({ act }) => act?.name ?? '').toSorted()).toEqual(
      [...WIDENING, ...BY_INPUT].toSorted(),
    );
  });

  it('needs no proof while nobody owns the gateway', async () => {
    expect(await carry(named('owner.proof-asked'), {})).toEqual(ok({ asked: 'nothing' }));
    expect(await carry(named('agents.create'), { name: 'claude' })).toMatchObject({ ok: true });
  });

  it('is refused without the proof, with a malformed one and with a wrong one, and nothing happens', async () => {
    gate.key('claude');
    await setUp();
    expect(await carry(named('owner.proof-asked'), {})).toEqual(ok({ asked: 'passphrase' }));
    const { gateway } = gate;
    gateway.access.agents.halt('claude', OWNER_CLI, 'cli');
    await gateway.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    const inputs: Record<string, unknown> = {
      'accounts.add': { broker: 'paper', name: 'second' },
      'accounts.credentials': { name: 'paper', credentials: { key: 'canary' } },
      'accounts.lift': { name: 'paper' },
      'accounts.sign-in': { name: 'paper', query: { state: 'x' } },
      'agents.create': { name: 'other' },
      'agents.lift': { name: 'claude' },
      'keys.create': { agent: 'claude', scopes: ['read:market'] },
      'keys.rotate': { id: gateway.access.keys.list()[0]?.id },
      'mandates.set': { agent: 'claude', document: MANDATE },
      'approvals.approve': { id: 'apr_1', digest: 'd' },
      'clients.approve': { id: 'client_1' },
      'clients.create': {
        name: 'Cursor',
        redirect_uris: ['http://127.0.0.1/callback'],
        agent: 'claude',
        scopes: ['read:market'],
        secret: false,
      },
      'clients.rotate-keys': {},
      'orders.record': { order_id: 'ord_1', outcome: 'never_received', source: 'its screen', text: 'none' },
      resume: {},
    };
    const before = JSON.stringify([
      gateway.accounts.list(),
      gateway.access.agents.list(),
      gateway.access.keys.list(),
      gateway.clients.list(),
      gateway.access.gatewayState(),
    ]);
    for (const name of WIDENING) {
      for (const proof of [
        undefined,
        null,
        PASSPHRASE,
        {},
        { passphrase: 7 },
        { passphrase: PASSPHRASE, more: 1 },
      ])
        expect(await carry(named(name), inputs[name], proof), name).toMatchObject({
          ok: false,
          error: { reason: 'unauthenticated' },
        });
    }
    // As many as a lockout lets through.
    for (const name of WIDENING.slice(0, OWNER_TRIES_MAX))
      expect(await carry(named(name), inputs[name], { passphrase: 'wrong passphrase' }), name).toMatchObject({
        ok: false,
        error: { reason: 'unauthenticated' },
      });
    expect(
      JSON.stringify([
        gateway.accounts.list(),
        gateway.access.agents.list(),
        gateway.access.keys.list(),
        gateway.clients.list(),
        gateway.access.gatewayState(),
      ]),
    ).toBe(before);
    expect(gateway.access.agents.byName('claude')?.halted).not.toBeNull();
    expect(lines('owner.act_refused')[0]).toMatchObject({
      door: 'cli',
      outcome: 'refused',
      detail: { reason: 'unauthenticated', act: 'accounts.add' },
    });
  });

  it('is done with the right one, and its passphrase is nowhere', async () => {
    await setUp();
    const { act, times } = probe();
    expect(await carry(act, {}, { passphrase: PASSPHRASE })).toEqual(ok({ times: 1 }));
    expect(await carry(act, {}, { passphrase: `${PASSPHRASE} ` })).toMatchObject({ ok: false });
    expect(await carry(act, { passphrase: PASSPHRASE }, { passphrase: PASSPHRASE })).toMatchObject({
      ok: false,
      error: { reason: 'invalid_input' },
    });
    expect(times()).toBe(1);
    for (const text of [record(), gate.logged.join('\n')]) expect(text).not.toContain('canary');
  });

  it('waits for the judgement: nothing of it happens before', async () => {
    await setUp();
    const { act, times } = probe();
    const answer = carry(act, {}, { passphrase: PASSPHRASE });
    await Promise.resolve();
    expect(times()).toBe(0);
    expect(await answer).toMatchObject({ ok: true });
  });

  it('is locked after five wrong ones, for the right one too, and what tightens is not', async () => {
    await setUp();
    gate.key('claude');
    const { act, times } = probe();
    for (let n = 0; n < OWNER_TRIES_MAX; n++)
      expect(await carry(act, {}, { passphrase: 'wrong passphrase' })).toMatchObject({
        error: { reason: 'unauthenticated' },
      });
    expect(await carry(act, {}, { passphrase: PASSPHRASE })).toMatchObject({
      ok: false,
      error: { reason: 'rate_limited', retry_after: expect.any(Number) },
    });
    expect(times()).toBe(0);
    expect(await carry(named('agents.halt'), { name: 'claude' })).toMatchObject({ ok: true });
    expect(await carry(named('kill'), { cancel: 'adding', flatten: false })).toMatchObject({ ok: true });
    gate.clock.advance(OWNER_LOCK_FIRST_MS);
    expect(await carry(act, {}, { passphrase: PASSPHRASE })).toMatchObject({ ok: true });
  });

  it('asks for a code where an authenticator is enrolled, each good once; two at once are one', async () => {
    await setUp();
    const code = enroll();
    const { act, times } = probe();
    expect(await carry(named('owner.proof-asked'), {})).toEqual(ok({ asked: 'passphrase_and_code' }));
    expect(await carry(act, {}, { passphrase: PASSPHRASE })).toMatchObject({ ok: false });
    gate.clock.advance(60_000);
    const proof = { passphrase: PASSPHRASE, code: code() };
    const both = await Promise.all([carry(act, {}, proof), carry(act, {}, proof)]);
    expect(both.filter((answer) => answer.ok)).toHaveLength(1);
    expect(await carry(act, {}, proof)).toMatchObject({ ok: false, error: { reason: 'unauthenticated' } });
    expect(times()).toBe(1);
    gate.clock.advance(60_000);
    expect(await carry(act, {}, { passphrase: 'wrong passphrase', code: code() })).toMatchObject({
      ok: false,
    });
  });
});

describe('two who become the owner at once', () => {
  it('are one owner and one who is refused', async () => {
    const both = await Promise.all(
      ['mia', 'eve'].map((name) => carry(named('owner.setup'), { name, passphrase: PASSPHRASE })),
    );
    expect(both.map(({ ok: made }) => made).toSorted((one, two) => Number(one) - Number(two))).toEqual([
      false,
      true,
    ]);
    expect(lines('owner.created')).toHaveLength(1);
    expect(JSON.stringify(both)).not.toContain('canary');
  });
});

describe('what does not widen', () => {
  it('is never asked for it', async () => {
    await setUp();
    const { id } = gate.key('claude');
    const { gateway } = gate;
    gateway.access.mandates.set('claude', MANDATE, OWNER_CLI);
    for (const [name, input] of [
      ['agents.list', {}],
      ['keys.list', {}],
      ['accounts.list', {}],
      ['limits.show', { account: 'paper' }],
      ['mandates.show', { agent: 'claude' }],
      ['mandates.revoke', { agent: 'claude' }],
      ['agents.halt', { name: 'claude' }],
      ['keys.revoke', { id }],
      ['accounts.remove', { name: 'paper' }],
      ['audit.tail', { count: 1 }],
      ['kill', { cancel: 'all', flatten: false }],
    ] as const)
      expect(await carry(named(name), input), name).toMatchObject({ ok: true });
  });
});

describe('a gateway that is told to stop while a proof is judged', () => {
  it('judges it, acts on it and answers before the books close, and greets nobody any more', async () => {
    await setUp();
    const { act, times } = probe();
    const path = join(gate.folder, 'probe.sock');
    const door = await openOwnerSocket({ path, office: gate.gateway, acts: [act] });
    const socket = connect(path);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    await new Promise((resolve) => socket.once('data', resolve));
    socket.write(`${JSON.stringify({ act: 'probe', input: {}, proof: { passphrase: PASSPHRASE } })}\n`);
    // What was written has been read before this is answered.
    const second = connect(path);
    await new Promise((resolve) => second.once('data', resolve));
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const closed = door.close();
    const late = connect(path);
    // Refused or let go without a word, as the kernel has it: either way it closes.
    late.on('error', () => undefined);
    let greeted = false;
    late.once('data', () => {
      greeted = true;
    });
    await new Promise((resolve) => late.once('close', resolve));
    expect(greeted).toBe(false);
    await Promise.all([closed, ended]);
    expect(times()).toBe(1);
    expect(answer.trim().split('\n').at(-1)).toBe('{"ok":true,"value":{"times":1}}');
  });
});

describe('a one-time link', () => {
  it('is issued where a console answers it alone, and for whom it is meant', async () => {
    const links = [named('owner.setup-link'), named('owner.reset-link')] as const;
    const told = async () => {
      const answers = await Promise.all(links.map((act) => carry(act, {})));
      return answers.map((answer) => (answer.ok ? 'given' : answer.error.detail));
    };
    // An engine that stdio started has no console.
    expect(await told()).toEqual([
      expect.stringMatching(/^No gateway with a console runs here/),
      expect.stringMatching(/^This gateway has no owner yet/),
    ]);
    await setUp();
    expect(await told()).toEqual([
      expect.stringMatching(/^This gateway has an owner already/),
      expect.stringMatching(/^No gateway with a console runs here/),
    ]);
    expect([...lines('owner.setup_code_issued'), ...lines('owner.reset_link_issued')]).toEqual([]);
  });
});
