/** Orders at Alpaca: what is sent, what comes of it, and what a change makes of its ids. */
import { afterEach, describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import type { BrokerExecution, BrokerOrder } from '#ports.ts';
import { cleared, type OrderWords } from '../../support/cleared.ts';
import { openAccount, type TestAccount } from './account.ts';

let opened: TestAccount | undefined;
afterEach(async () => {
  const account = opened;
  opened = undefined;
  await account?.close();
});
const account = async (...given: Parameters<typeof openAccount>): Promise<TestAccount> => {
  opened = await openAccount(...given);
  return opened;
};
const order = (words: Partial<OrderWords> = {}) =>
  cleared({ id: 'pc_1', side: 'buy', qty: '10', limit: '180.25', instrument: 'ALPACA:AAPL', ...words });
const marketOrder = (words: Partial<OrderWords> = {}) =>
  cleared({ id: 'pc_1', side: 'buy', qty: '10', instrument: 'ALPACA:AAPL', ...words });
const coins = (words: Partial<OrderWords> = {}) =>
  cleared({ id: 'pc_1', side: 'buy', qty: '0.5', limit: '50000', instrument: 'ALPACA:BTC/USD', ...words });
const fillsOf = ({ events }: TestAccount): readonly BrokerExecution[] =>
  events.flatMap((one) => (one.kind === 'execution' ? one.execution : []));
const ordersOf = ({ events }: TestAccount): readonly BrokerOrder[] =>
  events.flatMap((one) => (one.kind === 'order' ? one.order : []));
const bodies = ({ sim }: TestAccount): readonly unknown[] =>
  sim.exchanges
    .filter(({ method }) => method === 'POST' || method === 'PATCH')
    .map(({ body }) => JSON.parse(body) as unknown);

describe('an order', () => {
  it('is placed with our id and the exact figures, filled in parts and told of with each execution once', async () => {
    const here = await account();
    const { sim, adapter, soon, until } = here;
    expect(await soon(adapter.place(order()))).toMatchObject({ kind: 'accepted' });
    expect(bodies(here)).toEqual([
      {
        symbol: 'AAPL',
        qty: '10',
        side: 'buy',
        type: 'limit',
        time_in_force: 'gtc',
        client_order_id: 'pc_1',
        limit_price: '180.25',
      },
    ]);
    sim.fillLatest('pc_1', '4', '180.20');
    sim.fillLatest('pc_1', '6', '180.25');
    await until(() => ordersOf(here).at(-1)?.status === 'filled', 'it is filled');
    expect(fillsOf(here).map(({ qty, executionId }) => [text(qty), executionId])).toEqual(
      sim.state.fills.map((fill) => [fill.qty, fill.activityId]),
    );
    expect(new Set(fillsOf(here).map(({ brokerClientId }) => brokerClientId))).toEqual(new Set(['pc_1']));
  });

  it.each([
    ['stop', { stop: '170', limit: undefined, type: 'stop' }, { stop_price: '170' }],
    ['stop_limit', { stop: '170', limit: '169' }, { stop_price: '170', limit_price: '169' }],
    ['trailing_stop', { trailPercent: '2.5', limit: undefined }, { trail_percent: '2.5' }],
    ['trailing_stop', { trailPrice: '1.5', limit: undefined }, { trail_price: '1.5' }],
  ] as const)('of type %s says what it needs to', async (type, words, says) => {
    const here = await account();
    const { limit: _, ...rest } = words as Partial<OrderWords>;
    const made = words.limit === undefined ? marketOrder(rest) : order(words as Partial<OrderWords>);
    expect(await here.soon(here.adapter.place({ ...made, side: 'sell' }))).toMatchObject({
      kind: 'accepted',
    });
    expect(bodies(here)[0]).toMatchObject({ type, side: 'sell', ...says });
    expect(await here.soon(here.adapter.orderByClientId('pc_1'))).toMatchObject({ type, status: 'open' });
  });

  it('in extended hours says so, and only as what Alpaca takes there', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order({ extendedHours: true, tif: 'day' })));
    expect(bodies(here)[0]).toMatchObject({ extended_hours: true, time_in_force: 'day' });
    const refused = await here.soon(here.adapter.place(marketOrder({ id: 'pc_2', extendedHours: true })));
    expect(refused).toMatchObject({ kind: 'not_sent' });
    expect(bodies(here)).toHaveLength(1);
  });

  it.each([
    ['a price between two cents', order({ limit: '180.255' }), 'whole cents'],
    ['a bracket', order({ takeProfit: '200' }), 'brackets'],
    ['post-only', order({ postOnly: true }), 'post-only'],
    ['a fraction that would stay over night', order({ qty: '1.5' }), 'day orders only'],
    ['a fraction that trails', marketOrder({ qty: '1.5', trailPercent: '2', tif: 'day' }), 'fractions'],
    ['a stop for coins', coins({ stop: '50000', type: 'stop' }), 'crypto'],
    ['coins for the day', coins({ tif: 'day' }), 'gtc or ioc'],
    ['fewer coins than the smallest order', coins({ qty: '0.00001' }), '0.0001'],
    ['what Alpaca does not list', order({ instrument: 'ALPACA:GONE' }), 'does not list'],
  ])('for %s is not sent, and says why', async (_, refused, words) => {
    const here = await account();
    expect(await here.soon(here.adapter.place(refused))).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringContaining(words),
    });
    expect(bodies(here)).toEqual([]);
  });

  it('for a fraction at the market goes as a day order, so that a position with a fraction can be closed', async () => {
    const here = await account();
    await here.soon(here.adapter.place(marketOrder({ qty: '1.5', tif: 'gtc' })));
    expect(bodies(here)[0]).toMatchObject({ qty: '1.5', type: 'market', time_in_force: 'day' });
  });

  it('below a dollar is priced in hundredths of a cent', async () => {
    const here = await account();
    const cheap = order({ instrument: 'ALPACA:PENNY', limit: '0.1234' });
    expect(await here.soon(here.adapter.place(cheap))).toMatchObject({ kind: 'accepted' });
  });

  it('for coins is filled by day and night, under their pair and with their fee', async () => {
    const here = await account();
    await here.soon(here.adapter.place(coins()));
    here.sim.fillLatest('pc_1', '0.5', '50000');
    await here.until(() => fillsOf(here).length === 1, 'it is filled');
    expect(fillsOf(here)[0]).toMatchObject({ instrument: 'ALPACA:BTC/USD', brokerClientId: 'pc_1' });
    expect(text(fillsOf(here)[0]?.fee ?? order().qty)).toBe('62.5');
    const positions = await here.soon(here.adapter.positions());
    expect(positions.map(({ instrument, qty }) => [instrument, text(qty)])).toEqual([
      // Its fee is kept in the coin.
      ['ALPACA:BTC/USD', '0.49875'],
    ]);
  });

  it('sold short is held as less than nothing', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order({ side: 'sell', limit: '200' })));
    here.sim.fillLatest('pc_1', '10', '200');
    const positions = await here.soon(here.adapter.positions());
    expect(positions.map(({ instrument, qty }) => [instrument, text(qty)])).toEqual([['ALPACA:AAPL', '-10']]);
  });

  it('that Alpaca refuses is rejected in its words', async () => {
    const here = await account();
    expect(await here.soon(here.adapter.place(order({ qty: '100000' })))).toEqual({
      kind: 'rejected',
      reason: 'Alpaca: insufficient buying power',
    });
  });

  it('whose id Alpaca has already for the very same order is that order', async () => {
    const here = await account();
    const first = await here.soon(here.adapter.place(order()));
    expect(await here.soon(here.adapter.place(order()))).toEqual(first);
    expect(here.sim.state.orders).toHaveLength(1);
  });

  it('whose id Alpaca has for another order is refused', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    expect(await here.soon(here.adapter.place(order({ side: 'sell', limit: '200' })))).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('another order'),
    });
  });

  it('that the venue throws out later is told as rejected', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    here.sim.book.end(here.sim.order('pc_1'), 'rejected');
    await here.until(() => ordersOf(here).at(-1)?.status === 'rejected', 'its end is told');
    expect(fillsOf(here)).toEqual([]);
  });
});

describe('a change', () => {
  it('makes another order at Alpaca, and is the same one here, under its first ids', async () => {
    const here = await account();
    const { adapter, sim, soon } = here;
    const placed = await soon(adapter.place(order()));
    expect(await soon(adapter.replace(order({ limit: '181', qty: '12' })))).toEqual(placed);
    expect(await soon(adapter.replace(order({ limit: '182', qty: '12' })))).toEqual(placed);
    expect(bodies(here).slice(1)).toEqual([
      { client_order_id: 'pc_1~1', qty: '12', limit_price: '181' },
      { client_order_id: 'pc_1~2', limit_price: '182' },
    ]);
    expect(sim.state.orders.map(({ status }) => status)).toEqual(['replaced', 'replaced', 'new']);
    const found = await soon(adapter.orderByClientId('pc_1'));
    expect(found).toMatchObject({ brokerClientId: 'pc_1', status: 'open' });
    expect(found?.brokerOrderId).toBe(placed.kind === 'accepted' ? placed.brokerOrderId : '');
    expect([text(found?.qty ?? order().qty), text(found?.limitPrice ?? order().qty)]).toEqual(['12', '182']);
    expect(await soon(adapter.openOrders())).toHaveLength(1);
  });

  it('is followed after a restart too: its fill and its cancel are the first order’s', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    await here.soon(here.adapter.replace(order({ limit: '181' })));
    const again = await here.reopen();
    opened = again;
    here.sim.fillLatest('pc_1', '4', '181');
    await again.until(() => fillsOf(again).length === 1, 'the fill is told');
    const [root] = here.sim.state.orders;
    expect(fillsOf(again)[0]).toMatchObject({ brokerClientId: 'pc_1', brokerOrderId: root?.id });
    const canceled = await again.soon(
      again.adapter.cancel({ brokerClientId: 'pc_1', brokerOrderId: root?.id ?? '' }),
    );
    expect(canceled).toEqual({ kind: 'accepted' });
    await again.until(() => ordersOf(again).at(-1)?.status === 'canceled', 'its end is told');
    expect(text(ordersOf(again).at(-1)?.filledQty ?? order().qty)).toBe('4');
  });

  it('of a partly filled order is not sent: Alpaca’s new one would be for the whole again', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    here.sim.fillLatest('pc_1', '4', '180');
    await here.until(() => ordersOf(here).at(-1)?.status === 'partially_filled', 'it is partly filled');
    expect(await here.soon(here.adapter.replace(order({ limit: '181' })))).toMatchObject({
      kind: 'not_sent',
    });
    expect(bodies(here)).toHaveLength(1);
  });

  it('that loses the race against a fill leaves one order, with what is filled of both', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    // As the change arrives: the new order is for ten again.
    const arrives = (request: string): boolean => {
      if (!request.startsWith('PATCH')) return false;
      here.sim.fillLatest('pc_1', '4', '180');
      return true;
    };
    here.sim.next(arrives, { kind: 'answer', text: (answer) => answer });
    expect(await here.soon(here.adapter.replace(order({ limit: '181' })))).toMatchObject({
      kind: 'accepted',
    });
    await here.until(() => fillsOf(here).length === 1, 'the first fill is told');
    // From here on it is one that is partly filled.
    expect(await here.soon(here.adapter.replace(order({ limit: '182' })))).toMatchObject({
      kind: 'not_sent',
    });
    here.sim.fillLatest('pc_1', '3', '181');
    await here.until(() => fillsOf(here).length === 2, 'both fills are told');
    const found = await here.soon(here.adapter.orderByClientId('pc_1'));
    expect([text(found?.filledQty ?? order().qty), text(found?.qty ?? order().qty)]).toEqual(['7', '14']);
  });

  it('made on Alpaca’s own screen is the same order here', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    here.sim.book.patch(here.sim.order('pc_1').id, { limit_price: '179' });
    await here.until(() => text(ordersOf(here).at(-1)?.limitPrice ?? order().qty) === '179', 'it is told');
    expect(ordersOf(here).at(-1)).toMatchObject({ brokerClientId: 'pc_1', status: 'open' });
    const found = await here.soon(here.adapter.orderByClientId('pc_1'));
    expect(text(found?.limitPrice ?? order().qty)).toBe('179');
  });
});

describe('a cancel', () => {
  it('of an order that is filled is gone, and fills nothing twice', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    here.sim.streams.hold();
    here.sim.fillLatest('pc_1', '10', '180');
    const outcome = await here.soon(here.adapter.cancel({ brokerClientId: 'pc_1' }));
    expect(outcome).toMatchObject({ kind: 'gone', reason: expect.stringContaining('filled') });
    here.sim.streams.release('in order');
    await here.until(() => fillsOf(here).length > 0, 'the fill is told');
    expect(fillsOf(here)).toHaveLength(1);
  });

  it('that races a partial fill ends with what was filled before it', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    here.sim.book.holdCancels = true;
    expect(await here.soon(here.adapter.cancel({ brokerClientId: 'pc_1' }))).toEqual({ kind: 'accepted' });
    here.sim.fillLatest('pc_1', '3', '180');
    here.sim.book.end(here.sim.order('pc_1'), 'canceled');
    await here.until(() => ordersOf(here).at(-1)?.status === 'canceled', 'its end is told');
    expect(text(ordersOf(here).at(-1)?.filledQty ?? order().qty)).toBe('3');
    expect(fillsOf(here)).toHaveLength(1);
  });

  it('of what was changed elsewhere reaches the order that it has become', async () => {
    const here = await account();
    const placed = await here.soon(here.adapter.place(order()));
    here.sim.streams.hold();
    here.sim.book.patch(here.sim.order('pc_1').id, { limit_price: '179' });
    const brokerOrderId = placed.kind === 'accepted' ? placed.brokerOrderId : '';
    expect(await here.soon(here.adapter.cancel({ brokerClientId: 'pc_1', brokerOrderId }))).toEqual({
      kind: 'accepted',
    });
    expect(here.sim.state.orders.map(({ status }) => status)).toEqual(['replaced', 'canceled']);
  });
});
