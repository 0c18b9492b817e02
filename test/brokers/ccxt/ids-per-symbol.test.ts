/** Two orders of one account with the same id at the exchange, in two instruments: what happens to one never happens to the other. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openScene, type Scene } from '../conformance/scene.ts';
import { BINANCE, subjectOf } from './bench.ts';
import { type BinanceSim, openBinanceSim } from './binance-sim.ts';
import type { BookOrder } from './venue-book.ts';

const WORDS = {
  broker: 'ccxt',
  name: 'binance',
  label: 'Binance',
  verifiedAgainst: 'a simulator',
  limits: [],
} as const;
let sim: BinanceSim;
let scene: Scene;
let ours: string;
let theirs: BookOrder;

beforeEach(async () => {
  const open: (typeof BINANCE)['open'] = async (clock) => {
    sim = await openBinanceSim(clock, 'spot', ['ETH']);
    return sim;
  };
  scene = await openScene(subjectOf({ ...BINANCE, open }, WORDS));
  ours = (await scene.working()).brokerClientId;
  theirs = sim.book.place({
    clientId: undefined,
    symbol: 'ETHUSDT',
    side: 'buy',
    type: 'LIMIT',
    force: 'GTC',
    qty: '1',
    limit: '2000',
    stop: undefined,
  });
  if (sim.book.orders.some(({ id }) => id !== theirs.id))
    throw new Error('the two orders have ids of their own');
});
afterEach(() => scene.bench.close());

const external = async () => {
  const open = await scene.soon(scene.adapter.openOrders());
  expect(new Set(open.map(({ brokerOrderId }) => brokerOrderId)).size).toBe(2);
  expect(open.map(({ brokerClientId }) => brokerClientId)).toEqual([ours, null]);
  return open[1]?.brokerOrderId ?? '';
};

it('both are listed under names of their own, and one of them is nobody’s of ours', async () => {
  await scene.pass(2_000);
  const named = await external();
  expect(named).toBe(`ETH/USDT#${theirs.id}`);
  expect(scene.lastTold(ours)?.instrument).toBe(scene.bench.instrument.id);
});

it('a fill of the other is not told as ours, by the stream or by the list', async () => {
  const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
  const named = await external();
  sim.book.fill(theirs, '1', '2000');
  await scene.pass(2_000);
  const { executions } = await scene.soon(scene.adapter.historySince(cursor));
  expect(executions).toMatchObject([{ brokerOrderId: named, brokerClientId: null }]);
  expect(scene.executionsTold()).toMatchObject([{ brokerOrderId: named, brokerClientId: null }]);
  expect(scene.lastTold(ours)?.status).toBe('open');
});

it('a cancel of the other reaches it and leaves ours at work, and the other way round', async () => {
  const brokerOrderId = await external();
  const cancel = { brokerClientId: `external_${brokerOrderId}`, brokerOrderId };
  expect(await scene.soon(scene.adapter.cancel(cancel))).toEqual({ kind: 'accepted' });
  await scene.pass(2_000);
  expect(sim.book.orders.map(({ status }) => status)).toEqual(['open', 'canceled']);
  expect(scene.lastTold(ours)?.status).toBe('open');
  await scene.soon(scene.adapter.cancel({ brokerClientId: ours }));
  expect(sim.book.orders.map(({ status }) => status)).toEqual(['canceled', 'canceled']);
});

it('the end of the other that no stream told of is asked for as the other’s', async () => {
  const named = await external();
  await scene.pass(2_000);
  await scene.venue.stream?.drop();
  await scene.pass(20_000);
  await scene.venue.stream?.drop();
  sim.book.end(theirs, 'expired');
  await scene.pass(20_000);
  expect(scene.lastTold(ours)?.status).toBe('open');
  const told = scene.events.flatMap((one) => (one.kind === 'order' ? one.order : []));
  expect(told.findLast(({ brokerOrderId }) => brokerOrderId === named)?.status).toBe('expired');
});
