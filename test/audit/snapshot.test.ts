/** A verification beside a running log: it proves what was there at its moment, and the log writes on meanwhile. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { auditFiles } from '#audit/lines.ts';
import { auditSnapshot, auditSnapshotShape } from '#audit/snapshot.ts';
import { type VerifyReport, verifyAudit } from '#audit/verify.ts';
import { openBeside } from '#store/beside.ts';
import { openKeyring } from '#store/keyring.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

function record(room: AuditRoom, lines: number): void {
  for (let n = 1; n <= lines; n++) {
    room.record('order.transition', { n });
    room.clock.advance(100);
  }
  room.log.flush();
}
/** As the engine says it, over its socket. */
const snapshotOf = (room: AuditRoom) =>
  auditSnapshotShape.parse(JSON.parse(JSON.stringify(auditSnapshot(room.store, room.folder))));

/** By a connection and a key ring of its own, as another process has them. */
function verifyBeside(room: AuditRoom, snapshot: ReturnType<typeof snapshotOf>): VerifyReport {
  const beside = openBeside(join(room.root, 'data'));
  onTestFinished(() => beside.close());
  const keyring = openKeyring(join(room.root, 'keys'));
  return verifyAudit({ store: beside, folder: room.folder, keyring, snapshot });
}

test('what is written after its moment is not judged, and no file that was put away meanwhile is missed', () => {
  const room = openAuditRoom({ fileBytesMax: 2_500 });
  record(room, 20);
  const snapshot = snapshotOf(room);
  const { hash } = room.log.head();
  const files = auditFiles(room.folder).length;
  record(room, 40);
  expect(auditFiles(room.folder).length).toBeGreaterThan(files + 2);
  expect(verifyBeside(room, snapshot)).toEqual({ ok: true, lines: 20, last_seq: 20, head: hash, pending: 0 });
  expect(room.verify()).toMatchObject({ ok: true, lines: 60 });
});

test('more rows than one batch holds are read to the last', () => {
  const room = openAuditRoom();
  room.store.transaction(() => {
    for (let n = 1; n <= 4_100; n++) room.log.record({ kind: 'order.transition', outcome: 'ok' });
  });
  room.log.flush();
  expect(verifyBeside(room, snapshotOf(room))).toMatchObject({ ok: true, lines: 4_100, last_seq: 4_100 });
  room.store.transaction(() => room.store.db.exec('DELETE FROM audit WHERE seq = 4000'));
  expect(verifyBeside(room, snapshotOf(room))).toMatchObject({ ok: false, first_bad: { seq: 4_000 } });
});

test('lines that the files lack are proved in the database, up to the head of that moment', () => {
  const room = openAuditRoom();
  record(room, 5);
  room.record('late');
  const snapshot = snapshotOf(room);
  room.record('later');
  expect(verifyBeside(room, snapshot)).toMatchObject({ ok: true, lines: 5, last_seq: 6, pending: 1 });
});

test('a committed line that the database has lost since is missed, though the files never had it', () => {
  const room = openAuditRoom();
  record(room, 5);
  room.record('late');
  const snapshot = snapshotOf(room);
  room.store.transaction(() => room.store.db.exec('DELETE FROM audit WHERE seq = 6'));
  expect(verifyBeside(room, snapshot)).toMatchObject({
    ok: false,
    lines: 5,
    first_bad: { seq: 6, file: 'database' },
  });
});

test('what stood in a file at that moment is proved to its last byte', () => {
  const room = openAuditRoom();
  record(room, 5);
  appendFileSync(room.file, 'not ours\n');
  const snapshot = snapshotOf(room);
  expect(verifyBeside(room, snapshot)).toMatchObject({ ok: false, last_seq: 5, first_bad: { line: 6 } });
});

test('a line changed since is found, in a file and in the database', () => {
  const room = openAuditRoom();
  record(room, 5);
  const snapshot = snapshotOf(room);
  const whole = readFileSync(room.file, 'utf8');
  writeFileSync(room.file, whole.replace('"n":3', '"n":4'));
  expect(verifyBeside(room, snapshot)).toMatchObject({
    ok: false,
    first_bad: { seq: 3, file: 'audit.jsonl' },
  });
  writeFileSync(room.file, whole);
  room.store.transaction(() => room.store.db.exec(`UPDATE audit SET kind = 'never' WHERE seq = 2`));
  expect(verifyBeside(room, snapshot)).toMatchObject({ ok: false, first_bad: { seq: 2 } });
});

test('a file that has gone since is missed', () => {
  const room = openAuditRoom({ fileBytesMax: 2_500 });
  record(room, 20);
  const snapshot = snapshotOf(room);
  const [, second = ''] = auditFiles(room.folder);
  rmSync(second);
  expect(verifyBeside(room, snapshot)).toMatchObject({
    ok: false,
    first_bad: { file: second.slice(room.folder.length + 1), why: 'the file is gone' },
  });
});

test('the connection beside the engine can not write', () => {
  const room = openAuditRoom();
  record(room, 1);
  const beside = openBeside(join(room.root, 'data'));
  onTestFinished(() => beside.close());
  expect(() => beside.db.exec('DELETE FROM audit')).toThrow(/readonly/);
});
