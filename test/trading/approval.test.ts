/** The owner's word: what waits is reserved and not sent, and a decision sends exactly what was shown, once. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity } from '#domain/decimal.ts';
import { APPROVALS_PER_AGENT_MAX } from '#limits.ts';
import { approvalEvents, approveCard, ask, cardNow, queueRoom, rejectCard } from '../support/approvals.ts';
import { commit, draft, granted, place, refusal } from '../support/trading-room.ts';

describe('an order that needs the owner', () => {
  it('is answered as one that waits: reserved, its key bound, nothing sent', async () => {
    const { room, broker, claude } = await queueRoom({ max_open_orders: 1 });
    const key = commit();
    const order = draft({ side: 'buy', qty: '2', limit: '99', clientOrderId: 'mine' });
    const placed = granted(await room.trading.placeOrder(claude, order, key));
    if (placed.dryRun) throw new Error('previewed');
    expect(placed.order).toMatchObject({ status: 'pending_approval', reason: null, brokerOrderId: null });
    expect(broker.sent.place).toEqual([]);
    // The same key is the same order, and another order meets what this one holds of the mandate.
    const again = granted(await room.trading.placeOrder(claude, order, key));
    expect(again).toMatchObject({ order: { orderId: placed.order.orderId } });
    const other = await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), commit());
    expect(refusal(other).reason).toBe('max_open_orders');
    expect(room.trading.owner.approvals.count()).toBe(1);
    expect(approvalEvents(room)).toEqual(['approval.requested']);
  });

  it('is never queued when a control refuses it: the owner sees no order that can not be sent', async () => {
    const { room, claude } = await queueRoom({ max_order_qty: '1' });
    const refused = refusal(
      await room.trading.placeOrder(claude, draft({ side: 'buy', qty: '2', limit: '99' }), commit()),
    );
    expect(refused.reason).toBe('max_order_qty');
    expect(room.trading.owner.approvals.waiting()).toEqual([]);
  });

  it('is previewed as one that needs the owner, and no preview waits', async () => {
    const { room, claude } = await queueRoom();
    const seen = granted(
      await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), {
        kind: 'preview',
        tool: 'place_order',
        digest: 'd',
      }),
    );
    expect(seen).toMatchObject({ dryRun: true, preview: { needsApproval: true } });
    expect(room.trading.owner.approvals.count()).toBe(0);
  });

  it('spends its token: another order under it is refused', async () => {
    const { room, claude } = await queueRoom({ commit: 'two_step' });
    const order = draft({ side: 'buy', limit: '99' });
    const asked = { tool: 'place_order', digest: 'the same' };
    const seen = granted(await room.trading.placeOrder(claude, order, { kind: 'preview', ...asked }));
    if (!seen.dryRun) throw new Error('placed');
    const token = seen.actionToken;
    granted(
      await room.trading.placeOrder(claude, order, { ...asked, kind: 'commit', token, idempotencyKey: 'a' }),
    );
    const again = { ...asked, kind: 'commit', token, idempotencyKey: 'b' } as const;
    expect(refusal(await room.trading.placeOrder(claude, order, again)).reason).toBe('token_invalid');
    expect(room.trading.owner.approvals.count()).toBe(1);
  });

  it('shows figures that are computed here, and the agent’s words as its own', async () => {
    const { room, claude } = await queueRoom({ max_daily_value: '1000' });
    const { card } = await ask(room, claude, { note: 'trust me\u202e\u001b[31m, \u200bapproved' });
    expect(card).toMatchObject({
      agentName: 'claude',
      door: 'http',
      note: 'trust me, approved',
      instrumentName: 'S&P 500 Index',
      decision: null,
      wouldRefuse: null,
      order: { qty: quantity('2'), side: 'buy', status: 'pending_approval' },
      collar: { percent: '5', distancePercent: '1.00', low: price('95'), high: price('105') },
      positionNow: quantity('0'),
      positionAfter: quantity('2'),
      account: { id: 'paper', mode: 'paper' },
    });
    expect(card.value.toFixed()).toBe('198');
    expect(card.limits.find(({ limit }) => limit === 'max_daily_value')).toMatchObject({
      used: '0',
      max: '1000',
    });
    expect(card.expiresAtMs - card.requestedAtMs).toBe(900_000);
    // The words are nowhere on the record: they are the owner's to read, on the card alone.
    expect(JSON.stringify(room.events())).not.toContain('trust me');
  });

  it('is one of ten at most; the eleventh is refused and stored as refused', async () => {
    const { room, claude } = await queueRoom();
    for (let n = 0; n < APPROVALS_PER_AGENT_MAX; n++) await ask(room, claude);
    const refused = refusal(
      await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), commit()),
    );
    expect(refused).toMatchObject({ reason: 'max_pending_approvals', limits: [{ used: '10', max: '10' }] });
    // Another agent's queue is its own.
    await ask(room, room.agent('cursor', { approval: 'always' }));
    const first = room.trading.owner.approvals.waiting().find(({ agentName }) => agentName === 'claude');
    if (first === undefined) throw new Error('none of its waits');
    granted(rejectCard(room, first));
    await ask(room, claude);
    expect(room.trading.owner.approvals.count()).toBe(APPROVALS_PER_AGENT_MAX + 1);
  });

  it('does not stand before what reduces', async () => {
    const { room, broker, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    const sent = granted(await approveCard(room, card));
    if (sent.kind !== 'sent') throw new Error(sent.kind);
    broker.fill(sent.order.brokerClientId, '2', '99');
    expect((await place(room, claude, draft({ side: 'sell', qty: '1', limit: '101' }))).status).toBe('open');
    expect(room.trading.owner.approvals.count()).toBe(0);
  });
});

describe('an approval', () => {
  it('sends what was shown, counts it then, and lets go of nothing that it held', async () => {
    const { room, broker, claude } = await queueRoom({ max_daily_orders: 1 });
    const { order, card } = await ask(room, claude);
    const sent = granted(await approveCard(room, card));
    expect(sent).toMatchObject({ kind: 'sent', order: { orderId: order.orderId, status: 'open' } });
    expect(broker.sent.place).toEqual([order.brokerClientId]);
    expect(broker.order(order.brokerClientId)).toMatchObject({ qty: quantity('2'), limitPrice: price('99') });
    expect(cardNow(room, card)).toMatchObject({ decision: 'approved', decidedDoor: 'console', edited: null });
    const next = await room.trading.placeOrder(claude, draft({ side: 'buy', limit: '99' }), commit());
    expect(refusal(next).reason).toBe('max_daily_orders');
    expect(approvalEvents(room)).toEqual(['approval.requested', 'approval.approved']);
    const { timeline } = granted(await room.trading.order(claude, order.orderId));
    expect(timeline.map(({ status }) => status)).toEqual([
      'received',
      'pending_approval',
      'submitting',
      'open',
    ]);
  });

  it('brings the legs of a bracket into being, and not before', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order, card } = await ask(room, claude, { takeProfit: '110', stopLoss: '90' });
    const legs = () => granted(room.trading.owner.order(order.orderId)).legs;
    expect(legs()).toEqual([]);
    granted(await approveCard(room, card));
    expect(legs().map(({ role, status, qty }) => [role, status, qty.toFixed()])).toEqual([
      ['take_profit', 'open', '2'],
      ['stop_loss', 'open', '2'],
    ]);
    expect(broker.everyOrder()).toHaveLength(3);
  });

  it('takes less, at a better price, and says so', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order, card } = await ask(room, claude, { qty: '5', limit: '99' });
    granted(await approveCard(room, card, { qty: quantity('3'), limitPrice: price('98.5') }));
    expect(broker.order(order.brokerClientId)).toMatchObject({
      qty: quantity('3'),
      limitPrice: price('98.5'),
    });
    const seen = granted(await room.trading.order(claude, order.orderId));
    expect(seen.order.qty.toFixed()).toBe('3');
    expect(seen.timeline.map(({ detail }) => detail)).toContain(
      'approved by the owner, cut down from 5 at 99 to 3 at 98.5; cleared by every control',
    );
    expect(cardNow(room, card).edited).toEqual({
      asked: { qty: quantity('5'), limitPrice: price('99') },
      approved: { qty: quantity('3'), limitPrice: price('98.5') },
    });
    // What it holds of the mandate is what is left of it.
    const { used } = granted(await room.trading.mandate(claude));
    expect(used[0]?.dailyValue.lte(money('310'))).toBe(true);
  });

  it.each([
    ['a larger quantity', { side: 'buy' }, { qty: quantity('3') }],
    ['a higher price for a buy', { side: 'buy' }, { limitPrice: price('99.01') }],
    ['a lower price for a sell', { side: 'sell', limit: '101' }, { limitPrice: price('100.99') }],
  ] as const)('refuses to loosen: %s, and the order waits on', async (_what, fields, edit) => {
    const { room, broker, claude } = await queueRoom();
    const { card } = await ask(room, claude, fields);
    expect(refusal(await approveCard(room, card, edit)).reason).toBe('loosening_refused');
    expect(cardNow(room, card).decision).toBeNull();
    expect(broker.sent.place).toEqual([]);
  });

  it.each([
    ['off the lot', { qty: quantity('0.0000001') }, 'off_lot'],
    ['nothing', { qty: quantity('0') }, 'off_lot'],
    ['off the tick', { limitPrice: price('98.001') }, 'off_tick'],
    ['out of the collar', { limitPrice: price('90') }, 'price_collar'],
  ] as const)('lets the owner correct a cut that does not fit: %s', async (_what, edit, reason) => {
    const { room, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    expect(refusal(await approveCard(room, card, edit)).reason).toBe(reason);
    expect(cardNow(room, card).decision).toBeNull();
    granted(await approveCard(room, card));
  });

  it('has no limit price to cut where there is none', async () => {
    const { room, claude } = await queueRoom();
    const order = await place(room, claude, draft({ side: 'buy', qty: '1' }));
    const card = room.trading.owner.approvals.ofOrder(order.orderId);
    if (card === undefined) throw new Error('no card');
    const refused = refusal(await approveCard(room, card, { limitPrice: price('99') }));
    expect(refused).toMatchObject({ reason: 'invalid_input', errors: [{ field: 'limit_price' }] });
  });

  it('is good once, and says who decided before', async () => {
    const { room, broker, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    granted(await approveCard(room, card));
    const again = refusal(await approveCard(room, card));
    expect(again).toMatchObject({ reason: 'order_final', order_id: card.order.orderId });
    expect(again.detail).toContain('approved already');
    expect(refusal(rejectCard(room, card)).reason).toBe('order_final');
    expect(broker.sent.place).toHaveLength(1);
  });

  it('is of the exact card: another digest decides nothing and is shown the card', async () => {
    const { room, broker, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    const shown = granted(await approveCard(room, { ...card, digest: 'of another card' }));
    expect(shown).toMatchObject({ kind: 'price_moved', card: { id: card.id, digest: card.digest } });
    expect(broker.sent.place).toEqual([]);
    granted(await approveCard(room, card));
  });

  it('is of one that is there', async () => {
    const { room } = await queueRoom();
    expect(refusal(await approveCard(room, { id: 'apr_none', digest: '' })).reason).toBe('not_found');
    expect(refusal(rejectCard(room, { id: 'apr_none' })).reason).toBe('not_found');
    expect(refusal(room.trading.owner.approvals.card('apr_none')).reason).toBe('not_found');
  });
});
