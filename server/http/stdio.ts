/** Serves one connection of the agent socket as MCP over stdio: both eras, every request authenticated anew. */
import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type Transport,
} from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { SOCKET_MESSAGE_BYTES_MAX, SOCKET_REQUESTS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type McpOffer, type McpServer, notify } from './mcp-server.ts';
import { StdioListens } from './stdio-listens.ts';

export interface ConnectionOptions {
  readonly stream: Duplex;
  /** Asked for every request: a refusal is the answer to it, whatever was asked. */
  readonly principal: () => Result<Principal, Refusal>;
  /** Without effect: before anything is told that was not asked for. */
  readonly stillLive: (principal: Principal) => boolean;
  readonly mcp: McpOffer;
  readonly clock: Clock;
  readonly version: string;
  readonly onError?: (error: Error) => void;
}

export interface ServedConnection {
  /** Settles when the connection has ended and everything it had asked for is answered. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

function canceledId(message: JSONRPCMessage): string | number | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id: unknown = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/**
 * The SDK's stdio transport over a socket, with two bounds it does not have: no more than SOCKET_REQUESTS_MAX requests
 * in work (the socket is paused), and a client that has sent its last request still gets every answer
 * (`echo … | portcullis stdio` works).
 */
class SocketTransport implements Transport {
  readonly #listens: StdioListens;
  readonly #stream: Duplex;
  readonly #input = new PassThrough();
  readonly #inner: StdioServerTransport;
  /** How many of an id: who breaks the protocol and uses one twice has two in work. */
  readonly #pending = new Map<string | number, number>();
  #inWork = 0;
  #inputEnded = false;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  constructor(stream: Duplex, listens: StdioListens) {
    this.#stream = stream;
    this.#listens = listens;
    this.#inner = new StdioServerTransport(this.#input, stream, {
      maxBufferSize: SOCKET_MESSAGE_BYTES_MAX,
    });
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message) => this.#receive(message);
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onclose = () => {
      // Half-open, so that answers outlive the last question: whoever is done ends both directions.
      if (this.#inputEnded) this.#stream.end(() => this.#stream.destroy());
      else this.#stream.destroy();
      this.onclose?.();
    };
    await this.#inner.start();
    this.#stream.on('error', (error) => this.onerror?.(error));
    this.#stream.once('end', () => {
      this.#inputEnded = true;
      this.#endWhenAnswered();
    });
    this.#stream.once('close', () => void this.#inner.close());
    this.#stream.pipe(this.#input, { end: false });
  }

  #receive(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message)) {
      this.#pending.set(message.id, (this.#pending.get(message.id) ?? 0) + 1);
      this.#inWork += 1;
      if (this.#inWork >= SOCKET_REQUESTS_MAX) this.#input.pause();
    }
    const canceled = canceledId(message);
    // A canceled request is never answered; the call goes on to its end all the same.
    if (canceled !== undefined) {
      this.#listens.cancel(canceled);
      this.#settle(canceled);
    }
    if (isJSONRPCRequest(message) && message.method === 'subscriptions/listen') void this.#listen(message);
    else this.onmessage?.(message);
  }

  /** Not answered until it ends, so the end of the input does not wait for it. */
  async #listen(request: JSONRPCRequest): Promise<void> {
    const admitted = await this.#listens.admit(request);
    this.#settle(request.id);
    if (admitted?.kind === 'request') this.onmessage?.(admitted.request);
    else if (admitted) await this.send(admitted.error);
  }

  /** Ends what listens, and says so. */
  endListening(): void {
    for (const { inward, outward } of this.#listens.endAll()) {
      this.onmessage?.(inward);
      this.send(outward).catch((error: unknown) => this.onerror?.(error as Error));
    }
  }

  #endWhenAnswered(): void {
    if (this.#inputEnded && this.#inWork === 0) this.#input.end();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    try {
      await this.#inner.send(message);
    } finally {
      const answers = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
      if (answers && message.id !== undefined) this.#settle(message.id);
    }
  }

  #settle(id: string | number): void {
    const count = this.#pending.get(id) ?? 0;
    if (count > 1) this.#pending.set(id, count - 1);
    else this.#pending.delete(id);
    if (count > 0) this.#inWork -= 1;
    if (this.#inWork < SOCKET_REQUESTS_MAX) this.#input.resume();
    this.#endWhenAnswered();
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }
}

export function serveConnection(options: ConnectionOptions): ServedConnection {
  const { stream, clock, version, mcp, stillLive } = options;
  const { tools } = mcp;
  /** As it was last let in; whether it still would be is asked of `stillLive`. */
  let caller: Principal | undefined;
  const principal = (): Result<Principal, Refusal> => {
    const asked = options.principal();
    if (asked.ok) caller = asked.value;
    return asked;
  };
  principal();
  let server: McpServer | undefined;
  const subscriber = mcp.subscriptions.connect({
    live: () => (caller && stillLive(caller) ? caller : undefined),
    renew: () => void (caller && principal()),
    state: () => (stream.destroyed || !server ? 'closed' : stream.writableNeedDrain ? 'busy' : 'ready'),
    send: (event) => server && notify(server, event),
    // A host that sleeps reads on when it wakes; meanwhile nothing is written.
    end: (why) => why === 'ended' && transport.endListening(),
  });
  const transport = new SocketTransport(stream, new StdioListens(subscriber, principal));
  const closed = new Promise<void>((resolve) => {
    if (stream.destroyed) resolve();
    else stream.once('close', () => resolve());
  });
  stream.on('drain', () => subscriber.resume());
  void closed.then(() => subscriber.close());
  const makeServer = (): McpServer => {
    server = mcp.buildServer({ tools, version, via: 'stdio', clock, principal, subscriber });
    return server;
  };
  const handle = serveStdio(makeServer, { transport, onerror: (error) => options.onError?.(error) });
  return {
    closed,
    async close() {
      await handle.close();
      stream.destroy();
    },
  };
}
