/** Unclear orders from the command line: listed for anybody, settled on the owner's proof alone, and with an engine alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ensureFirstAccount } from '#cli/account-book.ts';
import { ACTS } from '#cli/acts.ts';
import { type Office, openOffice } from '#cli/office.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI } from '#domain/principal.ts';
import { configIn, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';
import { draft } from '../support/order-drafts.ts';
import { copyOfTheClone, type Portcullis, type Running } from '../support/portcullis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PASSPHRASE = 'four words nobody said';
const proof = { passphrase: PASSPHRASE };

const act = (name: string) => {
  const found = ACTS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no act ${name}`);
  return found;
};
const unknown = async (office: Office): Promise<readonly Record<string, unknown>[]> => {
  const listed = await carryOut(act('orders.unknown'), office, { input: {} });
  if (!listed.ok) throw new Error(listed.error.detail);
  return (listed.value as { orders: readonly Record<string, unknown>[] }).orders;
};
const READ = {
  outcome: 'canceled',
  source: 'page 2 of the statement',
  text: 'CANC, executed 3 of 4',
} as const;
const record = (office: Office, input: object, given?: object) =>
  carryOut(act('orders.record'), office, { input: { ...READ, ...input }, proof: given });

const opened: TestGateway[] = [];
afterEach(async () => {
  for (const gate of opened.splice(0)) await gate.close();
});

/** A gateway with an owner and an order of theirs whose outcome is unclear, at a broker that says nothing of orders. */
async function unclear(): Promise<{ gate: TestGateway; id: string }> {
  const gate = await openTestGateway({ http: false });
  opened.push(gate);
  const { gateway, clock } = gate;
  await clock.advanceAsync(5_000);
  const made = await gateway.access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  const adapter = gateway.engine.adapters.get(accountId('paper'));
  if (adapter === undefined) throw new Error('no adapter');
  const deaf = (): Promise<never> => Promise.reject(new Error('the venue did not answer'));
  const lost = () => Promise.resolve({ kind: 'unknown', reason: 'the connection was reset' });
  Object.assign(adapter, { openOrders: deaf, historySince: deaf, orderByClientId: deaf, place: lost });
  const placed = await gateway.trading.owner.placeOrder(
    draft({ side: 'buy', qty: '4', limit: '1400.00' }),
    'k',
  );
  if (!placed.ok) throw new Error(placed.error.detail);
  expect(placed.value.status).toBe('unknown');
  return { gate, id: placed.value.orderId };
}

describe('through a running engine', () => {
  it('lists what is unclear, and settles it on the owner’s proof alone', async () => {
    const { gate, id } = await unclear();
    expect(await unknown(gate.gateway)).toMatchObject([
      { order_id: id, agent: 'owner', side: 'buy', qty: '4', status: 'unknown', why_not: null },
    ]);
    const fill = { filled: '3', price: '1399.5', fee: '0.75', execution_id: 'S-9', broker_order_id: 'B-1' };
    const unproven = { ok: false, error: { reason: 'unauthenticated' } };
    expect(await record(gate.gateway, { order_id: id, ...fill })).toMatchObject(unproven);
    expect(await record(gate.gateway, { order_id: id, ...fill }, { passphrase: 'wrong' })).toMatchObject(
      unproven,
    );
    expect(await unknown(gate.gateway)).toHaveLength(1);
    expect(await record(gate.gateway, { order_id: id, ...fill }, proof)).toMatchObject({
      ok: true,
      value: { order_id: id, status: 'canceled', qty: '4', filled_qty: '3' },
    });
    expect(await unknown(gate.gateway)).toEqual([]);
    const story = gate.gateway.trading.owner.order(id);
    if (!story.ok) throw new Error(story.error.detail);
    expect(story.value.order.brokerOrderId).toBe('B-1');
    expect(story.value.evidence).toMatchObject([{ outcome: 'canceled', door: 'cli', source: READ.source }]);
    expect(story.value.trades).toMatchObject([{ executionId: 'S-9' }]);
    const again = await record(gate.gateway, { order_id: id }, proof);
    expect(again).toMatchObject({ ok: false, error: { reason: 'order_final' } });
  });

  it.each([
    [{ filled: '3' }, '--price'],
    [{ price: '3' }, '--filled'],
    [{ filled: 'three', price: '1' }, '--filled'],
    [{ filled: '3', price: '1', fee: '0x1' }, '--fee'],
    [{ at: 'yesterday' }, '--at'],
    [{ filled: '5', price: '1' }, 'less than the 4'],
  ])('%j is refused by its name, and nothing is recorded', async (input, named) => {
    const { gate, id } = await unclear();
    const refused = await record(gate.gateway, { order_id: id, ...input }, proof);
    expect(refused.ok ? '' : refused.error.detail).toContain(named);
    expect(await unknown(gate.gateway)).toHaveLength(1);
  });
});

it('without an engine there is a list, and nothing is recorded: the start asks the broker itself first', async () => {
  const office = openOffice(configIn(temporaryFolder()), handClock(), { memoryKib: 64, passes: 1 });
  onTestFinished(() => office.close());
  ensureFirstAccount(office);
  expect(await unknown(office)).toEqual([]);
  const refused = await record(office, { order_id: 'ord_1' });
  expect(refused.ok ? '' : refused.error.detail).toContain('The gateway is stopped');
});

describe('as typed words', () => {
  let clone: Portcullis;
  let engine: Running & { url: string };
  beforeAll(async () => {
    clone = copyOfTheClone();
    engine = await clone.serve();
    writeFileSync(join(clone.folder, 'pass'), PASSPHRASE);
  });
  afterAll(async () => {
    await engine.stop();
    await clone.close();
  });

  it('says that nothing is unclear, which words are missing, and what it does not know', async () => {
    expect(await clone.run(['orders', 'unknown'])).toMatchObject({
      code: 0,
      stdout: 'No order is unclear.\n',
    });
    const missing = await clone.run(['orders', 'record', 'ord_1', '--outcome', 'canceled', '--source', 's']);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('--text');
    const odd = await clone.run([
      'orders',
      'record',
      'ord_1',
      '--outcome',
      'vanished',
      '--source',
      's',
      '--text',
      't',
    ]);
    expect(odd.stderr).toContain('never_received, rejected');
    const words = ['--outcome', 'canceled', '--source', 's', '--text', 't'];
    const none = await clone.run(['orders', 'record', 'ord_1', ...words]);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('There is no order ord_1.');
  });
});
