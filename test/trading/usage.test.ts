/** Budgets: reserved when cleared, used at the fill price, released at the end. */
import { describe, expect, it } from 'vitest';
import { price, quantity, text } from '#domain/decimal.ts';
import type { Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerOrderStatus } from '#ports.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  place,
  type RoomOptions,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

/** A unit is worth 1460: above the touch and the slippage allowance. */
const buy10 = draft({ side: 'buy', qty: '10', limit: '1460' });
const CANCEL = { tool: 'cancel_order', digest: 'd', dryRun: false } as const;

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}
async function scene(options: RoomOptions = {}): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker, ...options });
  return { room, broker, claude: room.agent('claude') };
}

/** Value used and reserved today, open orders, orders of the day, gross exposure. */
async function used({ room, claude }: Scene): Promise<string> {
  const [one] = granted(await room.trading.mandate(claude)).used;
  if (one === undefined) throw new Error('no account');
  return `${text(one.dailyValue)} open ${one.openOrders} today ${one.dailyOrders} gross ${text(one.grossExposure)}`;
}
const used$ = (scene: Scene) => expect.soft(used(scene)).resolves;

function end(broker: ScriptedBroker, order: OrderRecord, status: BrokerOrderStatus): void {
  const seen = broker.order(order.brokerClientId);
  if (seen === undefined) throw new Error('the venue does not know it');
  broker.emit({ kind: 'order', order: { ...seen, status } });
}

describe('a reservation', () => {
  it('is made by the order that is cleared, at the price it is valued at', async () => {
    const now = await scene();
    await used$(now).toBe('0 open 0 today 0 gross 0');
    await place(now.room, now.claude, buy10);
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
  });

  it('turns into use by fills at the fill price, part by part, and into exposure at the mark', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.fill(order.brokerClientId, '4', '1450');
    // 4 × 1450 used, 6 × 1460 reserved; 4 at the bid of 1450 held.
    await used$(now).toBe('14560 open 1 today 1 gross 14560');
    now.broker.fill(order.brokerClientId, '6', '1455');
    await used$(now).toBe('14530 open 0 today 1 gross 14500');
  });

  it.each(['canceled', 'expired', 'rejected'] as const)(
    'is released for what is unfilled when the broker says %s',
    async (status) => {
      const now = await scene();
      const order = await place(now.room, now.claude, buy10);
      now.broker.fill(order.brokerClientId, '4', '1450');
      end(now.broker, order, status);
      await used$(now).toBe('5800 open 0 today 1 gross 5800');
    },
  );

  it('is released by a cancel, and the count of the day is not', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    granted(await now.room.trading.cancelOrder(now.claude, order.orderId, CANCEL));
    await used$(now).toBe('0 open 0 today 1 gross 0');
  });

  it('is released at once when the broker rejects the order', async () => {
    const now = await scene();
    now.broker.next.place.push({ effect: 'reject', answer: 'truth' });
    expect((await place(now.room, now.claude, buy10)).status).toBe('rejected');
    await used$(now).toBe('0 open 0 today 1 gross 0');
  });

  it('is not made by what is refused or previewed', async () => {
    const now = await scene();
    now.room.agent('claude', { max_order_qty: '5' });
    refusal(await now.room.trading.placeOrder(now.claude, buy10, commit()));
    granted(
      await now.room.trading.placeOrder(now.claude, draft({ side: 'buy', limit: '1460' }), {
        kind: 'preview',
        tool: 'place_order',
        digest: 'd',
      }),
    );
    await used$(now).toBe('0 open 0 today 0 gross 0');
  });

  it('is not made by what only reduces, and a fill of that uses nothing', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.fill(order.brokerClientId, '10', '1450');
    const sale = await place(now.room, now.claude, draft({ side: 'sell', qty: '10', limit: '1500' }));
    await used$(now).toBe('14500 open 1 today 1 gross 14500');
    now.broker.fill(sale.brokerClientId, '10', '1500');
    await used$(now).toBe('14500 open 0 today 1 gross 0');
  });

  it('is kept while the outcome is unknown, and by a restart', async () => {
    const now = await scene();
    now.broker.deaf = true;
    now.broker.next.place.push({ effect: 'lose', answer: 'never' });
    const answer = now.room.trading.placeOrder(now.claude, buy10, commit());
    await now.room.clock.advanceAsync(0);
    await now.room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + 1);
    const placed = granted(await answer);
    expect(placed.dryRun === false && placed.order.status).toBe('unknown');
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
    const again = await now.room.restart();
    await used$({ ...now, room: again }).toBe('14600 open 1 today 1 gross 14600');
  });

  it('is kept by a late fill’s order no longer, but the fill is used', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    granted(await now.room.trading.cancelOrder(now.claude, order.orderId, CANCEL));
    now.broker.fill(order.brokerClientId, '3', '1450');
    await used$(now).toBe('4350 open 0 today 1 gross 4350');
  });

  it('counts a bracket once', async () => {
    const now = await scene();
    await place(
      now.room,
      now.claude,
      draft({ side: 'buy', qty: '10', limit: '1460', takeProfit: '1500', stopLoss: '1400' }),
    );
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
  });
});

describe('a change', () => {
  const change = (order: OrderRecord, qty: string, limit: string) => ({
    orderId: order.orderId,
    qty: quantity(qty),
    limitPrice: price(limit),
  });

  it.each([
    ['up', '12', '1465', '17580', '17580'],
    ['to a higher price', '10', '1470', '14700', '14700'],
    ['down', '8', '1459', '14600', '11672'],
    ['to more at a lower price that is worth less', '10', '1458', '14600', '14580'],
  ])(
    '%s holds the larger of old and new until it is acknowledged',
    async (_what, qty, limit, during, after) => {
      const now = await scene();
      const order = await place(now.room, now.claude, buy10);
      now.broker.next.replace.push({ effect: 'accept', answer: 'never' });
      const answer = now.room.trading.modifyOrder(now.claude, change(order, qty, limit), commit());
      await now.room.clock.advanceAsync(0);
      await used$(now).toBe(`${during} open 1 today 1 gross ${during}`);
      now.broker.answerLate(order.brokerClientId, {
        kind: 'accepted',
        brokerOrderId: order.brokerOrderId ?? 'b1',
      });
      granted(await answer);
      await used$(now).toBe(`${after} open 1 today 1 gross ${after}`);
    },
  );

  it('that the broker rejects leaves the old reservation', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.next.replace.push({ effect: 'reject', answer: 'truth' });
    granted(await now.room.trading.modifyOrder(now.claude, change(order, '12', '1465'), commit()));
    await used$(now).toBe('14600 open 1 today 1 gross 14600');
  });

  it('whose outcome is unclear goes on holding the larger', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.broker.deaf = true;
    now.broker.next.replace.push({ effect: 'accept', answer: 'unknown' });
    granted(await now.room.trading.modifyOrder(now.claude, change(order, '12', '1465'), commit()));
    await used$(now).toBe('17580 open 1 today 1 gross 17580');
    await now.room.clock.advanceAsync(20_000);
    await used$(now).toBe('17580 open 1 today 1 gross 17580');
  });
});

describe('a mandate day', () => {
  it('begins with nothing used, and with all that is still reserved', async () => {
    const now = await scene();
    const first = await place(now.room, now.claude, buy10);
    now.broker.fill(first.brokerClientId, '10', '1450');
    await place(now.room, now.claude, buy10);
    await used$(now).toBe('29100 open 1 today 2 gross 29100');
    now.room.clock.setWall(Date.UTC(2026, 0, 6, 0, 0, 0));
    await now.room.play(1);
    await used$(now).toBe('14600 open 1 today 0 gross 29100');
  });

  it('is the day of the fill, not of the order', async () => {
    const now = await scene();
    const order = await place(now.room, now.claude, buy10);
    now.room.clock.setWall(Date.UTC(2026, 0, 6, 0, 0, 0));
    await now.room.play(1);
    now.broker.fill(order.brokerClientId, '10', '1450');
    await used$(now).toBe('14500 open 0 today 0 gross 14500');
  });

  it.each([
    ['UTC', '2026-01-05T23:59:58Z', '2026-01-06T00:00:00Z'],
    ['America/New_York', '2026-01-06T04:59:58Z', '2026-01-06T05:00:00Z'],
    ['Asia/Kolkata', '2026-01-05T18:29:58Z', '2026-01-05T18:30:00Z'],
    ['Pacific/Kiritimati', '2026-01-06T09:59:58Z', '2026-01-06T10:00:00Z'],
  ])('begins at midnight in %s', async (timezone, before, midnight) => {
    const now = await scene({ timezone });
    now.room.clock.setWall(Date.parse(before) - 1_000);
    await now.room.play(1);
    now.room.agent('claude', { max_daily_orders: 1 });
    await place(now.room, now.claude, buy10);
    expect(refusal(await now.room.trading.placeOrder(now.claude, buy10, commit())).reason).toBe(
      'max_daily_orders',
    );
    now.room.clock.setWall(Date.parse(midnight) - 1_000);
    await now.room.play(1);
    await place(now.room, now.claude, buy10);
  });

  it('does not come twice when the wall clock goes back', async () => {
    const now = await scene();
    now.room.agent('claude', { max_daily_orders: 1 });
    now.room.clock.setWall(Date.UTC(2026, 0, 6, 0, 0, 0));
    await now.room.play(1);
    await place(now.room, now.claude, buy10);
    now.room.clock.setWall(Date.UTC(2026, 0, 5, 12));
    await now.room.play(1);
    expect(refusal(await now.room.trading.placeOrder(now.claude, buy10, commit())).reason).toBe(
      'max_daily_orders',
    );
  });
});
