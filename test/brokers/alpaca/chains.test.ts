/** One order of ours out of many of Alpaca's, whatever order the words about them come in. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openChains } from '#brokers/alpaca/chains.ts';
import type { OrderPayload } from '#brokers/alpaca/wire.ts';
import { text } from '#domain/decimal.ts';

const at = (second: number): string => `2026-01-05T15:00:${String(second).padStart(2, '0')}.123456789Z`;
const word = (over: Partial<OrderPayload>): OrderPayload => ({
  id: 'a',
  client_order_id: 'pc_1',
  created_at: at(0),
  updated_at: at(0),
  symbol: 'AAPL',
  qty: '10',
  filled_qty: '0',
  side: 'buy',
  type: 'limit',
  time_in_force: 'gtc',
  limit_price: '180',
  status: 'new',
  ...over,
});
/** Placed, filled in part, changed, filled, and in the end canceled. */
const STORY: readonly OrderPayload[] = [
  word({}),
  word({ filled_qty: '3', status: 'partially_filled', updated_at: at(1) }),
  word({ filled_qty: '3', status: 'replaced', replaced_by: 'b', updated_at: at(2) }),
  word({ id: 'b', client_order_id: 'pc_1~1', replaces: 'a', created_at: at(2), updated_at: at(2) }),
  word({
    id: 'b',
    client_order_id: 'pc_1~1',
    replaces: 'a',
    filled_qty: '4',
    status: 'partially_filled',
    updated_at: at(3),
  }),
  word({
    id: 'b',
    client_order_id: 'pc_1~1',
    replaces: 'a',
    filled_qty: '4',
    status: 'canceled',
    // Clocks of several machines: its end may bear the time of what came before it.
    updated_at: at(2),
  }),
];

it('ends the same in whatever order, and however often, its words come', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...STORY, ...STORY], { minLength: STORY.length * 2 }),
      async (words) => {
        const chains = openChains({ byId: async () => undefined, byClientId: async () => undefined });
        for (const one of words) chains.learn(one);
        for (const id of ['a', 'b']) {
          const chain = await chains.of(id);
          expect([chain?.root.id, chain?.head.id, chain?.head.status]).toEqual(['a', 'b', 'canceled']);
          expect([chain && text(chain.filledBefore), chain?.head.filled_qty]).toEqual(['3', '4']);
        }
      },
    ),
    { numRuns: 200 },
  );
});

it.each([
  [0, 1],
  [1, 0],
])('what is filled stays filled, whatever a later stamp says (%i, %i)', async (first, second) => {
  const words = [
    word({ filled_qty: '3', status: 'partially_filled', updated_at: at(1) }),
    word({ updated_at: at(2) }),
  ];
  const chains = openChains({ byId: async () => undefined, byClientId: async () => undefined });
  for (const number of [first, second]) chains.learn(words[number] ?? word({}));
  expect((await chains.of('a'))?.head.filled_qty).toBe('3');
});

it('goes on as it was when a change was thrown out after all', async () => {
  const chains = openChains({ byId: async () => undefined, byClientId: async () => undefined });
  chains.learn(word({ filled_qty: '10', status: 'filled', updated_at: at(4) }));
  chains.learn(word({ id: 'b', client_order_id: 'pc_1~1', replaces: 'a', status: 'rejected' }));
  const chain = await chains.of('b');
  expect([chain?.head.id, chain?.head.status, chain && text(chain.filledBefore)]).toEqual([
    'a',
    'filled',
    '0',
  ]);
});

it('asks for what it has not heard of, and never for a circle without end', async () => {
  const there = new Map([
    ['a', word({ status: 'replaced', replaced_by: 'b' })],
    ['b', word({ id: 'b', client_order_id: 'pc_1~1', replaces: 'a' })],
  ]);
  const asked: string[] = [];
  const chains = openChains({
    byId: async (id) => {
      asked.push(id);
      return there.get(id);
    },
    byClientId: async () => undefined,
  });
  expect((await chains.of('b'))?.root.id).toBe('a');
  expect(asked).toEqual(['b', 'a']);
  there.set('c', word({ id: 'c', replaces: 'd', replaced_by: 'd' }));
  there.set('d', word({ id: 'd', replaces: 'c', replaced_by: 'c' }));
  await expect(chains.of('c')).rejects.toThrow('more changes');
});

it('says that what counts now is not known while the order that replaced it can not be found, and follows it once it can', async () => {
  const there = new Map([['a', word({ status: 'replaced', replaced_by: 'b' })]]);
  const chains = openChains({
    byId: async (id) => there.get(id),
    byClientId: async () => there.get('a'),
  });
  expect((await chains.byClientId('pc_1'))?.isCut).toBe(true);
  there.set('b', word({ id: 'b', client_order_id: 'pc_1~1', replaces: 'a' }));
  const chain = await chains.byClientId('pc_1');
  expect([chain?.head.id, chain?.head.status, chain?.isCut]).toEqual(['b', 'new', false]);
});

it('an order that was replaced by nothing has ended', async () => {
  const chains = openChains({ byId: async () => undefined, byClientId: async () => undefined });
  chains.learn(word({ status: 'replaced' }));
  expect((await chains.of('a'))?.isCut).toBe(false);
});
