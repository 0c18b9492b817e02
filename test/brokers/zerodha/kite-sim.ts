// A stateful Kite Connect v3 on loopback: HTTP, the login page's redirect, and the binary ticker; with the faults a test asks for.

import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '#ports.ts';
import { type Form, KiteError, openBooks, type SimBooks, type SimOrder } from './kite-books.ts';
import { openGtts, type SimGtts } from './kite-gtt.ts';
import { messageOf, packetOf, type TickMode } from './kite-packets.ts';
import { answerOf, type SimAnswer } from './kite-routes.ts';
import {
  marketAt,
  nextSixMs,
  SIM_INSTRUMENTS,
  type SimInstrument,
  type SimMarket,
  symbolKey,
} from './kite-world.ts';

export const SIM_KEY = 'kitesimkey000001';
export const SIM_SECRET = 'kitesimsecretkitesimsecret000001';

export interface SimRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly form: Form;
  readonly body: string;
  readonly atMs: number;
}

/** What becomes of the next requests that match. `handled`: whether the broker does it all the same. */
export interface SimFault {
  readonly match: RegExp;
  readonly times?: number;
  readonly handled: boolean;
  /** `drop`: the connection ends without an answer; `hang`: none ever comes. */
  readonly does:
    | 'drop'
    | 'hang'
    /** Half of the usual answer. */
    | 'cut'
    | { readonly rewrite: (body: string) => string }
    | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };
}

export interface KiteSim {
  readonly url: string;
  readonly tickerUrl: string;
  readonly loginUrl: string;
  /** The app's own address, as it is registered at Kite. */
  redirectUrl: string;
  /** Who signs in on its page. */
  user: string;
  readonly clock: Clock;
  readonly books: SimBooks;
  readonly gtts: SimGtts;
  readonly markets: Map<string, SimMarket>;
  instruments: readonly SimInstrument[];
  readonly requests: SimRequest[];
  /** Requests that would move money or a working order. */
  sent(): readonly SimRequest[];
  /** The owner signs in on Kite's page: what the redirect brings back. */
  signIn(): string;
  /** A session made without the page. */
  newToken(): string;
  token(): string | undefined;
  expireToken(): void;
  fault(fault: SimFault): void;
  /** Candles by token and interval, as the historical route gives them. */
  readonly candles: Map<string, readonly (readonly (string | number)[])[]>;
  setMarket(symbol: string, change: Partial<SimMarket>): void;
  /** Pushes what is subscribed; of one symbol, or of all. */
  pushTicks(symbol?: string): void;
  pushRaw(message: string | Buffer): void;
  heartbeat(): void;
  sockets(): number;
  dropSockets(): void;
  /** The connection stays and says nothing any more, not even a pong. */
  freezeSockets(): void;
  refuseSockets: boolean;
  subscriptions(): ReadonlyMap<number, TickMode>;
  /** Order updates reach the ticker; off: lost, as a postback may be. */
  postbacks: boolean;
  /** Order updates are kept back until they are let go, in the order given. */
  hold(): void;
  release(how: 'in order' | 'reversed' | 'twice'): void;
  /** false: connections are refused, and those that there are end. */
  listen(on: boolean): Promise<void>;
  close(): Promise<void>;
}

export async function openKiteSim(clock: Clock): Promise<KiteSim> {
  const markets = new Map<string, SimMarket>();
  const faults: { fault: SimFault; left: number }[] = [];
  const sockets = new Map<WebSocket, Map<number, TickMode>>();
  const requestTokens = new Set<string>();
  let access: { token: string; endsAtMs: number } | undefined;
  let frozen = false;
  let held: string[] | undefined;

  const newToken = (): string => {
    access = { token: randomBytes(16).toString('hex'), endsAtMs: nextSixMs(clock.wallMs()) };
    return access.token;
  };
  const liveToken = (): string | undefined =>
    access !== undefined && clock.wallMs() < access.endsAtMs ? access.token : undefined;
  const told = (order: SimOrder): void => {
    if (!sim.postbacks || frozen) return;
    const message = JSON.stringify({ type: 'order', id: '', data: order });
    if (held !== undefined) held.push(message);
    else sim.pushRaw(message);
  };
  const books = openBooks({ clock, instruments: () => sim.instruments, markets, told });
  const server = createServer((request, response) => void serve(request, response));
  const streams = new WebSocketServer({ noServer: true });

  /** The page where the owner signs in, and where they are sent back to with what they may show once. */
  function loginPage(url: URL): string {
    const back = new URL(sim.redirectUrl);
    for (const [name, value] of new URLSearchParams(url.searchParams.get('redirect_params') ?? ''))
      back.searchParams.set(name, value);
    for (const [name, value] of Object.entries({ action: 'login', type: 'login', status: 'success' }))
      back.searchParams.set(name, value);
    back.searchParams.set('request_token', sim.signIn());
    return String(back);
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const url = new URL(request.url ?? '/', 'http://kite.invalid');
    if (url.pathname === '/connect/login' && url.searchParams.get('api_key') === SIM_KEY)
      return void response.writeHead(302, { location: loginPage(url) }).end();
    const isForm = request.headers['content-type']?.includes('x-www-form-urlencoded') === true;
    const seen: SimRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      form: isForm ? Object.fromEntries(new URLSearchParams(body)) : {},
      body,
      atMs: clock.wallMs(),
    };
    sim.requests.push(seen);
    const name = `${seen.method} ${seen.path}`;
    const planned = faults.find(({ fault, left }) => left > 0 && fault.match.test(name));
    if (planned !== undefined) planned.left -= 1;
    const answer = planned?.fault.handled === false ? USUAL : handled(seen, request);
    if (planned === undefined) response.writeHead(answer.status, answer.headers).end(answer.body);
    else misbehave(planned.fault.does, answer, response);
  }

  function handled(seen: SimRequest, request: IncomingMessage) {
    try {
      if (request.headers['x-kite-version'] !== '3')
        throw new KiteError(400, 'InputException', 'Unknown version.');
      if (seen.path === '/session/token') return json(session(seen));
      const token = liveToken();
      if (token === undefined || request.headers.authorization !== `token ${SIM_KEY}:${token}`)
        throw new KiteError(403, 'TokenException', 'Incorrect `api_key` or `access_token`.');
      return answerOf(sim, seen);
    } catch (cause) {
      if (!(cause instanceof KiteError)) throw cause;
      const { status, type, message } = cause;
      return json({ status: 'error', message, data: null, error_type: type }, status);
    }
  }

  function session(seen: SimRequest): unknown {
    if (seen.method === 'DELETE') {
      access = undefined;
      return { status: 'success', data: true };
    }
    const { api_key: key, request_token: token = '', checksum } = seen.form;
    const expected = createHash('sha256').update(`${SIM_KEY}${token}${SIM_SECRET}`).digest('hex');
    if (key !== SIM_KEY || checksum !== expected || !requestTokens.delete(token))
      throw new KiteError(403, 'TokenException', 'Token is invalid or has expired.');
    return {
      status: 'success',
      data: {
        user_type: 'individual',
        user_id: sim.user,
        broker: 'ZERODHA',
        exchanges: ['NSE', 'NFO', 'BFO', 'CDS', 'BSE', 'MCX'],
        products: ['CNC', 'NRML', 'MIS'],
        order_types: ['MARKET', 'LIMIT', 'SL', 'SL-M'],
        api_key: SIM_KEY,
        access_token: newToken(),
        public_token: 'public',
        refresh_token: '',
        login_time: '2026-01-05 09:00:00',
      },
    };
  }

  server.on('upgrade', (request, socket, head) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://kite.invalid');
    const token = liveToken();
    const known = searchParams.get('api_key') === SIM_KEY && searchParams.get('access_token') === token;
    if (token === undefined || !known || sim.refuseSockets)
      return void socket.end(
        `HTTP/1.1 ${sim.refuseSockets ? '503 Busy' : '403 Forbidden'}\r\nconnection: close\r\n\r\n`,
      );
    streams.handleUpgrade(request, socket, head, (stream) => listen(stream));
  });
  function listen(stream: WebSocket): void {
    const modes = new Map<number, TickMode>();
    sockets.set(stream, modes);
    stream.send(Buffer.from([0]));
    stream.on('close', () => sockets.delete(stream));
    stream.on('message', (data) => {
      const { a, v } = JSON.parse((data as Buffer).toString('utf8')) as { a: string; v: unknown };
      if (a === 'subscribe') for (const token of v as number[]) modes.set(token, 'quote');
      if (a === 'unsubscribe') for (const token of v as number[]) modes.delete(token);
      if (a === 'mode')
        for (const token of (v as [TickMode, number[]])[1]) modes.set(token, (v as [TickMode])[0]);
      if (modes.size > 3_000) stream.close(1008, 'too many instruments');
      if (a !== 'unsubscribe') tickTo(stream, modes);
    });
  }
  function tickTo(stream: WebSocket, modes: ReadonlyMap<number, TickMode>, symbol?: string): void {
    if (frozen) return;
    const packets = [...modes].flatMap(([token, mode]) => {
      const instrument = sim.instruments.find((one) => one.token === token);
      const market = instrument && markets.get(symbolKey(instrument));
      const wanted = symbol === undefined || (instrument && symbolKey(instrument) === symbol);
      return instrument && market && wanted ? [packetOf(instrument, market, mode, clock.wallMs())] : [];
    });
    if (packets.length > 0) stream.send(messageOf(packets));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sim: KiteSim = {
    url: `http://127.0.0.1:${port}`,
    tickerUrl: `ws://127.0.0.1:${port}/`,
    loginUrl: `http://127.0.0.1:${port}/connect/login`,
    redirectUrl: 'http://127.0.0.1:1/back',
    user: 'XX0000',
    clock,
    books,
    gtts: openGtts(clock, books, markets),
    markets,
    instruments: SIM_INSTRUMENTS,
    requests: [],
    candles: new Map(),
    postbacks: true,
    refuseSockets: false,
    sent: () =>
      sim.requests.filter(({ method, path }) => method !== 'GET' && /^\/(?:orders|gtt)\b/.test(path)),
    signIn() {
      const token = randomBytes(16).toString('hex');
      requestTokens.add(token);
      return token;
    },
    newToken,
    token: liveToken,
    expireToken() {
      access = undefined;
      for (const socket of sockets.keys()) socket.terminate();
    },
    fault: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    setMarket(symbol, change) {
      const market = markets.get(symbol);
      if (market === undefined) throw new Error(`the simulator has no ${symbol}`);
      Object.assign(market, change);
    },
    pushTicks(symbol) {
      for (const [stream, modes] of sockets) tickTo(stream, modes, symbol);
    },
    pushRaw(message) {
      for (const stream of sockets.keys()) stream.send(message);
    },
    heartbeat() {
      if (!frozen) for (const stream of sockets.keys()) stream.send(Buffer.from([0]));
    },
    sockets: () => sockets.size,
    dropSockets() {
      for (const stream of sockets.keys()) stream.terminate();
    },
    freezeSockets() {
      frozen = true;
      // Reading stops, so not even a ping is answered.
      for (const stream of sockets.keys()) stream.pause();
      sockets.clear();
      queueMicrotask(() => (frozen = false));
    },
    hold() {
      held ??= [];
    },
    release(how) {
      const messages = held ?? [];
      held = undefined;
      const told = how === 'twice' ? messages.flatMap((one) => [one, one]) : messages;
      for (const message of how === 'reversed' ? told.toReversed() : told) sim.pushRaw(message);
    },
    async listen(on) {
      if (on) {
        await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
        return;
      }
      for (const stream of streams.clients) stream.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    subscriptions: () => new Map([...sockets.values()].flatMap((modes) => [...modes])),
    async close() {
      for (const stream of streams.clients) stream.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  for (const instrument of SIM_INSTRUMENTS)
    markets.set(
      symbolKey(instrument),
      marketAt(PRICES[instrument.tradingsymbol] ?? 100, clock.wallMs(), instrument.tick),
    );
  return sim;
}

const PRICES: Readonly<Record<string, number>> = {
  INFY: 1500,
  RELIANCE: 1450,
  SBIN: 820,
  'NIFTY 50': 24_750,
  NIFTY26JANFUT: 24_810,
  SENSEX26JANFUT: 81_000,
  USDINR26JANFUT: 88.25,
};

function misbehave(does: SimFault['does'], answer: SimAnswer, response: ServerResponse): void {
  if (does === 'hang') return;
  if (does === 'drop') return void response.socket?.destroy();
  if (does === 'cut') {
    const body = Buffer.from(answer.body);
    response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
    return void response.write(body.subarray(0, body.length / 2), () => response.socket?.destroy());
  }
  if ('rewrite' in does) {
    response.writeHead(answer.status, answer.headers).end(does.rewrite(String(answer.body)));
    return;
  }
  response.writeHead(does.status, { 'content-type': 'application/json', ...does.headers }).end(does.body);
}

const json = (value: unknown, status = 200): SimAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** What an answer looks like where the broker did nothing. */
const USUAL: SimAnswer = json({ status: 'success', data: { order_id: '1', trigger_id: 1 } });
