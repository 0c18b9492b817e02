/** The three outcomes of a request that moves money: nothing was sent, the venue's word, or unknown; and never a second request. */
import { expect } from 'vitest';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { WireFault } from '../bench.ts';
import { type ConformanceCase, needs, never } from '../conformance-case.ts';
import { type Scene, shortly } from '../scene.ts';

/** After any of these nobody knows whether the venue did it. */
const UNCLEAR: readonly { readonly name: string; readonly answer: WireFault['answer'] }[] = [
  { name: 'silent', answer: { kind: 'silent' } },
  { name: 'reset', answer: { kind: 'reset' } },
  { name: 'cut', answer: { kind: 'cut' } },
  { name: 'malformed', answer: { kind: 'malformed' } },
  { name: '500', answer: { kind: 'status', status: 500 } },
  { name: '502', answer: { kind: 'status', status: 502 } },
  { name: '504', answer: { kind: 'status', status: 504 } },
];

/** `unknown`, once, and nothing more of it however much time goes by. */
async function staysUnclear(scene: Scene, answer: WireFault['answer'], carriedOut: boolean): Promise<void> {
  const { adapter, venue } = scene;
  const order = scene.order();
  venue.fault?.('place', { carriedOut, answer });
  const sent = venue.count('place');
  const outcome = await scene.soon(adapter.place(order));
  expect(outcome.kind, JSON.stringify(outcome)).toBe('unknown');
  await scene.pass(15_000);
  expect(venue.count('place') - sent, 'requests at the venue').toBe(1);
  expect(venue.order(order.brokerClientId) !== undefined).toBe(carriedOut);
}

const unclearCases: readonly ConformanceCase[] = UNCLEAR.flatMap(({ name, answer }, index) =>
  [true, false].map((carriedOut, half) => ({
    number: `C${20 + index * 2 + half}`,
    title: `An order whose answer is lost (${name}) ${carriedOut ? 'after the venue has taken it' : 'without having been taken'} is unknown, and is sent once.`,
    skipWhen: needs('wire'),
    run: (scene: Scene) => staysUnclear(scene, answer, carriedOut),
  })),
);

export const OUTCOME_CASES: readonly ConformanceCase[] = [
  {
    number: 'C15',
    title: 'An order that the venue takes is accepted, under the id that it has there.',
    skipWhen: never,
    async run(scene) {
      const order = scene.order();
      const outcome = await scene.soon(scene.adapter.place(order));
      expect(outcome).toEqual({
        kind: 'accepted',
        brokerOrderId: scene.venue.order(order.brokerClientId)?.brokerOrderId,
      });
      expect(scene.venue.orderCount()).toBe(1);
      expect(shortly(await scene.found(order.brokerClientId))).toBe(`open 0/${scene.bench.qty.whole}`);
    },
  },
  {
    number: 'C16',
    title: 'An order that the venue refuses is rejected, with the reason that it gave.',
    skipWhen: never,
    async run(scene) {
      const reason = scene.venue.rejectNext('place');
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringContaining(reason) });
      await expect(scene.soon(scene.adapter.openOrders())).resolves.toEqual([]);
    },
  },
  {
    number: 'C17',
    title: 'An order is not sent, and says so, while nothing listens at the venue.',
    skipWhen: needs('wire'),
    async run(scene) {
      await scene.venue.listen?.(false);
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringMatching(/\S/) });
      await scene.venue.listen?.(true);
      await scene.pass(30_000);
      expect(scene.venue.orderCount(), 'nor later').toBe(0);
    },
  },
  {
    number: 'C18',
    title: 'An order is answered for within the time that a call may take, whatever the venue does.',
    skipWhen: needs('wire'),
    async run(scene) {
      scene.venue.fault?.('place', { carriedOut: false, answer: { kind: 'silent' } });
      const beganMs = scene.bench.clock.monotonicMs();
      await scene.soon(scene.adapter.place(scene.order()));
      expect(scene.bench.clock.monotonicMs() - beganMs).toBeLessThanOrEqual(BROKER_CALL_TIMEOUT_MS);
    },
  },
  ...unclearCases,
];
