/** The two streams of the simulated Alpaca: orders as binary frames of JSON, prices as lists of messages. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { SimState } from './state.ts';

interface DataClient {
  readonly socket: WebSocket;
  readonly path: string;
  authenticated: boolean;
  readonly quotes: Set<string>;
  readonly trades: Set<string>;
}

export interface Streams {
  tellOrder(data: unknown): void;
  tellPrices(path: RegExp, of: (client: DataClient) => readonly unknown[]): void;
  /** Whoever listens to orders, and whoever has subscribed to prices. */
  listening(): number;
  subscribed(symbol: string): boolean;
  /** Sends anything as it is, to everybody who listens. */
  raw(to: 'orders' | 'prices', text: string): void;
  /** Ends every connection, as a venue that restarts does. */
  drop(which: 'orders' | 'prices' | 'all'): void;
  /** On the connections there are nothing is sent or answered any more, pings included: half-open sockets. */
  freeze(which: 'orders' | 'prices'): void;
  /** Keeps back what it would say of orders. */
  hold(): void;
  release(how: 'in order' | 'reversed' | 'twice'): void;
  /** The next authentication on the stream of prices is answered so. */
  refuseData(error: { readonly code: number; readonly msg: string } | undefined): void;
  /** Sign-ins on the stream of orders are not answered; pings are. */
  muteSignIns(mute: boolean): void;
  /** How often a stream was opened. */
  readonly opened: { orders: number; prices: number };
  close(): void;
}

export function serveStreams(server: Server, state: SimState): Streams {
  // Pongs are sent by hand, so that a frozen venue sends none.
  const socketServer = new WebSocketServer({ noServer: true, autoPong: false });
  const orders = new Set<WebSocket>();
  const all = new Set<WebSocket>();
  const data = new Set<DataClient>();
  const opened = { orders: 0, prices: 0 };
  let mute = false;
  const frozen = new WeakSet<WebSocket>();
  const ofOrders = new WeakSet<WebSocket>();
  let held: unknown[] | undefined;
  let dataError: { readonly code: number; readonly msg: string } | undefined;

  const send = (socket: WebSocket, message: unknown, binary: boolean): void => {
    if (frozen.has(socket) || socket.readyState !== WebSocket.OPEN) return;
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    socket.send(binary ? Buffer.from(text) : text, { binary });
  };
  const isRight = (key: unknown, secret: unknown): boolean => key === state.keyId && secret === state.secret;

  function serveOrders(socket: WebSocket): void {
    opened.orders += 1;
    let authorized = false;
    socket.on('message', (raw) => {
      const {
        action,
        data: given = {},
        key,
        secret,
      } = JSON.parse((raw as Buffer).toString('utf8')) as {
        action: string;
        key?: string;
        secret?: string;
        data?: { key_id?: string; secret_key?: string; streams?: string[] };
      };
      if (action === 'auth' || action === 'authenticate') {
        if (mute) return;
        authorized = isRight(key ?? given.key_id, secret ?? given.secret_key);
        const status = authorized ? 'authorized' : 'unauthorized';
        send(socket, { stream: 'authorization', data: { status, action: 'authenticate' } }, true);
        return;
      }
      if (action === 'listen' && authorized) {
        const streams = (given.streams ?? []).filter((one) => one === 'trade_updates');
        if (streams.length > 0) orders.add(socket);
        send(socket, { stream: 'listening', data: { streams } }, true);
      }
    });
    socket.on('close', () => orders.delete(socket));
  }

  function serveData(socket: WebSocket, path: string): void {
    opened.prices += 1;
    const client: DataClient = { socket, path, authenticated: false, quotes: new Set(), trades: new Set() };
    data.add(client);
    const error = (code: number, msg: string): void => send(socket, [{ T: 'error', code, msg }], false);
    send(socket, [{ T: 'success', msg: 'connected' }], false);
    socket.on('message', (raw) => {
      const asked = JSON.parse((raw as Buffer).toString('utf8')) as Record<string, unknown>;
      const listed = (channel: string): string[] => (asked[channel] as string[] | undefined) ?? [];
      switch (asked['action']) {
        case 'auth': {
          if (dataError !== undefined) return error(dataError.code, dataError.msg);
          if (client.authenticated) return error(403, 'already authenticated');
          if (!isRight(asked['key'], asked['secret'])) return error(402, 'auth failed');
          const others = [...data].filter((one) => one.authenticated && one.path === path);
          if (others.length > 0) return error(406, 'connection limit exceeded');
          client.authenticated = true;
          return send(socket, [{ T: 'success', msg: 'authenticated' }], false);
        }
        case 'subscribe':
        case 'unsubscribe': {
          if (!client.authenticated) return error(401, 'not authenticated');
          const now = new Set([...client.quotes, ...client.trades, ...listed('quotes'), ...listed('trades')]);
          if (asked['action'] === 'subscribe' && path.endsWith('/iex') && now.size > 30)
            return error(405, 'symbol limit exceeded');
          for (const channel of ['quotes', 'trades'] as const)
            for (const symbol of listed(channel))
              if (asked['action'] === 'subscribe') client[channel].add(symbol);
              else client[channel].delete(symbol);
          return send(
            socket,
            [{ T: 'subscription', trades: [...client.trades], quotes: [...client.quotes], bars: [] }],
            false,
          );
        }
        default:
          return error(400, 'invalid syntax');
      }
    });
    socket.on('close', () => data.delete(client));
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = new URL(request.url ?? '/', 'http://simulator').pathname;
    socketServer.handleUpgrade(request, socket, head, (made) => {
      all.add(made);
      made.on('close', () => all.delete(made));
      made.on('ping', (payload) => {
        if (!frozen.has(made)) made.pong(payload);
      });
      if (path === '/stream') {
        ofOrders.add(made);
        serveOrders(made);
      } else serveData(made, path);
    });
  });

  function say(told: unknown): void {
    if (held !== undefined) return void held.push(told);
    for (const socket of orders) send(socket, { stream: 'trade_updates', data: told }, true);
  }
  const ofKind = (which: 'orders' | 'prices' | 'all'): readonly WebSocket[] =>
    [...all].filter((socket) => which === 'all' || ofOrders.has(socket) === (which === 'orders'));

  return {
    opened,
    tellOrder: say,
    hold: () => {
      held ??= [];
    },
    release: (how) => {
      const kept = held ?? [];
      held = undefined;
      const once = how === 'reversed' ? kept.toReversed() : kept;
      for (const told of how === 'twice' ? [...once, ...once] : once) say(told);
    },
    tellPrices: (path, of) => {
      for (const client of data) {
        const messages = path.test(client.path) ? of(client) : [];
        if (messages.length > 0) send(client.socket, messages, false);
      }
    },
    listening: () => orders.size,
    subscribed: (symbol) => [...data].some((one) => one.quotes.has(symbol)),
    raw: (to, text) => {
      if (to === 'orders') for (const socket of orders) send(socket, text, true);
      else for (const { socket } of data) send(socket, text, false);
    },
    drop: (which) => {
      for (const socket of ofKind(which)) socket.terminate();
    },
    freeze: (which) => {
      for (const socket of ofKind(which)) {
        frozen.add(socket);
        // Its place is free for whoever comes anew: the venue believes it gone.
        for (const client of data) if (client.socket === socket) data.delete(client);
      }
    },
    muteSignIns: (now) => {
      mute = now;
    },
    refuseData: (error) => {
      dataError = error;
    },
    close: () => {
      for (const socket of all) socket.terminate();
      socketServer.close();
    },
  };
}
