/** The record after kill −9 at any moment: whole, without gap or duplicate, and with every commit that was told of. */
import { randomInt } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { auditFiles } from '#audit/lines.ts';
import { openAuditRoom, reopen } from '../support/audit-room.ts';
import { startChild } from '../support/child-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHILD = new URL('../support/record-for-ever.ts', import.meta.url);
const CYCLES = 24;

test('twenty-four times kill −9 leave the chain whole', { timeout: 120_000 }, async () => {
  const root = temporaryFolder();
  const seed = randomInt(1_000_000_000);
  const deaths = fc.sample(fc.integer({ min: 1, max: 60 }), { numRuns: CYCLES, seed });
  const told: string[] = [];
  for (const [cycle, commits] of deaths.entries()) {
    const child = startChild(CHILD, [root, String(cycle)]);
    for (let n = 0; n < commits; n++) {
      const line = await child.line();
      expect(line, `cycle ${cycle} of seed ${seed}`).toBeDefined();
      told.push(line ?? '');
    }
    await child.kill();
    // What was still in the pipe was committed too.
    for (let line = await child.line(); line !== undefined; line = await child.line()) told.push(line);
  }
  const room = openAuditRoom({ root });
  const report = room.verify();
  expect(report, `seed ${seed}`).toMatchObject({ ok: true, pending: 0, last_seq: report.lines });
  const commits = room.lines().flatMap((line) => {
    const { seq, kind, detail } = JSON.parse(line) as {
      seq: number;
      kind: string;
      detail: { cycle: string; n: number } | null;
    };
    return kind === 'commit' ? [`${seq} ${detail?.cycle} ${detail?.n}`] : [];
  });
  const recorded = new Set(commits);
  expect(recorded.size).toBe(commits.length);
  expect(
    told.filter((line) => !recorded.has(line)),
    `seed ${seed}`,
  ).toEqual([]);
  // A commit may have happened just before the word of it: at most one a cycle.
  expect(commits.length - told.length).toBeLessThanOrEqual(CYCLES);
  expect(auditFiles(room.folder).length).toBeGreaterThan(1);
});

test('a crash at every byte of a write is repaired', () => {
  const room = openAuditRoom();
  room.record('first');
  room.log.flush();
  room.record('second');
  room.record('third');
  room.crash();
  const died = temporaryFolder();
  cpSync(room.root, died, { recursive: true });
  const before = readFileSync(room.file);
  const whole = reopen(room);
  whole.crash();
  const after = readFileSync(room.file);
  expect(after.length).toBeGreaterThan(before.length * 2);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: after.length - before.length }), (length) => {
      const crashed = temporaryFolder();
      cpSync(died, crashed, { recursive: true });
      writeFileSync(join(crashed, 'log', 'audit.jsonl'), after.subarray(0, before.length + length));
      const next = openAuditRoom({ root: crashed });
      expect(next.lines().slice(0, 3).join('\n')).toBe(after.toString('utf8').trimEnd());
      expect(next.verify()).toMatchObject({ ok: true, pending: 0 });
      next.store.close();
    }),
    { numRuns: 60, examples: [[0], [1], [after.length - before.length]] },
  );
});
