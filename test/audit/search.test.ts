/** Searching the record: every mixture of filters gives what it should, page by page, without reading the rest. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AUDIT_OUTCOMES, type AuditEvent } from '#audit/event.ts';
import { type AuditFilter, type AuditLine, type AuditQuery, auditQuery } from '#audit/query.ts';
import { AUDIT_ORDERS_BEHIND_MAX, AUDIT_SCAN_ROWS_MAX, AUDIT_SUBJECTS_MAX } from '#limits.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

const record = (room: AuditRoom, events: readonly AuditEvent[]): void =>
  room.store.transaction(() => events.forEach((event) => room.log.record(event)));
const seqs = (lines: readonly AuditLine[]): number[] => lines.map((line) => line.seq);

const queries = new WeakMap<AuditRoom, AuditQuery>();
function queryOf(room: AuditRoom): AuditQuery {
  const query = queries.get(room) ?? auditQuery(room.store, room.keyring);
  queries.set(room, query);
  return query;
}

/** Every page of a filter, one after the other. */
function walked(
  room: AuditRoom,
  filter: AuditFilter,
  walk: { newestFirst: boolean; limit: number },
): number[] {
  const query = queryOf(room);
  const found: number[] = [];
  let from = filter.beforeSeq;
  for (let pages = 0; pages < 500; pages++) {
    const page = query.page(filter, { ...walk, from });
    expect(page.lines.length).toBeLessThanOrEqual(walk.limit);
    found.push(...seqs(page.lines));
    if (page.next === undefined) return found;
    from = page.next;
  }
  throw new Error('the pages do not end');
}

// ---- against a model ---------------------------------------------------------------------------------------------

const AGENTS = ['claude', 'scalper', 'Zoë'];
const KINDS = ['order.placed', 'order.transition', 'orderly', 'order/x', 'order', 'tool.call'];
const TOOLS = ['get_quotes', 'place_order', ''];
const CREDENTIALS = ['client_1', 'client_12', 'key_1'];
const FILTERS = [
  'kind',
  'agent',
  'tool',
  'outcome',
  'credential',
  'sinceMs',
  'untilMs',
  'beforeSeq',
] as const;
const START = Date.UTC(2026, 0, 5, 12);

const anEvent = fc.record({
  kind: fc.constantFrom(...KINDS),
  agent: fc.option(fc.constantFrom(...AGENTS), { nil: undefined, freq: 3 }),
  tool: fc.option(fc.constantFrom(...TOOLS), { nil: undefined, freq: 2 }),
  outcome: fc.constantFrom(...AUDIT_OUTCOMES),
  credential: fc.option(fc.constantFrom(...CREDENTIALS), { nil: undefined, freq: 3 }),
  /** The clock may stand still, go on, or be set back. */
  stepMs: fc.constantFrom(0, 0, 1, 50, 1_000, -3_000),
});
/** Mostly of one thing: what asks for many finds nothing, and proves little. */
const aFilter = fc
  .tuple(
    fc.record({
      kind: fc.constantFrom(...KINDS, 'order.*', 'tool.*', 'none.*', 'none'),
      agent: fc.constantFrom(...AGENTS, null, 'nobody'),
      tool: fc.constantFrom(...TOOLS, 'no_such_tool'),
      outcome: fc.constantFrom(...AUDIT_OUTCOMES),
      credential: fc.constantFrom(...CREDENTIALS, 'client_*', 'nobody'),
      sinceMs: fc.integer({ min: START - 2_000, max: START + 5_000 }),
      untilMs: fc.integer({ min: START - 2_000, max: START + 20_000 }),
      beforeSeq: fc.integer({ min: -1, max: 90 }),
    }),
    fc.oneof(
      { weight: 4, arbitrary: fc.subarray([...FILTERS], { minLength: 1, maxLength: 1 }) },
      { weight: 1, arbitrary: fc.subarray([...FILTERS]) },
    ),
  )
  .map(
    ([values, keys]): AuditFilter =>
      Object.fromEntries(Object.entries(values).filter(([key]) => keys.some((one) => one === key))),
  );

function fits(line: AuditLine, filter: AuditFilter): boolean {
  const { kind, sinceMs, untilMs } = filter;
  const time = Date.parse(line.time);
  return (
    (kind === undefined ||
      (kind.endsWith('.*') ? line.kind.startsWith(kind.slice(0, -1)) : line.kind === kind)) &&
    (filter.agent === undefined || line.agent === filter.agent) &&
    (filter.tool === undefined || line.tool === filter.tool) &&
    (filter.outcome === undefined || line.outcome === filter.outcome) &&
    (filter.credential === undefined ||
      (filter.credential === 'client_*'
        ? line.credential?.startsWith('client_') === true
        : line.credential === filter.credential)) &&
    (sinceMs === undefined || time >= sinceMs) &&
    (untilMs === undefined || time < untilMs)
  );
}

/** By time where anything but the place in the record is asked, else by that. */
function modelled(lines: readonly AuditLine[], filter: AuditFilter): number[] {
  const { beforeSeq, credential: _, ...rest } = filter;
  const byTime = Object.keys(rest).length > 0;
  const before = (a: AuditLine, b: AuditLine): number =>
    (byTime ? Date.parse(b.time) - Date.parse(a.time) : 0) || b.seq - a.seq;
  const cursor = lines.find((line) => line.seq === beforeSeq);
  const beyond = beforeSeq !== undefined && beforeSeq < 1;
  return seqs(
    lines
      .filter((line) => fits(line, filter) && !beyond && (!cursor || before(cursor, line) < 0))
      .sort(before),
  );
}

test('finds what a look at every line finds, in the same order, whatever the size of a page', () => {
  fc.assert(
    fc.property(
      fc.array(anEvent, { maxLength: 80, size: 'max' }),
      fc.array(aFilter, { minLength: 3, maxLength: 8, size: 'max' }),
      fc.integer({ min: 2, max: 12 }),
      (events, filters, limit) => {
        const room = openAuditRoom();
        room.store.transaction(() => {
          for (const { stepMs, agent, tool, credential, ...event } of events) {
            room.clock.setWall(room.clock.wallMs() + stepMs);
            const by = {
              ...(agent === undefined ? {} : { agent }),
              ...(tool === undefined ? {} : { tool }),
              ...(credential === undefined ? {} : { credential }),
            };
            room.log.record({ ...event, ...by });
          }
        });
        const lines = auditQuery(room.store, room.keyring).tail(500);
        for (const filter of filters) {
          const expected = modelled(lines, filter);
          expect(walked(room, filter, { newestFirst: true, limit }), JSON.stringify(filter)).toEqual(
            expected,
          );
          const { beforeSeq: _, ...onwards } = filter;
          expect(walked(room, onwards, { newestFirst: false, limit }), JSON.stringify(onwards)).toEqual(
            modelled(lines, onwards).reverse(),
          );
        }
        room.store.close();
      },
    ),
    { numRuns: 12 },
  );
});

test('a credential is looked for among so many lines, and the next page goes on from there', () => {
  const room = openAuditRoom();
  const line = (credential: string): AuditEvent => ({ kind: 'tool.call', credential, outcome: 'ok' });
  const others = Array.from({ length: AUDIT_SCAN_ROWS_MAX + 500 }, () => line('key_1'));
  record(room, [line('client_1'), ...others, line('client_2')]);
  const filter = { kind: 'tool.call', credential: 'client_*' };
  const query = queryOf(room);
  const first = query.page(filter, { newestFirst: true, limit: 10 });
  expect([first.seqs.length, first.cut]).toEqual([1, true]);
  const second = query.page(filter, { newestFirst: true, limit: 10, from: first.next });
  expect([seqs(second.lines), second.next, second.cut]).toEqual([[1], undefined, false]);
  room.store.close();
});

// ---- what it costs -------------------------------------------------------------------------------------------------

test('no filter reads the record through, or sorts it', () => {
  const room = openAuditRoom();
  for (const agent of ['claude', 'scalper'])
    record(room, [
      { kind: 'tool.call', agent, tool: 'get_quotes', outcome: 'ok' },
      { kind: 'order.transition', agent, outcome: 'ok', detail: { order_id: 'ord_1' } },
    ]);
  const asked = new Set<string>();
  const db = new Proxy(room.store.db, {
    get: (target, name) =>
      name === 'prepare'
        ? (sql: string) => {
            asked.add(sql);
            return target.prepare(sql);
          }
        : Reflect.get(target, name),
  });
  const query = auditQuery({ ...room.store, db }, room.keyring);
  const filters: readonly AuditFilter[] = [
    {},
    { agent: 'claude' },
    { tool: 'get_quotes' },
    { outcome: 'ok' },
    { kind: 'order.*' },
    { sinceMs: START, untilMs: START + 1 },
    { orderId: 'ord_1' },
    {
      orderId: 'ord_1',
      agent: 'claude',
      tool: 'x',
      outcome: 'ok',
      kind: 'order.*',
      sinceMs: 0,
      untilMs: START,
    },
  ];
  for (const filter of filters)
    for (const newestFirst of [true, false]) query.page(filter, { newestFirst, from: 3, limit: 10 });
  query.subjects();
  expect(asked.size).toBeGreaterThan(15);
  for (const sql of asked) {
    const named = /:\w+/.test(sql);
    const count = sql.match(/\?/g)?.length ?? 0;
    const plan = room.store.db
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...(named ? [{ id: '', from: 0, limit: 0 }] : Array.from({ length: count }, () => null)));
    const steps = plan.map((step) => step.detail).join('; ');
    // A span of rows is that span, whatever else is asked of them.
    if (sql.includes('seq > ? AND seq < ?')) expect(steps, sql).toContain('INTEGER PRIMARY KEY');
    expect(steps, sql).not.toMatch(/TEMP B-TREE|AUTOMATIC|SCAN audit(?!_orders_indexed)/);
  }
});

describe('where no index leads', () => {
  test('so many rows are looked at, the page says so, and the next one goes on from there', () => {
    const room = openAuditRoom();
    const count = AUDIT_SCAN_ROWS_MAX + 500;
    room.store.transaction(() => {
      // Names that an agent made up: as many as lines.
      for (let n = 1; n <= count; n++)
        room.log.record({
          kind: 'tool.call',
          agent: 'claude',
          tool: `tool_${n % (AUDIT_SUBJECTS_MAX + 1)}`,
          outcome: n === 2 ? 'error' : 'ok',
        });
    });
    const query = auditQuery(room.store, room.keyring);
    const first = query.page({ outcome: 'error' }, { newestFirst: true, limit: 10 });
    expect(first).toMatchObject({ lines: [], cut: true, next: count + 1 - AUDIT_SCAN_ROWS_MAX });
    const second = query.page({ outcome: 'error' }, { newestFirst: true, limit: 10, from: first.next });
    expect(seqs(second.lines)).toEqual([2]);
    expect(second).toMatchObject({ cut: false, next: undefined });
    expect(walked(room, { outcome: 'ok' }, { newestFirst: true, limit: 400 })).toHaveLength(count - 1);
    expect(walked(room, { outcome: 'ok' }, { newestFirst: false, limit: 400 })).toHaveLength(count - 1);
    expect(walked(room, { outcome: 'error' }, { newestFirst: false, limit: 1 })).toEqual([2]);
    // A name of its own is still one stretch of the index.
    const named = query.page(
      { agent: 'claude', kind: 'tool.call', tool: 'tool_7' },
      { newestFirst: true, limit: 9 },
    );
    expect(named).toMatchObject({
      cut: false,
      lines: [{ tool: 'tool_7' }, { tool: 'tool_7' }, { tool: 'tool_7' }],
    });
  });
});

// ---- orders ----------------------------------------------------------------------------------------------------------

describe('the lines of an order', () => {
  const transition = (orderId: string): AuditEvent => ({
    kind: 'order.transition',
    agent: 'claude',
    outcome: 'ok',
    detail: { order_id: orderId },
  });
  const behind = (room: AuditRoom) =>
    room.log.head().seq -
    Number(room.store.db.prepare('SELECT last_seq FROM audit_orders_indexed').pluck().get());
  const ofOrder = (room: AuditRoom, orderId: string) =>
    walked(room, { orderId }, { newestFirst: true, limit: 3 });

  test('are all there while the index is behind and after it has followed', () => {
    const room = openAuditRoom();
    record(room, [
      transition('ord_a'),
      transition('ord_b'),
      { kind: 'kill', outcome: 'ok' },
      transition('ord_a'),
    ]);
    expect(behind(room)).toBe(4);
    expect(ofOrder(room, 'ord_a')).toEqual([4, 1]);
    record(
      room,
      Array.from({ length: AUDIT_ORDERS_BEHIND_MAX }, () => transition('ord_c')),
    );
    record(room, [transition('ord_b')]);
    expect(behind(room)).toBeLessThan(AUDIT_ORDERS_BEHIND_MAX);
    expect(ofOrder(room, 'ord_a')).toEqual([4, 1]);
    expect(ofOrder(room, 'ord_b')).toEqual([room.log.head().seq, 2]);
    expect(walked(room, { orderId: 'ord_c' }, { newestFirst: false, limit: 7 })).toHaveLength(
      AUDIT_ORDERS_BEHIND_MAX,
    );
    expect(ofOrder(room, 'ord')).toEqual([]);
    expect(ofOrder(room, `' OR 1=1 --`)).toEqual([]);
  });

  test('are those that were committed: a batch that was rolled back is indexed again', () => {
    const room = openAuditRoom();
    record(room, [transition('ord_a')]);
    const many = Array.from({ length: AUDIT_ORDERS_BEHIND_MAX }, () => transition('ord_gone'));
    expect(() =>
      room.store.transaction(() => {
        for (const event of many) room.log.record(event);
        throw new Error('undone');
      }),
    ).toThrow('undone');
    expect(behind(room)).toBe(1);
    record(
      room,
      many.map(() => transition('ord_b')),
    );
    expect(behind(room)).toBeLessThan(AUDIT_ORDERS_BEHIND_MAX);
    expect(ofOrder(room, 'ord_gone')).toEqual([]);
    expect(ofOrder(room, 'ord_a')).toEqual([1]);
    expect(walked(room, { orderId: 'ord_b' }, { newestFirst: false, limit: 90 })).toHaveLength(many.length);
  });

  test('take the other filters too, and leave out who only looked', () => {
    const room = openAuditRoom();
    const call = (tool: string, scope: string, outcome: AuditEvent['outcome']): AuditEvent => ({
      kind: 'tool.call',
      agent: 'claude',
      tool,
      scope,
      outcome,
      detail: { order_id: 'ord_a' },
    });
    record(room, [
      transition('ord_a'),
      call('place_order', 'write:orders', 'ok'),
      call('get_order', 'read:account', 'ok'),
      call('cancel_order', 'write:orders', 'refused'),
    ]);
    expect(ofOrder(room, 'ord_a')).toEqual([4, 2, 1]);
    const only = (filter: AuditFilter) =>
      walked(room, { orderId: 'ord_a', ...filter }, { newestFirst: true, limit: 9 });
    expect(only({ outcome: 'refused' })).toEqual([4]);
    expect(only({ kind: 'order.*' })).toEqual([1]);
    expect(only({ agent: 'scalper' })).toEqual([]);
    expect(only({ tool: 'place_order', beforeSeq: 4 })).toEqual([2]);
    expect(only({ untilMs: START })).toEqual([]);
  });

  test('what an older version recorded is indexed when it is brought up to date', () => {
    const room = openAuditRoom();
    record(room, [
      transition('ord_a'),
      { kind: 'tool.call', scope: 'read:account', outcome: 'ok', detail: { order_id: 'ord_a' } },
    ]);
    record(room, [{ kind: 'order.note', outcome: 'ok', detail: { order_id: 7 } }, transition('ord_b')]);
    const indexed = room.store.db.prepare('SELECT order_id, seq FROM audit_orders ORDER BY 1, 2');
    expect(indexed.all()).toEqual([]);
    const sql = room.store.db;
    sql.exec('DROP TABLE audit_orders; DROP TABLE audit_orders_indexed; DROP INDEX audit_by_subject');
    sql.exec(
      'CREATE INDEX audit_by_agent ON audit (agent, seq); CREATE INDEX audit_by_kind ON audit (kind, seq)',
    );
    sql.exec(
      readFileSync(new URL('../../server/store/migrations/011-audit-views.sql', import.meta.url), 'utf8'),
    );
    expect(sql.prepare('SELECT order_id, seq FROM audit_orders ORDER BY 1, 2').all()).toEqual([
      { order_id: 'ord_a', seq: 1 },
      { order_id: 'ord_b', seq: 4 },
    ]);
    expect(sql.prepare('SELECT last_seq FROM audit_orders_indexed').pluck().get()).toBe(4);
  });
});

test('says what the record speaks of, for choosing a filter', () => {
  const room = openAuditRoom();
  const query = auditQuery(room.store, room.keyring);
  expect(query.subjects()).toEqual({ agents: [], kinds: [], tools: [] });
  record(room, [
    { kind: 'tool.call', agent: 'scalper', tool: 'get_quotes', outcome: 'ok' },
    { kind: 'tool.call', agent: 'claude', tool: 'get_quotes', outcome: 'refused' },
    { kind: 'tool.call', agent: 'claude', tool: 'place_order', outcome: 'ok' },
    { kind: 'kill', outcome: 'ok' },
  ]);
  expect(query.subjects()).toEqual({
    agents: ['claude', 'scalper'],
    kinds: ['kill', 'tool.call'],
    tools: ['get_quotes', 'place_order'],
  });
});
