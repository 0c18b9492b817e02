/** Witness A: Alpaca's own SDK trades with the simulator. What it can not do there, the simulator gets wrong. */
import { Alpaca } from '@alpacahq/alpaca-trade-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSimulator, type Simulator } from './simulator/simulator.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 15);
let sim: Simulator;
let alpaca: Alpaca;
beforeEach(async () => {
  sim = await openSimulator(() => NOW_MS);
  sim.quote('AAPL', '190', '190.1');
  const { keyId, secret } = sim.state;
  alpaca = new Alpaca({
    keyId,
    secret,
    paper: true,
    // The SDK knows Alpaca's hosts; its requests go to the simulator as they are.
    fetchApi: (input, init) => {
      const { pathname, search } = new URL(input);
      return fetch(`${sim.url}${pathname}${search}`, init);
    },
  });
});
afterEach(() => sim.close());

describe('Alpaca’s own SDK', () => {
  it('places an order, finds it by both ids, changes and cancels it', async () => {
    const { orders } = alpaca.trading;
    const placed = await orders.limit({
      symbol: 'AAPL',
      qty: '10',
      side: 'buy',
      limitPrice: '180.25',
      timeInForce: 'gtc',
      clientOrderId: 'sdk-1',
    });
    expect(placed).toMatchObject({ symbol: 'AAPL', status: 'new', limitPrice: '180.25', filledQty: '0' });
    const id = placed.id ?? '';
    expect(await orders.getOrderByOrderID({ orderId: id })).toMatchObject({ clientOrderId: 'sdk-1' });
    expect(await orders.getOrderByClientOrderId({ clientOrderId: 'sdk-1' })).toMatchObject({ id });
    const changed = await orders.patchOrderByOrderId({
      orderId: id,
      patchOrderRequest: { limitPrice: '181', clientOrderId: 'sdk-1~1' },
    });
    expect(changed).toMatchObject({ replaces: id, limitPrice: '181', qty: '10' });
    expect(await orders.getOrderByOrderID({ orderId: id })).toMatchObject({
      status: 'replaced',
      replacedBy: changed.id,
    });
    expect((await orders.getAllOrders({ status: 'open' })).map((one) => one.id)).toEqual([changed.id]);
    await orders.deleteOrderByOrderID({ orderId: changed.id ?? '' });
    expect(await orders.getAllOrders({ status: 'open' })).toEqual([]);
  });

  it('sees what a fill did to its account, its position and its activities', async () => {
    sim.book.autoFill = true;
    await alpaca.trading.orders.market({ symbol: 'AAPL', qty: '3', side: 'buy', timeInForce: 'day' });
    expect(await alpaca.trading.account.getAccount()).toMatchObject({ cash: '99429.7', currency: 'USD' });
    expect(await alpaca.trading.positions.getAllOpenPositions()).toMatchObject([
      { symbol: 'AAPL', qty: '3' },
    ]);
    const fills = await alpaca.trading.accountActivities.getAccountActivitiesByActivityType({
      activityType: 'FILL',
    });
    // The SDK keeps what both kinds of activity have in common.
    expect(fills).toMatchObject([{ symbol: 'AAPL', qty: '3', activityType: 'FILL' }]);
  });

  it('hears of it on the stream of orders', async () => {
    const stream = alpaca.trading.stream({ url: `${sim.url.replace('http', 'ws')}/stream` });
    const heard: string[] = [];
    stream.onTradeUpdate((update) =>
      heard.push(`${update.event} ${update.order.symbol} ${update.qty ?? '-'}`),
    );
    stream.subscribeTradeUpdates();
    stream.connect();
    await expect.poll(() => sim.streams.listening()).toBe(1);
    await alpaca.trading.orders.limit({
      symbol: 'AAPL',
      qty: '5',
      side: 'buy',
      limitPrice: '180',
      timeInForce: 'day',
      clientOrderId: 'sdk-2',
    });
    sim.fillLatest('sdk-2', '2', '180');
    sim.book.end(sim.order('sdk-2'), 'canceled');
    await expect.poll(() => heard).toEqual(['new AAPL -', 'partial_fill AAPL 2', 'canceled AAPL -']);
    stream.disconnect();
  });

  it('reads prices and bars', async () => {
    sim.bars('AAPL', [{ t: '2026-01-05T14:30:00Z', o: '189', h: '191', l: '188.5', c: '190', v: '1200' }]);
    const { stocks } = alpaca.marketData;
    const { quotes } = { quotes: await stocks.stockSnapshots({ symbols: 'AAPL', feed: 'iex' }) };
    expect(JSON.stringify(quotes)).toContain('190.1');
    const bars = await stocks.stockBars({ symbols: 'AAPL', timeframe: '1Min' });
    expect(JSON.stringify(bars)).toContain('188.5');
  });

  it('is refused with the wrong key', async () => {
    sim.state.secret = 'another secret altogether';
    await expect(alpaca.trading.account.getAccount()).rejects.toThrow();
  });
});
