/** What stands before a public gateway: a proxy that ends TLS and says who came, and a fetch that reaches it by the public name. */
import { once } from 'node:events';
import { request as plainRequest } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { selfSigned } from './self-signed.ts';

export interface TlsFront {
  /** `https://HOST`, the origin that everybody outside knows. */
  readonly origin: string;
  /** As `fetch`, for addresses of that origin alone; redirects are not followed. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** The address that visitors come from, from now on. */
  comesFrom(address: string): void;
  close(): Promise<void>;
}

export interface TlsFrontOptions {
  readonly host: string;
  /** Of the gateway on loopback; asked at each request, because a gateway may be started after its proxy. */
  readonly port: () => number;
}

/** Where visitors come from, until a test says otherwise. */
export const VISITOR = '203.0.113.7';

export async function openTlsFront({ host, port }: TlsFrontOptions): Promise<TlsFront> {
  const { cert, key } = selfSigned(host);
  let visitor = VISITOR;
  const server = createServer({ cert, key }, (incoming, answer) => {
    const onward = plainRequest(
      {
        host: '127.0.0.1',
        port: port(),
        // A connection each: one that is kept would be the gateway's of before a restart.
        agent: false,
        method: incoming.method,
        path: incoming.url,
        headers: {
          ...incoming.headers,
          'x-forwarded-for': visitor,
          'x-forwarded-proto': 'https',
          'x-forwarded-host': host,
        },
      },
      (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.rawHeaders);
        answered.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: ownPort } = server.address() as AddressInfo;

  function send(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { hostname, pathname, search } = new URL(url);
    if (hostname !== host) throw new Error(`${String(url)} is elsewhere`);
    const headers = new Headers(init.headers);
    const body = textOf(init.body);
    if (init.body instanceof URLSearchParams && !headers.has('content-type'))
      headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
    if (body !== undefined) headers.set('content-length', String(Buffer.byteLength(body)));
    headers.set('host', host);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: ownPort,
          servername: host,
          ca: cert,
          agent: false,
          method: init.method ?? 'GET',
          path: pathname + search,
          headers: Object.fromEntries(headers),
          ...(init.signal ? { signal: init.signal } : {}),
        },
        (answered) => {
          const received = new Headers();
          for (const [name, value] of Object.entries(answered.headersDistinct))
            for (const one of value ?? []) received.append(name, one);
          const status = answered.statusCode ?? 502;
          const empty = status === 204 || status === 304;
          resolve(
            new Response(empty ? null : (Readable.toWeb(answered) as ReadableStream), {
              status,
              headers: received,
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
  return {
    origin: `https://${host}`,
    fetch: send,
    comesFrom(address) {
      visitor = address;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function textOf(body: RequestInit['body']): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new Error('a body that no test has sent yet');
}
