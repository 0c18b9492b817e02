/** Approval above an amount: what an agent put into one instrument and side today without a human's word, and nothing else. */
import { describe, expect, it } from 'vitest';
import { price, quantity } from '#domain/decimal.ts';
import type { OrderDraft } from '#domain/order.ts';
import { OWNER_CLI, OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { approveCard, ask, holdBalance } from '../support/approvals.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  place,
  type TradingRoom,
  tradingRoom,
  WIDE_MANDATE,
} from '../support/trading-room.ts';

/** Above the touch and the slippage allowance: a unit is worth 1460. */
const LIMIT = '1460';
const MARKET = flatTape('1450', 200);
const buy = draft({ side: 'buy', limit: LIMIT });

/** The wall clock moves on to the next day; the market goes on as it was. */
async function tomorrow(room: TradingRoom): Promise<void> {
  room.clock.setWall(room.clock.wallMs() + 12 * 3_600_000);
  await room.play(1);
}

/** What becomes of an order that is asked for. */
async function outcome(room: TradingRoom, who: Principal, order: OrderDraft, key?: string): Promise<string> {
  const answer = await room.trading.placeOrder(who, order, commit(key));
  if (!answer.ok) return answer.error.reason;
  return !answer.value.dryRun && answer.value.order.status === 'pending_approval' ? 'waits' : 'granted';
}

describe('approval above an amount', () => {
  const rules = { approval: { above: '2920' } };
  async function start() {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: MARKET, adapter: () => broker });
    return { room, broker, claude: room.agent('claude', rules) };
  }
  it('adds up a day’s orders in one instrument and side, at work and filled', async () => {
    const { room, broker, claude } = await start();
    const first = await place(room, claude, buy);
    broker.fill(first.brokerClientId, '1', '1460');
    expect(await outcome(room, claude, buy)).toBe('granted');
    expect(await outcome(room, claude, buy)).toBe('waits');
    expect(await outcome(room, claude, draft({ side: 'sell', limit: '1451' }))).toBe('granted');
    expect(broker.sent.place).toHaveLength(3);
  });

  it('counts neither the other side nor what only reduced', async () => {
    const { room, broker, claude } = await start();
    const short = await place(room, claude, draft({ side: 'sell', qty: '2', limit: '1451' }));
    broker.fill(short.brokerClientId, '2', '1451');
    const back = await place(room, claude, draft({ side: 'buy', qty: '2', limit: LIMIT }));
    broker.fill(back.brokerClientId, '2', LIMIT);
    expect(await outcome(room, claude, draft({ side: 'buy', qty: '2', limit: LIMIT }))).toBe('granted');
    expect(await outcome(room, claude, buy)).toBe('waits');
  });

  it('gives back what is canceled unfilled', async () => {
    const { room, claude } = await start();
    await place(room, claude, buy);
    const second = await place(room, claude, buy);
    expect(await outcome(room, claude, buy)).toBe('waits');
    granted(
      await room.trading.cancelOrder(claude, second.orderId, {
        tool: 'cancel_order',
        digest: 'd',
        dryRun: false,
      }),
    );
    expect(await outcome(room, claude, buy)).toBe('granted');
  });

  it('counts a fill on the day it happens, whenever its order was placed', async () => {
    const { room, broker, claude } = await start();
    const old = await place(room, claude, draft({ side: 'buy', qty: '2', limit: LIMIT }));
    await tomorrow(room);
    broker.fill(old.brokerClientId, '2', '1460');
    expect(await outcome(room, claude, buy)).toBe('waits');
  });

  it('forgets yesterday’s fills', async () => {
    const { room, broker, claude } = await start();
    const old = await place(room, claude, draft({ side: 'buy', qty: '2', limit: LIMIT }));
    broker.fill(old.brokerClientId, '2', '1460');
    expect(await outcome(room, claude, buy)).toBe('waits');
    await tomorrow(room);
    expect(await outcome(room, claude, buy)).toBe('granted');
  });

  it('lets one that needs it wait, binds its key, sends nothing, and shows it in a preview', async () => {
    const { room, broker, claude } = await start();
    await place(room, claude, draft({ side: 'buy', qty: '2', limit: LIMIT }));
    const preview = granted(
      await room.trading.placeOrder(claude, buy, { kind: 'preview', tool: 'place_order', digest: 'd' }),
    );
    expect(preview.dryRun && preview.preview.needsApproval).toBe(true);
    expect(await outcome(room, claude, buy, 'k')).toBe('waits');
    expect(granted(await room.trading.orders(claude, { status: 'all', limit: 9 })).items).toHaveLength(2);
    // The key is the order's: another mandate does not make another order of it.
    room.agent('claude', { approval: 'never' });
    expect(await outcome(room, claude, buy, 'k')).toBe('waits');
    expect(broker.sent.place).toHaveLength(1);
  });

  it('counts nothing that a human approved, and nothing that waits for one', async () => {
    const { room, broker, claude } = await start();
    const { approvals } = room.trading.owner;
    expect(await outcome(room, claude, draft({ side: 'buy', qty: '3', limit: LIMIT }))).toBe('waits');
    expect(await outcome(room, claude, buy)).toBe('granted');
    const [card] = approvals.waiting();
    if (card === undefined) throw new Error('nothing waits');
    const sent = granted(await approvals.approve({ id: card.id, digest: card.digest, by: OWNER_CONSOLE }));
    if (sent.kind !== 'sent') throw new Error(sent.kind);
    broker.fill(sent.order.brokerClientId, '3', '1460');
    expect(await outcome(room, claude, buy)).toBe('granted');
    expect(await outcome(room, claude, buy)).toBe('waits');
  });

  it('stands before no reduction', async () => {
    const { room, broker, claude } = await start();
    const order = await place(room, claude, draft({ side: 'buy', qty: '2', limit: LIMIT }));
    broker.fill(order.brokerClientId, '2', '1460');
    room.agent('claude', { approval: 'always' });
    expect(await outcome(room, claude, buy)).toBe('waits');
    expect(await outcome(room, claude, draft({ side: 'sell', qty: '2', limit: '1451' }))).toBe('granted');
  });
});

describe('the accounts of a mandate', () => {
  it('add up to one amount', async () => {
    const [first, second] = [scriptedBroker(), scriptedBroker('second')];
    const room = await tradingRoom({ csv: MARKET, adapter: () => first, second });
    const claude = room.agent('claude', { approval: { above: '4380' }, accounts: ['paper', 'second'] });
    const there = draft({ side: 'buy', limit: LIMIT, account: 'second' });
    for (const order of [buy, there, buy]) expect(await outcome(room, claude, order)).toBe('granted');
    for (const order of [buy, there]) expect(await outcome(room, claude, order)).toBe('waits');
    expect([first.sent.place.length, second.sent.place.length]).toEqual([2, 1]);
  });
});

describe('a hundred orders at once', () => {
  it('go up to the amount, wait up to ten, and the others are refused', async () => {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: MARKET, adapter: () => broker });
    const claude = room.agent('claude', { approval: { above: String(1460 * 7) } });
    const letGo = holdBalance(broker);
    const answers = Array.from({ length: 100 }, () => outcome(room, claude, buy));
    letGo();
    const outcomes = await Promise.all(answers);
    const count = (of: string): number => outcomes.filter((one) => one === of).length;
    expect([count('granted'), count('waits'), count('max_pending_approvals')]).toEqual([7, 10, 83]);
    expect(broker.sent.place).toHaveLength(7);
  });
});

describe('an order that the owner approved', () => {
  async function start() {
    const broker = scriptedBroker();
    const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker });
    const claude = room.agent('claude', { approval: { above: '2000' } });
    const change = async (orderId: string, to: { readonly qty?: string; readonly limit?: string }) => {
      const asked = {
        orderId,
        ...(to.qty ? { qty: quantity(to.qty) } : {}),
        ...(to.limit ? { limitPrice: price(to.limit) } : {}),
      };
      const answer = await room.trading.modifyOrder(claude, asked, { ...commit(), tool: 'modify_order' });
      return answer.ok ? 'granted' : answer.error.reason;
    };
    return { room, broker, claude, change };
  }

  it('may be made smaller and its limit tighter, and is changed in no other way, however little it comes to', async () => {
    const { room, broker, claude, change } = await start();
    const { order, card } = await ask(room, claude, { qty: '21', limit: '96' });
    granted(await approveCard(room, card));
    expect(await change(order.orderId, { qty: '19', limit: '104.5' })).toBe('approval_required');
    expect(await change(order.orderId, { limit: '96.1' })).toBe('approval_required');
    expect(await change(order.orderId, { qty: '22', limit: '95.5' })).toBe('approval_required');
    expect(broker.sent.replace).toEqual([]);
    expect(await change(order.orderId, { limit: '95.8' })).toBe('granted');
    expect(await change(order.orderId, { qty: '10', limit: '95.5' })).toBe('granted');
    expect(await change(order.orderId, { qty: '5' })).toBe('granted');
    expect(await change(order.orderId, { qty: '6' })).toBe('approval_required');
    expect(await change(order.orderId, { limit: '95.6' })).toBe('approval_required');
  });

  it('is not made larger again after the owner cut it down', async () => {
    const { room, claude, change } = await start();
    const { order, card } = await ask(room, claude, { qty: '21', limit: '96' });
    granted(await approveCard(room, card, { qty: quantity('1') }));
    expect(await change(order.orderId, { qty: '19' })).toBe('approval_required');
    expect((await now(room, claude, order)).qty.toFixed()).toBe('1');
  });

  it('is a tighter sell at a higher price alone', async () => {
    const { room, claude, change } = await start();
    const { order, card } = await ask(room, claude, { side: 'sell', qty: '20', limit: '103' });
    granted(await approveCard(room, card));
    expect(await change(order.orderId, { limit: '102' })).toBe('approval_required');
    expect(await change(order.orderId, { limit: '104' })).toBe('granted');
  });

  it('is what was decided also under a mandate that asks for nothing any more', async () => {
    const { room, claude, change } = await start();
    const { order, card } = await ask(room, claude, { qty: '21', limit: '96' });
    granted(await approveCard(room, card));
    granted(room.access.mandates.set('claude', { ...WIDE_MANDATE, approval: 'never' }, OWNER_CLI));
    expect(await change(order.orderId, { qty: '22' })).toBe('approval_required');
  });
});
