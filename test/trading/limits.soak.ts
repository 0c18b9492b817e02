// A thousand storms of two hundred orders against one limit, or SOAK_CYCLES; in sittings of SOAK_MINUTES, each goes on.

import { expect, it } from 'vitest';
import { limitStorm } from '../support/limit-storm.ts';
import { goOn } from '../support/resumable.ts';

it('never overshoots a limit over a thousand seeds', async () => {
  const seen = new Map<string, number>();
  const done = await goOn({
    name: 'limits',
    runs: Number(process.env['SOAK_CYCLES'] ?? 1_000),
    minutes: Number(process.env['SOAK_MINUTES'] ?? 30),
    async run(seed) {
      const { limit } = await limitStorm(seed);
      seen.set(limit, (seen.get(limit) ?? 0) + 1);
    },
  });
  process.stdout.write(`limits: ${JSON.stringify(Object.fromEntries(seen))}\n`);
  expect(done).toBeGreaterThan(0);
});
