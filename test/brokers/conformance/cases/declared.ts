/** What an adapter says of itself is true: what it declares works, and what it does not declare is never sent. */
import { expect } from 'vitest';
import { type Price, price, subtract, text } from '#domain/decimal.ts';
import { ORDER_TYPES, type OrderType, PRODUCTS, TIMES_IN_FORCE, type TimeInForce } from '#domain/order.ts';
import { TIMEFRAMES } from '#ports.ts';
import type { OrderWords } from '../../../support/cleared.ts';
import { type ConformanceCase, conforms, needs, never, unless } from '../conformance-case.ts';
import type { Scene } from '../scene.ts';

/** The prices that go with a type, so that it rests. */
function wordsOf({ bench }: Scene, type: OrderType): Partial<OrderWords> {
  const { buyLimit, sellLimit, stopAbove } = bench.prices;
  const apart: Price = subtract(price(sellLimit), price(buyLimit));
  switch (type) {
    case 'market':
      return { type };
    case 'limit':
      return { type, limit: buyLimit };
    case 'stop':
      return { type, stop: stopAbove };
    case 'stop_limit':
      return { type, stop: stopAbove, limit: stopAbove };
    case 'trailing_stop':
      return { type, trailPrice: text(apart) };
    default:
      return type satisfies never;
  }
}

/** Nothing reached the venue, and nobody was told otherwise. */
async function isNotSent(scene: Scene, words: Partial<OrderWords>, of: object = {}): Promise<void> {
  const before = scene.venue.count('place');
  const outcome = await scene.soon(scene.adapter.place({ ...scene.order(words), ...of }));
  const said = JSON.stringify({ words, of, outcome });
  expect(['not_sent', 'rejected'], said).toContain(outcome.kind);
  if (scene.subject.drills.includes('wire')) expect(scene.venue.count('place'), said).toBe(before);
  expect(scene.venue.orderCount(), said).toBe(0);
}

/** Taken as it was meant, or refused in so many words: a venue may know both of two words and not the pair. */
async function pairIsTruthful(scene: Scene, type: OrderType, tif: TimeInForce): Promise<boolean> {
  const order = scene.order({ ...wordsOf(scene, type), tif });
  const outcome = await scene.soon(scene.adapter.place(order));
  const there = scene.venue.order(order.brokerClientId);
  const said = `${type} ${tif}: ${JSON.stringify(outcome)}`;
  if (outcome.kind !== 'accepted') {
    expect(['not_sent', 'rejected'], said).toContain(outcome.kind);
    expect(there === undefined || there.status === 'rejected', said).toBe(true);
    return false;
  }
  expect(there, said).toMatchObject({ type, timeInForce: tif, side: 'buy', qty: scene.bench.qty.whole });
  return true;
}

const undeclared = <T extends string>(all: readonly T[], declared: readonly string[]): readonly T[] =>
  all.filter((one) => !declared.includes(one));

export const DECLARED_CASES: readonly ConformanceCase[] = [
  conforms(
    'C01',
    'It says whose it is: its broker, its mode and its currency.',
    never,
    async ({ adapter, subject }) => {
      expect(adapter.broker).toBe(subject.broker);
      expect(['paper', 'live']).toContain(adapter.mode);
      expect(adapter.currency).toMatch(/^[A-Z0-9]{2,10}$/);
      await Promise.resolve();
    },
  ),
  conforms('C02', 'Its capabilities are those that are documented.', never, async ({ adapter, subject }) => {
    expect(adapter.capabilities).toEqual(subject.capabilities);
    await Promise.resolve();
  }),
  conforms(
    'C03',
    'It declares in the words of orders, and trailing stops in both places or in neither.',
    never,
    async (scene) => {
      const { orderTypes, timesInForce, products, trailing } = scene.adapter.capabilities;
      expect(ORDER_TYPES).toEqual(expect.arrayContaining([...orderTypes]));
      expect(TIMES_IN_FORCE).toEqual(expect.arrayContaining([...timesInForce]));
      expect(PRODUCTS).toEqual(expect.arrayContaining([...products]));
      expect(orderTypes.includes('trailing_stop')).toBe(trailing);
      expect(orderTypes.length * timesInForce.length).toBeGreaterThan(0);
      await Promise.resolve();
    },
  ),
  conforms(
    'C04',
    'It answers for holdings and margin where it says so, and nowhere else.',
    never,
    async ({ adapter }) => {
      expect(adapter.holdings !== undefined).toBe(adapter.capabilities.holdings);
      expect(adapter.margin !== undefined).toBe(adapter.capabilities.marginPreview);
      await Promise.resolve();
    },
  ),
  conforms('C05', 'What its ids prove hangs together.', never, async ({ adapter }) => {
    const { scope, queryByClientId, absentIsFinalAfterMs } = adapter.capabilities.ids;
    expect(absentIsFinalAfterMs).toBeGreaterThanOrEqual(0);
    if (queryByClientId) expect(scope).not.toBe('none');
    await Promise.resolve();
  }),
  conforms(
    'C06',
    'Each order type and each time in force that it declares reaches the venue as what it is.',
    never,
    async (scene) => {
      const { orderTypes, timesInForce } = scene.subject.capabilities;
      const works = new Set<string>();
      for (const type of ORDER_TYPES.filter((one) => orderTypes.includes(one)))
        for (const tif of TIMES_IN_FORCE.filter((one) => timesInForce.includes(one)))
          if (await pairIsTruthful(scene, type, tif)) for (const word of [type, tif]) works.add(word);
      expect([...works].toSorted()).toEqual([...orderTypes, ...timesInForce].toSorted());
    },
  ),
  conforms(
    'C07',
    'An order type that it does not declare is never sent.',
    unless(
      ({ capabilities }) => undeclared(ORDER_TYPES, capabilities.orderTypes).length > 0,
      'it declares all of them',
    ),
    async (scene) => {
      for (const type of undeclared(ORDER_TYPES, scene.subject.capabilities.orderTypes))
        await isNotSent(scene, wordsOf(scene, type));
    },
  ),
  conforms(
    'C08',
    'A time in force that it does not declare is never sent.',
    unless(
      ({ capabilities }) => undeclared(TIMES_IN_FORCE, capabilities.timesInForce).length > 0,
      'it declares all of them',
    ),
    async (scene) => {
      for (const tif of undeclared(TIMES_IN_FORCE, scene.subject.capabilities.timesInForce))
        await isNotSent(scene, { tif });
    },
  ),
  conforms(
    'C09',
    'A post-only order is taken where that is declared, and otherwise never sent.',
    never,
    async (scene) => {
      if (scene.subject.capabilities.postOnly) await scene.working({ postOnly: true });
      else await isNotSent(scene, { postOnly: true });
    },
  ),
  conforms(
    'C10',
    'An order for extended hours is taken where that is declared, and otherwise never sent.',
    never,
    async (scene) => {
      const { extendedHours, timesInForce } = scene.subject.capabilities;
      const tif = timesInForce.includes('day') ? { tif: 'day' as const } : {};
      if (extendedHours) await scene.working({ extendedHours: true, ...tif });
      else await isNotSent(scene, { extendedHours: true });
    },
  ),
  conforms(
    'C11',
    'An order that may only reduce is never sent where that is not declared.',
    unless(({ capabilities }) => !capabilities.reduceOnly, 'it declares them'),
    (scene) => isNotSent(scene, { reduceOnly: true }),
  ),
  conforms(
    'C12',
    'A bracket that is not declared is never sent, nor its entry alone.',
    unless(({ capabilities }) => !capabilities.brackets, 'it declares them'),
    ({ bench, ...scene }) =>
      isNotSent(
        { bench, ...scene },
        { takeProfit: bench.prices.sellLimit, stopLoss: bench.prices.stopBelow },
      ),
  ),
  conforms(
    'C13',
    'The legs of a bracket are found under their ids, held until their entry fills.',
    unless(({ capabilities }) => capabilities.brackets, 'it declares no brackets'),
    async (scene) => {
      const { sellLimit, stopBelow } = scene.bench.prices;
      const order = scene.order({ takeProfit: sellLimit, stopLoss: stopBelow });
      const takeProfit = order.takeProfit && { ...order.takeProfit, brokerClientId: scene.id() };
      const stopLoss = order.stopLoss && { ...order.stopLoss, brokerClientId: scene.id() };
      if (takeProfit === undefined || stopLoss === undefined) throw new Error('a bracket has two legs');
      const outcome = await scene.soon(scene.adapter.place({ ...order, takeProfit, stopLoss }));
      expect(outcome).toMatchObject({ kind: 'accepted' });
      for (const leg of [takeProfit, stopLoss])
        expect(await scene.found(leg.brokerClientId)).toMatchObject({
          side: 'sell',
          held: true,
          status: 'open',
        });
    },
  ),
  conforms(
    'C14',
    'A product is taken where it is declared, and otherwise never sent.',
    never,
    async (scene) => {
      const { products } = scene.subject.capabilities;
      for (const product of undeclared(PRODUCTS, products)) await isNotSent(scene, {}, { product });
      for (const product of scene.bench.products ?? products) {
        const order = { ...scene.order(), product };
        expect(await scene.soon(scene.adapter.place(order)), product).toMatchObject({ kind: 'accepted' });
      }
    },
  ),
  conforms(
    'C15',
    'A trailing stop follows by an amount or by a percentage, and says so where it can not.',
    unless(({ capabilities }) => capabilities.trailing, 'it declares no trailing stops'),
    async (scene) => {
      const order = scene.order({ type: 'trailing_stop', trailPercent: '5' });
      const outcome = await scene.soon(scene.adapter.place(order));
      const there = scene.venue.order(order.brokerClientId);
      if (outcome.kind === 'accepted') expect(there).toMatchObject({ type: 'trailing_stop' });
      else
        expect([outcome.kind, there]).toEqual([expect.stringMatching(/^(?:not_sent|rejected)$/), undefined]);
    },
  ),
  conforms(
    'C16',
    'It has prices of its own with bounds that are declared.',
    needs('market'),
    async ({ adapter, bench }) => {
      expect(bench.listing?.instrument.id).toBe(bench.instrument.id);
      expect(adapter.market?.followedMax).toBeGreaterThan(0);
      const timeframes = adapter.market?.timeframes ?? [];
      expect(timeframes).toEqual(TIMEFRAMES.filter((one) => timeframes.includes(one)));
      await Promise.resolve();
    },
  ),
  conforms('C17', 'Beginning its connections sends nothing that moves money.', never, async (scene) => {
    const { venue } = scene;
    await scene.pass(5_000);
    expect([venue.count('place'), venue.count('replace'), venue.count('cancel')]).toEqual([0, 0, 0]);
  }),
];
