// A disk that fails under a running order line: nothing is sent that is not durable, cancels and the kill switch work all the same.

import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import type { Task } from '../support/faulty-child.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import { whyNoTrace } from '../support/syscalls.ts';
import { flatTape, WIDE_MANDATE } from '../support/trading-room.ts';
import { serveVenue } from '../support/wire-broker.ts';

const CHILD = new URL('../support/faulty-child.ts', import.meta.url).pathname;

/** Of util-linux: gives a process at work another limit on the size of its files. */
const hasLimits = spawnSync('prlimit', ['--version']).error === undefined;

interface Faulty {
  readonly pid: number;
  readonly broker: ScriptedBroker;
  readonly wal: string;
  readonly ask: (task: Task) => Promise<unknown>;
}

async function started({ onTestFinished }: TestContext): Promise<Faulty> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-faulty-'));
  const broker = scriptedBroker();
  const door = await serveVenue(broker);
  const args = [CHILD, folder, flatTape('1450', 390), String(door.port), JSON.stringify(WIDE_MANDATE)];
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, args);
  child.stderr.pipe(process.stderr);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await door.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the child ended with ${child.exitCode ?? child.signalCode}`);
    return JSON.parse(line.value) as unknown;
  };
  const { ready } = (await next()) as { ready: number };
  // Its first quote is there within a second.
  await pause(1_100);
  return {
    pid: ready,
    broker,
    wal: join(folder, 'data', 'portcullis.db-wal'),
    ask(task) {
      child.stdin.write(`${task}\n`);
      return next();
    },
  };
}

/** What must hold while nothing can be made durable, whatever the reason is. */
async function staysSafe({ broker, ask }: Faulty, code: RegExp): Promise<void> {
  const sent = broker.sent.place.length;
  expect(await ask('place')).toEqual({ thrown: 'StoreUnavailable', code: expect.stringMatching(code) });
  expect(broker.sent.place).toHaveLength(sent);
  // What lowers a risk goes out and is recorded later.
  const [first] = broker.sent.place;
  expect(await ask('cancel')).toBeTruthy();
  expect(broker.sent.cancel).toEqual([first]);
  expect(broker.order(first ?? '')?.status).toBe('canceled');
  expect(await ask('kill')).toMatchObject({ tradingState: 'HALTED' });
  expect(broker.everyOrder().map(({ status }) => status)).toEqual(['canceled', 'canceled', 'canceled']);
  // The owner reads why, within a second.
  await expect
    .poll(() => ask('waiting'))
    .toContainEqual({ kind: 'audit_trouble', detail: expect.stringMatching(code) });
  expect(await ask('place')).toMatchObject({ ok: false, error: { reason: 'trading_halted' } });
  expect(broker.sent.place).toHaveLength(sent);
}

/** Once the disk is well again, the books say what the venue says, and the gate is down for good. */
async function heals({ ask }: Faulty): Promise<void> {
  await expect
    .poll(() => ask('states'), { timeout: 25_000, interval: 500 })
    .toEqual({
      gate: expect.objectContaining({ state: 'HALTED' }),
      orders: [{ status: 'canceled', orders: 3 }],
    });
  expect(await ask('waiting')).toEqual([]);
}

const three = async ({ ask }: Faulty): Promise<void> => {
  for (let number = 0; number < 3; number++) expect(await ask('place')).toMatchObject({ ok: true });
};

// Side by side: most of their time is waiting for a venue's word that can not be written down.
describe.concurrent('a disk that fails under the order line', () => {
  it.skipIf(!hasLimits)(
    'when it is full: nothing is sent, cancels and the kill switch go through, the owner is told, and it heals',
    async (context) => {
      const faulty = await started(context);
      await three(faulty);
      const limit = (bytes: string): void =>
        void execFileSync('prlimit', ['--pid', String(faulty.pid), `--fsize=${bytes}:`]);
      limit(String(statSync(faulty.wal).size));
      await staysSafe(faulty, /SQLITE_(?:IOERR|FULL)/);
      limit('unlimited');
      await heals(faulty);
    },
    60_000,
  );

  it.skipIf(whyNoTrace() !== undefined)(
    'when its sync says EIO: nothing is sent, cancels and the kill switch go through, the owner is told, and it heals',
    async (context) => {
      const faulty = await started(context);
      await three(faulty);
      const inject = ['-f', '-p', String(faulty.pid), '-e', 'trace=fdatasync,fsync'];
      const strace = spawn('strace', [
        ...inject,
        '-e',
        'inject=fdatasync,fsync:error=EIO',
        '-o',
        '/dev/null',
      ]);
      await once(strace.stderr, 'data');
      await staysSafe(faulty, /SQLITE_IOERR_FSYNC/);
      strace.kill('SIGINT');
      await once(strace, 'close');
      await heals(faulty);
    },
    60_000,
  );
});
