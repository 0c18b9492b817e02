/** Waiting for what another side does, without sleeping: event streams and half a connection at a time. */
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { bearer } from './raw-http.ts';

export interface OpenStream {
  readonly status: number;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  text(): string;
  hangUp(): void;
}

/** Opens a request and returns as soon as the head of its response is here. */
export function openStream(options: {
  readonly port: number;
  readonly key: string;
  /** Default `/mcp`. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: options.port,
        path: options.path ?? '/mcp',
        method: options.method ?? 'GET',
        agent: false,
        headers: {
          ...bearer(options.key),
          accept: options.method === 'POST' ? 'application/json, text/event-stream' : 'text/event-stream',
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
      },
      (response: IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        const ended = new Promise<void>((done) => {
          response
            .once('end', done)
            .once('error', () => done())
            .once('close', done);
        });
        resolve({ status: response.statusCode ?? 0, ended, text: () => text, hangUp: () => sent.destroy() });
      },
    );
    sent.on('error', reject);
    sent.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/** A request whose client goes away before it is answered; resolves when it has been sent. */
export function abandon(options: {
  readonly port: number;
  readonly key: string;
  readonly body: unknown;
}): Promise<() => void> {
  return new Promise((resolve) => {
    const sent = request({
      host: '127.0.0.1',
      port: options.port,
      path: '/mcp',
      method: 'POST',
      agent: false,
      headers: { ...bearer(options.key), 'content-type': 'application/json' },
    });
    sent.on('error', () => undefined);
    sent.end(JSON.stringify(options.body), () => resolve(() => sent.destroy()));
  });
}

/** Both ends of one real connection on this machine, half-open allowed like on the agent socket. */
export async function socketPair(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  const accepted = new Promise<Socket>((done) => {
    server.once('connection', done);
  });
  const far = dial({ port, host: '127.0.0.1', allowHalfOpen: true });
  const near = await accepted;
  server.close();
  // Nagle's algorithm would hold a second small message back for 40 ms; the socket of the real door knows no such thing.
  for (const end of [near, far]) end.setNoDelay(true);
  return { near, far };
}

/** Polls the event loop, not the clock: gives up after many turns. */
export async function until(holds: () => boolean): Promise<void> {
  // Some seconds of turns: twenty thousand are over in a tenth of one, which a busy machine may take for a packet.
  for (let turn = 0; turn < 1_000_000; turn++) {
    if (holds()) return;
    await new Promise((done) => {
      setImmediate(done);
    });
  }
  throw new Error('what was waited for did not happen');
}
