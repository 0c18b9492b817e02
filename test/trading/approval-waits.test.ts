/** What waits for the owner and is not approved: a no with its words, taken back, passed over by every comparison, listed. */
import { describe, expect, it } from 'vitest';
import { money, quantity } from '#domain/decimal.ts';
import { accountId, OWNER_CONSOLE } from '#domain/principal.ts';
import { approvalEvents, approveCard, ask, cardNow, queueRoom, rejectCard } from '../support/approvals.ts';
import {
  commit,
  draft,
  granted,
  minuteTape,
  now,
  PAPER,
  place,
  reduce,
  refusal,
} from '../support/trading-room.ts';

describe('a rejection', () => {
  it('refuses the order with the owner’s words, which the agent reads', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order, card } = await ask(room, claude);
    const rejected = granted(rejectCard(room, card, 'too \u202elarge\u0007 for a Friday'));
    expect(rejected).toMatchObject({ status: 'refused', reason: 'approval_rejected' });
    const { timeline } = granted(await room.trading.order(claude, order.orderId));
    expect(timeline.at(-1)).toMatchObject({
      status: 'refused',
      detail: 'rejected by the owner: too large for a Friday',
    });
    expect(cardNow(room, card)).toMatchObject({ decision: 'rejected', reason: 'too large for a Friday' });
    expect(broker.sent.place).toEqual([]);
    const { used } = granted(await room.trading.mandate(claude));
    expect(used).toMatchObject([{ openOrders: 0, dailyOrders: 0, dailyValue: money('0') }]);
    expect(approvalEvents(room)).toEqual(['approval.requested', 'approval.rejected']);
  });

  it('is what the same key is answered with from then on', async () => {
    const { room, broker, claude } = await queueRoom();
    const key = commit();
    const order = draft({ side: 'buy', limit: '99' });
    const asked = granted(await room.trading.placeOrder(claude, order, key));
    if (asked.dryRun) throw new Error('previewed');
    const card = room.trading.owner.approvals.ofOrder(asked.order.orderId);
    if (card === undefined) throw new Error('no card');
    granted(rejectCard(room, card, 'no'));
    expect(refusal(await room.trading.placeOrder(claude, order, key))).toMatchObject({
      reason: 'approval_rejected',
      detail: 'The order waited for the owner and was not sent: rejected by the owner: no',
      order_id: asked.order.orderId,
      retry_safe: true,
    });
    expect(broker.sent.place).toEqual([]);
  });

  it('says why, or is none', async () => {
    const { room, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    expect(refusal(rejectCard(room, card, ' \u200b ')).reason).toBe('invalid_input');
    expect(cardNow(room, card).decision).toBeNull();
  });
});

describe('an order that waits', () => {
  it('is taken back by its agent without a word to the broker', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order, card } = await ask(room, claude);
    const canceled = granted(await room.trading.cancelOrder(claude, order.orderId, reduce()));
    expect(canceled.order.status).toBe('canceled');
    expect(cardNow(room, card).decision).toBe('withdrawn');
    expect(refusal(await approveCard(room, card)).reason).toBe('order_final');
    expect(broker.sent).toEqual({ place: [], replace: [], cancel: [] });
  });

  it('is taken back with all others, by the agent and by the owner', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order } = await ask(room, claude);
    expect(granted(await room.trading.cancelAllOrders(claude, {}, reduce()))).toMatchObject({
      canceled: [order.orderId],
      pending: [],
      failed: [],
    });
    const { order: second, card } = await ask(room, claude);
    expect(granted(await room.trading.owner.cancel(second.orderId)).status).toBe('canceled');
    expect(cardNow(room, card)).toMatchObject({ decision: 'withdrawn', decidedDoor: 'console' });
    expect(broker.sent.cancel).toEqual([]);
  });

  it('is taken back when the mandate of its agent ends by itself', async () => {
    const { room, broker, claude } = await queueRoom({ expires_at: '2026-01-05T12:05:00Z' });
    const { card } = await ask(room, claude);
    await room.clock.advanceAsync(5 * 60_000 + 2_000);
    expect(cardNow(room, card)).toMatchObject({ decision: 'withdrawn', order: { status: 'canceled' } });
    expect(broker.sent).toEqual({ place: [], replace: [], cancel: [] });
  });

  it('is taken back when its agent has lost what it may lose today', async () => {
    const falling = minuteTape(
      Array.from({ length: 300 }, (_, minute) => {
        const at = minute < 5 ? '100' : '97';
        return [at, at, at, at] as const;
      }),
    );
    const { room, broker, claude } = await queueRoom(
      { max_daily_loss: '5', approval: 'never' },
      { csv: falling },
    );
    const { brokerClientId } = await place(room, claude, draft({ side: 'buy', qty: '2', limit: '100.5' }));
    broker.fill(brokerClientId, '2', '100.01');
    room.agent('claude', { max_daily_loss: '5', approval: 'always' });
    const { card } = await ask(room, claude, { qty: '1' });
    await room.play(25);
    expect(cardNow(room, card)).toMatchObject({ decision: 'withdrawn', order: { status: 'canceled' } });
    expect(refusal(await approveCard(room, card)).reason).toBe('order_final');
    expect(broker.sent).toEqual({ place: [brokerClientId], replace: [], cancel: [] });
  });

  it('goes with its account', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order } = await ask(room, claude);
    expect(room.trading.owner.approvals.withdrawIn(accountId('second'), OWNER_CONSOLE)).toEqual([]);
    expect(room.trading.owner.approvals.withdrawIn(PAPER, OWNER_CONSOLE)).toEqual([order.orderId]);
    expect((await now(room, claude, order)).status).toBe('canceled');
    expect(broker.sent.cancel).toEqual([]);
  });

  it('can not be changed', async () => {
    const { room, claude } = await queueRoom();
    const { order } = await ask(room, claude);
    const change = { orderId: order.orderId, qty: quantity('1') };
    const refused = refusal(
      await room.trading.modifyOrder(claude, change, { ...commit(), tool: 'modify_order' }),
    );
    expect(refused).toMatchObject({ reason: 'approval_required', order_id: order.orderId });
    expect((await now(room, claude, order)).status).toBe('pending_approval');
  });

  it('is passed over by every comparison with the broker, which has never heard of it', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order } = await ask(room, claude);
    await room.clock.advanceAsync(180_000);
    expect((await now(room, claude, order)).status).toBe('pending_approval');
    broker.stay(false);
    broker.stay(true);
    await room.clock.advanceAsync(60_000);
    expect((await now(room, claude, order)).status).toBe('pending_approval');
  });

  it('is listed by what expires first, and afterwards by what was decided last', async () => {
    const { room, claude } = await queueRoom();
    const cards: string[] = [];
    for (let n = 0; n < 4; n++) {
      cards.push((await ask(room, claude)).card.id);
      await room.clock.advanceAsync(1_000);
    }
    const { approvals } = room.trading.owner;
    expect(approvals.waiting().map(({ id }) => id)).toEqual(cards);
    expect(room.trading.owner.waiting().items.slice(0, 2)).toMatchObject([
      { kind: 'approval', approvalId: cards[0], agentName: 'claude', symbol: 'SPX' },
      { kind: 'approval', approvalId: cards[1] },
    ]);
    for (const id of [2, 0, 3, 1].map((at) => cards[at] ?? '')) granted(rejectCard(room, { id }));
    const first = approvals.decided({ limit: 3 });
    expect(first.items.map(({ id }) => cards.indexOf(id))).toEqual([1, 3, 0]);
    const second = approvals.decided({ limit: 3, before: first.nextBeforeSeq ?? 0 });
    expect(second.items.map(({ id }) => cards.indexOf(id))).toEqual([2]);
    expect(second.nextBeforeSeq).toBeNull();
  });

  it('leaves the owner’s own orders alone: the owner asks nobody', async () => {
    const { room } = await queueRoom();
    const placed = await room.trading.owner.placeOrder(draft({ side: 'buy', limit: '99' }), 'form');
    expect(granted(placed).status).toBe('open');
    expect(room.trading.owner.approvals.count()).toBe(0);
  });
});

describe('what passes at the tap', () => {
  it('an order of somebody else that it could trade with leaves it waiting', async () => {
    const { room, claude } = await queueRoom();
    const { order, card } = await ask(room, claude, { qty: '20', limit: '101' });
    const other = room.agent('other');
    const sells = await place(room, other, draft({ side: 'sell', qty: '1', limit: '101' }));
    expect(refusal(await approveCard(room, card)).reason).toBe('self_match');
    expect((await now(room, claude, order)).status).toBe('pending_approval');
    granted(await room.trading.cancelOrder(other, sells.orderId, reduce()));
    granted(await approveCard(room, cardNow(room, card)));
    expect((await now(room, claude, order)).status).toBe('open');
  });

  it('so does a twin of which nobody knows whether the broker has it', async () => {
    const { room, broker, claude } = await queueRoom();
    const [one, two] = [await ask(room, claude), await ask(room, claude)];
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    broker.silent = true;
    broker.deaf = true;
    granted(await approveCard(room, one.card));
    expect(refusal(await approveCard(room, two.card)).reason).toBe('duplicate_order');
    expect((await now(room, claude, two.order)).status).toBe('pending_approval');
  });
});
