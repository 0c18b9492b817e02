/** Limits through the whole line: two hundred orders at once, and not one over; what one account uses is gone in the other. */
import { describe, expect, it } from 'vitest';
import { money } from '#domain/decimal.ts';
import type { OrderDraft } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import type { Refusal, RefusalReason } from '#domain/refusal.ts';
import type { BrokerBalance } from '#ports.ts';
import { type Gate, gated, limitStorm, settled, UNTHROTTLED } from '../support/limit-storm.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

/** Above the touch and the slippage allowance: a unit is worth 1460. */
const LIMIT = '1460';
const MARKET = flatTape('1450', 200);

interface Outcome {
  readonly granted: number;
  readonly refused: readonly Refusal[];
}

/** All at once; decided ten a second, because an eleventh would be throttled, and the last before they have waited too long. */
async function atOnce(
  room: TradingRoom,
  gate: Gate,
  orders: readonly (readonly [Principal, OrderDraft])[],
): Promise<Outcome> {
  gate.shut = true;
  const answers = orders.map(([who, order]) => room.trading.placeOrder(who, order, commit()));
  await settled();
  expect(gate.waiting).toHaveLength(orders.length);
  let second = 0;
  while (gate.waiting.length > 0) {
    second++;
    for (const open of gate.waiting.splice(0, second < 10 ? 10 : orders.length)) open();
    await settled();
    await room.clock.advanceAsync(1_000);
  }
  const results = await Promise.all(answers);
  return {
    granted: results.filter((one) => one.ok).length,
    refused: results.flatMap((one) => (one.ok ? [] : [one.error])),
  };
}

const buy = draft({ side: 'buy', limit: LIMIT });
const reasonsOf = (outcome: Outcome): readonly RefusalReason[] => [
  ...new Set(outcome.refused.map((one) => one.reason)),
];

describe('two hundred orders at once', () => {
  it.each([
    ['max_daily_orders', { max_daily_orders: 87 }, 87],
    ['max_open_orders', { max_open_orders: 87 }, 87],
    ['max_daily_value', { max_daily_value: String(1460 * 87) }, 87],
    ['max_daily_value', { max_daily_value: String(1460 * 88 - 1) }, 87],
    ['max_gross_exposure', { max_gross_exposure: String(1460 * 87) }, 87],
  ] as const)('against %s %o: not one over', async (reason, rules, allowed) => {
    const gate = gated();
    const room = await tradingRoom({ csv: MARKET, adapter: () => gate.adapter, throttle: UNTHROTTLED });
    const claude = room.agent('claude', rules);
    const outcome = await atOnce(
      room,
      gate,
      Array.from({ length: 200 }, () => [claude, buy] as const),
    );
    expect(outcome.granted).toBe(allowed);
    expect(reasonsOf(outcome)).toEqual([reason]);
    expect(gate.broker.sent.place).toHaveLength(allowed);
    const [used] = granted(await room.trading.mandate(claude)).used;
    expect(used?.dailyOrders).toBe(allowed);
    expect(used?.dailyValue.toFixed()).toBe(String(1460 * allowed));
  });

  it('against ten a second: ten go, the others are told to wait, and nothing is sent for them', async () => {
    const gate = gated();
    const room = await tradingRoom({ csv: MARKET, adapter: () => gate.adapter, throttle: UNTHROTTLED });
    const claude = room.agent('claude');
    gate.shut = true;
    const answers = Array.from({ length: 200 }, () => room.trading.placeOrder(claude, buy, commit()));
    await settled();
    for (const open of gate.waiting.splice(0)) open();
    const results = await Promise.all(answers);
    expect(results.filter((one) => one.ok)).toHaveLength(10);
    const refused = results.flatMap((one) => (one.ok ? [] : [one.error]));
    expect(new Set(refused.map((one) => one.reason))).toEqual(new Set(['throttled']));
    expect(refused[0]).toMatchObject({ status: 429, retry_after: 1 });
    expect(gate.broker.sent.place).toHaveLength(10);
  });

  it('of two agents on one account share its ten a second, and nothing else', async () => {
    const gate = gated();
    const room = await tradingRoom({ csv: MARKET, adapter: () => gate.adapter, throttle: UNTHROTTLED });
    const claude = room.agent('claude', { max_daily_orders: 30 });
    const cursor = room.agent('cursor', { max_daily_orders: 40 });
    const orders = Array.from(
      { length: 200 },
      (_, index) => [index % 2 === 0 ? claude : cursor, buy] as const,
    );
    const outcome = await atOnce(room, gate, orders);
    expect(outcome.granted).toBe(70);
    expect(reasonsOf(outcome)).toEqual(['max_daily_orders']);
  });
});

describe('two hundred orders at once while the venue fills, rejects, loses and forgets', () => {
  // A thousand seeds are in limits.soak.ts; each of these ten sittings is a test, so that it is known how far it came.
  const SEEDS_EACH = 8;
  it.each(Array.from({ length: 10 }, (_, sitting) => 1_000 + sitting * SEEDS_EACH))(
    'never overshoot their limit: seeds from %i',
    async (first) => {
      const limits = new Set<string>();
      for (let seed = first; seed < first + SEEDS_EACH; seed++) {
        const weather = await limitStorm(seed).catch((cause: unknown) => {
          throw new Error(`seed ${seed}`, { cause });
        });
        limits.add(weather.limit);
      }
      expect(limits.size).toBeGreaterThan(1);
    },
  );
});

describe('ten a second', () => {
  async function busy(): Promise<{ room: TradingRoom; broker: ScriptedBroker; claude: Principal }> {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: MARKET, adapter: () => broker });
    const claude = room.agent('claude');
    for (let sent = 0; sent < 10; sent++) await place(room, claude, buy);
    return { room, broker, claude };
  }
  it('are counted over a sliding second', async () => {
    const { room, claude } = await busy();
    expect(refusal(await room.trading.placeOrder(claude, buy, commit())).reason).toBe('throttled');
    room.clock.advance(999);
    expect(refusal(await room.trading.placeOrder(claude, buy, commit())).reason).toBe('throttled');
    room.clock.advance(1);
    await place(room, claude, buy);
  });
  it('hold back no cancel and no close', async () => {
    const { room, broker, claude } = await busy();
    const [first] = broker.sent.place;
    if (first === undefined) throw new Error('nothing was sent');
    broker.fill(first, '1', '1450');
    const all = granted(
      await room.trading.cancelAllOrders(
        claude,
        {},
        { tool: 'cancel_all_orders', digest: 'd', dryRun: false },
      ),
    );
    expect(all.canceled).toHaveLength(9);
    const closed = granted(
      await room.trading.closePosition(
        claude,
        { account: broker.account, symbol: 'SPX' },
        { tool: 'close_position', digest: 'd', dryRun: false },
      ),
    );
    expect(closed.dryRun === false && closed.order?.status).toBe('open');
  });
});

describe('a limit of one order', () => {
  it('refuses a lot more, sends nothing, and stores the refusal with its figures', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: MARKET, adapter: () => broker });
    const claude = room.agent('claude', { max_order_qty: '5', max_order_value: '7300' });
    await place(room, claude, draft({ side: 'buy', qty: '5', limit: LIMIT }));
    const over = refusal(
      await room.trading.placeOrder(claude, draft({ side: 'buy', qty: '6', limit: LIMIT }), commit()),
    );
    expect(over).toMatchObject({
      reason: 'max_order_qty',
      limits: [{ limit: 'max_order_qty', order: '6', max: '5' }],
    });
    const dear = refusal(
      await room.trading.placeOrder(claude, draft({ side: 'buy', qty: '5', limit: '1460.01' }), commit()),
    );
    expect(dear).toMatchObject({
      reason: 'max_order_value',
      limits: [{ order: '7300.05', max: '7300', unit: 'USD' }],
    });
    expect(broker.sent.place).toHaveLength(1);
    const { items } = granted(await room.trading.orders(claude, { status: 'all', limit: 10 }));
    expect(items.map((order) => [order.status, order.reason])).toEqual([
      ['refused', 'max_order_value'],
      ['refused', 'max_order_qty'],
      ['open', null],
    ]);
    const [used] = granted(await room.trading.mandate(claude)).used;
    expect(used).toMatchObject({ dailyOrders: 1, openOrders: 1 });
  });

  it('compares a notional with the value, and turns it into units of a lot', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: MARKET, adapter: () => broker });
    const claude = room.agent('claude', { max_order_value: '7300' });
    const order = await place(room, claude, draft({ side: 'buy', notional: '7300', limit: LIMIT }));
    expect(order.qty.toFixed()).toBe('5');
    const [used] = granted(await room.trading.mandate(claude)).used;
    expect(used?.dailyValue.toFixed()).toBe('7300');
    expect(
      refusal(
        await room.trading.placeOrder(
          claude,
          draft({ side: 'buy', notional: '7300.01', limit: LIMIT }),
          commit(),
        ),
      ).reason,
    ).toBe('max_order_value');
    expect(
      refusal(
        await room.trading.placeOrder(
          claude,
          draft({ side: 'buy', notional: '1459.99', limit: LIMIT }),
          commit(),
        ),
      ).reason,
    ).toBe('off_lot');
    expect(broker.sent.place).toHaveLength(1);
  });
});

describe('buying power', () => {
  it('is less by what the broker may not have counted yet', async () => {
    const broker = scriptedBroker();
    const balance = async (): Promise<BrokerBalance> => ({
      ...(await broker.balance()),
      buyingPower: money('20000'),
    });
    const room = await tradingRoom({ csv: MARKET, adapter: () => ({ ...broker, balance }) });
    const claude = room.agent('claude');
    const ten = draft({ side: 'buy', qty: '10', limit: LIMIT });
    broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    expect((await place(room, claude, ten)).status).toBe('unknown');
    const nine = draft({ side: 'buy', qty: '9', limit: LIMIT });
    const refused = refusal(await room.trading.placeOrder(claude, nine, commit()));
    expect(refused).toMatchObject({ reason: 'buying_power', limits: [{ order: '13140', max: '5400' }] });
    expect(broker.sent.place).toHaveLength(1);
  });
});

describe('the accounts of a mandate', () => {
  it.each([
    ['max_daily_value', { max_daily_value: '4380' }],
    ['max_daily_orders', { max_daily_orders: 3 }],
    ['max_open_orders', { max_open_orders: 3 }],
    ['max_gross_exposure', { max_gross_exposure: '4380' }],
  ] as const)('share one envelope: %s', async (reason, rules) => {
    const first = scriptedBroker();
    const second = scriptedBroker('second');
    const room = await tradingRoom({ csv: MARKET, adapter: () => first, second });
    const claude = room.agent('claude', { ...rules, accounts: ['paper', 'second'] });
    const there = draft({ side: 'buy', limit: LIMIT, account: 'second' });
    await place(room, claude, buy);
    await place(room, claude, there);
    await place(room, claude, buy);
    for (const order of [buy, there]) {
      expect(refusal(await room.trading.placeOrder(claude, order, commit())).reason).toBe(reason);
    }
    expect([first.sent.place.length, second.sent.place.length]).toEqual([2, 1]);
    const { left } = granted(await room.trading.mandate(claude));
    if (reason === 'max_daily_value') expect(left.map((one) => one.dailyValue.toFixed())).toEqual(['0', '0']);
    if (reason === 'max_daily_orders') expect(left.map((one) => one.dailyOrders)).toEqual([0, 0]);
  });
});
