/** What passes in each trading state: of an agent, of an account, of the gateway; the strictest wins. */
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { ask, close, holder, type Scene, scene } from '../support/reducing-scene.ts';
import { commit, draft, granted, now, own, place, reduce, refusal } from '../support/trading-room.ts';

/** Brings an agent with 10 long, a working adding buy and a working reducing sale into a state. */
const STATES: { readonly [name: string]: (it: Scene, claude: Principal) => Promise<void> | void } = {
  'halted by itself': async (it, claude) => void granted(await it.room.trading.haltTrading(claude, 'enough')),
  'halted by the owner': (it) => void granted(it.room.access.agents.halt('claude', OWNER_CLI, 'stop')),
  'mandate revoked': (it) => void granted(it.room.access.mandates.revoke('claude', OWNER_CLI)),
  'mandate expired': (it) => it.room.clock.setWall(Date.UTC(2026, 0, 5, 13)),
  'loss of the day': (it) => it.room.agent('claude', { ...RULES, max_daily_loss: '0.1' }) && undefined,
  'account reducing': (it) => account(it, 'REDUCING'),
  'account halted': (it) => account(it, 'HALTED'),
  'gateway reducing': (it) =>
    it.room.store.transaction(() => it.room.access.setGatewayState('REDUCING', 'calm down')),
};
const RULES = { expires_at: '2026-01-05T13:00:00Z' } as const;

function account(it: Scene, state: string): void {
  it.room.store.db
    .prepare(
      `INSERT INTO accounts (id, broker, mode, currency, settings, trading_state, created_at) VALUES ('paper', 'scripted', 'paper', 'USD', '{}', ?, 0)`,
    )
    .run(state);
}

describe.each([
  // state, adding, reducing order, cut of the adding order (canceled where the agent itself is stopped), close
  ['halted by itself', 'trading_halted', 'trading_halted', 'canceled', 'sell 10'],
  ['halted by the owner', 'trading_halted', 'trading_halted', 'canceled', 'sell 10'],
  ['mandate revoked', 'trading_reducing', 'reducing', 'canceled', 'sell 10'],
  ['mandate expired', 'mandate_expired', 'reducing', 'canceled', 'sell 10'],
  ['loss of the day', 'trading_reducing', 'reducing', 'canceled', 'sell 10'],
  ['account reducing', 'trading_reducing', 'reducing', 'cut', 'sell 10'],
  ['account halted', 'trading_halted', 'trading_halted', 'trading_halted', 'sell 10'],
  ['gateway reducing', 'trading_reducing', 'reducing', 'canceled', 'sell 10'],
] as const)('%s', (name, adding, reducing, cut, closing) => {
  async function start() {
    const it = await scene();
    const claude = await holder(it, 'claude', '10', RULES, '1451');
    const buy = await place(it.room, claude, draft({ side: 'buy', qty: '2', limit: '1440' }));
    const sale = await place(it.room, claude, draft({ side: 'sell', qty: '4', limit: '1500' }));
    await STATES[name]?.(it, claude);
    // Ten bought at 1451 and marked at 1450; the watch looks once a second.
    await it.room.play(2);
    return { it, claude, buy, sale };
  }

  it(`an adding order: ${adding}; a reducing one: ${reducing}`, async () => {
    const { it, claude } = await start();
    const sent = it.broker.sent.place.length;
    expect(await ask(it, claude, { side: 'buy', qty: '1', limit: '1440' })).toBe(adding);
    expect(it.broker.sent.place).toHaveLength(sent);
    expect(await ask(it, claude, { side: 'sell', qty: '6', limit: '1490' })).toBe(reducing);
  });

  it(`the working adding order: ${cut}; the reducing one stays`, async () => {
    const { it, claude, buy, sale } = await start();
    const before = await now(it.room, claude, buy);
    if (cut === 'canceled') expect(before.status).toBe('canceled');
    else {
      expect(before.status).toBe('open');
      const smaller = await it.room.trading.modifyOrder(
        claude,
        { orderId: buy.orderId, qty: quantity('1') },
        commit(),
      );
      expect(smaller.ok ? 'cut' : smaller.error.reason).toBe(cut);
      const larger = await it.room.trading.modifyOrder(
        claude,
        { orderId: buy.orderId, qty: quantity('3') },
        commit(),
      );
      expect(refusal(larger).reason).toBe(adding);
    }
    expect((await now(it.room, claude, sale)).status).toBe('open');
    granted(await it.room.trading.cancelOrder(claude, sale.orderId, reduce()));
    expect((await now(it.room, claude, sale)).status).toBe('canceled');
  });

  it(`a close: ${closing}`, async () => {
    const { it, claude } = await start();
    expect(await close(it, claude)).toBe(closing);
    it.broker.fill(it.broker.sent.place.at(-1) ?? '', '10', '1450');
    expect(await own(it.room, claude)).toBe('0');
  });
});

describe('what was under way when an agent was stopped', () => {
  it('is canceled when the broker acknowledges it later', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    it.broker.silent = true;
    it.broker.deaf = true;
    it.broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    it.broker.next.cancel.push({ effect: 'lose', answer: 'unknown' }, { effect: 'lose', answer: 'unknown' });
    const order = await place(it.room, claude, draft({ side: 'buy', qty: '2', limit: '1440' }));
    expect(order.status).toBe('unknown');
    granted(it.room.access.mandates.revoke('claude', OWNER_CLI));
    await it.room.play(1);
    it.broker.deaf = false;
    it.broker.release();
    await it.room.play(20);
    expect(it.broker.order(order.brokerClientId)?.status).toBe('canceled');
    expect((await now(it.room, claude, order)).status).toBe('canceled');
    expect(it.broker.sent.place).toHaveLength(1);
  });

  it('keeps the legs of what was filled, and takes the unfilled rest', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    const entry = await place(
      it.room,
      claude,
      draft({ side: 'buy', qty: '10', limit: '1460', takeProfit: '1500', stopLoss: '1400' }),
    );
    it.broker.fill(entry.brokerClientId, '4', '1450');
    granted(it.room.access.mandates.revoke('claude', OWNER_CLI));
    await it.room.play(2);
    expect((await now(it.room, claude, entry)).status).toBe('canceled');
    const { items } = granted(await it.room.trading.orders(claude, { status: 'open', limit: 9 }));
    expect(items.map((order) => order.role).sort()).toEqual(['stop_loss', 'take_profit']);
  });

  it('is left alone by a kill that was told to cancel nothing', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    const order = await place(it.room, claude, draft({ side: 'buy', qty: '2', limit: '1440' }));
    await it.room.trading.kill({ cancel: 'none', flatten: false, by: 'cli' });
    await it.room.play(5);
    expect(it.broker.order(order.brokerClientId)?.status).toBe('open');
  });
});

describe('the strictest state wins', () => {
  it('a halt of the agent stands while the gateway only reduces', async () => {
    const it = await scene();
    const claude = await holder(it, 'claude', '10');
    granted(await it.room.trading.haltTrading(claude, 'enough'));
    it.room.store.transaction(() => it.room.access.setGatewayState('REDUCING', 'calm down'));
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })).toBe('trading_halted');
    account(it, 'REDUCING');
    expect(await ask(it, claude, { side: 'sell', qty: '1', limit: '1500' })).toBe('trading_halted');
    expect(await close(it, claude)).toBe('sell 10');
  });

  it('halt_trading halts its caller only', async () => {
    const it = await scene();
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    granted(await it.room.trading.haltTrading(claude, 'enough'));
    granted(await it.room.trading.haltTrading(claude, 'again'));
    expect(await ask(it, claude, { side: 'buy', qty: '1' })).toBe('trading_halted');
    expect(await ask(it, cursor, { side: 'buy', qty: '1' })).toBe('adding');
    granted(it.room.access.agents.lift('claude', OWNER_CLI));
    expect(await ask(it, claude, { side: 'buy', qty: '1' })).toBe('adding');
  });
});

describe('a mandate with every limit at zero', () => {
  it('can still close, cancel and cut, and nothing else', async () => {
    const it = await scene();
    const zero = {
      max_order_qty: '0',
      max_order_value: '0',
      max_daily_value: '0',
      max_daily_orders: 0,
      max_daily_loss: '0',
      max_open_orders: 0,
      max_gross_exposure: '0',
      approval: 'always',
      commit: 'two_step',
    } as const;
    const claude = await holder(it, 'claude', '10');
    it.room.agent('claude', zero);
    expect(await ask(it, claude, { side: 'buy', qty: '1' })).not.toBe('adding');
    expect(await ask(it, claude, { side: 'sell', qty: '4', limit: '1500' })).toBe('reducing');
    const [sale] = granted(await it.room.trading.orders(claude, { status: 'open', limit: 1 })).items;

    granted(
      await it.room.trading.modifyOrder(
        claude,
        { orderId: sale?.orderId ?? '', qty: quantity('3') },
        commit(),
      ),
    );
    granted(await it.room.trading.cancelOrder(claude, sale?.orderId ?? '', reduce()));
    expect(await close(it, claude)).toBe('sell 10');
  });
});
