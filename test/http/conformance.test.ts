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

/** Asked only of servers that say they tell of changes, which this offer does not. */
const OF_LISTS_THAT_CHANGE = /sep-2575-server-sends-(tools|prompts)-list-changed-on-subscription/;

let doors: Doors | undefined;
let proxy: BearerProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  await doors?.close();
});

interface Ran {
  readonly report: Report;
  readonly offer: ConformanceOffer;
}
async function run(revision: Revision): Promise<Ran> {
  const offer = conformanceOffer();
  doors = await openDoors({ logLevel: 'warn' }, offer);
  proxy = await openBearerProxy(doors.port, doors.key().key);
  return { report: await runSuite(`${proxy.url}/mcp`, revision), offer };
}

describe('the protocol suite', () => {
  test(
    'finds nothing amiss under 2025-11-25, in sessions and on the short way',
    async () => {
      const required = requiredScenarios('2025-11-25');
      expect(required).toHaveLength(30);
      const { report, offer } = await run('2025-11-25');
      // Not required of this revision, and held all the same.
      const held = [...required, 'server-session-lifecycle'];
      expect(shortcomings(report, held).join('\n')).toBe('');
      expect(offer.calls.direct).toBeGreaterThan(0);
      expect(offer.calls.throughServer).toBeGreaterThan(0);
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'finds nothing amiss under 2026-07-28',
    async () => {
      const required = requiredScenarios('2026-07-28');
      expect(required).toHaveLength(37);
      const { report, offer } = await run('2026-07-28');
      const held = [...required, 'http-header-validation', 'json-schema-2020-12'];
      const amiss = shortcomings(report, held).filter((line) => !OF_LISTS_THAT_CHANGE.test(line));
      expect(amiss.join('\n')).toBe('');
      expect(offer.calls.throughServer).toBeGreaterThan(0);
    },
    TEST_TIMEOUT_MS,
  );
});
