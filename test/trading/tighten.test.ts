/** tighten_mandate at the order line: what no longer fits is taken back, a key acts once, and nothing that was spent is freed. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  PAPER,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
  WIDE_MANDATE,
} from '../support/trading-room.ts';

const CSV = flatTape('1400', 30);
const away = (room: TradingRoom): string => room.bid().minus('20').toFixed(2);
const how = (key?: string, digest = 'd', dryRun = false) => ({
  tool: 'tighten_mandate',
  digest,
  dryRun,
  ...(key === undefined ? {} : { idempotencyKey: key }),
});
const tighten = (room: TradingRoom, who: Principal, fields: unknown, commit = how()) =>
  room.trading.tightenMandate(who, fields, commit);

describe('a mandate that its agent makes tighter', () => {
  it('takes back the adding orders that no longer fit, names them, and leaves the rest', async () => {
    const room = await tradingRoom({ csv: CSV });
    const claude = room.agent('claude');
    const small = await place(room, claude, draft({ side: 'buy', qty: '1', limit: away(room) }));
    const large = await place(room, claude, draft({ side: 'buy', qty: '5', limit: away(room) }));
    const looked = granted(await tighten(room, claude, { max_order_qty: '2' }, how(undefined, 'd', true)));
    expect(looked).toMatchObject({ dryRun: true, changed: ['max_order_qty'], canceling: [large.orderId] });
    expect((await now(room, claude, large)).status).toBe('open');
    expect(room.events('mandate.tightened')).toEqual([]);

    const done = granted(await tighten(room, claude, { max_order_qty: '2' }));
    expect(done).toMatchObject({ dryRun: false, version: 2, canceling: [large.orderId] });
    await room.play(1);
    expect((await now(room, claude, large)).status).toBe('canceled');
    expect((await now(room, claude, small)).status).toBe('open');
    expect(room.events('mandate.tightened')).toMatchObject([
      { agent: 'claude', detail: { canceling: [large.orderId], after: { max_order_qty: '2' } } },
    ]);
    const story = granted(await room.trading.order(claude, large.orderId)).timeline;
    expect(story.map(({ detail }) => detail)).toContain('canceled: it no longer fits the mandate');
    expect(
      refusal(
        await room.trading.placeOrder(claude, draft({ side: 'buy', qty: '5', limit: away(room) }), commit()),
      ).reason,
    ).toBe('max_order_qty');
  });

  it.each([
    ['its asset class', { asset_classes: ['equity', 'crypto'] }, { side: 'buy', limit: '1380' }],
    ['its symbol', { symbols: ['BTC/USD'] }, { side: 'buy', limit: '1380' }],
    ['its side', { sides: ['sell'] }, { side: 'buy', limit: '1380' }],
    ['its type', { order_types: ['market'] }, { side: 'buy', limit: '1380' }],
    ['its value', { max_order_value: '1379.99' }, { side: 'buy', limit: '1380' }],
    ['that it would open a short', { allow_short: false }, { side: 'sell', limit: '1420' }],
    ['that the mandate is over', { expires_at: '2020-01-01T00:00:00Z' }, { side: 'buy', limit: '1380' }],
  ] as const)('takes back an order for %s', async (_why, fields, words) => {
    const room = await tradingRoom({ csv: CSV });
    const claude = room.agent('claude');
    const order = await place(room, claude, draft(words));
    expect(granted(await tighten(room, claude, fields)).canceling).toEqual([order.orderId]);
    await room.play(1);
    expect((await now(room, claude, order)).status).toBe('canceled');
  });

  it('never touches what protects a position, nor what another agent has at work', async () => {
    const room = await tradingRoom({ csv: CSV });
    const [claude, cursor] = [room.agent('claude'), room.agent('cursor')];
    await place(room, claude, draft({ side: 'buy', qty: '2', stopLoss: '1350' }));
    await room.play(1);
    const others = await place(room, cursor, draft({ side: 'buy', qty: '5', limit: away(room) }));
    const { canceling } = granted(
      await tighten(room, claude, { max_order_qty: '0', sides: ['buy'], order_types: ['limit'] }),
    );
    expect(canceling).toEqual([]);
    await room.play(1);
    const open = granted(await room.trading.orders(claude, { status: 'open', limit: 10 })).items;
    expect(open.map(({ type, status }) => [type, status])).toEqual([['stop', 'open']]);
    expect((await now(room, cursor, others)).status).toBe('open');
    // The position can still be closed: what reduces needs no room in a mandate.
    const closed = granted(
      await room.trading.closePosition(
        claude,
        { account: PAPER, symbol: 'SPX' },
        { ...how(), tool: 'close' },
      ),
    );
    expect(closed.dryRun).toBe(false);
  });

  it('keeps the owner’s tests of it, whatever they say of what is tighter now', async () => {
    const order = { symbol: 'SPX', side: 'buy', type: 'market', qty: '5', price: '1400' };
    const tests = [{ order, expect: 'allow' }];
    const room = await tradingRoom({ csv: CSV });
    const claude = room.agent('claude', { tests });
    expect(granted(await tighten(room, claude, { max_order_qty: '1' })).mandate).not.toHaveProperty('tests');
    expect(room.access.mandates.current(claude.agent)?.document).toMatchObject({ tests, max_order_qty: '1' });
    expect(refusal(await tighten(room, claude, { tests: [] })).reason).toBe('invalid_input');
  });

  it('acts at once on a loss that is over the new limit already', async () => {
    const room = await tradingRoom({ csv: CSV, paper: { preset: 'realistic' } });
    const claude = room.agent('claude');
    await place(room, claude, draft({ side: 'buy', qty: '5' }));
    await room.play(2);
    const resting = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    granted(await tighten(room, claude, { max_daily_loss: '0.01' }));
    await room.play(2);
    expect(room.access.agents.stateOf(claude.agent)).toEqual({ state: 'REDUCING', reason: 'daily_loss' });
    expect((await now(room, claude, resting)).status).toBe('canceled');
  });
});

describe('a call with a key', () => {
  it('acts once: the same key is answered as it was, after a restart and after the owner set another mandate too', async () => {
    const room = await tradingRoom({ csv: CSV });
    const claude = room.agent('claude');
    const first = granted(await tighten(room, claude, { max_open_orders: 3 }, how('k')));
    granted(room.access.mandates.set('claude', WIDE_MANDATE, OWNER_CLI));
    expect(granted(await tighten(room, claude, { max_open_orders: 3 }, how('k')))).toEqual(first);
    expect(room.access.mandates.current(claude.agent)?.document.max_open_orders).toBe(
      WIDE_MANDATE.max_open_orders,
    );
    expect(refusal(await tighten(room, claude, { max_open_orders: 2 }, how('k', 'other'))).reason).toBe(
      'idempotency_conflict',
    );
    const again = await room.restart();
    expect(granted(await tighten(again, claude, { max_open_orders: 3 }, how('k')))).toEqual(first);
    expect(again.events('mandate.tightened')).toHaveLength(1);
  });

  it('that was refused binds nothing', async () => {
    const room = await tradingRoom({ csv: CSV, mandate: { max_open_orders: 5 } });
    const claude = room.agent('claude');
    expect(refusal(await tighten(room, claude, { max_open_orders: 6 }, how('k'))).reason).toBe(
      'loosening_refused',
    );
    expect(granted(await tighten(room, claude, { max_open_orders: 4 }, how('k', 'e'))).version).toBe(2);
  });

  it('needs a live credential that may trade; a halted agent may still take from itself, a killed gate answers nobody', async () => {
    const room = await tradingRoom({ csv: CSV });
    const claude = room.agent('claude');
    const reader: Principal = { ...claude, scopes: new Set(['read:account']) };
    expect(refusal(await tighten(room, reader, { max_open_orders: 1 })).reason).toBe('insufficient_scope');
    granted(await room.trading.haltTrading(claude, 'enough'));
    granted(await tighten(room, claude, { max_open_orders: 1 }));
    expect(room.access.agents.stateOf(claude.agent).state).toBe('HALTED');
    await room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    expect(refusal(await tighten(room, claude, { max_open_orders: 0 })).reason).toBe('trading_halted');
    expect(room.access.mandates.current(claude.agent)?.document.max_open_orders).toBe(1);
  });
});

describe('what was spent in an account that the mandate no longer names', () => {
  async function spent(rules: object) {
    const second = scriptedBroker('second');
    const room = await tradingRoom({ csv: CSV, second });
    const claude = room.agent('claude', { accounts: ['paper', 'second'], ...rules });
    const there = draft({ account: 'second', side: 'buy', qty: '1', limit: room.ask().toFixed(2) });
    const order = await place(room, claude, there);
    second.fill(order.brokerClientId, '1', '1400');
    await room.play(1);
    expect((await now(room, claude, order)).status).toBe('filled');
    return { room, claude, one: draft({ side: 'buy', qty: '1', limit: away(room) }) };
  }

  it.each([
    ['max_daily_value', '2000'],
    ['max_gross_exposure', '2000'],
    ['max_daily_orders', 1],
  ])('is still spent: %s is no larger than before', async (limit, max) => {
    const { room, claude, one } = await spent({ [limit]: max });
    expect(refusal(await room.trading.placeOrder(claude, one, commit())).reason).toBe(limit);
    granted(await tighten(room, claude, { accounts: ['paper'] }));
    expect(refusal(await room.trading.placeOrder(claude, one, commit())).reason).toBe(limit);
    const view = granted(await room.trading.mandate(claude));
    expect(view.used.map(({ account }) => account)).toEqual([PAPER]);
    expect(view.left.map(({ account }) => account)).toEqual([PAPER]);
    if (limit === 'max_daily_orders') expect(view.left[0]?.dailyOrders).toBe(0);
    if (limit === 'max_daily_value') expect(view.left[0]?.dailyValue.toFixed()).toBe('600');
  });

  it('nor does a mandate of the owner’s that names another account begin the day anew', async () => {
    const { room, claude, one } = await spent({ max_daily_orders: 1 });
    const elsewhere = { ...WIDE_MANDATE, accounts: ['paper'], max_daily_orders: 1 };
    granted(room.access.mandates.set('claude', elsewhere, OWNER_CLI));
    expect(refusal(await room.trading.placeOrder(claude, one, commit())).reason).toBe('max_daily_orders');
  });
});
