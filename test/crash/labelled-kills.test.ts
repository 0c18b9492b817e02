// kill −9 at every labelled step of the order line, a hundred times; `npm run soak` does it a thousand times.

import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { dieAll, drawDeaths, stepsOfActs } from '../support/labelled-kills.ts';

const KILLS = 100;

it('loses nothing, sends nothing twice and keeps the record whole, killed at a hundred labelled steps', async () => {
  const seed = Number(process.env['CRASH_SEED'] ?? randomInt(1_000_000_000));
  const steps = await stepsOfActs();
  const labels = [...steps.values()].flat();
  process.stdout.write(`labelled kills: seed ${seed}, ${labels.length} steps of ${steps.size} acts\n`);
  const killed = await dieAll(drawDeaths(steps, seed, KILLS, ['place', 'approve']));
  const died = killed.filter(({ died: dead }) => dead);
  const slowestReadyMs = Math.max(...killed.map(({ readyMs }) => readyMs));
  process.stdout.write(`labelled kills: ${died.length} died, slowest ready ${slowestReadyMs} ms\n`);
  expect(killed.filter(({ faults }) => faults.length > 0)).toEqual([]);
  // A step that the state of the books left out is no death.
  expect(died.length).toBeGreaterThan(KILLS * 0.9);
  expect(slowestReadyMs).toBeLessThan(5_000);
  // What must be among them, or this proves nothing: durable and not sent, sent and not answered, answered and not written.
  const names = died.map(({ name }) => name);
  for (const label of ['place: about to be sent', 'place: sent', 'place: answered', 'a transaction begins'])
    expect(names).toContain(label);
  expect(names).toEqual(expect.arrayContaining([expect.stringMatching(/^written: received, submitting/)]));
  expect(names).toEqual(expect.arrayContaining([expect.stringMatching(/^committed: received, submitting/)]));
}, 180_000);
