/** What gets onto the record, when, and in which order. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AUDIT_GROUP_EVENTS_MAX } from '#limits.ts';
import { StoreUnavailable } from '#store/open.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

/** No write succeeds until what is returned is called: the database may not grow by a page, and one is needed. */
function fillDisk(room: AuditRoom): () => void {
  const { db } = room.store;
  db.exec('CREATE TABLE IF NOT EXISTS ballast (bytes BLOB)');
  const pages = Number(db.pragma('page_count', { simple: true }));
  db.pragma(`max_page_count = ${pages}`);
  room.store.onBegin(() => {
    if (Number(db.pragma('max_page_count', { simple: true })) === pages) {
      db.exec('INSERT INTO ballast VALUES (zeroblob(100000))');
    }
  });
  return () => void db.pragma(`max_page_count = ${pages + 10_000}`);
}

describe('a line', () => {
  test('has every field in its order, absent ones as null, names of the detail sorted', () => {
    const room = openAuditRoom();
    room.store.transaction(() =>
      room.log.record({
        kind: 'tool.call',
        agent: 'claude',
        credential: 'key_1',
        door: 'http',
        tool: 'place_order',
        scope: 'write:orders',
        account: 'paper',
        outcome: 'refused',
        latencyMs: 1.23456,
        args: { symbol: 'SPX' },
        detail: { reason: 'off_tick', b: [1, { z: null, a: true }], a: 'é' },
      }),
    );
    room.record('plain');
    room.log.flush();
    const [first, second] = room.lines();
    expect(first).toMatch(
      /^\{"seq":1,"time":"2026-01-05T12:00:00\.000Z","kind":"tool\.call","agent":"claude","credential":"key_1","door":"http","tool":"place_order","scope":"write:orders","account":"paper","outcome":"refused","latency_ms":1\.235,"args_hmac":"[0-9a-f]{64}","detail":\{"a":"é","b":\[1,\{"a":true,"z":null\}\],"reason":"off_tick"\},"prev":"0{64}","hash":"[0-9a-f]{64}"\}$/,
    );
    expect(Object.keys(JSON.parse(second ?? '') as object)).toEqual(
      Object.keys(JSON.parse(first ?? '') as object),
    );
    expect(JSON.parse(second ?? '')).toMatchObject({
      seq: 2,
      agent: null,
      detail: null,
      args_hmac: null,
      prev: (JSON.parse(first ?? '') as { hash: string }).hash,
    });
  });

  test('never stops a commit: what is too long, too deep or no JSON is cut, and says so', () => {
    const room = openAuditRoom();
    const round: Record<string, unknown> = {};
    round['self'] = round;
    room.store.transaction(() =>
      room.log.record({
        kind: 'odd',
        outcome: 'ok',
        latencyMs: Number.NaN,
        args: { round, big: 2n ** 70n, call: () => 1, nan: Number.NaN, lone: '\ud800', nothing: undefined },
        detail: { reason: 'long', list: Array.from({ length: 100 }, () => 'x'.repeat(5_000)) },
      }),
    );
    room.log.flush();
    const line = JSON.parse(room.lines()[0] ?? '') as { detail: unknown; latency_ms: unknown };
    expect(line.detail).toEqual({ cut: true, length: expect.any(Number), reason: 'long' });
    expect(line.latency_ms).toBeNull();
    expect(room.verify()).toMatchObject({ ok: true, lines: 1 });
  });
});

describe('record', () => {
  test('is refused outside a transaction, and goes with it when it rolls back', () => {
    const room = openAuditRoom();
    expect(() => room.log.record({ kind: 'a', outcome: 'ok' })).toThrow(/outside a transaction/);
    const attempt = (): void =>
      room.store.transaction(() => {
        room.log.record({ kind: 'a', outcome: 'ok' });
        throw new Error('no');
      });
    expect(attempt).toThrow('no');
    expect(room.record('b')).toBe(1);
    room.clock.advance(1_000);
    expect(room.lines()).toHaveLength(1);
    expect(room.kinds()).toEqual(['b']);
  });

  test('reaches the file soon after the commit, never before', () => {
    const room = openAuditRoom();
    room.store.transaction(() => {
      room.log.record({ kind: 'a', outcome: 'ok' });
      expect(() => room.log.flush()).toThrow(/inside a transaction/);
      room.clock.advance(10_000);
      expect(room.lines()).toEqual([]);
    });
    expect(room.log.lag()).toBe(1);
    room.clock.advance(25);
    expect(room.lines()).toHaveLength(1);
    expect(room.log.lag()).toBe(0);
  });

  test('is refused after close, which leaves everything written', () => {
    const room = openAuditRoom();
    room.record('a');
    room.log.recordGrouped({ kind: 'read', outcome: 'ok' });
    room.log.close();
    room.log.close();
    expect(room.lines()).toHaveLength(2);
    expect(() => room.record('b')).toThrow(/closed/);
    expect(() => room.log.recordGrouped({ kind: 'read', outcome: 'ok' })).toThrow(/closed/);
    expect(room.verify()).toMatchObject({ ok: true, lines: 2, pending: 0 });
  });
});

describe('grouped reads', () => {
  const read = { kind: 'read', outcome: 'ok' } as const;

  test('commit together 50 ms after the first of them, not sooner and not later', () => {
    const room = openAuditRoom();
    room.log.recordGrouped(read);
    room.clock.advance(30);
    room.log.recordGrouped(read);
    room.clock.advance(19);
    expect(room.kinds()).toEqual([]);
    room.clock.advance(1);
    expect(room.kinds()).toEqual(['read', 'read']);
    room.log.recordGrouped(read);
    room.clock.advance(49);
    expect(room.kinds()).toHaveLength(2);
    room.clock.advance(1);
    expect(room.kinds()).toHaveLength(3);
  });

  test('come first in whatever commits before that, and only once', () => {
    const room = openAuditRoom();
    room.log.recordGrouped(read);
    room.record('order.transition');
    expect(room.kinds()).toEqual(['read', 'order.transition']);
    room.clock.advance(1_000);
    expect(room.kinds()).toEqual(['read', 'order.transition']);
  });

  test('survive the rollback of the transaction that they came first in', () => {
    const room = openAuditRoom();
    room.log.recordGrouped(read);
    const attempt = (): void =>
      room.store.transaction(() => {
        room.log.recordGrouped({ kind: 'read.late', outcome: 'ok' });
        throw new Error('no');
      });
    expect(attempt).toThrow('no');
    expect(room.kinds()).toEqual([]);
    room.clock.advance(50);
    expect(room.kinds()).toEqual(['read', 'read.late']);
  });

  test('do not wait when too many of them do', () => {
    const room = openAuditRoom();
    for (let n = 0; n <= AUDIT_GROUP_EVENTS_MAX; n++) room.log.recordGrouped(read);
    expect(room.kinds()).toHaveLength(AUDIT_GROUP_EVENTS_MAX);
    room.clock.advance(50);
    expect(room.kinds()).toHaveLength(AUDIT_GROUP_EVENTS_MAX + 1);
  });

  test('carry the time at which they happened', () => {
    const room = openAuditRoom();
    room.log.recordGrouped(read);
    room.clock.advance(50);
    expect(room.store.db.prepare('SELECT time FROM audit').pluck().get()).toBe(Date.UTC(2026, 0, 5, 12));
  });

  test('are kept while the store is broken, and refused when no more fit: no read without its record', () => {
    const room = openAuditRoom();
    const heal = fillDisk(room);
    for (let n = 0; n < AUDIT_GROUP_EVENTS_MAX; n++) room.log.recordGrouped(read);
    room.clock.advance(5_000);
    expect(() => room.log.recordGrouped(read)).toThrow(StoreUnavailable);
    expect(room.kinds()).toEqual([]);
    heal();
    room.clock.advance(1_000);
    expect(room.kinds()).toHaveLength(AUDIT_GROUP_EVENTS_MAX);
    room.log.flush();
    expect(room.verify()).toMatchObject({ ok: true, lines: AUDIT_GROUP_EVENTS_MAX });
  });
});

describe('repeated denials', () => {
  const denial = (agent: string, reason: string) =>
    ({ kind: 'tool.call', agent, outcome: 'refused', detail: { reason } }) as const;
  const told = (room: AuditRoom): unknown[] =>
    room.lines().map((line) => {
      const { agent, detail } = JSON.parse(line) as {
        agent: string;
        detail: { reason: string; count?: number };
      };
      return [agent, detail.reason, detail.count ?? 1];
    });

  test('are told once at once, and the others of that second as one with their number', () => {
    const room = openAuditRoom();
    for (let n = 0; n < 5_000; n++) room.log.recordRepeated(denial('claude', 'rate_limited'));
    room.log.recordRepeated(denial('claude', 'insufficient_scope'));
    room.log.recordRepeated(denial('scalper', 'rate_limited'));
    room.clock.advance(100);
    expect(told(room)).toEqual([
      ['claude', 'rate_limited', 1],
      ['claude', 'insufficient_scope', 1],
      ['scalper', 'rate_limited', 1],
    ]);
    room.clock.advance(1_000);
    expect(told(room).slice(3)).toEqual([['claude', 'rate_limited', 4_999]]);
    room.log.recordRepeated(denial('claude', 'rate_limited'));
    room.clock.advance(2_000);
    expect(told(room).slice(4)).toEqual([['claude', 'rate_limited', 1]]);
  });

  test('are counted out by a flush, and never twice', () => {
    const room = openAuditRoom();
    for (let n = 0; n < 10; n++) room.log.recordRepeated(denial('claude', 'rate_limited'));
    room.log.flush();
    for (let n = 0; n < 5; n++) room.log.recordRepeated(denial('claude', 'rate_limited'));
    room.log.close();
    expect(told(room).map((row) => (row as unknown[])[2])).toEqual([1, 9, 5]);
  });

  test('of callers nobody knows are bounded too', () => {
    const room = openAuditRoom();
    for (let n = 0; n < 3_000; n++)
      room.log.recordRepeated({ kind: 'login', outcome: 'refused', detail: { reason: 'unauthenticated' } });
    room.clock.advance(2_000);
    expect(room.kinds()).toHaveLength(2);
  });
});

describe('a store that is broken', () => {
  const cancel = {
    kind: 'order.cancel',
    agent: 'claude',
    outcome: 'ok',
    detail: { order_id: 'o1' },
  } as const;

  test('stops no cancel: it is recorded when the store has healed, marked, with its own time', () => {
    const room = openAuditRoom();
    const heal = fillDisk(room);
    expect(() => room.record('order')).toThrow(StoreUnavailable);
    room.log.recordDeferred(cancel);
    room.clock.advance(30_000);
    expect(room.kinds()).toEqual([]);
    heal();
    room.clock.advance(1_000);
    room.log.flush();
    expect(room.lines().map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({
        kind: 'order.cancel',
        time: '2026-01-05T12:00:00.000Z',
        detail: { deferred: true, order_id: 'o1' },
      }),
    ]);
    expect(room.verify()).toMatchObject({ ok: true });
  });

  test('is told first by the first commit that succeeds', () => {
    const room = openAuditRoom();
    const heal = fillDisk(room);
    room.log.recordDeferred(cancel);
    room.log.recordDeferred({ kind: 'kill', outcome: 'ok' });
    expect(() => room.record('order')).toThrow(StoreUnavailable);
    heal();
    room.record('order');
    expect(room.kinds()).toEqual(['order.cancel', 'kill', 'order']);
    room.clock.advance(5_000);
    expect(room.kinds()).toHaveLength(3);
  });

  test('keeps a bounded number of them, and says how many it could not', () => {
    const room = openAuditRoom();
    const heal = fillDisk(room);
    for (let n = 0; n < 10_007; n++) room.log.recordDeferred(cancel);
    heal();
    room.clock.advance(1_000);
    const kinds = room.kinds();
    expect(kinds).toHaveLength(10_001);
    expect(kinds.at(-1)).toBe('audit.dropped');
    room.log.flush();
    expect(JSON.parse(room.lines().at(-1) ?? '')).toMatchObject({ outcome: 'error', detail: { count: 7 } });
  });
});

test('the chain is whole after ten thousand mixed events', () => {
  const room = openAuditRoom();
  for (let n = 0; n < 2_500; n++) {
    room.record('order.transition', { n });
    room.log.recordGrouped({ kind: 'read', outcome: 'ok', args: { n } });
    room.log.recordGrouped({ kind: 'read', agent: `a${n % 7}`, outcome: 'error', latencyMs: n / 7 });
    if (n % 100 === 0) room.log.recordDeferred({ kind: 'kill', outcome: 'ok', detail: { n } });
    room.log.recordRepeated({ kind: 'denied', agent: `a${n}`, outcome: 'refused', detail: { reason: 'x' } });
    room.clock.advance(n % 61);
  }
  room.log.flush();
  const report = room.verify();
  expect(report).toEqual({
    ok: true,
    lines: 10_025,
    last_seq: 10_025,
    head: room.log.head().hash,
    pending: 0,
  });
  expect(readFileSync(room.file, 'utf8').split('\n')).toHaveLength(10_026);
});
