// How the tests run: every file in a process of its own, because locks, sockets and database handles belong to one.
// SOAK=1 runs the long ones instead.

import { defineConfig } from 'vitest/config';

const soak = process.env['SOAK'] === '1';

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    include: soak ? ['test/**/*.soak.ts'] : ['test/**/*.test.ts'],
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
