/** Subscribers in crowds, some of whom never read: bounded in number and memory, and orders are placed as if nobody listened. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import {
  MCP_QUOTE_NOTICE_MS,
  MCP_SESSIONS_PER_AGENT_MAX,
  MCP_STREAM_CHECK_MS,
  MCP_STREAMS_PER_AGENT_MAX,
} from '#limits.ts';
import { collectGarbage } from '../support/garbage.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, send } from '../support/raw-http.ts';
import { type Listener, listenOn, streamOf } from '../support/stream-crowd.ts';
import { until } from '../support/streams.ts';
import { type Trader, trader } from '../support/traders.ts';

const QUOTE = 'portcullis://quotes/SPX';
const FOLLOWED = [QUOTE, 'portcullis://positions', 'portcullis://orders'];

let gate: TestGateway;
let port: number;
let honest: Trader;
let placed: number;
const crowd: Listener[] = [];
beforeEach(async () => {
  gate = await openTestGateway({ settings: { PAPER_PRESET: 'friendly', LOG_LEVEL: 'silent' } });
  port = Number(new URL(gate.url).port);
  await gate.clock.advanceAsync(2_000);
  honest = trader(gate, 'honest');
  placed = 0;
});
afterEach(async () => {
  for (const { socket } of crowd.splice(0)) socket.destroy();
  await gate.close();
});

async function listen(keys: readonly string[], each: number, reads = true): Promise<readonly Listener[]> {
  const listeners = keys.flatMap((key) =>
    Array.from({ length: each }, () => listenOn({ port, key, uris: FOLLOWED, reads })),
  );
  crowd.push(...listeners);
  for (const { status } of listeners) expect(await status).toBe(200);
  return listeners;
}
const keysOf = (agents: number): readonly string[] =>
  Array.from({ length: agents }, (_, n) => gate.key(`listener-${n}`).key);

async function placeOrder(): Promise<void> {
  placed += 1;
  const answer = await send({
    port,
    method: 'POST',
    path: '/api/v1/orders',
    headers: bearer(honest.key),
    body: {
      symbol: 'SPX',
      side: placed % 2 === 1 ? 'buy' : 'sell',
      type: 'market',
      time_in_force: 'day',
      qty: '1',
      dry_run: false,
      idempotency_key: `order-${placed}`,
    },
  });
  expect(answer.status, answer.text).toBe(200);
}
async function beat(): Promise<void> {
  await gate.clock.advanceAsync(MCP_QUOTE_NOTICE_MS);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('an agent may listen so often, and somebody else has all of theirs', async () => {
  const [greedy = '', other = ''] = keysOf(2);
  const open = await listen([greedy], MCP_STREAMS_PER_AGENT_MAX);
  const [more] = await listen([greedy], 1);
  await until(() => more?.socket.closed === true || (more?.bytes() ?? 0) > 0);
  const [others] = await listen([other], 1);
  const before = [more, others, open[0]].map((one) => one?.bytes() ?? 0);
  for (let n = 0; n < 3; n++) await beat();
  const after = [more, others, open[0]].map((one) => one?.bytes() ?? 0);
  const grown = after.map((bytes, n) => bytes > (before[n] ?? 0));
  expect(grown).toEqual([false, true, true]);
});

async function openSession(key: string): Promise<string> {
  const session = async (id: number, method: string, params: object, known: Record<string, string>) =>
    send({
      port,
      method: 'POST',
      path: '/mcp',
      headers: { ...bearer(key), accept: 'application/json, text/event-stream', ...known },
      body: { jsonrpc: '2.0', id, method, params },
    });
  const clientInfo = { name: 'hoarder', version: '1' };
  const opened = await session(
    1,
    'initialize',
    { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
    {},
  );
  const id = String(opened.headers['mcp-session-id']);
  const followed = await session(2, 'resources/subscribe', { uri: QUOTE }, { 'mcp-session-id': id });
  expect(followed.status, followed.text).toBe(200);
  return id;
}

test('sessions whose streams nobody reads are bounded as well, and the oldest goes with its stream', async () => {
  const { key } = gate.key('hoarder');
  const streams: Listener[] = [];
  const openStream = async (): Promise<void> => {
    const stream = streamOf({ port, key, session: await openSession(key), reads: false });
    streams.push(stream);
    crowd.push(stream);
    expect(await stream.status).toBe(200);
  };
  for (let n = 0; n < MCP_SESSIONS_PER_AGENT_MAX; n++) await openStream();
  const before = collectGarbage();
  for (let n = 0; n < 20; n++) await beat();
  await placeOrder();
  expect(collectGarbage() - before).toBeLessThan(2 * 1024 * 1024);
  expect(streams.some((one) => one.over())).toBe(false);
  await openStream();
  streams[0]?.socket.resume();
  await until(() => streams[0]?.over() === true);
  expect(streams.slice(1).some((one) => one.over())).toBe(false);
});

test('a stream ends with its credential, long after everything of its request was collected', async () => {
  const { id, key } = gate.key('patient');
  const [stream] = await listen([key], 1);
  await beat();
  collectGarbage();
  await beat();
  collectGarbage();
  expect(stream?.over()).toBe(false);
  gate.gateway.access.keys.revoke(id, OWNER_CLI);
  await gate.clock.advanceAsync(MCP_STREAM_CHECK_MS);
  await until(() => stream?.over() === true);
});

test('who never reads holds nothing up and costs a bounded memory', { timeout: 60_000 }, async () => {
  const readers = await listen(keysOf(3), 40);
  const deafKey = gate.key('deaf');
  const deaf = await listen([deafKey.key], 40, false);
  for (let n = 0; n < 10; n++) await beat();
  const before = collectGarbage();
  const heard = readers.map((one) => one.bytes());
  for (let n = 0; n < 40; n++) {
    await beat();
    if (n % 10 === 0) await placeOrder();
  }
  // A notice each and beat is about 200 bytes: held, they would be megabytes.
  expect(collectGarbage() - before).toBeLessThan(3 * 1024 * 1024);
  await until(() => readers.every((one, n) => one.bytes() > (heard[n] ?? 0)));
  expect(deaf.some((one) => one.over())).toBe(false);
  // They go with their credential, read or not.
  const revoked = gate.gateway.access.keys.revoke(deafKey.id, OWNER_CLI);
  expect(revoked.ok).toBe(true);
  await gate.clock.advanceAsync(MCP_STREAM_CHECK_MS);
  for (const { socket } of deaf) socket.resume();
  await until(() => deaf.every((one) => one.over()));
  await placeOrder();
});
