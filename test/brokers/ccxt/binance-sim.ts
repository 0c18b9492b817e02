/** Binance as it is on the wire: spot under /api/v3 with the user stream of its WebSocket API, USD-M perpetuals under /fapi with a listen key. */
import { createHmac } from 'node:crypto';
import { add, money, quantity, ZERO_MONEY } from '#domain/decimal.ts';
import type { Clock } from '#ports.ts';
import {
  openSimServer,
  type SimAnswer,
  type SimRequest,
  type SimServer,
  type SimSocket,
} from './sim-server.ts';
import { type BookChange, type BookOrder, isWorking, openVenueBook, type VenueBook } from './venue-book.ts';

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

const ok = (body: unknown): SimAnswer => ({ status: 200, body });
const no = (code: number, msg: string, status = 400): SimAnswer => ({ status, body: { code, msg } });

export async function openBinanceSim(clock: Clock, kind: 'spot' | 'swap' = 'spot'): Promise<BinanceSim> {
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
    if (path === '/api/v3/exchangeInfo') return ok(exchangeInfo('spot', nowMs()));
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

function exchangeInfo(kind: 'spot' | 'swap', serverTime: number): unknown {
  const common = {
    symbol: 'BTCUSDT',
    status: 'TRADING',
    baseAsset: 'BTC',
    quoteAsset: 'USDT',
    baseAssetPrecision: 8,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: '0.01', maxPrice: '1000000.00', tickSize: '0.01' },
      { filterType: 'LOT_SIZE', minQty: '0.00001', maxQty: '9000.00000', stepSize: '0.00001' },
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
    symbols: [kind === 'spot' ? spot : perpetual],
  };
}

const STATUS = {
  open: 'NEW',
  partially_filled: 'PARTIALLY_FILLED',
  filled: 'FILLED',
  canceled: 'CANCELED',
  expired: 'EXPIRED',
  rejected: 'REJECTED',
} as const;
const at8 = (figure: string | undefined): string => money(figure ?? '0').toFixed(8);

interface Wire {
  answer(request: SimRequest): SimAnswer | undefined;
  event(change: BookChange): unknown;
}

/** What both have in common: an order is asked for by either of its ids. */
function findIn(book: VenueBook, { params }: SimRequest): BookOrder | undefined {
  const id = params.get('orderId');
  const clientId = params.get('origClientOrderId');
  return book.orders.findLast((one) => (id === null ? one.clientId === clientId : one.id === id));
}
function tradesIn(book: VenueBook, { params }: SimRequest) {
  const fromMs = Number(params.get('startTime') ?? '0');
  const untilMs = Number(params.get('endTime') ?? '9e15');
  return book.trades
    .filter(({ timeMs }) => timeMs >= fromMs && timeMs <= untilMs)
    .slice(0, Number(params.get('limit') ?? '500'));
}
/** An order as it was asked for, or why not. */
function takeIn(book: VenueBook, { params }: SimRequest): BookOrder | SimAnswer {
  const side = params.get('side') === 'BUY' ? 'buy' : 'sell';
  const qty = params.get('quantity') ?? '0';
  const limit = params.get('price') ?? undefined;
  const clientId = params.get('newClientOrderId') ?? undefined;
  if (params.get('symbol') !== 'BTCUSDT') return no(-1121, 'Invalid symbol.');
  if (clientId !== undefined && !/^[.A-Z:/a-z0-9_-]{1,36}$/.test(clientId))
    return no(-1100, "Illegal characters found in parameter 'newClientOrderId'.");
  if (book.orders.some((one) => isWorking(one) && one.clientId === clientId))
    return no(-2010, 'Duplicate order sent.');
  if (!quantity(qty).mod('0.00001').eq('0')) return no(-1013, 'Filter failure: LOT_SIZE');
  const at = limit ?? book.touch().ask;
  if (side === 'buy' && money(book.free('USDT')).lt(money(qty).times(at)))
    return no(-2010, 'Account has insufficient balance for requested action.');
  const order = book.place({
    clientId,
    symbol: 'BTCUSDT',
    side,
    type: params.get('type') ?? 'LIMIT',
    force: params.get('timeInForce') ?? 'GTC',
    qty,
    limit,
    stop: params.get('stopPrice') ?? undefined,
  });
  if (order.type === 'MARKET') book.fill(order, qty, side === 'buy' ? book.touch().ask : book.touch().bid);
  else if (order.force === 'IOC' || order.force === 'FOK') book.end(order, 'expired');
  return order;
}
const isAnswer = (value: BookOrder | SimAnswer): value is SimAnswer => 'body' in value;

function spotWire(book: VenueBook, nowMs: () => number): Wire {
  const told = (order: BookOrder) => ({
    symbol: order.symbol,
    orderId: RAW(order.id),
    orderListId: -1,
    clientOrderId: order.clientId ?? `web_${order.id}`,
    price: at8(order.limit),
    origQty: at8(order.qty),
    executedQty: at8(order.filled),
    cummulativeQuoteQty: at8(order.cost),
    status: STATUS[order.status],
    timeInForce: order.force,
    type: order.type,
    side: order.side.toUpperCase(),
    stopPrice: at8(order.stop),
    icebergQty: '0.00000000',
    time: order.openedMs,
    updateTime: order.changedMs,
    isWorking: true,
  });
  return {
    answer(request) {
      const { method, path } = request;
      switch (`${method} ${path}`) {
        case 'POST /api/v3/order': {
          const order = takeIn(book, request);
          return isAnswer(order) ? order : ok({ ...told(order), transactTime: nowMs(), fills: [] });
        }
        case 'DELETE /api/v3/order': {
          const order = findIn(book, request);
          if (order === undefined || !isWorking(order)) return no(-2011, 'Unknown order sent.');
          book.end(order, 'canceled');
          return ok(told(order));
        }
        case 'GET /api/v3/order': {
          const order = findIn(book, request);
          return order === undefined ? no(-2013, 'Order does not exist.') : ok(told(order));
        }
        case 'GET /api/v3/openOrders':
          return ok(book.orders.filter(isWorking).map(told));
        case 'GET /api/v3/myTrades':
          return ok(
            tradesIn(book, request).map(({ id, order, qty, price, fee, feeAsset, timeMs }) => ({
              symbol: order.symbol,
              id: Number(id),
              orderId: RAW(order.id),
              price: at8(price),
              qty: at8(qty),
              quoteQty: money(price).times(qty).toFixed(8),
              commission: fee,
              commissionAsset: feeAsset,
              time: timeMs,
              isBuyer: order.side === 'buy',
              isMaker: true,
              isBestMatch: true,
            })),
          );
        case 'GET /api/v3/account':
          return ok({
            makerCommission: 10,
            takerCommission: 10,
            canTrade: true,
            canWithdraw: true,
            updateTime: nowMs(),
            accountType: 'SPOT',
            balances: [...book.wallet.keys()].map((asset) => ({
              asset,
              free: book.free(asset),
              locked: book.locked(asset),
            })),
          });
        default:
          return undefined;
      }
    },
    event({ order, ...change }) {
      const trade = change.kind === 'trade' ? change.trade : undefined;
      return {
        subscriptionId: 0,
        event: {
          e: 'executionReport',
          E: nowMs(),
          s: order.symbol,
          c: order.clientId ?? `web_${order.id}`,
          S: order.side.toUpperCase(),
          o: order.type,
          f: order.force,
          q: at8(order.qty),
          p: at8(order.limit),
          P: at8(order.stop),
          F: '0.00000000',
          g: -1,
          C: '',
          x: trade === undefined ? STATUS[order.status] : 'TRADE',
          X: STATUS[order.status],
          r: 'NONE',
          i: RAW(order.id),
          l: at8(trade?.qty),
          z: at8(order.filled),
          L: at8(trade?.price),
          n: trade?.fee ?? '0',
          N: trade?.feeAsset ?? null,
          T: order.changedMs,
          t: trade === undefined ? -1 : Number(trade.id),
          w: true,
          m: true,
          O: order.openedMs,
          Z: at8(order.cost),
          Y: '0.00000000',
          Q: '0.00000000',
        },
      };
    },
  };
}

/** A whole number above 2^53, written without quotes as Binance writes it. */
const RAW = (digits: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);

function futuresWire(book: VenueBook, nowMs: () => number): Wire {
  const told = (order: BookOrder) => ({
    orderId: RAW(order.id),
    symbol: order.symbol,
    status: STATUS[order.status],
    clientOrderId: order.clientId ?? `web_${order.id}`,
    price: order.limit ?? '0',
    avgPrice: '0',
    origQty: order.qty,
    executedQty: order.filled,
    cumQuote: order.cost,
    timeInForce: order.force,
    type: order.type,
    origType: order.type,
    reduceOnly: false,
    closePosition: false,
    side: order.side.toUpperCase(),
    positionSide: 'BOTH',
    stopPrice: '0',
    workingType: 'CONTRACT_PRICE',
    priceProtect: false,
    time: order.openedMs,
    updateTime: order.changedMs,
  });
  const held = (): string =>
    book.trades
      .map(({ order, qty }) => (order.side === 'buy' ? money(qty) : money(`-${qty}`)))
      .reduce((sum, one) => add(sum, one), ZERO_MONEY)
      .toFixed();
  const position = () => ({
    symbol: 'BTCUSDT',
    positionAmt: held(),
    entryPrice: book.trades.at(-1)?.price ?? '0',
    breakEvenPrice: '0',
    markPrice: book.touch().bid,
    unRealizedProfit: '0',
    unrealizedProfit: '0',
    liquidationPrice: '0',
    leverage: '10',
    isolated: false,
    positionSide: 'BOTH',
    notional: money(book.touch().bid).times(held()).toFixed(),
    marginAsset: 'USDT',
    isolatedMargin: '0',
    isolatedWallet: '0',
    initialMargin: '0',
    maintMargin: '0',
    positionInitialMargin: '0',
    openOrderInitialMargin: '0',
    adl: 1,
    bidNotional: '0',
    askNotional: '0',
    updateTime: nowMs(),
  });
  return {
    answer(request) {
      const { method, path } = request;
      const route = `${method} ${path.replace(/^\/fapi\/v\d/, '')}`;
      switch (route) {
        case 'POST /order': {
          const order = takeIn(book, request);
          return isAnswer(order) ? order : ok(told(order));
        }
        case 'PUT /order':
        case 'DELETE /order':
        case 'GET /order': {
          const order = findIn(book, request);
          if (order === undefined) return no(method === 'GET' ? -2013 : -2011, 'Order does not exist.');
          if (method !== 'GET' && !isWorking(order)) return no(-2011, 'Unknown order sent.');
          if (method === 'DELETE') book.end(order, 'canceled');
          if (method === 'PUT')
            book.change(order, {
              qty: request.params.get('quantity') ?? order.qty,
              limit: request.params.get('price') ?? undefined,
            });
          return ok(told(order));
        }
        case 'GET /openOrders':
          return ok(book.orders.filter(isWorking).map(told));
        case 'GET /userTrades':
          return ok(
            tradesIn(book, request).map(({ id, order, qty, price, fee, feeAsset, timeMs }) => ({
              symbol: order.symbol,
              id: Number(id),
              orderId: RAW(order.id),
              side: order.side.toUpperCase(),
              price,
              qty,
              realizedPnl: '0',
              quoteQty: money(price).times(qty).toFixed(),
              commission: fee,
              commissionAsset: feeAsset,
              time: timeMs,
              positionSide: 'BOTH',
              buyer: order.side === 'buy',
              maker: true,
            })),
          );
        case 'GET /account':
          return ok({
            totalWalletBalance: '1000000',
            assets: [
              {
                asset: 'USDT',
                walletBalance: '1000000',
                unrealizedProfit: '0',
                marginBalance: '1000000',
                maintMargin: '0',
                initialMargin: '0',
                availableBalance: '1000000',
                updateTime: nowMs(),
              },
            ],
            positions: [position()],
          });
        case 'GET /positionRisk':
          return ok([position()]);
        case 'GET /leverageBracket':
          return ok([{ symbol: 'BTCUSDT', notionalCoef: 1, brackets: [] }]);
        default:
          return undefined;
      }
    },
    event({ order, ...change }) {
      const trade = change.kind === 'trade' ? change.trade : undefined;
      return {
        e: 'ORDER_TRADE_UPDATE',
        E: nowMs(),
        T: nowMs(),
        o: {
          s: order.symbol,
          c: order.clientId ?? `web_${order.id}`,
          S: order.side.toUpperCase(),
          o: order.type,
          f: order.force,
          q: order.qty,
          p: order.limit ?? '0',
          ap: '0',
          sp: '0',
          x: trade === undefined ? STATUS[order.status] : 'TRADE',
          X: STATUS[order.status],
          i: RAW(order.id),
          l: trade?.qty ?? '0',
          z: order.filled,
          L: trade?.price ?? '0',
          N: trade?.feeAsset ?? 'USDT',
          n: trade?.fee ?? '0',
          T: order.changedMs,
          t: trade === undefined ? 0 : Number(trade.id),
          m: true,
          R: false,
          ot: order.type,
          ps: 'BOTH',
          rp: '0',
        },
      };
    },
  };
}
