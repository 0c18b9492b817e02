/** Calls to a broker against servers that misbehave: what had left when it failed is told truthfully, and nothing is asked twice. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpCaller, type HttpCallerOptions, openHttpCaller } from '#brokers/http-call.ts';
import { BROKER_PUT_OFF_MAX_MS } from '#limits.ts';
import { freePort } from '../support/free-port.ts';
import { handClock } from '../support/hand-clock.ts';
import { selfSigned } from '../support/self-signed.ts';

const SECRET = 'canary-4711';
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

interface Listening {
  readonly port: number;
  readonly requests: string[];
}

/** What a server says to every request, byte by byte; what it heard is counted. */
async function tcp(serve: (socket: Socket, heard: string) => void): Promise<Listening> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      requests.push(String(chunk));
      serve(socket, String(chunk));
    });
  });
  return listening(server, requests, () => sockets);
}

async function http(serve: (request: IncomingMessage, response: ServerResponse) => void): Promise<Listening> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    serve(request, response);
  });
  server.on('connection', (socket) => sockets.add(socket));
  return listening(server, requests, () => sockets);
}

async function listening(
  server: ReturnType<typeof createTcpServer>,
  requests: string[],
  sockets: () => Iterable<Socket>,
): Promise<Listening> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close() {
      for (const socket of sockets()) socket.destroy();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

function callerOn(port: number, options: Partial<HttpCallerOptions> = {}) {
  const clock = handClock();
  const caller: HttpCaller = openHttpCaller({
    baseUrl: `http://127.0.0.1:${port}`,
    headers: () => ({ authorization: SECRET }),
    timeoutMs: 5_000,
    bodyMaxBytes: 1_000,
    clock,
    ...options,
  });
  open.push(caller);
  return { clock, caller };
}

const ORDER = { method: 'POST', path: '/orders', body: { kind: 'json', value: { qty: '1' } } } as const;

describe('what is answered', () => {
  it('is told whole, with its status and headers; what was sent is what was said', async () => {
    const heard: unknown[] = [];
    const { port, requests } = await http((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        heard.push([
          request.headers.authorization,
          request.headers['content-type'],
          String(Buffer.concat(chunks)),
        ]);
        response.writeHead(201, { 'x-left': '7' }).end('{"id":9007199254740993}');
      });
    });
    const { caller } = callerOn(port);
    await expect(caller.call(ORDER)).resolves.toMatchObject({
      kind: 'answer',
      status: 201,
      headers: { 'x-left': '7' },
      retryAfterMs: undefined,
      text: '{"id":9007199254740993}',
    });
    await caller.call({
      method: 'PUT',
      path: '/o/a%2Fb',
      query: { s: ['A B', 'C&D'], none: undefined },
      body: { kind: 'form', fields: { 'price ': '1.50&' } },
    });
    expect(requests).toEqual(['POST /orders', 'PUT /o/a%2Fb?s=A+B&s=C%26D']);
    expect(heard).toEqual([
      [SECRET, 'application/json', '{"qty":"1"}'],
      [SECRET, 'application/x-www-form-urlencoded', 'price+=1.50%26'],
    ]);
  });

  it.each([
    ['2', 2_000],
    ['0.5', 500],
    ['Mon, 05 Jan 2026 12:00:30 GMT', 30_000],
    ['Mon, 05 Jan 2026 11:00:00 GMT', 0],
    ['999999', BROKER_PUT_OFF_MAX_MS],
    ['soon', undefined],
  ])('a 429 with Retry-After %s asks for %s ms', async (header, waitMs) => {
    const { port, requests } = await http((_request, response) =>
      response.writeHead(429, { 'retry-after': header }).end('{}'),
    );
    const { caller } = callerOn(port);
    await expect(caller.call(ORDER)).resolves.toMatchObject({ status: 429, retryAfterMs: waitMs });
    expect(requests).toHaveLength(1);
  });

  it.each([301, 302, 307, 308])('a redirect (%i) is an answer and leads nowhere', async (status) => {
    const elsewhere = await http((_request, response) => response.end());
    const { port } = await http((_request, response) =>
      response.writeHead(status, { location: `http://127.0.0.1:${elsewhere.port}/orders` }).end(),
    );
    const { caller } = callerOn(port);
    await expect(caller.call(ORDER)).resolves.toMatchObject({ kind: 'answer', status });
    expect(elsewhere.requests).toEqual([]);
  });

  it('is unpacked, and only as far as an answer may be long', async () => {
    const { port } = await http(({ url }, response) =>
      response
        .writeHead(200, { 'content-encoding': 'gzip' })
        .end(gzipSync('a'.repeat(url === '/bomb' ? 5_000_000 : 999))),
    );
    const { caller } = callerOn(port);
    await expect(caller.call({ method: 'GET', path: '/' })).resolves.toMatchObject({ text: 'a'.repeat(999) });
    await expect(caller.call({ method: 'GET', path: '/bomb' })).resolves.toEqual({
      kind: 'unclear',
      reason: 'The answer is longer than an answer may be.',
    });
  });
});

describe('a complaint', () => {
  it.each([400, 403, 429, 500])('with status %i does not bring back what proves who asks', async (status) => {
    const { port } = await http(({ headers }, response) =>
      response
        .writeHead(status)
        .end(`no such key ${headers.authorization}: ${String(headers['x-key'])}, ${headers['user-agent']}`),
    );
    const headers = () => ({ authorization: `token ${SECRET}:${SECRET}-2`, 'x-key': 'short' });
    const { caller } = callerOn(port, { headers });
    await expect(caller.call(ORDER)).resolves.toMatchObject({
      status,
      text: 'no such key token …:…: short, Portcullis',
    });
  });
});

describe('a call that fails', () => {
  const fails = async (port: number, options: Partial<HttpCallerOptions> = {}) => {
    const { caller } = callerOn(port, options);
    const told = await caller.call(ORDER);
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`${SECRET}|127\\.0\\.0\\.1|${port}`));
    return told;
  };

  it('was not sent where nothing listens', async () => {
    await expect(fails(await freePort())).resolves.toEqual({
      kind: 'not_sent',
      reason: 'The connection was refused: nothing listens there.',
    });
  });

  it('was not sent to a server with whose certificate it is not content', async () => {
    const heard: string[] = [];
    const server = createTlsServer(selfSigned('localhost'), ({ url = '' }, response) => {
      heard.push(url);
      response.end();
    });
    const { port } = await listening(server, heard, () => []);
    await expect(fails(port, { baseUrl: `https://localhost:${port}` })).resolves.toMatchObject({
      kind: 'not_sent',
      reason: expect.stringMatching(/certificate/),
    });
    expect(heard).toEqual([]);
  });

  it('was not sent to a server that takes the connection and never greets', async () => {
    const { port, requests } = await tcp(() => undefined);
    const { caller, clock } = callerOn(port, { baseUrl: `https://127.0.0.1:${port}` });
    const told = caller.call(ORDER);
    // The first words of a greeting, and of nothing else.
    await expect.poll(() => requests.length).toBe(1);
    expect(requests[0]).not.toContain(SECRET);
    await clock.advanceAsync(5_000);
    await expect(told).resolves.toEqual({
      kind: 'not_sent',
      reason: 'The broker could not be reached in time.',
    });
  });

  it('was not sent when the gate fell while the connection was made', async () => {
    const { port, requests } = await tcp(() => undefined);
    const { caller } = callerOn(port);
    let asked = 0;
    const gate = (): string => `closed ${++asked}`;
    await expect(caller.call({ ...ORDER, gate })).resolves.toEqual({ kind: 'not_sent', reason: 'closed 1' });
    expect([asked, requests.length]).toEqual([1, 0]);
  });

  const CUT: Readonly<Record<string, (socket: Socket) => void>> = {
    'is reset': (socket) => socket.resetAndDestroy(),
    'is ended without a word': (socket) => socket.end(),
    'is cut in the head of the answer': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'),
    'is cut in the body': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"id":'),
    'is cut between chunks': (socket) =>
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"id"\r\n'),
    'is answered with something else than HTTP': (socket) => socket.end('220 mail.example\r\n\r\n'),
    'is answered with another protocol': (socket) =>
      socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    'is answered with a length that is a lie': (socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\n{}'),
    'is answered in an unknown encoding': (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\n{}'),
    'is packed and broken': (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}'),
    'is answered at too great a length': (socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n${'a'.repeat(1_001)}`),
    'has an endless head': (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`),
  };
  it.each(Object.keys(CUT))('is unclear once its bytes have left: it %s', async (how) => {
    const { port, requests } = await tcp((socket) => CUT[how]?.(socket));
    await expect(fails(port)).resolves.toMatchObject({ kind: 'unclear' });
    expect(requests).toHaveLength(1);
  });

  it.each(['silent', 'trickling'])('is unclear at its deadline, the server being %s', async (how) => {
    const trickle: NodeJS.Timeout[] = [];
    const { port, requests } = await tcp((socket) => {
      if (how === 'silent') return;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n');
      trickle.push(setInterval(() => socket.write('a'), 5));
    });
    open.push({ close: () => trickle.forEach(clearInterval) });
    const { caller, clock } = callerOn(port);
    const told = caller.call(ORDER);
    await expect.poll(() => requests.length).toBe(1);
    await clock.advanceAsync(4_999);
    expect(await Promise.race([told, Promise.resolve('still waiting')])).toBe('still waiting');
    await clock.advanceAsync(1);
    await expect(told).resolves.toEqual({ kind: 'unclear', reason: 'The broker did not answer in time.' });
  });

  it('is unclear on a connection that was kept and has died, and is not sent again', async () => {
    const { port, requests } = await tcp((socket, heard) => {
      if (heard.startsWith('GET')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
      else socket.resetAndDestroy();
    });
    const { caller } = callerOn(port);
    await caller.call({ method: 'GET', path: '/' });
    await new Promise((resolve) => setImmediate(resolve));
    await expect(caller.call(ORDER)).resolves.toMatchObject({ kind: 'unclear' });
    expect(requests.map((one) => one.slice(0, 4))).toEqual(['GET ', 'POST']);
  });
});

describe('a caller', () => {
  it('ends what is under way when it is closed, and sends nothing from then on', async () => {
    const { port, requests } = await tcp(() => undefined);
    const { caller } = callerOn(port);
    const told = caller.call(ORDER);
    await expect.poll(() => requests.length).toBe(1);
    caller.close();
    await expect(told).resolves.toEqual({ kind: 'unclear', reason: 'The account was closed.' });
    await expect(caller.call(ORDER)).resolves.toEqual({ kind: 'not_sent', reason: 'The account is closed.' });
    expect(requests).toHaveLength(1);
  });

  it.each([
    'http://broker.example',
    'http://10.0.0.1',
    'ftp://127.0.0.1',
    `https://me:${SECRET}@broker.example`,
    `not an address ${SECRET}`,
  ])('opens none to %s, and does not say the address', (baseUrl) => {
    const make = () => openHttpCaller({ baseUrl, timeoutMs: 1, bodyMaxBytes: 1, clock: handClock() });
    expect(make).toThrow(/^An address of the broker /);
    expect(make).not.toThrow(new RegExp(SECRET));
  });
});
