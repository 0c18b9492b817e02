/** The record as the console has it: proved in a thread of its own, opened and exported on the record. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AuditDesk, openAuditDesk } from '#audit/desk.ts';
import { TRAFFIC_KEPT_MS } from '#limits.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

function openDesk(room: AuditRoom): AuditDesk {
  const { store, keyring, log: audit, clock, folder } = room;
  const desk = openAuditDesk({ store, keyring, audit, clock, folder, turn: () => Promise.resolve() });
  onTestFinished(() => desk.close());
  return desk;
}

describe('the verification', () => {
  test('says nothing before there was one, then what it read and when, and not a word about what came since', async () => {
    const room = openAuditRoom();
    const desk = openDesk(room);
    for (let n = 0; n < 20; n++) room.record('order.transition');
    expect(desk.verification()).toEqual({ state: 'never' });
    const atMs = room.clock.wallMs();
    const end = desk.verify();
    expect(desk.verification()).toEqual({ state: 'running', startedAtMs: atMs, last: undefined });
    expect(desk.verify()).toBe(end);
    room.record('meanwhile');
    const verified = await end;
    expect(verified).toMatchObject({ state: 'ok', atMs, report: { ok: true, lines: 20, last_seq: 20 } });
    expect(desk.verification()).toBe(verified);
    expect(desk.head().seq).toBe(21);
    expect(await desk.verify()).toMatchObject({ state: 'ok', report: { last_seq: 21 } });
  });

  test('tells the first bad line, and keeps telling it while it looks again', async () => {
    const room = openAuditRoom();
    const desk = openDesk(room);
    for (let n = 0; n < 5; n++) room.record('order.transition', { n });
    room.log.flush();
    writeFileSync(room.file, readFileSync(room.file, 'utf8').replace('"n":2', '"n":9'));
    const broken = await desk.verify();
    expect(broken).toMatchObject({
      state: 'broken',
      report: { ok: false, last_seq: 2, first_bad: { seq: 3, file: 'audit.jsonl' } },
    });
    const again = desk.verify();
    expect(desk.verification()).toMatchObject({ state: 'running', last: broken });
    await again;
  });

  test('that can not be carried out has failed, and proves nothing', async () => {
    const room = openAuditRoom();
    const desk = openDesk(room);
    room.record('order.transition');
    room.store.close();
    expect(await desk.verify()).toMatchObject({
      state: 'failed',
      why: expect.stringMatching(/not open|closed/),
    });
    expect(desk.verification()).toMatchObject({ state: 'failed' });
  });

  test('that the gateway stops under is ended, and proves nothing', async () => {
    const room = openAuditRoom();
    const desk = openDesk(room);
    room.record('order.transition');
    const end = desk.verify();
    desk.close();
    expect(await end).toMatchObject({
      state: 'failed',
      why: 'The verification was ended before it was done.',
    });
  });

  test('keeps nobody waiting: the event loop turns while thousands of lines are proved', async () => {
    const room = openAuditRoom();
    const desk = openDesk(room);
    room.store.transaction(() => {
      for (let n = 0; n < 5_000; n++) room.log.record({ kind: 'order.transition', outcome: 'ok' });
    });
    room.log.flush();
    let turns = 0;
    let ended = false;
    const end = desk.verify().then((verified) => {
      ended = true;
      return verified;
    });
    while (!ended) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await end).toMatchObject({ state: 'ok', report: { lines: 5_000 } });
    expect(turns).toBeGreaterThan(100);
  });
});

test('what is sealed opens for the owner, and that it was opened is on the record', () => {
  const room = openAuditRoom();
  const desk = openDesk(room);
  room.store.transaction(() => {
    room.log.record({ kind: 'tool.call', outcome: 'ok', args: { symbol: 'SPX' } });
    room.log.record({ kind: 'kill', outcome: 'ok' });
  });
  expect(desk.openArguments(1)).toEqual({ ok: true, value: { symbol: 'SPX' } });
  expect(desk.tail(1)[0]).toMatchObject({
    kind: 'audit.arguments_opened',
    credential: 'owner',
    door: 'console',
    detail: { line: 1 },
  });
  expect(JSON.stringify(desk.tail(1))).not.toContain('SPX');
  // Where nothing is shown, nothing was opened.
  expect(desk.openArguments(2)).toMatchObject({ ok: false });
  expect(desk.openArguments(99)).toMatchObject({ ok: false });
  room.store.transaction(() => room.store.db.exec('UPDATE audit_arguments SET sealed = zeroblob(60)'));
  expect(desk.openArguments(1)).toMatchObject({ ok: false, error: expect.stringContaining('was altered') });
  expect(room.kinds()).toEqual(['tool.call', 'kill', 'audit.arguments_opened']);
});

test('an export is on the record with its filter, and is not in itself', async () => {
  const room = openAuditRoom();
  const desk = openDesk(room);
  room.record('kill');
  let text = '';
  for await (const chunk of desk.export({ kind: 'kill', sinceMs: 0 }, 'jsonl')) text += chunk;
  room.log.flush();
  expect(text).toBe(`${room.lines()[0]}\n`);
  expect(desk.tail(1)[0]).toMatchObject({
    kind: 'audit.exported',
    detail: { format: 'jsonl', filter: { kind: 'kill', sinceMs: 0 } },
  });
});

test('traffic that was counted a moment ago is not counted again, whoever asks', async () => {
  const room = openAuditRoom();
  const desk = openDesk(room);
  const calls = async () => (await desk.traffic({ windowMs: 900_000 })).total.calls;
  room.record('tool.call');
  expect(await calls()).toBe(1);
  room.record('tool.call');
  expect(await calls()).toBe(1);
  expect((await desk.traffic({ windowMs: 3_600_000 })).total.calls).toBe(2);
  room.clock.advance(TRAFFIC_KEPT_MS);
  expect(await calls()).toBe(2);
});

test('the lines of an order come oldest first', () => {
  const room = openAuditRoom();
  const desk = openDesk(room);
  for (const to of ['submitting', 'open', 'filled'])
    room.record('order.transition', { order_id: 'ord_1', to });
  room.record('order.transition', { order_id: 'ord_2', to: 'open' });
  expect(desk.linesOfOrder('ord_1').map((line) => line.seq)).toEqual([1, 2, 3]);
  expect(desk.search({ agent: null }, 2)).toMatchObject({ lines: [{ seq: 4 }, { seq: 3 }], next: 3 });
});
