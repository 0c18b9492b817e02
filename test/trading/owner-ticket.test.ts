/** The owner's ticket: the line of everybody's orders, without a mandate, and never sent twice. */
import { describe, expect, it } from 'vitest';
import { accountId, OWNER_HOLDER } from '#domain/principal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  draft,
  granted,
  now,
  own,
  PAPER,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

const KILL = { cancel: 'adding', flatten: false } as const;
const away = (room: TradingRoom): string => room.bid().minus('20').toFixed(2);
const count = (room: TradingRoom, table: string): unknown =>
  room.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
const statusOf = (room: TradingRoom, orderId: string): string =>
  granted(room.trading.owner.order(orderId)).order.status;
const held = (room: TradingRoom): string | undefined =>
  room.trading.owner.positions({ agent: 'owner', status: 'all' })[0]?.qty.toFixed();

async function scene(orders: 'filled' | 'resting' | 'none' = 'none') {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const { owner } = room.trading;
  if (orders !== 'none') {
    const limit = orders === 'resting' ? away(room) : undefined;
    const order = granted(
      await owner.placeOrder(draft({ side: 'buy', qty: '2', ...(limit ? { limit } : {}) }), 'first'),
    );
    if (orders === 'filled') broker.fill(order.brokerClientId, '2', '1400');
    return { broker, room, owner, order };
  }
  return { broker, room, owner, order: undefined };
}

describe('a ticket', () => {
  it('is sent, filled and held by the owner, with the owner named on every line of the record', async () => {
    const room = await tradingRoom();
    const { owner } = room.trading;
    const order = granted(
      await owner.placeOrder(draft({ side: 'buy', qty: '2', clientOrderId: 'mine' }), 'k1'),
    );
    await room.play(1);
    const story = granted(owner.order(order.orderId));
    expect(story.order).toMatchObject({
      agent: 'owner',
      agentName: 'owner',
      credential: 'owner',
      status: 'filled',
      effect: 'adding',
      clientOrderId: 'mine',
    });
    expect(story.timeline.map(({ status }) => status)).toEqual(['received', 'submitting', 'open', 'filled']);
    expect(story.trades.map(({ qty }) => qty.toFixed())).toEqual(['2']);
    expect(held(room)).toBe('2');
    const lines = room.events().filter(({ detail }) => detail?.['order_id'] === order.orderId);
    expect(lines.map(({ kind }) => kind)).toContain('order.executed');
    expect(lines.every(({ agent }) => agent === 'owner')).toBe(true);
    const [created, cleared] = lines.map((line) => [
      Reflect.get(line, 'credential'),
      Reflect.get(line, 'door'),
    ]);
    expect(created).toEqual(['owner', 'console']);
    expect(cleared).toEqual(['owner', 'console']);
  });

  it('has its bracket, whose legs close the owner’s position', async () => {
    const room = await tradingRoom();
    const { owner } = room.trading;
    const takeProfit = room.ask().plus('50').toFixed(2);
    const stopLoss = room.bid().minus('60').toFixed(2);
    const order = granted(
      await owner.placeOrder(draft({ side: 'buy', qty: '2', takeProfit, stopLoss }), 'k1'),
    );
    await room.play(1);
    const { legs } = granted(owner.order(order.orderId));
    expect(legs.map(({ role, status, held: waits }) => [role, status, waits])).toEqual([
      ['take_profit', 'open', false],
      ['stop_loss', 'open', false],
    ]);
    const [position] = owner.positions({ status: 'open' });
    expect(position?.takeProfit?.toFixed()).toBe(legs[0]?.limitPrice?.toFixed());
    expect(position?.stopLoss?.toFixed()).toBe(legs[1]?.stopPrice?.toFixed());
    const [leg] = legs;
    const seen = granted(owner.order(leg?.orderId ?? ''));
    expect(seen.legs.map(({ orderId }) => orderId)).toEqual([order.orderId, legs[1]?.orderId]);
  });

  it('may be given as a value, which is turned into units', async () => {
    const { room, owner } = await scene();
    const order = granted(await owner.placeOrder(draft({ side: 'buy', notional: '5000' }), 'k1'));
    expect(order.qty.gt('0') && order.qty.times(room.ask()).lte('5000')).toBe(true);
  });

  it.each([
    ['off its tick', { limit: '1400.003' }, 'off_tick'],
    ['off its lot', { qty: '0.5' }, 'off_lot'],
    ['outside the collar', { limit: '9000' }, 'price_collar'],
    ['beyond the buying power', { qty: '1000000' }, 'buying_power'],
    ['of an instrument nobody knows', { symbol: 'NOPE' }, 'unknown_symbol'],
    ['of an instrument without a market here', { symbol: 'AAPL' }, 'not_tradable'],
    ['in an account that is not there', { account: 'nowhere' }, 'not_found'],
  ])('%s is refused and never sent', async (_what, words, reason) => {
    const { broker, owner } = await scene();
    expect(refusal(await owner.placeOrder(draft({ side: 'buy', ...words }), 'k1')).reason).toBe(reason);
    expect(broker.sent.place).toEqual([]);
  });

  it('on a price that has grown stale is refused', async () => {
    const { broker, room, owner } = await scene();
    room.feed.stop();
    await room.clock.advanceAsync(31_000);
    expect(refusal(await owner.placeOrder(draft({ side: 'buy' }), 'k1')).reason).toBe('stale_price');
    expect(broker.sent.place).toEqual([]);
  });

  it('is one of ten a second in its account, together with those of the agents', async () => {
    const { broker, room, owner } = await scene();
    const claude = room.agent('claude');
    for (let n = 0; n < 9; n++) await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    granted(await owner.placeOrder(draft({ side: 'buy', limit: away(room) }), 'k1'));
    expect(refusal(await owner.placeOrder(draft({ side: 'buy', limit: away(room) }), 'k2')).reason).toBe(
      'throttled',
    );
    expect(broker.sent.place).toHaveLength(10);
  });

  it('waits for the books: an account that is not compared yet takes none', async () => {
    const broker = scriptedBroker();
    broker.deaf = true;
    const room = await tradingRoom({ adapter: () => broker });
    expect(refusal(await room.trading.owner.placeOrder(draft({ side: 'buy' }), 'k1')).reason).toBe(
      'reconciling',
    );
    expect(refusal(await room.trading.owner.preview(draft({ side: 'buy' }))).reason).toBe('reconciling');
    expect(broker.sent.place).toEqual([]);
  });

  it('is unknown when the broker does not say, is not sent again, and waits for the owner', async () => {
    const { broker, owner } = await scene();
    broker.silent = true;
    broker.deaf = true;
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    const order = granted(await owner.placeOrder(draft({ side: 'buy' }), 'k1'));
    expect(order.status).toBe('unknown');
    expect(granted(await owner.placeOrder(draft({ side: 'buy' }), 'k1')).orderId).toBe(order.orderId);
    expect(broker.sent.place).toHaveLength(1);
    expect(owner.waiting().items).toMatchObject([
      { kind: 'order_unknown', orderId: order.orderId, agentName: 'owner' },
    ]);
  });
});

describe('the same form', () => {
  const buy = draft({ side: 'buy', qty: '2' });

  it('sent twice is one order', async () => {
    const { broker, room, owner } = await scene();
    const first = granted(await owner.placeOrder(buy, 'k1'));
    const again = granted(await owner.placeOrder(buy, 'k1'));
    expect(again.orderId).toBe(first.orderId);
    expect(broker.sent.place).toHaveLength(1);
    expect(count(room, 'orders')).toBe(1);
  });

  it('sent several times at once is one order', async () => {
    const { broker, room, owner } = await scene();
    const all = await Promise.all(Array.from({ length: 5 }, () => owner.placeOrder(buy, 'k1')));
    expect(new Set(all.map((one) => granted(one).orderId)).size).toBe(1);
    expect(broker.sent.place).toHaveLength(1);
    expect(count(room, 'orders')).toBe(1);
  });

  it('is one order after a restart too', async () => {
    const room = await tradingRoom();
    const first = granted(await room.trading.owner.placeOrder(buy, 'k1'));
    const again = await room.restart();
    expect(granted(await again.trading.owner.placeOrder(buy, 'k1')).orderId).toBe(first.orderId);
    expect(count(again, 'orders')).toBe(1);
  });

  it('is refused again as it was refused', async () => {
    const { owner } = await scene();
    const huge = draft({ side: 'buy', qty: '1000000' });
    const first = refusal(await owner.placeOrder(huge, 'k1'));
    expect(refusal(await owner.placeOrder(huge, 'k1'))).toEqual(first);
  });

  it('with other figures under its key is a conflict', async () => {
    const { broker, owner } = await scene();
    const first = granted(await owner.placeOrder(buy, 'k1'));
    for (const other of [
      { qty: '3' },
      { side: 'sell' as const },
      { limit: '1400' },
      { clientOrderId: 'x' },
    ]) {
      const refused = refusal(await owner.placeOrder(draft({ side: 'buy', qty: '2', ...other }), 'k1'));
      expect([refused.reason, refused.order_id]).toEqual(['idempotency_conflict', first.orderId]);
    }
    expect(broker.sent.place).toHaveLength(1);
  });

  it('needs a key, and a short one', async () => {
    const { broker, owner } = await scene();
    expect(refusal(await owner.placeOrder(buy, '')).reason).toBe('idempotency_key_required');
    expect(refusal(await owner.placeOrder(buy, 'x'.repeat(65))).reason).toBe('invalid_input');
    expect(broker.sent.place).toEqual([]);
  });

  it('has keys of its own: an agent’s key of the same name is another', async () => {
    const { broker, room, owner } = await scene();
    const claude = room.agent('claude');
    granted(
      await room.trading.placeOrder(claude, buy, {
        kind: 'commit',
        tool: 'ticket',
        digest: 'd',
        idempotencyKey: 'k1',
      }),
    );
    granted(await owner.placeOrder(buy, 'k1'));
    expect(broker.sent.place).toHaveLength(2);
  });
});

describe('a preview of a ticket', () => {
  it('says what would happen and writes nothing at all', async () => {
    const { broker, room, owner } = await scene();
    room.audit.flush();
    const before = [count(room, 'orders'), count(room, 'audit'), count(room, 'idempotency')];
    const preview = granted(await owner.preview(draft({ side: 'buy', qty: '2' })));
    expect(preview.qty.toFixed()).toBe('2');
    expect(preview.positionAfter.toFixed()).toBe('2');
    expect(preview.needsApproval).toBe(false);
    // No mandate bounds the owner; the account does.
    expect(preview.limits.map(({ limit }) => limit)).toEqual(['account_max_drawdown']);
    expect(refusal(await owner.preview(draft({ side: 'buy', qty: '1000000' }))).reason).toBe('buying_power');
    room.audit.flush();
    expect([count(room, 'orders'), count(room, 'audit'), count(room, 'idempotency')]).toEqual(before);
    expect(broker.sent.place).toEqual([]);
  });

  it('warns who sells what only an agent holds: that is a short of the owner’s, and no close', async () => {
    const { broker, room, owner } = await scene();
    const claude = room.agent('claude');
    const order = await place(room, claude, draft({ side: 'buy', qty: '4' }));
    broker.fill(order.brokerClientId, '4', '1400');
    const preview = granted(await owner.preview(draft({ side: 'sell', qty: '4' })));
    expect(preview.positionAfter.toFixed()).toBe('-4');
    expect(preview.warnings.join()).toContain('close it instead');
    const buying = granted(await owner.preview(draft({ side: 'buy', qty: '4' })));
    expect(buying.warnings.join()).not.toContain('close it instead');
  });
});

/** Brings gateway or account into a state. */
function bring(room: TradingRoom, what: 'gateway' | 'account', state: 'REDUCING' | 'HALTED'): void {
  if (what === 'gateway') {
    room.store.transaction(() => room.access.setGatewayState(state, 'calm down'));
    return;
  }
  room.store.db
    .prepare(
      `INSERT INTO accounts (id, broker, mode, currency, settings, trading_state, created_at) VALUES ('paper', 'scripted', 'paper', 'USD', '{}', ?, 0)`,
    )
    .run(state);
}

describe.each([
  ['gateway', 'REDUCING', 'trading_reducing'],
  ['gateway', 'HALTED', 'trading_halted'],
  ['account', 'REDUCING', 'trading_reducing'],
  ['account', 'HALTED', 'trading_halted'],
] as const)('while the %s is %s', (what, state, reason) => {
  it(`a ticket that adds is ${reason}, previewed or placed`, async () => {
    const { broker, room, owner } = await scene();
    bring(room, what, state);
    expect(refusal(await owner.preview(draft({ side: 'buy' }))).reason).toBe(reason);
    const refused = refusal(await owner.placeOrder(draft({ side: 'buy' }), 'k1'));
    expect(refused.reason).toBe(reason);
    expect(statusOf(room, refused.order_id ?? '')).toBe('refused');
    expect(broker.sent.place).toEqual([]);
  });

  it('a ticket that only reduces goes out, and one unit more does not', async () => {
    const { broker, room, owner } = await scene('filled');
    bring(room, what, state);
    expect(refusal(await owner.placeOrder(draft({ side: 'sell', qty: '3' }), 'k1')).reason).toBe(reason);
    const sale = granted(await owner.placeOrder(draft({ side: 'sell', qty: '2', limit: '1500' }), 'k2'));
    expect([sale.effect, sale.status]).toEqual(['reducing', 'open']);
    expect(broker.sent.place).toHaveLength(2);
  });

  it('cancels and closes go out', async () => {
    const resting = await scene('resting');
    bring(resting.room, what, state);
    expect(granted(await resting.owner.cancel(resting.order?.orderId ?? '')).status).toBe('canceled');
    const filled = await scene('filled');
    bring(filled.room, what, state);
    const closed = granted(
      await filled.owner.closePosition({ holder: OWNER_HOLDER, account: PAPER, symbol: 'SPX' }),
    );
    expect(closed.order).toMatchObject({ side: 'sell', status: 'open', effect: 'reducing' });
  });
});

describe('the kill switch and the owner’s orders', () => {
  it('stops a ticket that was being judged', async () => {
    const { broker, room, owner } = await scene();
    const answer = owner.placeOrder(draft({ side: 'buy' }), 'k1');
    const killed = owner.kill(KILL);
    expect(refusal(await answer).reason).toBe('trading_halted');
    await killed;
    expect(broker.sent.place).toEqual([]);
    expect(room.events('kill')).toMatchObject([{ detail: { by: 'console' } }]);
  });

  it('stops a ticket that was cleared and had not left yet, even when it is over by then', async () => {
    for (const resumes of [false, true]) {
      const { broker, room, owner } = await scene();
      const stop = room.audit.onRecorded(({ kind, detail }) => {
        if (kind !== 'order.transition' || detail?.['to'] !== 'submitting') return;
        stop();
        void owner.kill(KILL);
        if (resumes) granted(owner.resume());
      });
      expect(granted(await owner.placeOrder(draft({ side: 'buy' }), 'k1')).status).toBe('refused');
      expect(broker.sent.place).toEqual([]);
    }
  });

  it('cancels those that add, and lets a new one pass only after resume', async () => {
    const { broker, owner, order } = await scene('resting');
    const report = await owner.kill(KILL);
    expect(report.canceled).toEqual([order?.orderId]);
    expect(owner.tradingState().state).toBe('HALTED');
    expect(refusal(await owner.placeOrder(draft({ side: 'buy' }), 'k1')).reason).toBe('trading_halted');
    granted(owner.resume());
    expect(owner.tradingState()).toEqual({ state: 'ACTIVE', reason: null });
    // The form of before was refused and stays so; a new one goes out.
    expect(refusal(await owner.placeOrder(draft({ side: 'buy' }), 'k1')).reason).toBe('trading_halted');
    granted(await owner.placeOrder(draft({ side: 'buy' }), 'k2'));
    expect(broker.sent.place).toHaveLength(2);
  });

  it('flattens the owner’s position too', async () => {
    const { broker, room, owner } = await scene('filled');
    const report = await owner.kill({ ...KILL, flatten: true });
    expect(report.failed).toEqual([]);
    broker.fill(broker.sent.place.at(-1) ?? '', '2', '1400');
    expect(held(room)).toBe('0');
  });

  it('keeps a reducing ticket that was placed after it', async () => {
    const { broker, room, owner } = await scene('filled');
    await owner.kill(KILL);
    const sale = granted(await owner.placeOrder(draft({ side: 'sell', qty: '2', limit: '1500' }), 'k2'));
    await room.clock.advanceAsync(10_000);
    expect(broker.sent.cancel).toEqual([]);
    expect(statusOf(room, sale.orderId)).toBe('open');
  });
});

describe('to an agent', () => {
  it('the owner’s orders and trades are not there; their part of the account’s position is', async () => {
    const { broker, room, owner, order } = await scene('filled');
    granted(await owner.placeOrder(draft({ side: 'buy', limit: away(room), clientOrderId: 'mine' }), 'k9'));
    const claude = room.agent('claude');
    const mine = await place(room, claude, draft({ side: 'buy', qty: '1', clientOrderId: 'mine' }));
    broker.fill(mine.brokerClientId, '1', '1400');
    const { trading } = room;
    const orders = granted(await trading.orders(claude, { status: 'all', limit: 100 }));
    expect(orders.items.map(({ orderId }) => orderId)).toEqual([mine.orderId]);
    const trades = granted(await trading.trades(claude, { limit: 100 }));
    expect(trades.items.map(({ orderId }) => orderId)).toEqual([mine.orderId]);
    expect(refusal(await trading.order(claude, order?.orderId ?? '')).reason).toBe('not_found');
    const cancel = { tool: 'cancel_order', digest: 'd', dryRun: false };
    expect(refusal(await trading.cancelOrder(claude, order?.orderId ?? '', cancel)).reason).toBe('not_found');
    const all = granted(await trading.cancelAllOrders(claude, {}, cancel));
    expect(all.canceled).toEqual([]);
    const [position] = granted(await trading.positions(claude, { status: 'open' }));
    expect([position?.qty.toFixed(), position?.ownQty.toFixed()]).toEqual(['3', '1']);
    expect(await own(room, claude)).toBe('1');
    expect((await now(room, claude, mine)).status).toBe('filled');
    // Nothing of it counts towards the agent's mandate.
    const { used } = granted(await trading.mandate(claude));
    expect(used.map(({ dailyOrders }) => dailyOrders)).toEqual([1]);
  });

  it('no name leads to the owner’s authority', async () => {
    const room = await tradingRoom();
    for (const name of ['owner', 'external']) {
      const refused = room.access.agents.create(name, ['paper'], {
        kind: 'owner',
        credential: 'owner',
        door: 'cli',
      });
      expect(refusal(refused).reason).toBe('invalid_input');
    }
    // A principal that claims the owner's id has no key behind it.
    const claude = room.agent('claude');
    const forged = { ...claude, agent: OWNER_HOLDER };
    const commit = { kind: 'commit', tool: 'place_order', digest: 'd', idempotencyKey: 'k' } as const;
    expect((await room.trading.placeOrder(forged, draft({ side: 'buy' }), commit)).ok).toBe(false);
    expect(room.trading.owner.orders({ limit: 10 }).items).toEqual([]);
  });
});

it('the next account’s ticket goes to the next account', async () => {
  const second = scriptedBroker('second');
  const room = await tradingRoom({ second });
  const order = granted(await room.trading.owner.placeOrder(draft({ side: 'buy', account: 'second' }), 'k1'));
  expect(order.account).toBe(accountId('second'));
  expect(second.sent.place).toHaveLength(1);
});
