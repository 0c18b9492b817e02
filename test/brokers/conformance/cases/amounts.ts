/** Numbers, money and time: to the last digit or not at all. */
import { expect } from 'vitest';
import { isPositive, type Price, price, text } from '#domain/decimal.ts';
import type { OrderWords } from '../../../support/cleared.ts';
import { type ConformanceCase, conforms, needs, never, unless } from '../conformance-case.ts';
import type { Scene } from '../scene.ts';

/** At the venue it is what was asked for, or it is not there. */
async function isExactOrNothing(scene: Scene, words: Partial<OrderWords>): Promise<void> {
  const order = scene.order(words);
  const outcome = await scene.soon(scene.adapter.place(order));
  const there = scene.venue.order(order.brokerClientId);
  const said = JSON.stringify({ words, outcome, there });
  if (outcome.kind !== 'accepted') {
    expect(['not_sent', 'rejected'], said).toContain(outcome.kind);
    expect(there === undefined || there.status === 'rejected', said).toBe(true);
    return;
  }
  expect(there && text(price(there.qty)), said).toBe(text(order.qty));
  const [sent, asked] = [there?.limitPrice, order.limitPrice];
  expect(sent === undefined ? undefined : text(price(sent)), said).toBe(
    asked === undefined ? undefined : text(asked),
  );
}

const filled = async (scene: Scene, words: Partial<OrderWords>, at: string): Promise<void> => {
  const order = await scene.working(words);
  await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, at);
  await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'filled', 'it is told as filled');
};
/** What is held of the bench's instrument. */
async function held(scene: Scene): Promise<string> {
  const positions = await scene.soon(scene.adapter.positions());
  const own = positions.filter(({ instrument }) => instrument === scene.bench.instrument.id);
  expect(own.length).toBeLessThanOrEqual(1);
  return text(own[0]?.qty ?? price('0'));
}
/** A tenth of a tick beside a price that is on one. */
const offTick = ({ bench }: Scene): string =>
  text(price(bench.prices.buyLimit).plus(bench.instrument.tick.times('0.1')) as Price);

export const AMOUNT_CASES: readonly ConformanceCase[] = [
  conforms('C160', 'A quantity with nine places is sent as it is or not at all.', never, (scene) =>
    isExactOrNothing(scene, { qty: '0.012345678' }),
  ),
  conforms('C161', 'A quantity beyond 2^53 is sent as it is or not at all.', never, (scene) =>
    isExactOrNothing(scene, { qty: '9007199254740993' }),
  ),
  conforms(
    'C162',
    'A price beside the tick is sent as it is or not at all, never moved to one.',
    never,
    (scene) => isExactOrNothing(scene, { limit: offTick(scene) }),
  ),
  conforms(
    'C163',
    'The smallest price is sent as it is or not at all, never with an exponent.',
    never,
    (scene) => isExactOrNothing(scene, { limit: text(scene.bench.instrument.tick) }),
  ),
  conforms('C164', 'A price with eighteen places is sent as it is or not at all.', never, (scene) =>
    isExactOrNothing(scene, {
      limit: `${scene.bench.prices.buyLimit.split('.')[0] ?? '1'}.123456789012345678`,
    }),
  ),
  conforms(
    'C165',
    'A replace is as exact as an order.',
    unless(({ capabilities }) => capabilities.replace, 'it replaces nothing'),
    async (scene) => {
      const order = await scene.working();
      const { brokerOrderId = '' } = scene.venue.order(order.brokerClientId) ?? {};
      const next = scene.order({ id: order.brokerClientId, limit: offTick(scene), qty: '0.012345678' });
      const outcome = await scene.soon(scene.adapter.replace({ ...next, brokerOrderId }));
      const there = scene.venue.order(order.brokerClientId);
      const [qty, limit] =
        outcome.kind === 'accepted'
          ? ['0.012345678', offTick(scene)]
          : [scene.bench.qty.whole, scene.bench.prices.buyLimit];
      expect(there && text(price(there.qty)), JSON.stringify(outcome)).toBe(text(price(qty)));
      expect(there?.limitPrice && text(price(there.limitPrice))).toBe(text(price(limit)));
    },
  ),
  conforms('C166', 'What was bought is held, and what was sold again is not.', never, async (scene) => {
    const { qty, prices } = scene.bench;
    const before = await held(scene);
    await filled(scene, {}, prices.buyLimit);
    expect(await held(scene)).toBe(text(price(before).plus(price(qty.whole)) as Price));
    await filled(scene, { side: 'sell' }, prices.sellLimit);
    expect(await held(scene)).toBe(before);
  }),
  conforms(
    'C167',
    'What was sold short is held below nothing.',
    unless(({ capabilities }) => capabilities.shortSelling, 'it sells nothing short'),
    async (scene) => {
      await filled(scene, { side: 'sell' }, scene.bench.prices.sellLimit);
      expect(await held(scene)).toMatch(/^-/);
    },
  ),
  conforms(
    'C168',
    'Its balance is in its currency, and what may still be spent is no less than nothing.',
    never,
    async (scene) => {
      const balance = await scene.soon(scene.adapter.balance());
      expect(balance.currency).toBe(scene.adapter.currency);
      expect(isPositive(balance.equity) && isPositive(balance.cash)).toBe(true);
      expect(balance.buyingPower.gte('0')).toBe(true);
    },
  ),
  conforms(
    'C169',
    'What is owned is told with what of it is not free.',
    unless(({ capabilities }) => capabilities.holdings, 'it tells of no holdings'),
    async (scene) => {
      const holdings = (await scene.adapter.holdings?.()) ?? [];
      for (const { qty, unsettledQty, lockedQty } of holdings) {
        expect(isPositive(qty)).toBe(true);
        expect(unsettledQty.gte('0') && unsettledQty.lte(qty)).toBe(true);
        expect(lockedQty.gte('0') && lockedQty.lte(qty)).toBe(true);
      }
    },
  ),
  conforms(
    'C170',
    'What an order would need is told without placing it.',
    unless(({ capabilities }) => capabilities.marginPreview, 'it tells nothing beforehand'),
    async (scene) => {
      const asked = scene.adapter.margin?.(scene.order()) ?? Promise.reject(new Error('it declares margin'));
      const { required, source } = await scene.soon(asked);
      expect(required.gte('0')).toBe(true);
      expect(['broker', 'computed']).toContain(source);
      expect([scene.venue.count('place'), scene.venue.orderCount()]).toEqual([0, 0]);
    },
  ),
  conforms(
    'C171',
    'What a fill would cost is estimated at once, and is no less than nothing.',
    never,
    async (scene) => {
      const before = scene.venue.asked().length;
      const fee = scene.adapter.estimateFee(scene.order(), price(scene.bench.prices.buyLimit));
      expect(fee.gte('0')).toBe(true);
      expect(scene.venue.asked()).toHaveLength(before);
      await Promise.resolve();
    },
  ),
  conforms(
    'C172',
    'A venue whose clock is five minutes off is traded with, and its times are times of this day.',
    needs('clock'),
    async (scene) => {
      for (const skewMs of [300_000, -300_000]) {
        scene.venue.skewClock?.(skewMs);
        await filled(scene, {}, scene.bench.prices.buyLimit);
        const nowMs = scene.bench.clock.wallMs();
        const times = [
          scene.executionsTold().at(-1)?.timeMs,
          scene.events.findLast((event) => event.kind === 'order')?.order.timeMs,
        ];
        for (const timeMs of times) expect(Math.abs((timeMs ?? 0) - nowMs)).toBeLessThan(86_400_000);
      }
    },
  ),
  conforms(
    'C173',
    'A fill at a price with many places is told to the last of them.',
    never,
    async (scene) => {
      const order = await scene.working();
      const at = text(price(scene.bench.prices.buyLimit).minus(scene.bench.instrument.tick) as Price);
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, at);
      await scene.until(() => scene.executionsTold().length > 0, 'the fill is told');
      const [execution] = scene.executionsTold();
      expect(execution && [text(execution.qty), text(execution.price)]).toEqual([scene.bench.qty.whole, at]);
    },
  ),
];
