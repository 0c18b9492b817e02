/** Callers who mean harm: they trickle, flood, nest and hoard, and meanwhile everybody else's orders are placed. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  BODY_BYTES_MAX,
  HTTP_CONNECTIONS_MAX,
  HTTP_REQUESTS_PER_CONNECTION_MAX,
  HTTP_UNREAD_LOOK_MS,
  HTTP_UNREAD_LOOKS_MAX,
} from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { collectGarbage } from '../support/garbage.ts';
import { bearer, send } from '../support/raw-http.ts';
import { openSocket, type RawConnection, responseIn } from '../support/raw-socket.ts';

let doors: Doors;
let key: string;
const opened: RawConnection[] = [];
beforeEach(async () => {
  doors = await openDoors({ logLevel: 'silent' });
  ({ key } = doors.key());
});
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await doors.close();
});
/** By the few hundred: the backlog of the listening socket is no larger. */
async function openMany(count: number, said: string): Promise<readonly RawConnection[]> {
  const many: RawConnection[] = [];
  while (many.length < count) {
    const next = Math.min(256, count - many.length);
    many.push(...(await Promise.all(Array.from({ length: next }, () => openSocket(doors.port, said)))));
    // Answered after all of them have been accepted.
    await send({ port: doors.port, path: '/healthz' });
  }
  opened.push(...many);
  return many;
}

let placed = 0;
/** By a new connection, as somebody who knows nothing of what else goes on. */
async function placeOrder(): Promise<void> {
  placed += 1;
  const name = `order ${placed}`;
  const answer = await send({
    port: doors.port,
    method: 'POST',
    path: '/api/v1/slow-orders',
    headers: bearer(key),
    body: { name, dry_run: false },
  });
  expect([answer.status, answer.json()]).toEqual([200, { placed: name }]);
  expect(doors.script.finished.at(-1)).toBe(name);
}

const HEAD = 'POST /api/v1/slow-orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

describe('who trickles', () => {
  beforeEach(() => {
    // What takes half a minute for an owner's patience takes a second for ours.
    doors.app.server.headersTimeout = 500;
    doors.app.server.requestTimeout = 1_000;
  });
  test('a head is dropped, and orders are placed meanwhile', async () => {
    const many = await openMany(200, HEAD);
    const trickle = setInterval(() => {
      for (const { socket } of many) if (socket.writable) socket.write('X-Slow: 1\r\n');
    }, 50);
    await placeOrder();
    const ends = await Promise.all(many.map(({ ended }) => ended));
    clearInterval(trickle);
    await placeOrder();
    for (const said of ends) expect(responseIn(said).status).toBe(408);
    expect(JSON.parse(responseIn(ends[0] ?? '').body)).toMatchObject({
      status: 408,
      type: 'urn:portcullis:problem:too_slow',
    });
  });
  test('a body is dropped, and what it was to order is not ordered', async () => {
    const many = await openMany(
      100,
      `${HEAD}Authorization: Bearer ${key}\r\nContent-Length: 40\r\n\r\n{"name":"slow"`,
    );
    const trickle = setInterval(() => {
      for (const { socket } of many) if (socket.writable) socket.write(' ');
    }, 100);
    await placeOrder();
    await Promise.all(many.map(({ ended }) => ended));
    clearInterval(trickle);
    expect(doors.script.seen).not.toContain('slow');
    await placeOrder();
  });
  test('a body without a key is told 401 before any of it has come', async () => {
    const [stranger] = await openMany(1, `${HEAD}Content-Length: 1000\r\n\r\n{`);
    expect(await stranger?.until(/unauthenticated/)).toMatch(/^HTTP\/1\.1 401 /);
    await stranger?.ended;
  });
});

test('connections without end push out those that ask nothing, never those that are answered', {
  timeout: 60_000,
}, async () => {
  let open = (): void => undefined;
  doors.script.gate = new Promise((resolve) => {
    open = resolve;
  });
  const body = JSON.stringify({ name: 'in flight', dry_run: false });
  const [order] = await openMany(
    1,
    `${HEAD}Authorization: Bearer ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await expect.poll(() => doors.script.seen).toContain('in flight');
  const idle = await openMany(HTTP_CONNECTIONS_MAX, '');
  // Whoever has a key and trickles under it leaves as well.
  const trickled = await openMany(100, `${HEAD}Authorization: Bearer ${key}\r\nContent-Length: 9\r\n\r\n{`);
  await expect.poll(() => idle.filter(({ socket }) => socket.closed).length).toBeGreaterThan(100);
  await openMany(HTTP_CONNECTIONS_MAX, '');
  await expect.poll(() => trickled.every(({ socket }) => socket.closed)).toBe(true);
  doors.script.gate = Promise.resolve();
  await placeOrder();
  open();
  expect(await order?.until(/in flight/)).toMatch(/^HTTP\/1\.1 200 /);
  const count = await new Promise<number>((resolve) => {
    doors.app.server.getConnections((_error, connections) => resolve(connections));
  });
  expect(count).toBeLessThanOrEqual(HTTP_CONNECTIONS_MAX + 1);
});

describe('who asks without waiting for answers', () => {
  test('has so many requests in work, and is told of the others that nothing was done', async () => {
    let open = (): void => undefined;
    doors.script.gate = new Promise((resolve) => {
      open = resolve;
    });
    const order = (n: number): string => {
      const body = JSON.stringify({ name: `pipelined ${n}`, dry_run: false });
      return `${HEAD}Authorization: Bearer ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    };
    const all = Array.from({ length: 40 }, (_, n) => order(n)).join('');
    const [caller] = await openMany(1, all);
    await expect.poll(() => doors.script.seen.length).toBe(HTTP_REQUESTS_PER_CONNECTION_MAX);
    open();
    const statuses = (): readonly (string | undefined)[] =>
      [...(caller?.heard() ?? '').matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    await expect.poll(() => statuses().length).toBe(40);
    expect(statuses().filter((status) => status === '200').length).toBe(HTTP_REQUESTS_PER_CONNECTION_MAX);
    expect(statuses().filter((status) => status === '429').length).toBe(
      40 - HTTP_REQUESTS_PER_CONNECTION_MAX,
    );
    expect(doors.script.finished.length).toBe(HTTP_REQUESTS_PER_CONNECTION_MAX);
    await placeOrder();
  });
  /** Asks for large answers and reads none, until the buffers of both sides are full; gives our end of it. */
  async function fill(): Promise<{ readonly ours: Socket; readonly theirs: Socket }> {
    const accepted = new Promise<Socket>((resolve) => {
      doors.app.server.once('connection', resolve);
    });
    const connection = await openSocket(doors.port);
    opened.push(connection);
    const { socket: theirs } = connection;
    theirs.pause();
    const ours = await accepted;
    const ask = 'GET /docs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(HTTP_REQUESTS_PER_CONNECTION_MAX);
    for (let round = 0; round < 1_000 && ours.writableLength === 0; round++) {
      theirs.write(ask);
      await send({ port: doors.port, path: '/healthz' });
    }
    expect(ours.writableLength).toBeGreaterThan(0);
    return { ours, theirs };
  }
  test('and never reads them, holds little, and is let go', async () => {
    const { ours, theirs } = await fill();
    const before = collectGarbage();
    theirs.write('GET /docs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(20_000));
    await placeOrder();
    expect(collectGarbage() - before).toBeLessThan(16 * 1024 * 1024);
    doors.clock.advance(HTTP_UNREAD_LOOK_MS * HTTP_UNREAD_LOOKS_MAX);
    expect(ours.destroyed).toBe(false);
    doors.clock.advance(HTTP_UNREAD_LOOK_MS * 2);
    expect(ours.destroyed).toBe(true);
    await placeOrder();
  });
  test('is not mistaken for who reads slowly', async () => {
    const { ours, theirs } = await fill();
    doors.clock.advance(HTTP_UNREAD_LOOK_MS * HTTP_UNREAD_LOOKS_MAX);
    theirs.resume();
    await expect.poll(() => ours.writableLength).toBe(0);
    doors.clock.advance(HTTP_UNREAD_LOOK_MS * 2);
    expect(ours.destroyed).toBe(false);
  });
});

describe('a body', () => {
  const call = (args: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_word","arguments":${args}}}`;
  const nest = (depth: number, open: string, close: string): string =>
    `${open.repeat(depth)}${close.repeat(depth)}`;
  const DEEP: readonly (readonly [string, string])[] = [
    ['arrays in arrays', nest(100_000, '[', ']')],
    ['objects in objects', `${nest(40_000, '{"a":', '').slice(0, -1)}:1${'}'.repeat(40_000)}`],
    ['arrays as a word', `{"word":${nest(100_000, '[', ']')}}`],
    ['objects as tags', `{"word":"x","tags":[${nest(30_000, '{"a":', '}').replace(':}', ':1}')}]}`],
    ['an array of 100,000', `{"word":"x","tags":[${'1,'.repeat(100_000)}1]}`],
    ['100,000 fields', `{${Array.from({ length: 20_000 }, (_, n) => `"f${n}":1`).join(',')}}`],
    ['a string that holds nested JSON', `{"word":"x","tags":${JSON.stringify(nest(100_000, '[', ']'))}}`],
    ['a number of 100,000 digits', `{"word":"x","times":${'9'.repeat(100_000)}}`],
  ];
  test.each(DEEP)('of %s is refused in words, and nothing breaks', async (_name, args) => {
    JSON.parse(args);
    for (const [path, body] of [
      ['/mcp', call(args)],
      ['/mcp', args],
      ['/api/v1/slow-orders', args],
    ] as const) {
      const answer = await send({ port: doors.port, method: 'POST', path, headers: bearer(key), body });
      expect(answer.status).toBeLessThan(500);
      expect(answer.text).toMatch(/invalid_input|bad_request|"error":/);
      expect(answer.text.length).toBeLessThan(20_000);
      expect(answer.text).not.toMatch(/RangeError|stack|"internal"/);
    }
    await placeOrder();
    expect(doors.record().every(({ outcome }) => outcome !== 'error')).toBe(true);
  });
  const WITH_KEY = (): string => `${HEAD}Authorization: Bearer ${key}\r\n`;
  test('that says it is too large is refused before it is read', async () => {
    const [caller] = await openMany(1, `${WITH_KEY()}Content-Length: 10000000000\r\n\r\n{`);
    expect(responseIn((await caller?.ended) ?? '').status).toBe(413);
    await placeOrder();
  });
  test('that never says how large it is is cut off at the bound', async () => {
    const [caller] = await openMany(1, `${WITH_KEY()}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
    let sent = 0;
    while (caller?.socket.writable && caller.heard() === '' && sent < 64 * BODY_BYTES_MAX) {
      sent += chunk.length;
      await new Promise((resolve) => caller.socket.write(chunk, resolve));
    }
    expect(responseIn((await caller?.ended) ?? '').status).toBe(413);
    expect(sent).toBeLessThan(32 * BODY_BYTES_MAX);
    await placeOrder();
  });
});
