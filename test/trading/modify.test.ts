/** Changing a working order: the same controls as for a new one, fewer for a cut, and nothing in between is lost. */
import { describe, expect, it } from 'vitest';
import { price, quantity, ratio, text } from '#domain/decimal.ts';
import type { Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS, QUOTE_AGE_MAX_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import type { OrderChange, TradeCommit } from '#trading/desk.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  own,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}
async function scene(rules: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 400), adapter: () => broker });
  return { room, broker, claude: room.agent('claude', rules) };
}
/** Ten at 1440, resting. */
const resting = (
  { room, claude }: Scene,
  more: Partial<Parameters<typeof draft>[0]> = {},
): Promise<OrderRecord> => place(room, claude, draft({ side: 'buy', qty: '10', limit: '1440', ...more }));

type Words = {
  readonly qty?: string;
  readonly limit?: string;
  readonly stop?: string;
  readonly trail?: string;
};
const change = (order: OrderRecord, words: Words): OrderChange => ({
  orderId: order.orderId,
  ...(words.qty ? { qty: quantity(words.qty) } : {}),
  ...(words.limit ? { limitPrice: price(words.limit) } : {}),
  ...(words.stop ? { stopPrice: price(words.stop) } : {}),
  ...(words.trail ? { trail: { kind: 'price' as const, distance: price(words.trail) } } : {}),
});
const modify = (it: Scene, order: OrderRecord, words: Words, how: TradeCommit = commit()) =>
  it.room.trading.modifyOrder(it.claude, change(order, words), how);
async function ask(it: Scene, order: OrderRecord, words: Words): Promise<string> {
  const answer = await modify(it, order, words);
  return answer.ok ? 'granted' : answer.error.reason;
}
const shown = (order: OrderRecord): string =>
  `${order.status} ${text(order.qty)}@${order.limitPrice ? text(order.limitPrice) : '-'} filled ${text(order.filledQty)}`;
async function stands(it: Scene, order: OrderRecord): Promise<string> {
  return shown(await now(it.room, it.claude, order));
}

describe('a change', () => {
  it.each([
    [{ limit: '1445' }, 'open 10@1445 filled 0'],
    [{ qty: '12' }, 'open 12@1440 filled 0'],
    [{ qty: '4' }, 'open 4@1440 filled 0'],
    [{ qty: '12', limit: '1445' }, 'open 12@1445 filled 0'],
  ])('of %o keeps the order’s identity', async (words, expected) => {
    const it = await scene();
    const order = await resting(it);
    const answer = granted(await modify(it, order, words));
    if (answer.dryRun) throw new Error('previewed');
    expect(answer.order.orderId).toBe(order.orderId);
    expect(await stands(it, order)).toBe(expected);
    expect(it.broker.sent.replace).toEqual([order.brokerClientId]);
    expect(it.broker.sent.place).toHaveLength(1);
    const seen = it.broker.order(order.brokerClientId);
    expect(seen && text(seen.qty)).toBe(answer.order.qty.toFixed());
    const { timeline } = granted(await it.room.trading.order(it.claude, order.orderId));
    expect(timeline.map((entry) => entry.status)).toEqual([
      'received',
      'submitting',
      'open',
      'pending_replace',
      'open',
    ]);
  });

  it('of a stop and of a trail', async () => {
    const it = await scene();
    const stop = await place(it.room, it.claude, draft({ side: 'buy', qty: '10', stop: '1460' }));
    expect(await ask(it, stop, { stop: '1465' })).toBe('granted');
    expect((await now(it.room, it.claude, stop)).stopPrice?.toFixed()).toBe('1465');
    const trailing = await place(it.room, it.claude, {
      ...draft({ side: 'buy', trailPrice: '10' }),
      type: 'trailing_stop',
    });
    expect(await ask(it, trailing, { trail: '20' })).toBe('granted');
    const { trail } = await now(it.room, it.claude, trailing);
    expect(trail?.kind === 'price' && text(trail.distance)).toBe('20');
    const byPercent = granted(
      await it.room.trading.modifyOrder(
        it.claude,
        { orderId: trailing.orderId, trail: { kind: 'percent', percent: ratio('2') } },
        commit(),
      ),
    );
    expect(byPercent.dryRun === false && byPercent.order.trail).toMatchObject({ kind: 'percent' });
  });

  it.each([
    ['a limit of an order that has none', { stop: '1460' }, { limit: '1450' }, 'limit_price'],
    ['a stop of an order that has none', { limit: '1440' }, { stop: '1450' }, 'stop_price'],
    ['a trail of an order that does not trail', { limit: '1440' }, { trail: '5' }, 'trail_price'],
  ] as const)('is refused: %s', async (_what, made, words, field) => {
    const it = await scene();
    const order = await place(it.room, it.claude, draft({ side: 'buy', ...made }));
    const refused = refusal(await modify(it, order, words));
    expect(refused.reason).toBe('invalid_input');
    expect(refused.errors?.map((error) => error.field)).toEqual([field]);
    expect(it.broker.sent.replace).toEqual([]);
  });

  it.each([
    ['below what has filled', '3', 'invalid_input'],
    ['to what has filled', '4', 'invalid_input'],
    ['to a lot more than has filled', '5', 'granted'],
  ])('of quantity %s', async (_what, qty, expected) => {
    const it = await scene();
    const order = await resting(it);
    it.broker.fill(order.brokerClientId, '4', '1440');
    expect(await ask(it, order, { qty })).toBe(expected);
    expect(await stands(it, order)).toBe(
      expected === 'granted' ? 'partially_filled 5@1440 filled 4' : 'partially_filled 10@1440 filled 4',
    );
  });

  it.each(['filled', 'canceled', 'rejected'] as const)(
    'of an order that is %s is refused as final',
    async (status) => {
      const it = await scene();
      if (status === 'rejected') it.broker.next.place.push({ effect: 'reject', answer: 'truth' });
      const order = await resting(it);
      if (status === 'filled') it.broker.fill(order.brokerClientId, '10', '1440');
      if (status === 'canceled')
        granted(
          await it.room.trading.cancelOrder(it.claude, order.orderId, {
            tool: 'cancel_order',
            digest: 'd',
            dryRun: false,
          }),
        );
      const refused = refusal(await modify(it, order, { limit: '1441' }));
      expect(refused).toMatchObject({ reason: 'order_final', order_id: order.orderId });
      expect(it.broker.sent.replace).toEqual([]);
    },
  );

  it('is refused while another one is under way, and while the outcome of the order is unknown', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    void modify(it, order, { limit: '1441' });
    await it.room.clock.advanceAsync(0);
    expect(await ask(it, order, { limit: '1442' })).toBe('reconciling');
    it.broker.deaf = true;
    it.broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    const unclear = await resting(it);
    expect(await ask(it, unclear, { qty: '1' })).toBe('reconciling');
    expect(it.broker.sent.replace).toHaveLength(1);
  });

  it('of two at once sends one', async () => {
    const it = await scene();
    const order = await resting(it);
    const both = await Promise.all([ask(it, order, { limit: '1441' }), ask(it, order, { limit: '1442' })]);
    expect(both.sort()).toEqual(['granted', 'reconciling']);
    expect(it.broker.sent.replace).toHaveLength(1);
  });
});

describe('the controls of a change', () => {
  it.each([
    ['off the tick', {}, { limit: '1440.005' }, 'off_tick'],
    ['off the lot', {}, { qty: '10.5' }, 'off_lot'],
    ['outside the collar', {}, { limit: '1300' }, 'price_collar'],
    ['over the quantity of an order', { max_order_qty: '10' }, { qty: '11' }, 'max_order_qty'],
    ['over the value of an order', { max_order_value: '14572.6' }, { qty: '11' }, 'max_order_value'],
    ['over the value of a day', { max_daily_value: '14572.6' }, { qty: '11' }, 'max_daily_value'],
    ['over the exposure', { max_gross_exposure: '14572.6' }, { qty: '11' }, 'max_gross_exposure'],
  ])('%s', async (_what, rules, words, reason) => {
    // Ten at the touch of 1450.01 and half a percent are worth 14572.6005.
    const it = await scene({
      ...rules,
      ...('max_order_qty' in rules
        ? {}
        : Object.fromEntries(Object.keys(rules).map((key) => [key, '14572.61']))),
    });
    const order = await resting(it);
    expect(await ask(it, order, words)).toBe(reason);
    expect(it.broker.sent.replace).toEqual([]);
    expect(await stands(it, order)).toBe('open 10@1440 filled 0');
  });

  it('do not count the order against itself', async () => {
    const it = await scene({
      max_daily_value: '14572.61',
      max_gross_exposure: '14572.61',
      max_open_orders: 1,
      max_daily_orders: 1,
    });
    const order = await resting(it);
    for (const limit of ['1441', '1442', '1443']) expect(await ask(it, order, { limit })).toBe('granted');
    expect(await stands(it, order)).toBe('open 10@1443 filled 0');
  });

  it('ask for a fresh price, but not for a cut', async () => {
    const it = await scene();
    const order = await resting(it);
    it.room.feed.stop();
    await it.room.clock.advanceAsync(QUOTE_AGE_MAX_MS + 1_000);
    expect(await ask(it, order, { limit: '1441' })).toBe('stale_price');
    expect(await ask(it, order, { qty: '9' })).toBe('granted');
  });

  it('let no entry move past the legs of its bracket', async () => {
    const it = await scene();
    const order = await resting(it, { takeProfit: '1450', stopLoss: '1430' });
    expect(await ask(it, order, { limit: '1450' })).toBe('invalid_input');
    expect(await ask(it, order, { limit: '1430' })).toBe('invalid_input');
    expect(await ask(it, order, { limit: '1449.99' })).toBe('granted');
    expect(await ask(it, order, { limit: '1430.01' })).toBe('granted');
  });

  it('let a quantity grow whose stop has been moved past the entry', async () => {
    const it = await scene();
    const order = await resting(it, { stopLoss: '1430' });
    it.broker.fill(order.brokerClientId, '4', '1440');
    const { items } = granted(await it.room.trading.orders(it.claude, { status: 'open', limit: 9 }));
    const stop = items.find((leg) => leg.role === 'stop_loss');
    if (stop === undefined) throw new Error('no leg');
    expect(await ask(it, stop, { stop: '1445' })).toBe('granted');
    expect(await ask(it, order, { qty: '12' })).toBe('granted');
    expect(await ask(it, order, { limit: '1441' })).toBe('invalid_input');
  });

  it('sell nothing twice that a long-only agent has by now', async () => {
    const it = await scene();
    const short = { side: 'sell', qty: '6', limit: '1500' } as const;
    const first = await place(it.room, it.claude, draft(short));
    const second = await place(it.room, it.claude, draft(short));
    const bought = await place(it.room, it.claude, draft({ side: 'buy', qty: '10' }));
    it.broker.fill(bought.brokerClientId, '10', '1450');
    // Each alone has what it sells, and both together do not.
    it.broker.next.cancel.push({ effect: 'accept', answer: 'never' });
    it.broker.silent = true;
    it.room.agent('claude', { allow_short: false });
    await it.room.clock.advanceAsync(0);
    expect((await now(it.room, it.claude, second)).status).toBe('pending_cancel');
    expect(await ask(it, first, { limit: '1490' })).toBe('short_not_allowed');
    expect(await ask(it, first, { qty: '4', limit: '1490' })).toBe('granted');
  });

  it('let a leg move where its owner wants it', async () => {
    const it = await scene({ max_order_qty: '10', max_order_value: '15000' });
    const order = await resting(it, { takeProfit: '1500', stopLoss: '1400' });
    it.broker.fill(order.brokerClientId, '10', '1440');
    it.room.agent('claude', { max_order_qty: '0', max_order_value: '0', approval: 'always' });
    const { items } = granted(await it.room.trading.orders(it.claude, { status: 'open', limit: 9 }));
    const stop = items.find((leg) => leg.role === 'stop_loss');
    const target = items.find((leg) => leg.role === 'take_profit');
    if (stop === undefined || target === undefined) throw new Error('no legs');
    expect(await ask(it, stop, { stop: '1445' })).toBe('granted');
    expect(await ask(it, target, { limit: '1900' })).toBe('granted');
    expect(await ask(it, target, { qty: '11' })).toBe('not_reducing');
    expect(await ask(it, target, { qty: '5' })).toBe('granted');
  });

  it('need an approval where the mandate asks for one', async () => {
    const it = await scene();
    const order = await resting(it);
    it.room.agent('claude', { approval: { above: '14572.61' } });
    expect(await ask(it, order, { qty: '11' })).toBe('approval_required');
    expect(await ask(it, order, { limit: '1441' })).toBe('granted');
    it.room.agent('claude', { approval: 'always' });
    expect(await ask(it, order, { limit: '1442' })).toBe('approval_required');
    expect(await ask(it, order, { qty: '9' })).toBe('granted');
  });
});

describe('a change under a two_step mandate', () => {
  const tool = 'modify_order';
  it('wants the token of its preview, spent once; a cut wants none', async () => {
    const it = await scene({ commit: 'one_step' });
    const order = await resting(it);
    it.room.agent('claude', { commit: 'two_step' });
    expect(await ask(it, order, { limit: '1441' })).toBe('token_required');
    const seen = granted(await modify(it, order, { limit: '1441' }, { kind: 'preview', tool, digest: 'd' }));
    if (!seen.dryRun) throw new Error('it was changed');
    expect(await stands(it, order)).toBe('open 10@1440 filled 0');
    const how = (idempotencyKey: string): TradeCommit => ({
      kind: 'commit',
      tool,
      digest: 'd',
      idempotencyKey,
      token: seen.actionToken,
    });
    granted(await modify(it, order, { limit: '1441' }, how('a')));
    expect(refusal(await modify(it, order, { limit: '1441' }, how('b'))).reason).toBe('token_invalid');
    expect(await ask(it, order, { qty: '9' })).toBe('granted');
    expect(it.broker.sent.replace).toHaveLength(2);
  });

  it('is previewed by what is left to be filled', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.fill(order.brokerClientId, '4', '1440');
    const seen = granted(
      await modify(it, order, { qty: '12', limit: '1445' }, { kind: 'preview', tool, digest: 'd' }),
    );
    if (!seen.dryRun) throw new Error('it was changed');
    expect(text(seen.preview.positionAfter)).toBe('12');
    expect(text(seen.preview.value)).toBe('11560');
    // What the order holds comes free: 6 × 1450.01 × 1.005.
    expect(text(seen.preview.buyingPowerAfter)).toBe('99997183.5603');
  });

  it('that is refused is the outcome of its key, and spends its token', async () => {
    const it = await scene();
    const order = await resting(it);
    it.room.agent('claude', { commit: 'two_step' });
    const seen = granted(await modify(it, order, { qty: '12' }, { kind: 'preview', tool, digest: 'd' }));
    if (!seen.dryRun) throw new Error('it was changed');
    it.room.agent('claude', { commit: 'two_step', max_order_qty: '10' });
    const how = (idempotencyKey: string): TradeCommit => ({
      kind: 'commit',
      tool,
      digest: 'd',
      idempotencyKey,
      token: seen.actionToken,
    });
    const first = refusal(await modify(it, order, { qty: '12' }, how('same')));
    expect(first.reason).toBe('max_order_qty');
    it.room.agent('claude', { commit: 'two_step' });
    expect(refusal(await modify(it, order, { qty: '12' }, how('same')))).toEqual(first);
    expect(refusal(await modify(it, order, { qty: '12' }, how('new'))).reason).toBe('token_invalid');
    expect(it.broker.sent.replace).toEqual([]);
  });

  it('that was made is answered again with its order, and not sent again', async () => {
    const it = await scene();
    const order = await resting(it);
    const how = commit('same', 'd');
    granted(await modify(it, order, { limit: '1441' }, how));
    granted(await modify(it, order, { limit: '1441' }, how));
    expect(it.broker.sent.replace).toHaveLength(1);
    expect(refusal(await modify(it, order, { limit: '1442' }, commit('same', 'other'))).reason).toBe(
      'idempotency_conflict',
    );
  });
});

describe('a change whose answer', () => {
  it('is a rejection leaves the order as it was, and says why', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'reject', answer: 'truth' });
    granted(await modify(it, order, { qty: '12' }));
    expect(await stands(it, order)).toBe('open 10@1440 filled 0');
    const { timeline } = granted(await it.room.trading.order(it.claude, order.orderId));
    expect(timeline.at(-1)?.detail).toContain('not today');
  });

  it.each([
    ['took effect', 'accept', 'open 12@1440 filled 0'],
    ['did not', 'lose', 'open 10@1440 filled 0'],
  ] as const)('is lost is settled by what the broker shows: it %s', async (_what, effect, expected) => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect, answer: 'unknown' });
    granted(await modify(it, order, { qty: '12' }));
    expect(await stands(it, order)).toBe('pending_replace 10@1440 filled 0');
    await it.room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + RECONCILE_INTERVAL_MS * 2);
    expect(await stands(it, order)).toBe(expected);
    expect(it.broker.sent.replace).toHaveLength(1);
  });

  it('never comes survives a restart', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    void modify(it, order, { qty: '12' });
    await it.room.clock.advanceAsync(1);
    const room = await it.room.restart();
    expect(await stands({ ...it, room }, order)).toBe('open 12@1440 filled 0');
    expect(it.broker.sent.replace).toHaveLength(1);
  });

  it('comes after a cancel was asked for loses neither', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    const changing = modify(it, order, { qty: '12' });
    await it.room.clock.advanceAsync(0);
    granted(
      await it.room.trading.cancelOrder(it.claude, order.orderId, {
        tool: 'cancel_order',
        digest: 'd',
        dryRun: false,
      }),
    );
    it.broker.answerLate(order.brokerClientId, { kind: 'accepted', brokerOrderId: 'b1' });
    await changing;
    expect((await now(it.room, it.claude, order)).status).toBe('canceled');
    const reserved = it.room.store.db.prepare('SELECT value FROM reservations').pluck().get();
    expect(reserved).toBe('0');
  });
});

describe('the kill switch in between', () => {
  it('stops a change that was cleared and had not left', async () => {
    const it = await scene();
    const order = await resting(it);
    const changing = modify(it, order, { qty: '12' });
    const killed = it.room.trading.kill({ cancel: 'none', flatten: false, by: 'cli' });
    const answer = await changing;
    await killed;
    expect(answer.ok ? 'granted' : answer.error.reason).toBe('trading_halted');
    expect(it.broker.sent.replace).toEqual([]);
    const qty = it.room.store.db.prepare('SELECT qty, status, pending_terms FROM orders').get();
    expect(qty).toEqual({ qty: '10', status: 'open', pending_terms: null });
  });

  it('takes an order whose change was under way', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    void modify(it, order, { qty: '12' });
    await it.room.clock.advanceAsync(0);
    const report = await it.room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    expect(report.canceled).toEqual([order.orderId]);
    expect(report.ordersLeft).toEqual([]);
  });
});

describe('fills while a change is under way', () => {
  it('within the old quantity are posted, and the change goes on', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    const changing = modify(it, order, { qty: '12' });
    await it.room.clock.advanceAsync(0);
    it.broker.fill(order.brokerClientId, '3', '1440');
    expect(await stands(it, order)).toBe('pending_replace 10@1440 filled 3');
    it.broker.answerLate(order.brokerClientId, { kind: 'accepted', brokerOrderId: 'b1' });
    await changing;
    expect(await stands(it, order)).toBe('partially_filled 12@1440 filled 3');
    expect(await own(it.room, it.claude)).toBe('3');
  });

  it('beyond a smaller quantity that was asked for fill the order', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'reject', answer: 'never' });
    const changing = modify(it, order, { qty: '5' });
    await it.room.clock.advanceAsync(0);
    it.broker.fill(order.brokerClientId, '10', '1440');
    it.broker.answerLate(order.brokerClientId, { kind: 'rejected', reason: 'filled already' });
    await changing;
    expect(await stands(it, order)).toBe('filled 10@1440 filled 10');
  });

  it('of all of the old quantity do not end an order that was made larger', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'accept', answer: 'never' });
    const changing = modify(it, order, { qty: '12' });
    await it.room.clock.advanceAsync(0);
    it.broker.fill(order.brokerClientId, '10', '1440');
    it.broker.answerLate(order.brokerClientId, { kind: 'accepted', brokerOrderId: 'b1' });
    await changing;
    expect(await stands(it, order)).toBe('partially_filled 12@1440 filled 10');
    it.broker.fill(order.brokerClientId, '2', '1440');
    expect(await stands(it, order)).toBe('filled 12@1440 filled 12');
  });

  it('of all of the old quantity end it when the larger one is rejected', async () => {
    const it = await scene();
    const order = await resting(it);
    it.broker.next.replace.push({ effect: 'reject', answer: 'never' });
    const changing = modify(it, order, { qty: '12' });
    await it.room.clock.advanceAsync(0);
    it.broker.fill(order.brokerClientId, '10', '1440');
    it.broker.answerLate(order.brokerClientId, { kind: 'rejected', reason: 'filled already' });
    await changing;
    expect(await stands(it, order)).toBe('filled 10@1440 filled 10');
    expect(it.room.store.db.prepare('SELECT value FROM reservations').pluck().get()).toBe('0');
  });
});
