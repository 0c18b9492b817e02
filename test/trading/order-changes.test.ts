/** What became of a change: the broker's word on it stands beside the order, for the call and for each repeat of it. */
import { describe, expect, it } from 'vitest';
import { price, quantity } from '#domain/decimal.ts';
import { BROKER_CALL_TIMEOUT_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import type { BrokerOrder, PlaceOutcome } from '#ports.ts';
import { scriptedBroker, type Treatment } from '../support/scripted-broker.ts';
import { commit, draft, flatTape, granted, now, place, tradingRoom } from '../support/trading-room.ts';

async function resting() {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const claude = room.agent('claude');
  const order = await place(room, claude, draft({ side: 'buy', qty: '10', limit: '1440.00' }));
  let keys = 0;
  const change = (qty: string, treatment?: Treatment, key = `change-${++keys}`) => {
    if (treatment) broker.next.replace.push(treatment);
    return room.trading.modifyOrder(
      claude,
      { orderId: order.orderId, qty: quantity(qty) },
      { ...commit(key), tool: 'modify_order' },
    );
  };
  return { broker, room, claude, order, change };
}

it('is accepted: the order has the new terms', async () => {
  const { change } = await resting();
  const answer = granted(await change('4'));
  expect(answer).toMatchObject({ dryRun: false, change: { outcome: 'accepted' } });
  expect(answer.dryRun ? '' : answer.order.qty.toFixed()).toBe('4');
});

it('is rejected, in the broker’s words: the answer is not an error, and the order stays as it was', async () => {
  const { broker, change } = await resting();
  const answer = granted(await change('4', { effect: 'reject', answer: 'truth' }, 'k'));
  expect(answer).toMatchObject({
    order: { status: 'open' },
    change: { outcome: 'rejected', reason: 'not today' },
  });
  expect(answer.dryRun ? '' : answer.order.qty.toFixed()).toBe('10');
  // Another change does not rewrite what became of the first one.
  granted(await change('5'));
  expect(granted(await change('4', undefined, 'k'))).toMatchObject({ change: { outcome: 'rejected' } });
  expect(broker.sent.replace).toHaveLength(2);
});

it.each([
  ['accept', 'accepted', '4'],
  ['lose', 'rejected', '10'],
] as const)(
  'is unknown while its answer is lost, and then what the broker shows (%s)',
  async (effect, outcome, qty) => {
    const { broker, room, claude, order, change } = await resting();
    const lost = granted(await change('4', { effect, answer: 'unknown' }, 'k'));
    expect(lost).toMatchObject({ change: { outcome: 'unknown', reason: 'the connection was reset' } });
    await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + RECONCILE_INTERVAL_MS * 2);
    expect(granted(await change('4', undefined, 'k'))).toMatchObject({ change: { outcome } });
    expect((await now(room, claude, order)).qty.toFixed()).toBe(qty);
    expect(broker.sent.replace).toHaveLength(1);
  },
);

it('is pending for who repeats the call while the first one waits', async () => {
  const { broker, room, change } = await resting();
  const first = change('4', { effect: 'accept', answer: 'never' }, 'k');
  await room.clock.advanceAsync(1);
  expect(granted(await change('4', undefined, 'k'))).toMatchObject({ change: { outcome: 'pending' } });
  await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS);
  expect(granted(await first)).toMatchObject({ change: { outcome: 'unknown' } });
  expect(broker.sent.replace).toHaveLength(1);
});

it('is unknown for good when the order ended before it was answered, and a preview says nothing of it', async () => {
  const { broker, room, claude, order, change } = await resting();
  const first = change('20', { effect: 'lose', answer: 'never' }, 'k');
  await room.clock.advanceAsync(1);
  broker.end(order.brokerClientId, 'expired');
  await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + 1);
  granted(await first);
  expect(granted(await change('20', undefined, 'k'))).toMatchObject({
    order: { status: 'expired' },
    change: {
      outcome: 'unknown',
      reason: 'the order is expired, and the broker has not answered for the change',
    },
  });
  const other = await place(room, claude, draft({ side: 'buy', qty: '1', limit: '1440.00' }));
  const preview = granted(
    await room.trading.modifyOrder(
      claude,
      { orderId: other.orderId, limitPrice: price('1441.00') },
      { kind: 'preview', tool: 'modify_order', digest: 'd' },
    ),
  );
  expect(preview).not.toHaveProperty('change');
});

describe('a change whose answer is late', () => {
  /** Nothing takes effect and nothing is answered before the test says so. */
  async function slow(rules: Readonly<Record<string, string>> = {}) {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker });
    const claude = room.agent('claude', rules);
    const order = await place(room, claude, draft({ side: 'buy', qty: '10', limit: '99' }));
    const real = broker.replace.bind(broker);
    const sent: {
      readonly apply: () => Promise<PlaceOutcome>;
      readonly answer: (told: PlaceOutcome) => void;
    }[] = [];
    broker.replace = (cleared) => new Promise((answer) => sent.push({ apply: () => real(cleared), answer }));
    const change = (terms: { qty?: string; limit?: string }, key: string) =>
      room.trading.modifyOrder(
        claude,
        {
          orderId: order.orderId,
          ...(terms.qty ? { qty: quantity(terms.qty) } : {}),
          ...(terms.limit ? { limitPrice: price(terms.limit) } : {}),
        },
        { ...commit(key), tool: 'modify_order' },
      );
    /** The change is sent, times out, and is written off, because the broker shows the old terms. */
    const writtenOff = async (terms: { qty?: string; limit?: string }) => {
      const asked = change(terms, 'k');
      await room.clock.advanceAsync(26_000);
      await asked;
      expect((await now(room, claude, order)).status).toBe('open');
    };
    const more = async () => {
      const placed = await room.trading.placeOrder(
        claude,
        draft({ side: 'buy', qty: '10', limit: '99' }),
        commit(),
      );
      return placed.ok ? 'sent' : placed.error.reason;
    };
    return { room, broker, claude, order, sent, change, writtenOff, more };
  }

  it.each([
    ['20', '99', '2100'],
    ['10', '102', '2020'],
  ])(
    'takes effect after it was given up: the books follow, the budget too, and the owner is told (%s at %s)',
    async (qty, limit, most) => {
      const { room, claude, order, sent, writtenOff, more } = await slow({ max_gross_exposure: most });
      await writtenOff(qty === '10' ? { limit } : { qty });
      await sent[0]?.apply();
      await room.clock.advanceAsync(140_000);
      const after = await now(room, claude, order);
      expect([after.qty.toFixed(), after.limitPrice?.toFixed()]).toEqual([qty, limit]);
      expect(await more()).toBe('max_gross_exposure');
      expect(room.events('order.terms_followed')).toMatchObject([
        { detail: { order_id: order.orderId, ours: '10, limit 99' } },
      ]);
    },
  );

  it('is asked about as soon as its answer comes, and is accepted for who asked for it', async () => {
    const { room, claude, order, sent, change, writtenOff } = await slow();
    await writtenOff({ qty: '20' });
    const told = await sent[0]?.apply();
    if (told) sent[0]?.answer(told);
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 2);
    expect((await now(room, claude, order)).qty.toFixed()).toBe('20');
    expect(granted(await change({ qty: '20' }, 'k'))).toMatchObject({ change: { outcome: 'accepted' } });
  });

  it('is not taken for the answer to a later change', async () => {
    const { room, broker, claude, order, sent, change, writtenOff } = await slow();
    await writtenOff({ qty: '20' });
    const second = change({ qty: '5' }, 'second');
    await room.clock.advanceAsync(100);
    const told = await sent[0]?.apply();
    if (told) sent[0]?.answer(told);
    await room.clock.advanceAsync(100);
    expect(await now(room, claude, order)).toMatchObject({ status: 'pending_replace' });
    sent[1]?.answer({ kind: 'rejected', reason: 'too late' });
    expect(granted(await second)).toMatchObject({ change: { outcome: 'rejected', reason: 'too late' } });
    await room.clock.advanceAsync(140_000);
    expect(broker.order(order.brokerClientId)?.qty.toFixed()).toBe('20');
    expect((await now(room, claude, order)).qty.toFixed()).toBe('20');
  });

  it('shows other terms while a second one waits: they count, and what waits goes on waiting', async () => {
    const { room, claude, order, sent, change, writtenOff } = await slow();
    await writtenOff({ qty: '20' });
    const second = change({ qty: '5' }, 'second');
    await sent[0]?.apply();
    await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS - 1);
    expect(await now(room, claude, order)).toMatchObject({ status: 'pending_replace' });
    sent[1]?.answer((await sent[1].apply()) satisfies PlaceOutcome);
    expect(granted(await second)).toMatchObject({ change: { outcome: 'accepted' } });
    expect((await now(room, claude, order)).qty.toFixed()).toBe('5');
  });

  it('changes nothing by a list that lags behind once', async () => {
    const { room, broker, claude, order, sent, change } = await slow();
    const before = broker.order(order.brokerClientId) as BrokerOrder;
    const asked = change({ qty: '20' }, 'k');
    await room.clock.advanceAsync(1);
    sent[0]?.answer((await sent[0].apply()) satisfies PlaceOutcome);
    expect(granted(await asked)).toMatchObject({ change: { outcome: 'accepted' } });
    const real = broker.openOrders.bind(broker);
    let lists = 0;
    broker.openOrders = async () => (lists++ % 2 === 0 ? [before] : await real());
    await room.clock.advanceAsync(300_000);
    expect(lists).toBeGreaterThan(6);
    expect((await now(room, claude, order)).qty.toFixed()).toBe('20');
    expect(room.events('order.terms_followed')).toEqual([]);
  });
});
