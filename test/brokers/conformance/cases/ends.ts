/** Secrets and ends: what was given in confidence comes out nowhere, and a closed adapter is silent for good. */
import { expect } from 'vitest';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import { type ConformanceCase, conforms, needs, never } from '../conformance-case.ts';
import { LOST_ANSWERS } from '../lost-answers.ts';
import type { Scene } from '../scene.ts';

/** Whatever came of it, in words: values, errors with what caused them, stacks too. */
const words = (settled: PromiseSettledResult<unknown>): string =>
  settled.status === 'fulfilled' ? JSON.stringify(settled.value) : inFull(settled.reason);
const inFull = (cause: unknown): string =>
  cause instanceof Error
    ? `${cause.stack ?? ''}${JSON.stringify(Object.entries(cause))}${inFull(cause.cause)}`
    : (JSON.stringify(cause) ?? '');

/** Everything that can be asked of an adapter, once. */
async function askEverything(scene: Scene): Promise<string> {
  const { adapter } = scene;
  const order = scene.order();
  const listing = scene.bench.listing;
  const asked = [
    adapter.place(order),
    adapter.replace(scene.order({ id: order.brokerClientId })),
    adapter.cancel({ brokerClientId: order.brokerClientId }),
    adapter.orderByClientId(order.brokerClientId),
    adapter.openOrders(),
    adapter.historySince(undefined),
    adapter.positions(),
    adapter.balance(),
    ...(adapter.holdings ? [adapter.holdings()] : []),
    ...(adapter.margin ? [adapter.margin(order)] : []),
    ...(adapter.market && listing ? [adapter.market.quotes([listing]), adapter.market.depth(listing)] : []),
  ];
  const settled = await scene.soon(Promise.allSettled(asked));
  return [...settled.map(words), JSON.stringify(adapter.health())].join('\n');
}
const asksForNothing = async (scene: Scene): Promise<void> => {
  const before = scene.venue.asked().length;
  await scene.pass(120_000);
  expect(scene.venue.asked().slice(before)).toEqual([]);
};

export const END_CASES: readonly ConformanceCase[] = [
  conforms(
    'C200',
    'Nothing given in confidence is in an outcome, an error, an event or its health, whatever fails.',
    needs('wire'),
    async (scene) => {
      const { venue, bench } = scene;
      expect(bench.secrets.length).toBeGreaterThan(0);
      const said: string[] = [await askEverything(scene)];
      for (const { answer } of [...LOST_ANSWERS, { answer: { kind: 'status', status: 401 } } as const]) {
        for (const kind of ['place', 'replace', 'cancel', 'read', 'price'] as const)
          venue.fault?.(kind, { carriedOut: false, answer });
        said.push(await askEverything(scene));
        await scene.pass(2_000);
      }
      await venue.listen?.(false);
      said.push(await askEverything(scene));
      await venue.listen?.(true);
      await scene.pass(20_000);
      said.push(JSON.stringify(scene.events), JSON.stringify(scene.adapter.health()));
      for (const secret of bench.secrets) {
        expect(secret.length).toBeGreaterThanOrEqual(8);
        expect(said.join('\n').includes(secret), `a secret of ${secret.length} characters came out`).toBe(
          false,
        );
      }
    },
  ),
  conforms('C201', 'Nothing asked of the venue could lead money away.', never, async (scene) => {
    await askEverything(scene);
    for (const one of scene.venue.asked()) expect(one).not.toMatch(/withdraw|transfer|payout|wallets/i);
  }),
  conforms(
    'C202',
    'Closed, it is not connected, sends nothing and asks for nothing.',
    never,
    async (scene) => {
      const order = await scene.working();
      await scene.soon(scene.adapter.close());
      expect(scene.adapter.connected()).toBe(false);
      const before = { orders: scene.venue.orderCount(), sent: scene.venue.count('place') };
      const late = await scene
        .soon(scene.adapter.place(scene.order()))
        .catch(() => ({ kind: 'not_sent' as const }));
      expect(late.kind).toBe('not_sent');
      await scene.soon(scene.adapter.cancel(order)).catch(() => undefined);
      expect(scene.venue.orderCount()).toBe(before.orders);
      if (scene.subject.drills.includes('wire')) expect(scene.venue.count('place')).toBe(before.sent);
      await asksForNothing(scene);
    },
  ),
  conforms('C203', 'Closed, it tells nothing more.', never, async (scene) => {
    const order = await scene.working();
    await scene.soon(scene.adapter.close());
    const before = scene.events.length;
    await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
    await scene.pass(5_000);
    expect(scene.events.slice(before).filter(({ kind }) => kind !== 'connection')).toEqual([]);
  }),
  conforms(
    'C204',
    'Closing it ends what is under way, at once and truthfully.',
    needs('wire'),
    async (scene) => {
      scene.venue.fault?.('place', { carriedOut: true, answer: { kind: 'silent' } });
      const told = scene.adapter.place(scene.order());
      await scene.until(() => scene.venue.count('place') === 1, 'the venue has it');
      const beganMs = scene.bench.clock.monotonicMs();
      await scene.soon(scene.adapter.close());
      expect(await scene.soon(told)).toMatchObject({ kind: 'unknown' });
      expect(scene.bench.clock.monotonicMs() - beganMs).toBeLessThan(BROKER_CALL_TIMEOUT_MS / 2);
    },
  ),
  conforms(
    'C205',
    'It may be closed twice, and while nothing listens at the venue.',
    never,
    async (scene) => {
      await scene.venue.listen?.(false);
      await scene.soon(scene.adapter.close());
      await scene.soon(scene.adapter.close());
      await scene.venue.listen?.(true);
      await asksForNothing(scene);
    },
  ),
  conforms(
    'C206',
    'An order that waits for its turn when it is closed is not sent.',
    needs('wire'),
    async (scene) => {
      scene.venue.fault?.('read', {
        carriedOut: false,
        answer: { kind: 'status', status: 429, retryAfter: '3' },
      });
      await scene.soon(scene.adapter.openOrders()).catch(() => undefined);
      const told = scene.adapter.place(scene.order());
      await scene.pass(500);
      await scene.soon(scene.adapter.close());
      expect(await scene.soon(told)).toMatchObject({ kind: 'not_sent' });
      await scene.pass(10_000);
      expect(scene.venue.count('place')).toBe(0);
    },
  ),
];
