/** Closing what is no whole number of lots: a fee that was taken in the coin itself must not keep anybody in a position. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity } from '#domain/decimal.ts';
import { RECONCILE_ALL_INTERVAL_MS } from '#limits.ts';
import { settled } from '../support/limit-storm.ts';
import { ABC, buying, holds, placedAt, type RealAccount, realAccount } from '../support/real-account.ts';
import { granted, own, reduce, refusal, SECOND } from '../support/trading-room.ts';

const HERE = { account: SECOND, symbol: 'ABC' };

/** Two were bought, and a part of them was the fee. */
async function held(feeQty: string): Promise<RealAccount> {
  const it = await realAccount({ before: ({ feed }) => feed.venue.set(ABC.id, ['10', '10.02']) });
  const order = await placedAt(it, buying('ABC'));
  it.broker.emit({
    kind: 'execution',
    execution: {
      executionId: 'ABC:1',
      brokerOrderId: order.brokerOrderId ?? '',
      brokerClientId: order.brokerClientId,
      instrument: ABC.id,
      side: 'buy',
      qty: quantity('2'),
      price: price('10'),
      fee: money('0.02'),
      feeQty: quantity(feeQty),
      timeMs: 0,
    },
  });
  await settled();
  return it;
}

describe('a position that a fee has made no whole number of lots', () => {
  it('is closed by as many lots as there are, by its agent and by the owner', async () => {
    const it = await held('0.002');
    expect(await own(it.room, it.claude)).toBe('1.998');
    const preview = granted(
      await it.room.trading.closePosition(it.claude, HERE, { ...reduce(), dryRun: true }),
    );
    expect(preview).toMatchObject({ dryRun: true });
    const closed = granted(await it.room.trading.closePosition(it.claude, HERE, reduce()));
    if (closed.dryRun || closed.order === null) throw new Error('nothing was sent');
    expect(closed.order.qty.toFixed()).toBe('1');
    const again = granted(await it.room.trading.closePosition(it.claude, HERE, reduce()));
    expect(again).toMatchObject({ order: { orderId: closed.order.orderId } });
    const { owner } = it.room.trading;
    const flat = { ...HERE, holder: it.claude.agent };
    const first = granted(await owner.closePosition(flat)).order;
    expect(first?.qty.toFixed()).toBe('1');
    expect(granted(await owner.closePosition(flat)).order?.orderId).toBe(first?.orderId);
    it.broker.fill(first?.brokerClientId ?? '', '1', '10');
    await settled();
    expect(await own(it.room, it.claude)).toBe('0.998');
  });

  it('of less than one lot is not closed, and never by a lot that is not there', async () => {
    const it = await held('1.002');
    const sent = it.broker.sent.place.length;
    const refused = refusal(await it.room.trading.closePosition(it.claude, HERE, reduce()));
    expect(refused.reason).toBe('off_lot');
    expect(it.broker.sent.place).toHaveLength(sent);
  });

  it('is closed by exactly what is asked for, or not at all', async () => {
    const it = await held('0.002');
    const part = { ...HERE, qty: quantity('1.998') };
    expect(refusal(await it.room.trading.closePosition(it.claude, part, reduce())).reason).toBe('off_lot');
  });
});

describe('a position of which the broker of an account that can not be short holds less', () => {
  it('is closed by what is there, since more would be refused for ever', async () => {
    const it = await realAccount({
      capabilities: { shortSelling: false },
      before: ({ feed }) => feed.venue.set(ABC.id, ['10', '10.02']),
    });
    const order = await placedAt(it, buying('ABC'));
    it.broker.fill(order.brokerClientId, '2', '10');
    holds(it.broker, { [ABC.id]: '1' });
    await it.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS * 2);
    expect(await own(it.room, it.claude)).toBe('2');
    const flat = { ...HERE, holder: it.claude.agent };
    const closed = granted(await it.room.trading.owner.closePosition(flat)).order;
    expect(closed?.qty.toFixed()).toBe('1');
    expect(granted(await it.room.trading.owner.closePosition(flat)).order?.orderId).toBe(closed?.orderId);
  });
});
