/** Where an exchange is asked for an order by its instrument, an instrument that is not known any more is no answer. */
import { afterEach, expect, it } from 'vitest';
import { openScene, type Scene } from '../conformance/scene.ts';
import { BINANCE, subjectOf } from './bench.ts';

let scene: Scene;
afterEach(() => scene.bench.close());

it('that nothing was asked is not the exchange’s word that there is no such order', async () => {
  scene = await openScene(
    subjectOf(BINANCE, { broker: 'ccxt', name: 'x', label: 'x', verifiedAgainst: 'x', limits: [] }),
  );
  const lost = scene.order();
  const before = scene.venue.asked().length;
  await expect(scene.found(lost.brokerClientId)).rejects.toThrow('in which instrument');
  expect(scene.venue.asked()).toHaveLength(before);
  // What it is asked about once it was sent is its word.
  await scene.working();
  expect(await scene.found(lost.brokerClientId)).toBeUndefined();
});
