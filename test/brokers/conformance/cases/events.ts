/** What is told while orders work: every fill at least once under an id of its own, whatever order and however often it comes. */
import { expect } from 'vitest';
import { add, type Quantity, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { ClearedOrder } from '#domain/order.ts';
import { type ConformanceCase, conforms, either, needs, never } from '../conformance-case.ts';
import { type Scene, shortly } from '../scene.ts';

const idsOf = (told: readonly { readonly executionId: string }[]): readonly string[] =>
  [...new Set(told.map(({ executionId }) => executionId))].toSorted();
const fillWhole = (scene: Scene, { brokerClientId }: ClearedOrder): Promise<void> =>
  scene.venue.fill(brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
const rest = ({ bench }: Scene): string => {
  const { whole, part } = bench.qty;
  return subtracted(whole, part);
};
/** Without an exponent, and exact. */
function subtracted(whole: string, part: string): string {
  const places = Math.max(...[whole, part].map((one) => one.split('.')[1]?.length ?? 0));
  const units = (one: string): bigint => {
    const [integer = '', fraction = ''] = one.split('.');
    return BigInt(`${integer}${fraction.padEnd(places, '0')}`);
  };
  const left = String(units(whole) - units(part)).padStart(places + 1, '0');
  return places === 0 ? left : `${left.slice(0, -places)}.${left.slice(-places)}`.replace(/\.?0+$/, '');
}
const isFilled =
  (scene: Scene, { brokerClientId }: ClearedOrder) =>
  (): boolean =>
    scene.lastTold(brokerClientId)?.status === 'filled';
const total = (told: readonly { readonly qty: Quantity; readonly executionId: string }[]): string => {
  const once = new Map(told.map(({ executionId, qty }) => [executionId, qty]));
  return text([...once.values()].reduce((sum, qty) => add(sum, qty), ZERO_QUANTITY));
};

export const EVENT_CASES: readonly ConformanceCase[] = [
  conforms('C120', 'An order that works is told as open, under our id.', never, async (scene) => {
    const order = await scene.working();
    await scene.until(() => scene.lastTold(order.brokerClientId), 'it is told of');
    expect(shortly(scene.lastTold(order.brokerClientId))).toBe(`open 0/${scene.bench.qty.whole}`);
  }),
  conforms(
    'C121',
    'A fill is told with its order, its side, its size and a price no worse than the limit.',
    never,
    async (scene) => {
      const order = await scene.working();
      await fillWhole(scene, order);
      await scene.until(isFilled(scene, order), 'it is told as filled');
      const [execution] = scene.executionsTold();
      const { brokerOrderId } = scene.venue.order(order.brokerClientId) ?? {};
      expect(execution).toMatchObject({
        brokerOrderId,
        side: 'buy',
        instrument: order.instrument,
        executionId: expect.stringMatching(/\S/),
      });
      expect(execution?.brokerClientId ?? order.brokerClientId).toBe(order.brokerClientId);
      expect(execution && text(execution.qty)).toBe(scene.bench.qty.whole);
      expect(execution?.price.gt('0') && order.limitPrice?.gte(execution.price)).toBe(true);
      expect(execution && text(execution.fee)).toMatch(/^-?\d/);
    },
  ),
  conforms(
    'C122',
    'An order that is filled in parts is told as partly filled, each part with an id of its own.',
    never,
    async (scene) => {
      const order = await scene.working();
      const { part, whole } = scene.bench.qty;
      await scene.venue.fill(order.brokerClientId, part, scene.bench.prices.buyLimit);
      await scene.until(
        () => scene.lastTold(order.brokerClientId)?.status === 'partially_filled',
        'its part is told',
      );
      expect(shortly(scene.lastTold(order.brokerClientId))).toBe(`partially_filled ${part}/${whole}`);
      await scene.venue.fill(order.brokerClientId, rest(scene), scene.bench.prices.buyLimit);
      await scene.until(isFilled(scene, order), 'it is told as filled');
      expect(idsOf(scene.executionsTold())).toHaveLength(2);
      expect(total(scene.executionsTold())).toBe(whole);
    },
  ),
  conforms(
    'C123',
    'A fill is the same one, by id and to the last digit, on the stream and in history.',
    never,
    async (scene) => {
      const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
      const order = await scene.working();
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.part, scene.bench.prices.buyLimit);
      await scene.venue.fill(order.brokerClientId, rest(scene), scene.bench.prices.buyLimit);
      await scene.until(isFilled(scene, order), 'it is told as filled');
      const { executions } = await scene.soon(scene.adapter.historySince(cursor));
      expect(idsOf(executions)).toEqual(idsOf(scene.executionsTold()));
      for (const one of executions) {
        const told = scene.executionsTold().find(({ executionId }) => executionId === one.executionId);
        expect([told?.qty, told?.price, told?.fee].map((value) => value && text(value))).toEqual(
          [one.qty, one.price, one.fee].map(text),
        );
        expect([told?.side, told?.instrument, told?.brokerOrderId]).toEqual([
          one.side,
          one.instrument,
          one.brokerOrderId,
        ]);
      }
    },
  ),
  conforms(
    'C124',
    'A fill that is heard of before the answer to its order is told.',
    either(needs('wire'), needs('stream')),
    async (scene) => {
      const order = scene.order();
      scene.venue.fault?.('place', { carriedOut: true, answer: { kind: 'silent' } });
      const told = scene.adapter.place(order);
      await scene.until(() => scene.venue.order(order.brokerClientId), 'the venue has it');
      await fillWhole(scene, order);
      await scene.until(() => scene.executionsTold().length > 0, 'the fill is told');
      expect(total(scene.executionsTold())).toBe(scene.bench.qty.whole);
      expect((await scene.soon(told)).kind).toMatch(/^(?:unknown|accepted)$/);
      expect(scene.venue.count('place')).toBe(1);
    },
  ),
  conforms('C125', 'What a venue says twice is one fill.', needs('stream'), async (scene) => {
    const order = await scene.working();
    scene.venue.stream?.hold();
    await fillWhole(scene, order);
    await scene.venue.stream?.release('twice');
    await scene.until(isFilled(scene, order), 'it is told as filled');
    await scene.pass(1_000);
    expect(idsOf(scene.executionsTold())).toHaveLength(1);
    expect(total(scene.executionsTold())).toBe(scene.bench.qty.whole);
  }),
  conforms(
    'C126',
    'What a venue says in the wrong order is lost no less, and the order is over.',
    needs('stream'),
    async (scene) => {
      const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
      const order = await scene.working();
      scene.venue.stream?.hold();
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.part, scene.bench.prices.buyLimit);
      await scene.venue.fill(order.brokerClientId, rest(scene), scene.bench.prices.buyLimit);
      await scene.venue.stream?.release('reversed');
      await scene.pass(2_000);
      const { executions } = await scene.soon(scene.adapter.historySince(cursor));
      const all = [...scene.executionsTold(), ...executions];
      expect(idsOf(all)).toHaveLength(2);
      expect(total(all)).toBe(scene.bench.qty.whole);
      if (scene.subject.capabilities.ids.queryByClientId)
        expect(shortly(await scene.found(order.brokerClientId))).toMatch(/^filled /);
    },
  ),
  conforms(
    'C127',
    'That the venue has refused an order after all is told, with its reason.',
    needs('venue rejects late'),
    async (scene) => {
      const order = await scene.working();
      await scene.venue.end?.(order.brokerClientId, 'rejected', 'beyond the band');
      await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'rejected', 'its end is told');
      expect(scene.lastTold(order.brokerClientId)?.reason).toContain('beyond the band');
    },
  ),
  conforms('C128', 'That an order has expired is told.', needs('venue expires'), async (scene) => {
    const tif = scene.subject.capabilities.timesInForce.includes('day') ? 'day' : 'gtc';
    const order = await scene.working({ tif });
    await scene.venue.end?.(order.brokerClientId, 'expired', 'the session is over');
    await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'expired', 'its end is told');
  }),
  conforms('C129', 'That the venue has canceled an order is told.', needs('venue cancels'), async (scene) => {
    const order = await scene.working();
    await scene.venue.end?.(order.brokerClientId, 'canceled', 'halted');
    await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'canceled', 'its end is told');
  }),
  conforms(
    'C130',
    'An event that no document knows is passed over, and the next one is told.',
    needs('stream'),
    async (scene) => {
      const order = await scene.working();
      await scene.venue.stream?.sayUnknown();
      await fillWhole(scene, order);
      await scene.until(isFilled(scene, order), 'the fill is told');
      expect(idsOf(scene.executionsTold())).toHaveLength(1);
    },
  ),
  conforms(
    'C131',
    'What can not be read ends neither the adapter nor what comes after it.',
    needs('stream'),
    async (scene) => {
      const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
      await scene.venue.stream?.sayGarbage();
      await scene.pass(20_000);
      expect(scene.adapter.connected()).toBe(true);
      const order = await scene.working();
      await fillWhole(scene, order);
      await scene.pass(2_000);
      const { executions } = await scene.soon(scene.adapter.historySince(cursor));
      expect(idsOf([...scene.executionsTold(), ...executions])).toHaveLength(1);
    },
  ),
  conforms('C132', 'Who has stopped listening hears nothing more.', never, async (scene) => {
    let heard = 0;
    const stop = scene.adapter.onEvents(() => void (heard += 1));
    stop();
    const order = await scene.working();
    await fillWhole(scene, order);
    await scene.until(isFilled(scene, order), 'it is told as filled');
    expect(heard).toBe(0);
  }),
  conforms('C133', 'A sale is told as one.', never, async (scene) => {
    const bought = await scene.working();
    await fillWhole(scene, bought);
    await scene.until(isFilled(scene, bought), 'it is told as filled');
    const sold = await scene.working({ side: 'sell' });
    await scene.venue.fill(sold.brokerClientId, scene.bench.qty.whole, scene.bench.prices.sellLimit);
    await scene.until(isFilled(scene, sold), 'it is told as filled');
    expect(scene.executionsTold().at(-1)).toMatchObject({ side: 'sell' });
    expect(scene.executionsTold().at(-1)?.qty.gt('0')).toBe(true);
  }),
];
