// The HTTP routes of the simulated broker behind the session: one table from method and path to an answer.

import { type Form, KiteError, marginNeeded } from './kite-books.ts';
import type { KiteSim, SimRequest } from './kite-sim.ts';
import { gzippedDumpOf, ist, symbolKey } from './kite-world.ts';

export interface SimAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

const ok = (data: unknown): SimAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ status: 'success', data }),
});

type Route = readonly [
  string,
  RegExp,
  (sim: KiteSim, seen: SimRequest, parts: readonly string[]) => SimAnswer,
];

const ROUTES: readonly Route[] = [
  ['GET', /^\/user\/profile$/, () => ok({ user_id: 'XX0000', broker: 'ZERODHA', exchanges: ['NSE'] })],
  [
    'GET',
    /^\/user\/margins$/,
    (sim) => ok({ equity: sim.books.margins(), commodity: { enabled: false, net: 0 } }),
  ],
  ['GET', /^\/user\/margins\/equity$/, (sim) => ok(sim.books.margins())],
  [
    'POST',
    /^\/orders\/([a-z]+)$/,
    (sim, { form }, [variety = '']) => ok({ order_id: sim.books.place(variety, form).order_id }),
  ],
  [
    'PUT',
    /^\/orders\/([a-z]+)\/(\w+)$/,
    (sim, { form }, [variety = '', id = '']) =>
      ok({ order_id: sim.books.modify(variety, id, form).order_id }),
  ],
  [
    'DELETE',
    /^\/orders\/([a-z]+)\/(\w+)$/,
    (sim, _seen, [variety = '', id = '']) => ok({ order_id: sim.books.cancel(variety, id).order_id }),
  ],
  ['GET', /^\/orders$/, (sim) => ok(sim.books.orders)],
  ['GET', /^\/orders\/(\w+)$/, (sim, _seen, [id = '']) => ok([sim.books.byId(id)])],
  [
    'GET',
    /^\/orders\/(\w+)\/trades$/,
    (sim, _seen, [id = '']) => ok(sim.books.trades.filter((one) => one.order_id === id)),
  ],
  ['GET', /^\/trades$/, (sim) => ok(sim.books.trades)],
  ['GET', /^\/portfolio\/positions$/, (sim) => ok(sim.books.positions())],
  ['GET', /^\/portfolio\/holdings$/, (sim) => ok(sim.books.holdings)],
  ['POST', /^\/gtt\/triggers$/, (sim, { form }) => ok({ trigger_id: sim.gtts.place(form).id })],
  [
    'PUT',
    /^\/gtt\/triggers\/(\d+)$/,
    (sim, { form }, [id]) => ok({ trigger_id: sim.gtts.modify(Number(id), form).id }),
  ],
  [
    'DELETE',
    /^\/gtt\/triggers\/(\d+)$/,
    (sim, _seen, [id]) => ok({ trigger_id: sim.gtts.remove(Number(id)).id }),
  ],
  ['GET', /^\/gtt\/triggers$/, (sim) => ok(sim.gtts.all)],
  ['GET', /^\/gtt\/triggers\/(\d+)$/, (sim, _seen, [id]) => ok(sim.gtts.byId(Number(id)))],
  ['POST', /^\/margins\/orders$/, (sim, { body }) => ok(margins(sim, body))],
  ['GET', /^\/instruments(?:\/([A-Z]+))?$/, (sim, _seen, [exchange]) => dump(sim, exchange)],
  [
    'GET',
    /^\/instruments\/historical\/(\d+)\/(\w+)$/,
    (sim, { query }, [token = '', interval = '']) => history(sim, query, `${token}:${interval}`),
  ],
  ['GET', /^\/quote$/, (sim, { query }) => ok(quotes(sim, query.getAll('i')))],
  [
    'GET',
    /^\/quote\/ohlc$/,
    (sim, { query }) => ok(quotes(sim, query.getAll('i'), ['instrument_token', 'last_price', 'ohlc'])),
  ],
  [
    'GET',
    /^\/quote\/ltp$/,
    (sim, { query }) => ok(quotes(sim, query.getAll('i'), ['instrument_token', 'last_price'])),
  ],
];

export function answerOf(sim: KiteSim, seen: SimRequest): SimAnswer {
  for (const [method, path, answer] of ROUTES) {
    const found = method === seen.method ? path.exec(seen.path) : null;
    if (found !== null) return answer(sim, seen, found.slice(1));
  }
  throw new KiteError(404, 'GeneralException', 'Route not found');
}

function margins(sim: KiteSim, body: string): unknown {
  const orders = JSON.parse(body) as Form[];
  return orders.map((order) => {
    const last = sim.markets.get(`${order['exchange']}:${order['tradingsymbol']}`)?.last ?? 0;
    const total = marginNeeded({
      product: order['product'] ?? '',
      tradingsymbol: order['tradingsymbol'] ?? '',
      transaction_type: order['transaction_type'] ?? '',
      quantity: Number(order['quantity']),
      at: Number(order['price']) || last,
    });
    return {
      type: 'equity',
      tradingsymbol: order['tradingsymbol'],
      exchange: order['exchange'],
      span: 0,
      exposure: 0,
      option_premium: 0,
      additional: 0,
      bo: 0,
      cash: 0,
      var: total,
      pnl: { realised: 0, unrealised: 0 },
      leverage: order['product'] === 'CNC' ? 1 : 5,
      charges: { transaction_charge: 1.498, brokerage: 0.01, stamp_duty: 0.22, total: 1.79255122 },
      total,
    };
  });
}

function dump(sim: KiteSim, exchange: string | undefined): SimAnswer {
  const rows = sim.instruments.filter((one) => exchange === undefined || one.exchange === exchange);
  return {
    status: 200,
    headers: { 'content-type': 'text/csv', 'content-encoding': 'gzip' },
    body: gzippedDumpOf(rows),
  };
}

function quotes(sim: KiteSim, wanted: readonly string[], keys?: readonly string[]): unknown {
  if (wanted.length > 500) throw new KiteError(400, 'InputException', 'Too many instruments.');
  const rows = wanted.flatMap((symbol) => {
    const instrument = sim.instruments.find((one) => symbolKey(one) === symbol);
    const market = sim.markets.get(symbol);
    if (instrument === undefined || market === undefined) return [];
    const full: Record<string, unknown> = {
      instrument_token: instrument.token,
      timestamp: ist(sim.clock.wallMs()),
      last_trade_time: ist(market.lastTradeMs),
      last_price: market.last,
      last_quantity: market.lastQuantity,
      buy_quantity: market.bids.reduce((sum, level) => sum + level.quantity, 0),
      sell_quantity: market.asks.reduce((sum, level) => sum + level.quantity, 0),
      volume: market.volume,
      average_price: market.last,
      oi: market.oi,
      net_change: 0,
      lower_circuit_limit: market.lower,
      upper_circuit_limit: market.upper,
      ohlc: market.ohlc,
      ...(instrument.segment === 'INDICES' ? {} : { depth: { buy: market.bids, sell: market.asks } }),
    };
    return [[symbol, keys === undefined ? full : Object.fromEntries(keys.map((key) => [key, full[key]]))]];
  });
  return Object.fromEntries(rows as [string, unknown][]);
}

function history(sim: KiteSim, query: URLSearchParams, key: string): SimAnswer {
  const from = query.get('from') ?? '';
  const to = query.get('to') ?? '';
  const text = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
  if (!text.test(from) || !text.test(to))
    throw new KiteError(400, 'InputException', 'Invalid `from` or `to`.');
  const candles = (sim.candles.get(key) ?? []).filter(([time]) => {
    const at = String(time).slice(0, 19).replace('T', ' ');
    return at >= from && at <= to;
  });
  return ok({ candles });
}
