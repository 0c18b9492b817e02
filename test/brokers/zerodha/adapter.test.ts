/** Zerodha's adapter over the simulated Kite: what it sends, what it says, and what it never does. */
import { afterEach, describe, expect, it } from 'vitest';
import { tagOf } from '#brokers/zerodha/tag.ts';
import { text } from '#domain/decimal.ts';
import { type KiteRoom, MONDAY, openKiteRoom, type RoomOptions } from './kite-room.ts';

let room: KiteRoom;
const open = async (options?: RoomOptions): Promise<KiteRoom> => (room = await openKiteRoom(options));
afterEach(() => room.close());
const executions = () => room.events.flatMap((event) => (event.kind === 'execution' ? event.execution : []));
const lastOrder = () => room.events.findLast((event) => event.kind === 'order')?.order;

describe('an order', () => {
  it('is a form of Kite’s words, with our id as its tag and protection for what takes any price', async () => {
    const { adapter, sim, soon } = await open();
    const order = room.order({ side: 'buy', qty: '10', product: 'mis' });
    const outcome = await soon(adapter.place(order));
    expect(outcome).toEqual({ kind: 'accepted', brokerOrderId: sim.books.orders[0]?.order_id });
    expect(sim.sent().map(({ method, path, form }) => ({ method, path, form }))).toEqual([
      {
        method: 'POST',
        path: '/orders/regular',
        form: {
          exchange: 'NSE',
          tradingsymbol: 'INFY',
          transaction_type: 'BUY',
          product: 'MIS',
          order_type: 'MARKET',
          quantity: '10',
          validity: 'DAY',
          market_protection: '-1',
          tag: tagOf(order.brokerClientId),
        },
      },
    ]);
  });

  it('that fills is told with its executions first, each with its price, its charges and our id', async () => {
    const { adapter, soon } = await open();
    const order = room.order({ side: 'buy', qty: '10', product: 'mis' });
    await soon(adapter.place(order));
    await room.until(() => lastOrder()?.status === 'filled', 'it is told filled');
    const [execution] = executions();
    expect(execution).toMatchObject({ brokerClientId: order.brokerClientId, side: 'buy', timeMs: MONDAY });
    // 10 × 1500.10: 0.03 % brokerage, exchange 0.00297 %, SEBI 0.0001 %, stamp 0.003 %, GST of 18 %; up to the paisa.
    expect(execution && [text(execution.price), text(execution.fee)]).toEqual(['1500.1', '6.31']);
    const [first, last] = [room.events.findIndex((one) => one.kind === 'execution'), room.events.length - 1];
    expect(first).toBeLessThan(last);
    expect(await soon(adapter.positions())).toHaveLength(1);
  });

  it.each([
    ['99', '100'],
    ['100', '99'],
  ])(
    'that fills in parts (trades %s and %s) is charged its brokerage once, whatever they are numbered',
    async (...ids) => {
      const { adapter, sim, soon } = await open();
      sim.books.matches = false;
      const order = room.order({ symbol: 'NFO:NIFTY26JANFUT', side: 'buy', qty: '130', product: 'nrml' });
      const outcome = await soon(adapter.place(order));
      if (outcome.kind !== 'accepted') throw new Error('it was not accepted');
      for (const trade_id of ids) {
        Object.assign(sim.books.fill(outcome.brokerOrderId, 65, 24_800), { trade_id });
        await room.pass(2_000);
      }
      await room.until(() => lastOrder()?.status === 'filled', 'it is told filled');
      const fees = new Map(executions().map(({ executionId, fee }) => [executionId, fee]));
      const [first, second] = ids.map((id) => fees.get(`${outcome.brokerOrderId}-${id}`));
      // Twenty rupees, and GST of 18 % on them.
      expect(first?.minus(second ?? '0').toFixed()).toBe('23.6');
    },
  );

  it.each([
    ['MARKET', {}],
    ['LIMIT', { limit: '1490' }],
    ['SL-M', { stop: '1510' }],
    ['SL', { stop: '1510', limit: '1511' }],
  ])('of the type %s comes back as what it was', async (kite, words) => {
    const { adapter, sim, soon } = await open();
    sim.books.matches = false;
    const order = room.order({ side: 'buy', product: 'mis', ...words });
    await soon(adapter.place(order));
    expect(sim.books.orders[0]?.order_type).toBe(kite);
    const [seen] = await soon(adapter.openOrders());
    expect(seen).toMatchObject({ type: order.type, timeInForce: 'day', status: 'open', product: 'mis' });
    expect(seen?.limitPrice?.toFixed()).toBe(order.limitPrice?.toFixed());
    expect(seen?.stopPrice?.toFixed()).toBe(order.stopPrice?.toFixed());
  });

  it.each([
    ['an index', { symbol: 'NSE:NIFTY 50', qty: '1' }, 'is an index'],
    ['fill-or-kill', { tif: 'fok', limit: '1490' }, 'no fill-or-kill'],
    ['a trailing stop', { trailPrice: '5', tif: 'day' }, 'no trailing stop'],
    ['off its tick', { limit: '1490.05' }, 'multiple of the tick 0.1'],
    ['off its lot', { symbol: 'NFO:NIFTY26JANFUT', qty: '66', product: 'nrml' }, 'multiple of the lot 65'],
    ['shares as nrml', { product: 'nrml' }, 'Shares are held as cnc or mis'],
    ['a future as cnc', { symbol: 'NFO:NIFTY26JANFUT', qty: '65', product: 'cnc' }, 'not as cnc'],
  ] as const)('that Kite does not have (%s) is not sent, with a sentence', async (_name, words, why) => {
    const { adapter, sim, soon } = await open();
    const outcome = await soon(adapter.place(room.order({ product: 'mis', ...words })));
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringContaining(why) });
    expect(sim.sent()).toEqual([]);
  });

  it('outside trading hours is refused, and queued for the next opening only where the account says so', async () => {
    const night = MONDAY + 12 * 3_600_000;
    const first = await open({ startMs: night });
    const refused = await first.soon(first.adapter.place(room.order({ product: 'cnc', limit: '1490' })));
    expect(refused).toMatchObject({ kind: 'not_sent', reason: expect.stringContaining('closed') });
    expect(first.sim.sent()).toEqual([]);
    await first.close();
    const second = await open({ startMs: night, settings: { after_market: 'yes' } });
    const taken = await second.soon(second.adapter.place(room.order({ product: 'cnc', limit: '1490' })));
    expect(taken.kind).toBe('accepted');
    expect(second.sim.sent()[0]?.path).toBe('/orders/amo');
    expect(await second.soon(second.adapter.openOrders())).toMatchObject([{ status: 'open' }]);
  });

  it('is not sent when the gate falls while it waits for its turn', async () => {
    const halted: { why: string | undefined } = { why: undefined };
    const { adapter, sim, soon } = await open({ gate: () => halted.why });
    await soon(adapter.place(room.order({ product: 'mis', limit: '1490' })));
    halted.why = 'trading is halted';
    const outcome = await soon(adapter.place(room.order({ product: 'mis', limit: '1490' })));
    expect(outcome).toEqual({ kind: 'not_sent', reason: 'trading is halted' });
    expect(sim.books.orders).toHaveLength(1);
  });

  it('keeps ten orders a second, and lets a cancel pass those that wait', async () => {
    const { adapter, sim, soon, clock } = await open();
    const first = room.order({ product: 'mis', limit: '1490' });
    await soon(adapter.place(first));
    const sentAt = () => sim.requests.map(({ method, atMs }) => ({ method, atMs }));
    const began = clock.wallMs();
    const many = Array.from({ length: 14 }, () =>
      adapter.place(room.order({ product: 'mis', limit: '1490' })),
    );
    const canceled = adapter.cancel({ brokerClientId: first.brokerClientId });
    await soon(Promise.all([...many, canceled]));
    const cancelAt = sentAt().findIndex(({ method }) => method === 'DELETE');
    expect(
      sentAt()
        .slice(0, cancelAt)
        .filter(({ method }) => method === 'POST').length,
    ).toBeLessThan(15);
    const within = sentAt().filter(({ atMs }) => atMs - began < 1_000);
    expect(within.length).toBeLessThanOrEqual(10);
  });
});

describe('what closes a position', () => {
  it('takes the product in which it is held, and asks where it is held in two', async () => {
    const { adapter, sim, soon } = await open();
    await soon(adapter.place(room.order({ product: 'mis', side: 'buy', qty: '10' })));
    await soon(adapter.place(room.order({ side: 'sell', qty: '4' })));
    expect(sim.sent().at(-1)?.form['product']).toBe('MIS');
    await soon(adapter.place(room.order({ product: 'cnc', side: 'buy', qty: '3' })));
    const unclear = await soon(adapter.place(room.order({ side: 'sell', qty: '2' })));
    expect(unclear).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringMatching(/held as (?:cnc|mis) and (?:cnc|mis)/),
    });
    expect(sim.books.orders).toHaveLength(3);
  });

  it('sells a holding of the other exchange without a short position appearing', async () => {
    const { adapter, sim, soon } = await open();
    sim.books.holdings.push({
      tradingsymbol: 'SBIN',
      exchange: 'BSE',
      instrument_token: 128028676,
      isin: 'INE062A01020',
      product: 'CNC',
      quantity: 11,
      t1_quantity: 7,
      realised_quantity: 11,
      opening_quantity: 18,
      used_quantity: 0,
      collateral_quantity: 2,
      average_price: 429,
      last_price: 820,
    });
    await soon(adapter.place(room.order({ symbol: 'NSE:SBIN', product: 'cnc', side: 'sell', qty: '5' })));
    const positions = await soon(adapter.positions());
    expect(positions.map(({ instrument, qty }) => [instrument, text(qty)])).toEqual([
      ['ZERODHA:BSE:SBIN', '15'],
    ]);
    const [holding] = (await soon(adapter.holdings?.() ?? Promise.resolve([]))) ?? [];
    expect(holding && [text(holding.qty), text(holding.unsettledQty), text(holding.lockedQty)]).toEqual([
      '20',
      '7',
      '2',
    ]);
  });
});

describe('money', () => {
  it('is asked for before an order as well: what it needs, and what Kite says it would cost', async () => {
    const { adapter, sim, soon } = await open();
    const margin = await soon(
      adapter.margin?.(room.order({ product: 'mis', limit: '1490.1' })) ?? Promise.reject(new Error('none')),
    );
    expect([text(margin.required), margin.fees && text(margin.fees), margin.source]).toEqual([
      '2980.2',
      '1.79255122',
      'broker',
    ]);
    expect(sim.requests.at(-1)?.body).toContain('"price":1490.1');
    expect(sim.sent()).toEqual([]);
    const balance = await soon(adapter.balance());
    expect([balance.currency, text(balance.cash), text(balance.buyingPower)]).toEqual([
      'INR',
      '1000000',
      '1000000',
    ]);
  });
});
