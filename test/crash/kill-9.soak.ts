// A hundred times kill −9 while orders flow, or as many as SOAK_CYCLES and SOAK_MINUTES say; CRASH_SEED repeats a run.

import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { killNine } from '../support/kill-nine.ts';

it('loses nothing and doubles nothing over a hundred kills at any moment', async () => {
  const seed = Number(process.env['CRASH_SEED'] ?? randomInt(1_000_000_000));
  const cycles = Number(process.env['SOAK_CYCLES'] ?? 100);
  const minutes = Number(process.env['SOAK_MINUTES'] ?? 30);
  process.stdout.write(`kill -9: seed ${seed}, ${cycles} cycles, ${minutes} minutes at most\n`);
  const figures = await killNine({ seed, cycles, minutes });
  process.stdout.write(`kill -9: ${JSON.stringify(figures)}\n`);
  expect(figures.cycles).toBeGreaterThan(0);
});
