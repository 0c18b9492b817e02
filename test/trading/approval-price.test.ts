/** What a decision is measured by: the price that was shown, within the collar; and what leaves it waiting. */
import { describe, expect, it } from 'vitest';
import { price } from '#domain/decimal.ts';
import type { Principal } from '#domain/principal.ts';
import type { RefusalReason } from '#domain/refusal.ts';
import type { ApprovalCard } from '#trading/approval-desk.ts';
import {
  approvalEvents,
  approveCard,
  ask,
  cardNow,
  holdBalance,
  type Queue,
  queueRoom,
  rejectCard,
} from '../support/approvals.ts';
import { draft, granted, minuteTape, place, refusal, type TradingRoom } from '../support/trading-room.ts';

/** A market that stands at 100 and, from the fifth minute of its tape (20 s), somewhere else. */
const moving = (to: string): string =>
  minuteTape(Array.from({ length: 300 }, (_, minute) => still(minute < 5 ? '100' : to)));
const still = (at: string) => [at, at, at, at] as const;

const askMarket = async (room: TradingRoom, who: Principal) => ({
  order: await place(room, who, draft({ side: 'buy', qty: '2' })),
});

describe('a price that moved while the owner looked', () => {
  it.each(['95', '105'])('to the edge of the collar (%s) is still what was shown', async (to) => {
    const { room, broker, claude } = await queueRoom({}, { csv: moving(to) });
    const { card } = await ask(room, claude);
    await room.play(25);
    expect(cardNow(room, card).referenceNow?.toFixed()).toBe(to);
    const answer = await approveCard(room, card);
    // The controls of the market judge the order itself, at its own price.
    expect(answer.ok ? answer.value.kind : answer.error.reason).toBe(to === '95' ? 'sent' : 'price_collar');
    expect(broker.sent.place).toHaveLength(to === '95' ? 1 : 0);
  });

  it.each(['94.99', '105.01'])('beyond it (%s) decides nothing, and the card is shown anew', async (to) => {
    const { room, broker, claude } = await queueRoom({}, { csv: moving(to) });
    const { card } = await ask(room, claude, { limit: '100' });
    await room.play(25);
    expect(cardNow(room, card).warnings.join(' ')).toContain('left the band');
    const moved = granted(await approveCard(room, card));
    if (moved.kind !== 'price_moved') throw new Error('it was sent');
    expect(moved.card).toMatchObject({
      id: card.id,
      decision: null,
      referencePrice: price(to),
      referenceNow: price(to),
      requestedAtMs: card.requestedAtMs,
      order: { status: 'pending_approval' },
    });
    expect(moved.card.expiresAtMs).toBe(card.expiresAtMs);
    expect(moved.card.digest).not.toBe(card.digest);
    expect(broker.sent.place).toEqual([]);
    // A window that still shows the old card decides nothing, as often as it is tapped.
    expect(granted(await approveCard(room, card))).toMatchObject({ kind: 'price_moved' });
    expect(approvalEvents(room)).toEqual(['approval.requested', 'approval.renewed']);
    // The new one is judged as any order is now.
    const answer = await approveCard(room, moved.card);
    expect(answer.ok ? answer.value.kind : answer.error.reason).toBe(
      to === '105.01' ? 'sent' : 'price_collar',
    );
  });

  it('within it is what the order is valued and reserved at from then on', async () => {
    const { room, claude } = await queueRoom({}, { csv: moving('104') });
    const { order } = await askMarket(room, claude);
    const reserved = () => room.trading.owner.mandateOf('claude')?.used[0]?.dailyValue.toFixed();
    expect(reserved()).toBe('201.0201');
    await room.play(25);
    const card = room.trading.owner.approvals.ofOrder(order.orderId);
    if (card === undefined) throw new Error('no card');
    expect(card.value.toFixed()).toBe('208.02');
    granted(await approveCard(room, card));
    // The far touch of 104.01 with the allowance for slippage, twice.
    expect(reserved()).toBe('209.0601');
  });

  it('in mid-line is a price that moved', async () => {
    const { room, broker, claude } = await queueRoom({}, { csv: moving('106') });
    const { card } = await ask(room, claude, { limit: '101' });
    await room.play(15);
    const letGo = holdBalance(broker);
    const tap = approveCard(room, card);
    await room.play(8);
    letGo();
    expect(granted(await tap)).toMatchObject({ kind: 'price_moved', card: { referencePrice: price('106') } });
    expect(broker.sent.place).toEqual([]);
  });
});

describe('what only stands in the way for now', () => {
  const stillWaits = async ({ room, broker }: Queue, card: ApprovalCard, reason: RefusalReason) => {
    const refused = refusal(await approveCard(room, card));
    expect(refused).toMatchObject({ reason });
    expect(refused.detail).toContain('still waits');
    expect(cardNow(room, card).decision).toBeNull();
    expect(broker.sent.place).toEqual([]);
  };

  it('leaves it waiting: a broker that is away', async () => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude);
    queue.broker.stay(false);
    expect(cardNow(queue.room, card).wouldRefuse?.reason).toBe('broker_unavailable');
    await stillWaits(queue, card, 'broker_unavailable');
    queue.broker.stay(true);
    await queue.room.clock.advanceAsync(10_000);
    granted(await approveCard(queue.room, card));
  });

  it('leaves it waiting: books that have not been compared with the broker since the start', async () => {
    const { room: before, broker, claude } = await queueRoom();
    const { card } = await ask(before, claude);
    broker.deaf = true;
    const room = await before.restart();
    expect(cardNow(room, card).wouldRefuse?.reason).toBe('reconciling');
    await stillWaits({ room, broker, claude }, card, 'reconciling');
    broker.deaf = false;
    await room.clock.advanceAsync(120_000);
    granted(await approveCard(room, card));
  });

  it('leaves it waiting: a price that has grown old, in mid-line too', async () => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude);
    const letGo = holdBalance(queue.broker);
    const tap = approveCard(queue.room, card);
    queue.room.feed.stop();
    queue.room.clock.setWall(queue.room.clock.wallMs() + 31_000);
    letGo();
    expect(refusal(await tap).reason).toBe('stale_price');
    await stillWaits(queue, card, 'stale_price');
    queue.room.feed.start();
    await queue.room.clock.advanceAsync(2_000);
    granted(await approveCard(queue.room, card));
  });

  it('leaves it waiting: too many orders in a second', async () => {
    const queue = await queueRoom();
    const { room, broker } = queue;
    const free = room.agent('scalper');
    const { card } = await ask(room, queue.claude);
    for (let n = 0; n < 10; n++) await place(room, free, draft({ side: 'buy', limit: '98' }));
    broker.sent.place.length = 0;
    await stillWaits(queue, card, 'throttled');
    await room.clock.advanceAsync(1_100);
    granted(await approveCard(room, card));
  });

  it('leaves it waiting: a disk that can not be written', async () => {
    const queue = await queueRoom();
    const { room } = queue;
    const { card } = await ask(room, queue.claude);
    room.store.db.pragma('query_only = ON');
    expect(refusal(await approveCard(room, card)).reason).toBe('store_unavailable');
    expect(refusal(rejectCard(room, card)).reason).toBe('store_unavailable');
    expect(queue.broker.sent.place).toEqual([]);
    room.store.db.pragma('query_only = OFF');
    granted(await approveCard(room, card));
  });
});
