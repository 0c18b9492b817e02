/** The owner is told after kill −9 at any moment: nothing that was on the record is missing, and what came twice has one id. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startChild } from '../support/child-process.ts';
import { idsIn, openNotifyRoom, openReceiver, realTurn, titlesIn } from '../support/notify-room.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHILD = new URL('../support/tell-for-ever.ts', import.meta.url);
const CYCLES = 6;

test('six times kill −9 in the middle of telling', { timeout: 120_000 }, async () => {
  const root = temporaryFolder();
  const receiver = await openReceiver();
  // Slow, so that death also comes between what was sent and what is noted of it.
  receiver.answer = (response) => void setTimeout(() => response.writeHead(200).end(), 20);
  const seed = randomInt(1_000_000_000);
  // Fewer in all than an hour takes.
  const deaths = fc.sample(fc.integer({ min: 1, max: 5 }), { numRuns: CYCLES, seed });
  const told: string[] = [];
  for (const [cycle, commits] of deaths.entries()) {
    const child = startChild(CHILD, [root, String(cycle), receiver.url]);
    for (let n = 0; n < commits; n++) told.push((await child.line()) ?? 'nothing');
    await realTurn(randomInt(60));
    await child.kill();
    for (let line = await child.line(); line !== undefined; line = await child.line()) told.push(line);
  }
  const room = openNotifyRoom({ root, start: false });
  room.clock.setWall(Date.now() + 60_000);
  room.notify.start();
  await room.until(() =>
    told.every((agent) => titlesIn(receiver).some((title) => title.startsWith(`${agent} `))),
  );
  await room.until(() => room.rows(`SELECT 1 FROM notify_jobs WHERE state = 'waiting'`).length === 0);
  const idsOf = new Map<string, Set<unknown>>();
  for (const [index, title] of titlesIn(receiver).entries())
    idsOf.set(title, (idsOf.get(title) ?? new Set()).add(idsIn(receiver)[index]));
  for (const [title, ids] of idsOf) expect(ids.size, `${title}, seed ${seed}`).toBe(1);
  expect(idsOf.size).toBeGreaterThanOrEqual(told.length);
  expect(room.faults).toEqual([]);
});
