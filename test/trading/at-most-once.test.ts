/** At most once: an unclear outcome is never sent again, and only the broker's evidence resolves it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import type { BrokerEvent } from '#ports.ts';
import { type ScriptedBroker, scriptedBroker, type Treatment } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  granted,
  now,
  own,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

async function scripted(): Promise<{ room: TradingRoom; broker: ScriptedBroker; claude: Principal }> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  return { room, broker, claude: room.agent('claude') };
}
const unclear: readonly Treatment['answer'][] = ['unknown', 'throw', 'never'];

/** Places an order whose answer does not come; turns the clock past the time-out. */
async function placeUnclear(room: TradingRoom, who: Principal) {
  const answer = room.trading.placeOrder(who, draft({ side: 'buy', qty: '2' }), commit());
  await room.clock.advanceAsync(0);
  await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + 1);
  const placed = granted(await answer);
  if (placed.dryRun) throw new Error('previewed');
  return placed.order;
}

describe('an order whose outcome is unclear', () => {
  it.each(unclear)('is unknown when the broker answers %s, and is not sent again', async (answer) => {
    const { room, broker, claude } = await scripted();
    broker.deaf = true;
    broker.silent = true;
    broker.next.place.push({ effect: 'accept', answer });
    const order = await placeUnclear(room, claude);
    expect(order.status).toBe('unknown');
    await room.clock.advanceAsync(60_000);
    expect((await now(room, claude, order)).status).toBe('unknown');
    expect(broker.sent.place).toEqual([order.brokerClientId]);
  });

  it('becomes open when the broker is found to have it, and filled by its executions', async () => {
    const { room, broker, claude } = await scripted();
    broker.silent = true;
    broker.deaf = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const order = await placeUnclear(room, claude);
    broker.fill(order.brokerClientId, '2', '1450');
    broker.deaf = false;
    await room.clock.advanceAsync(RECONCILE_INTERVAL_MS * 2);
    expect((await now(room, claude, order)).status).toBe('filled');
    expect(await own(room, claude)).toBe('2');
    broker.release();
    expect(await own(room, claude)).toBe('2');
    expect(broker.sent.place).toHaveLength(1);
  });

  it('is not believed lost before a request can no longer be on its way', async () => {
    const { room, broker, claude } = await scripted();
    broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    const order = await placeUnclear(room, claude);
    await room.clock.advanceAsync(10_000);
    expect((await now(room, claude, order)).status).toBe('unknown');
    await room.clock.advanceAsync(30_000);
    const resolved = await now(room, claude, order);
    expect(resolved.status).toBe('rejected');
    expect(broker.sent.place).toHaveLength(1);
  });

  it('keeps its reservation until the evidence is there', async () => {
    const { room, broker, claude } = await scripted();
    broker.deaf = true;
    broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    await placeUnclear(room, claude);
    const reserved = (): unknown => room.store.db.prepare('SELECT value FROM reservations').pluck().get();
    expect(reserved()).not.toBe('0');
    broker.deaf = false;
    await room.clock.advanceAsync(60_000);
    expect(reserved()).toBe('0');
  });

  it('takes an answer that comes after the time-out as evidence', async () => {
    const { room, broker, claude } = await scripted();
    broker.deaf = true;
    broker.next.place.push({ effect: 'reject', answer: 'never' });
    const order = await placeUnclear(room, claude);
    broker.answerLate(order.brokerClientId, { kind: 'rejected', reason: 'too late' });
    await room.clock.advanceAsync(1);
    expect((await now(room, claude, order)).status).toBe('rejected');
  });

  it('is asked for after a restart, and never sent by it', async () => {
    const { room, broker, claude } = await scripted();
    broker.deaf = true;
    broker.silent = true;
    broker.next.place.push({ effect: 'accept', answer: 'never' });
    void room.trading.placeOrder(claude, draft({ side: 'buy', qty: '2' }), commit());
    await room.clock.advanceAsync(1);
    expect(broker.sent.place).toHaveLength(1);
    broker.deaf = false;
    const again = await room.restart();
    const [order] = granted(await again.trading.orders(claude, { status: 'all', limit: 5 })).items;
    expect(order?.status).toBe('open');
    expect(broker.sent.place).toHaveLength(1);
  });
});

describe('executions', () => {
  it('are posted once, whatever is repeated, reordered or told before the acknowledgement', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        async (parts, luck) => {
          const { room, broker, claude } = await scripted();
          broker.silent = true;
          const total = parts.reduce((sum, part) => sum + part, 0);
          const order = await place(room, claude, draft({ side: 'buy', qty: String(total) }));
          for (const part of parts) broker.fill(order.brokerClientId, String(part), '1450');
          broker.release((events) => shuffled([...events, ...events], luck));
          expect(await own(room, claude)).toBe(String(total));
          expect((await now(room, claude, order)).status).toBe('filled');
          const trades = granted(await room.trading.trades(claude, { limit: 50 })).items;
          expect(trades).toHaveLength(parts.length);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('count when they come after a cancel, and leave the status as it is', async () => {
    const { room, broker, claude } = await scripted();
    const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: room.bid().toFixed() }));
    granted(
      await room.trading.cancelOrder(claude, order.orderId, {
        tool: 'cancel_order',
        digest: 'd',
        dryRun: false,
      }),
    );
    broker.fill(order.brokerClientId, '2', '1450');
    const late = await now(room, claude, order);
    expect(late.status).toBe('canceled');
    expect(late.filledQty.toFixed()).toBe('2');
    expect(await own(room, claude)).toBe('2');
  });
});

it('adopts an order from the broker’s own screen as external, and gives it to no agent', async () => {
  const { room, broker, claude } = await scripted();
  const [spx] = room.feed.instruments();
  if (spx === undefined) throw new Error('no instrument');
  const id = broker.placeElsewhere({ instrument: spx.id, side: 'buy', qty: '7' });
  broker.fill(id, '7', '1450');
  const [position] = granted(await room.trading.positions(claude, { status: 'open' }));
  expect(position?.qty.toFixed()).toBe('7');
  expect(position?.ownQty.toFixed()).toBe('0');
  expect(granted(await room.trading.orders(claude, { status: 'all', limit: 5 })).items).toEqual([]);
  expect(
    refusal(
      await room.trading.closePosition(
        claude,
        { account: broker.account, symbol: 'SPX' },
        { tool: 'close_position', digest: 'd', dryRun: false },
      ),
    ).reason,
  ).toBe('not_reducing');
});

function shuffled(events: readonly BrokerEvent[], luck: Iterator<number>): BrokerEvent[] {
  const left = [...events];
  const out: BrokerEvent[] = [];
  while (left.length > 0) {
    const [one] = left.splice((luck.next().value as number) % left.length, 1);
    if (one !== undefined) out.push(one);
  }
  return out;
}
