/** What was asked before, at its bounds: the same order while it is unclear, one order too many, and a trade with one's own side. */
import { describe, expect, it } from 'vitest';
import { price } from '#domain/decimal.ts';
import { OWNER_HOLDER } from '#domain/principal.ts';
import type { Facts } from '#trading/facts.ts';
import { assess } from '#trading/risk.ts';
import {
  facts,
  holding,
  mandate,
  type ProposalWords,
  proposal,
  refusedFor,
  say,
  verdictOn,
  working,
} from '../support/facts.ts';

const ADDED = 'cleared adding';
const REDUCED = 'cleared reducing';

describe('13 the same order while it is unclear', () => {
  const unclear = (words: ProposalWords): Partial<Facts> => ({ unclear: [working(words)] });
  const order: ProposalWords = { qty: '10', limit: '100' };
  it.each<[string, Partial<Facts>, ProposalWords, string]>([
    ['the very same', unclear(order), order, 'duplicate_order'],
    ['a lot more', unclear(order), { ...order, qty: '11' }, ADDED],
    ['a lot less', unclear(order), { ...order, qty: '9' }, ADDED],
    ['a tick dearer', unclear(order), { ...order, limit: '100.1' }, ADDED],
    ['a tick cheaper', unclear(order), { ...order, limit: '99.9' }, ADDED],
    ['the other side', unclear(order), { ...order, side: 'sell' }, ADDED],
    ['another type', unclear(order), { qty: '10' }, ADDED],
    ['with a bracket', unclear(order), { ...order, stopLoss: '98' }, ADDED],
    ['a stop at its price', unclear({ qty: '1', stop: '101' }), { qty: '1', stop: '101' }, 'duplicate_order'],
    ['a stop a tick off', unclear({ qty: '1', stop: '101' }), { qty: '1', stop: '101.1' }, ADDED],
    [
      'at the market by its value, which comes to a lot less now',
      unclear({ qty: '10', type: 'market' }),
      { qty: '9', notional: '1000' },
      'duplicate_order',
    ],
    [
      'by its value, and further off than prices move',
      unclear({ qty: '10', type: 'market' }),
      { qty: '8', notional: '800' },
      ADDED,
    ],
    [
      'by its value, as far as prices may move',
      unclear({ qty: '100', type: 'market' }),
      { qty: '105', notional: '10500' },
      'duplicate_order',
    ],
    [
      'by its value, a lot further',
      unclear({ qty: '100', type: 'market' }),
      { qty: '106', notional: '10600' },
      ADDED,
    ],
    [
      'a reduction',
      {
        ...unclear({ side: 'sell', qty: '2', type: 'market', effect: 'reducing' } as ProposalWords),
        ...holding('9', '7'),
      },
      { side: 'sell', qty: '2' },
      'duplicate_order',
    ],
    [
      'a close, which takes back what works before it',
      { ...unclear({ side: 'sell', qty: '2', type: 'market' }), ...holding('9', '7') },
      { side: 'sell', qty: '2', origin: 'close' },
      REDUCED,
    ],
    [
      'the owner’s own',
      { ...unclear(order), authority: 'owner', agent: OWNER_HOLDER },
      order,
      'duplicate_order',
    ],
  ])('%s', (_what, about, words, outcome) => {
    expect(verdictOn(about, words)).toBe(outcome);
  });
  it('names the order, and how to look at it', () => {
    expect(refusedFor(unclear(order), order)).toMatchObject({
      reason: 'duplicate_order',
      order_id: 'ord_1',
      verify_with: 'get_order {"order_id": "ord_1"}',
    });
  });
});

describe('14 orders sent again and again', () => {
  const sent = (used: number): Partial<Facts> => ({
    executions: { used, rate: { count: 600, per: 'minute' } },
  });
  it.each<[string, Partial<Facts>, ProposalWords, string]>([
    ['one less', sent(598), {}, ADDED],
    ['the last', sent(599), {}, ADDED],
    ['one more', sent(600), {}, 'trading_reducing'],
    ['a change of one', { ...sent(599), changes: working() }, { qty: '11', limit: '100' }, ADDED],
    [
      'one change more',
      { ...sent(600), changes: working() },
      { qty: '11', limit: '100' },
      'trading_reducing',
    ],
    ['a cut', { ...sent(600), changes: working() }, { qty: '1', limit: '100' }, ADDED],
    ['one that the owner approved', { ...sent(600), approved: true }, {}, ADDED],
    ['a reduction', { ...sent(600), ...holding('5') }, { side: 'sell', qty: '5' }, REDUCED],
    [
      'the owner’s, which nobody counts',
      { executions: undefined, authority: 'owner', agent: OWNER_HOLDER },
      {},
      ADDED,
    ],
  ])('%s', (_what, about, words, outcome) => {
    expect(verdictOn(about, words)).toBe(outcome);
  });
  it('says how many, within what, and who lifts it', () => {
    const refusal = refusedFor(sent(600));
    expect(refusal.limits).toEqual([
      { limit: 'repeated_executions', used: '600', order: '1', max: '600', unit: 'orders per minute' },
    ]);
    expect(refusal.detail).toContain('until the owner lifts it');
  });
  it.each([
    ['repeated_refusals', 'refused again and again'],
    ['repeated_executions', 'sent more orders than may be sent'],
  ])('afterwards only reductions pass: %s', (stateReason, words) => {
    const refusal = refusedFor({ tradingState: 'REDUCING', stateReason });
    expect(refusal.reason).toBe('trading_reducing');
    expect(refusal.detail).toContain(words);
  });
});

/** Bid 99.9, ask 100: at the market a buy reaches 100.5 and a sell 99.4005. */
describe('15 a trade with another holder of the account', () => {
  it.each<[string, string, ProposalWords, string]>([
    ['a buy a tick below their sell', '100', { limit: '99.9' }, ADDED],
    ['a buy at their sell', '100', { limit: '100' }, 'self_match'],
    ['a buy a tick above their sell', '100', { limit: '100.1' }, 'self_match'],
    ['a sell a tick above their buy', '99', { side: 'sell', limit: '99.1' }, ADDED],
    ['a sell at their buy', '99', { side: 'sell', limit: '99' }, 'self_match'],
    ['a sell a tick below their buy', '99', { side: 'sell', limit: '98.9' }, 'self_match'],
    ['a market buy that does not reach their sell', '100.6', {}, ADDED],
    ['a market buy that reaches it with the slippage', '100.5', {}, 'self_match'],
    ['a market sell that does not reach their buy', '99.4', { side: 'sell' }, ADDED],
    ['a market sell that reaches it with the slippage', '99.5', { side: 'sell' }, 'self_match'],
    ['a stop whose fills end below', '102.6', { stop: '102' }, ADDED],
    ['a stop whose fills reach it', '102.5', { stop: '102' }, 'self_match'],
    ['a stop limit below', '102.6', { stop: '102', limit: '102.5' }, ADDED],
    ['a stop limit at it', '102.5', { stop: '102', limit: '102.5' }, 'self_match'],
    ['a trailing buy that may trigger at 101', '101.5', { trailPrice: '1' }, 'self_match'],
    ['a trailing buy below', '101.6', { trailPrice: '1' }, ADDED],
  ])('%s', (_what, opposing, words, outcome) => {
    expect(verdictOn({ opposing: price(opposing) }, words)).toBe(outcome);
  });
  it('stands before no reduction, and before the owner too', () => {
    const about = { opposing: price('99'), ...holding('5') };
    expect(verdictOn(about, { side: 'sell', qty: '5', limit: '99' })).toBe(REDUCED);
    const owner: Partial<Facts> = { authority: 'owner', agent: OWNER_HOLDER };
    expect(verdictOn({ opposing: price('100'), ...owner }, { limit: '100' })).toBe('self_match');
  });
  it('says at what price, and not whose', () => {
    expect(refusedFor({ opposing: price('100') }, { limit: '100' }).detail).toBe(
      'An order of somebody else in the account paper sells XYZ at 100, and this one could trade with it at up to 100; use a limit below 100, or wait until it is gone.',
    );
  });
});

describe('17 approval', () => {
  const above = (used: string): Partial<Facts> => ({
    mandate: mandate({ approval: { above: '200' } }),
    unapprovedValue: facts({}).valueUsed.plus(used) as unknown as Facts['valueUsed'],
  });
  /** Worth 100.5: at the touch and the allowance. */
  const one: ProposalWords = { limit: '100.5' };
  it.each<[string, Partial<Facts>, string]>([
    ['a cent less in all', above('99.49'), ADDED],
    ['the amount', above('99.5'), ADDED],
    ['a cent above', above('99.51'), 'needs_approval'],
    ['a cent above, and approved', { ...above('99.51'), approved: true }, ADDED],
    ['always, and approved', { mandate: mandate({ approval: 'always' }), approved: true }, ADDED],
    [
      'the owner’s own',
      { ...above('500'), authority: 'owner', agent: OWNER_HOLDER, mandate: undefined },
      ADDED,
    ],
  ])('%s', (_what, about, outcome) => {
    expect(verdictOn(about, one)).toBe(outcome);
  });
  it('approves nothing that another control refuses', () => {
    const about: Partial<Facts> = { approved: true, mandate: mandate({ max_order_qty: '0' }) };
    expect(verdictOn(about, one)).toBe('max_order_qty');
    expect(verdictOn({ approved: true, tradingState: 'HALTED' }, one)).toBe('trading_halted');
  });
  it('carries the figures of every limit to whoever is asked', () => {
    const verdict = assess(facts({ mandate: mandate({ approval: 'always' }) }), proposal(one));
    if (verdict.kind !== 'needs_approval') throw new Error(say(verdict));
    expect(verdict.limits.map(({ limit }) => limit)).toContain('max_daily_value');
  });
});
