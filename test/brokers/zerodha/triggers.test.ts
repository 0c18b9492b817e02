/** Orders that outlive the day, as triggers at Kite: what they may stand for, what they become, and one that was never answered. */
import { afterEach, describe, expect, it } from 'vitest';
import { type KiteRoom, MONDAY, openKiteRoom } from './kite-room.ts';

let room: KiteRoom;
const open = async (): Promise<KiteRoom> => {
  room = await openKiteRoom();
  room.sim.books.matches = false;
  return room;
};
afterEach(() => room.close());
const gtc = (words: Parameters<KiteRoom['order']>[0]) => room.order({ tif: 'gtc', product: 'cnc', ...words });
const statuses = () => room.events.flatMap((event) => (event.kind === 'order' ? event.order.status : []));

describe('an order good till cancelled', () => {
  it('is a trigger of one leg with every digit as it was, and is found under our id after a restart', async () => {
    const { sim, soon } = await open();
    const order = gtc({ side: 'buy', stop: '1530.1', limit: '1531.3' });
    const outcome = await soon(room.adapter.place(order));
    const [gtt] = sim.gtts.all;
    expect(outcome).toEqual({ kind: 'accepted', brokerOrderId: `gtt:${gtt?.id}` });
    expect(sim.sent()[0]?.form['condition']).toBe(
      '{"exchange":"NSE","tradingsymbol":"INFY","trigger_values":[1530.1],"last_price":1500}',
    );
    expect(gtt?.orders).toMatchObject([{ order_type: 'LIMIT', price: 1531.3, quantity: 10, product: 'CNC' }]);
    await room.restart();
    const found = await soon(room.adapter.orderByClientId(order.brokerClientId));
    expect(found).toMatchObject({
      type: 'stop_limit',
      timeInForce: 'gtc',
      status: 'open',
      brokerClientId: order.brokerClientId,
    });
    expect(await soon(room.adapter.openOrders())).toHaveLength(1);
  });

  it.each([
    ['a market order', {}, /no market order beyond the day/],
    ['a stop that would take any price', { stop: '1530' }, /no stop order beyond the day/],
    ['a buy limit at the market', { limit: '1500' }, /away from the market/],
    ['a stop that is met already', { stop: '1490', limit: '1491' }, /met already/],
    ['an intraday order', { limit: '1400', product: 'mis' }, /no intraday/],
  ] as const)('that Kite would understand otherwise (%s) is not sent', async (_name, words, why) => {
    const { adapter, sim, soon } = await open();
    const outcome = await soon(adapter.place(gtc({ side: 'buy', ...words })));
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringMatching(why) });
    expect(sim.sent()).toEqual([]);
  });

  it('whose trigger is met keeps its id: its fills are its own', async () => {
    const { adapter, sim, soon } = await open();
    const order = gtc({ side: 'sell', stop: '1450', limit: '1449' });
    await soon(adapter.place(order));
    const cursor = (await soon(adapter.historySince(undefined))).cursor;
    const id = sim.gtts.all[0]?.id ?? 0;
    sim.setMarket('NSE:INFY', { last: 1450 });
    const child = sim.gtts.trigger(id);
    sim.books.fill(child, 10, 1449.5);
    await room.until(() => statuses().includes('filled'), 'it is told filled');
    const { executions } = await soon(adapter.historySince(cursor));
    expect(executions).toMatchObject([{ brokerOrderId: `gtt:${id}`, brokerClientId: order.brokerClientId }]);
    expect(await soon(adapter.openOrders())).toEqual([]);
    expect(await soon(adapter.orderByClientId(order.brokerClientId))).toMatchObject({
      status: 'filled',
      timeInForce: 'gtc',
    });
  });

  it('whose trigger is met is changed and canceled where it works now', async () => {
    const { adapter, sim, soon } = await open();
    const order = gtc({ side: 'sell', stop: '1450', limit: '1449' });
    const placed = await soon(adapter.place(order));
    const brokerOrderId = placed.kind === 'accepted' ? placed.brokerOrderId : '';
    const child = sim.gtts.trigger(sim.gtts.all[0]?.id ?? 0);
    await room.until(() => statuses().includes('open'), 'it is told open');
    const changed = room.order({
      id: order.brokerClientId,
      tif: 'gtc',
      side: 'sell',
      stop: '1450',
      limit: '1448',
      product: 'cnc',
    });
    expect(await soon(adapter.replace({ ...changed, brokerOrderId }))).toEqual({
      kind: 'accepted',
      brokerOrderId,
    });
    expect(sim.books.byId(child)).toMatchObject({ order_type: 'LIMIT', price: 1448 });
    expect(await soon(adapter.cancel({ brokerClientId: order.brokerClientId }))).toEqual({
      kind: 'accepted',
    });
    expect(sim.books.byId(child).status).toBe('CANCELLED');
  });

  it('that is canceled while it waits is told so, though Kite sends no word of it', async () => {
    const { adapter, sim, soon } = await open();
    const order = gtc({ side: 'buy', limit: '1400' });
    await soon(adapter.place(order));
    expect(await soon(adapter.cancel({ brokerClientId: order.brokerClientId }))).toEqual({
      kind: 'accepted',
    });
    await room.until(() => statuses().includes('canceled'), 'its end is told');
    expect(sim.gtts.all[0]?.status).toBe('deleted');
    expect(await soon(adapter.cancel({ brokerClientId: order.brokerClientId }))).toMatchObject({
      kind: 'gone',
    });
  });
});

describe('a trigger whose placement was never answered', () => {
  const lose = (handled: boolean) => room.sim.fault({ match: /^POST \/gtt/, handled, does: 'drop' });

  it('is recognised by what it is alone, and by nothing else that was there before', async () => {
    const { adapter, sim, soon } = await open();
    // The owner made the same one by hand, a moment before.
    const term = { exchange: 'NSE', tradingsymbol: 'INFY' };
    const leg = {
      ...term,
      transaction_type: 'BUY',
      quantity: 10,
      order_type: 'LIMIT',
      product: 'CNC',
      price: 1400,
    };
    const condition = JSON.stringify({ ...term, trigger_values: [1400], last_price: 1500 });
    const other = sim.gtts.place({ type: 'single', condition, orders: JSON.stringify([leg]) }).id;
    const order = gtc({ side: 'buy', limit: '1400' });
    lose(true);
    expect((await soon(adapter.place(order))).kind).toBe('unknown');
    const found = await soon(adapter.orderByClientId(order.brokerClientId));
    expect(found).toMatchObject({
      brokerOrderId: `gtt:${sim.gtts.all[1]?.id}`,
      brokerClientId: order.brokerClientId,
    });
    expect(found?.brokerOrderId).not.toBe(`gtt:${other}`);
    expect(sim.gtts.all).toHaveLength(2);
  });

  it('is recognised after a restart as well', async () => {
    const { sim, soon } = await open();
    const order = gtc({ side: 'buy', limit: '1400' });
    lose(true);
    await soon(room.adapter.place(order));
    await room.restart();
    expect(await soon(room.adapter.orderByClientId(order.brokerClientId))).toMatchObject({
      brokerOrderId: `gtt:${sim.gtts.all[0]?.id}`,
    });
  });

  it('and has not arrived is absent', async () => {
    const { adapter, soon } = await open();
    const order = gtc({ side: 'buy', limit: '1400' });
    lose(false);
    expect((await soon(adapter.place(order))).kind).toBe('unknown');
    expect(await soon(adapter.orderByClientId(order.brokerClientId))).toBeUndefined();
  });

  it('is not mixed up with one of the morning that never arrived', async () => {
    const { adapter, sim, soon } = await open();
    const [never, later] = [gtc({ side: 'buy', limit: '1400' }), gtc({ side: 'buy', limit: '1400' })];
    lose(false);
    await soon(adapter.place(never));
    room.clock.setWall(room.clock.wallMs() + 30 * 60_000);
    lose(true);
    await soon(adapter.place(later));
    expect(await soon(adapter.orderByClientId(later.brokerClientId))).toMatchObject({
      brokerOrderId: `gtt:${sim.gtts.all[0]?.id}`,
    });
    expect(await soon(adapter.orderByClientId(never.brokerClientId))).toBeUndefined();
  });

  it('stays unknown where two could be it: nothing is guessed', async () => {
    const { adapter, sim, soon } = await open();
    const order = gtc({ side: 'buy', limit: '1400' });
    lose(true);
    await soon(adapter.place(order));
    // The owner makes the same one by hand, in the same minute.
    sim.gtts.place(sim.sent()[0]?.form ?? {});
    await expect(soon(adapter.orderByClientId(order.brokerClientId))).rejects.toThrow(
      /could each be this order/,
    );
  });
});

describe('an owner’s own orders', () => {
  it('of a busy morning cost one question about triggers, not one each', async () => {
    const { adapter, sim, soon } = await open();
    const cursor = (await soon(adapter.historySince(undefined))).cursor;
    await room.pass(10_000);
    sim.postbacks = false;
    for (let n = 0; n < 60; n++) {
      const terms = {
        exchange: 'NSE',
        tradingsymbol: 'INFY',
        product: 'CNC',
        order_type: 'LIMIT',
        quantity: '1',
        price: '1490',
      };
      sim.books.fill(sim.books.place('regular', { ...terms, transaction_type: 'BUY' }).order_id, 1, 1490);
    }
    const { executions } = await soon(adapter.historySince(cursor));
    expect([executions.length, new Set(executions.map(({ brokerClientId }) => brokerClientId))]).toEqual([
      60,
      new Set([null]),
    ]);
    expect(sim.requests.filter(({ path }) => path === '/gtt/triggers').length).toBeLessThan(5);
  });
});

describe('an order of the day', () => {
  it('that Kite lists no longer is of another day: never denied, whether or not it was seen there', async () => {
    const { sim, soon, clock } = await open();
    const seen = room.order({ product: 'cnc', limit: '1490' });
    await soon(room.adapter.place(seen));
    const unclear = room.order({ product: 'cnc', limit: '1490' });
    sim.fault({ match: /^POST \/orders/, handled: true, does: 'drop' });
    expect((await soon(room.adapter.place(unclear))).kind).toBe('unknown');
    // Its tag is found the same day, whatever was heard.
    expect(await soon(room.adapter.orderByClientId(unclear.brokerClientId))).toMatchObject({
      status: 'open',
    });
    await room.close();
    const day = 24 * 3_600_000;
    const next = await openKiteRoom({ startMs: MONDAY + day });
    next.slot.write(
      (room.slot.read() ?? '').replace(
        /"session":\{[^}]*\}/,
        `"session":{"token":"${next.sim.newToken()}","startedMs":0,"endsMs":${MONDAY + 2 * day}}`,
      ),
    );
    room = next;
    await room.restart();
    expect(clock.wallMs()).toBeLessThan(room.clock.wallMs());
    // Kite's number of it or none: it may have filled after we last looked, and Kite lists the trades of today only, too.
    for (const { brokerClientId } of [seen, unclear])
      await expect(room.soon(room.adapter.orderByClientId(brokerClientId))).rejects.toThrow(
        /orders of today only/,
      );
  });

  it('an integer, a state, a type that nobody knows and a row without sense end no question wrongly', async () => {
    const { adapter, sim, soon } = await open();
    await soon(adapter.place(room.order({ product: 'cnc', limit: '1490' })));
    const [row] = sim.books.orders;
    Object.assign(row ?? {}, { status: 'TOMORROW' });
    expect(await soon(adapter.openOrders())).toMatchObject([{ status: 'open' }]);
    sim.fault({
      match: /^GET \/orders$/,
      handled: true,
      does: { rewrite: (body) => body.replace('"quantity":10', '"quantity":9007199254740993') },
    });
    const [huge] = await soon(adapter.openOrders());
    expect(huge?.qty.toFixed()).toBe('9007199254740993');
    sim.fault({
      match: /^GET \/orders$/,
      handled: true,
      does: { rewrite: (body) => body.replace('"quantity":10', '"quantity":"ten"') },
    });
    await expect(soon(adapter.openOrders())).rejects.toThrow(/not understood/);
  });
});
