/** History by cursor is the truth about fills: nothing twice, nothing missed, whatever was heard meanwhile. */
import { expect } from 'vitest';
import { type ConformanceCase, conforms, needs, never } from '../conformance-case.ts';
import type { Scene } from '../scene.ts';

async function bought(scene: Scene): Promise<void> {
  const order = await scene.working();
  await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
}
const since = (scene: Scene, cursor: string | undefined) => scene.soon(scene.adapter.historySince(cursor));
const idsOf = (told: readonly { readonly executionId: string }[]): readonly string[] =>
  told.map(({ executionId }) => executionId);

/** More than any page of an answer. */
const MANY = 105;

export const HISTORY_CASES: readonly ConformanceCase[] = [
  conforms('C140', 'Who has no cursor is told where the books begin, and gets one.', never, async (scene) => {
    await bought(scene);
    const { executions, cursor } = await since(scene, undefined);
    expect(executions).toHaveLength(scene.subject.historyBegins === 'now' ? 0 : 1);
    expect(cursor).toEqual(expect.any(String));
  }),
  conforms('C141', 'A cursor leads to what came after it, and to the same again.', never, async (scene) => {
    const first = await since(scene, undefined);
    await bought(scene);
    const second = await since(scene, first.cursor);
    expect(second.executions).toHaveLength(1);
    await expect(since(scene, second.cursor)).resolves.toMatchObject({ executions: [] });
    await bought(scene);
    const third = await since(scene, second.cursor);
    expect(third.executions).toHaveLength(1);
    const all = await since(scene, first.cursor);
    expect(idsOf(all.executions)).toEqual([...idsOf(second.executions), ...idsOf(third.executions)]);
  }),
  conforms(
    'C142',
    'A cursor leads on after a restart, to what happened while nobody listened too.',
    never,
    async (scene) => {
      const { cursor } = await since(scene, undefined);
      const order = await scene.working();
      await scene.soon(scene.adapter.close());
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
      const again = await scene.reopened();
      const { executions } = await since(again, cursor);
      expect(executions).toHaveLength(1);
      expect(executions[0]?.brokerClientId ?? order.brokerClientId).toBe(order.brokerClientId);
    },
  ),
  conforms('C143', 'More fills than a page holds are all told, oldest first.', never, async (scene) => {
    const { cursor } = await since(scene, undefined);
    for (let number = 0; number < MANY; number++) await bought(scene);
    const { executions } = await since(scene, cursor);
    expect(new Set(idsOf(executions)).size).toBe(MANY);
    expect(executions).toHaveLength(MANY);
    const times = executions.map(({ timeMs }) => timeMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }),
  conforms(
    'C144',
    'A fill whose news was lost with the stream is in history, once.',
    needs('stream'),
    async (scene) => {
      const { cursor } = await since(scene, undefined);
      const order = await scene.working();
      await scene.venue.stream?.drop();
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
      await scene.pass(30_000);
      const { executions } = await since(scene, cursor);
      expect(executions).toHaveLength(1);
      const told = new Set([...idsOf(scene.executionsTold()), ...idsOf(executions)]);
      expect(told.size, 'nor under another id').toBe(1);
    },
  ),
  conforms(
    'C145',
    'A fill of an order from the broker’s own screen is told, and is nobody’s of ours.',
    needs('elsewhere'),
    async (scene) => {
      const { cursor } = await since(scene, undefined);
      const { qty, prices } = scene.bench;
      const id =
        (await scene.venue.placeElsewhere?.({ side: 'buy', qty: qty.whole, limit: prices.buyLimit })) ?? '';
      await scene.venue.fill(id, qty.whole, prices.buyLimit);
      await scene.pass(2_000);
      const { executions } = await since(scene, cursor);
      expect(executions).toMatchObject([{ brokerOrderId: id, brokerClientId: null, side: 'buy' }]);
    },
  ),
];
