/** Replacing and canceling: the order keeps its identity, what is gone is gone, and what is unclear is asked for once. */
import { expect } from 'vitest';
import type { ClearedOrder } from '#domain/order.ts';
import type { WireFault } from '../bench.ts';
import { type ConformanceCase, conforms, either, needs, never, unless } from '../conformance-case.ts';
import { LOST_ANSWERS } from '../lost-answers.ts';
import { type Scene, shortly } from '../scene.ts';

const REPLACES = unless(({ capabilities }) => capabilities.replace, 'it replaces nothing');

/** The same order with less of it. */
function smaller(scene: Scene, { brokerClientId }: ClearedOrder): ClearedOrder {
  const { bench, venue } = scene;
  const order = { ...scene.order({ id: brokerClientId, qty: bench.qty.part }), brokerClientId };
  const { brokerOrderId } = venue.order(brokerClientId) ?? {};
  return brokerOrderId === undefined ? order : { ...order, brokerOrderId };
}
const cancel = (scene: Scene, { brokerClientId }: { readonly brokerClientId: string }) =>
  scene.soon(scene.adapter.cancel({ brokerClientId }));

const changeIsUnclear =
  (kind: 'replace' | 'cancel', answer: WireFault['answer'], carriedOut: boolean) =>
  async (scene: Scene): Promise<void> => {
    const order = await scene.working();
    scene.venue.fault?.(kind, { carriedOut, answer });
    const { adapter } = scene;
    const outcome =
      kind === 'replace'
        ? await scene.soon(adapter.replace(smaller(scene, order)))
        : await cancel(scene, order);
    expect(outcome.kind, JSON.stringify(outcome)).toBe('unknown');
    await scene.pass(15_000);
    expect(scene.venue.count(kind)).toBe(1);
    expect(scene.venue.count('place'), 'nor is it placed anew').toBe(1);
  };

/** One half of the ways each, the venue having done it or not in turn. */
const unclearChanges = LOST_ANSWERS.flatMap(({ name, answer }, index) => [
  conforms(
    `C${70 + index}`,
    `A replace whose answer is lost (${name}) is unknown, and is sent once.`,
    either(needs('wire'), REPLACES),
    changeIsUnclear('replace', answer, index % 2 === 0),
  ),
  conforms(
    `C${80 + index}`,
    `A cancel whose answer is lost (${name}) is unknown, and is sent once.`,
    needs('wire'),
    changeIsUnclear('cancel', answer, index % 2 === 0),
  ),
]);

export const CHANGE_CASES: readonly ConformanceCase[] = [
  conforms('C60', 'A replaced order has its new terms and its old id.', REPLACES, async (scene) => {
    const order = await scene.working();
    const outcome = await scene.soon(scene.adapter.replace(smaller(scene, order)));
    expect(outcome).toMatchObject({ kind: 'accepted', brokerOrderId: expect.any(String) });
    const { part } = scene.bench.qty;
    expect(shortly(await scene.found(order.brokerClientId))).toBe(`open 0/${part}`);
    const open = await scene.soon(scene.adapter.openOrders());
    expect(open.map(({ brokerClientId }) => brokerClientId)).toEqual([order.brokerClientId]);
  }),
  conforms('C61', 'A fill of a replaced order is told under its id.', REPLACES, async (scene) => {
    const order = await scene.working();
    await scene.soon(scene.adapter.replace(smaller(scene, order)));
    await scene.venue.fill(order.brokerClientId, scene.bench.qty.part, scene.bench.prices.buyLimit);
    await scene.until(
      () => scene.lastTold(order.brokerClientId)?.status === 'filled',
      'it is told as filled',
    );
    expect(scene.executionsTold().at(-1)).toMatchObject({ brokerClientId: order.brokerClientId });
  }),
  conforms(
    'C62',
    'A replace that the venue refuses leaves the order as it was.',
    either(needs('wire'), REPLACES),
    async (scene) => {
      const order = await scene.working();
      const reason = scene.venue.rejectNext('replace');
      const outcome = await scene.soon(scene.adapter.replace(smaller(scene, order)));
      expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringContaining(reason) });
      expect(shortly(await scene.found(order.brokerClientId))).toBe(`open 0/${scene.bench.qty.whole}`);
    },
  ),
  conforms(
    'C63',
    'A replace of what has been filled changes nothing and opens nothing.',
    REPLACES,
    async (scene) => {
      const order = await scene.working();
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
      await scene.until(
        () => scene.lastTold(order.brokerClientId)?.status === 'filled',
        'it is told as filled',
      );
      const orders = scene.venue.orderCount();
      const outcome = await scene.soon(scene.adapter.replace(smaller(scene, order)));
      expect(['rejected', 'not_sent']).toContain(outcome.kind);
      expect(scene.venue.orderCount()).toBe(orders);
    },
  ),
  conforms('C64', 'A replace of what the venue never had opens nothing.', REPLACES, async (scene) => {
    const outcome = await scene.soon(scene.adapter.replace(scene.order()));
    expect(['rejected', 'not_sent']).toContain(outcome.kind);
    expect([scene.venue.orderCount(), scene.venue.count('place')]).toEqual([0, 0]);
  }),
  conforms(
    'C65',
    'A replace that is not declared is never sent, nor made up of a cancel and a new order.',
    unless(({ capabilities }) => !capabilities.replace, 'it replaces'),
    async (scene) => {
      const order = await scene.working();
      const outcome = await scene.soon(scene.adapter.replace(smaller(scene, order)));
      expect(['rejected', 'not_sent']).toContain(outcome.kind);
      expect([scene.venue.count('place'), scene.venue.count('cancel')]).toEqual([1, 0]);
      expect(scene.venue.order(order.brokerClientId)?.status).toBe('open');
    },
  ),
  ...unclearChanges,
  conforms(
    'C90',
    'A cancel that the venue takes is accepted, and the end of the order is told.',
    never,
    async (scene) => {
      const order = await scene.working();
      await expect(cancel(scene, order)).resolves.toEqual({ kind: 'accepted' });
      await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'canceled', 'its end is told');
      expect(scene.venue.order(order.brokerClientId)?.status).toBe('canceled');
      await expect(scene.soon(scene.adapter.openOrders())).resolves.toEqual([]);
    },
  ),
  conforms('C91', 'What was canceled before is gone.', never, async (scene) => {
    const order = await scene.working();
    await cancel(scene, order);
    await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'canceled', 'its end is told');
    await expect(cancel(scene, order)).resolves.toMatchObject({ kind: 'gone', reason: expect.any(String) });
  }),
  conforms('C92', 'What was filled before is gone, and stays filled.', never, async (scene) => {
    const order = await scene.working();
    await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
    await scene.until(
      () => scene.lastTold(order.brokerClientId)?.status === 'filled',
      'it is told as filled',
    );
    await expect(cancel(scene, order)).resolves.toMatchObject({ kind: 'gone' });
    expect(scene.venue.order(order.brokerClientId)?.status).toBe('filled');
  }),
  conforms('C93', 'A cancel of what the venue never had is not accepted.', never, async (scene) => {
    const outcome = await cancel(scene, { brokerClientId: scene.id() });
    expect(['gone', 'rejected']).toContain(outcome.kind);
  }),
  conforms(
    'C94',
    'A cancel that the venue refuses is rejected, and the order works on.',
    needs('wire'),
    async (scene) => {
      const order = await scene.working();
      const reason = scene.venue.rejectNext('cancel');
      await expect(cancel(scene, order)).resolves.toMatchObject({
        kind: 'rejected',
        reason: expect.stringContaining(reason),
      });
      expect(shortly(await scene.found(order.brokerClientId))).toBe(`open 0/${scene.bench.qty.whole}`);
    },
  ),
  conforms(
    'C95',
    'A cancel that meets a part that is filled takes back the rest alone.',
    never,
    async (scene) => {
      const order = await scene.working();
      const { whole, part } = scene.bench.qty;
      await scene.venue.fill(order.brokerClientId, part, scene.bench.prices.buyLimit);
      await expect(cancel(scene, order)).resolves.toEqual({ kind: 'accepted' });
      await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'canceled', 'its end is told');
      expect(shortly(scene.lastTold(order.brokerClientId))).toBe(`canceled ${part}/${whole}`);
      expect(new Set(scene.executionsTold().map(({ executionId }) => executionId)).size).toBe(1);
    },
  ),
  conforms(
    'C96',
    'A cancel that comes too late for a fill nobody has heard of is no cancel, and the fill is told.',
    needs('stream'),
    async (scene) => {
      const order = await scene.working();
      scene.venue.stream?.hold();
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
      const outcome = await cancel(scene, order);
      expect(['gone', 'rejected']).toContain(outcome.kind);
      await scene.venue.stream?.release('in order');
      await scene.until(() => scene.executionsTold().length > 0, 'the fill is told');
      expect(scene.lastTold(order.brokerClientId)?.status).toBe('filled');
    },
  ),
  conforms(
    'C97',
    'An order from the broker’s own screen is canceled by the id that it has there.',
    needs('elsewhere'),
    async (scene) => {
      const { qty, prices } = scene.bench;
      const brokerOrderId =
        (await scene.venue.placeElsewhere?.({ side: 'buy', qty: qty.whole, limit: prices.buyLimit })) ?? '';
      const [found] = await scene.soon(scene.adapter.openOrders());
      expect(found).toMatchObject({ brokerOrderId, brokerClientId: null });
      const brokerClientId = `external_${brokerOrderId}`;
      await expect(scene.soon(scene.adapter.cancel({ brokerClientId, brokerOrderId }))).resolves.toEqual({
        kind: 'accepted',
      });
      await scene.pass(2_000);
      await expect(scene.soon(scene.adapter.openOrders())).resolves.toEqual([]);
    },
  ),
];
