/** A simulated exchange on loopback: requests over HTTP and streams over WebSocket, each of which can be made to go wrong. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { VenueRequest, WireFault } from '../conformance/bench.ts';

export interface SimRequest {
  readonly method: string;
  /** With its query, as it came. */
  readonly url: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}
export interface SimAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A connection of a stream; `send` is held back, frozen or let through as the test wants it. */
export interface SimSocket {
  readonly path: string;
  send(message: unknown): void;
  /** What is not about orders or trades is never held. */
  sendNow(message: unknown): void;
  /** Whether anything about orders goes there. */
  isPrivate: boolean;
}

export interface SimProtocol {
  answer(request: SimRequest): SimAnswer;
  kindOf(request: SimRequest): VenueRequest | undefined;
  /** A message of a client. */
  hear(socket: SimSocket, message: string): void;
  opened?(socket: SimSocket): void;
  closed(socket: SimSocket): void;
  /** A text of an answer with a state that no document knows. */
  spoil(text: string): string;
}

export type SimServer = Awaited<ReturnType<typeof openSimServer>>;
interface Open {
  readonly ws: WebSocket;
  readonly socket: SimSocket;
  frozen: boolean;
}

export async function openSimServer(protocol: SimProtocol) {
  const asked: { readonly request: SimRequest; readonly kind: VenueRequest | undefined }[] = [];
  const faults: { readonly kind: VenueRequest; readonly fault: WireFault }[] = [];
  const refusals: { readonly kind: VenueRequest; readonly answer: SimAnswer }[] = [];
  const streams = new Set<Open>();
  const connections = new Set<Socket>();
  let held: { readonly open: Open; readonly text: string }[] | undefined;
  const server = createServer((incoming, response) => void serve(incoming, response));
  const sockets = new WebSocketServer({ server, autoPong: false });
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => undefined);
  });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = incoming.url ?? '/';
    const body = Buffer.concat(chunks).toString('utf8');
    const at = url.indexOf('?');
    const request: SimRequest = {
      method: incoming.method ?? 'GET',
      url,
      path: at < 0 ? url : url.slice(0, at),
      params: new URLSearchParams(at < 0 ? body : `${url.slice(at + 1)}&${body}`),
      body,
      headers: incoming.headers,
    };
    const kind = protocol.kindOf(request);
    asked.push({ request, kind });
    const index = faults.findIndex((one) => one.kind === kind);
    const fault = index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
    const refused = refusals.findIndex((one) => one.kind === kind);
    const refusal = refused < 0 ? undefined : refusals.splice(refused, 1)[0]?.answer;
    const carriedOut = fault === undefined || fault.carriedOut;
    const answer = refusal ?? (carriedOut ? protocol.answer(request) : { status: 200, body: {} });
    say(response, answer, fault?.answer);
  }

  function say(
    response: ServerResponse,
    { status, body }: SimAnswer,
    wrong: WireFault['answer'] | undefined,
  ): void {
    const text = JSON.stringify(body);
    const write = (code: number, written: string, headers: Record<string, string> = {}): void =>
      void response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(written);
    switch (wrong?.kind) {
      case undefined:
        return write(status, text);
      case 'status':
        return write(
          wrong.status,
          '',
          wrong.retryAfter === undefined ? {} : { 'retry-after': wrong.retryAfter },
        );
      case 'silent':
        return;
      case 'reset':
        return void response.socket?.resetAndDestroy();
      case 'cut':
        response.writeHead(status, { 'content-length': String(text.length + 40) });
        response.write(text.slice(0, Math.ceil(text.length / 2)));
        return void setTimeout(() => response.socket?.destroy(), 5);
      case 'malformed':
        return write(status, `${text.slice(0, -1)},`);
      case 'unknown-value':
        return write(status, protocol.spoil(text));
    }
  }

  sockets.on('connection', (ws, incoming) => {
    const open: Open = {
      ws,
      frozen: false,
      socket: {
        path: incoming.url ?? '/',
        isPrivate: false,
        send(message) {
          if (held === undefined) deliver(open, JSON.stringify(message));
          else held.push({ open, text: JSON.stringify(message) });
        },
        sendNow: (message) => deliver(open, JSON.stringify(message)),
      },
    };
    streams.add(open);
    ws.on('ping', (data) => {
      if (!open.frozen) ws.pong(data);
    });
    ws.on('message', (data) => {
      if (!open.frozen) protocol.hear(open.socket, String(data as Buffer));
    });
    ws.on('error', () => undefined);
    ws.on('close', () => {
      streams.delete(open);
      protocol.closed(open.socket);
    });
    protocol.opened?.(open.socket);
  });
  const deliver = ({ ws, frozen }: Open, text: string): void => {
    if (!frozen && ws.readyState === ws.OPEN) ws.send(text);
  };
  const those = (isPrivate: boolean): readonly Open[] =>
    [...streams].filter(({ socket }) => socket.isPrivate === isPrivate);

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;

  return {
    rest: `http://127.0.0.1:${port}`,
    stream: `ws://127.0.0.1:${port}`,
    asked,
    fault: (kind: VenueRequest, fault: WireFault): void => void faults.push({ kind, fault }),
    refuse: (kind: VenueRequest, answer: SimAnswer): void => void refusals.push({ kind, answer }),
    async listen(on: boolean): Promise<void> {
      if (on) return new Promise((resolve) => void server.listen(port, '127.0.0.1', resolve));
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of connections) socket.destroy();
      await closed;
      // Until the other side has seen that its connections are gone.
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
    drop(isPrivate: boolean): void {
      for (const { ws } of those(isPrivate)) ws.terminate();
    },
    freeze(isPrivate: boolean): void {
      for (const open of those(isPrivate)) open.frozen = true;
    },
    hold(): void {
      held ??= [];
    },
    release(how: 'in order' | 'reversed' | 'twice'): void {
      const due = held ?? [];
      held = undefined;
      const inOrder = how === 'reversed' ? due.toReversed() : due;
      for (const { open, text } of how === 'twice' ? [...inOrder, ...inOrder] : inOrder) deliver(open, text);
    },
    raw(isPrivate: boolean, text: string): void {
      for (const open of those(isPrivate)) deliver(open, text);
    },
    to(isPrivate: boolean): readonly SimSocket[] {
      return those(isPrivate).map(({ socket }) => socket);
    },
    async close(): Promise<void> {
      for (const { ws } of streams) ws.terminate();
      for (const socket of connections) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
