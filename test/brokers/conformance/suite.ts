/**
 * The suite that every broker's adapter passes: numbered cases, each on a bench of its own. What was passed and what was skipped is
 * compared with what docs/brokers.md was made of; `npm run docs` writes both.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ConformanceSubject } from './bench.ts';
import { CASES } from './cases/index.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { type ConformanceResults, PASSED, RESULTS_FOLDER } from './results.ts';
import { openScene } from './scene.ts';

const isRecording = process.env['CONFORMANCE_RECORD'] === '1';

export function runConformance(subject: ConformanceSubject): void {
  describe(`the adapter of ${nameOf(subject)}`, () => {
    const outcomes = new Map<string, string>();
    for (const one of CASES) {
      it(`${one.number} ${one.title}`, async (context) => {
        const reason = one.skipWhen(subject);
        if (reason !== undefined) {
          outcomes.set(one.number, reason);
          return context.skip(reason);
        }
        await runCase(one, subject);
        outcomes.set(one.number, PASSED);
      });
    }

    afterAll(() => {
      // Some cases alone (`-t`) prove nothing of the others.
      if (!isRecording || outcomes.size !== CASES.length) return;
      mkdirSync(RESULTS_FOLDER, { recursive: true });
      writeFileSync(pathOf(subject), `${JSON.stringify(resultsOf(subject, outcomes), null, 1)}\n`);
    });

    it('is what docs/brokers.md says of it: `npm run docs` writes it anew', (context) => {
      if (isRecording || outcomes.size !== CASES.length) return context.skip('not all cases were run');
      // test/documents.test.ts says when one that is in the list of brokers has none.
      if (!existsSync(pathOf(subject))) return context.skip('it was never recorded');
      expect(JSON.parse(readFileSync(pathOf(subject), 'utf8'))).toEqual(
        JSON.parse(JSON.stringify(resultsOf(subject, outcomes))),
      );
    });
  });
}

async function runCase(one: ConformanceCase, subject: ConformanceSubject): Promise<void> {
  const scene = await openScene(subject);
  try {
    await one.run(scene);
  } finally {
    await scene.bench.close();
  }
}

const nameOf = ({ name, broker }: ConformanceSubject): string => name ?? broker;
const pathOf = (subject: ConformanceSubject): string =>
  join(RESULTS_FOLDER, `${nameOf(subject)}.generated.json`);

function resultsOf(subject: ConformanceSubject, outcomes: ReadonlyMap<string, string>): ConformanceResults {
  const { broker, label, capabilities, verifiedAgainst, limits } = subject;
  const cases = CASES.map(({ number, title }) => ({ number, title, outcome: outcomes.get(number) ?? '' }));
  return { name: nameOf(subject), broker, label, verifiedAgainst, capabilities, limits, cases };
}
