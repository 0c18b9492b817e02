/** Questions about orders: an answer is the venue's word, and where there is none nothing is made up. */
import { expect } from 'vitest';
import { text } from '#domain/decimal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import { type ConformanceCase, conforms, either, needs, never, unless } from '../conformance-case.ts';
import { LOST_ANSWERS } from '../lost-answers.ts';
import { type Scene, shortly } from '../scene.ts';

const CAN_BE_ASKED = unless(
  ({ capabilities }) => capabilities.ids.queryByClientId,
  'it can not be asked by our id',
);

/** Each question there is, by its name. */
const QUESTIONS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  openOrders: ({ adapter }) => adapter.openOrders(),
  historySince: ({ adapter }) => adapter.historySince(undefined),
  positions: ({ adapter }) => adapter.positions(),
  balance: ({ adapter }) => adapter.balance(),
  holdings: ({ adapter }) => adapter.holdings?.() ?? Promise.reject(new Error('it has none')),
};

const lostAnswers = LOST_ANSWERS.map(({ name, answer }, index) =>
  conforms(
    `C${110 + index}`,
    `A question whose answer is lost (${name}) has none: neither an empty list nor a denial.`,
    needs('wire'),
    async (scene) => {
      const order = await scene.working();
      const asked: typeof QUESTIONS = {
        ...QUESTIONS,
        orderByClientId: () => scene.adapter.orderByClientId(order.brokerClientId),
      };
      for (const [question, ask] of Object.entries(asked)) {
        const before = scene.venue.count('read');
        scene.venue.fault?.('read', { carriedOut: true, answer });
        const told = await scene.soon(ask(scene)).then(
          (value) => JSON.stringify(value),
          () => 'no answer',
        );
        // What needs nobody to be asked may be answered from what is known.
        if (scene.venue.count('read') > before) expect(told, question).toBe('no answer');
        await scene.pass(2_000);
      }
    },
  ),
);

export const QUESTION_CASES: readonly ConformanceCase[] = [
  conforms(
    'C100',
    'An order is found by our id, with the terms that it was placed with.',
    CAN_BE_ASKED,
    async (scene) => {
      const order = await scene.working();
      const found = await scene.found(order.brokerClientId);
      expect(found).toMatchObject({
        brokerClientId: order.brokerClientId,
        brokerOrderId: scene.venue.order(order.brokerClientId)?.brokerOrderId,
        instrument: order.instrument,
        side: order.side,
        type: order.type,
        timeInForce: order.timeInForce,
        status: 'open',
        held: false,
      });
      expect(found && text(found.qty)).toBe(scene.bench.qty.whole);
      expect(found?.limitPrice && text(found.limitPrice)).toBe(text(order.limitPrice ?? order.qty));
    },
  ),
  conforms(
    'C101',
    'That there is no such order is said, once it is the venue’s word.',
    CAN_BE_ASKED,
    async (scene) => {
      await scene.working();
      await expect(scene.found(scene.id())).resolves.toBeUndefined();
    },
  ),
  conforms(
    'C102',
    'What can not be asked by our id is never denied.',
    unless(({ capabilities }) => !capabilities.ids.queryByClientId, 'it can be asked by our id'),
    async (scene) => {
      await expect(scene.found(scene.id())).rejects.toThrow(/./);
    },
  ),
  conforms(
    'C103',
    'An order that is over is found by our id for as long as the account has it.',
    either(
      CAN_BE_ASKED,
      unless(
        ({ capabilities }) => capabilities.ids.scope === 'account',
        'its ids live as long as an order is open',
      ),
    ),
    async (scene) => {
      const order = await scene.working();
      await scene.soon(scene.adapter.cancel(order));
      await scene.until(() => scene.lastTold(order.brokerClientId)?.status === 'canceled', 'its end is told');
      expect(shortly(await scene.found(order.brokerClientId))).toBe(`canceled 0/${scene.bench.qty.whole}`);
    },
  ),
  conforms(
    'C104',
    'The same id twice is one order.',
    unless(
      ({ capabilities }) => capabilities.ids.dedupes,
      'it does not declare that its venue knows an id again',
    ),
    async (scene) => {
      const order = await scene.working();
      await scene.soon(scene.adapter.place(order));
      expect(scene.venue.orderCount()).toBe(1);
    },
  ),
  conforms(
    'C105',
    'Working orders are listed under our ids, those that are over are not.',
    never,
    async (scene) => {
      const [one, two, three] = [
        await scene.working(),
        await scene.working({ side: 'sell' }),
        await scene.working(),
      ];
      await scene.soon(scene.adapter.cancel(two));
      await scene.until(() => scene.lastTold(two.brokerClientId)?.status === 'canceled', 'its end is told');
      const open = await scene.soon(scene.adapter.openOrders());
      const ids = new Set(open.map(({ brokerClientId }) => brokerClientId));
      expect(ids).toEqual(new Set([one.brokerClientId, three.brokerClientId]));
      expect(open).toHaveLength(2);
    },
  ),
  conforms(
    'C106',
    'An order from the broker’s own screen is listed, and is nobody’s of ours.',
    needs('elsewhere'),
    async (scene) => {
      const { qty, prices, instrument } = scene.bench;
      const id = await scene.venue.placeElsewhere?.({ side: 'sell', qty: qty.part, limit: prices.sellLimit });
      const [found, ...others] = await scene.soon(scene.adapter.openOrders());
      expect(others).toEqual([]);
      expect(found).toMatchObject({
        brokerOrderId: id,
        brokerClientId: null,
        side: 'sell',
        instrument: instrument.id,
      });
      expect(shortly(found)).toBe(`open 0/${qty.part}`);
    },
  ),
  conforms(
    'C107',
    'A state that no document knows is not taken for the end of an order.',
    needs('wire'),
    async (scene) => {
      const order = await scene.working();
      scene.venue.fault?.('read', { carriedOut: true, answer: { kind: 'unknown-value' } });
      const open = await scene.soon(scene.adapter.openOrders()).catch(() => 'no answer' as const);
      if (open !== 'no answer')
        expect(open.map(({ brokerClientId, status }) => [brokerClientId, status])).toEqual([
          [order.brokerClientId, 'open'],
        ]);
      if (!scene.subject.capabilities.ids.queryByClientId) return;
      scene.venue.fault?.('read', { carriedOut: true, answer: { kind: 'unknown-value' } });
      const found = await scene.found(order.brokerClientId).catch(() => 'no answer' as const);
      if (found !== 'no answer') expect(found?.status).toBe('open');
    },
  ),
  conforms('C108', 'After a restart an order is found by our id.', CAN_BE_ASKED, async (scene) => {
    const order = await scene.working();
    const again = await scene.reopened();
    expect(shortly(await again.found(order.brokerClientId))).toBe(`open 0/${scene.bench.qty.whole}`);
    const open = await again.soon(again.adapter.openOrders());
    expect(open.map(({ brokerClientId }) => brokerClientId)).toEqual([order.brokerClientId]);
  }),
  conforms(
    'C109',
    'A question is given up within the time that a call may take.',
    needs('wire'),
    async (scene) => {
      for (const [question, ask] of Object.entries(QUESTIONS)) {
        scene.venue.fault?.('read', { carriedOut: true, answer: { kind: 'silent' } });
        const beganMs = scene.bench.clock.monotonicMs();
        await scene.soon(ask(scene)).catch(() => undefined);
        expect(scene.bench.clock.monotonicMs() - beganMs, question).toBeLessThanOrEqual(
          BROKER_CALL_TIMEOUT_MS,
        );
      }
    },
  ),
  ...lostAnswers,
];
