/** The time of an approval: fifteen minutes by a clock that nobody sets, through restarts and a change of day. */
import { describe, expect, it } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { APPROVAL_TTL_MS } from '#limits.ts';
import {
  approvalEvents,
  approveCard,
  ask,
  cardNow,
  holdBalance,
  type Queue,
  queueRoom,
} from '../support/approvals.ts';
import { granted, now, refusal } from '../support/trading-room.ts';

describe('an approval that is not given in time', () => {
  it('expires as refused, a moment before it could have been given', async () => {
    const { room, broker, claude } = await queueRoom();
    const { order, card } = await ask(room, claude);
    await room.clock.advanceAsync(APPROVAL_TTL_MS - 1);
    expect(cardNow(room, card)).toMatchObject({ decision: null, wouldRefuse: null });
    room.clock.advance(1);
    expect(refusal(await approveCard(room, card)).reason).toBe('approval_expired');
    expect(await now(room, claude, order)).toMatchObject({ status: 'refused', reason: 'approval_expired' });
    expect(broker.sent.place).toEqual([]);
  });

  it('expires by itself, looked at every second', async () => {
    const { room, claude } = await queueRoom();
    const { order } = await ask(room, claude);
    await room.clock.advanceAsync(APPROVAL_TTL_MS + 1_000);
    expect(await now(room, claude, order)).toMatchObject({ status: 'refused', reason: 'approval_expired' });
    expect(approvalEvents(room)).toEqual(['approval.requested', 'approval.expired']);
  });

  it('expires in mid-line too', async () => {
    const { room, broker, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    await room.clock.advanceAsync(APPROVAL_TTL_MS - 5_000);
    const letGo = holdBalance(broker);
    const tap = approveCard(room, card);
    await room.clock.advanceAsync(5_000);
    letGo();
    expect(refusal(await tap).reason).toBe('approval_expired');
    expect(broker.sent.place).toEqual([]);
  });

  it.each([2, -2])('is measured by a clock that nobody sets: %s days', async (days) => {
    const { room, broker, claude } = await queueRoom();
    const { card } = await ask(room, claude);
    await room.clock.advanceAsync(60_000);
    room.clock.setWall(room.clock.wallMs() + days * 86_400_000);
    await room.clock.advanceAsync(10_000);
    const { card: second } = await ask(room, claude);
    const [first] = room.trading.owner.approvals.waiting();
    expect(first).toMatchObject({ id: card.id, decision: null, wouldRefuse: null });
    // What is left of its time is told by the clock as it is now.
    const left = (first?.expiresAtMs ?? 0) - room.clock.wallMs();
    expect(left).toBeLessThanOrEqual(APPROVAL_TTL_MS - 70_000);
    expect(left).toBeGreaterThan(APPROVAL_TTL_MS - 72_000);
    expect(granted(await approveCard(room, card)).kind).toBe('sent');
    await room.clock.advanceAsync(APPROVAL_TTL_MS);
    expect(cardNow(room, second).decision).toBe('expired');
    room.clock.setWall(room.clock.wallMs() - 3 * 86_400_000);
    await room.clock.advanceAsync(5_000);
    expect(refusal(await approveCard(room, second)).reason).toBe('approval_expired');
    expect(broker.sent.place).toEqual([card.order.brokerClientId]);
  });
});

describe('a restart', () => {
  it('keeps what waits, with what is left of its time', async () => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude, { note: 'for the morning' });
    await queue.room.clock.advanceAsync(5 * 60_000);
    const room = await queue.room.restart();
    expect(cardNow(room, card)).toMatchObject({
      decision: null,
      digest: card.digest,
      note: 'for the morning',
      wouldRefuse: null,
    });
    await room.clock.advanceAsync(9 * 60_000);
    expect(granted(await approveCard(room, card)).kind).toBe('sent');
    expect(queue.broker.sent.place).toEqual([card.order.brokerClientId]);
  });

  it('after its time is a refusal, also where the clock was set back meanwhile', async () => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude);
    await queue.room.clock.advanceAsync(APPROVAL_TTL_MS - 60_000);
    queue.room.clock.setWall(queue.room.clock.wallMs() + 61_000);
    const late = await queue.room.restart();
    expect(cardNow(late, card).decision).toBe('expired');
    expect(refusal(await approveCard(late, card)).reason).toBe('approval_expired');
    late.clock.setWall(late.clock.wallMs() - 2 * 86_400_000);
    const back = await late.restart();
    expect(refusal(await approveCard(back, card)).reason).toBe('approval_expired');
    expect(queue.broker.sent.place).toEqual([]);
  });

  it('does not lengthen its time by more than the time that passed, whatever the clock was set to', async () => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude);
    await queue.room.clock.advanceAsync(60_000);
    queue.room.clock.setWall(queue.room.clock.wallMs() - 2 * 86_400_000);
    const room = await queue.room.restart();
    expect(cardNow(room, card).decision).toBeNull();
    await room.clock.advanceAsync(APPROVAL_TTL_MS - 60_000 + 1_000);
    expect(cardNow(room, card).decision).toBe('expired');
  });

  it('after a kill on a closed gateway leaves nothing that waits', async () => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude);
    // As another process does it while this one hangs: the state and the epoch, and nothing else.
    queue.room.store.transaction(() => {
      queue.room.access.setGatewayState('HALTED', 'kill switch (cli)');
      queue.room.access.bumpEpoch();
    });
    const room = await queue.room.restart();
    expect(cardNow(room, card)).toMatchObject({ decision: 'void', order: { reason: 'trading_halted' } });
    granted(room.trading.resume('cli'));
    expect(refusal(await approveCard(room, card)).reason).toBe('order_final');
    expect(queue.broker.sent.place).toEqual([]);
  });

  it('after the decision and before the broker’s answer finds the order unknown, asks, and sends nothing again', async () => {
    const queue = await queueRoom();
    const { order, card } = await ask(queue.room, queue.claude, { takeProfit: '110' });
    queue.broker.next.place.push({ effect: 'accept', answer: 'never' });
    queue.broker.silent = true;
    void approveCard(queue.room, card);
    await queue.room.clock.advanceAsync(0);
    expect(queue.broker.sent.place).toEqual([order.brokerClientId]);
    queue.broker.silent = false;
    const room = await queue.room.restart();
    expect(cardNow(room, card)).toMatchObject({ decision: 'approved', order: { status: 'open' } });
    expect(refusal(await approveCard(room, card)).reason).toBe('order_final');
    expect(queue.broker.sent.place).toEqual([order.brokerClientId]);
  });
});

describe('a day that changes while it waits', () => {
  const late = async (mandate: Readonly<Record<string, unknown>>): Promise<Queue> => {
    const queue = await queueRoom(mandate);
    queue.room.clock.setWall(Date.UTC(2026, 0, 5, 23, 59, 0));
    await queue.room.clock.advanceAsync(2_000);
    return queue;
  };
  const tomorrow = ({ room }: Queue): Promise<void> => room.clock.advanceAsync(120_000);
  const asked = async (queue: Queue, who: Principal) => (await ask(queue.room, who)).card;

  it('is counted in the day that it is sent in', async () => {
    const queue = await late({ max_daily_orders: 2 });
    const { room, claude } = queue;
    const [first, second] = [await asked(queue, claude), await asked(queue, claude)];
    await tomorrow(queue);
    expect(granted(await approveCard(room, first)).kind).toBe('sent');
    expect(granted(await approveCard(room, second)).kind).toBe('sent');
    // Both are of the new day, which has no room for a third.
    await expect(asked(queue, claude)).rejects.toThrow('max_daily_orders: Orders today: 2 of 2');
  });
});
