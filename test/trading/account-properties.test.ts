/** An account's limits against a model of three figures: whatever comes in whatever order, both know the same and trip at the same place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import {
  type AccountScene,
  accountScene,
  askToAdd,
  lift,
  nextDay,
  restarted,
  standingOf,
  stateOf,
} from '../support/account-scene.ts';
import { draft, granted, PAPER, place, reduce } from '../support/trading-room.ts';

const MAX_LOSS = 500;
/** In percent; of what the account begins with it is a thousand. */
const MAX_DRAWDOWN = 1;

/** Whole units of the account's currency, so that a model may add them up as numbers. */
interface Model {
  equity: number;
  peak: number;
  dayStart: number;
  readonly tripped: Set<'max_drawdown' | 'max_daily_loss'>;
}

function look(model: Model): void {
  model.peak = Math.max(model.peak, model.equity);
  if ((model.peak - model.equity) * 100 >= MAX_DRAWDOWN * model.peak) model.tripped.add('max_drawdown');
  if (model.dayStart - model.equity >= MAX_LOSS) model.tripped.add('max_daily_loss');
}

type Step = { readonly kind: 'earn'; readonly by: number } | { readonly kind: 'day' | 'restart' | 'lift' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -400, max: 300 }).map((by) => ({ kind: 'earn', by }) as const) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'day' }, { kind: 'restart' }, { kind: 'lift' }) },
);

/** One unit bought so far below or above the market, and sold at it. */
async function earn(scene: AccountScene, who: Principal, by: number): Promise<void> {
  const order = await place(scene.room, who, draft({ side: 'buy', qty: '1' }));
  scene.broker.fill(order.brokerClientId, '1', String(1450 - by));
  const closing = scene.room.trading.closePosition(who, { account: PAPER, symbol: 'SPX' }, reduce());
  const closed = granted(await closing);
  if (closed.dryRun || closed.order === null) throw new Error('nothing was closed');
  scene.broker.fill(closed.order.brokerClientId, '1', '1450');
}

async function play(steps: readonly Step[]): Promise<void> {
  let scene = await accountScene({ max_drawdown: String(MAX_DRAWDOWN), max_daily_loss: String(MAX_LOSS) });
  const claude = scene.room.agent('claude');
  const model: Model = { equity: 100_000, peak: 100_000, dayStart: 100_000, tripped: new Set() };
  for (const now of steps) {
    switch (now.kind) {
      case 'earn':
        if (model.tripped.size > 0) {
          expect(await askToAdd(scene, claude)).toBe('trading_reducing');
          break;
        }
        await earn(scene, claude, now.by);
        model.equity += now.by;
        break;
      case 'day':
        nextDay(scene);
        await scene.room.play(1);
        model.dayStart = model.equity;
        model.tripped.delete('max_daily_loss');
        break;
      case 'restart':
        scene = await restarted(scene, 1);
        break;
      case 'lift':
        expect(lift(scene)).toHaveLength(model.tripped.size);
        if (model.tripped.delete('max_drawdown')) model.peak = model.equity;
        if (model.tripped.delete('max_daily_loss')) model.dayStart = model.equity;
        break;
      default:
        now satisfies never;
    }
    look(model);
    // Ten orders a second are all that an account takes.
    await scene.room.play(1);
    const { equity, peak, loss } = standingOf(scene);
    expect([Number(equity), Number(peak)]).toEqual([model.equity, model.peak]);
    expect(Number(loss)).toBe(Math.max(0, model.dayStart - model.equity));
    expect(stateOf(scene).split(' ').toSorted().join(' ')).toBe(
      [...model.tripped].toSorted().join(' ') || 'ACTIVE',
    );
  }
}

describe('an account', () => {
  it('stands where the model says, after every step of every way', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), play), {
      numRuns: 25,
    });
  });
});
