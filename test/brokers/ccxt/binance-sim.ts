/** Binance as it is on the wire: spot under /api/v3 with the user stream of its WebSocket API, USD-M perpetuals under /fapi with a listen key. */
import { createHmac } from 'node:crypto';
import type { Clock } from '#ports.ts';
import { no, ok } from './binance-orders.ts';
import { futuresWire } from './binance-perpetuals.ts';
import { spotWire } from './binance-spot.ts';
import {
  openSimServer,
  type SimAnswer,
  type SimRequest,
  type SimServer,
  type SimSocket,
} from './sim-server.ts';
import { openVenueBook, type VenueBook } from './venue-book.ts';

export const BINANCE_KEY = 'canary-binance-key-0001';
export const BINANCE_SECRET = 'canary-binance-secret-0001';
const WINDOW_MS = 5_000;
const LISTEN_KEY = 'canary-listen-key-0001';

export interface BinanceSim {
  readonly server: SimServer;
  readonly book: VenueBook;
  /** What its key may do. */
  mayWithdraw: boolean;
  /** Its clock against ours. */
  skewMs: number;
  readonly bars: { readonly timesMs: readonly number[] };
  quote(bid: string, ask: string): void;
  close(): Promise<void>;
}

/** `others` are coins that it lists besides. */
export async function openBinanceSim(
  clock: Clock,
  kind: 'spot' | 'swap' = 'spot',
  others: readonly string[] = [],
): Promise<BinanceSim> {
  const nowMs = (): number => Math.trunc(clock.wallMs()) + sim.skewMs;
  const book = openVenueBook({
    base: 'BTC',
    quote: 'USDT',
    wallet: { USDT: '1000000', BTC: '10' },
    feeRate: '0.001',
    orderId: (number) => String(9_007_199_254_740_993n + BigInt(number)),
    tradeId: (number) => String(500 + number),
    nowMs: () => nowMs(),
  });
  const wire = kind === 'spot' ? spotWire(book, nowMs) : futuresWire(book, nowMs);
  const prices = new Map<SimSocket, Set<string>>();

  const server = await openSimServer({
    kindOf: ({ method, path }) => {
      if (path.endsWith('/order'))
        return method === 'POST'
          ? 'place'
          : method === 'DELETE'
            ? 'cancel'
            : method === 'PUT'
              ? 'replace'
              : 'read';
      if (/\/(?:openOrders|allOrders|account|myTrades|userTrades|positionRisk|balance)$/.test(path))
        return 'read';
      return /\/(?:ticker|depth|klines)/.test(path) ? 'price' : undefined;
    },
    answer(request) {
      const open = publicAnswer(request);
      if (open !== undefined) return open;
      if (request.path.endsWith('/listenKey')) return keyed(request) ?? ok({ listenKey: LISTEN_KEY });
      const refused = keyed(request) ?? signedAmiss(request);
      if (refused !== undefined) return refused;
      if (request.path === '/sapi/v1/account/apiRestrictions')
        return ok({ ipRestrict: true, enableReading: true, enableWithdrawals: sim.mayWithdraw });
      return wire.answer(request) ?? no(-1100, `nothing is at ${request.path}`, 404);
    },
    hear(socket, message) {
      const { id, method, params } = JSON.parse(message) as {
        readonly id: unknown;
        readonly method: string;
        readonly params: unknown;
      };
      if (method === 'userDataStream.subscribe.signature') {
        const said = params as Readonly<Record<string, string>>;
        const { signature, ...rest } = said;
        const names = Object.keys(rest).toSorted();
        const payload = names.map((name) => `${name}=${String(rest[name])}`).join('&');
        const proper = createHmac('sha256', BINANCE_SECRET).update(payload).digest('hex') === signature;
        if (!proper)
          return socket.sendNow({
            id,
            status: 401,
            error: { code: -1022, msg: 'Signature for this request is not valid.' },
          });
        socket.isPrivate = true;
        return socket.sendNow({ id, status: 200, result: { subscriptionId: 0 } });
      }
      if (method === 'SUBSCRIBE')
        prices.set(socket, new Set([...(prices.get(socket) ?? []), ...(params as readonly string[])]));
      socket.sendNow({ result: null, id });
      quoteTo(socket);
    },
    opened(socket) {
      if (socket.path.includes(LISTEN_KEY)) socket.isPrivate = true;
    },
    closed: (socket) => void prices.delete(socket),
    spoil: (text) => text.replaceAll(/"status":"\w+"/g, '"status":"QUANTUM"'),
  });

  function keyed({ headers }: SimRequest): SimAnswer | undefined {
    return headers['x-mbx-apikey'] === BINANCE_KEY
      ? undefined
      : no(-2015, 'Invalid API-key, IP, or permissions for action.', 401);
  }
  /** HMAC-SHA256 in hex of everything that came before it, in the query or the body; and a time within the window. */
  function signedAmiss({ url, body, params }: SimRequest): SimAnswer | undefined {
    const payload = body === '' ? (url.split('?')[1] ?? '') : body;
    const at = payload.lastIndexOf('&signature=');
    const given = payload.slice(at + '&signature='.length);
    const proper = createHmac('sha256', BINANCE_SECRET).update(payload.slice(0, at)).digest('hex');
    if (at < 0 || given !== proper) return no(-1022, 'Signature for this request is not valid.');
    const sentMs = Number(params.get('timestamp'));
    return sentMs > nowMs() + 1_000 || nowMs() - sentMs > WINDOW_MS
      ? no(-1021, 'Timestamp for this request is outside of the recvWindow.')
      : undefined;
  }
  function publicAnswer({ path, params }: SimRequest): SimAnswer | undefined {
    if (path.endsWith('/time')) return ok({ serverTime: nowMs() });
    if (path === '/api/v3/exchangeInfo') return ok(exchangeInfo('spot', nowMs(), others));
    if (path === '/fapi/v1/exchangeInfo') return ok(exchangeInfo('swap', nowMs()));
    const { bid, ask } = book.touch();
    if (path.endsWith('/ticker/bookTicker'))
      return ok([
        {
          symbol: 'BTCUSDT',
          bidPrice: bid,
          bidQty: '2.5',
          askPrice: ask,
          askQty: '3',
          ...(kind === 'swap' ? { time: nowMs() } : {}),
        },
      ]);
    if (path.endsWith('/depth'))
      return ok({ lastUpdateId: 1, E: nowMs(), T: nowMs(), bids: [[bid, '2.5']], asks: [[ask, '3']] });
    if (path.endsWith('/klines')) {
      const sinceMs = Number(params.get('startTime') ?? '0');
      return ok(
        bars.timesMs
          .filter((ms) => ms >= sinceMs)
          .map((ms) => [ms, '1', '2', '1', '1.5', '100', ms + 59_999, '150', 3, '50', '75', '0']),
      );
    }
    return undefined;
  }
  function quoteTo(socket: SimSocket): void {
    if (![...(prices.get(socket) ?? [])].includes('btcusdt@bookTicker')) return;
    const { bid, ask } = book.touch();
    const event = kind === 'swap' ? { e: 'bookTicker', E: nowMs(), T: nowMs() } : {};
    socket.sendNow({ ...event, u: nowMs(), s: 'BTCUSDT', b: bid, B: '2.5', a: ask, A: '3' });
  }
  book.onChange((change) => {
    for (const socket of server.to(true)) socket.send(wire.event(change));
  });

  const minute = Math.floor(clock.wallMs() / 60_000) * 60_000;
  const bars = { timesMs: [5, 4, 3].map((ago) => minute - ago * 60_000) };
  const sim: BinanceSim = {
    server,
    book,
    mayWithdraw: false,
    skewMs: 0,
    bars,
    quote(bid, ask) {
      book.setTouch(bid, ask);
      for (const socket of prices.keys()) quoteTo(socket);
    },
    close: () => server.close(),
  };
  book.setTouch('50000.00', '50000.10');
  return sim;
}

function exchangeInfo(kind: 'spot' | 'swap', serverTime: number, others: readonly string[] = []): unknown {
  const [tick, lot] = kind === 'spot' ? ['0.01', '0.00001'] : ['0.10', '0.001'];
  const common = {
    symbol: 'BTCUSDT',
    status: 'TRADING',
    baseAsset: 'BTC',
    quoteAsset: 'USDT',
    baseAssetPrecision: 8,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: tick, maxPrice: '1000000.00', tickSize: tick },
      { filterType: 'LOT_SIZE', minQty: lot, maxQty: '9000.00000', stepSize: lot },
      { filterType: 'NOTIONAL', minNotional: '5.00', applyMinToMarket: true, avgPriceMins: 5 },
      { filterType: 'MIN_NOTIONAL', notional: '5' },
    ],
  };
  const spot = {
    ...common,
    orderTypes: [
      'LIMIT',
      'LIMIT_MAKER',
      'MARKET',
      'STOP_LOSS',
      'STOP_LOSS_LIMIT',
      'TAKE_PROFIT',
      'TAKE_PROFIT_LIMIT',
    ],
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    permissions: [],
    permissionSets: [['SPOT']],
  };
  const perpetual = {
    ...common,
    pair: 'BTCUSDT',
    contractType: 'PERPETUAL',
    marginAsset: 'USDT',
    deliveryDate: 4_133_404_800_000,
    onboardDate: 1_569_398_400_000,
    pricePrecision: 2,
    quantityPrecision: 3,
    underlyingType: 'COIN',
    orderTypes: [
      'LIMIT',
      'MARKET',
      'STOP',
      'STOP_MARKET',
      'TAKE_PROFIT',
      'TAKE_PROFIT_MARKET',
      'TRAILING_STOP_MARKET',
    ],
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX'],
  };
  return {
    timezone: 'UTC',
    serverTime,
    rateLimits: [],
    exchangeFilters: [],
    symbols: [
      kind === 'spot' ? spot : perpetual,
      ...others.map((base) => ({ ...spot, symbol: `${base}USDT`, baseAsset: base })),
    ],
  };
}
