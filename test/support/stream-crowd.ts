/** A crowd of subscribers over plain sockets: most of them read and forget, some never read at all. */
import { connect, type Socket } from 'node:net';

export interface Listener {
  readonly socket: Socket;
  /** Of the stream, its head included. */
  bytes(): number;
  /** Whether the answer has ended (RFC 9112, section 7.1), or the connection with it. */
  over(): boolean;
  /** The status of the answer. */
  readonly status: Promise<number>;
}

export interface ListenOptions {
  readonly port: number;
  readonly key: string;
  readonly uris: readonly string[];
  /** False: takes the head of the answer and then nothing more. */
  readonly reads?: boolean;
}

export interface StreamOptions extends Pick<ListenOptions, 'port' | 'key' | 'reads'> {
  readonly session: string;
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

const LAST_CHUNK = '\r\n0\r\n\r\n';

/** `subscriptions/listen` of the modern era: one request whose answer does not end. */
export function listenOn({ port, key, uris, reads = true }: ListenOptions): Listener {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: uris }, _meta: META },
  });
  const head = [
    'POST /mcp HTTP/1.1',
    'Host: 127.0.0.1',
    `Authorization: Bearer ${key}`,
    'Accept: application/json, text/event-stream',
    'Content-Type: application/json',
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: subscriptions/listen',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return hear({ port, reads, said: `${head.join('\r\n')}\r\n\r\n${body}` });
}

/** The GET stream of a session of the legacy era. */
export function streamOf({ port, key, session, reads = true }: StreamOptions): Listener {
  const head = [
    'GET /mcp HTTP/1.1',
    'Host: 127.0.0.1',
    `Authorization: Bearer ${key}`,
    'Accept: text/event-stream',
    `Mcp-Session-Id: ${session}`,
  ];
  return hear({ port, reads, said: `${head.join('\r\n')}\r\n\r\n` });
}

function hear({ port, reads, said }: { port: number; reads: boolean; said: string }): Listener {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  socket.write(said);
  let bytes = 0;
  let tail = '';
  const status = new Promise<number>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      if (bytes === 0) {
        resolve(Number(chunk.toString('latin1').split(' ', 2)[1]));
        if (!reads) socket.pause();
      }
      bytes += chunk.length;
      tail = (tail + chunk.toString('latin1')).slice(-LAST_CHUNK.length);
    });
    socket.once('close', () => reject(new Error('the connection ended before its answer')));
  });
  return { socket, bytes: () => bytes, over: () => tail === LAST_CHUNK || socket.closed, status };
}
