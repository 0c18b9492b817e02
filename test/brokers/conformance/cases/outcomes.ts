/** The three outcomes of an order: nothing was sent, the venue's word, or unknown; and never a second request. */
import { expect } from 'vitest';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { WireFault } from '../bench.ts';
import { type ConformanceCase, conforms, needs, never } from '../conformance-case.ts';
import { LOST_ANSWERS } from '../lost-answers.ts';
import { type Scene, shortly } from '../scene.ts';

/** `unknown`, once, and nothing more of it however much time goes by. */
async function staysUnclear(scene: Scene, answer: WireFault['answer'], carriedOut: boolean): Promise<void> {
  const { adapter, venue } = scene;
  const order = scene.order();
  venue.fault?.('place', { carriedOut, answer });
  const outcome = await scene.soon(adapter.place(order));
  expect(outcome.kind, JSON.stringify(outcome)).toBe('unknown');
  await scene.pass(15_000);
  expect(venue.count('place'), 'requests at the venue').toBe(1);
  expect(venue.order(order.brokerClientId) !== undefined).toBe(carriedOut);
}

const unclearCases: readonly ConformanceCase[] = LOST_ANSWERS.flatMap(({ name, answer }, index) =>
  [true, false].map((carriedOut, half) =>
    conforms(
      `C${30 + index * 2 + half}`,
      `An order whose answer is lost (${name}), ${carriedOut ? 'the venue having taken it' : 'the venue having done nothing'}, is unknown, and is sent once.`,
      needs('wire'),
      (scene) => staysUnclear(scene, answer, carriedOut),
    ),
  ),
);

export const OUTCOME_CASES: readonly ConformanceCase[] = [
  conforms(
    'C20',
    'An order that the venue takes is accepted, under the id that it has there.',
    never,
    async (scene) => {
      const order = scene.order();
      const outcome = await scene.soon(scene.adapter.place(order));
      const { brokerOrderId } = scene.venue.order(order.brokerClientId) ?? {};
      expect(outcome).toEqual({ kind: 'accepted', brokerOrderId });
      expect(brokerOrderId).toEqual(expect.any(String));
      expect(scene.venue.orderCount()).toBe(1);
      expect(shortly(await scene.found(order.brokerClientId))).toBe(`open 0/${scene.bench.qty.whole}`);
    },
  ),
  conforms(
    'C21',
    'An order that the venue refuses is rejected, with the reason that it gave.',
    never,
    async (scene) => {
      const reason = scene.venue.rejectNext('place');
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringContaining(reason) });
      expect(scene.venue.count('place')).toBe(1);
      await expect(scene.soon(scene.adapter.openOrders())).resolves.toEqual([]);
    },
  ),
  conforms(
    'C22',
    'An order is not sent, and says so, while nothing listens at the venue.',
    needs('wire'),
    async (scene) => {
      await scene.venue.listen?.(false);
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringMatching(/\S/) });
      await scene.venue.listen?.(true);
      await scene.pass(30_000);
      expect(scene.venue.orderCount(), 'nor later').toBe(0);
    },
  ),
  conforms(
    'C23',
    'An order is answered for within the time that a call may take, whatever the venue does.',
    needs('wire'),
    async (scene) => {
      scene.venue.fault?.('place', { carriedOut: false, answer: { kind: 'silent' } });
      const { clock } = scene.bench;
      const beganMs = clock.monotonicMs();
      await scene.soon(scene.adapter.place(scene.order()));
      expect(clock.monotonicMs() - beganMs).toBeLessThanOrEqual(BROKER_CALL_TIMEOUT_MS);
    },
  ),
  conforms(
    'C24',
    'A refusal for too many requests is no acceptance, is sent once, and what comes next waits as long as the venue asked.',
    needs('wire'),
    async (scene) => {
      const { venue, adapter, bench } = scene;
      venue.fault?.('place', { carriedOut: false, answer: { kind: 'status', status: 429, retryAfter: '2' } });
      const refused = await scene.soon(adapter.place(scene.order()));
      const refusedAtMs = bench.clock.monotonicMs();
      expect(['not_sent', 'rejected', 'unknown']).toContain(refused.kind);
      const next = await scene.soon(adapter.place(scene.order()));
      expect(next).toMatchObject({ kind: 'accepted' });
      expect(bench.clock.monotonicMs() - refusedAtMs).toBeGreaterThanOrEqual(1_900);
      expect([venue.count('place'), venue.orderCount()]).toEqual([2, 1]);
    },
  ),
  conforms(
    'C25',
    'A value in the answer that no document knows is no refusal, and the order is sent once.',
    needs('wire'),
    async (scene) => {
      scene.venue.fault?.('place', { carriedOut: true, answer: { kind: 'unknown-value' } });
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(['accepted', 'unknown']).toContain(outcome.kind);
      await scene.pass(15_000);
      expect(scene.venue.count('place')).toBe(1);
    },
  ),
  conforms(
    'C26',
    'A session that is refused (401, 403) accepts nothing, and the order is not sent again with another.',
    needs('wire'),
    async (scene) => {
      for (const status of [401, 403]) {
        const before = scene.venue.count('place');
        scene.venue.fault?.('place', { carriedOut: false, answer: { kind: 'status', status } });
        const outcome = await scene.soon(scene.adapter.place(scene.order()));
        expect(outcome.kind, String(status)).not.toBe('accepted');
        await scene.pass(15_000);
        expect(scene.venue.count('place') - before, String(status)).toBeLessThanOrEqual(1);
      }
      expect(scene.venue.orderCount()).toBe(0);
    },
  ),
  conforms(
    'C27',
    'An order whose outcome is unknown is found at the venue, and so is its absence.',
    needs('wire'),
    async (scene) => {
      const { queryByClientId } = scene.subject.capabilities.ids;
      for (const carriedOut of [true, false]) {
        const order = scene.order();
        scene.venue.fault?.('place', { carriedOut, answer: { kind: 'reset' } });
        expect(await scene.soon(scene.adapter.place(order))).toMatchObject({ kind: 'unknown' });
        const open = await scene.soon(scene.adapter.openOrders());
        expect(open.some(({ brokerClientId }) => brokerClientId === order.brokerClientId)).toBe(carriedOut);
        if (queryByClientId) expect((await scene.found(order.brokerClientId)) !== undefined).toBe(carriedOut);
      }
    },
  ),
  ...unclearCases,
];
