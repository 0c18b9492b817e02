/** Whatever arrives at /mcp in whatever envelope: an answer in JSON or an event stream, never a fault of ours. */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { McpOffer } from '#http/mcp-server.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { calls, envelopes, exchange, type Head, openSender } from '../support/envelopes.ts';

const RUNS = 1_000;
const TEST_TIMEOUT_MS = 90_000;

const open: Doors[] = [];
afterEach(async () => {
  for (const doors of open.splice(0)) await doors.close();
});
async function opened(offer?: (own: McpOffer) => McpOffer) {
  const doors = await openDoors({}, offer);
  open.push(doors);
  return { doors, sender: await openSender(doors.port, doors.key().key) };
}

test(
  'every envelope is answered, in JSON or as a stream, and none is a fault of ours',
  async () => {
    const { doors, sender } = await opened();
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(envelopes, async (envelope) => {
        const answer = await exchange(sender, envelope);
        statuses.add(answer.status);
        expect(answer.status).toBeGreaterThanOrEqual(200);
        expect(answer.status).toBeLessThan(500);
        if (answer.text === '') return;
        expect(answer.type).toMatch(/^(application\/(problem\+)?json|text\/event-stream)$/);
        expect(() => JSON.parse(answer.text) as unknown).not.toThrow();
      }),
      { numRuns: RUNS },
    );
    // A run that met one kind of answer alone has proven little.
    for (const status of [200, 202, 400, 404]) expect(statuses).toContain(status);
    expect(doors.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);

/** What a client makes of an answer: its status and its message, however that came. */
const message = ({ status, text }: Head): object => ({
  status,
  message: text === '' ? undefined : (JSON.parse(text) as unknown),
});

test(
  'the short way answers to the letter what the SDK alone would have answered',
  async () => {
    const short = await opened();
    const long = await opened((own) => ({ ...own, tools: { ...own.tools, has: () => false } }));
    let called = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(calls, envelopes), async (envelope) => {
        // Budgets fill up again, and both at the same time.
        for (const { doors } of [short, long]) await doors.clock.advanceAsync(500);
        const before = short.doors.script.seen.length;
        const [one, other] = await Promise.all([
          exchange(short.sender, envelope),
          exchange(long.sender, envelope),
        ]);
        expect(message(one)).toEqual(message(other));
        expect(short.doors.script.seen).toHaveLength(long.doors.script.seen.length);
        if (short.doors.script.seen.length > before) called += 1;
      }),
      { numRuns: RUNS },
    );
    expect(called).toBeGreaterThan(RUNS / 10);
  },
  TEST_TIMEOUT_MS,
);
