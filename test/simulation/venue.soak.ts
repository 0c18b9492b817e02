// Ten thousand seeded runs against a venue with every fault, in sittings of SOAK_MINUTES; each goes on where the last one ended.

import { expect, it } from 'vitest';
import { goOn } from '../support/resumable.ts';
import { simulate } from '../support/simulated-run.ts';

it('never sends an order twice over ten thousand simulated runs, and has the venue’s books ten seconds after it healed', async () => {
  const done = await goOn({
    name: 'simulations',
    runs: Number(process.env['SOAK_CYCLES'] ?? 10_000),
    minutes: Number(process.env['SOAK_MINUTES'] ?? 30),
    async run(seed) {
      expect(await simulate(seed)).toMatchObject({ faults: [] });
    },
  });
  expect(done).toBeGreaterThan(0);
});
