/** A TCP connection that says exactly what a test says, HTTP or not, and hears everything until the other side ends it. */
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** Everything heard so far. */
  heard(): string;
  /** Once the other side has ended the connection: everything it said. */
  readonly ended: Promise<string>;
  /** Once what was heard matches. */
  until(pattern: RegExp): Promise<string>;
}

export async function openSocket(port: number, said = ''): Promise<RawConnection> {
  const socket = connect({ host: '127.0.0.1', port });
  let text = '';
  const listeners = new Set<() => void>();
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (const listener of listeners) listener();
  });
  // A reset ends it as well as a goodbye.
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(text));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  if (said !== '') socket.write(said);
  return {
    socket,
    heard: () => text,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          listeners.delete(look);
          resolve(text);
        };
        listeners.add(look);
        socket.once('close', () => reject(new Error(`the connection ended with ${JSON.stringify(text)}`)));
        look();
      }),
  };
}

export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The one response that a connection said; throws on anything before or behind it. */
export function responseIn(text: string): RawResponse {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1];
  if (status === undefined) throw new Error(`not a response: ${JSON.stringify(text)}`);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(status), headers, body: rest.join('\r\n\r\n') };
}
