/** A proxy that presents a key for clients that cannot, and changes nothing else: neither Host nor Origin nor a header. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BearerProxy {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

function forward(port: number, key: string, asked: IncomingMessage, answer: ServerResponse): void {
  const { method, url, headers } = asked;
  const upstream = request({
    host: '127.0.0.1',
    port,
    method,
    path: url,
    headers: { ...headers, authorization: `Bearer ${key}` },
  });
  upstream.on('response', (given) => {
    answer.writeHead(given.statusCode ?? 502, given.rawHeaders);
    answer.flushHeaders();
    given.pipe(answer);
  });
  upstream.on('error', () => answer.destroy());
  answer.on('close', () => upstream.destroy());
  asked.pipe(upstream);
}

export async function openBearerProxy(port: number, key: string): Promise<BearerProxy> {
  const server = createServer((asked, answer) => forward(port, key, asked, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
