/** One bounded call to a broker over HTTP, which says of itself whether anything of it had left when it failed. */
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { connectionFailure } from '#domain/connection-failure.ts';
import { BROKER_PUT_OFF_MAX_MS, BROKER_SOCKET_IDLE_MS, BROKER_SOCKETS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { safeEndpoint } from './endpoint.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface HttpCallerOptions {
  /** https, or http on loopback. What it has of a path comes before that of every call. */
  readonly baseUrl: string;
  /** Of every call, read at each: a token may change. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** From the call to the last byte of its answer, a connection that has to be made included. */
  readonly timeoutMs: number;
  readonly bodyMaxBytes: number;
  readonly clock: Clock;
  /** 1 where requests have to arrive in the order in which they were made. */
  readonly socketsMax?: number;
}

export type HttpBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'form'; readonly fields: Readonly<Record<string, string>> }
  /** Encoded and signed by who built it: not a byte of it is changed. */
  | { readonly kind: 'text'; readonly text: string; readonly type: string };

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with `/`; its parts are encoded by who builds it. */
  readonly path: string;
  /** A list is the same name several times; undefined is left out. */
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** In place of `query`, as it was signed. */
  readonly search?: string;
  readonly body?: HttpBody;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the caller's own. */
  readonly timeoutMs?: number;
  readonly bodyMaxBytes?: number;
  /** Asked when the connection stands and nothing has left: why it may not any more, or undefined. */
  readonly gate?: () => string | undefined;
}

export interface HttpAnswer {
  readonly kind: 'answer';
  /** Redirects are answers too: none is followed. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** By Retry-After, seconds or a date, never more than `BROKER_PUT_OFF_MAX_MS`. */
  readonly retryAfterMs: number | undefined;
  /** The whole body; of one that is no success, without what the head of the request proved itself with. */
  readonly text: string;
}

/**
 * `not_sent`: no byte of the request was handed to a connection. `unclear`: some may have been, so the broker may have done it.
 * The reason is one sentence without addresses, headers or bodies.
 */
export interface HttpFault {
  readonly kind: 'not_sent' | 'unclear';
  readonly reason: string;
}

export interface HttpCaller {
  /** Never rejects, and asks once. */
  call(call: HttpCall): Promise<HttpAnswer | HttpFault>;
  /** Ends what is under way, and its connections. */
  close(): void;
}

/** Throws RangeError when the address is neither encrypted nor on loopback. */
export function openHttpCaller(options: HttpCallerOptions): HttpCaller {
  const base = safeEndpoint(options.baseUrl);
  const encrypted = base.protocol === 'https:';
  const pool = {
    keepAlive: true,
    maxSockets: options.socketsMax ?? BROKER_SOCKETS_MAX,
    timeout: BROKER_SOCKET_IDLE_MS,
  };
  const agent = encrypted ? new TlsAgent(pool) : new Agent(pool);
  const underWay = new Set<(why: string) => void>();
  let closed = false;

  return {
    async call(call) {
      if (closed) return { kind: 'not_sent', reason: 'The account is closed.' };
      const url = urlOf(base, call);
      const payload = payloadOf(call.body);
      const made = (encrypted ? tlsRequest : request)(url, {
        method: call.method,
        agent,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'gzip',
          'user-agent': 'Portcullis',
          ...options.headers?.(),
          ...call.headers,
          ...payload.headers,
        },
      });
      const end = openExchange(made, { options, call, bytes: payload.bytes, encrypted });
      underWay.add(end.giveUp);
      const told = await end.told;
      underWay.delete(end.giveUp);
      return told;
    },
    close() {
      closed = true;
      for (const giveUp of underWay) giveUp('The account was closed.');
      agent.destroy();
    },
  };
}

interface Exchange {
  readonly options: HttpCallerOptions;
  readonly call: HttpCall;
  readonly bytes: Buffer | undefined;
  readonly encrypted: boolean;
}

/** One request from its connection to its end; `handedOver` is what tells the two faults apart. */
function openExchange(made: ClientRequest, { options, call, bytes, encrypted }: Exchange) {
  const { clock, timeoutMs, bodyMaxBytes } = options;
  let handedOver = false;
  let answering = false;
  const { promise: told, resolve } = Promise.withResolvers<HttpAnswer | HttpFault>();
  const finish = (answer: HttpAnswer | HttpFault): void => {
    stopTimer();
    resolve(answer);
  };
  const giveUp = (reason: string): void => {
    finish({ kind: handedOver ? 'unclear' : 'not_sent', reason });
    made.destroy();
  };
  const stopTimer = clock.after(call.timeoutMs ?? timeoutMs, () =>
    giveUp(handedOver ? 'The broker did not answer in time.' : 'The broker could not be reached in time.'),
  );

  made.on('error', (cause: NodeJS.ErrnoException) => giveUp(connectionFailure(cause.code)));
  made.once('close', () => {
    if (!answering) giveUp('The connection ended without an answer.');
  });
  made.once('socket', (socket) =>
    onceConnected(socket, encrypted, () => {
      const reason = call.gate?.();
      if (reason !== undefined) return giveUp(reason);
      handedOver = true;
      made.end(bytes);
    }),
  );
  // 101, which nobody asked for: nothing else of the request would ever be heard.
  made.once('upgrade', (_response, socket) => {
    socket.destroy();
    giveUp('The broker answered with another protocol.');
  });
  made.once('response', (response) => {
    answering = true;
    readWhole(response, call.bodyMaxBytes ?? bodyMaxBytes, {
      whole: (text) =>
        finish({
          kind: 'answer',
          status: response.statusCode ?? 0,
          headers: response.headers,
          retryAfterMs: retryAfterMs(response.headers['retry-after'], clock.wallMs()),
          text: succeeded(response) ? text : withoutProofs(text, made),
        }),
      broken: giveUp,
    });
  });
  return { told, giveUp };
}

const succeeded = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300;

/** Of every request; whatever else is in its head may prove who asks. */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'user-agent',
]);
/** A complaint that quotes the keys it complains of: its words go into outcomes, errors and the record, the keys do not. */
function withoutProofs(text: string, made: ClientRequest): string {
  const proofs = made
    .getHeaderNames()
    .filter((name) => !PUBLIC_HEADERS.has(name))
    .flatMap((name) => String(made.getHeader(name)).split(/[\s:,;=]+/));
  return withoutSecrets(text, proofs);
}

/** Until then nothing of a request may be written: before it, the connection may still fail with nothing sent. */
function onceConnected(socket: Socket, encrypted: boolean, then: () => void): void {
  if (socket.connecting) socket.once(encrypted ? 'secureConnect' : 'connect', then);
  else then();
}

function readWhole(
  response: IncomingMessage,
  bytesMax: number,
  tell: { readonly whole: (text: string) => void; readonly broken: (reason: string) => void },
): void {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  const body: Readable = encoding === 'gzip' ? response.pipe(createGunzip()) : response;
  const chunks: Buffer[] = [];
  let length = 0;
  const broken = (reason: string): void => {
    tell.broken(reason);
    body.destroy();
  };
  if (encoding !== 'gzip' && encoding !== 'identity')
    return broken('The answer came in an encoding that was not asked for.');
  response.once('error', () => broken('The answer was cut off.'));
  response.once('close', () => {
    if (!response.complete) broken('The answer was cut off.');
  });
  if (body !== response) body.once('error', () => broken('The answer could not be unpacked.'));
  body.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) return broken('The answer is longer than an answer may be.');
    chunks.push(chunk);
  });
  body.once('end', () => tell.whole(Buffer.concat(chunks).toString('utf8')));
}

function urlOf(base: URL, { path, query = {}, search }: HttpCall): URL {
  const url = new URL(base);
  if (!path.startsWith('/')) throw new RangeError('a path begins with /');
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
  for (const [name, value] of Object.entries(query))
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) url.searchParams.append(name, one);
  if (search !== undefined) url.search = search;
  return url;
}

function payloadOf(body: HttpBody | undefined): {
  readonly bytes: Buffer | undefined;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (body === undefined) return { bytes: undefined, headers: {} };
  const { text, type } = writtenOut(body);
  const bytes = Buffer.from(text);
  return { bytes, headers: { 'content-type': type, 'content-length': String(bytes.length) } };
}

function writtenOut(body: HttpBody): { readonly text: string; readonly type: string } {
  switch (body.kind) {
    case 'json':
      return { text: JSON.stringify(body.value), type: 'application/json' };
    case 'form':
      return {
        text: String(new URLSearchParams(body.fields)),
        type: 'application/x-www-form-urlencoded',
      };
    case 'text':
      return body;
  }
}

/** A date is by the broker's clock; a difference of clocks costs as much waiting, or one more 429. */
function retryAfterMs(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const waitMs = /^\d{1,9}(?:\.\d{1,6})?$/.test(text)
    ? Math.ceil(Number(text) * 1_000)
    : Date.parse(text) - wallMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), BROKER_PUT_OFF_MAX_MS);
}
