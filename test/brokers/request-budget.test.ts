/** The budget of requests on the hand clock: never more than the broker allows, cancels first, nobody waits without end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BudgetOptions,
  openBudget,
  type RequestBudget,
  type RequestKind,
} from '#brokers/request-budget.ts';
import { handClock } from '../support/hand-clock.ts';

const TEN_A_SECOND = { name: 'all', max: 10, perMs: 1_000 };

function room(options: Partial<Omit<BudgetOptions, 'clock'>> = {}) {
  const clock = handClock();
  const budget = openBudget({ clock, rules: [TEN_A_SECOND], queueMax: 50, waitMaxMs: 4_000, ...options });
  const log: string[] = [];
  const ask = (kind: RequestKind, name: string, costs?: Readonly<Record<string, number>>): void => {
    void budget
      .take(kind, costs)
      .then((answer) => log.push(answer === 'granted' ? name : `${name}: ${answer.refused}`));
  };
  const after = async (ms: number): Promise<readonly string[]> => {
    await clock.advanceAsync(ms);
    return log.splice(0);
  };
  const many = (count: number, kind: RequestKind, name: string): void => {
    for (let n = 1; n <= count; n++) ask(kind, `${name}${n}`);
  };
  return { clock, budget, ask, after, many };
}

describe('a budget of requests', () => {
  it('lets go at once what fits, and the rest when the window has moved on', async () => {
    const { many, after } = room();
    many(12, 'cancel', 'c');
    expect(await after(0)).toHaveLength(10);
    expect(await after(999)).toEqual([]);
    expect(await after(1)).toEqual(['c11', 'c12']);
  });

  it('gives the next turn to cancels, then orders, then reads, whoever came first', async () => {
    const { many, ask, after } = room({ rules: [{ name: 'one', max: 1, perMs: 100 }] });
    ask('read', 'spent');
    many(2, 'read', 'r');
    many(2, 'order', 'o');
    many(2, 'cancel', 'c');
    expect(await after(0)).toEqual(['spent']);
    expect(await after(600)).toEqual(['c1', 'c2', 'o1', 'o2', 'r1', 'r2']);
  });

  it('keeps a part that reads do not get, and one that orders do not get', async () => {
    const { many, after } = room();
    many(20, 'read', 'r');
    expect(await after(0)).toHaveLength(8);
    many(20, 'order', 'o');
    expect(await after(0)).toEqual(['o1']);
    many(20, 'cancel', 'c');
    expect(await after(0)).toEqual(['c1']);
  });

  it('refuses at once what would wait longer than it may, and says for how long', async () => {
    const { budget, many, after } = room({ rules: [{ name: 'a minute', max: 2, perMs: 60_000 }] });
    many(2, 'order', 'o');
    await after(10_000);
    await expect(budget.take('order')).resolves.toEqual({
      refused: 'The broker’s limit of requests is used up for now.',
      retryAfterMs: 50_000,
    });
    expect(budget.stateNow()).toMatchObject({ rules: [{ used: 2 }], waiting: { order: 0 }, refused: 1 });
  });

  it('refuses what found no turn in its time, because more urgent ones came', async () => {
    const { ask, many, after } = room({ rules: [{ name: 'one', max: 1, perMs: 1_000 }], waitMaxMs: 2_500 });
    ask('cancel', 'first');
    ask('read', 'patient');
    many(3, 'cancel', 'c');
    expect(await after(2_499)).toEqual(['first', 'c1', 'c2']);
    expect(await after(1)).toEqual(
      [
        'patient: It found no turn within the broker’s limit of requests in time.',
        'c3: It found no turn within the broker’s limit of requests in time.',
      ].toReversed(),
    );
  });

  it('holds no more than its bound, of each kind by itself: a crowd of reads keeps out no cancel', async () => {
    const { budget, many, ask, after } = room({ queueMax: 3 });
    many(8, 'read', 'r');
    many(4, 'read', 'late');
    expect(await after(0)).toContain('late4: Too many requests wait for their turn at the broker.');
    expect(budget.stateNow().waiting).toEqual({ cancel: 0, order: 0, read: 3 });
    ask('cancel', 'c');
    expect(await after(0)).toEqual(['c']);
  });

  it('stands still for as long as the broker said, and then begins with the cancels', async () => {
    const { budget, ask, many, after } = room();
    budget.holdFor(3_000);
    budget.holdFor(1_000);
    expect(budget.stateNow().heldForMs).toBe(3_000);
    many(2, 'order', 'o');
    ask('cancel', 'c');
    expect(await after(2_999)).toEqual([]);
    expect(await after(1)).toEqual(['c', 'o1', 'o2']);
  });

  it('lets nobody wait for the end of a hold that is too long, those who wait already included', async () => {
    const { budget, ask, many, after } = room({ rules: [{ name: 'one', max: 1, perMs: 2_000 }] });
    many(2, 'order', 'o');
    expect(await after(0)).toEqual(['o1']);
    budget.holdFor(30_000);
    ask('cancel', 'c');
    expect(await after(0)).toEqual(['c: The broker asked to wait before anything else is sent.']);
    expect(await after(4_000)).toEqual([
      'o2: It found no turn within the broker’s limit of requests in time.',
    ]);
  });

  it('counts what a request costs where it counts, and lets pass who waits for nothing in common', async () => {
    const rules = [
      { name: 'quotes', max: 1, perMs: 1_000, of: [] },
      { name: 'bars', max: 3, perMs: 1_000, of: [] },
    ];
    const { ask, after } = room({ rules });
    ask('read', 'q1', { quotes: 1 });
    ask('read', 'q2', { quotes: 1 });
    ask('read', 'b1', { bars: 1 });
    ask('read', 'both', { quotes: 1, bars: 1 });
    ask('read', 'b2', { bars: 1 });
    expect(await after(0)).toEqual(['q1', 'b1']);
    // `b2` does not pass `both`, which came before it and waits for the same rule.
    expect(await after(1_000)).toEqual(['q2']);
    expect(await after(1_000)).toEqual(['both', 'b2']);
  });

  it('lets nobody small pass who is large and was first', async () => {
    const { ask, after } = room({ rules: [{ name: 'weight', max: 10, perMs: 1_000 }] });
    ask('order', 'small', { weight: 5 });
    ask('order', 'large', { weight: 9 });
    ask('order', 'late', { weight: 1 });
    expect(await after(0)).toEqual(['small']);
    expect(await after(1_000)).toEqual(['large']);
    expect(await after(1_000)).toEqual(['late']);
  });

  it('refuses what can never be kept, as the bug that it is', () => {
    const { budget } = room();
    expect(() => room({ rules: [{ name: 'none', max: 0, perMs: 1_000 }] })).toThrow(RangeError);
    return Promise.all([
      expect(budget.take('read', { all: 11 })).rejects.toThrow(RangeError),
      expect(budget.take('read', { ale: 1 })).rejects.toThrow(RangeError),
    ]);
  });

  it('refuses everybody once it is closed', async () => {
    const { budget, many, after } = room();
    many(12, 'cancel', 'c');
    await after(0);
    budget.close();
    expect(await after(0)).toEqual(['c11: The account is closed.', 'c12: The account is closed.']);
    await expect(budget.take('cancel')).resolves.toMatchObject({ refused: 'The account is closed.' });
  });

  it('never lets more go within any window than the broker allows, whatever comes', async () => {
    const step = fc.record({
      kind: fc.constantFrom<RequestKind>('cancel', 'order', 'read'),
      units: fc.integer({ min: 1, max: 4 }),
      waitMs: fc.nat(400),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = handClock();
        const rules = [{ name: 'w', max: 7, perMs: 700 }];
        const budget: RequestBudget = openBudget({ clock, rules, queueMax: 10, waitMaxMs: 2_000 });
        const gone: { readonly atMs: number; readonly units: number }[] = [];
        let answered = 0;
        for (const { kind, units, waitMs } of steps) {
          void budget.take(kind, { w: units }).then((answer) => {
            answered += 1;
            if (answer === 'granted') gone.push({ atMs: clock.monotonicMs(), units });
          });
          // Answers come in a later turn: time stands until they have.
          await clock.advanceAsync(0);
          await clock.advanceAsync(waitMs);
        }
        await clock.advanceAsync(3_000);
        expect(answered).toBe(steps.length);
        for (const { atMs } of gone) {
          const within = gone.filter((one) => one.atMs >= atMs && one.atMs < atMs + 700);
          expect(within.reduce((sum, { units }) => sum + units, 0)).toBeLessThanOrEqual(7);
        }
      }),
      { numRuns: 60 },
    );
  });
});
