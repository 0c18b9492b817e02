/** Two holders of one account never trade with each other, and an unclear order is not sent a second time, through the whole line. */
import { describe, expect, it } from 'vitest';
import type { OrderDraft } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
  readonly cursor: Principal;
}
/** Bid 1450, ask 1450.01: at the market a buy reaches 1457.26. */
async function scene(): Promise<Scene> {
  const broker = scriptedBroker();
  const second = scriptedBroker('second');
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker, second });
  const accounts = { accounts: ['paper', 'second'] };
  return { room, broker, claude: room.agent('claude', accounts), cursor: room.agent('cursor', accounts) };
}
async function ask(room: TradingRoom, who: Principal, order: OrderDraft): Promise<string> {
  const answer = await room.trading.placeOrder(who, order, commit());
  return answer.ok ? 'granted' : answer.error.reason;
}
const sell = (limit: string, qty = '1'): OrderDraft => draft({ side: 'sell', qty, limit });
const buy = (limit: string, qty = '1'): OrderDraft => draft({ side: 'buy', qty, limit });

describe('an order that could trade with one of another holder', () => {
  it('is refused at its price and beyond, and passes a tick before it', async () => {
    const { room, broker, claude, cursor } = await scene();
    // The best of several decides, in whatever order they came.
    for (const limit of ['1470', '1455', '1490', '1460']) await place(room, claude, sell(limit));
    expect(await ask(room, cursor, buy('1454.99'))).toBe('granted');
    expect(await ask(room, cursor, buy('1455'))).toBe('self_match');
    expect(await ask(room, cursor, buy('1480'))).toBe('self_match');
    expect(await ask(room, cursor, draft({ side: 'buy' }))).toBe('self_match');
    expect(broker.sent.place).toHaveLength(5);
    const { detail } = refusal(await room.trading.placeOrder(cursor, buy('1480'), commit()));
    expect(detail).toContain('sells SPX at 1455');
    expect(detail).not.toContain('claude');
  });

  it('is compared with the highest buy on the other side', async () => {
    const { room, claude, cursor } = await scene();
    for (const limit of ['1440', '1448', '1430']) await place(room, claude, buy(limit));
    expect(await ask(room, cursor, sell('1448.01'))).toBe('granted');
    expect(await ask(room, cursor, sell('1448'))).toBe('self_match');
    expect(await ask(room, cursor, draft({ side: 'sell' }))).toBe('self_match');
  });

  it('is the holder’s own affair, and not one of another account or another instrument', async () => {
    const { room, claude, cursor } = await scene();
    await place(room, claude, sell('1455'));
    expect(await ask(room, claude, buy('1455'))).toBe('granted');
    const there = draft({ side: 'buy', limit: '1455', account: 'second' });
    expect(await ask(room, cursor, there)).toBe('granted');
  });

  it('passes once the other is gone, and is not let through while its cancel is under way', async () => {
    const { room, broker, claude, cursor } = await scene();
    const resting = await place(room, claude, sell('1455'));
    const cancel = { tool: 'cancel_order', digest: 'd', dryRun: false };
    broker.silent = true;
    const canceling = room.trading.cancelOrder(claude, resting.orderId, cancel);
    await room.play(1);
    expect((await now(room, claude, resting)).status).toBe('pending_cancel');
    expect(await ask(room, cursor, buy('1455'))).toBe('self_match');
    broker.silent = false;
    broker.release();
    granted(await canceling);
    expect((await now(room, claude, resting)).status).toBe('canceled');
    expect(await ask(room, cursor, buy('1455'))).toBe('granted');
  });

  it('looks at the old and the new price of a change that is not answered', async () => {
    const { room, broker, claude, cursor } = await scene();
    const resting = await place(room, claude, sell('1460'));
    broker.next.replace.push({ effect: 'lose', answer: 'unknown' });
    const { limitPrice } = sell('1452');
    granted(
      await room.trading.modifyOrder(
        claude,
        { orderId: resting.orderId, ...(limitPrice ? { limitPrice } : {}) },
        { ...commit(), tool: 'modify_order' },
      ),
    );
    expect((await now(room, claude, resting)).status).toBe('pending_replace');
    expect(await ask(room, cursor, buy('1452'))).toBe('self_match');
    expect(await ask(room, cursor, buy('1451.99'))).toBe('granted');
  });

  it('counts orders of the owner, those found at the broker, and those of which nobody knows yet', async () => {
    const { room, broker, claude, cursor } = await scene();
    granted(await room.trading.owner.placeOrder(sell('1460'), 'a'));
    expect(await ask(room, cursor, buy('1460'))).toBe('self_match');
    broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    expect((await place(room, claude, sell('1455'))).status).toBe('unknown');
    expect(await ask(room, cursor, buy('1455'))).toBe('self_match');
    expect(refusal(await room.trading.owner.placeOrder(buy('1455'), 'b')).reason).toBe('self_match');
  });

  it('does not keep anybody from reducing', async () => {
    const { room, broker, claude, cursor } = await scene();
    const held = await place(room, cursor, sell('1449', '2'));
    broker.fill(held.brokerClientId, '2', '1450');
    await place(room, claude, sell('1455'));
    expect(await ask(room, cursor, buy('1455', '2'))).toBe('granted');
    expect(await ask(room, cursor, buy('1455', '2'))).toBe('self_match');
  });

  it('is found among many of the same agent’s own without looking at each other’s', async () => {
    const { room, claude, cursor } = await scene();
    for (let index = 0; index < 30; index++) {
      await place(room, cursor, sell(String(1451 + index)));
      if (index % 9 === 8) await room.play(1);
    }
    await room.play(1);
    await place(room, claude, sell('1500'));
    expect(await ask(room, cursor, buy('1499.99'))).toBe('granted');
    expect(await ask(room, cursor, buy('1500'))).toBe('self_match');
  });
});

describe('an order of which nobody knows whether the broker has it', () => {
  const lost = { effect: 'lose', answer: 'unknown' } as const;

  it('is not sent again under another key, by this credential or another', async () => {
    const { room, broker, claude, cursor } = await scene();
    broker.next.place.push(lost);
    const unclear = await place(room, claude, buy('1440', '2'));
    expect(unclear.status).toBe('unknown');
    const again = refusal(await room.trading.placeOrder(claude, buy('1440', '2'), commit()));
    expect(again).toMatchObject({
      reason: 'duplicate_order',
      order_id: unclear.orderId,
      verify_with: `get_order {"order_id": "${unclear.orderId}"}`,
    });
    expect(await ask(room, room.agent('claude'), buy('1440', '2'))).toBe('duplicate_order');
    expect(await ask(room, cursor, buy('1440', '2'))).toBe('granted');
    expect(await ask(room, claude, buy('1440', '3'))).toBe('granted');
    expect(broker.sent.place).toHaveLength(3);
  });

  it('may be sent again once the broker has said what became of it', async () => {
    const { room, broker, claude } = await scene();
    broker.silent = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const unclear = await place(room, claude, buy('1440', '2'));
    expect(await ask(room, claude, buy('1440', '2'))).toBe('duplicate_order');
    broker.silent = false;
    broker.release();
    expect((await now(room, claude, unclear)).status).toBe('open');
    expect(await ask(room, claude, buy('1440', '2'))).toBe('granted');
  });

  it('given by its value is known again at another price', async () => {
    const { room, broker, claude } = await scene();
    broker.next.place.push(lost);
    await place(room, claude, draft({ side: 'buy', notional: '60000' }));
    expect(await ask(room, claude, draft({ side: 'buy', notional: '61000' }))).toBe('duplicate_order');
    expect(await ask(room, claude, draft({ side: 'buy', notional: '66000' }))).toBe('granted');
    expect(broker.sent.place).toHaveLength(2);
  });
});
