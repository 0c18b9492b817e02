/** The hostile load at full size: 10,000 sessions, 1,000 subscribers of whom many never read, and the orders of somebody else. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { wallClock } from '#clock.ts';
import { MCP_SESSIONS_MAX, MCP_STREAMS_MAX, MCP_STREAMS_PER_AGENT_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { collectGarbage } from '../support/garbage.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, send } from '../support/raw-http.ts';
import { type Listener, listenOn } from '../support/stream-crowd.ts';
import { setMandate } from '../support/traders.ts';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 30);
/** Far apart on purpose: a shared machine is slow, and a gateway that is held up is slower still. */
const ORDER_MS_MAX = 1_000;
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

let gate: TestGateway<Clock>;
let port: number;
let honest: string;
beforeEach(async () => {
  const settings = {
    PAPER_PRESET: 'friendly',
    PAPER_BAR_SECONDS: '1',
    LOG_LEVEL: 'silent',
    PORTCULLIS_RATE_LIMIT_WRITE: '10000 per second',
  };
  gate = await openTestGateway<Clock>({ clock: wallClock, settings });
  port = Number(new URL(gate.url).port);
  honest = gate.key('honest').key;
  setMandate(gate, 'honest', {
    max_daily_orders: 100_000,
    max_daily_value: '1000000000',
  });
});
afterEach(() => gate.close());

let placed = 0;
/** How long it took to be answered, ms. */
async function placeOrder(): Promise<number> {
  placed += 1;
  const startedMs = performance.now();
  const answer = await send({
    port,
    method: 'POST',
    path: '/api/v1/orders',
    headers: bearer(honest),
    body: {
      symbol: 'SPX',
      side: placed % 2 === 1 ? 'buy' : 'sell',
      type: 'market',
      time_in_force: 'day',
      qty: '1',
      dry_run: false,
      idempotency_key: `soak-${placed}`,
    },
  });
  // The market of the tape is its own: what counts is that the line answers.
  expect(answer.status, answer.text).not.toBe(500);
  expect(answer.status, answer.text).not.toBe(503);
  return performance.now() - startedMs;
}
/** One order every 100 ms until `work` is done. */
async function ordersDuring(work: Promise<unknown>): Promise<readonly number[]> {
  const took: number[] = [];
  let done = false;
  const working = work.finally(() => {
    done = true;
  });
  do {
    took.push(await placeOrder());
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (!done);
  await working;
  return took.toSorted((a, b) => a - b);
}
function tell(what: string, took: readonly number[], bytes: number): void {
  const at = (share: number): string => (took[Math.floor(share * (took.length - 1))] ?? 0).toFixed(1);
  process.stdout.write(
    `${what}: ${took.length} orders, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms; heap ${(bytes / 1_048_576).toFixed(1)} MB more\n`,
  );
}

async function openSessions(keys: readonly string[], count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const opened = await send({
      port,
      method: 'POST',
      path: '/mcp',
      headers: { ...bearer(keys[n % keys.length] ?? ''), accept: 'application/json, text/event-stream' },
      body: {
        jsonrpc: '2.0',
        id: n,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'hoarder', version: '1' },
        },
      },
    });
    expect(opened.status, opened.text).toBe(200);
  }
}

test('10,000 idle sessions of 40 agents', async () => {
  const keys = Array.from({ length: 40 }, (_, n) => gate.key(`hoarder-${n}`).key);
  await openSessions(keys, MCP_SESSIONS_MAX);
  const full = collectGarbage();
  const took = await ordersDuring(openSessions(keys, 10_000 - MCP_SESSIONS_MAX));
  const grown = collectGarbage() - full;
  tell('10,000 sessions', took, grown);
  expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
  expect(took.at(-1)).toBeLessThan(ORDER_MS_MAX);
});

test('1,000 subscribers, a third of whom never read', async () => {
  const agents = Math.ceil(1_000 / MCP_STREAMS_PER_AGENT_MAX);
  const listeners: Listener[] = [];
  const uris = ['portcullis://quotes/SPX', 'portcullis://positions', 'portcullis://orders'];
  for (let agent = 0; agent < agents; agent++) {
    const { key } = gate.key(`listener-${agent}`);
    for (let n = 0; n < MCP_STREAMS_PER_AGENT_MAX; n++) {
      const listener = listenOn({ port, key, uris, reads: n % 3 > 0 });
      listeners.push(listener);
      expect(await listener.status).toBe(200);
    }
  }
  expect(listeners.length).toBeGreaterThanOrEqual(1_000);
  expect(listeners.length).toBeLessThanOrEqual(MCP_STREAMS_MAX);
  const before = collectGarbage();
  const heard = listeners.reduce((sum, one) => sum + one.bytes(), 0);
  const took = await ordersDuring(new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000)));
  const grown = collectGarbage() - before;
  const told = listeners.reduce((sum, one) => sum + one.bytes(), 0) - heard;
  tell(`${listeners.length} subscribers, ${(told / 1_048_576).toFixed(1)} MB told`, took, grown);
  expect(told).toBeGreaterThan(SECONDS * 10_000);
  expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
  expect(took.at(-1)).toBeLessThan(ORDER_MS_MAX);
  for (const { socket } of listeners) socket.destroy();
});
