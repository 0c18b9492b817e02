/** The gate before the wire: an order that may not leave any more does not, however long it waited for its turn. */
import { expect } from 'vitest';
import { WIRE_QUEUE_WAIT_MS } from '#limits.ts';
import { type ConformanceCase, conforms, either, needs, unless } from '../conformance-case.ts';
import type { Scene } from '../scene.ts';

/** From now on nothing goes for so long, by the word of the venue. */
async function holdFor(scene: Scene, seconds: number): Promise<void> {
  scene.venue.fault?.('read', {
    carriedOut: false,
    answer: { kind: 'status', status: 429, retryAfter: String(seconds) },
  });
  await expect(scene.soon(scene.adapter.openOrders())).rejects.toThrow(/./);
}

const REPLACES = unless(({ capabilities }) => capabilities.replace, 'it replaces nothing');

export const GATE_CASES: readonly ConformanceCase[] = [
  conforms('C50', 'The gate is asked about each order itself.', needs('wire'), async (scene) => {
    const order = await scene.working();
    expect(scene.gate.asked.map(({ brokerClientId }) => brokerClientId)).toContain(order.brokerClientId);
  }),
  conforms(
    'C51',
    'An order before a closed gate is not sent, and says why.',
    needs('wire'),
    async (scene) => {
      scene.gate.closed = 'The owner has stopped trading.';
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(outcome).toEqual({ kind: 'not_sent', reason: 'The owner has stopped trading.' });
      scene.gate.closed = undefined;
      await scene.pass(15_000);
      expect(scene.venue.count('place')).toBe(0);
    },
  ),
  conforms(
    'C52',
    'A replace before a closed gate is not sent.',
    either(needs('wire'), REPLACES),
    async (scene) => {
      const order = await scene.working();
      const { brokerOrderId = '' } = scene.venue.order(order.brokerClientId) ?? {};
      scene.gate.closed = 'The owner has stopped trading.';
      const next = scene.order({ id: order.brokerClientId, qty: scene.bench.qty.part });
      const outcome = await scene.soon(scene.adapter.replace({ ...next, brokerOrderId }));
      expect(outcome).toMatchObject({ kind: 'not_sent' });
      expect(scene.venue.count('replace')).toBe(0);
      expect(scene.venue.order(order.brokerClientId)?.qty).toBe(scene.bench.qty.whole);
    },
  ),
  conforms('C53', 'A cancel passes a closed gate.', needs('wire'), async (scene) => {
    const order = await scene.working();
    scene.gate.closed = 'The owner has stopped trading.';
    const { brokerClientId } = order;
    await expect(scene.soon(scene.adapter.cancel({ brokerClientId }))).resolves.toEqual({ kind: 'accepted' });
  }),
  conforms(
    'C54',
    'A gate that closes while an order waits for its turn keeps it back.',
    needs('wire'),
    async (scene) => {
      await holdFor(scene, 2);
      const told = scene.adapter.place(scene.order());
      await scene.pass(1_000);
      expect(scene.venue.count('place'), 'it waits').toBe(0);
      scene.gate.closed = 'The owner has stopped trading.';
      await expect(scene.soon(told)).resolves.toEqual({
        kind: 'not_sent',
        reason: 'The owner has stopped trading.',
      });
      await scene.pass(15_000);
      expect(scene.venue.count('place')).toBe(0);
    },
  ),
  conforms(
    'C55',
    'An order that would wait too long for its turn is not sent, then or later.',
    needs('wire'),
    async (scene) => {
      await holdFor(scene, 60);
      const beganMs = scene.bench.clock.monotonicMs();
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      expect(outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringMatching(/\S/) });
      expect(scene.bench.clock.monotonicMs() - beganMs).toBeLessThanOrEqual(WIRE_QUEUE_WAIT_MS + 200);
      await scene.pass(70_000);
      expect(scene.venue.count('place')).toBe(0);
    },
  ),
];
