/** Every server scenario that the two protocol revisions require, through the production perimeter, authentication and sessions. */
import { afterEach, describe, expect, test } from 'vitest';
import { type BearerProxy, openBearerProxy } from '../support/conformance/bearer-proxy.ts';
import { type ConformanceOffer, conformanceOffer } from '../support/conformance/offer.ts';
import {
  type Report,
  type Revision,
  requiredScenarios,
  runSuite,
  shortcomings,
} from '../support/conformance/suite.ts';
import { type Doors, openDoors } from '../support/doors.ts';

const TEST_TIMEOUT_MS = 120_000;

/** Not required (added later, or beyond what the suite's own server can do), and held all the same. */
const HELD: Readonly<Record<Revision, readonly string[]>> = {
  '2025-11-25': ['server-session-lifecycle', 'json-schema-2020-12'],
  '2026-07-28': ['http-header-validation', 'json-schema-2020-12'],
};
const REQUIRED_COUNT: Readonly<Record<Revision, number>> = { '2025-11-25': 30, '2026-07-28': 37 };

let doors: Doors | undefined;
let proxy: BearerProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  await doors?.close();
});

async function run(revision: Revision, offer: ConformanceOffer): Promise<Report> {
  doors = await openDoors({ logLevel: 'warn' }, () => offer);
  proxy = await openBearerProxy(doors.port, doors.key().key);
  return runSuite(`${proxy.url}/mcp`, revision);
}

describe.each(['2025-11-25', '2026-07-28'] as const)('the suite of %s', (revision) => {
  test.each(['the short way', 'the SDK alone'] as const)(
    'finds nothing amiss in what it requires, over %s',
    async (way) => {
      const required = requiredScenarios(revision);
      expect(required).toHaveLength(REQUIRED_COUNT[revision]);
      const offer = conformanceOffer({ shortWay: way === 'the short way' });
      const report = await run(revision, offer);
      const amiss = shortcomings(report, [...required, ...HELD[revision]]);
      expect(amiss.join('\n')).toBe('');
      expect(offer.calls.direct > 0).toBe(way === 'the short way');
      expect(offer.calls.throughServer).toBeGreaterThan(0);
    },
    TEST_TIMEOUT_MS,
  );
});
