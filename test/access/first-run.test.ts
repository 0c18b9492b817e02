// The first run: what nothing else tells is kept across a restart, each change with its line, a repetition with none.
import { afterEach, expect, it } from 'vitest';
import { type AccessRoom, accessRoom } from '../support/access-room.ts';

let room: AccessRoom | undefined;
afterEach(() => room?.close());

it('is open from its beginning to its end, across a restart, and over for good', () => {
  room = accessRoom();
  expect([room.access.firstRun.isOpen(), room.access.firstRun.isOver()]).toEqual([false, false]);
  room.access.firstRun.begin();
  room = room.restart();
  expect([room.access.firstRun.isOpen(), room.access.firstRun.isOver()]).toEqual([true, false]);
  room.access.firstRun.end('dismissed');
  room = room.restart();
  expect([room.access.firstRun.isOpen(), room.access.firstRun.isOver()]).toEqual([false, true]);
});

it('asks for a recovery code again when there are new ones', () => {
  room = accessRoom();
  const { firstRun } = room.access;
  expect(firstRun.isRecoveryKept()).toBe(false);
  firstRun.keepRecovery();
  expect(firstRun.isRecoveryKept()).toBe(true);
  firstRun.forgetRecovery();
  expect(firstRun.isRecoveryKept()).toBe(false);
});

it('leaves a line for each change and none for what is so already', () => {
  room = accessRoom();
  const { firstRun } = room.access;
  for (let twice = 0; twice < 2; twice++) {
    firstRun.begin();
    firstRun.seeAccount();
    firstRun.setAgent({ name: 'claude', host: 'cursor' });
  }
  firstRun.setAgent({ name: 'claude', host: 'codex' });
  expect(firstRun.agent()).toEqual({ name: 'claude', host: 'codex' });
  firstRun.end('finished');
  const lines = room.events().filter(({ kind }) => kind.startsWith('first_run.'));
  expect(lines.map(({ kind, detail }) => [kind, detail])).toEqual([
    ['first_run.begun', { open: 'yes' }],
    ['first_run.step', { account: 'seen' }],
    ['first_run.step', { agent: 'claude', host: 'cursor' }],
    ['first_run.step', { host: 'codex' }],
    ['first_run.ended', { open: 'finished' }],
  ]);
  expect(lines.every(({ credential }) => credential === 'owner')).toBe(true);
});
