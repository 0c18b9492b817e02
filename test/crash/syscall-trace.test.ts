// The order is on the disk before a byte of it is on the wire: read from the system calls of a process that sends twenty.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { isSync, type Syscall, syscallsIn, traced, whyNoTrace } from '../support/syscalls.ts';
import { flatTape } from '../support/trading-room.ts';
import { serveVenue } from '../support/wire-broker.ts';

const ORDERS = 20;
const CHILD = new URL('../support/traced-child.ts', import.meta.url).pathname;
const isWal = ({ of }: Syscall): boolean => of.endsWith('portcullis.db-wal');
const isSocket = ({ of }: Syscall): boolean => /^(?:TCP|socket):/.test(of);

/** Why an order was not safe on the disk when it was sent; undefined: it was. */
function unsafe(calls: readonly Syscall[], id: string): string | undefined {
  const sent = calls.findIndex((call) => isSocket(call) && call.text.includes(id));
  if (sent < 0) return 'it was never sent';
  const written = calls.findIndex((call) => isWal(call) && !isSync(call) && call.text.includes(id));
  if (written < 0 || written > sent) return 'it was sent before it was written';
  const lastWritten = calls.slice(0, sent).findLastIndex((call) => isWal(call) && !isSync(call));
  const synced = calls.findIndex((call, at) => at > lastWritten && isWal(call) && isSync(call));
  return synced >= 0 && synced < sent ? undefined : 'what was written was not synced when it was sent';
}

async function trace(): Promise<{ readonly calls: readonly Syscall[]; readonly ids: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-trace-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const broker = scriptedBroker();
  const door = await serveVenue(broker);
  const file = join(folder, 'trace');
  const csv = flatTape('1450', 390);
  const args = [...traced(file), process.execPath, CHILD, folder, csv, String(door.port), String(ORDERS)];
  const child = spawn('strace', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  await door.close();
  expect(code).toBe(0);
  const ids = said.trim().split('\n');
  expect(ids).toEqual(broker.sent.place);
  return { calls: syscallsIn(readFileSync(file, 'utf8')), ids };
}

const why = whyNoTrace();
if (why !== undefined)
  process.stdout.write(
    why === 'missing'
      ? 'syscall trace: strace is not installed (Debian package strace); nothing was traced\n'
      : 'syscall trace: this machine lets no process be traced; nothing was traced\n',
  );

describe('the system calls of a process that sends orders', () => {
  it('can be looked at in CI', () => {
    if (process.env['CI'] === 'true') expect(why, 'apt-get install strace').not.toBe('missing');
  });

  it.skipIf(why !== undefined)(
    'show, for each of twenty, the sync of the log that holds it before the write to the socket',
    async () => {
      const { calls, ids } = await trace();
      expect(ids).toHaveLength(ORDERS);
      expect(Object.fromEntries(ids.map((id) => [id, unsafe(calls, id)]))).toEqual(
        Object.fromEntries(ids.map((id) => [id, undefined])),
      );
    },
  );
});

describe('the reading of a trace', () => {
  const wal = '</f/data/portcullis.db-wal>';
  const socket = '<TCP:[127.0.0.1:1->127.0.0.1:2]>';
  const whole = [
    `7 pwrite64(20${wal}, "..pc_1..", 4096, 0) = 4096`,
    `7 fdatasync(20${wal}) = 0`,
    `7 write(21${socket}, "place pc_1", 10) = 10`,
  ];
  const judged = (...lines: readonly string[]): string | undefined =>
    unsafe(syscallsIn(lines.join('\n')), 'pc_1');

  it('finds nothing where the sync comes first, on two lines too', () => {
    const [write = '', , send = ''] = whole;
    expect(judged(...whole)).toBeUndefined();
    expect(
      judged(write, `7 fdatasync(20${wal} <unfinished ...>`, '7 <... fdatasync resumed>) = 0', send),
    ).toBeUndefined();
  });

  it('finds a sync that is missing, late, failed, of something else, or not of the last write', () => {
    const [write = '', sync = '', send = ''] = whole;
    const unsynced = 'what was written was not synced when it was sent';
    expect(judged(write, send)).toBe(unsynced);
    expect(judged(write, send, sync)).toBe(unsynced);
    expect(judged(write, `${sync.slice(0, -1)}-1 EIO (Input/output error)`, send)).toBe(unsynced);
    expect(judged(write, sync.replace('portcullis.db-wal', 'audit.jsonl'), send)).toBe(unsynced);
    expect(judged(write, sync, write, send)).toBe(unsynced);
    const begun = `7 fdatasync(20${wal} <unfinished ...>`;
    expect(judged(write, begun, send, '7 <... fdatasync resumed>) = 0')).toBe(unsynced);
    expect(judged(send, write, sync)).toBe('it was sent before it was written');
    expect(judged(write, sync)).toBe('it was never sent');
  });
});
