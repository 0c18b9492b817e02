/**
 * docs/writing-a-broker.md shows code that runs: its pieces are those of this folder, which pass the suite of all brokers. A real one's
 * file is called conformance.test.ts, by which `npm run docs` finds what it writes of in docs/brokers.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BROKERS } from '#brokers/index.ts';
import { CASES } from '../conformance/cases/index.ts';
import { recordedResults } from '../conformance/results.ts';
import { runConformance } from '../conformance/suite.ts';
import { exampleSubject } from './bench.ts';

runConformance(exampleSubject);

const guide = readFileSync(join(import.meta.dirname, '../../../docs/writing-a-broker.md'), 'utf8');

it('is what the guide shows, line by line', () => {
  const sources = readdirSync(import.meta.dirname).map((name) =>
    readFileSync(join(import.meta.dirname, name), 'utf8'),
  );
  const blocks = [...guide.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, block = '']) => block);
  expect(blocks.length).toBeGreaterThan(2);
  expect(blocks.filter((block) => !sources.some((source) => source.includes(block)))).toEqual([]);
});

it('names cases that there are', () => {
  const named = [...guide.matchAll(/\bC\d+\b/g)].map(([number]) => number);
  expect(named.length).toBeGreaterThan(10);
  expect(CASES.map(({ number }) => number)).toEqual(expect.arrayContaining(named));
});

it('is no broker of the product', () => {
  expect(BROKERS.map(({ id }) => id)).not.toContain(exampleSubject.broker);
  expect(recordedResults().map(({ broker }) => broker)).not.toContain(exampleSubject.broker);
});
