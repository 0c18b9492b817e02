/** What the owner read at the broker settles an unclear order: on the record, nothing sent, and the broker's own word counts more. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity } from '#domain/decimal.ts';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS, EVIDENCE_FILLS_MAX, RECONCILE_INTERVAL_MS } from '#limits.ts';
import type { Evidence, EvidenceOutcome, RecordedFill } from '#trading/owner-desk.ts';
import { type ScriptedBroker, scriptedBroker, type Treatment } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  granted,
  now,
  own,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';
import { expectWhole } from '../support/whole-books.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}

async function scene(options: Parameters<typeof scriptedBroker>[1] = {}): Promise<Scene> {
  const broker = scriptedBroker('paper', options);
  const room = await tradingRoom({ adapter: () => broker });
  return { room, broker, claude: room.agent('claude') };
}

/** An order whose answer was lost, at a broker that says nothing more. */
async function unclear({ room, broker, claude }: Scene, effect: Treatment['effect'] = 'accept', qty = '10') {
  broker.deaf = true;
  broker.silent = true;
  broker.next.place.push({ effect, answer: 'unknown' });
  const order = await place(room, claude, draft({ side: 'buy', qty, limit: '1440.00' }));
  expect(order.status).toBe('unknown');
  return order;
}

/** The broker answers and tells everything again, and the line asks. */
async function healed({ room, broker }: Scene): Promise<void> {
  broker.deaf = false;
  broker.release();
  await room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 3);
}

const fill = (qty: string, at: string, more: { fee?: string; executionId?: string } = {}): RecordedFill => ({
  qty: quantity(qty),
  price: price(at),
  fee: money(more.fee ?? '0'),
  ...(more.executionId === undefined ? {} : { executionId: more.executionId }),
});

function record({ room }: Scene, orderId: string, outcome: EvidenceOutcome, more: Partial<Evidence> = {}) {
  return room.trading.owner.recordEvidence({
    orderId,
    outcome,
    source: 'the page Orders of the broker',
    text: 'as it stands there',
    observedAtMs: room.clock.wallMs(),
    by: OWNER_CONSOLE,
    ...more,
  });
}

const reserved = ({ room }: Scene): unknown =>
  room.store.db.prepare('SELECT value FROM reservations').pluck().get() ?? '0';
const used = ({ room }: Scene): unknown =>
  room.store.db.prepare('SELECT value_used FROM usage').pluck().get();
const trades = async ({ room, claude }: Scene) =>
  granted(await room.trading.trades(claude, { limit: 50 })).items.map(
    ({ executionId, qty, price: at, fee }) => [executionId, qty.toFixed(), at.toFixed(), fee.toFixed()],
  );

describe('an unclear order', () => {
  it.each([
    ['never_received', 'rejected'],
    ['rejected', 'rejected'],
    ['canceled', 'canceled'],
    ['expired', 'expired'],
    ['working', 'open'],
  ] as const)('of which the owner reads %s is %s, and nothing is sent', async (outcome, status) => {
    const one = await scene();
    const order = await unclear(one, outcome === 'never_received' ? 'lose' : 'accept');
    const held = reserved(one);
    const settled = granted(record(one, order.orderId, outcome));
    expect(settled.status).toBe(status);
    expect(reserved(one)).toBe(status === 'open' ? held : '0');
    expect(one.broker.sent).toMatchObject({ place: [order.brokerClientId], replace: [], cancel: [] });
    const [event] = one.room.events('evidence.recorded');
    expect(event?.detail).toMatchObject({
      order_id: order.orderId,
      from: 'unknown',
      to: outcome,
      source: 'the page Orders of the broker',
      text: 'as it stands there',
    });
    const story = granted(one.room.trading.owner.order(order.orderId));
    expect(story.evidence).toMatchObject([{ outcome, door: 'console', brokerSaid: null }]);
    expect(story.whyNoEvidence).toContain(`The order is ${status}`);
  });

  it('is filled by the fills that were read, in the books as in any statement', async () => {
    const one = await scene();
    const order = await unclear(one);
    const fills = [fill('4', '1439.5', { fee: '1.25', executionId: 'S-77' }), fill('6', '1440')];
    const settled = granted(record(one, order.orderId, 'filled', { fills }));
    expect(settled).toMatchObject({ status: 'filled' });
    expect(settled.avgFillPrice?.toFixed()).toBe('1439.8');
    expect(await own(one.room, one.claude)).toBe('10');
    expect(used(one)).toBe('14398');
    expect(reserved(one)).toBe('0');
    const [second, first] = await trades(one);
    expect(first).toEqual(['S-77', '4', '1439.5', '1.25']);
    expect(second?.[0]).toMatch(/^owner:evd_/);
    const cash = one.room.store.db.prepare(`SELECT amount FROM ledger_balances WHERE entry = 'cash'`).pluck();
    expect(cash.get()).toBe('85600.75');
  });

  it('is told to its agent with the source, in the timeline', async () => {
    const one = await scene();
    const order = await unclear(one, 'lose');
    granted(record(one, order.orderId, 'never_received', { source: 'a call\u202e to the desk' }));
    const { order: told, timeline } = granted(await one.room.trading.order(one.claude, order.orderId));
    expect(told.reason).toBe('never reached the broker, recorded by the owner from a call to the desk');
    expect(timeline.at(-1)?.detail).toBe(told.reason);
  });

  it('ends with the legs that were to hold its bracket', async () => {
    const one = await scene();
    one.broker.deaf = true;
    one.broker.silent = true;
    one.broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    const order = await place(
      one.room,
      one.claude,
      draft({ side: 'buy', qty: '2', takeProfit: '1500.00', stopLoss: '1400.00' }),
    );
    granted(record(one, order.orderId, 'never_received'));
    expect(one.room.trading.workingOrders()).toBe(0);
  });
});

describe('what can not be', () => {
  it.each<[string, EvidenceOutcome, Partial<Evidence>, string]>([
    ['fills of an order that was never received', 'never_received', { fills: [fill('1', '1440')] }, 'filled'],
    ['less than all as filled', 'filled', { fills: [fill('9', '1440')] }, 'filled'],
    ['more than all as filled', 'filled', { fills: [fill('11', '1440')] }, 'filled'],
    ['all of it and canceled', 'canceled', { fills: [fill('10', '1440')] }, 'filled'],
    ['a fill of nothing', 'working', { fills: [fill('0', '1440')] }, 'filled'],
    [
      'more fills than a form takes',
      'working',
      { fills: Array.from({ length: EVIDENCE_FILLS_MAX + 1 }, () => fill('0.01', '1440')) },
      'filled',
    ],
    ['a price beyond the limit', 'working', { fills: [fill('1', '1440.01')] }, 'price'],
    ['a price that is none of this market', 'working', { fills: [fill('1', '14.4')] }, 'price'],
    ['no source', 'canceled', { source: ' \u202e ' }, 'source'],
    ['no text', 'canceled', { text: '' }, 'text'],
    ['a time before the order', 'canceled', { observedAtMs: 0 }, 'at'],
    ['a time that is not yet', 'canceled', { observedAtMs: Number.MAX_SAFE_INTEGER / 1000 }, 'at'],
    [
      'an execution twice',
      'working',
      { fills: [fill('1', '1440', { executionId: 'a' }), fill('1', '1440', { executionId: 'a' })] },
      'execution_id',
    ],
  ])('%s is refused by its name, and nothing is recorded', async (_what, outcome, more, field) => {
    const one = await scene();
    const order = await unclear(one);
    const no = refusal(record(one, order.orderId, outcome, more));
    expect(no.reason).toBe('invalid_input');
    expect(no.detail).toMatch(/^Nothing was recorded\. /);
    expect(no.errors?.map((error) => error.field)).toContain(field);
    expect((await now(one.room, one.claude, order)).status).toBe('unknown');
    expect(one.room.events('evidence.recorded')).toEqual([]);
    expect(await own(one.room, one.claude)).toBe('0');
  });

  it('a price that looks wrong is recorded once the owner says that it stands there so', async () => {
    const one = await scene();
    const order = await unclear(one);
    const fills = [fill('1', '144025')];
    const { orderId } = order;
    expect(refusal(record(one, orderId, 'canceled', { fills })).detail).toMatch(
      /price: 144025 is above the limit of the order, 1440; look again, and confirm it if the statement says so/,
    );
    granted(record(one, orderId, 'canceled', { fills, pricesConfirmed: true }));
    expect(await own(one.room, one.claude)).toBe('1');
  });

  it('an order that is clear takes no evidence: not one that works, not one that is over, not twice', async () => {
    const one = await scene();
    const resting = await place(one.room, one.claude, draft({ side: 'buy', qty: '1', limit: '1440.00' }));
    expect(refusal(record(one, resting.orderId, 'canceled')).reason).toBe('reconciling');
    const order = await unclear(one);
    granted(record(one, order.orderId, 'canceled'));
    expect(refusal(record(one, order.orderId, 'canceled')).reason).toBe('order_final');
    expect(refusal(record(one, 'ord_none', 'canceled')).reason).toBe('not_found');
  });

  it('an execution that is in the books already is not recorded for another order', async () => {
    const one = await scene();
    const first = await place(one.room, one.claude, draft({ side: 'buy', qty: '1', limit: '1440.00' }));
    one.broker.fill(first.brokerClientId, '1', '1440');
    const order = await unclear(one);
    const fills = [fill('1', '1440', { executionId: 'x1' })];
    expect(refusal(record(one, order.orderId, 'working', { fills })).detail).toContain(
      'in the books already',
    );
    const id = first.brokerOrderId ?? '';
    expect(refusal(record(one, order.orderId, 'working', { brokerOrderId: id })).detail).toContain(
      first.orderId,
    );
  });
});

describe('a change or a cancel', () => {
  it('is its broker’s to settle while that answers, and the owner’s to record when it does not', async () => {
    const one = await scene();
    const order = await place(one.room, one.claude, draft({ side: 'buy', qty: '10', limit: '1440.00' }));
    one.broker.next.cancel.push({ effect: 'lose', answer: 'unknown' });
    one.broker.deaf = true;
    const canceling = one.room.trading.cancelOrder(one.claude, order.orderId, {
      tool: 'cancel_order',
      digest: 'd',
      dryRun: false,
    });
    await one.room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS - 1);
    expect(refusal(record(one, order.orderId, 'canceled')).detail).toContain('its broker answers');
    await one.room.clock.advanceAsync(RECONCILE_INTERVAL_MS);
    await canceling;
    expect(granted(record(one, order.orderId, 'canceled')).status).toBe('canceled');
    expect(one.broker.sent.cancel).toHaveLength(1);
  });

  it.each([
    ['old', '10', 'rejected'],
    ['new', '4', 'accepted'],
  ] as const)('that was lost is settled by the %s terms', async (terms, qty, outcome) => {
    const one = await scene();
    const order = await place(one.room, one.claude, draft({ side: 'buy', qty: '10', limit: '1440.00' }));
    one.broker.deaf = true;
    one.broker.next.replace.push({ effect: 'lose', answer: 'unknown' });
    const key = { ...commit('change-1'), tool: 'modify_order' };
    const change = { orderId: order.orderId, qty: quantity('4') };
    const answer = granted(await one.room.trading.modifyOrder(one.claude, change, key));
    expect(answer).toMatchObject({ change: { outcome: 'unknown', reason: 'the connection was reset' } });
    await one.room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + RECONCILE_INTERVAL_MS);
    expect(refusal(record(one, order.orderId, 'working')).errors?.[0]?.field).toBe('terms');
    const settled = granted(record(one, order.orderId, 'working', { terms }));
    expect(settled.qty.toFixed()).toBe(qty);
    expect(settled.status).toBe('open');
    const again = granted(await one.room.trading.modifyOrder(one.claude, change, key));
    expect(again).toMatchObject({ change: { outcome } });
    expect(one.broker.sent.replace).toHaveLength(1);
  });
});

describe('the broker’s own word afterwards', () => {
  it('takes the place of what was recorded: once, at its price and fee', async () => {
    const one = await scene();
    const order = await unclear(one);
    granted(record(one, order.orderId, 'filled', { fills: [fill('10', '1439', { fee: '9' })] }));
    one.broker.fill(order.brokerClientId, '4', '1439.25', '0.5');
    one.broker.fill(order.brokerClientId, '6', '1440', '0.7');
    await healed(one);
    expect(await trades(one)).toEqual([
      ['x2', '6', '1440', '0.7'],
      ['x1', '4', '1439.25', '0.5'],
    ]);
    expect(await now(one.room, one.claude, order)).toMatchObject({ status: 'filled' });
    expect((await now(one.room, one.claude, order)).avgFillPrice?.toFixed()).toBe('1439.7');
    expect(used(one)).toBe('14397');
    await expectWhole(one.room);
    expect(one.room.events('evidence.contradicted')).toEqual([]);
    expect(granted(one.room.trading.owner.order(order.orderId)).evidence[0]?.brokerSaid).toBe('filled');
  });

  it('under the statement’s own id changes what was misread, its size too', async () => {
    const one = await scene();
    const order = await unclear(one);
    one.broker.fill(order.brokerClientId, '3', '1439.25', '0.5');
    const fills = [fill('9', '1500', { executionId: 'x1' })];
    granted(record(one, order.orderId, 'canceled', { fills, pricesConfirmed: true }));
    one.broker.end(order.brokerClientId, 'canceled');
    await healed(one);
    expect(await trades(one)).toEqual([['x1', '3', '1439.25', '0.5']]);
    expect(await own(one.room, one.claude)).toBe('3');
    await expectWhole(one.room);
  });

  it('leaves no position at a cost that it can not have had, whatever was built on what was recorded', async () => {
    const one = await scene();
    const { room, broker, claude } = one;
    const first = await place(room, claude, draft({ side: 'buy', qty: '10', limit: '1440.00' }));
    broker.fill(first.brokerClientId, '10', '1000');
    const order = await unclear(one);
    granted(record(one, order.orderId, 'filled', { fills: [fill('10', '2000')], pricesConfirmed: true }));
    broker.silent = false;
    const sold = await place(room, claude, draft({ side: 'sell', qty: '15', limit: '1460.00' }));
    broker.fill(sold.brokerClientId, '15', '1500');
    // 5 at 1500 are left; without 4 of those at 2000, and with 4 at 100 in their place, 5 would have cost less than nothing.
    broker.fill(order.brokerClientId, '4', '100');
    const held = room.store.db.prepare('SELECT qty, cost FROM holdings WHERE holder = ?');
    const sane = { qty: '5', cost: '500' };
    expect([held.get(claude.agent), held.get('*')]).toEqual([sane, sane]);
    const total = room.store.db.prepare('SELECT amount FROM ledger_balances').pluck().all() as string[];
    expect(
      total
        .map(money)
        .reduce((sum, amount) => sum.plus(amount) as typeof sum)
        .toFixed(),
    ).toBe('0');
    const cost = room.store.db.prepare(`SELECT amount FROM ledger_balances WHERE entry LIKE 'cost:%'`);
    expect(cost.pluck().get()).toBe('500');
  });

  it('takes back fills that it does not have, and says so on the record', async () => {
    const one = await scene();
    const order = await unclear(one);
    granted(record(one, order.orderId, 'filled', { fills: [fill('10', '1439', { fee: '2' })] }));
    one.broker.end(order.brokerClientId, 'expired');
    await healed(one);
    const after = await now(one.room, one.claude, order);
    expect(after.status, 'a final state never changes').toBe('filled');
    expect(after.filledQty.toFixed()).toBe('0');
    expect(await own(one.room, one.claude)).toBe('0');
    expect(used(one)).toBe('0');
    expect(await trades(one)).toEqual([]);
    await expectWhole(one.room);
    expect(one.room.events('evidence.contradicted')[0]?.detail).toMatchObject({
      order_id: order.orderId,
      recorded: 'filled',
      broker: 'expired',
    });
    expect(one.room.events('reconcile.mismatch')).toEqual([]);
  });

  it('that it works after all takes it up again: limits count it, and a cancel reaches it', async () => {
    const one = await scene();
    const order = await unclear(one);
    const held = reserved(one);
    granted(record(one, order.orderId, 'never_received'));
    expect(reserved(one)).toBe('0');
    await healed(one);
    expect((await now(one.room, one.claude, order)).status).toBe('rejected');
    const [again] = granted(await one.room.trading.orders(one.claude, { status: 'open', limit: 5 })).items;
    if (again === undefined) throw new Error('it was not taken up');
    expect(again).toMatchObject({ status: 'open', brokerClientId: order.brokerClientId });
    expect(reserved(one)).toBe(held);
    expect(one.room.events('evidence.contradicted')[0]?.detail).toMatchObject({ broker: 'open' });
    one.broker.fill(order.brokerClientId, '4', '1440');
    expect(await own(one.room, one.claude)).toBe('4');
    const canceled = granted(await one.room.trading.owner.cancel(again.orderId));
    expect(canceled.status).toBe('canceled');
    expect(one.broker.order(order.brokerClientId)?.status).toBe('canceled');
    expect(one.broker.sent.place).toHaveLength(1);
    await expectWhole(one.room);
  });

  it('takes up a bracket with its legs', async () => {
    const one = await scene();
    one.broker.deaf = true;
    one.broker.silent = true;
    one.broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const order = await place(
      one.room,
      one.claude,
      draft({ side: 'buy', qty: '2', limit: '1440.00', takeProfit: '1500.00', stopLoss: '1400.00' }),
    );
    granted(record(one, order.orderId, 'never_received'));
    await healed(one);
    const open = granted(await one.room.trading.orders(one.claude, { status: 'open', limit: 9 })).items;
    const entry = open.find(({ role }) => role === 'entry');
    const legs = open.filter(({ role }) => role !== 'entry');
    expect(legs.map(({ role, held, parentOrderId }) => ({ role, held, parentOrderId }))).toEqual(
      expect.arrayContaining([
        { role: 'stop_loss', held: true, parentOrderId: entry?.orderId },
        { role: 'take_profit', held: true, parentOrderId: entry?.orderId },
      ]),
    );
    expect(legs).toHaveLength(2);
  });

  it('of one moment, late or out of order, takes nothing up: it is asked first', async () => {
    const one = await scene();
    const order = await unclear(one);
    granted(record(one, order.orderId, 'canceled'));
    one.broker.end(order.brokerClientId, 'canceled');
    one.broker.deaf = false;
    // The word that it works comes after the word that it is canceled.
    one.broker.release((events) => events.toReversed());
    expect(one.room.trading.workingOrders()).toBe(0);
    await one.room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 3);
    expect(one.room.trading.workingOrders()).toBe(0);
    expect(one.room.events('evidence.contradicted')).toEqual([]);
  });

  it('outlives a restart: what it has not told is still what the owner recorded', async () => {
    const one = await scene();
    const order = await unclear(one);
    granted(record(one, order.orderId, 'filled', { fills: [fill('10', '1439', { fee: '2' })] }));
    one.broker.fill(order.brokerClientId, '10', '1438', '1');
    one.broker.deaf = false;
    const again = await one.room.restart();
    expect(await own(again, one.claude)).toBe('10');
    const [trade] = granted(await again.trading.trades(one.claude, { limit: 5 })).items;
    expect(trade).toMatchObject({ executionId: 'x1' });
    await expectWhole(again);
  });

  it('through positions alone takes back what they do not have, where it can not be asked for an order', async () => {
    const one = await scene({ queryByClientId: false });
    const order = await unclear(one);
    granted(record(one, order.orderId, 'filled', { fills: [fill('10', '1439')] }));
    await healed(one);
    expect(await own(one.room, one.claude)).toBe('0');
    await expectWhole(one.room);
    expect(one.room.events('evidence.withdrawn')).toHaveLength(1);
    expect(one.room.events('reconcile.mismatch')).toEqual([]);
  });
});
