/** What became of a change: the broker's word on it stands beside the order, for the call and for each repeat of it. */
import { expect, it } from 'vitest';
import { price, quantity } from '#domain/decimal.ts';
import { BROKER_CALL_TIMEOUT_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import { scriptedBroker, type Treatment } from '../support/scripted-broker.ts';
import { commit, draft, granted, now, place, tradingRoom } from '../support/trading-room.ts';

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
