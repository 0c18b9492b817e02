/** Kraken spot as it is on the wire: form-encoded requests under a rising nonce, signed by SHA-512 over SHA-256, and WebSocket v2. */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { money } from '#domain/decimal.ts';
import type { Clock } from '#ports.ts';
import {
  openSimServer,
  type SimAnswer,
  type SimRequest,
  type SimServer,
  type SimSocket,
} from './sim-server.ts';
import { type BookChange, type BookOrder, isWorking, openVenueBook, type VenueBook } from './venue-book.ts';

export const KRAKEN_KEY = 'canary-kraken-key-0001';
export const KRAKEN_SECRET = Buffer.from('canary-kraken-secret-of-some-length').toString('base64');
const TOKEN = 'canary-kraken-token-0001';

export interface KrakenSim {
  readonly server: SimServer;
  readonly book: VenueBook;
  mayWithdraw: boolean;
  skewMs: number;
  readonly bars: { readonly timesMs: readonly number[] };
  quote(bid: string, ask: string): void;
  close(): Promise<void>;
}

const ok = (result: unknown): SimAnswer => ({ status: 200, body: { error: [], result } });
const no = (error: string): SimAnswer => ({ status: 200, body: { error: [error] } });
const STATUS = {
  open: 'open',
  partially_filled: 'open',
  filled: 'closed',
  canceled: 'canceled',
  expired: 'expired',
  rejected: 'canceled',
} as const;
const SEEN = {
  open: 'new',
  partially_filled: 'partially_filled',
  filled: 'filled',
  canceled: 'canceled',
  expired: 'expired',
  rejected: 'canceled',
} as const;
const seconds = (ms: number): number => ms / 1_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const raw = (digits: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);

export async function openKrakenSim(clock: Clock): Promise<KrakenSim> {
  const nowMs = (): number => Math.trunc(clock.wallMs()) + sim.skewMs;
  const book = openVenueBook({
    base: 'BTC',
    quote: 'USD',
    wallet: { USD: '1000000', BTC: '10' },
    feeRate: '0.0026',
    orderId: (number) => `OSIM${String(number).padStart(2, '0')}-AAAAA-BBBBBB`,
    tradeId: (number) => `TSIM${String(number).padStart(2, '0')}-CCCCC-DDDDDD`,
    nowMs,
  });
  let lastNonce = 0n;
  const followers = new Set<SimSocket>();

  const server = await openSimServer({
    kindOf({ path }) {
      if (path === '/0/private/AddOrder') return 'place';
      if (path === '/0/private/CancelOrder') return 'cancel';
      if (path === '/0/private/AmendOrder') return 'replace';
      if (/\/private\/(?:OpenOrders|ClosedOrders|QueryOrders|TradesHistory|BalanceEx|Balance)$/.test(path))
        return 'read';
      return /\/public\/(?:Ticker|Depth|OHLC)$/.test(path) ? 'price' : undefined;
    },
    answer(request) {
      if (request.path.startsWith('/0/public/')) return publicAnswer(request);
      const { path, body, params, headers } = request;
      if (headers['api-key'] !== KRAKEN_KEY) return no('EAPI:Invalid key');
      const nonce = params.get('nonce') ?? '0';
      const digest = createHash('sha256').update(`${nonce}${body}`).digest();
      const proper = createHmac('sha512', Buffer.from(KRAKEN_SECRET, 'base64'))
        .update(path)
        .update(digest)
        .digest('base64');
      if (headers['api-sign'] !== proper) return no('EAPI:Invalid signature');
      if (BigInt(nonce) <= lastNonce) return no('EAPI:Invalid nonce');
      lastNonce = BigInt(nonce);
      return privateAnswer(request);
    },
    hear(socket, message) {
      const said = JSON.parse(message) as {
        readonly method: string;
        readonly req_id?: number;
        readonly params?: {
          readonly channel?: string;
          readonly token?: string;
          readonly symbol?: readonly string[];
        };
      };
      if (said.method === 'ping') return socket.sendNow({ method: 'pong', req_id: said.req_id });
      const { channel, token, symbol = [] } = said.params ?? {};
      if (channel === 'executions') {
        if (token !== TOKEN)
          return socket.sendNow({
            method: 'subscribe',
            success: false,
            error: 'ESession:Invalid session',
            req_id: said.req_id,
          });
        socket.isPrivate = true;
        socket.sendNow({ method: 'subscribe', success: true, result: { channel }, req_id: said.req_id });
        return socket.sendNow({
          channel,
          type: 'snapshot',
          data: book.orders.filter(isWorking).map(seen),
          sequence: 1,
        });
      }
      for (const one of symbol)
        socket.sendNow({
          method: 'subscribe',
          success: true,
          result: { channel, symbol: one },
          req_id: said.req_id,
        });
      followers.add(socket);
      quoteTo(socket, 'snapshot');
    },
    closed: (socket) => void followers.delete(socket),
    spoil: (text) => text.replaceAll(/"status":"\w+"/g, '"status":"quantum"'),
  });

  const rested = (order: BookOrder) => ({
    refid: null,
    userref: 0,
    cl_ord_id: order.clientId,
    status: STATUS[order.status],
    opentm: seconds(order.openedMs),
    starttm: 0,
    expiretm: 0,
    descr: {
      pair: 'XBTUSD',
      type: order.side,
      ordertype: order.type,
      price: order.stop ?? order.limit ?? '0',
      price2: order.stop === undefined ? '0' : (order.limit ?? '0'),
      leverage: 'none',
      order: `${order.side} ${order.qty} XBTUSD @ ${order.type} ${order.limit ?? ''}`,
      close: '',
    },
    vol: money(order.qty).toFixed(8),
    vol_exec: money(order.filled).toFixed(8),
    cost: order.cost,
    fee: '0',
    price: '0.00000',
    stopprice: order.stop ?? '0.00000',
    limitprice: '0.00000',
    misc: '',
    oflags: 'fciq',
    ...(isWorking(order) ? {} : { closetm: seconds(order.changedMs), reason: null }),
  });
  const listed = (orders: readonly BookOrder[]) =>
    Object.fromEntries(orders.map((one) => [one.id, rested(one)]));
  const seen = (order: BookOrder) => ({
    order_id: order.id,
    cl_ord_id: order.clientId,
    symbol: 'BTC/USD',
    side: order.side,
    order_type: order.type,
    order_qty: raw(order.qty),
    cum_qty: raw(order.filled),
    cum_cost: raw(order.cost),
    ...(order.limit === undefined ? {} : { limit_price: raw(order.limit) }),
    ...(order.stop === undefined ? {} : { stop_price: raw(order.stop) }),
    time_in_force: order.force,
    exec_type: SEEN[order.status],
    order_status: SEEN[order.status],
    order_userref: 0,
    timestamp: iso(order.changedMs),
  });
  const mine = ({ params }: SimRequest): readonly BookOrder[] => {
    const wanted = params.get('cl_ord_id');
    return wanted === null ? book.orders : book.orders.filter(({ clientId }) => clientId === wanted);
  };

  function privateAnswer(request: SimRequest): SimAnswer {
    const { path, params } = request;
    const named = (): BookOrder | undefined =>
      book.orders.find(
        ({ id, clientId }) =>
          id === params.get('txid') || (clientId !== undefined && clientId === params.get('cl_ord_id')),
      );
    switch (path.slice('/0/private/'.length)) {
      case 'GetApiKeyInfo':
        return ok({
          api_key_name: 'test',
          permissions: ['query-funds', 'modify-trades', ...(sim.mayWithdraw ? ['withdraw-funds'] : [])],
        });
      case 'GetWebSocketsToken':
        return ok({ token: TOKEN, expires: 900 });
      case 'BalanceEx':
        return ok(
          Object.fromEntries(
            [...book.wallet].map(([asset, balance]) => [
              asset === 'BTC' ? 'XXBT' : 'ZUSD',
              { balance, hold_trade: book.locked(asset) },
            ]),
          ),
        );
      case 'Balance':
        return ok(
          Object.fromEntries(
            [...book.wallet].map(([asset, one]) => [asset === 'BTC' ? 'XXBT' : 'ZUSD', one]),
          ),
        );
      case 'AddOrder':
        return add(params);
      case 'CancelOrder': {
        const order = named();
        if (order === undefined || !isWorking(order)) return no('EOrder:Unknown order');
        book.end(order, 'canceled');
        return ok({ count: 1 });
      }
      case 'AmendOrder': {
        const order = named();
        if (order === undefined || !isWorking(order)) return no('EOrder:Unknown order');
        book.change(order, {
          qty: params.get('order_qty') ?? order.qty,
          limit: params.get('limit_price') ?? order.limit,
          stop: params.get('trigger_price') ?? order.stop,
        });
        return ok({ amend_id: `TAMEND-${order.id}` });
      }
      case 'OpenOrders':
        return ok({ open: listed(mine(request).filter(isWorking)) });
      case 'ClosedOrders':
        return ok({ closed: listed(mine(request).filter((one) => !isWorking(one))), count: 1 });
      case 'QueryOrders': {
        const order = named();
        return order === undefined ? no('EOrder:Unknown order') : ok(listed([order]));
      }
      case 'TradesHistory': {
        const fromMs = Number(params.get('start') ?? '0') * 1_000;
        const skip = Number(params.get('ofs') ?? '0');
        const untilMs = Number(params.get('end') ?? '9e12') * 1_000;
        const found = book.trades
          .filter(({ timeMs }) => timeMs > fromMs && timeMs <= untilMs)
          .toReversed()
          .slice(skip, skip + 50);
        return ok({
          trades: Object.fromEntries(found.map((one) => [one.id, past(one)])),
          count: found.length,
        });
      }
      default:
        return no('EGeneral:Unknown method');
    }
  }
  const past = ({ order, qty, price, fee, timeMs }: VenueBook['trades'][number]) => ({
    ordertxid: order.id,
    postxid: 'TKH2SE-M7IF5-CFI7LT',
    pair: 'XXBTZUSD',
    time: raw(seconds(timeMs).toFixed(4)),
    type: order.side,
    ordertype: order.type,
    price,
    cost: money(price).times(qty).toFixed(),
    fee,
    vol: qty,
    margin: '0.00000',
    misc: '',
    maker: true,
  });

  function add(params: URLSearchParams): SimAnswer {
    const clientId = params.get('cl_ord_id') ?? undefined;
    if (
      clientId !== undefined &&
      !/^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}|[ -~]{1,18})$/.test(clientId)
    )
      return no('EGeneral:Invalid arguments:cl_ord_id');
    if (params.get('pair') !== 'XXBTZUSD') return no('EQuery:Unknown asset pair');
    const side = params.get('type') === 'buy' ? 'buy' : 'sell';
    const qty = params.get('volume') ?? '0';
    const type = params.get('ordertype') ?? 'limit';
    const isStop = type.startsWith('stop-loss');
    const price = params.get('price') ?? undefined;
    const limit = isStop ? (params.get('price2') ?? undefined) : type === 'limit' ? price : undefined;
    if (money(qty).lt('0.0001')) return no('EOrder:Order minimum not met');
    if (side === 'buy' && money(book.free('USD')).lt(money(qty).times(limit ?? book.touch().ask)))
      return no('EOrder:Insufficient funds');
    const force = params.get('timeinforce') ?? 'GTC';
    const order = book.place({
      clientId,
      symbol: 'BTC/USD',
      side,
      type,
      force,
      qty,
      limit,
      stop: isStop ? price : undefined,
    });
    if (type === 'market') book.fill(order, qty, side === 'buy' ? book.touch().ask : book.touch().bid);
    else if (force !== 'GTC') book.end(order, 'expired');
    return ok({
      descr: { order: `${side} ${qty} XBTUSD @ ${type} ${price ?? ''}` },
      txid: [order.id],
      cl_ord_id: clientId,
    });
  }
  function publicAnswer({ path, params }: SimRequest): SimAnswer {
    const { bid, ask } = book.touch();
    switch (path.slice('/0/public/'.length)) {
      case 'Time':
        return ok({ unixtime: Math.floor(seconds(nowMs())), rfc1123: '' });
      case 'Assets':
        return ok({
          XXBT: { aclass: 'currency', altname: 'XBT', decimals: 10, display_decimals: 5, status: 'enabled' },
          ZUSD: { aclass: 'currency', altname: 'USD', decimals: 4, display_decimals: 2, status: 'enabled' },
        });
      case 'AssetPairs':
        return ok({ XXBTZUSD: PAIR });
      case 'Ticker':
        return ok({
          XXBTZUSD: {
            a: [ask, '1', '1.000'],
            b: [bid, '1', '1.000'],
            c: [bid, '0.1'],
            v: ['1', '1'],
            p: [bid, bid],
            t: [1, 1],
            l: [bid, bid],
            h: [ask, ask],
            o: bid,
          },
        });
      case 'Depth':
        return ok({
          XXBTZUSD: { asks: [[ask, '1.000', seconds(nowMs())]], bids: [[bid, '1.000', seconds(nowMs())]] },
        });
      case 'OHLC': {
        const since = Number(params.get('since') ?? '0');
        const rows = bars.timesMs.filter((ms) => seconds(ms) > since);
        return ok({
          XXBTZUSD: rows.map((ms) => [seconds(ms), '1', '2', '1', '1.5', '1.2', '100', 3]),
          last: 0,
        });
      }
      default:
        return no('EGeneral:Unknown method');
    }
  }
  function quoteTo(socket: SimSocket, type: 'snapshot' | 'update'): void {
    const { bid, ask } = book.touch();
    const data = {
      symbol: 'BTC/USD',
      bid: raw(bid),
      bid_qty: 1.5,
      ask: raw(ask),
      ask_qty: 2,
      last: raw(bid),
      volume: 1,
      vwap: 1,
      low: 1,
      high: 1,
      change: 0,
      change_pct: 0,
      timestamp: iso(nowMs()),
    };
    socket.sendNow({ channel: 'ticker', type, data: [data] });
  }
  function eventOf({ order, ...change }: BookChange): unknown {
    const trade = change.kind === 'trade' ? change.trade : undefined;
    const fill = trade && {
      exec_type: 'trade',
      exec_id: trade.id,
      trade_id: Number(/\d+/.exec(trade.id)?.[0] ?? '0'),
      last_qty: raw(trade.qty),
      last_price: raw(trade.price),
      liquidity_ind: 'm',
      cost: raw(money(trade.price).times(trade.qty).toFixed()),
      fees: [{ asset: trade.feeAsset, qty: raw(trade.fee) }],
      ext_ord_id: randomUUID(),
    };
    return { channel: 'executions', type: 'update', data: [{ ...seen(order), ...fill }], sequence: 2 };
  }
  book.onChange((change) => {
    for (const socket of server.to(true)) {
      socket.send(eventOf(change));
      // What a trade did to its order is told by itself.
      if (change.kind === 'trade')
        socket.send({ channel: 'executions', type: 'update', data: [seen(change.order)], sequence: 3 });
    }
  });

  const minute = Math.floor(clock.wallMs() / 60_000) * 60_000;
  const bars = { timesMs: [5, 4, 3].map((ago) => minute - ago * 60_000) };
  const sim: KrakenSim = {
    server,
    book,
    mayWithdraw: false,
    skewMs: 0,
    bars,
    quote(bid, ask) {
      book.setTouch(bid, ask);
      for (const socket of followers) quoteTo(socket, 'update');
    },
    close: () => server.close(),
  };
  book.setTouch('50000.0', '50000.1');
  return sim;
}

const PAIR = {
  altname: 'XBTUSD',
  wsname: 'XBT/USD',
  aclass_base: 'currency',
  base: 'XXBT',
  aclass_quote: 'currency',
  quote: 'ZUSD',
  lot: 'unit',
  cost_decimals: 5,
  pair_decimals: 1,
  lot_decimals: 8,
  lot_multiplier: 1,
  leverage_buy: [],
  leverage_sell: [],
  fees: [[0, 0.26]],
  fees_maker: [[0, 0.16]],
  fee_volume_currency: 'ZUSD',
  margin_call: 80,
  margin_stop: 40,
  ordermin: '0.0001',
  costmin: '0.5',
  tick_size: '0.1',
  status: 'online',
};
