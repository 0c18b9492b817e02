/** State, mandate and reducing at their bounds: one step inside, on it, one step over; with its reason and its figures. */
import { describe, expect, it } from 'vitest';
import { money, quantity } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import type { Facts } from '#trading/facts.ts';
import {
  holding,
  mandate,
  type ProposalWords,
  phase,
  refusedFor,
  verdictOn,
  WALL_MS,
} from '../support/facts.ts';

const ADDED = 'cleared adding';
const REDUCED = 'cleared reducing';
type Row = readonly [what: string, about: Partial<Facts>, order: ProposalWords, outcome: string];

const table = (rows: readonly Row[]): void => {
  it.each(rows)('%s', (_what, about, order, outcome) => {
    expect(verdictOn(about, order)).toBe(outcome);
  });
};

/** Value 101 a unit: a limit above far touch and slippage. */
const ten: ProposalWords = { qty: '10', limit: '101' };

describe('1 trading state', () => {
  table([
    ['active: adds', { tradingState: 'ACTIVE' }, {}, ADDED],
    [
      'reducing: nothing adds',
      { tradingState: 'REDUCING', stateReason: 'daily_loss' },
      {},
      'trading_reducing',
    ],
    [
      'reducing: what reduces passes',
      { tradingState: 'REDUCING', ...holding('5') },
      { side: 'sell', qty: '5' },
      REDUCED,
    ],
    ['halted: nothing adds', { tradingState: 'HALTED' }, {}, 'trading_halted'],
    [
      'halted: no order of the agent’s, even one that reduces',
      { tradingState: 'HALTED', ...holding('5') },
      { side: 'sell' },
      'trading_halted',
    ],
    [
      'halted: a close of its own passes',
      { tradingState: 'HALTED', ...holding('5') },
      { side: 'sell', origin: 'close' },
      REDUCED,
    ],
    [
      'halted: the owner’s flatten passes',
      { tradingState: 'HALTED', ...holding('5') },
      { side: 'sell', origin: 'flatten' },
      REDUCED,
    ],
    [
      'reducing for an expired mandate says so',
      { tradingState: 'REDUCING', wallMs: WALL_MS, mandate: mandate({ expires_at: '2026-01-05T11:59:59Z' }) },
      {},
      'mandate_expired',
    ],
  ]);
  it('names why and where to look', () => {
    const refusal = refusedFor({ tradingState: 'REDUCING', stateReason: 'daily_loss' });
    expect(refusal.detail).toMatch(
      /possible now: lost today: 0 of 1000000000 USD now, and the limit was reached before, until tomorrow or the owner lifts it\.$/,
    );
    expect(refusal.verify_with).toBe('get_mandate');
  });
  it('gives the figures of the loss, of the agent and of its account', () => {
    const own = refusedFor({
      tradingState: 'REDUCING',
      stateReason: 'daily_loss',
      mandate: mandate({ max_daily_loss: '50' }),
      lossToday: money('52.1'),
    });
    expect(own.detail).toContain('lost today: 52.1 of 50 USD, until tomorrow or the owner lifts it');
    expect(own.limits).toEqual([
      { limit: 'max_daily_loss', used: '52.1', order: '0', max: '50', unit: 'USD' },
    ]);
    const reached = { limit: 'account_max_drawdown', used: '31.2', order: '0', max: '30', unit: 'percent' };
    const account = refusedFor({
      tradingState: 'REDUCING',
      stateReason: 'the account paper fell 31.2 % below its highest equity and may fall 30 %',
      accountReached: [reached],
    });
    expect(account.detail).toContain('31.2 %');
    expect(account.limits).toEqual([reached]);
  });
});

describe('2 mandate', () => {
  const expiring = mandate({ expires_at: '2026-01-05T12:00:00Z' });
  table([
    ['none', { mandate: undefined }, {}, 'no_mandate'],
    ['revoked', { mandate: mandate({}, { revokedAtMs: WALL_MS - 1 }) }, {}, 'no_mandate'],
    ['a millisecond before its end', { mandate: expiring, wallMs: WALL_MS - 1 }, {}, ADDED],
    ['at its end', { mandate: expiring, wallMs: WALL_MS }, {}, 'mandate_expired'],
    ['a millisecond after its end', { mandate: expiring, wallMs: WALL_MS + 1 }, {}, 'mandate_expired'],
    ['of another account', { account: accountId('second') }, {}, 'account_not_allowed'],
    [
      'of another symbol',
      { mandate: mandate({ symbols: ['SPX'] }, { resolved: ['INDEX:SPX'] }) },
      {},
      'symbol_not_allowed',
    ],
    [
      'of this symbol, by its id',
      { mandate: mandate({ symbols: ['XYZ'] }, { resolved: ['TEST:XYZ'] }) },
      {},
      ADDED,
    ],
    ['of another asset class', { mandate: mandate({ asset_classes: ['crypto'] }) }, {}, 'symbol_not_allowed'],
    ['of the other side', { mandate: mandate({ sides: ['sell'] }) }, {}, 'side_not_allowed'],
    ['of other types', { mandate: mandate({ order_types: ['limit'] }) }, {}, 'order_type_not_allowed'],
    [
      'none, and it closes its own',
      { mandate: undefined, ...holding('5') },
      { side: 'sell', qty: '5' },
      REDUCED,
    ],
    [
      'expired, and it closes its own',
      { mandate: expiring, wallMs: WALL_MS, ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
    [
      'of the buy side only, and it closes its own',
      { mandate: mandate({ sides: ['buy'] }), ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
  it('names the accounts it covers', () => {
    expect(refusedFor({ account: accountId('second') }).did_you_mean).toEqual(['paper']);
  });
});

describe('2b hours of the mandate', () => {
  const session = mandate({ trading_hours: 'session' });
  const hours = mandate({ trading_hours: { timezone: 'UTC', days: ['mon'], from: '09:00', to: '17:00' } });
  table([
    ['within', { mandate: hours, withinHours: true }, {}, ADDED],
    ['outside', { mandate: hours, withinHours: false }, {}, 'outside_trading_hours'],
    ['session: open', { mandate: session, phase: phase('open') }, {}, ADDED],
    [
      'session: extended',
      { mandate: session, phase: phase('extended') },
      { ...ten, timeInForce: 'day', extendedHours: true },
      'outside_trading_hours',
    ],
    ['session: closed', { mandate: session, phase: phase('closed') }, {}, 'outside_trading_hours'],
    [
      'outside, and it closes its own',
      { mandate: hours, withinHours: false, ...holding('5') },
      { side: 'sell' },
      REDUCED,
    ],
  ]);
});

describe('8 shorts and reduce_only', () => {
  const longOnly = { mandate: mandate({ allow_short: false }) };
  table([
    ['sells a lot less than it owns', { ...longOnly, ...holding('5') }, { side: 'sell', qty: '4' }, REDUCED],
    ['sells all it owns', { ...longOnly, ...holding('5') }, { side: 'sell', qty: '5' }, REDUCED],
    [
      'sells a lot more than it owns',
      { ...longOnly, ...holding('5') },
      { side: 'sell', qty: '6' },
      'short_not_allowed',
    ],
    ['sells what it does not own', longOnly, { side: 'sell' }, 'short_not_allowed'],
    [
      'sells a second time what is being sold already',
      { ...longOnly, ...holding('10', '0') },
      { side: 'sell', qty: '5' },
      'short_not_allowed',
    ],
    [
      'sells more than what is not being sold already',
      { ...longOnly, ...holding('10', '4') },
      { side: 'sell', qty: '5' },
      'short_not_allowed',
    ],
    [
      'sells beside working adding sales',
      { ...longOnly, ...holding('-2', '2'), workingSells: quantity('3') },
      { side: 'sell' },
      'short_not_allowed',
    ],
    ['may short', {}, { side: 'sell', qty: '6' }, ADDED],
    ['may short, in a cash account', { accountType: 'cash' }, { side: 'sell' }, 'short_not_allowed'],
    ['buys back a lot less than its short', { ...longOnly, ...holding('-5') }, { qty: '4' }, REDUCED],
    ['buys back all of its short', { ...longOnly, ...holding('-5') }, { qty: '5' }, REDUCED],
    ['buys more than its short: an adding order', { ...longOnly, ...holding('-5') }, { qty: '6' }, ADDED],
    ['reduce_only within the position', holding('5'), { side: 'sell', qty: '5', reduceOnly: true }, REDUCED],
    ['reduce_only a lot over', holding('5'), { side: 'sell', qty: '6', reduceOnly: true }, 'not_reducing'],
    ['reduce_only on the same side', holding('5'), { reduceOnly: true }, 'not_reducing'],
    ['reduce_only with nothing held', {}, { side: 'sell', reduceOnly: true }, 'not_reducing'],
    [
      'a close beyond what is reducible',
      holding('5', '3'),
      { side: 'sell', qty: '4', origin: 'close' },
      'not_reducing',
    ],
    ['a close of what is reducible', holding('5', '3'), { side: 'sell', qty: '3', origin: 'close' }, REDUCED],
    ['a close on the wrong side', holding('5'), { qty: '1', origin: 'close' }, 'not_reducing'],
  ]);
  it('says how much is reducible', () => {
    expect(refusedFor(holding('5', '3'), { side: 'sell', qty: '4', origin: 'close' }).limits).toEqual([
      { limit: 'reducible', used: '0', order: '4', max: '3', unit: 'units' },
    ]);
  });
});

describe('8 what others opened', () => {
  const others = { accountQty: quantity('10'), accountReducible: quantity('6') };
  const mayAll = { ...others, mandate: mandate({ may_reduce: 'account', allow_short: false }) };
  table([
    ['is not an agent’s to close', others, { side: 'sell', qty: '6', origin: 'close' }, 'not_reducing'],
    ['may be closed where the mandate says so', mayAll, { side: 'sell', qty: '6' }, REDUCED],
    ['and no more than is left of it', mayAll, { side: 'sell', qty: '7' }, 'short_not_allowed'],
    [
      'not when that mandate is revoked',
      { ...mayAll, mandate: mandate({ may_reduce: 'account' }, { revokedAtMs: 1 }) },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    [
      'not when that mandate has ended',
      { ...mayAll, mandate: mandate({ may_reduce: 'account', expires_at: '2026-01-05T12:00:00Z' }) },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    [
      'not in an account that mandate does not name',
      { ...mayAll, account: accountId('second') },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    [
      'not while it is halted',
      { ...mayAll, tradingState: 'HALTED' },
      { side: 'sell', origin: 'close' },
      'not_reducing',
    ],
    ['while it may only reduce', { ...mayAll, tradingState: 'REDUCING' }, { side: 'sell' }, REDUCED],
  ]);
  it('names the account’s figures where they are what counts', () => {
    expect(refusedFor(mayAll, { side: 'sell', qty: '7', origin: 'close' }).limits?.[0]?.max).toBe('6');
    const own = { ...mayAll, ownQty: quantity('4'), reducible: quantity('3') };
    expect(refusedFor(own, { side: 'sell', qty: '7', origin: 'close' }).limits?.[0]?.max).toBe('3');
    expect(refusedFor(own, { side: 'buy', qty: '1', origin: 'close' }).limits?.[0]?.max).toBe('0');
  });
});
