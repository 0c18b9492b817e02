/** How agents' calls went lately, counted from the record. */
import { expect, test } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { auditQuery } from '#audit/query.ts';
import { readTraffic } from '#audit/traffic.ts';
import { TRAFFIC_CALLS_MAX, TRAFFIC_NAMES_MAX, TRAFFIC_POINTS } from '#limits.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

const MINUTE = 60_000;
const call = (event: Partial<AuditEvent> = {}): AuditEvent => ({
  kind: 'tool.call',
  agent: 'claude',
  tool: 'get_quotes',
  door: 'http',
  outcome: 'ok',
  ...event,
});
const record = (room: AuditRoom, ...events: readonly AuditEvent[]): void =>
  room.store.transaction(() => events.forEach((event) => room.log.record(event)));
const readIn = (room: AuditRoom, windowMs: number, turn = () => Promise.resolve()) =>
  readTraffic(
    { query: auditQuery(room.store, room.keyring), turn },
    { windowMs, untilMs: room.clock.wallMs() },
  );

test('counts the calls of the window by tool, agent and door, with latencies and reasons', async () => {
  const room = openAuditRoom();
  record(room, call({ latencyMs: 999 }));
  room.clock.advance(60 * MINUTE);
  for (let n = 1; n <= 100; n++) record(room, call({ latencyMs: n }));
  room.clock.advance(30_000);
  record(
    room,
    call({
      agent: 'scalper',
      tool: 'place_order',
      door: 'rest',
      outcome: 'refused',
      detail: { reason: 'price_collar' },
    }),
    // One line for what repeated within a second.
    call({ agent: 'scalper', outcome: 'refused', detail: { reason: 'rate_limited', count: 40 } }),
    call({ tool: 'place_order', outcome: 'rejected', latencyMs: 7 }),
    call({ tool: 'place_order', outcome: 'unknown', latencyMs: 8 }),
    call({ outcome: 'error', detail: { reason: 'internal' } }),
    { kind: 'order.transition', agent: 'claude', outcome: 'ok' },
  );
  room.clock.advance(29_999);
  const traffic = await readIn(room, 60 * MINUTE);
  expect(traffic).toMatchObject({
    countedSinceMs: undefined,
    unnamed: 0,
    total: { calls: 144, refused: 41, rejected: 1, errors: 2, p50Ms: 49, p99Ms: 99 },
    tools: [
      { name: 'get_quotes', calls: 141, refused: 40, errors: 1, p50Ms: 50, p99Ms: 99 },
      { name: 'place_order', calls: 3, refused: 1, rejected: 1, errors: 1, p50Ms: 7, p99Ms: 8 },
    ],
    agents: [
      { name: 'claude', calls: 103 },
      { name: 'scalper', calls: 41, p50Ms: null, p99Ms: null },
    ],
    doors: [
      { name: 'http', calls: 143 },
      { name: 'rest', calls: 1 },
    ],
    reasons: [
      { reason: 'rate_limited', calls: 40 },
      { reason: 'internal', calls: 1 },
      { reason: 'price_collar', calls: 1 },
    ],
    pointMs: MINUTE,
  });
  expect(traffic.series).toHaveLength(TRAFFIC_POINTS);
  expect(traffic.series.filter((point) => point.calls > 0)).toEqual([
    {
      startMs: traffic.untilMs - MINUTE,
      calls: 144,
      refused: 41,
      rejected: 1,
      errors: 2,
      p50Ms: 49,
      p99Ms: 99,
    },
  ]);
});

test('has nothing to show of an empty record, and nulls instead of made-up latencies', async () => {
  const traffic = await readIn(openAuditRoom(), 15 * MINUTE);
  const none = { calls: 0, refused: 0, rejected: 0, errors: 0, p50Ms: null, p99Ms: null };
  expect(traffic).toMatchObject({ total: none, tools: [], agents: [], doors: [], reasons: [] });
  expect(traffic.series.every((point) => point.calls === 0)).toBe(true);
});

test('counts the latest calls only when they are too many, and says from when on', async () => {
  const room = openAuditRoom();
  room.store.transaction(() => {
    for (let n = 0; n < TRAFFIC_CALLS_MAX + 100; n++) {
      if (n === 100) room.clock.advance(1_000);
      room.log.record(call({ tool: `tool_${n % (TRAFFIC_NAMES_MAX + 3)}` }));
    }
  });
  let turns = 0;
  const traffic = await readIn(room, 15 * MINUTE, async () => void turns++);
  expect(traffic.total.calls).toBe(TRAFFIC_CALLS_MAX);
  expect(traffic.countedSinceMs).toBe(room.clock.wallMs() - 0);
  expect(traffic.tools).toHaveLength(TRAFFIC_NAMES_MAX);
  expect(traffic.unnamed).toBe(3);
  expect(turns).toBeGreaterThan(50);
});
