/** The file follows the table: no gap, no duplicate, whatever happens to process, disk or file. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditError } from '#audit/log.ts';
import { type AuditRoom, openAuditRoom, reopen } from '../support/audit-room.ts';
import { startChild } from '../support/child-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function recordSome(room: AuditRoom, count: number): void {
  for (let n = 0; n < count; n++) room.record('event', { n });
}
/** seq of every line of every file, which must be 1, 2, 3 … */
function seqs(room: AuditRoom): number[] {
  return room.lines().map((line) => (JSON.parse(line) as { seq: number }).seq);
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const repairs = (room: AuditRoom): unknown[] =>
  room.lines().flatMap((line) => {
    const { kind, outcome, detail } = JSON.parse(line) as { kind: string; outcome: string; detail: object };
    return kind === 'audit.repaired' ? [{ outcome, ...detail }] : [];
  });

describe('after a crash', () => {
  test('lines that were committed but not written are appended', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.clock.advance(25);
    recordSome(room, 4);
    room.crash();
    expect(room.lines()).toHaveLength(3);
    const next = reopen(room);
    expect(seqs(next)).toEqual(upTo(7));
    expect(repairs(next)).toEqual([]);
    expect(next.verify()).toMatchObject({ ok: true, lines: 7, pending: 0 });
  });

  test('a torn last line is cut, written whole, and the repair is on the record', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.clock.advance(25);
    recordSome(room, 2);
    room.crash();
    appendFileSync(room.file, '{"seq":4,"time":"2026-');
    const next = reopen(room);
    expect(seqs(next)).toEqual(upTo(6));
    expect(repairs(next)).toEqual([{ outcome: 'ok', reason: 'torn_line', bytes_cut: 22, lines_missing: 0 }]);
    expect(next.verify()).toMatchObject({ ok: true, lines: 6 });
  });

  test('lines written but not known to be synced are kept as they are', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.clock.advance(25);
    room.crash();
    expect(seqs(reopen(room))).toEqual(upTo(3));
  });

  test('blocks of zeros that a power failure leaves are cut where they begin', () => {
    const room = openAuditRoom();
    recordSome(room, 2);
    room.log.flush();
    recordSome(room, 2);
    room.crash();
    appendFileSync(room.file, Buffer.concat([Buffer.alloc(5_000), Buffer.from('\n'), Buffer.alloc(9)]));
    const next = reopen(room);
    expect(seqs(next)).toEqual(upTo(5));
    expect(next.verify()).toMatchObject({ ok: true });
  });

  test('nothing has to be repaired when nothing happened', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.log.close();
    room.store.close();
    const before = readFileSync(room.file);
    const next = reopen(room);
    expect(readFileSync(next.file).equals(before)).toBe(true);
    expect(next.log.head().seq).toBe(3);
  });
});

describe('a file that was touched', () => {
  test('cut below what had been synced: written again, and said', () => {
    const room = openAuditRoom();
    recordSome(room, 5);
    room.log.close();
    room.store.close();
    const whole = readFileSync(room.file, 'utf8');
    truncateSync(room.file, Buffer.byteLength(whole.split('\n').slice(0, 2).join('\n')) + 1);
    const next = reopen(room);
    expect(repairs(next)).toEqual([{ outcome: 'error', reason: 'file_cut', bytes_cut: 0, lines_missing: 3 }]);
    expect(readFileSync(next.file, 'utf8').startsWith(whole)).toBe(true);
    expect(next.verify()).toMatchObject({ ok: true, lines: 6 });
  });

  test('gone: written again from the database, and said', () => {
    const room = openAuditRoom();
    recordSome(room, 5);
    room.log.close();
    room.store.close();
    const whole = readFileSync(room.file, 'utf8');
    rmSync(room.file);
    const next = reopen(room);
    expect(repairs(next)).toEqual([
      { outcome: 'error', reason: 'file_missing', bytes_cut: 0, lines_missing: 5 },
    ]);
    expect(readFileSync(next.file, 'utf8').startsWith(whole)).toBe(true);
  });

  test('gone while the gateway runs: noticed at the next line', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.clock.advance(200);
    rmSync(room.file);
    recordSome(room, 1);
    room.clock.advance(200);
    expect(seqs(room)).toEqual(upTo(5));
    expect(repairs(room)).toEqual([
      { outcome: 'error', reason: 'file_missing', bytes_cut: 0, lines_missing: 3 },
    ]);
  });

  test('lengthened by a stranger while the gateway runs: what is not ours is cut', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.clock.advance(200);
    appendFileSync(room.file, 'hello\n');
    recordSome(room, 1);
    room.clock.advance(200);
    expect(seqs(room)).toEqual(upTo(5));
    expect(room.verify()).toMatchObject({ ok: true });
  });

  test('edited in its last line: the gateway refuses to go on, and touches nothing', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.log.close();
    room.store.close();
    const edited = readFileSync(room.file, 'utf8').replace('"n":2', '"n":3');
    writeFileSync(room.file, edited);
    expect(() => reopen(room)).toThrow(AuditError);
    expect(() => reopen(room)).toThrow(
      /was changed at line 3 after it had been written; keep it as evidence/,
    );
    expect(readFileSync(room.file, 'utf8')).toBe(edited);
  });

  test('a link in its place is not followed', () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'log'));
    writeFileSync(join(root, 'target'), '');
    symlinkSync(join(root, 'target'), join(root, 'log', 'audit.jsonl'));
    expect(() => openAuditRoom({ root })).toThrow(/ELOOP|symbolic/);
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('');
  });
});

describe('a database that was restored', () => {
  test('behind its files: refused with what to do, and nothing touched', () => {
    const room = openAuditRoom();
    recordSome(room, 3);
    room.log.flush();
    const backup = join(room.root, 'backup.db');
    room.store.db.prepare('VACUUM INTO ?').run(backup);
    recordSome(room, 4);
    room.log.close();
    room.store.close();
    for (const name of readdirSync(join(room.root, 'data'))) rmSync(join(room.root, 'data', name));
    renameSync(backup, join(room.root, 'data', 'portcullis.db'));
    const before = readFileSync(room.file, 'utf8');
    expect(() => reopen(room)).toThrow(
      /reach line 4 but the database ends at 3: it was restored or rolled back/,
    );
    expect(readFileSync(room.file, 'utf8')).toBe(before);
    rmSync(room.file);
    expect(seqs(reopen(room)).slice(0, 3)).toEqual(upTo(3));
  });

  test('without the key of its chain: refused, and no new key is made', () => {
    const room = openAuditRoom();
    recordSome(room, 1);
    room.log.close();
    room.store.close();
    rmSync(join(room.root, 'keys', 'audit.key'));
    expect(() => reopen(room)).toThrow(/audit\.key of the audit record is missing/);
    expect(existsSync(join(room.root, 'keys', 'audit.key'))).toBe(false);
    writeFileSync(join(room.root, 'keys', 'audit.key'), Buffer.alloc(32, 1), { mode: 0o600 });
    expect(() => reopen(room)).toThrow(/does not fit the key audit\.key/);
  });
});

describe('a file that can not be written', () => {
  test('stops nothing: it falls behind, says so, and is caught up when healed', () => {
    const room = openAuditRoom();
    recordSome(room, 2);
    room.clock.advance(200);
    renameSync(room.file, `${room.file}.aside`);
    mkdirSync(room.file);
    recordSome(room, 5);
    room.clock.advance(5_000);
    expect(room.record('order.cancel')).toBe(8);
    expect(room.log.lag()).toBe(6);
    expect(room.log.trouble()).toMatch(/EISDIR/);
    expect(() => room.log.flush()).toThrow(/EISDIR/);
    rmdirSync(room.file);
    renameSync(`${room.file}.aside`, room.file);
    room.clock.advance(1_000);
    expect(room.log.lag()).toBe(0);
    expect(room.log.trouble()).toBeUndefined();
    expect(seqs(room)).toEqual(upTo(8));
    expect(room.verify()).toMatchObject({ ok: true, lines: 8 });
  });

  test('on a disk that fills up in the middle of a line: every commit stands, the file stays whole lines', async () => {
    const root = temporaryFolder();
    const child = startChild(new URL('../support/fill-log.ts', import.meta.url), [root], {
      fileBlocksMax: 8_192,
    });
    const told = JSON.parse((await child.line()) ?? '{}') as Record<string, unknown>;
    await child.end();
    expect(told['trouble']).toMatch(/EFBIG/);
    expect(told['lag']).toBeGreaterThan(100);
    const room = openAuditRoom({ root });
    expect(seqs(room)).toEqual(upTo(Number(told['recorded'])));
    expect(room.verify()).toMatchObject({ ok: true, pending: 0 });
  });

  test('is closed to other users', () => {
    const room = openAuditRoom();
    recordSome(room, 1);
    room.log.flush();
    expect(statSync(room.file).mode & 0o777).toBe(0o600);
    expect(statSync(room.folder).mode & 0o777).toBe(0o700);
  });
});

describe('rotation', () => {
  const small = { fileBytesMax: 2_000 };

  test('puts full files away under the numbers of their lines and loses none', () => {
    const room = openAuditRoom(small);
    for (let n = 0; n < 40; n++) {
      recordSome(room, 1);
      room.clock.advance(60);
    }
    const names = readdirSync(room.folder);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !/^audit(-\d+-\d+)?\.jsonl$/.test(name))).toEqual([]);
    for (const name of names) expect(statSync(join(room.folder, name)).size).toBeLessThanOrEqual(2_000);
    expect(seqs(room)).toEqual(upTo(40));
    expect(room.verify()).toMatchObject({ ok: true, lines: 40 });
    for (const name of names) {
      const [, first, last] = /^audit-(\d+)-(\d+)\.jsonl$/.exec(name) ?? [];
      if (first === undefined) continue;
      const lines = readFileSync(join(room.folder, name), 'utf8').trimEnd().split('\n');
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ seq: Number(first) });
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ seq: Number(last) });
    }
  });

  test('goes on after a crash at any line, also right after a file was put away', () => {
    let room = openAuditRoom(small);
    for (let n = 0; n < 30; n++) {
      recordSome(room, 2);
      if (n % 2 === 0) room.clock.advance(25);
      if (n % 5 === 0) room.clock.advance(60);
      room.crash();
      if (n === 20) renameSync(room.file, join(room.folder, currentName(room)));
      room = reopen(room, small);
    }
    expect(seqs(room)).toEqual(upTo(60));
    expect(room.verify()).toMatchObject({ ok: true, lines: 60 });
  });

  test('a line longer than a whole file has a file of its own', () => {
    const room = openAuditRoom({ fileBytesMax: 600 });
    recordSome(room, 1);
    room.record('long', { text: 'x'.repeat(1_500) });
    recordSome(room, 1);
    room.log.flush();
    expect(readdirSync(room.folder).sort()).toEqual(['audit-1-1.jsonl', 'audit-2-2.jsonl', 'audit.jsonl']);
    expect(room.verify()).toMatchObject({ ok: true, lines: 3 });
  });
});

/** The name under which the current file would be put away. */
function currentName(room: AuditRoom): string {
  const own = readFileSync(room.file, 'utf8').trimEnd().split('\n');
  const seqOf = (line: string | undefined): number => (JSON.parse(line ?? '') as { seq: number }).seq;
  return `audit-${seqOf(own[0])}-${seqOf(own.at(-1))}.jsonl`;
}
