/** One engine a data folder, whatever became of the one before. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type EngineLock, takeEngineLock } from '#store/engine-lock.ts';
import { startChild } from '../support/child-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOLDER = { pid: process.pid, command: 'portcullis serve', startedAtMs: Date.UTC(2026, 0, 5, 12) };
const CHILD = new URL('../support/hold-lock.ts', import.meta.url);

function take(folder: string): EngineLock {
  const lock = takeEngineLock(folder, HOLDER);
  if (!lock.ok) throw new Error(lock.error);
  return lock.value;
}
function refusal(folder: string): string {
  const lock = takeEngineLock(folder, HOLDER);
  return lock.ok ? 'taken' : lock.error;
}

test('a second engine is refused and told who holds the folder', () => {
  const folder = join(temporaryFolder(), 'data');
  const lock = take(folder);
  expect(refusal(folder)).toBe(
    `Another engine works in ${folder}: process ${process.pid} (portcullis serve), since 2026-01-05T12:00:00.000Z.`,
  );
  lock.release();
  lock.release();
  expect(readdirSync(folder)).toEqual(['lock.db']);
  take(folder).release();
});

test('who forgets it does not lose it: it is held until it is released', async () => {
  const folder = temporaryFolder();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  (() => void take(folder))();
  for (let n = 0; n < 3; n++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  expect(refusal(folder)).toContain('Another engine works in');
});

test('another process is refused, and may start when the holder has been killed', async () => {
  const folder = temporaryFolder();
  const holder = startChild(CHILD, [folder]);
  const { pid } = JSON.parse((await holder.line()) ?? '{}') as { pid?: number };
  expect(pid).toBeTypeOf('number');
  expect(refusal(folder)).toContain(`process ${pid} (portcullis serve)`);
  const second = startChild(CHILD, [folder]);
  expect(await second.line()).toContain(`process ${pid} (portcullis serve)`);
  expect(await second.end()).toBe(0);

  await holder.kill();
  expect(existsSync(join(folder, 'lock.json'))).toBe(true);
  const third = startChild(CHILD, [folder]);
  const next = JSON.parse((await third.line()) ?? '{}') as { pid?: number };
  expect(next.pid).toBeTypeOf('number');
  expect(next.pid).not.toBe(pid);
  expect(refusal(folder)).toContain(`process ${next.pid} `);
});

test('without a word about the holder the refusal still stands', () => {
  const folder = temporaryFolder();
  const lock = take(folder);
  rmSync(join(folder, 'lock.json'));
  expect(refusal(folder)).toMatch(/a process that has not said who it is yet/);
  writeFileSync(join(folder, 'lock.json'), '{"pid": 1');
  expect(refusal(folder)).toMatch(/a process that has not said who it is yet/);
  writeFileSync(
    join(folder, 'lock.json'),
    '{"pid": 1, "command": "\\u001b[31mred\\u202e", "started_at": "then"}',
  );
  expect(refusal(folder)).toContain('process 1 (red), since then.');
  lock.release();
});

test('a lock file that is something else is refused by name, not taken', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'lock.db'), 'not a database, '.repeat(100));
  expect(refusal(folder)).toMatch(/lock\.db can not be taken/);
  expect(existsSync(join(folder, 'lock.json'))).toBe(false);
});
