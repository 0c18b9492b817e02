/** Fills that come before their order has a name here: lists of trades name the exchange's id alone, which an answer that is lost never told. */
import { afterEach, describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../conformance/scene.ts';
import { BINANCE, KRAKEN, subjectOf } from './bench.ts';

const WORDS = {
  broker: 'ccxt',
  name: 'exchange',
  label: 'exchange',
  verifiedAgainst: 'a simulator',
  limits: [],
} as const;
let scene: Scene;
afterEach(() => scene.bench.close());

describe.each([BINANCE, KRAKEN])('at $exchange', (venue) => {
  const lost = { carriedOut: true, answer: { kind: 'silent' } } as const;

  it('a fill of an order whose answer was lost is told under our id, after a restart too', async () => {
    scene = await openScene(subjectOf(venue, WORDS));
    const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
    await scene.venue.stream?.drop();
    scene.venue.fault?.('place', lost);
    const order = scene.order();
    expect(await scene.soon(scene.adapter.place(order))).toMatchObject({ kind: 'unknown' });
    await scene.venue.fill(order.brokerClientId, '0.01', '49000');
    const told = await scene.soon(scene.adapter.historySince(cursor));
    expect(told.executions).toMatchObject([{ brokerClientId: order.brokerClientId }]);
    scene = await scene.reopened();
    const again = await scene.soon(scene.adapter.historySince(cursor));
    expect(again.executions).toMatchObject([{ brokerClientId: order.brokerClientId }]);
    await scene.pass(5_000);
    for (const { brokerClientId } of scene.executionsTold())
      expect(brokerClientId).toBe(order.brokerClientId);
  });

  it('a fill of somebody else’s order is told as nobody’s, and its order is asked for once', async () => {
    scene = await openScene(subjectOf(venue, WORDS));
    const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
    await scene.working();
    const id = await scene.venue.placeElsewhere?.({ side: 'buy', qty: '0.004', limit: '49000' });
    if (id === undefined) throw new Error('nothing was placed elsewhere');
    await scene.venue.fill(id, '0.004', '49000');
    await scene.pass(2_000);
    const first = await scene.soon(scene.adapter.historySince(cursor));
    expect(first.executions).toMatchObject([{ brokerClientId: null }]);
    const asked = scene.venue.asked().length;
    await scene.soon(scene.adapter.historySince(cursor));
    expect(scene.venue.asked().length - asked).toBe(1);
  });
});
