/** A whole Alpaca on 127.0.0.1: trading, market data and both streams, with a switch for everything that goes wrong. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, type Book, openBook, refusal } from './book.ts';
import {
  accountPayload,
  activityPayload,
  barPayload,
  positionPayloads,
  quotePayload,
  type SimBar,
  tradePayload,
} from './payloads.ts';
import { type SimFill, type SimOrder, type SimState, simState } from './state.ts';
import { type Streams, serveStreams } from './streams.ts';

/** What becomes of the next matching request. `done`: the venue does it all the same, and only the answer is lost. */
export type Fault =
  | {
      readonly kind: 'status';
      readonly done?: boolean;
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: 'reset'; readonly done: boolean }
  | { readonly kind: 'silence'; readonly done: boolean }
  | { readonly kind: 'answer'; readonly done?: boolean; readonly text: (text: string) => string }
  /** Half of the answer, then the end. */
  | { readonly kind: 'cut'; readonly done: boolean };

export interface Exchange {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
  /** The answer is what the venue says, not what a fault put in its place. */
  readonly genuine: boolean;
}

export interface Simulator {
  readonly url: string;
  readonly state: SimState;
  readonly book: Book;
  readonly streams: Streams;
  /** Everything that was asked, and what was answered. */
  readonly exchanges: readonly Exchange[];
  /** The next request of which `METHOD /path` begins so, or is one of these. */
  next(match: string | ((request: string) => boolean), fault: Fault): void;
  /** Prices change, and whoever follows them is told. */
  quote(symbol: string, bid: string, ask: string): void;
  bars(symbol: string, bars: readonly SimBar[]): void;
  order(clientId: string): SimOrder;
  /** As if another program had placed it. */
  fillLatest(clientId: string, qty: string, at: string): SimFill;
  clockSkewMs: number;
  retellFill(fill: SimFill): void;
  /** false: connections are refused, and those that there are ended. */
  listen(on: boolean): Promise<void>;
  close(): Promise<void>;
}

export async function openSimulator(nowMs: () => number): Promise<Simulator> {
  const state = simState();
  const exchanges: Exchange[] = [];
  const faults: { readonly isIt: (request: string) => boolean; readonly fault: Fault }[] = [];
  const bars = new Map<string, readonly SimBar[]>();
  const server = createServer((request, response) => void handle(request, response));
  const streams = serveStreams(server, state);
  let clockSkewMs = 0;
  const venueNowMs = (): number => nowMs() + clockSkewMs;
  const book = openBook(
    state,
    (event, order, more = {}) => {
      const told = { event, timestamp: new Date(venueNowMs()).toISOString(), ...more, order: { ...order } };
      streams.tellOrder(told);
      return told;
    },
    venueNowMs,
  );

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const [method, url] = [request.method ?? 'GET', request.url ?? '/'];
    const at = faults.findIndex(({ isIt }) => isIt(`${method} ${url}`));
    const fault = at === -1 ? undefined : faults.splice(at, 1)[0]?.fault;
    const happens = fault === undefined || (fault.done ?? fault.kind === 'answer');
    const answer = happens ? route(request, body) : { status: 0 };
    const told = answer.body === undefined ? '' : JSON.stringify(answer.body);
    const note = (status: number, text: string, genuine: boolean): void =>
      void exchanges.push({ method, url, body, status, answer: text, genuine });
    const reply = (status: number, text: string, headers: Record<string, string> = {}): void => {
      const type = text === '' ? {} : { 'content-type': 'application/json' };
      response.writeHead(status, { ...type, ...headers }).end(text);
    };
    switch (fault?.kind) {
      case undefined:
        note(answer.status, told, true);
        return reply(answer.status, told);
      case 'status':
        note(fault.status, fault.body ?? '', false);
        return reply(fault.status, fault.body ?? '{"message":"simulated"}', fault.headers);
      case 'answer':
        note(answer.status, told, happens);
        return reply(answer.status || 200, fault.text(told));
      case 'reset':
        note(0, '', false);
        return void request.socket.destroy();
      case 'silence':
        return note(0, '', false);
      case 'cut': {
        note(0, '', false);
        const text = told === '' ? '{"message":"cut"}' : told;
        response.writeHead(answer.status || 200, { 'content-length': String(text.length) });
        response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      }
    }
  }

  function route(request: IncomingMessage, body: string): Answer {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const { pathname: path, searchParams: query } = url;
    const isOpenToAll = path.startsWith('/v1beta3/crypto/');
    const { 'apca-api-key-id': key, 'apca-api-secret-key': secret } = request.headers;
    if (!isOpenToAll && (key !== state.keyId || secret !== state.secret))
      return { status: 401, body: { message: 'unauthorized.' } };
    const parsed = (): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;
    const id = /^\/v2\/orders\/([^/]+)$/.exec(path)?.[1];
    if (id !== undefined) {
      const order = state.orders.find((one) => one.id === id);
      if (request.method === 'PATCH') return book.patch(id, parsed());
      if (request.method === 'DELETE') return book.cancel(id);
      return order === undefined
        ? refusal(404, 40410000, `order not found for ${id}`)
        : { status: 200, body: order };
    }
    switch (`${request.method} ${path}`) {
      case 'GET /v2/account':
        return { status: 200, body: accountPayload(state) };
      case 'GET /v2/clock':
        return { status: 200, body: clock(venueNowMs()) };
      case 'GET /v2/assets':
        return { status: 200, body: assets(state, query) };
      case 'GET /v2/positions':
        return { status: 200, body: positionPayloads(state) };
      case 'GET /v2/orders':
        return { status: 200, body: listed(state, query) };
      case 'POST /v2/orders':
        return book.submit(parsed());
      case 'GET /v2/orders:by_client_order_id': {
        const wanted = query.get('client_order_id') ?? '';
        const order = state.orders.find((one) => one.client_order_id === wanted);
        return order === undefined
          ? refusal(404, 40410000, `order not found for ${wanted}`)
          : { status: 200, body: order };
      }
      case 'GET /v2/account/activities/FILL':
        return { status: 200, body: activities(state, query) };
      default:
        return data(state, bars, path, query);
    }
  }

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const order = (clientId: string): SimOrder => {
    const found = state.orders.findLast(
      (one) => one.client_order_id.replace(/~\d+$/, '') === clientId || one.id === clientId,
    );
    if (found === undefined) throw new Error(`the venue has no order ${clientId}`);
    return found;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    state,
    book,
    streams,
    exchanges,
    next: (match, fault) =>
      void faults.push({
        isIt: typeof match === 'string' ? (request) => request.startsWith(match) : match,
        fault,
      }),
    quote(symbol, bid, ask) {
      const quote = {
        bid,
        ask,
        bidSize: '5',
        askSize: '4',
        last: bid,
        time: new Date(venueNowMs()).toISOString(),
      };
      state.quotes.set(symbol, quote);
      const crypto = state.assets.get(symbol)?.class === 'crypto';
      streams.tellPrices(crypto ? /crypto/ : /^\/v2\//, (client) => [
        ...(client.quotes.has(symbol) ? [{ T: 'q', S: symbol, ...quotePayload(quote, crypto) }] : []),
        ...(client.trades.has(symbol) ? [{ T: 't', S: symbol, ...tradePayload(quote, crypto) }] : []),
      ]);
    },
    bars: (symbol, given) => void bars.set(symbol, given),
    order,
    fillLatest: (clientId, qty, at) => book.fill(order(clientId), qty, at),
    get clockSkewMs() {
      return clockSkewMs;
    },
    set clockSkewMs(ms) {
      clockSkewMs = ms;
    },
    retellFill: (fill) => streams.tellOrder(fill.update),
    listen: async (on) => {
      if (on === server.listening) return;
      if (on) return new Promise<void>((up) => server.listen(port, '127.0.0.1', up));
      const closed = new Promise((down) => server.close(down));
      streams.drop('all');
      server.closeAllConnections();
      await closed;
      // Whoever was connected has to have heard of it.
      for (let turns = 0; turns < 20; turns++) await new Promise((turn) => setImmediate(turn));
    },
    close: async () => {
      streams.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function clock(nowMs: number): Record<string, unknown> {
  const soon = new Date(nowMs + 3_600_000).toISOString();
  return { timestamp: new Date(nowMs).toISOString(), is_open: true, next_open: soon, next_close: soon };
}

function assets(state: SimState, query: URLSearchParams): readonly unknown[] {
  const kind = query.get('asset_class') ?? 'us_equity';
  const status = query.get('status');
  return [...state.assets.values()].filter(
    (one) => one.class === kind && (status === null || one.status === status),
  );
}

const OVER: readonly string[] = ['filled', 'canceled', 'expired', 'replaced', 'rejected', 'done_for_day'];

function listed(state: SimState, query: URLSearchParams): readonly SimOrder[] {
  const status = query.get('status') ?? 'open';
  const found = state.orders.filter(
    (one) => status === 'all' || (status === 'open') !== OVER.includes(one.status),
  );
  const inOrder = query.get('direction') === 'asc' ? found : found.toReversed();
  const after = inOrder.findIndex((one) => one.id === query.get('after_order_id'));
  return inOrder.slice(after + 1).slice(0, Number(query.get('limit') ?? 50));
}

function activities(state: SimState, query: URLSearchParams): readonly unknown[] {
  const after = query.get('after');
  const found = state.fills
    .filter((fill) => !fill.hidden && (after === null || fill.time > after))
    .map(activityPayload);
  const inOrder = query.get('direction') === 'asc' ? found : found.toReversed();
  const from = inOrder.findIndex((one) => one['id'] === query.get('page_token'));
  return inOrder.slice(from + 1).slice(0, Number(query.get('page_size') ?? 100));
}

/** Market data, of stocks and of coins. */
function data(
  state: SimState,
  bars: ReadonlyMap<string, readonly SimBar[]>,
  path: string,
  query: URLSearchParams,
): Answer {
  const symbols = (query.get('symbols') ?? '').split(',').filter((one) => one !== '');
  const crypto = path.startsWith('/v1beta3/crypto/us/');
  const per = (make: (symbol: string) => unknown): Record<string, unknown> =>
    Object.fromEntries(
      symbols.flatMap((symbol) => {
        const made = make(symbol);
        return made === undefined ? [] : [[symbol, made]];
      }),
    );
  const of = <T>(make: (quote: NonNullable<ReturnType<SimState['quotes']['get']>>) => T) =>
    per((symbol) => {
      const quote = state.quotes.get(symbol);
      return quote && make(quote);
    });
  const snapshot = (): Record<string, unknown> =>
    of((quote) => ({ latestQuote: quotePayload(quote, crypto), latestTrade: tradePayload(quote, crypto) }));
  switch (path) {
    case '/v2/stocks/snapshots':
      return { status: 200, body: snapshot() };
    case '/v1beta3/crypto/us/snapshots':
      return { status: 200, body: { snapshots: snapshot() } };
    case '/v1beta3/crypto/us/latest/orderbooks':
      return {
        status: 200,
        body: {
          orderbooks: of((quote) => ({
            t: quote.time,
            b: [{ p: Number(quote.bid), s: Number(quote.bidSize) }],
            a: [{ p: Number(quote.ask), s: Number(quote.askSize) }],
          })),
        },
      };
    case '/v2/stocks/bars':
    case '/v1beta3/crypto/us/bars':
      return { status: 200, body: barPage(bars, symbols, query) };
    default:
      return refusal(404, 40410000, 'endpoint not found');
  }
}

function barPage(
  bars: ReadonlyMap<string, readonly SimBar[]>,
  symbols: readonly string[],
  query: URLSearchParams,
): Record<string, unknown> {
  const [symbol = ''] = symbols;
  const [start, end] = [query.get('start'), query.get('end')];
  const found = (bars.get(symbol) ?? []).filter(
    (bar) =>
      (start === null || Date.parse(bar.t) >= Date.parse(start)) &&
      (end === null || Date.parse(bar.t) <= Date.parse(end)),
  );
  const inOrder = query.get('sort') === 'desc' ? found.toReversed() : found;
  const from = Number(query.get('page_token') ?? 0);
  const to = from + Number(query.get('limit') ?? 1_000);
  return {
    bars: { [symbol]: inOrder.slice(from, to).map(barPayload) },
    next_page_token: to < inOrder.length ? String(to) : null,
  };
}
