// A thousand times kill −9 at the labelled steps of the order line, or SOAK_CYCLES; in sittings of SOAK_MINUTES, each goes on.

import { expect, it } from 'vitest';
import { dieAll, drawDeaths, stepsOfActs } from '../support/labelled-kills.ts';
import { goOn } from '../support/resumable.ts';

const KILLS_OF_A_RUN = 20;

it('loses nothing and sends nothing twice over a thousand kills at labelled steps', async () => {
  const runs = Math.ceil(Number(process.env['SOAK_CYCLES'] ?? 1_000) / KILLS_OF_A_RUN);
  const steps = await stepsOfActs();
  const done = await goOn({
    name: 'labelled-kills',
    runs,
    minutes: Number(process.env['SOAK_MINUTES'] ?? 30),
    async run(seed) {
      const killed = await dieAll(drawDeaths(steps, seed, KILLS_OF_A_RUN));
      expect(killed.filter(({ faults }) => faults.length > 0)).toEqual([]);
    },
  });
  expect(done).toBeGreaterThan(0);
});
