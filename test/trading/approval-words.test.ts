/** What is said of an order that waits: why the owner is asked, its place in the day, what its end was, and what a preview of it shows. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { approveCard, ask, cardNow, queueRoom, rejectCard } from '../support/approvals.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  place,
  reduce,
  refusal,
  tradingRoom,
  WIDE_MANDATE,
} from '../support/trading-room.ts';

describe('orders that wait and the orders of the day', () => {
  it.each([
    { asked: 2, next: 'waits' },
    { asked: 3, next: 'refused' },
  ])('of five, two are used: after $asked that wait the next one is $next', async ({ asked, next }) => {
    const { room, broker, claude } = await queueRoom({ max_daily_orders: 5 });
    for (let used = 0; used < 2; used++) {
      const { card } = await ask(room, claude);
      granted(await approveCard(room, card));
    }
    const cards = [];
    for (let waiting = 0; waiting < asked; waiting++) cards.push((await ask(room, claude)).card);
    const answer = await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), commit());
    if (next === 'waits') expect(answer.ok).toBe(true);
    else
      expect(refusal(answer)).toMatchObject({
        reason: 'max_daily_orders',
        limits: [{ used: '5', order: '1', max: '5' }],
      });
    for (const card of cards) granted(await approveCard(room, card));
    expect(broker.sent.place).toHaveLength(2 + asked);
  });

  it('give their place back when they end unsent', async () => {
    const { room, claude } = await queueRoom({ max_daily_orders: 1 });
    const { card } = await ask(room, claude);
    expect(granted(await room.trading.mandate(claude)).used).toMatchObject([{ dailyOrders: 1 }]);
    expect(
      refusal(await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), commit())).reason,
    ).toBe('max_daily_orders');
    granted(rejectCard(room, card));
    expect((await ask(room, claude)).order.status).toBe('pending_approval');
  });
});

describe('why the owner is asked', () => {
  it('is that every order asks, and decided cards keep it', async () => {
    const { room, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    expect(card.whyAsked).toBe('Every adding order of this agent asks.');
    granted(rejectCard(room, card));
    granted(room.access.mandates.set('claude', { ...WIDE_MANDATE, approval: 'never' }, OWNER_CLI));
    expect(cardNow(room, card).whyAsked).toBe('Every adding order of this agent asks.');
    expect(room.events('approval.requested')).toMatchObject([
      { detail: { why_asked: 'Every adding order of this agent asks.' } },
    ]);
  });

  it('is the amount with what it comes to, by side; the preview has it beside every other limit', async () => {
    const { room, claude } = await queueRoom({ approval: { above: '250' } });
    await place(room, claude, draft({ side: 'buy', qty: '2', limit: '102' }));
    const order = draft({ side: 'buy', qty: '1', limit: '102' });
    const { card } = await ask(room, claude, { qty: '1', limit: '102' });
    expect(card.whyAsked).toBe(
      'Asks above 250 USD a day in SPX, buys: 204 so far today without you, this order 102.',
    );
    const seen = granted(
      await room.trading.placeOrder(claude, order, { kind: 'preview', tool: 'place_order', digest: 'd' }),
    );
    if (!seen.dryRun) throw new Error('it was sent');
    const { limits, warnings } = seen.preview;
    expect(limits.map(({ limit }) => limit)).toEqual(
      expect.arrayContaining(['max_order_value', 'max_daily_orders', 'max_daily_loss', 'approval_above']),
    );
    expect(warnings.join(' ')).toContain('Orders to buy SPX above 250 USD in all a day need');
  });
});

describe('the cause that ends an order', () => {
  it('at work is the gateway’s own where it asked for the cancel, whatever the broker calls it', async () => {
    const room = await tradingRoom({ csv: flatTape('100', 600) });
    const claude = room.agent('claude');
    const order = await place(room, claude, draft({ side: 'buy', qty: '2', limit: '99' }));
    granted(room.access.mandates.set('claude', { ...WIDE_MANDATE, max_order_qty: '1' }, OWNER_CLI));
    await room.play(1);
    expect(await now(room, claude, order)).toMatchObject({
      status: 'canceled',
      reason: 'it no longer fits the mandate',
    });
    const { timeline } = granted(await room.trading.order(claude, order.orderId));
    expect(timeline.at(-1)?.detail).toBe('canceled on request');

    const own = await place(room, claude, draft({ side: 'buy', qty: '1', limit: '99' }));
    granted(await room.trading.cancelOrder(claude, own.orderId, reduce()));
    expect((await now(room, claude, own)).reason).toBe('canceled on request');
  });

  it('of one that waits is the true one, and its card says it', async () => {
    const { room, claude } = await queueRoom();
    const { card, order } = await ask(room, claude);
    granted(room.access.mandates.revoke('claude', OWNER_CLI));
    await room.clock.advanceAsync(10);
    expect(cardNow(room, card)).toMatchObject({
      decision: 'withdrawn',
      reason: 'the owner revoked the mandate',
    });
    expect((await now(room, claude, order)).reason).toBe('the owner revoked the mandate');
    const { detail } = refusal(await approveCard(room, card));
    expect(detail).toContain('the owner revoked the mandate');
    expect(detail).not.toContain('taken back');
  });
});
