/** A stream that breaks, stands still or loses its session: it is seen, told and healed, and no order is placed anew for it. */
import { expect } from 'vitest';
import { type ConformanceCase, conforms, either, needs, never } from '../conformance-case.ts';
import type { Scene } from '../scene.ts';

/** A dead stream is found within it, by the issue of every user of every gateway: prices that stood still until a restart. */
const FOUND_WITHIN_MS = 30_000;

/** Losses and returns in turn, however often each is told. */
const changesOf = (scene: Scene): readonly boolean[] => {
  const told = connections(scene);
  return told.filter((connected, index) => connected !== (told[index - 1] ?? true));
};
const connections = (scene: Scene): readonly boolean[] =>
  scene.events.flatMap((event) => (event.kind === 'connection' ? event.connected : []));

async function worksAgain(scene: Scene): Promise<void> {
  await scene.until(() => scene.adapter.connected(), 'it is connected again');
  const order = await scene.working();
  await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
  await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'filled', 'a fill is told again');
}

export const STREAM_CASES: readonly ConformanceCase[] = [
  conforms('C150', 'While all is well, it says so in its health.', never, async (scene) => {
    expect(scene.adapter.health()).toMatchObject({ connected: true, trouble: null, signInNeeded: false });
    await Promise.resolve();
  }),
  conforms(
    'C151',
    'A stream that ends is told, comes back by itself, and is told again.',
    needs('stream'),
    async (scene) => {
      await scene.venue.stream?.drop();
      await scene.until(() => connections(scene).includes(false), 'the loss is told');
      await scene.until(() => connections(scene).at(-1) === true, 'the return is told');
      await worksAgain(scene);
      expect(scene.adapter.health()).toMatchObject({ connected: true, trouble: null });
    },
  ),
  conforms(
    'C152',
    'A stream that stands open and says nothing is found dead within thirty seconds, and healed.',
    needs('stream'),
    async (scene) => {
      const { clock } = scene.bench;
      scene.venue.stream?.freeze();
      const frozenAtMs = clock.monotonicMs();
      await scene.until(() => connections(scene).includes(false), 'the silence is told');
      expect(clock.monotonicMs() - frozenAtMs).toBeLessThanOrEqual(FOUND_WITHIN_MS);
      await worksAgain(scene);
    },
  ),
  conforms(
    'C153',
    'A venue that is away for minutes is come back to without a restart.',
    needs('wire'),
    async (scene) => {
      await scene.venue.listen?.(false);
      await scene.pass(40_000);
      const { trouble } = scene.adapter.health();
      if (scene.subject.drills.includes('stream')) expect(trouble).toMatch(/\S.*\.$/);
      await scene.venue.listen?.(true);
      await worksAgain(scene);
    },
  ),
  conforms(
    'C154',
    'Coming back ten times places nothing, and loses nothing.',
    needs('stream'),
    async (scene) => {
      const { cursor } = await scene.soon(scene.adapter.historySince(undefined));
      for (let times = 0; times < 10; times++) {
        const order = await scene.working();
        await scene.venue.stream?.drop();
        await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
        const returns = 2 * times + 2;
        await scene.until(
          () => changesOf(scene).length >= returns && scene.adapter.connected(),
          'it is connected again',
        );
      }
      const { executions } = await scene.soon(scene.adapter.historySince(cursor));
      expect(executions).toHaveLength(10);
      const ids = [...executions, ...scene.executionsTold()].map(({ executionId }) => executionId);
      expect(new Set(ids).size).toBe(10);
      expect(scene.venue.count('place')).toBe(10);
    },
  ),
  conforms(
    'C155',
    'A session that ends is either renewed or asked for, and said to be over until then.',
    needs('session'),
    async (scene) => {
      await scene.venue.stream?.expireSession?.();
      const outcome = await scene.soon(scene.adapter.place(scene.order()));
      await scene.pass(35_000);
      const { connected, signInNeeded, trouble } = scene.adapter.health();
      if (connected) {
        await worksAgain(scene);
      } else {
        expect(outcome.kind).not.toBe('accepted');
        expect(signInNeeded).toBe(true);
        expect(trouble).toMatch(/\S.*\.$/);
      }
    },
  ),
  conforms(
    'C156',
    'A refusal for too many questions is no loss of the connection.',
    needs('wire'),
    async (scene) => {
      scene.venue.fault?.('read', {
        carriedOut: false,
        answer: { kind: 'status', status: 429, retryAfter: '1' },
      });
      await scene.soon(scene.adapter.positions()).catch(() => undefined);
      await scene.pass(3_000);
      expect(scene.adapter.connected()).toBe(true);
      await scene.working();
    },
  ),
  conforms(
    'C157',
    'What went on while the stream was away is asked for, or told: nobody has to ask for it.',
    either(needs('stream'), needs('wire')),
    async (scene) => {
      const order = await scene.working();
      await scene.venue.stream?.drop();
      await scene.venue.fill(order.brokerClientId, scene.bench.qty.whole, scene.bench.prices.buyLimit);
      await scene.until(
        () => connections(scene).at(-1) === true && connections(scene).includes(false),
        'the return is told',
      );
      // Whoever hears of a return compares: that the gap is told is what this rests on.
      const loss = scene.events.find((event) => event.kind === 'connection' && !event.connected);
      expect(loss?.kind === 'connection' && loss.detail).toMatch(/\S/);
    },
  ),
];
