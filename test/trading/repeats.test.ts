/** The throttle of repeats: who is refused or sends too often may only reduce, through restarts, until the owner lifts it. */
import { describe, expect, it } from 'vitest';
import { price, quantity } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { QUOTE_AGE_MAX_MS } from '#limits.ts';
import { settled } from '../support/limit-storm.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
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
const THROTTLE = {
  refusals: { count: 3, per: 'minute' },
  executions: { count: 3, per: 'minute' },
} as const;

async function scene(options: RoomOptions = {}): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({
    csv: flatTape('1450', 300),
    adapter: () => broker,
    throttle: THROTTLE,
    ...options,
  });
  return { room, broker, claude: room.agent('claude', { max_order_qty: '5', allow_short: false }) };
}

const buy = draft({ side: 'buy', limit: '1440' });
const tooMuch = draft({ side: 'buy', qty: '6', limit: '1440' });
async function ask(room: TradingRoom, who: Principal, order = buy): Promise<string> {
  const answer = await room.trading.placeOrder(who, order, commit());
  return answer.ok ? 'granted' : answer.error.reason;
}
const stateOf = (room: TradingRoom, who: Principal): string => {
  const { state, reason } = room.access.agents.stateOf(who.agent);
  return reason === null ? state : `${state} ${reason}`;
};
const lift = (room: TradingRoom): unknown => granted(room.access.agents.lift('claude', OWNER_CLI));
const breaches = (room: TradingRoom): readonly unknown[] =>
  room.events('limit.breached').map(({ agent, detail }) => [agent, detail?.['limit'], detail?.['max']]);

describe('orders that are refused again and again', () => {
  it('stop the agent with the last one, and its adding orders are taken back', async () => {
    const { room, broker, claude } = await scene();
    const working = await place(room, claude, buy);
    for (const _ of [1, 2]) expect(await ask(room, claude, tooMuch)).toBe('max_order_qty');
    expect(stateOf(room, claude)).toBe('ACTIVE');
    expect(await ask(room, claude, tooMuch)).toBe('max_order_qty');
    expect(stateOf(room, claude)).toBe('REDUCING repeated_refusals');
    // At once, before any second has passed.
    await settled();
    expect((await now(room, claude, working)).status).toBe('canceled');
    expect(await ask(room, claude)).toBe('trading_reducing');
    expect(breaches(room)).toEqual([['claude', 'repeated_refusals', '3']]);
    expect(broker.sent.place).toHaveLength(1);
  });

  it('are counted within a sliding window, and one that passes in between changes nothing', async () => {
    const { room, claude } = await scene();
    await ask(room, claude, tooMuch);
    room.clock.advance(30_000);
    await ask(room, claude, tooMuch);
    await place(room, claude, buy);
    room.clock.advance(29_999);
    room.feed.start();
    await room.play(1);
    // The first one is a minute old by now, and counts no more.
    await ask(room, claude, tooMuch);
    expect(stateOf(room, claude)).toBe('ACTIVE');
    await ask(room, claude, tooMuch);
    expect(stateOf(room, claude)).toBe('REDUCING repeated_refusals');
  });

  it('are no previews, no repeats of a key, nobody else’s, and not what an agent hears when it is stopped already', async () => {
    const { room, claude } = await scene();
    const cursor = room.agent('cursor', { max_order_qty: '5' });
    const once = commit('the-same-key');
    for (const _ of [1, 2, 3, 4]) {
      await room.trading.placeOrder(claude, tooMuch, { kind: 'preview', tool: 'place_order', digest: 'd' });
      await room.trading.placeOrder(claude, tooMuch, once);
    }
    for (const _ of [1, 2]) await ask(room, cursor, tooMuch);
    expect([stateOf(room, claude), stateOf(room, cursor)]).toEqual(['ACTIVE', 'ACTIVE']);
    granted(room.access.agents.halt('claude', OWNER_CLI, 'a pause'));
    for (const _ of [1, 2, 3, 4]) expect(await ask(room, claude)).toBe('trading_halted');
    lift(room);
    expect(stateOf(room, claude)).toBe('ACTIVE');
    await ask(room, claude, tooMuch);
    expect(stateOf(room, claude)).toBe('ACTIVE');
    await ask(room, claude, tooMuch);
    expect([stateOf(room, claude), stateOf(room, cursor)]).toEqual(['REDUCING repeated_refusals', 'ACTIVE']);
  });

  it('are counted with refused changes of an order', async () => {
    const { room, claude } = await scene();
    const { orderId } = await place(room, claude, buy);
    const order = granted(await room.trading.order(claude, orderId)).order;
    const qty = draft({ side: 'buy', qty: '9' }).size;
    for (const _ of [1, 2, 3])
      await room.trading.modifyOrder(
        claude,
        { orderId: order.orderId, ...(qty.kind === 'qty' ? { qty: qty.qty } : {}) },
        { ...commit(), tool: 'modify_order' },
      );
    expect(stateOf(room, claude)).toBe('REDUCING repeated_refusals');
  });

  it('leave closing open', async () => {
    const { room, broker, claude } = await scene();
    const order = await place(room, claude, buy);
    broker.fill(order.brokerClientId, '1', '1440');
    for (const _ of [1, 2, 3]) await ask(room, claude, tooMuch);
    expect(stateOf(room, claude)).toBe('REDUCING repeated_refusals');
    expect(await ask(room, claude, draft({ side: 'sell', limit: '1451' }))).toBe('granted');
  });

  it('are not forgotten by a restart, before the last one and after it', async () => {
    const { room, claude } = await scene();
    for (const _ of [1, 2]) await ask(room, claude, tooMuch);
    const second = await room.restart();
    expect(stateOf(second, claude)).toBe('ACTIVE');
    await ask(second, claude, tooMuch);
    expect(stateOf(second, claude)).toBe('REDUCING repeated_refusals');
    const third = await second.restart();
    expect(stateOf(third, claude)).toBe('REDUCING repeated_refusals');
    expect(await ask(third, claude)).toBe('trading_reducing');
    // A new day and a new mandate end nothing: only the owner does.
    third.clock.setWall(third.clock.wallMs() + 2 * 86_400_000);
    third.agent('claude', { max_order_qty: '5' });
    expect(stateOf(third, claude)).toBe('REDUCING repeated_refusals');
  });
});

describe('orders that are sent again and again', () => {
  it('pass up to the limit; the one after it is refused, and stops the agent', async () => {
    const { room, broker, claude } = await scene();
    for (const _ of [1, 2, 3]) expect(await ask(room, claude)).toBe('granted');
    expect(stateOf(room, claude)).toBe('ACTIVE');
    expect(await ask(room, claude)).toBe('trading_reducing');
    expect(stateOf(room, claude)).toBe('REDUCING repeated_executions');
    expect(breaches(room)).toEqual([['claude', 'repeated_executions', '3']]);
    await room.play(1);
    expect(granted(await room.trading.orders(claude, { status: 'open', limit: 9 })).items).toEqual([]);
    expect(broker.sent.place).toHaveLength(3);
  });

  it('pass again once a window has gone by', async () => {
    const { room, claude } = await scene();
    for (const _ of [1, 2, 3]) expect(await ask(room, claude)).toBe('granted');
    room.clock.advance(59_000);
    await room.play(1);
    expect(await ask(room, claude)).toBe('granted');
    expect(stateOf(room, claude)).toBe('ACTIVE');
  });

  it('are not forgotten by a restart', async () => {
    const { room, claude } = await scene();
    for (const _ of [1, 2, 3]) await ask(room, claude);
    const second = await room.restart();
    expect(await ask(second, claude)).toBe('trading_reducing');
    expect(stateOf(second, claude)).toBe('REDUCING repeated_executions');
  });

  it('are not what only reduces, and the owner’s own are nobody’s', async () => {
    const { room, broker, claude } = await scene();
    const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: '1440' }));
    broker.fill(order.brokerClientId, '5', '1440');
    for (const _ of [1, 2, 3, 4])
      expect(await ask(room, claude, draft({ side: 'sell', limit: '1451' }))).toBe('granted');
    for (const key of ['a', 'b', 'c', 'd', 'e'])
      granted(await room.trading.owner.placeOrder(draft({ side: 'buy', limit: '1430' }), key));
    expect(stateOf(room, claude)).toBe('ACTIVE');
  });
});

describe('the owner’s lift', () => {
  it('ends it, and it is counted anew', async () => {
    const { room, claude } = await scene();
    for (const _ of [1, 2, 3]) await ask(room, claude, tooMuch);
    lift(room);
    expect(stateOf(room, claude)).toBe('ACTIVE');
    expect(await ask(room, claude)).toBe('granted');
    for (const _ of [1, 2]) await ask(room, claude, tooMuch);
    expect(stateOf(room, claude)).toBe('ACTIVE');
    await ask(room, claude, tooMuch);
    expect(breaches(room)).toHaveLength(2);
    expect(room.events('agent.reducing_ended')).toHaveLength(1);
  });

  it('holds when nothing ran meanwhile', async () => {
    const { room, claude } = await scene();
    for (const _ of [1, 2, 3]) await ask(room, claude, tooMuch);
    lift(room);
    const second = await room.restart();
    expect(stateOf(second, claude)).toBe('ACTIVE');
    await ask(second, claude, tooMuch);
    expect(stateOf(second, claude)).toBe('ACTIVE');
  });
});

describe('what an agent could not have known', () => {
  it('self-matches, a silent feed and others’ messages stop no agent', async () => {
    const { room, claude } = await scene();
    await place(room, room.agent('other'), draft({ side: 'sell', qty: '1', limit: '1451' }));
    for (const _ of [1, 2, 3, 4]) expect(await ask(room, claude, draft({ side: 'buy' }))).toBe('self_match');
    room.feed.stop();
    await room.clock.advanceAsync(QUOTE_AGE_MAX_MS + 1_000);
    for (const _ of [1, 2, 3, 4]) expect(await ask(room, claude)).toBe('stale_price');
    expect(stateOf(room, claude)).toBe('ACTIVE');
    const later = await room.restart();
    expect(await ask(later, claude)).not.toBe('trading_reducing');
    expect(stateOf(later, claude)).toBe('ACTIVE');
  });
});

describe('changes', () => {
  it('count as what was sent; what only takes away does not', async () => {
    const { room, broker, claude } = await scene();
    const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: '1440' }));
    const change = async (
      to: { readonly limitPrice: string } | { readonly qty: string },
    ): Promise<string> => {
      const asked = 'qty' in to ? { qty: quantity(to.qty) } : { limitPrice: price(to.limitPrice) };
      const answer = await room.trading.modifyOrder(
        claude,
        { orderId: order.orderId, ...asked },
        { ...commit(), tool: 'modify_order' },
      );
      return answer.ok ? 'granted' : answer.error.reason;
    };
    for (const qty of ['4', '3', '2']) expect(await change({ qty })).toBe('granted');
    expect(await change({ limitPrice: '1439' })).toBe('granted');
    expect(await change({ limitPrice: '1438' })).toBe('granted');
    expect(stateOf(room, claude)).toBe('ACTIVE');
    expect(await change({ limitPrice: '1437' })).toBe('trading_reducing');
    expect(stateOf(room, claude)).toBe('REDUCING repeated_executions');
    expect(broker.sent.replace).toHaveLength(5);
  });
});
