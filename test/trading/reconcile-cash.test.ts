/** Cash that moves at a broker without an execution: posted once it is quiet, balanced, no profit and no loss of anybody's. */
import { describe, expect, it } from 'vitest';
import { CASH_QUIET_MS, RECONCILE_ALL_INTERVAL_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import { ABC, placedAt, type RealAccount, type RealOptions, realAccount } from '../support/real-account.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { granted, SECOND, tradingRoom } from '../support/trading-room.ts';

const round = RECONCILE_ALL_INTERVAL_MS + RECONCILE_INTERVAL_MS;
const entry = ({ room }: Pick<RealAccount, 'room'>, name: string): string =>
  room.store.db
    .prepare("SELECT amount FROM ledger_balances WHERE account_id = 'second' AND entry = ?")
    .pluck()
    .get(name) as string;
const adjusted = ({ room }: Pick<RealAccount, 'room'>) =>
  room.events('ledger.adjusted').map(({ detail }) => detail?.['amount']);
const standing = ({ room }: RealAccount) => room.trading.owner.accountLimits.of(SECOND).standing;
const dayPnl = async ({ room, claude }: RealAccount) =>
  granted(await room.trading.account(claude, SECOND)).dayPnl.toFixed();

/** The wall clock alone: a day of watching every second would only take long. */
async function later({ clock }: Pick<RealAccount, 'clock'>, ms: number): Promise<void> {
  clock.setWall(clock.wallMs() + ms);
  await clock.advanceAsync(1_000);
}

/** Two bought at 10, then as long as is asked for. */
async function holding(afterMs: number, options: RealOptions = {}) {
  const it = await realAccount({
    ...options,
    before({ broker, feed }) {
      broker.cash = '1000';
      feed.venue.set(ABC.id, ['10', '10.01']);
      options.before?.({ broker, feed });
    },
  });
  const order = await placedAt(it);
  it.broker.fill(order.brokerClientId, '2', '10');
  await later(it, afterMs);
  return it;
}

describe('cash that is not what our executions came to', () => {
  it('is left alone for a day after the last execution, and then posted once two comparisons agree', async () => {
    const it = await holding(0);
    it.broker.cash = '1250';
    await later(it, CASH_QUIET_MS - 4 * round);
    await it.clock.advanceAsync(3 * round);
    expect(adjusted(it)).toEqual([]);
    expect(entry(it, 'cash')).toBe('980');
    await it.clock.advanceAsync(4 * round);
    expect(adjusted(it)).toEqual(['250']);
    expect(entry(it, 'cash')).toBe('1230');
    expect(entry(it, 'capital')).toBe('-1250');
    await it.clock.advanceAsync(5 * round);
    expect(adjusted(it)).toEqual(['250']);
    const sums = it.room.store.db
      .prepare("SELECT sum(CAST(amount AS REAL)) FROM ledger WHERE account_id = 'second' GROUP BY ref")
      .pluck()
      .all();
    expect(new Set(sums)).toEqual(new Set([0]));
  });

  it('is no profit of the day, hides no loss and is none, whichever way it went', async () => {
    const it = await holding(CASH_QUIET_MS);
    it.feed.say(ABC.id, '10', '10.01');
    await it.clock.advanceAsync(round);
    const peak = standing(it).peak;
    it.feed.say(ABC.id, '8', '8.01');
    await it.clock.advanceAsync(1_000);
    const before = { pnl: await dayPnl(it), loss: standing(it).loss.toFixed() };
    expect(before.loss).toBe('4');
    it.broker.cash = '5000';
    await it.clock.advanceAsync(3 * round);
    expect(adjusted(it)).toEqual(['4000']);
    expect({ pnl: await dayPnl(it), loss: standing(it).loss.toFixed() }).toEqual(before);
    expect(standing(it).peak.minus(peak).toFixed()).toBe('4000');
    it.broker.cash = '900';
    await it.clock.advanceAsync(3 * round);
    expect(adjusted(it)).toEqual(['4000', '-4100']);
    expect({ pnl: await dayPnl(it), loss: standing(it).loss.toFixed() }).toEqual(before);
    const { totals } = granted(await it.room.trading.pnlHistory(it.claude, { account: SECOND, days: 7 }));
    expect(totals.returnPct).toBe(-0.4);
    expect(totals.maxDrawdownPct).toBeGreaterThan(-1);
  });

  it('that is another amount with every comparison is not posted', async () => {
    const it = await holding(CASH_QUIET_MS);
    for (let cash = 1_001; cash < 1_006; cash++) {
      it.broker.cash = String(cash);
      await it.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS);
    }
    expect(adjusted(it)).toEqual([]);
  });

  it('is not posted while an order is unclear', async () => {
    const it = await holding(CASH_QUIET_MS);
    it.broker.silent = true;
    it.feed.say(ABC.id, '10', '10.01');
    it.broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    Object.assign(it.broker, { orderByClientId: () => Promise.reject(new Error('not known')) });
    await placedAt(it);
    it.broker.cash = '1250';
    await it.clock.advanceAsync(5 * round);
    expect(adjusted(it)).toEqual([]);
  });

  it('of the embedded broker is a fault, and stays one', async () => {
    const second = scriptedBroker('second');
    Object.assign(second, { restart: () => Promise.resolve({ kind: 'refused', reason: 'not now' }) });
    const room = await tradingRoom({ second });
    second.cash = '5';
    await later(room, CASH_QUIET_MS);
    await room.clock.advanceAsync(3 * round);
    expect(adjusted({ room })).toEqual([]);
    expect(entry({ room }, 'cash')).toBe('100000');
  });
});
