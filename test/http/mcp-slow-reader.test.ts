/** One that follows much and reads nothing: what it is owed stays small, others hear on time, and in the end it is cut off. */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  MCP_NOTICE_DELAY_MS,
  MCP_STREAM_CHECK_MS,
  MCP_STREAM_STALLED_MS,
  MCP_STREAMS_PER_AGENT_MAX,
  MCP_SUBSCRIPTIONS_MAX,
} from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { type ScriptedChanges, scriptedChanges } from '../support/scripted-changes.ts';
import { openStream, until } from '../support/streams.ts';

let doors: Doors;
let clock: HandClock;
let scripted: ScriptedChanges;
const sockets: Socket[] = [];
beforeEach(async () => {
  clock = handClock();
  scripted = scriptedChanges(clock);
  doors = await openDoors({ logLevel: 'warn' }, (own) => ({ ...own, subscriptions: scripted.subscriptions }));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await doors.close();
});

const URIS = Array.from({ length: MCP_SUBSCRIPTIONS_MAX }, (_, n) => `x:${n}-${'a'.repeat(240)}`);
const listen = (uris: readonly string[]) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'subscriptions/listen',
  params: {
    notifications: { resourceSubscriptions: uris },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const MODERN = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' };

/** Follows everything and reads no more than the head of the answer. */
async function stuckReader(key: string): Promise<{ socket: Socket; received: () => number }> {
  const body = JSON.stringify(listen(URIS));
  const head = [
    'POST /mcp HTTP/1.1',
    'host: 127.0.0.1',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    ...Object.entries(MODERN).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  const socket = connect(doors.port, '127.0.0.1');
  sockets.push(socket);
  let bytes = 0;
  socket.on('error', () => undefined).write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await new Promise<void>((opened) => {
    socket.on('data', (chunk) => {
      if (bytes === 0) socket.pause();
      bytes += chunk.length;
      opened();
    });
  });
  return { socket, received: () => bytes };
}
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
};
/** Everything changes, once a beat. Gives the bytes that telling all of it would take. */
async function changeAll(beats: number): Promise<number> {
  for (let beat = 0; beat < beats; beat++) {
    for (const uri of URIS) scripted.change(uri);
    clock.advance(MCP_NOTICE_DELAY_MS);
    // The turns that a beat takes.
    clock.advance(0);
    await settle();
  }
  return beats * URIS.length * 300;
}

describe('who follows and does not read', () => {
  test('is owed one notice an address however much happens, and gets it when it reads on', async () => {
    const stuck = await stuckReader(doors.key(undefined, 'stuck').key);
    await until(() => scripted.subscriptions.count === 1);
    await changeAll(1);
    const told = await changeAll(1_000);
    expect(told).toBeGreaterThan(15_000_000);
    stuck.socket.resume();
    let before = -1;
    await until(() => {
      const settled = stuck.received() === before;
      before = stuck.received();
      return settled && before > 100_000;
    });
    // What the kernel took on both sides, and a last notice for each: not what happened meanwhile.
    expect(stuck.received()).toBeLessThan(told / 2);
    const caughtUp = stuck.received();
    await changeAll(1);
    await until(() => stuck.received() >= caughtUp + URIS.length * 250);
  });

  test('keeps nobody else waiting', async () => {
    await stuckReader(doors.key(undefined, 'stuck').key);
    const { key } = doors.key(undefined, 'reader');
    const [uri = ''] = URIS;
    const reader = await openStream({ ...at(key), body: listen([uri]) });
    await until(() => scripted.subscriptions.count === 2);
    await changeAll(300);
    const notices = (): number => reader.text().split('notifications/resources/updated').length - 1;
    await until(() => notices() === 300);
    reader.hangUp();
  });

  test('is cut off when it has not read for long, and what it followed is let go', async () => {
    const stuck = await stuckReader(doors.key(undefined, 'stuck').key);
    await until(() => scripted.subscriptions.count === 1);
    await changeAll(600);
    await clock.advanceAsync(MCP_STREAM_STALLED_MS + 2 * MCP_STREAM_CHECK_MS);
    await until(() => scripted.subscriptions.count === 0);
    expect(scripted.isListening()).toBe(false);
    stuck.socket.resume();
  });
});

describe('streams of the modern era', () => {
  test('are so many an agent and no more, and other agents have theirs', async () => {
    const { key } = doors.key(undefined, 'hoarder');
    const opened = [];
    for (let n = 0; n < MCP_STREAMS_PER_AGENT_MAX; n++)
      opened.push(await openStream({ ...at(key), body: listen(['x:a']) }));
    const more = await openStream({ ...at(key), body: listen(['x:a']) });
    await more.ended;
    expect(JSON.parse(more.text())).toMatchObject({
      id: 1,
      error: { code: -32603, message: expect.stringContaining('end one of them') },
    });
    const other = await openStream({ ...at(doors.key(undefined, 'other').key), body: listen(['x:a']) });
    expect(other.status).toBe(200);
    await until(() => other.text().includes('acknowledged'));
    opened[0]?.hangUp();
    await until(() => scripted.subscriptions.count === MCP_STREAMS_PER_AGENT_MAX);
    const again = await openStream({ ...at(key), body: listen(['x:a']) });
    await until(() => again.text().includes('acknowledged'));
    for (const stream of [...opened, other, again]) stream.hangUp();
  });
  test('acknowledge what is followed and nothing else; one that would hear nothing ends at once', async () => {
    const { key } = doors.key();
    const some = await openStream({ ...at(key), body: listen(['x:a', 'x:secret', 'x:a']) });
    await until(() => some.text().includes('acknowledged'));
    expect(some.text()).toContain('"resourceSubscriptions":["x:a"]');
    expect(some.text()).not.toContain('secret');
    some.hangUp();
    const none = await openStream({ ...at(key), body: listen(['x:secret']) });
    await none.ended;
    expect(none.text()).not.toContain('secret');
    expect(none.text()).toContain('"resultType":"complete"');
    await until(() => scripted.subscriptions.count === 0);
  });
  test('that are asked for wrongly are an error, and hold nothing', async () => {
    const { key } = doors.key();
    for (const notifications of [
      undefined,
      7,
      { resourceSubscriptions: 'x:a' },
      { resourceSubscriptions: [7] },
    ]) {
      const body = { ...listen([]), params: { ...listen([]).params, notifications } };
      const answer = await openStream({ ...at(key), body });
      await answer.ended;
      expect(JSON.parse(answer.text())).toMatchObject({ error: { code: -32602 } });
    }
    expect(scripted.subscriptions.count).toBe(0);
  });
});

function at(key: string) {
  return { port: doors.port, key, method: 'POST', headers: MODERN };
}
