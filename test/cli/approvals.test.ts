/** Approvals from the command line: approving asks for the owner, rejecting for nobody, and what was printed is what is decided. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ensureFirstAccount, removeAccount } from '#cli/account-book.ts';
import { ACTS } from '#cli/acts.ts';
import { inTheWay, sentInWords } from '#cli/approvals.ts';
import { type Office, openOffice } from '#cli/office.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { configIn, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';
import { copyOfTheClone, MANDATE } from '../support/portcullis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PASSPHRASE = 'four words nobody said';
const proof = { passphrase: PASSPHRASE };

async function act(office: Office, name: string, input: object, given?: object) {
  const found = ACTS.find((one) => one.name === `approvals.${name}`);
  if (found === undefined) throw new Error(`there is no act approvals.${name}`);
  return carryOut(found, office, { input, proof: given });
}

interface Listed {
  readonly id: string;
  readonly digest: string;
  readonly order: Readonly<Record<string, unknown>>;
  readonly note: string | null;
}
async function listed(office: Office): Promise<readonly Listed[]> {
  const answer = await act(office, 'list', {});
  if (!answer.ok) throw new Error(answer.error.detail);
  return (answer.value as { approvals: readonly Listed[] }).approvals;
}

const opened: TestGateway[] = [];
afterEach(async () => {
  for (const gate of opened.splice(0)) await gate.close();
});

/** With an owner, and `local` whose every order waits. */
async function engine(): Promise<TestGateway> {
  const gate = await openTestGateway({ http: false });
  opened.push(gate);
  await gate.clock.advanceAsync(5_000);
  const { access } = gate.gateway;
  gate.local();
  const mandate = { ...MANDATE, commit: 'one_step', approval: 'always' };
  for (const made of [
    access.mandates.set('local', mandate, OWNER_CLI),
    await access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI }),
  ])
    if (!made.ok) throw new Error(made.error.detail);
  return gate;
}

let keys = 0;
async function asked(gate: TestGateway, fields: object = {}): Promise<Listed> {
  const order = { symbol: 'SPX', side: 'buy', qty: '2', type: 'limit', limit_price: '1400', ...fields };
  const answer = gate.call('place_order', { ...order, dry_run: false, idempotency_key: `key-${++keys}` });
  await gate.clock.advanceAsync(0);
  expect(await answer).toMatchObject({ ok: true, output: { order: { status: 'pending_approval' } } });
  const card = (await listed(gate.gateway)).at(-1);
  if (card === undefined) throw new Error('nothing waits');
  return card;
}

async function settled<T>(gate: TestGateway, answer: Promise<T>): Promise<T> {
  for (let second = 0; second < 3; second++) await gate.clock.advanceAsync(1_000);
  return answer;
}

describe('through a running engine', () => {
  it('lists what waits with its figures, and the agent’s words as a field of their own', async () => {
    const gate = await engine();
    await asked(gate, { note: 'for \u202ethe index', tag: 'trend' });
    const [card, ...others] = await listed(gate.gateway);
    expect(others).toEqual([]);
    expect(card).toMatchObject({
      agent: 'local',
      order: { symbol: 'SPX', side: 'buy', qty: '2', limit_price: '1400', tag: 'trend' },
      value: '2800',
      currency: 'USD',
      account: { id: 'paper', mode: 'paper', equity: '100000' },
      note: 'for the index',
      would_refuse: null,
      decision: null,
    });
  });

  it('approves on the owner’s proof alone, and once', async () => {
    const gate = await engine();
    const { id, digest } = await asked(gate);
    for (const given of [undefined, { passphrase: 'another' }])
      expect(await act(gate.gateway, 'approve', { id, digest }, given)).toMatchObject({
        ok: false,
        error: { reason: 'unauthenticated' },
      });
    expect(await listed(gate.gateway)).toHaveLength(1);
    const done = await settled(gate, act(gate.gateway, 'approve', { id, digest }, proof));
    expect(done).toMatchObject({ ok: true, value: { outcome: 'sent', order: { status: 'open' } } });
    expect(await act(gate.gateway, 'approve', { id, digest }, proof)).toMatchObject({
      ok: false,
      error: { reason: 'order_final' },
    });
    expect(gate.gateway.trading.owner.approvals.card(id)).toMatchObject({
      ok: true,
      value: { decision: 'approved', decidedDoor: 'cli' },
    });
  });

  it('approves less at a better price, and nothing else than was printed', async () => {
    const gate = await engine();
    const { id, digest } = await asked(gate);
    const other = await act(gate.gateway, 'approve', { id, digest: 'of another card' }, proof);
    expect(other).toMatchObject({ ok: true, value: { outcome: 'price_moved', approval: { id, digest } } });
    const more = await act(gate.gateway, 'approve', { id, digest, qty: '3' }, proof);
    expect(more).toMatchObject({ ok: false, error: { reason: 'loosening_refused' } });
    const less = { id, digest, qty: '1', limit_price: '1399.5' };
    expect(await settled(gate, act(gate.gateway, 'approve', less, proof))).toMatchObject({
      ok: true,
      value: { outcome: 'sent', order: { qty: '1', limit_price: '1399.5' } },
    });
  });

  it('rejects without a proof, with words that the agent reads', async () => {
    const gate = await engine();
    const { id, order } = await asked(gate);
    expect(await act(gate.gateway, 'reject', { id, reason: 'not before the figures' })).toMatchObject({
      ok: true,
      value: { order: { status: 'refused', reason: 'approval_rejected' } },
    });
    const told = await gate.call('get_order', { order_id: order['order_id'] });
    expect(JSON.stringify(told)).toContain('rejected by the owner: not before the figures');
    expect(await listed(gate.gateway)).toEqual([]);
  });

  it('tells the agent until when it waits, and its own words', async () => {
    const gate = await engine();
    const { order } = await asked(gate, { note: 'why' });
    expect(await gate.call('get_order', { order_id: order['order_id'] })).toMatchObject({
      ok: true,
      output: {
        order: { status: 'pending_approval' },
        approval: { note: 'why', expires_at: expect.stringMatching(/^2026-01-05T12:15/) },
      },
    });
  });

  it('refuses decimals that are none, and ids that there are not', async () => {
    const gate = await engine();
    const { id, digest } = await asked(gate);
    expect(await act(gate.gateway, 'approve', { id, digest, qty: '1e3' }, proof)).toMatchObject({
      ok: false,
      error: { reason: 'invalid_input' },
    });
    for (const [name, input] of [
      ['approve', { id: 'apr_none', digest }],
      ['reject', { id: 'apr_none', reason: 'no' }],
    ] as const)
      expect(await act(gate.gateway, name, input, proof)).toMatchObject({
        ok: false,
        error: { reason: 'not_found' },
      });
  });
});

describe('an account that is removed', () => {
  it('takes what waits in it along', async () => {
    const gate = await engine();
    const { id, digest, order } = await asked(gate);
    expect(await removeAccount(gate.gateway, 'paper', OWNER_CLI)).toMatchObject({ ok: true });
    expect(await listed(gate.gateway)).toEqual([]);
    expect(gate.gateway.trading.owner.order(String(order['order_id']))).toMatchObject({
      ok: true,
      value: { order: { status: 'canceled' } },
    });
    expect(await act(gate.gateway, 'approve', { id, digest }, proof)).toMatchObject({
      ok: false,
      error: { reason: 'order_final' },
    });
  });
});

describe('what is said of it', () => {
  it('stops before what would be refused as it stands, unless it is to be tried anyway', () => {
    const refusal = refuse('max_daily_orders', 'Orders today: 1 of 1, this order 1.');
    expect(inTheWay({ would_refuse: refusal }, false)).toMatchObject({
      reason: 'max_daily_orders',
      detail: expect.stringContaining('this order 1. Nothing was sent, and it still waits; --anyway'),
    });
    expect(inTheWay({ would_refuse: refusal }, true)).toBeUndefined();
    expect(inTheWay({ would_refuse: null }, false)).toBeUndefined();
  });

  it('names what was sent, and a rejection of the broker with its cause as no success', async () => {
    const gate = await engine();
    const { id, digest } = await asked(gate);
    const done = await settled(gate, act(gate.gateway, 'approve', { id, digest, qty: '1' }, proof));
    if (!done.ok) throw new Error(done.error.detail);
    const { order } = done.value as { readonly order: Parameters<typeof sentInWords>[0] };
    expect(sentInWords(order)).toEqual({
      code: 0,
      words: `Approved: the order ${order.order_id} is open: buy 1 SPX limit at 1400.`,
    });
    const rejected = { ...order, status: 'rejected', reason: 'no such market' } as const;
    expect(sentInWords(rejected)).toEqual({
      code: 1,
      words: `Approved and sent (buy 1 SPX limit at 1400), and the broker rejected it: no such market. The order ${order.order_id} has ended.`,
    });
  });
});

describe('without an engine', () => {
  it('says that nothing can be sent, and decides nothing', async () => {
    const office = openOffice(configIn(temporaryFolder()), handClock(), { memoryKib: 64, passes: 1 });
    onTestFinished(() => office.close());
    ensureFirstAccount(office);
    for (const [name, input] of [
      ['list', {}],
      ['approve', { id: 'a', digest: 'd' }],
      ['reject', { id: 'a', reason: 'no' }],
    ] as const)
      expect(await act(office, name, input)).toMatchObject({
        ok: false,
        error: { reason: 'not_found', detail: expect.stringContaining('No gateway runs here') },
      });
  });
});

describe('as typed words', () => {
  it('shows what is decided before it asks, and says what became of it', { timeout: 60_000 }, async () => {
    const clone = copyOfTheClone();
    onTestFinished(() => clone.close());
    const gate = clone.fresh();
    const serving = await gate.serve();
    const file = (name: string, content: string): string => {
      const path = join(gate.folder, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    };
    const mandate = file('m.json', JSON.stringify({ ...MANDATE, commit: 'one_step', approval: 'always' }));
    const { key } = (await gate.json([
      'keys',
      'create',
      '--agent',
      'claude',
      '--scopes',
      'read:account,write:orders',
    ])) as { key: string };
    expect((await gate.run(['mandates', 'set', 'claude', '--file', mandate])).code).toBe(0);
    const pass = file('pass', `${PASSPHRASE}\n`);
    expect((await gate.run(['setup', '--owner', 'mia', '--password-file', pass])).code).toBe(0);
    const order = { symbol: 'SPX', side: 'buy', qty: '2', type: 'limit', limit_price: '1450' };
    for (const [number, note] of ['be quick\u001b[2J', 'and this'].entries()) {
      const sent = await fetch(`${serving.url}/api/v1/orders`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...order, note, dry_run: false, idempotency_key: `k${number}` }),
      });
      expect(await sent.json()).toMatchObject({ order: { status: 'pending_approval' } });
    }
    const table = await gate.run(['approvals', 'list']);
    expect(table.stdout).toContain('buy 2 SPX limit at 1450');
    expect(table.stdout).not.toContain('\u001b');
    const { approvals } = (await gate.json(['approvals', 'list'])) as { approvals: readonly Listed[] };
    const [first, second] = approvals.map(({ id }) => id);

    const unproven = await gate.run(['approvals', 'approve', first ?? '']);
    expect(unproven).toMatchObject({ code: 1, stdout: '' });
    expect(unproven.stderr).toContain('claude asks to buy 2 SPX');
    expect(unproven.stderr).toContain('The agent says (not checked): be quick');
    const approved = await gate.run([
      'approvals',
      'approve',
      first ?? '',
      '--qty',
      '1',
      '--password-file',
      pass,
    ]);
    expect(approved).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Approved: the order ord_\w+ is \w+: buy 1 SPX limit at 1450\.\n$/),
    });
    expect((await gate.run(['approvals', 'reject', second ?? ''])).code).toBe(2);
    expect(await gate.run(['approvals', 'reject', second ?? '', '--reason', 'no'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Rejected: the order ord_\w+ is refused\.\n$/),
    });
    expect((await gate.run(['approvals', 'approve', second ?? '', '--qty', '1e2'])).code).toBe(2);
    expect((await gate.run(['approvals', 'list'])).stdout).toBe('No order waits for you.\n');
    await serving.stop();
    expect((await gate.run(['approvals', 'list'])).stderr).toContain('No gateway runs here');
  });
});
