// Model-based: whatever is called, told, lost or recorded, an order takes legal ways only, and none ends without evidence.

import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TRANSITIONS } from '#domain/order.ts';
import { handClock } from '../support/hand-clock.ts';
import { commands, overheard, type Real } from '../support/order-commands.ts';
import { orderModel, toldOf, WAYS } from '../support/order-model.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { newKey, startedLine, temporaryDisk } from '../support/simulated-line.ts';

const SEED = process.env['MODEL_SEED'];
const RUNS = Number(process.env['MODEL_RUNS'] ?? 200);

async function opened(folder: string): Promise<Real> {
  const told = toldOf();
  const real: { clock: Real['clock'] } = { clock: handClock() };
  const broker = overheard(scriptedBroker(), told, () => real.clock.wallMs());
  const line = await startedLine(folder, real.clock, broker);
  const login = newKey(line);
  return Object.assign(real, {
    broker,
    told,
    line,
    who: login(line),
    calls: [],
    number: 0,
    async restart(now: Real) {
      await now.line.close();
      now.clock = handClock(now.clock.wallMs());
      now.line = await startedLine(folder, now.clock, now.broker);
      now.who = login(now.line);
    },
  });
}

it('lets no order take another way than the design has, and none end without evidence', async () => {
  const ends = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const folder = temporaryDisk();
      const real = await opened(folder);
      try {
        await fc.asyncModelRun(() => ({ model: orderModel(real.told), real }), steps);
        for (const way of waysOf(real)) ends.set(way, (ends.get(way) ?? 0) + 1);
      } finally {
        await real.line.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
  );
  process.stdout.write(`model: ${RUNS} runs, ways out of unknown: ${JSON.stringify([...ends])}\n`);
  // Or the claim about unknown orders was not put to the test.
  for (const way of ['rejected', 'open']) expect([...ends.keys()]).toContain(way);
}, 120_000);

it('agrees with the product’s own table about the ways out of unknown', () => {
  expect(new Set(TRANSITIONS.unknown)).toEqual(new Set(WAYS['unknown']));
});

/** Where orders went from `unknown`. */
const waysOf = ({ line }: Real): readonly string[] =>
  line.store.db
    .prepare<[], string>(
      `SELECT (SELECT n.status FROM order_timeline n WHERE n.order_id = t.order_id AND n.id > t.id
                 AND n.status <> 'unknown' ORDER BY n.id LIMIT 1) AS next
       FROM order_timeline t WHERE t.status = 'unknown' AND next IS NOT NULL`,
    )
    .pluck()
    .all();
