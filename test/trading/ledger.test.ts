/** The ledger: after whatever agents did, its postings balance, its cash is the broker's, and holders add up to the account. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { money, quantity } from '#domain/decimal.ts';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import {
  commit,
  draft,
  granted,
  own,
  PAPER,
  place,
  reduce,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';
import { expectWhole } from '../support/whole-books.ts';

/** What agents do, as numbers: which agent, what, how much, how far from the market, how many quotes pass afterwards. */
const operation = fc.record({
  agent: fc.constantFrom('claude', 'cursor', 'scalper'),
  act: fc.oneof(
    {
      weight: 60,
      arbitrary: fc.constantFrom(
        'market' as const,
        'limit' as const,
        'bracket' as const,
        'stop' as const,
        'modify' as const,
        'cancel' as const,
        'cancelAll' as const,
        'close' as const,
        'closeAll' as const,
      ),
    },
    { weight: 1, arbitrary: fc.constant('beginAnew' as const) },
  ),
  side: fc.constantFrom('buy' as const, 'sell' as const),
  qty: fc.integer({ min: 1, max: 9 }),
  off: fc.integer({ min: -30, max: 30 }),
  steps: fc.integer({ min: 0, max: 3 }),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function perform(room: TradingRoom, who: Principal, op: Operation): Promise<void> {
  const near = room.bid().plus(String(op.off)).toFixed(2);
  const qty = String(op.qty);
  const { trading } = room;
  const working = async () => granted(await trading.orders(who, { status: 'open', limit: 50 })).items;
  switch (op.act) {
    case 'market':
      await trading.placeOrder(who, draft({ side: op.side, qty }), commit());
      break;
    case 'limit':
      await trading.placeOrder(
        who,
        draft({ side: op.side, qty, limit: near, timeInForce: op.off > 0 ? 'day' : 'gtc' }),
        commit(),
      );
      break;
    case 'stop':
      await trading.placeOrder(who, draft({ side: op.side, qty, stop: near }), commit());
      break;
    case 'bracket': {
      const up = room.ask().plus('25').toFixed(2);
      const down = room.bid().minus('25').toFixed(2);
      const [takeProfit, stopLoss] = op.side === 'buy' ? [up, down] : [down, up];
      await trading.placeOrder(who, draft({ side: op.side, qty, takeProfit, stopLoss }), commit());
      break;
    }
    case 'modify': {
      const [order] = await working();
      if (order)
        await trading.modifyOrder(
          who,
          { orderId: order.orderId, qty: quantity(qty) },
          { ...commit(), tool: 'modify_order' },
        );
      break;
    }
    case 'cancel': {
      const [order] = await working();
      if (order) await trading.cancelOrder(who, order.orderId, { ...reduce(), tool: 'cancel_order' });
      break;
    }
    case 'cancelAll':
      await trading.cancelAllOrders(who, {}, { ...reduce(), tool: 'cancel_all_orders' });
      break;
    case 'close':
      await trading.closePosition(who, { account: PAPER, symbol: 'SPX' }, reduce());
      break;
    case 'closeAll':
      await trading.closeAllPositions(who, {}, { ...reduce(), tool: 'close_all_positions' });
      break;
    case 'beginAnew':
      await trading.restartAccount({ account: PAPER, cash: money(`${qty}00000`), by: OWNER_CONSOLE });
      break;
    default:
      op.act satisfies never;
  }
}

const OPERATIONS = 250;
/** Ten thousand in all. */
const RUNS = { friendly: 16, realistic: 12, hostile: 12 } as const;
/** On a machine that is busy with others, what has run by then has to do. */
const RUNS_MOST_MS = 150_000;

describe('after random operations of three agents', () => {
  it.each(['friendly', 'realistic'] as const)(
    'ledger, holdings and broker agree (%s)',
    async (preset) => {
      const seed = Date.now() % 1_000_000;
      console.log(`ledger ${preset}: seed ${seed}`);
      await fc.assert(
        fc.asyncProperty(
          fc.array(operation, { minLength: OPERATIONS, maxLength: OPERATIONS }),
          async (operations) => {
            const room = await tradingRoom({ paper: { preset, seed, cash: '1000000' } });
            const done: Promise<void>[] = [];
            const agents = new Map(['claude', 'cursor', 'scalper'].map((name) => [name, room.agent(name)]));
            for (const op of operations) {
              const who = agents.get(op.agent);
              if (who === undefined) throw new Error('no such agent');
              done.push(perform(room, who, op));
              await room.play(op.steps);
            }
            await room.clock.advanceAsync(60_000);
            await Promise.all(done);
            await expectWhole(room);
            const again = await room.restart();
            await expectWhole(again);
          },
        ),
        { seed, numRuns: RUNS[preset], plugins: [fc.interruptAfterTimeLimit(RUNS_MOST_MS)] },
      );
    },
    240_000,
  );

  it('and on a hostile venue, once it has been asked about what was unclear', async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`ledger hostile: seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: OPERATIONS, maxLength: OPERATIONS }),
        fc.nat(),
        async (operations, luck) => {
          const room = await tradingRoom({ paper: { preset: 'hostile', seed: luck, cash: '1000000' } });
          const claude = room.agent('claude');
          const done: Promise<void>[] = [];
          for (const op of operations) {
            done.push(perform(room, claude, op));
            await room.play(op.steps);
          }
          await room.clock.advanceAsync(180_000);
          await Promise.all(done);
          await expectWhole(room);
          const unknown = room.store.db
            .prepare(`SELECT count(*) FROM orders WHERE status IN ('unknown', 'submitting')`)
            .pluck()
            .get();
          expect(unknown).toBe(0);
          const sent = room.store.db
            .prepare('SELECT count(DISTINCT broker_client_id) - count(*) FROM orders')
            .pluck()
            .get();
          expect(sent).toBe(0);
        },
      ),
      { seed, numRuns: RUNS.hostile, plugins: [fc.interruptAfterTimeLimit(RUNS_MOST_MS)] },
    );
  }, 240_000);
});

it('shows a trade’s cash to the last decimal', async () => {
  const room = await tradingRoom();
  const claude = room.agent('claude');
  const before = (await room.adapter.balance()).cash;
  await place(room, claude, draft({ side: 'buy', qty: '3' }));
  await room.play(1);
  expect(await own(room, claude)).toBe('3');
  const [trade] = granted(await room.trading.trades(claude, { limit: 5 })).items;
  if (trade === undefined) throw new Error('no trade');
  const after = (await room.adapter.balance()).cash;
  expect(before.minus(after).toFixed()).toBe(trade.price.times('3').plus(trade.fee).toFixed());
});
