// Twenty-five times kill −9 while orders flow; `npm run soak` does it a hundred times and more.

import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { killNine } from '../support/kill-nine.ts';

it('loses nothing, doubles nothing, keeps the chain whole and is ready within five seconds, killed at any moment', async () => {
  const seed = Number(process.env['CRASH_SEED'] ?? randomInt(1_000_000_000));
  process.stdout.write(`kill -9: seed ${seed}\n`);
  const figures = await killNine({ seed, cycles: 25, minutes: 1.5 });
  process.stdout.write(`kill -9: ${JSON.stringify(figures)}\n`);
  expect(figures.cycles).toBeGreaterThanOrEqual(10);
  expect(figures.unanswered).toBeGreaterThan(0);
  expect(figures.orders).toBeGreaterThan(0);
  expect(figures.executions).toBeGreaterThan(0);
}, 180_000);
