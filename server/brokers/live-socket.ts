/** A stream of a broker that stays: heard of or opened anew, each gap told; what it carries is for who opened it. */
import { randomInt } from 'node:crypto';
import { WebSocket } from 'ws';
import { connectionFailure } from '#domain/connection-failure.ts';
import {
  BROKER_ANSWER_BYTES_MAX,
  LIVE_SOCKET_OPEN_TIMEOUT_MS,
  LIVE_SOCKET_UNSENT_BYTES_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { safeEndpoint } from './endpoint.ts';

export type LiveState =
  /** `gapMs` since anything was last heard; undefined at the first opening. Whatever came in between was missed. */
  | { readonly kind: 'open'; readonly gapMs: number | undefined }
  /** `status`: of an HTTP answer in place of a stream; `code`: with which the other side closed it. `why` is a sentence without addresses. */
  | {
      readonly kind: 'down';
      readonly why: string;
      readonly status: number | undefined;
      readonly code: number | undefined;
      /** undefined: not before `reopen`. */
      readonly nextTryMs: number | undefined;
    };

export interface LiveSocketOptions {
  /** wss, or ws on loopback; asked at every opening, since a token may be in it. undefined: nowhere until `reopen`. */
  url(): string | undefined | Promise<string | undefined>;
  readonly headers?: () => Readonly<Record<string, string>>;
  /** The greeting: what has to be said on every connection. */
  onOpen(send: (message: string | Uint8Array) => void): void;
  /** Text as a string, binary as it came. One that throws ends the connection. */
  onMessage(message: string | Buffer): void;
  onState(state: LiveState): void;
  readonly clock: Clock;
  /** Nothing heard for so long, pongs included: the connection is dead, however open it looks. */
  readonly silenceMaxMs: number;
  readonly pingEveryMs: number;
  /** The wait before the next try doubles from the first to the longest; half of each is drawn by lot. */
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
}

export interface LiveSocket {
  /** false: it is not open, and nothing was sent. */
  send(message: string | Uint8Array): boolean;
  isOpen(): boolean;
  /** Monotonic ms of the last sign of life on the connection that is open; undefined: none is. */
  heardAtMs(): number | undefined;
  /** Drops what is open and begins anew at once, whatever the wait. */
  reopen(why: string): void;
  close(): void;
}

interface Ending {
  readonly why: string;
  /** After the usual wait when absent. */
  readonly next?: 'at once' | 'stay';
  readonly status?: number;
  readonly code?: number;
}

/** Begins at once; the first state is told in a later turn. */
export function openLiveSocket(options: LiveSocketOptions): LiveSocket {
  const { clock, backoff } = options;
  let current: Connection | undefined;
  let failures = 0;
  let lastHeardMs: number | undefined;
  let stopWait: (() => void) | undefined;
  let closed = false;

  function begin(): void {
    // Who hears of an end may have closed it, or begun anew, already.
    if (closed || current !== undefined) return;
    stopWait?.();
    stopWait = undefined;
    const mine = openConnection(options, {
      opened() {
        const gapMs = lastHeardMs === undefined ? undefined : clock.monotonicMs() - lastHeardMs;
        options.onState({ kind: 'open', gapMs });
      },
      ended: (ending) => ended(mine, ending),
    });
    current = mine;
  }
  function ended(connection: Connection, { why, status, code, next }: Ending): void {
    if (connection !== current) return;
    current = undefined;
    const openForMs = connection.openForMs();
    lastHeardMs = connection.heardAtMs() ?? lastHeardMs;
    // One that was let in and thrown out at once has not recovered.
    failures = openForMs !== undefined && openForMs >= backoff.maxMs ? 0 : failures + 1;
    if (closed) return;
    const nextTryMs = nextTry(next);
    if (nextTryMs !== undefined) stopWait = clock.after(nextTryMs, begin);
    options.onState({ kind: 'down', why, status, code, nextTryMs });
  }

  const nextTry = (next: Ending['next']): number | undefined =>
    next === 'stay' ? undefined : next === 'at once' ? 0 : waitMs(failures, backoff);

  begin();
  return {
    send: (message) => current?.send(message) ?? false,
    isOpen: () => current?.isOpen() ?? false,
    heardAtMs: () => (current?.isOpen() ? current.heardAtMs() : undefined),
    reopen(why) {
      if (closed) return;
      current?.end({ why, next: 'at once' });
      failures = 0;
      begin();
    },
    close() {
      closed = true;
      stopWait?.();
      current?.end({ why: 'The account was closed.' });
      current = undefined;
    },
  };
}

function waitMs(failures: number, { firstMs, maxMs }: LiveSocketOptions['backoff']): number {
  const longest = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 20));
  const half = Math.floor(longest / 2);
  return half + randomInt(half + 1);
}

interface Connection {
  send(message: string | Uint8Array): boolean;
  isOpen(): boolean;
  heardAtMs(): number | undefined;
  openForMs(): number | undefined;
  end(ending: Ending): void;
}

interface Told {
  opened(): void;
  ended(ending: Ending): void;
}

/** One connection, from asking for its address to its end, which is told once. */
function openConnection(options: LiveSocketOptions, tell: Told): Connection {
  const { clock, silenceMaxMs, pingEveryMs } = options;
  let socket: WebSocket | undefined;
  let openedAtMs: number | undefined;
  let heardAt: number | undefined;
  let over = false;
  let stopTimer = clock.after(LIVE_SOCKET_OPEN_TIMEOUT_MS, () => end({ why: 'It did not open in time.' }));

  function end(ending: Ending): void {
    if (over) return;
    over = true;
    stopTimer();
    // A half-open socket never says goodbye: waiting for its word would keep it for ever.
    socket?.terminate();
    tell.ended(ending);
  }
  const heard = (): void => {
    heardAt = clock.monotonicMs();
  };
  function watch(): void {
    const silentMs = clock.monotonicMs() - (heardAt ?? 0);
    if (silentMs >= silenceMaxMs) return end({ why: 'Nothing was heard for too long.' });
    socket?.ping();
    stopTimer = clock.after(Math.min(pingEveryMs, silenceMaxMs - silentMs), watch);
  }
  function send(message: string | Uint8Array): boolean {
    if (over || socket === undefined || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(message, () => undefined);
    if (socket.bufferedAmount > LIVE_SOCKET_UNSENT_BYTES_MAX) end({ why: 'The other side reads no more.' });
    return true;
  }
  function connect(address: string): void {
    const made = new WebSocket(safeEndpoint(address), {
      headers: { 'user-agent': 'Portcullis', ...options.headers?.() },
      // What is packed may unpack to anything.
      perMessageDeflate: false,
      maxPayload: BROKER_ANSWER_BYTES_MAX,
      followRedirects: false,
    });
    socket = made;
    made.on('error', (cause: NodeJS.ErrnoException) => end({ why: connectionFailure(cause.code) }));
    made.on('unexpected-response', (_request, { statusCode = 0 }) =>
      end({ why: `The server answered ${statusCode} in place of a stream.`, status: statusCode }),
    );
    made.on('close', (code) => end({ why: `The other side ended the stream (${code}).`, code }));
    for (const sign of ['ping', 'pong'] as const) made.on(sign, heard);
    made.on('message', (data, isBinary) => {
      if (over) return;
      heard();
      const bytes = bytesOf(data);
      try {
        options.onMessage(isBinary ? bytes : bytes.toString('utf8'));
      } catch {
        // What was in it is missed: a gap that shows, in place of a stream with a hole in it.
        end({ why: 'A message could not be taken in.' });
      }
    });
    made.on('open', () => {
      if (over) return;
      stopTimer();
      heard();
      openedAtMs = heardAt;
      watch();
      options.onOpen((message) => void send(message));
      if (!over) tell.opened();
    });
  }

  // In a later turn, so that who opens it holds it by the time anything is told.
  void Promise.resolve()
    .then(() => options.url())
    .then((address) => {
      if (over) return;
      if (address === undefined) return end({ why: 'It waits for a sign-in.', next: 'stay' });
      connect(address);
    })
    .catch(() => end({ why: 'There is no address to open it at.' }));
  return {
    send,
    isOpen: () => !over && openedAtMs !== undefined,
    heardAtMs: () => heardAt,
    openForMs: () => (openedAtMs === undefined ? undefined : clock.monotonicMs() - openedAtMs),
    end,
  };
}

/** Fragments come as a list. */
function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
