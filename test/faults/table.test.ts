// Every fault that the gateway is built for, and where it is played. A row whose proof is gone is a promise that nobody keeps.

import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';

const TESTS = new URL('../', import.meta.url);

/** Fault, what must hold, and the tests that break it on purpose. */
const TABLE: readonly (readonly [fault: string, holds: string, proofs: readonly string[]])[] = [
  [
    'kill -9 at every labelled step of the order line',
    'nothing lost, nothing sent twice, ready within 5 s, the record whole',
    [
      'crash/labelled-kills.test.ts',
      'crash/labelled-kills.soak.ts',
      'crash/kill-9.test.ts',
      'audit/crash.test.ts',
    ],
  ],
  [
    'a time-out after the broker accepted, 5xx, a reset, fills twice, out of order or before the answer, a cancel that races a fill, a gap in the stream',
    'nothing sent twice, reconciled within 10 s of healing',
    [
      'simulation/venue.test.ts',
      'simulation/venue.soak.ts',
      'simulation/state-machine.test.ts',
      'trading/at-most-once.test.ts',
    ],
  ],
  [
    'fdatasync says EIO, the disk is full',
    'the order line closes, cancels and the kill switch work, the owner sees why',
    ['faults/disk.test.ts', 'store/open.test.ts', 'trading/kill-faults.test.ts'],
  ],
  [
    'the wall clock jumps by two days',
    'deadlines do not notice, approvals and tokens do not come back to life',
    [
      'faults/clock.test.ts',
      'trading/approval-time.test.ts',
      'trading/envelope-holds.test.ts',
      'access/wall.test.ts',
    ],
  ],
  ['two hundred orders at once against one limit', 'not one over', ['trading/limits.test.ts']],
  [
    'two processes on one data folder',
    'the second refuses to start and says who holds it',
    ['cli/serve.test.ts', 'store/engine-lock.test.ts'],
  ],
  [
    'the process dies before its commit is on the disk',
    'the log is synced before the order is on the wire',
    ['crash/syscall-trace.test.ts'],
  ],
];

it.each(TABLE)('%s: %s', (_fault, _holds, proofs) => {
  expect(proofs.length).toBeGreaterThan(0);
  for (const proof of proofs) expect(existsSync(new URL(proof, TESTS)), proof).toBe(true);
});
