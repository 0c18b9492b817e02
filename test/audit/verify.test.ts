/** Verify finds every change: a byte, a line, a tail, in the files, in the database, in both. */
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openChain } from '#audit/chain.ts';
import { writeCheckpoint } from '#audit/checkpoint.ts';
import { lineWithHash, splitLine } from '#audit/line.ts';
import { auditFiles } from '#audit/lines.ts';
import { verifyAudit } from '#audit/verify.ts';
import { openKeyring } from '#store/keyring.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

/** Twenty lines in several files, flushed. */
function filledRoom(fileBytesMax = 2_500): AuditRoom {
  const room = openAuditRoom({ fileBytesMax });
  for (let n = 1; n <= 20; n++) {
    room.record('order.transition', { n, note: n % 3 ? 'plain' : 'Grüße “\\"𝄞' });
    room.clock.advance(100);
  }
  room.log.flush();
  return room;
}
/** Puts lines of one file through a change. */
function edit(path: string, change: (lines: string[]) => readonly string[]): void {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}
const head = (room: AuditRoom): string => writeCheckpoint(room.log.head(), room.clock.wallMs(), room.keyring);

test('a whole record is told by its lines, its last number and its head', () => {
  const room = filledRoom();
  expect(auditFiles(room.folder).length).toBeGreaterThan(3);
  expect(room.verify([head(room)])).toEqual({
    ok: true,
    lines: 20,
    last_seq: 20,
    head: room.log.head().hash,
    pending: 0,
  });
});

test('an empty record is whole', () => {
  const room = openAuditRoom();
  expect(room.verify()).toEqual({ ok: true, lines: 0, last_seq: 0, head: '0'.repeat(64), pending: 0 });
});

test('lines that the file has not got yet are checked in the database and counted', () => {
  const room = filledRoom();
  room.record('late');
  expect(room.verify()).toMatchObject({ ok: true, lines: 20, last_seq: 21, pending: 1 });
  room.store.transaction(() => room.store.db.exec(`UPDATE audit SET kind = 'never' WHERE seq = 21`));
  expect(room.verify()).toMatchObject({ ok: false, first_bad: { seq: 21, file: 'database' } });
});

describe('in the files', () => {
  test('every flipped byte is found, in the line it stands in', () => {
    const room = filledRoom(1_000_000);
    const whole = readFileSync(room.file);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ mask;
        writeFileSync(room.file, changed);
        const report = room.verify();
        const line = whole.subarray(0, at).toString('latin1').split('\n').length;
        expect(report.ok).toBe(false);
        expect(report.first_bad).toMatchObject({ seq: line, line, file: 'audit.jsonl' });
        expect(report.last_seq).toBe(line - 1);
      }),
      { numRuns: 1_000 },
    );
    writeFileSync(room.file, whole);
    expect(room.verify().ok).toBe(true);
  });

  test('every inserted or removed byte is found', () => {
    const room = filledRoom(1_000_000);
    const whole = readFileSync(room.file);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.option(fc.integer({ min: 0, max: 255 })), (at, byte) => {
        const rest = whole.subarray(byte === null ? at + 1 : at);
        const inserted = byte === null ? Buffer.alloc(0) : Buffer.of(byte);
        writeFileSync(room.file, Buffer.concat([whole.subarray(0, at), inserted, rest]));
        expect(room.verify().ok).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a byte flipped in a file put away is found there', () => {
    const room = filledRoom();
    const [, second = ''] = auditFiles(room.folder);
    const [, from = ''] = /audit-(\d+)-/.exec(second) ?? [];
    edit(second, (lines) => lines.map((line, index) => (index === 1 ? line.replace('"ok"', '"no"') : line)));
    expect(room.verify().first_bad).toEqual({
      seq: Number(from) + 1,
      line: 2,
      file: second.slice(room.folder.length + 1),
      why: 'the hash does not fit the line: one of them was changed',
    });
  });

  test.each<[string, (lines: string[]) => readonly string[], RegExp]>([
    [
      'two lines swapped',
      ([a = '', b = '', ...rest]) => [b, a, ...rest],
      /line 2 stands here: lines are missing or out of order/,
    ],
    ['a line repeated', ([a = '', ...rest]) => [a, a, ...rest], /line 1 stands here again/],
    ['a line taken out', ([, ...rest]) => rest, /line 2 stands here: lines are missing/],
    ['an empty line added', (lines) => ['', ...lines], /does not end in a hash/],
    ['a line of a stranger added', (lines) => [...lines, '{"seq":21}'], /does not end in a hash/],
    [
      'the tail cut',
      (lines) => lines.slice(0, -3),
      /the files end at 17 but line 20 had been written: the tail was cut/,
    ],
    ['everything cut', () => [], /the files end at 0 but line 20 had been written/],
  ])('%s', (_, change, why) => {
    const room = filledRoom(1_000_000);
    edit(room.file, change);
    const report = room.verify();
    expect(report.ok).toBe(false);
    expect(report.first_bad?.why).toMatch(why);
  });

  /** What somebody with the key could write: the first line changed, its hash right again. */
  function forgeFirst(room: AuditRoom, change: (body: string) => string): void {
    const chain = openChain(room.keyring);
    edit(room.file, ([first = '', ...rest]) => {
      const body = change(splitLine(Buffer.from(first))?.body.toString('utf8') ?? '');
      return [lineWithHash(body, chain.hashOf(body)), ...rest];
    });
  }

  test.each([
    ['a space', '{"seq":1,', '{"seq": 1,'],
    ['a number with a point', '{"seq":1,', '{"seq":1.0,'],
    ['a field twice', '"agent":null,', '"agent":null,"agent":null,'],
    ['a field left out', '"agent":null,', ''],
    ['fields in another order', '"agent":null,"credential":null,', '"credential":null,"agent":null,'],
    ['an escape that is not needed', '"outcome":"ok"', '"outcome":"\\u006fk"'],
    ['names of the detail not sorted', '"n":1,"note":"plain"', '"note":"plain","n":1'],
  ])('another spelling with a right hash: %s', (_, from, to) => {
    const room = filledRoom(1_000_000);
    forgeFirst(room, (body) => {
      expect(body).toContain(from);
      return body.replace(from, to);
    });
    expect(room.verify().first_bad).toEqual({
      seq: 1,
      line: 1,
      file: 'audit.jsonl',
      why: 'the line is not in its canonical spelling',
    });
  });

  test('a line with a right hash that follows another one than it says', () => {
    const room = filledRoom(1_000_000);
    forgeFirst(room, (body) => body.replace('"prev":"0000', '"prev":"0001'));
    expect(room.verify().first_bad?.why).toBe('the line does not follow the one before it');
  });

  test.each([0, 1])('a file missing (number %d)', (index) => {
    const room = filledRoom();
    const gone = auditFiles(room.folder)[index] ?? '';
    rmSync(gone);
    expect(room.verify()).toMatchObject({ ok: false });
    expect(room.verify().first_bad?.why).toMatch(/lines are missing/);
  });

  test('a file under a name that puts it in the wrong place', () => {
    const room = filledRoom();
    const [first = ''] = auditFiles(room.folder);
    renameSync(first, join(room.folder, 'audit-900-999.jsonl'));
    expect(room.verify()).toMatchObject({ ok: false });
  });

  test('the whole folder gone', () => {
    const room = filledRoom();
    rmSync(room.folder, { recursive: true });
    expect(room.verify()).toMatchObject({ ok: false, lines: 0 });
  });
});

describe('in the database', () => {
  const change = (room: AuditRoom, sql: string): void =>
    room.store.transaction(() => void room.store.db.exec(`PRAGMA defer_foreign_keys = ON; ${sql}`));

  test.each([
    ['a column that queries read', `UPDATE audit SET agent = 'somebody' WHERE seq = 7`, 7],
    ['an outcome', `UPDATE audit SET outcome = 'refused' WHERE seq = 7`, 7],
    ['a time', `UPDATE audit SET time = time + 1 WHERE seq = 7`, 7],
    ['a hash', `UPDATE audit SET hash = '${'0'.repeat(64)}' WHERE seq = 7`, 7],
    ['a line', `UPDATE audit SET line = replace(line, 'plain', 'rigged') WHERE seq = 7`, 7],
    ['a row taken out', 'DELETE FROM audit WHERE seq = 7', 7],
    ['the tail cut', 'DELETE FROM audit WHERE seq > 18', 19],
    ['everything', 'DELETE FROM audit', 1],
  ])('%s', (_, sql, seq) => {
    const room = filledRoom();
    change(room, sql);
    expect(room.verify()).toMatchObject({ ok: false, last_seq: seq - 1, first_bad: { seq } });
  });
});

describe('a cut or rewriting of both, against checkpoints kept elsewhere', () => {
  /** An attacker with the files and the database, but not the key. */
  function cutBoth(room: AuditRoom, keep: number): void {
    for (const path of auditFiles(room.folder)) {
      edit(path, (lines) => lines.filter((line) => (JSON.parse(line) as { seq: number }).seq <= keep));
      if (statSync(path).size === 0) rmSync(path);
    }
    room.store.transaction(() => {
      room.store.db.exec(`DELETE FROM audit WHERE seq > ${keep}; UPDATE audit_file SET last_seq = ${keep}`);
    });
  }

  test('a cut tail is invisible to the chain, and found by the checkpoint', () => {
    const room = filledRoom();
    const checkpoint = head(room);
    cutBoth(room, 15);
    expect(room.verify()).toMatchObject({ ok: true, last_seq: 15 });
    expect(room.verify([checkpoint])).toMatchObject({
      ok: false,
      first_bad: { seq: 16, why: 'the record ends at 15 but a checkpoint signed line 20: its tail was cut' },
    });
  });

  test('a record written anew with the right key is found by the checkpoint', () => {
    const room = filledRoom();
    const checkpoint = head(room);
    const other = openAuditRoom();
    for (const name of readdirSync(join(room.root, 'keys'))) {
      writeFileSync(join(other.root, 'keys', name), readFileSync(join(room.root, 'keys', name)), {
        mode: 0o600,
      });
    }
    const forged = openAuditRoom({ root: other.root });
    for (let n = 1; n <= 25; n++) forged.record('order.transition', { n });
    forged.log.flush();
    expect(forged.verify()).toMatchObject({ ok: true, last_seq: 25 });
    expect(forged.verify([checkpoint]).first_bad).toMatchObject({
      seq: 20,
      why: expect.stringMatching(/written anew/),
    });
  });

  test('several checkpoints, in any order, with a longer record after them', () => {
    const room = filledRoom();
    const first = head(room);
    room.record('more');
    const second = head(room);
    room.record('even more');
    room.log.flush();
    expect(room.verify([second, first])).toMatchObject({ ok: true, lines: 22 });
  });

  test('a checkpoint that is altered, signed by another key, or none at all is not taken', () => {
    const room = filledRoom();
    const good = head(room);
    const strange = writeCheckpoint(room.log.head(), 0, openAuditRoom().keyring);
    expect(room.verify([good.replace('"seq":20', '"seq":19')]).first_bad?.why).toMatch(
      /^checkpoint 1 does not carry a good signature/,
    );
    expect(room.verify([good, strange]).first_bad).toEqual({
      seq: 0,
      line: 2,
      file: 'checkpoint',
      why: 'checkpoint 2 was signed by another key than the one in the key folder',
    });
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      good.slice(0, -1),
      good.replace('audit checkpoint', 'bank note'),
    ]) {
      expect(room.verify([text]).first_bad?.why, text).toMatch(/checkpoint 1 is not a checkpoint/);
    }
  });
});

test('without its key nothing is proved, and no key is made', () => {
  const room = filledRoom();
  rmSync(join(room.root, 'keys', 'audit.key'));
  const keyring = openKeyring(join(room.root, 'keys'));
  const report = verifyAudit({ store: room.store, folder: room.folder, keyring });
  expect(report).toMatchObject({ ok: false, lines: 0, first_bad: { file: 'audit.key' } });
  expect(readdirSync(join(room.root, 'keys'))).not.toContain('audit.key');
});

test('under another key nothing fits', () => {
  const room = filledRoom();
  const report = verifyAudit({ store: room.store, folder: room.folder, keyring: openAuditRoom().keyring });
  expect(report).toMatchObject({ ok: false, lines: 0, first_bad: { seq: 1, line: 1 } });
});
