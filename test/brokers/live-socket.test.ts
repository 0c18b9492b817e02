/** A stream that stays, against servers that go silent, throw out, refuse and never greet: each gap is told, and it comes back. */
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type LiveSocketOptions, type LiveState, openLiveSocket } from '#brokers/live-socket.ts';
import { LIVE_SOCKET_OPEN_TIMEOUT_MS } from '#limits.ts';
import { freePort } from '../support/free-port.ts';
import { handClock } from '../support/hand-clock.ts';

const SECRET = 'canary-4711';
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

interface Served {
  readonly port: number;
  /** Every connection there has been. */
  readonly sockets: WebSocket[];
  readonly heard: string[];
  readonly pings: { count: number };
}

async function serve(greet: (socket: WebSocket, number: number) => void = () => undefined): Promise<Served> {
  const sockets: WebSocket[] = [];
  const heard: string[] = [];
  const pings = { count: 0 };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data) => void heard.push((data as Buffer).toString()));
    socket.on('ping', () => void (pings.count += 1));
    socket.on('error', () => undefined);
    greet(socket, sockets.length);
  });
  await once(server, 'listening');
  open.push({
    close() {
      for (const socket of sockets) socket.terminate();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, sockets, heard, pings };
}

function follow(url: LiveSocketOptions['url'], options: Partial<LiveSocketOptions> = {}) {
  const clock = handClock();
  const states: LiveState[] = [];
  const messages: (string | Buffer)[] = [];
  const socket = openLiveSocket({
    url,
    onOpen: (send) => send('hello'),
    onMessage: (message) => void messages.push(message),
    onState: (state) => void states.push(state),
    clock,
    silenceMaxMs: 10_000,
    pingEveryMs: 4_000,
    backoff: { firstMs: 1_000, maxMs: 8_000 },
    ...options,
  });
  open.push(socket);
  const kinds = () => states.map(({ kind }) => kind);
  const opened = async (times = 1): Promise<void> => {
    await expect.poll(() => kinds().filter((kind) => kind === 'open').length).toBe(times);
  };
  return { clock, socket, states, messages, kinds, opened };
}
const at = ({ port }: { readonly port: number }) => `ws://127.0.0.1:${port}/?token=${SECRET}`;

describe('a stream', () => {
  it('greets, hears text and bytes apart, and sends while it is open', async () => {
    const server = await serve((socket) => {
      socket.send('{"T":"success"}');
      socket.send(Buffer.from([0, 255]));
    });
    const { socket, messages, states, opened } = follow(() => at(server));
    expect(socket.send('too early')).toBe(false);
    await opened();
    await expect.poll(() => messages).toEqual(['{"T":"success"}', Buffer.from([0, 255])]);
    expect(socket.send('more')).toBe(true);
    await expect.poll(() => server.heard).toEqual(['hello', 'more']);
    expect(states).toEqual([{ kind: 'open', gapMs: undefined }]);
    expect(socket.heardAtMs()).toBe(0);
  });

  it('comes back after the other side has ended it, and says how long the gap was', async () => {
    const server = await serve();
    const { clock, socket, states, opened } = follow(() => at(server));
    await opened();
    await clock.advanceAsync(3_000);
    server.sockets[0]?.close(1012, SECRET);
    await expect.poll(() => states.length).toBe(2);
    expect(states[1]).toMatchObject({
      kind: 'down',
      code: 1012,
      why: 'The other side ended the stream (1012).',
    });
    expect([socket.isOpen(), socket.heardAtMs(), socket.send('x')]).toEqual([false, undefined, false]);
    await clock.advanceAsync(1_000);
    await opened(2);
    // Nothing was heard since it had opened.
    expect(states[2]).toEqual({ kind: 'open', gapMs: 4_000 });
    await expect.poll(() => server.heard).toEqual(['hello', 'hello']);
    expect(JSON.stringify(states)).not.toContain(SECRET);
  });

  it('is dead when nothing is heard, however open it looks, and a pong is enough to live', async () => {
    const server = await serve();
    const { clock, socket, kinds, opened } = follow(() => at(server));
    await opened();
    for (const pings of [2, 3, 4, 5]) {
      await clock.advanceAsync(4_000);
      await expect.poll(() => server.pings.count).toBe(pings);
      await expect.poll(() => socket.heardAtMs()).toBe(clock.monotonicMs());
    }
    // Its machine is gone: the connection stands, and nobody reads it.
    for (const one of server.sockets) one.pause();
    await clock.advanceAsync(10_000);
    expect(kinds()).toEqual(['open', 'down']);
  });

  it('that never greets is given up, and tried again', async () => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(
      { close: () => server.close() },
      { close: () => sockets.forEach((socket) => socket.destroy()) },
    );
    const { port } = server.address() as AddressInfo;
    const { clock, states } = follow(() => `ws://127.0.0.1:${port}`);
    await expect.poll(() => sockets.length).toBe(1);
    await clock.advanceAsync(LIVE_SOCKET_OPEN_TIMEOUT_MS);
    expect(states).toMatchObject([{ kind: 'down', why: 'It did not open in time.' }]);
    await clock.advanceAsync(1_000);
    await expect.poll(() => sockets.length).toBe(2);
  });

  it('waits longer after every failure, never longer than its longest wait, and never the same', async () => {
    const port = await freePort();
    const { clock, states } = follow(() => `ws://127.0.0.1:${port}/${SECRET}`);
    for (let tries = 1; tries <= 12; tries++) {
      await expect.poll(() => states.length).toBe(tries);
      const last = states.at(-1);
      await clock.advanceAsync(last?.kind === 'down' ? (last.nextTryMs ?? 0) : 0);
    }
    const waits = states.map((state) => (state.kind === 'down' ? (state.nextTryMs ?? 0) : 0));
    const longest = waits.map((_, index) => Math.min(8_000, 1_000 * 2 ** index));
    waits.forEach((wait, index) => {
      expect(wait).toBeLessThanOrEqual(longest[index] ?? 0);
      expect(wait).toBeGreaterThanOrEqual((longest[index] ?? 0) / 2);
    });
    expect(new Set(waits.slice(4)).size).toBeGreaterThan(1);
    expect(JSON.stringify(states)).not.toMatch(new RegExp(`${SECRET}|${port}`));
  });

  it('does not take being let in for being well: thrown out at once, it waits longer and longer', async () => {
    const server = await serve((socket) => socket.close(4001));
    const { clock, states } = follow(() => at(server));
    for (let times = 1; times <= 5; times++) {
      await expect.poll(() => states.filter(({ kind }) => kind === 'down').length).toBe(times);
      await clock.advanceAsync(8_000);
    }
    const last = states.findLast((state) => state.kind === 'down');
    expect(last?.nextTryMs).toBeGreaterThanOrEqual(4_000);
  });

  it('says with which status it was refused', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      verifyClient: (_info, done) => done(false, 403, SECRET),
    });
    await once(server, 'listening');
    open.push(server);
    const { states } = follow(() => at(server.address() as AddressInfo));
    await expect.poll(() => states.length).toBe(1);
    expect(states[0]).toMatchObject({ kind: 'down', status: 403 });
    expect(JSON.stringify(states)).not.toContain(SECRET);
  });

  it('asks for its address anew each time, stays down where there is none, and begins when it is told', async () => {
    const server = await serve();
    const addresses = [at(server), undefined, at(server)];
    const { clock, socket, states, opened } = follow(() => Promise.resolve(addresses.shift()));
    await opened();
    socket.reopen('The token has ended.');
    await expect.poll(() => states.length).toBe(3);
    expect(states.slice(1)).toMatchObject([
      { kind: 'down', why: 'The token has ended.', nextTryMs: 0 },
      { kind: 'down', why: 'It waits for a sign-in.', nextTryMs: undefined },
    ]);
    await clock.advanceAsync(600_000);
    expect(states).toHaveLength(3);
    socket.reopen('Signed in.');
    await opened(2);
    expect(server.sockets).toHaveLength(2);
  });

  it.each([
    ['an address that can not be had', () => Promise.reject(new Error(SECRET))],
    ['an address that is not safe', () => `ws://stream.example/${SECRET}`],
    ['no address at all', () => `${SECRET} is none`],
  ])('stays down with %s, and says nothing of it', async (_, url) => {
    const { states } = follow(url);
    await expect.poll(() => states.length).toBe(1);
    expect(states[0]).toMatchObject({ kind: 'down', why: 'There is no address to open it at.' });
  });

  it('begins once, whoever hears of its end begins it too', async () => {
    const server = await serve();
    const { clock, socket, states, opened } = follow(() => at(server), {
      onState(state) {
        states.push(state);
        if (state.kind === 'down') socket.reopen('At once.');
      },
    });
    await opened();
    socket.reopen('Now.');
    await opened(2);
    await clock.advanceAsync(60_000);
    expect(server.sockets).toHaveLength(2);
  });

  it('ends on a message that can not be taken in: better a gap that is told than a hole', async () => {
    const server = await serve((socket, number) => socket.send(number === 1 ? 'bad' : 'good'));
    const messages: unknown[] = [];
    const { clock, states, opened } = follow(() => at(server), {
      onMessage(message) {
        if (message === 'bad') throw new Error(SECRET);
        messages.push(message);
      },
    });
    await expect.poll(() => states.at(-1)?.kind).toBe('down');
    await clock.advanceAsync(1_000);
    await opened(states[0]?.kind === 'open' ? 2 : 1);
    await expect.poll(() => messages).toEqual(['good']);
    expect(JSON.stringify(states)).not.toContain(SECRET);
  });

  it('takes no message that is too long', async () => {
    const server = await serve((socket) => socket.send(Buffer.alloc(9 * 1024 * 1024)));
    const { states, messages } = follow(() => at(server));
    await expect.poll(() => states.at(-1)?.kind).toBe('down');
    expect(messages).toEqual([]);
  });

  it('is gone once it is closed: it neither tells nor tries anything more', async () => {
    const server = await serve();
    const { clock, socket, states, opened } = follow(() => at(server));
    await opened();
    socket.close();
    socket.reopen('Too late.');
    await clock.advanceAsync(600_000);
    expect(states).toHaveLength(1);
    expect(server.sockets).toHaveLength(1);
    await expect.poll(() => server.sockets[0]?.readyState).toBe(3);
  });
});
