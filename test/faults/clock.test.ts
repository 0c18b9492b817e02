// The wall clock jumps by two days, either way: deadlines do not notice, and nothing that has ended comes back to life.

import { describe, expect, it } from 'vitest';
import { ACTION_TOKEN_TTL_MS, BROKER_CALL_TIMEOUT_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  granted,
  now,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

const DAYS = [-2, 2] as const;
const jump = ({ clock }: TradingRoom, days: number): void =>
  clock.setWall(clock.wallMs() + days * 86_400_000);
const statusesOf = ({ store }: TradingRoom): unknown =>
  store.db.prepare('SELECT status FROM orders ORDER BY seq').pluck().all();

/** An order whose answer does not come. */
async function hanging() {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const who = room.agent('claude');
  broker.next.place.push({ effect: 'lose', answer: 'never' });
  const answer = room.trading.placeOrder(who, draft({ side: 'buy' }), commit());
  await room.clock.advanceAsync(0);
  return { broker, room, who, answer };
}

describe.each(DAYS)('a wall clock that jumps by %i days', (days) => {
  it('neither ends an action token early nor gives an ended one new life', async () => {
    const room = await tradingRoom();
    const who = room.agent('claude', { commit: 'two_step' });
    const order = draft({ side: 'buy' });
    const asked = { tool: 'place_order', digest: 'd' } as const;
    const preview = async (): Promise<string> => {
      const shown = granted(await room.trading.placeOrder(who, order, { kind: 'preview', ...asked }));
      if (!shown.dryRun) throw new Error('it was placed');
      return shown.actionToken;
    };
    const spend = (token: string, key: string) =>
      room.trading.placeOrder(who, order, { kind: 'commit', ...asked, token, idempotencyKey: key });
    const [early, late] = [await preview(), await preview()];
    jump(room, days);
    await room.clock.advanceAsync(1_000);
    expect(granted(await spend(early, 'early')).dryRun).toBe(false);
    await room.clock.advanceAsync(ACTION_TOKEN_TTL_MS);
    jump(room, -days);
    await room.clock.advanceAsync(1_000);
    expect(refusal(await spend(late, 'late')).reason).toBe('token_invalid');
  });

  it('neither shortens nor lengthens the time that a broker has to answer', async () => {
    const { room, answer } = await hanging();
    jump(room, days);
    await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS - 100);
    expect(statusesOf(room)).toEqual(['submitting']);
    await room.clock.advanceAsync(200);
    expect(granted(await answer)).toMatchObject({ order: { status: 'unknown' } });
  });

  it('makes no order lost whose request may still be on its way, after a restart either', async () => {
    const { broker, room } = await hanging();
    const again = await room.restart();
    expect(statusesOf(again)).toEqual(['unknown']);
    jump(again, days);
    await again.clock.advanceAsync(RECONCILE_INTERVAL_MS * 2);
    expect(statusesOf(again)).toEqual(['unknown']);
    await again.clock.advanceAsync(30_000);
    expect(statusesOf(again)).toEqual(['rejected']);
    expect(broker.sent.place).toHaveLength(1);
  });

  it('takes no change for one that did not happen while it may still be on its way', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ adapter: () => broker });
    const who = room.agent('claude');
    const order = await place(room, who, draft({ side: 'buy', limit: room.bid().toFixed() }));
    broker.next.replace.push({ effect: 'lose', answer: 'never' });
    const { limitPrice } = draft({ side: 'buy', limit: room.bid().minus('1').toFixed() });
    if (limitPrice === undefined) throw new Error('no price');
    void room.trading.modifyOrder(who, { orderId: order.orderId, limitPrice }, commit());
    await room.clock.advanceAsync(0);
    jump(room, days);
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS + 1_000);
    expect((await now(room, who, order)).status).toBe('pending_replace');
    await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + RECONCILE_INTERVAL_MS);
    expect((await now(room, who, order)).status).toBe('open');
  });
});
