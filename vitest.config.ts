// How the tests run: every file in a process of its own, because locks, sockets and database handles belong to one.
// SOAK=1 runs the long ones instead.

import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const soak = process.env['SOAK'] === '1';

/** It compares how long answers take: nothing else may have a processor meanwhile. */
const TIMED = 'test/access/owner-timing.test.ts';
const LONG: TestProjectConfiguration = {
  extends: true,
  test: { name: 'soak', include: ['test/**/*.soak.ts'] },
};
const TOGETHER: TestProjectConfiguration = {
  extends: true,
  test: { name: 'together', include: ['test/**/*.test.ts'], exclude: [TIMED], sequence: { groupOrder: 0 } },
};
const ALONE: TestProjectConfiguration = {
  extends: true,
  test: { name: 'alone', include: [TIMED], maxWorkers: 1, sequence: { groupOrder: 1 } },
};

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // One file a processor; vitest leaves one of them unused, and here there are two.
    maxWorkers: soak ? 1 : '100%',
    projects: soak ? [LONG] : [TOGETHER, ALONE],
    // No test is about speed: these only end what hangs, on a machine that is busy with other things too.
    testTimeout: soak ? 3_600_000 : 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // What is waited for comes soon; a second, the default, is too short where other work has the processor.
    expect: { poll: { timeout: 15_000 } },
    // The file is what .ci/run counts from.
    reporters: process.env['CI'] === 'true' ? ['default', 'json'] : ['default'],
    outputFile: { json: 'coverage/tests.json' },
    allowOnly: false,
    passWithNoTests: false,
  },
});
