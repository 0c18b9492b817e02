/** A stop waits for answers that are owed, and for nobody else: no stream, no idle connection, no slow talker holds it. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HTTP_CLOSE_TIMEOUT_MS } from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { copyOfTheClone } from '../support/portcullis.ts';
import { bearer, send } from '../support/raw-http.ts';
import { openSocket, type RawConnection, responseIn } from '../support/raw-socket.ts';

describe('a stop', () => {
  let doors: Doors;
  let key: string;
  let answerOrders: () => void;
  beforeEach(async () => {
    doors = await openDoors();
    ({ key } = doors.key());
    doors.script.gate = new Promise((resolve) => {
      answerOrders = resolve;
    });
  });
  afterEach(async () => {
    answerOrders();
    await doors.close();
  });
  const order = (name: string): string => {
    const body = JSON.stringify({ name, dry_run: false });
    return `POST /api/v1/slow-orders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  async function placeSlowly(): Promise<RawConnection> {
    const caller = await openSocket(doors.port, order('in flight'));
    await expect.poll(() => doors.script.seen).toContain('in flight');
    return caller;
  }
  /** Whether something has settled by the time that everything else has had its turn. */
  async function isOver(promise: Promise<unknown>): Promise<boolean> {
    let over = false;
    void promise.then(() => {
      over = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return over;
  }

  test('gives an order in flight its answer, takes no further one, and then is over', async () => {
    const caller = await placeSlowly();
    const closed = doors.app.close();
    expect(await isOver(closed)).toBe(false);
    await expect(openSocket(doors.port)).rejects.toThrow('ECONNREFUSED');
    answerOrders();
    const answer = responseIn(await caller.ended);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ placed: 'in flight' });
    await closed;
    expect(doors.script.finished).toEqual(['in flight']);
  });
  test('refuses what comes after it over a connection that is still open, and does nothing of it', async () => {
    const caller = await placeSlowly();
    const closed = doors.app.close();
    await isOver(closed);
    caller.socket.write(order('too late'));
    await isOver(closed);
    answerOrders();
    const said = await caller.ended;
    expect(said).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"placed":"in flight"\}/);
    expect(said).toMatch(/HTTP\/1\.1 503 [\s\S]*nothing was done/);
    expect(doors.script.seen).toEqual(['in flight']);
    await closed;
  });
  test('waits for no connection that owes or is owed nothing', async () => {
    const idle = await openSocket(doors.port);
    const halfAsked = await openSocket(doors.port, 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    const kept = await openSocket(doors.port, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await kept.until(/ok/);
    await doors.app.close();
    await Promise.all([idle.ended, halfAsked.ended, kept.ended]);
  });
  test('ends event streams of both eras', async () => {
    const headers = { ...bearer(key), accept: 'application/json, text/event-stream' };
    const opened = await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers,
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      },
    });
    const session = String(opened.headers['mcp-session-id']);
    const legacy = await openSocket(
      doors.port,
      `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nAccept: text/event-stream\r\nMcp-Session-Id: ${session}\r\n\r\n`,
    );
    await legacy.until(/^HTTP\/1\.1 200 [\s\S]*text\/event-stream/);
    const listen = JSON.stringify({
      jsonrpc: '2.0',
      id: 2,
      method: 'subscriptions/listen',
      params: {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    const modern = await openSocket(
      doors.port,
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nAccept: application/json, text/event-stream\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\nContent-Length: ${listen.length}\r\n\r\n${listen}`,
    );
    await modern.until(/^HTTP\/1\.1 200 [\s\S]*text\/event-stream/);
    await doors.app.close();
    await Promise.all([legacy.ended, modern.ended]);
  });
  test('waits for who does not send the rest of an order no longer than for any answer', async () => {
    const slow = await openSocket(doors.port, order('never whole').slice(0, -5));
    // Its head has been read when another's answer is here.
    await send({ port: doors.port, path: '/healthz' });
    const closed = doors.app.close();
    expect(await isOver(closed)).toBe(false);
    doors.clock.advance(HTTP_CLOSE_TIMEOUT_MS);
    await closed;
    await slow.ended;
    expect(doors.script.seen).toEqual([]);
  });
});

describe('the process', () => {
  const clone = copyOfTheClone();
  afterAll(() => clone.close());
  test('ends at once when it is told a second time', async () => {
    const serving = await clone.serve();
    const { key } = (await clone.json(['keys', 'create', '--agent', 'slow', '--scopes', 'write:orders'])) as {
      key: string;
    };
    const port = Number(new URL(serving.url).port);
    const slow = await openSocket(
      port,
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    await send({ port, path: '/healthz' });
    serving.signal('SIGINT');
    await expect
      .poll(() =>
        openSocket(port).then(
          ({ socket }) => socket.destroy(),
          () => 'closed',
        ),
      )
      .toBe('closed');
    serving.signal('SIGINT');
    expect(await serving.ended()).toMatchObject({ code: 1, stderr: '' });
    await slow.ended;
  });
});
