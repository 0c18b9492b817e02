/** The owner reads the record: its latest lines, filtered, and what a call was given. */
import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { type AuditFilter, auditQuery } from '#audit/query.ts';
import { PAGE_MAX } from '#limits.ts';
import { openAuditRoom } from '../support/audit-room.ts';

const EVENTS: readonly AuditEvent[] = [
  { kind: 'order.transition', agent: 'claude', outcome: 'ok' },
  {
    kind: 'order.placed',
    agent: 'scalper',
    tool: 'place_order',
    outcome: 'ok',
    args: { symbol: 'SPX', qty: '1' },
  },
  { kind: 'orderly', agent: 'claude', outcome: 'error' },
  {
    kind: 'tool.call',
    agent: 'claude',
    tool: 'get_quotes',
    outcome: 'refused',
    detail: { reason: 'rate_limited' },
  },
];

function filled() {
  const room = openAuditRoom();
  for (const event of EVENTS) room.store.transaction(() => room.log.record(event));
  return { room, query: auditQuery(room.store, room.keyring) };
}

describe('the tail', () => {
  test.each<[number, AuditFilter, readonly number[]]>([
    [2, {}, [3, 4]],
    [9, {}, [1, 2, 3, 4]],
    [0, {}, []],
    [-1, {}, []],
    [9, { kind: 'order.placed' }, [2]],
    [9, { kind: 'order.*' }, [1, 2]],
    [9, { kind: 'ord*' }, [1, 2, 3]],
    [9, { agent: 'claude' }, [1, 3, 4]],
    [1, { agent: 'claude', beforeSeq: 4 }, [3]],
    [9, { tool: 'get_quotes' }, [4]],
    [9, { outcome: 'ok' }, [1, 2]],
    [9, { outcome: 'ok', agent: 'nobody' }, []],
    [9, { agent: `claude' OR '1'='1` }, []],
  ])('%d lines of %j', (count, filter, seqs) => {
    const { query } = filled();
    expect(query.tail(count, filter).map((line) => line.seq)).toEqual(seqs);
  });

  test('is the lines as they stand in the file, and no more than a page', () => {
    const { room, query } = filled();
    room.log.flush();
    expect(query.tailLines(4)).toEqual(room.lines());
    room.store.transaction(() => {
      for (let n = 0; n < PAGE_MAX + 5; n++) room.log.record({ kind: 'x', outcome: 'ok' });
    });
    expect(query.tail(1_000_000)).toHaveLength(PAGE_MAX);
  });
});

describe('the arguments of a call', () => {
  test('open for who has the keys, and are nowhere in the line', () => {
    const { room, query } = filled();
    expect(query.argumentsOf(2)).toEqual({ ok: true, value: { symbol: 'SPX', qty: '1' } });
    expect(query.tailLines(3)[0]).not.toContain('SPX');
    expect(query.argumentsOf(1)).toEqual({ ok: false, error: 'Line 1 was recorded without arguments.' });
    expect(query.argumentsOf(99)).toEqual({ ok: false, error: 'The record has no line 99.' });
    expect(() => auditQuery(room.store, openAuditRoom().keyring).argumentsOf(2)).toThrow(/does not open/);
  });

  test('the same arguments have the same HMAC, and no hash that could be guessed without the key', () => {
    const { room, query } = filled();
    const call = (args: unknown): void =>
      room.store.transaction(() => void room.log.record({ kind: 'c', outcome: 'ok', args }));
    call({ a: 1, b: 2 });
    call({ b: 2, a: 1 });
    call({ b: 2, a: 2 });
    const [first, second, third] = query.tail(3).map((line) => line.args_hmac);
    expect(first).toBe(second);
    expect(first).not.toBe(third);
    const other = openAuditRoom();
    other.store.transaction(() => other.log.record({ kind: 'c', outcome: 'ok', args: { a: 1, b: 2 } }));
    expect(auditQuery(other.store, other.keyring).tail(1)[0]?.args_hmac).not.toBe(first);
  });

  test('open for each line of a group, those without arguments and those before the group among them', () => {
    const { room, query } = filled();
    const look = (args?: unknown): void =>
      room.log.recordGrouped({ kind: 'tool.call', outcome: 'ok', ...(args === undefined ? {} : { args }) });
    look({ symbols: ['SPX'] });
    look();
    look({ symbols: ['line\nbreak', 'BTC/USD'] });
    room.log.flush();
    expect(room.store.db.prepare('SELECT seq, last_seq FROM audit_arguments').all()).toEqual([
      { seq: 2, last_seq: null },
      { seq: 5, last_seq: 7 },
    ]);
    expect([2, 5, 6, 7].map((seq) => query.argumentsOf(seq))).toEqual([
      { ok: true, value: { symbol: 'SPX', qty: '1' } },
      { ok: true, value: { symbols: ['SPX'] } },
      { ok: false, error: 'Line 6 was recorded without arguments.' },
      { ok: true, value: { symbols: ['linebreak', 'BTC/USD'] } },
    ]);
    room.store.transaction(() => room.store.db.exec('UPDATE audit_arguments SET last_seq = 8 WHERE seq = 5'));
    expect(() => query.argumentsOf(5)).toThrow(/was altered/);
  });

  test('are sealed in pieces when they are many and long', () => {
    const { room, query } = filled();
    const long = Array.from({ length: 60 }, () => 'x'.repeat(1_900));
    for (let n = 0; n < 5; n++)
      room.log.recordGrouped({ kind: 'tool.call', outcome: 'ok', args: { n, long } });
    room.log.flush();
    const pieces = room.store.db.prepare('SELECT seq, last_seq FROM audit_arguments WHERE seq > 4').all();
    expect(pieces).toEqual([
      { seq: 5, last_seq: 7 },
      { seq: 8, last_seq: 9 },
    ]);
    expect([5, 6, 7, 8, 9].map((seq) => query.argumentsOf(seq))).toMatchObject(
      [0, 1, 2, 3, 4].map((n) => ({ ok: true, value: { n } })),
    );
  });

  test('moved to another line do not open', () => {
    const { room, query } = filled();
    room.store.transaction(() => {
      room.log.record({ kind: 'c', outcome: 'ok', args: { qty: '100' } });
      room.store.db.exec(
        'UPDATE audit_arguments SET sealed = (SELECT sealed FROM audit_arguments WHERE seq = 5) WHERE seq = 2',
      );
    });
    expect(() => query.argumentsOf(2)).toThrow(/was altered/);
    room.store.transaction(() => room.store.db.exec('DELETE FROM audit_arguments WHERE seq = 2'));
    expect(query.argumentsOf(2)).toEqual({
      ok: false,
      error: 'The sealed arguments of line 2 are not in the database any more.',
    });
  });
});
