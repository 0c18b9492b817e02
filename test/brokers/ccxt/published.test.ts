// What exchanges publish as examples of their answers goes through ccxt and our translation, and is read once more by itself.

import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { brokerExecution } from '#brokers/ccxt/executions.ts';
import { listingOf } from '#brokers/ccxt/listings.ts';
import { brokerOrder } from '#brokers/ccxt/orders.ts';
import { price, text } from '#domain/decimal.ts';
import { wallClock } from '../../../server/clock.ts';
import { BINANCE, directoryFrom, KRAKEN, type Venue } from './bench.ts';

/** Kraken, "Query Orders Info" and "Get Trades History"; Binance, "Query order" and "Account trade list": with BTC in place of the coin. */
const KRAKEN_ORDER = {
  refid: null,
  userref: 0,
  status: 'canceled',
  opentm: 1_705_259_439.563,
  descr: {
    pair: 'XBTUSD',
    type: 'buy',
    ordertype: 'limit',
    price: '50.0',
    price2: '0',
    leverage: 'none',
    order: 'buy 0.10000000 XBTUSD @ limit 50.0',
    close: '',
  },
  vol: '0.10000000',
  vol_exec: '0.04000000',
  cost: '2.000000',
  fee: '0.000000',
  price: '50.0',
  stopprice: '0.000000',
  limitprice: '0.000000',
  misc: '',
  oflags: 'post,fciq',
  reason: 'User requested',
};
const KRAKEN_TRADE = {
  ordertxid: 'OQCLML-BW3P3-BUCMWZ',
  postxid: 'TKH2SE-M7IF5-CFI7LT',
  pair: 'XXBTZUSD',
  time: 1_688_667_796.8802,
  type: 'buy',
  ordertype: 'limit',
  price: '30010.00000',
  cost: '600.20000',
  fee: '0.00000',
  vol: '0.02000000',
  margin: '0.00000',
  misc: '',
};
const BINANCE_ORDER = {
  symbol: 'BTCUSDT',
  orderId: 1,
  orderListId: -1,
  clientOrderId: 'myOrder1',
  price: '0.1',
  origQty: '1.0',
  executedQty: '0.0',
  cummulativeQuoteQty: '0.0',
  status: 'NEW',
  timeInForce: 'GTC',
  type: 'LIMIT',
  side: 'BUY',
  stopPrice: '0.0',
  icebergQty: '0.0',
  time: 1_499_827_319_559,
  updateTime: 1_499_827_319_559,
  isWorking: true,
};
const BINANCE_TRADE = {
  symbol: 'BTCUSDT',
  id: 28_457,
  orderId: 100_234,
  price: '4.00000100',
  qty: '12.00000000',
  quoteQty: '48.000012',
  commission: '10.10000000',
  commissionAsset: 'BNB',
  time: 1_499_865_549_590,
  isBuyer: true,
  isMaker: false,
  isBestMatch: true,
};

let server: Server | undefined;
afterEach(() => server?.close());

/** The markets are those of the simulator; every other question has this one answer. */
async function reading(venue: Venue, answer: unknown) {
  const sim = await venue.open(wallClock);
  const directory = await directoryFrom(venue, sim, wallClock);
  const made = openExchange({
    ...venue,
    testnet: false,
    endpoints: { rest: sim.server.rest },
    clock: wallClock,
  });
  const { ccxt } = made;
  const markets = await ccxt.loadMarkets();
  await sim.close();
  server = createServer((_, response) => void response.end(JSON.stringify(answer)));
  await new Promise<void>((resolve) => void server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const other = openExchange({
    ...venue,
    testnet: false,
    endpoints: { rest: `http://127.0.0.1:${port}` },
    clock: wallClock,
  });
  Object.assign(other.ccxt, {
    markets,
    markets_by_id: (ccxt as unknown as Record<string, unknown>)['markets_by_id'],
    altnames: {},
  });
  Object.assign(other.ccxt.options, ccxt.options);
  made.close();
  const context = { directory: 'x', exchange: venue.exchange, precisionMode: ccxt.precisionMode };
  expect(Object.values(markets).flatMap((one) => listingOf(one, context) ?? []).length).toBeGreaterThan(0);
  return { ccxt: other.ccxt, directory, close: () => other.close() };
}
const orderReading = (
  symbolToId: (symbol: string) => ReturnType<NonNullable<Parameters<typeof brokerOrder>[1]>['instrumentOf']>,
) => ({
  instrumentOf: symbolToId,
  clientIdOf: () => null,
  termsOf: () => undefined,
  nowMs: 0,
});

describe.each([
  {
    venue: KRAKEN,
    id: 'OR6EGN',
    answer: { error: [], result: { OR6EGN: KRAKEN_ORDER } },
    raw: {
      qty: KRAKEN_ORDER.vol,
      filled: KRAKEN_ORDER.vol_exec,
      limit: KRAKEN_ORDER.descr.price,
      status: 'canceled',
      timeMs: 1_705_259_439_563,
    },
  },
  {
    venue: BINANCE,
    id: '1',
    answer: BINANCE_ORDER,
    raw: {
      qty: BINANCE_ORDER.origQty,
      filled: BINANCE_ORDER.executedQty,
      limit: BINANCE_ORDER.price,
      status: 'open',
      timeMs: BINANCE_ORDER.time,
    },
  },
])('an order that $venue.exchange publishes', ({ venue, id, answer, raw }) => {
  it('is read as it says', async () => {
    const { ccxt, directory, close } = await reading(venue, answer);
    const told = await ccxt.fetchOrder(id, venue.symbol);
    close();
    const read = brokerOrder(
      told,
      orderReading((symbol) => directory.bySymbol(symbol)?.instrument.id),
    );
    if (!read.ok) throw new Error(read.error);
    const { qty, filledQty, limitPrice, status, timeMs, side, type, brokerOrderId } = read.value;
    expect({ brokerOrderId, side, type, status, timeMs }).toEqual({
      brokerOrderId: id,
      side: 'buy',
      type: 'limit',
      status: raw.status,
      timeMs: raw.timeMs,
    });
    expect(qty.eq(raw.qty)).toBe(true);
    expect(filledQty.eq(raw.filled)).toBe(true);
    expect(limitPrice?.eq(raw.limit)).toBe(true);
  });
});

describe.each([
  {
    venue: KRAKEN,
    answer: { error: [], result: { trades: { 'THVRQM-33VKH-UCI7BS': KRAKEN_TRADE }, count: 1 } },
    raw: {
      id: 'BTC/USD:THVRQM-33VKH-UCI7BS',
      order: KRAKEN_TRADE.ordertxid,
      price: KRAKEN_TRADE.price,
      qty: KRAKEN_TRADE.vol,
      fee: '0',
      timeMs: 1_688_667_796_880,
    },
  },
  // A fee in a token: its worth at 3 a piece.
  {
    venue: BINANCE,
    answer: [BINANCE_TRADE],
    raw: {
      id: 'BTC/USDT:28457',
      order: '100234',
      price: BINANCE_TRADE.price,
      qty: BINANCE_TRADE.qty,
      fee: '30.3',
      timeMs: BINANCE_TRADE.time,
    },
  },
])('a trade that $venue.exchange publishes', ({ venue, answer, raw }) => {
  it('is read as it says, its fee in the currency of the account', async () => {
    const { ccxt, directory, close } = await reading(venue, answer);
    const [trade] = await ccxt.fetchMyTrades(venue.symbol);
    close();
    if (trade === undefined) throw new Error('no trade was read');
    const read = brokerExecution(trade, {
      listingOf: (symbol) => directory.bySymbol(symbol),
      clientIdOf: () => null,
      currency: venue.currency,
      rateOf: (asset) => (asset === 'BNB' ? price('3') : undefined),
      uncounted: () => undefined,
      nowMs: 0,
    });
    if (!read.ok) throw new Error(read.error);
    const { executionId, brokerOrderId, qty, fee, timeMs, price: at } = read.value;
    expect({ executionId, brokerOrderId, timeMs }).toEqual({
      executionId: raw.id,
      brokerOrderId: raw.order,
      timeMs: raw.timeMs,
    });
    expect([text(at), text(qty), text(fee)]).toEqual([text(price(raw.price)), text(price(raw.qty)), raw.fee]);
  });
});
