/** No slicing, no price at the edge, no clock and no restart gives an agent more than its owner gave it. */
import { describe, expect, it } from 'vitest';
import { money } from '#domain/decimal.ts';
import type { OrderDraft } from '#domain/order.ts';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { BALANCE_AGE_MAX_MS } from '#limits.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  PAPER,
  place,
  type RoomOptions,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}
/** Two at this limit are worth 199: above the touch and the slippage allowance. */
const PRICE = '98.5';
const LIMIT = '99.5';
async function scene(
  rules: Readonly<Record<string, unknown>> = {},
  options: RoomOptions = {},
): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({
    csv: flatTape(PRICE, 300),
    adapter: () => broker,
    mandate: rules,
    ...options,
  });
  return { room, broker, claude: room.agent('claude') };
}
const buy = (qty: string, limit = LIMIT): OrderDraft => draft({ side: 'buy', qty, limit });
const sell = (qty: string, limit: string): OrderDraft => draft({ side: 'sell', qty, limit });
/** `sent`, `waits` for the owner, or why not. */
async function ask(room: TradingRoom, who: Principal, order: OrderDraft): Promise<string> {
  const answer = await room.trading.placeOrder(who, order, commit());
  if (!answer.ok) return answer.error.reason;
  if (answer.value.dryRun) return 'previewed';
  return answer.value.order.status === 'pending_approval' ? 'waits' : 'sent';
}
async function jump(room: TradingRoom, days: number): Promise<void> {
  room.clock.setWall(room.clock.wallMs() + days * 86_400_000);
  await room.play(1);
}

/** The owner approves what has waited longest: the id that the broker knows it by. */
async function approveFirst(room: TradingRoom): Promise<string> {
  const { approvals } = room.trading.owner;
  const [card] = approvals.waiting();
  if (card === undefined) throw new Error('nothing waits');
  const approved = granted(await approvals.approve({ id: card.id, digest: card.digest, by: OWNER_CONSOLE }));
  if (approved.kind !== 'sent') throw new Error(approved.kind);
  return approved.order.brokerClientId;
}

describe('an approval above 200', () => {
  const rules = { approval: { above: '200' } };

  it('is not gone around with two orders of 199', async () => {
    const { room, broker, claude } = await scene(rules);
    expect(await ask(room, claude, buy('2'))).toBe('sent');
    expect(await ask(room, claude, buy('2'))).toBe('waits');
    expect(broker.sent.place).toHaveLength(1);
  });

  it('nor with pieces, filled or not, nor with another key of the same agent', async () => {
    const { room, broker, claude } = await scene(rules);
    const first = await place(room, claude, buy('1'));
    broker.fill(first.brokerClientId, '1', LIMIT);
    expect(await ask(room, room.agent('claude'), buy('1'))).toBe('sent');
    expect(await ask(room, claude, buy('1'))).toBe('waits');
    expect(await ask(room, room.agent('claude'), buy('1'))).toBe('waits');
    expect(broker.sent.place).toHaveLength(2);
  });

  it('adds up neither what waits nor what was approved; what it did not ask about still counts', async () => {
    const { room, broker, claude } = await scene(rules);
    expect(await ask(room, claude, buy('3'))).toBe('waits');
    expect(await ask(room, claude, buy('2'))).toBe('sent');
    broker.fill(await approveFirst(room), '3', LIMIT);
    const own = broker.sent.place[0];
    if (own === undefined) throw new Error('nothing was sent');
    broker.fill(own, '2', LIMIT);
    // 199 of 200 is used without asking, and the 298.5 that were approved are no part of it.
    expect(await ask(room, claude, buy('1'))).toBe('waits');
    const figures = room.store.db.prepare('SELECT side, value FROM unapproved_usage').all();
    expect(figures).toEqual([{ side: 'buy', value: '199' }]);
  });

  it('pays for nothing: what is approved needs its buying power like every order', async () => {
    const broker = scriptedBroker();
    let left = '298.5';
    const balance = async () => ({ ...(await broker.balance()), buyingPower: money(left) });
    const { room, claude } = await scene(rules, { adapter: () => ({ ...broker, balance }) });
    expect(await ask(room, claude, buy('3'))).toBe('waits');
    left = '298.49';
    await room.clock.advanceAsync(BALANCE_AGE_MAX_MS + 1);
    await expect(approveFirst(room)).rejects.toThrow('buying_power');
    expect(broker.sent.place).toHaveLength(0);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['the value of the day', { max_daily_value: '298.5' }],
    ['the exposure', { max_gross_exposure: '298.5' }],
    ['the open orders', { max_open_orders: 1 }],
    ['the orders of the day', { max_daily_orders: 1 }],
  ])('is no reason against what waited for it: it is all of %s', async (_what, limit) => {
    const { room, broker, claude } = await scene({ ...rules, ...limit });
    expect(await ask(room, claude, buy('3'))).toBe('waits');
    await approveFirst(room);
    expect(broker.sent.place).toHaveLength(1);
    expect(await ask(room, claude, buy('1'))).not.toMatch(/sent|waits/);
  });

  it('nor its own client order id, nor the one position that the account may have', async () => {
    const { room, broker, claude } = await scene(rules);
    const to = { max_positions: '1' };
    granted(room.trading.owner.accountLimits.change({ account: PAPER, to, by: OWNER_CONSOLE }));
    const named = draft({ side: 'buy', qty: '3', limit: LIMIT, clientOrderId: 'mine' });
    expect(await ask(room, claude, named)).toBe('waits');
    await approveFirst(room);
    expect(broker.sent.place).toHaveLength(1);
    expect(await ask(room, claude, named)).toBe('duplicate_order');
  });

  it('nor does a lower cap let it open one position too many', async () => {
    const { room, broker, claude } = await scene(rules);
    expect(await ask(room, claude, buy('3'))).toBe('waits');
    const to = { max_positions: '0' };
    granted(room.trading.owner.accountLimits.change({ account: PAPER, to, by: OWNER_CONSOLE }));
    await expect(approveFirst(room)).rejects.toThrow(/max_positions|nothing waits/);
    expect(broker.sent.place).toHaveLength(0);
  });

  it('is not forgotten by a restart, nor by a clock that goes to yesterday and back', async () => {
    const { room, broker, claude } = await scene(rules);
    const first = await place(room, claude, buy('2'));
    broker.fill(first.brokerClientId, '2', LIMIT);
    const second = await room.restart();
    expect(await ask(second, claude, buy('1'))).toBe('waits');
    await jump(second, -2);
    expect(await ask(second, claude, buy('1'))).toBe('waits');
    await jump(second, 2);
    expect(await ask(second, claude, buy('1'))).toBe('waits');
  });

  it('takes over what was filled before the totals were kept, once', async () => {
    const { room, broker, claude } = await scene(rules);
    const first = await place(room, claude, buy('2'));
    broker.fill(first.brokerClientId, '2', LIMIT);
    // Neither of these counts: one only reduces, the other one was approved.
    const reducing = await place(room, claude, sell('1', '98'));
    broker.fill(reducing.brokerClientId, '1', '98.5');
    expect(await ask(room, claude, buy('3'))).toBe('waits');
    const approved = await approveFirst(room);
    broker.fill(approved, '3', LIMIT);
    room.store.transaction(() => {
      room.store.db.exec(
        "DELETE FROM unapproved_usage; DELETE FROM settings WHERE name = 'unapproved_usage'",
      );
    });
    const second = await room.restart();
    expect(second.store.db.prepare('SELECT value FROM unapproved_usage').pluck().all()).toEqual(['199']);
    const third = await second.restart();
    expect(third.store.db.prepare('SELECT value FROM unapproved_usage').pluck().all()).toEqual(['199']);
    expect(await ask(third, claude, buy('1'))).toBe('waits');
  });
});

describe('a sell at 0.01', () => {
  it('is refused by its price, and one within the collar is valued at the touch', async () => {
    const { room, broker, claude } = await scene({ max_order_value: '98.9' });
    expect(await ask(room, claude, sell('1', '0.01'))).toBe('price_collar');
    expect(await ask(room, claude, sell('1', '93.6'))).toBe('max_order_value');
    expect(await ask(room, claude, draft({ side: 'sell', qty: '1' }))).toBe('max_order_value');
    expect(broker.sent.place).toHaveLength(0);
    room.agent('claude', { max_order_value: '99' });
    expect(await ask(room, claude, sell('1', '93.6'))).toBe('sent');
  });

  it('takes as much of the day as one at the market', async () => {
    const { room, claude } = await scene({ max_daily_value: '200' });
    expect(await ask(room, claude, sell('1', '93.6'))).toBe('sent');
    expect(await ask(room, claude, sell('1', '93.6'))).toBe('sent');
    expect(await ask(room, claude, sell('1', '93.6'))).toBe('max_daily_value');
  });
});

describe('a clock that jumps', () => {
  it.each([
    ['two days back', [-2]],
    ['two days on and back again', [2, -2]],
    ['on and back, over and over', [2, -2, 1, -1, 2, -2]],
  ])('%s gives nothing back twice', async (_what, jumps) => {
    const { room, claude } = await scene({ max_daily_orders: 2, max_daily_value: '400' });
    expect(await ask(room, claude, buy('2'))).toBe('sent');
    let days = 0;
    let seen = 0;
    let granted = 1;
    for (const by of jumps) {
      await jump(room, by);
      days += by;
      seen = Math.max(seen, days);
      for (let order = 0; order < 3; order++) if ((await ask(room, claude, buy('2'))) === 'sent') granted++;
    }
    // Two orders a day that has really come, and none for a day that came twice.
    const daysCome = new Set(room.store.db.prepare('SELECT day FROM usage').pluck().all()).size;
    expect(granted).toBeLessThanOrEqual(2 * daysCome);
    expect(daysCome).toBeLessThanOrEqual(2);
    expect(seen).toBeLessThanOrEqual(2);
  });

  it('does not end what a loss has stopped, until a day has come that was not there before', async () => {
    const { room, broker, claude } = await scene({ max_daily_loss: '10' });
    const order = await place(room, claude, buy('10', '99.5'));
    broker.fill(order.brokerClientId, '10', '99.5');
    await room.play(1);
    expect(await ask(room, claude, buy('1'))).toBe('trading_reducing');
    await jump(room, -2);
    expect(await ask(room, claude, buy('1'))).toBe('trading_reducing');
    const second = await room.restart();
    expect(await ask(second, claude, buy('1'))).toBe('trading_reducing');
    await jump(second, -2);
    expect(await ask(second, claude, buy('1'))).toBe('trading_reducing');
  });
});

describe('a restart', () => {
  it('leaves of every budget what was left', async () => {
    const { room, broker, claude } = await scene({
      max_daily_orders: 3,
      max_daily_value: '500',
      max_open_orders: 2,
    });
    const first = await place(room, claude, buy('2'));
    broker.fill(first.brokerClientId, '1', LIMIT);
    await place(room, claude, buy('1'));
    const before = granted(await room.trading.mandate(claude)).left;
    const second = await room.restart();
    expect(granted(await second.trading.mandate(claude)).left).toEqual(before);
    expect(await ask(second, claude, buy('1'))).toBe('max_open_orders');
    broker.fill(first.brokerClientId, '1', LIMIT);
    expect(await ask(second, claude, buy('3'))).toBe('max_daily_value');
    expect(await ask(second, claude, buy('2'))).toBe('sent');
    const third = await second.restart();
    expect(await ask(third, claude, buy('1'))).toBe('max_open_orders');
    expect(broker.sent.place).toHaveLength(3);
  });
});
