/** The limits of a whole account at their bounds: a tick inside, on it, a tick over; with figures, and never before a reduction. */
import { describe, expect, it } from 'vitest';
import { money, ratio } from '#domain/decimal.ts';
import { agentId, OWNER_HOLDER } from '#domain/principal.ts';
import type { Facts } from '#trading/facts.ts';
import { assess } from '#trading/risk.ts';
import { facts, holding, type ProposalWords, proposal, refusedFor, verdictOn } from '../support/facts.ts';

const ADDED = 'cleared adding';
const REDUCED = 'cleared reducing';
type Row = readonly [what: string, about: Partial<Facts>, outcome: string];
const table = (rows: readonly Row[], order: ProposalWords = {}): void => {
  it.each(rows)('%s', (_what, about, outcome) => {
    expect(verdictOn(about, order)).toBe(outcome);
  });
};

const limits = (given: Partial<Facts['accountLimits']>): Facts['accountLimits'] => ({
  maxDrawdownPercent: null,
  maxPositions: null,
  maxDailyLoss: null,
  ...given,
});

describe('11 loss of the account today', () => {
  const lost = (amount: string, max = '500'): Partial<Facts> => ({
    accountLimits: limits({ maxDailyLoss: money(max) }),
    accountLoss: money(amount),
  });
  table([
    ['a cent below', lost('499.99'), ADDED],
    ['all of it', lost('500'), 'max_daily_loss'],
    ['a cent over', lost('500.01'), 'max_daily_loss'],
    ['a limit of zero without a loss', lost('0', '0'), ADDED],
    ['a limit of zero with a cent lost', lost('0.01', '0'), 'max_daily_loss'],
    ['no limit', { accountLimits: limits({}), accountLoss: money('999999') }, ADDED],
    [
      'the owner’s own order too',
      { ...lost('500'), authority: 'owner', agent: OWNER_HOLDER },
      'max_daily_loss',
    ],
  ]);
  it('lets a reduction pass', () => {
    expect(verdictOn({ ...lost('900'), ...holding('5') }, { side: 'sell', qty: '5' })).toBe(REDUCED);
  });
  it('says what was lost and that all agents did', () => {
    const refusal = refusedFor(lost('512.5'));
    expect(refusal.detail).toBe(
      'The account paper lost 512.5 of 500 USD today, all agents together; only reducing orders are possible until tomorrow or the owner lifts it.',
    );
    expect(refusal.limits).toEqual([
      { limit: 'account_max_daily_loss', used: '512.5', order: '0', max: '500', unit: 'USD' },
    ]);
  });
});

describe('12 drawdown', () => {
  const down = (percent: string, max: string | null = '30'): Partial<Facts> => ({
    accountLimits: limits({ maxDrawdownPercent: max === null ? null : ratio(max) }),
    accountDrawdownPercent: ratio(percent),
  });
  table([
    ['a hair below', down('29.99999999'), ADDED],
    ['all of it', down('30'), 'max_drawdown'],
    ['a hair over', down('30.00000001'), 'max_drawdown'],
    ['no breaker', down('99', null), ADDED],
    ['the owner’s own order too', { ...down('30'), authority: 'owner', agent: OWNER_HOLDER }, 'max_drawdown'],
  ]);
  it('lets a reduction pass', () => {
    expect(verdictOn({ ...down('80'), ...holding('5') }, { side: 'sell', qty: '5' })).toBe(REDUCED);
  });
  it('names both percentages', () => {
    expect(refusedFor(down('31.5')).limits).toEqual([
      { limit: 'account_max_drawdown', used: '31.5', order: '0', max: '30', unit: 'percent' },
    ]);
  });
});

describe('12 positions', () => {
  const open = (positionsOpen: number, opensPosition = true): Partial<Facts> => ({
    accountLimits: limits({ maxPositions: 5 }),
    positionsOpen,
    opensPosition,
  });
  table([
    ['room for two', open(3), ADDED],
    ['the last one', open(4), ADDED],
    ['one more', open(5), 'max_positions'],
    ['more than there may be, after the cap was lowered', open(9), 'max_positions'],
    ['adding to one of five', open(5, false), ADDED],
    ['no cap', { accountLimits: limits({}), positionsOpen: 500 }, ADDED],
    ['none at all', { accountLimits: limits({ maxPositions: 0 }) }, 'max_positions'],
  ]);
  it('lets a reduction pass', () => {
    expect(verdictOn({ ...open(9, false), ...holding('5') }, { side: 'sell', qty: '5' })).toBe(REDUCED);
  });
  it('counts what is there, and the one that this order would open', () => {
    expect(refusedFor(open(5)).limits).toEqual([
      { limit: 'account_max_positions', used: '5', order: '1', max: '5', unit: 'positions' },
    ]);
  });
});

describe('what a preview shows of the account', () => {
  const shown = (about: Partial<Facts>): readonly string[] => {
    const verdict = assess(facts(about), proposal());
    if (verdict.kind !== 'cleared') throw new Error(verdict.kind);
    return verdict.limits.filter(({ limit }) => limit.startsWith('account_')).map(({ limit }) => limit);
  };
  it('is every limit in force, and nothing of one that is off', () => {
    const all = limits({ maxPositions: 5, maxDailyLoss: money('500'), maxDrawdownPercent: ratio('30') });
    expect(shown({ accountLimits: all })).toEqual([
      'account_max_daily_loss',
      'account_max_drawdown',
      'account_max_positions',
    ]);
    expect(shown({ accountLimits: limits({}) })).toEqual([]);
    expect(shown({ agent: agentId('agt_other') })).toEqual(['account_max_drawdown']);
  });
});
