/** The owner has no mandate and needs none; nobody else is ever without one, and the market's controls are everybody's. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId, OWNER_HOLDER } from '#domain/principal.ts';
import type { Facts } from '#trading/facts.ts';
import { assess, type Verdict } from '#trading/risk.ts';
import { facts, mandate, phase, proposal, quote, verdictOn } from '../support/facts.ts';
import { orders, worlds } from '../support/worlds.ts';

const owners = (world: Facts): Facts => ({
  ...world,
  authority: 'owner',
  agent: OWNER_HOLDER,
  mandate: undefined,
});
const said = (verdict: Verdict): string =>
  JSON.stringify(verdict, (_key, value: unknown) => (typeof value === 'function' ? 'mint' : value));
const inAWord = (verdict: Verdict): string =>
  `${verdict.effect} ${verdict.kind === 'refused' ? verdict.refusal.reason : verdict.kind}`;

describe('the owner’s authority', () => {
  it('opens nothing to an agent, whatever the facts say of the authority', () => {
    fc.assert(
      fc.property(worlds, orders, fc.boolean(), (world, words, hasMandate) => {
        const agents = { ...world, ...(hasMandate ? {} : { mandate: undefined }) };
        const order = proposal(words);
        expect(said(assess({ ...agents, authority: 'owner' }, order))).toBe(said(assess(agents, order)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('opens nothing by the owner’s name alone', () => {
    fc.assert(
      fc.property(worlds, orders, (world, words) => {
        const order = proposal(words);
        const named = assess({ ...world, agent: OWNER_HOLDER, mandate: undefined }, order);
        if (named.effect === 'adding') expect(named.kind).toBe('refused');
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['an agent', { agent: agentId('agt_1'), authority: 'mandate' }],
    ['an agent that is taken for the owner', { agent: agentId('agt_1'), authority: 'owner' }],
    ['something called like the owner', { agent: OWNER_HOLDER, authority: 'mandate' }],
  ] as const)('is not what %s trades under', (_who, identity) => {
    expect(verdictOn({ ...identity, mandate: undefined })).toBe('no_mandate');
  });

  it('is that of a mandate without any limit, and of nothing wider', () => {
    let cleared = 0;
    const wide = mandate();
    fc.assert(
      fc.property(worlds, orders, (world, words) => {
        const order = proposal(words);
        const mine = assess(owners(world), order);
        const theirs = assess({ ...world, mandate: wide, unapprovedValue: world.freed }, order);
        if (mine.kind === 'cleared') cleared++;
        expect(inAWord(mine)).toBe(inAWord(theirs));
      }),
      { numRuns: 2_000 },
    );
    expect(cleared).toBeGreaterThan(100);
  });
});

describe('the owner’s order', () => {
  const owner = { authority: 'owner', agent: OWNER_HOLDER, mandate: undefined } as const;
  const held = { ownQty: facts().ownQty.plus('3') as Facts['ownQty'] };
  const reducibleToo = { ...held, reducible: held.ownQty };

  it('is cleared without a mandate and without an approval', () => {
    expect(verdictOn(owner)).toBe('cleared adding');
  });

  it.each([
    ['halted', { tradingState: 'HALTED' }, {}, 'trading_halted'],
    [
      'reducing',
      { tradingState: 'REDUCING', stateReason: 'the gateway only reduces' },
      {},
      'trading_reducing',
    ],
    ['off the tick', {}, { limit: '100.05' }, 'off_tick'],
    ['off the lot', {}, { qty: '0.5' }, 'off_lot'],
    ['without a price', { quote: undefined, quoteAgeMs: null }, {}, 'no_reference_price'],
    ['at a stale price', { quoteAgeMs: 30_001 }, {}, 'stale_price'],
    ['without a rate', { fxRate: undefined }, {}, 'cannot_value'],
    ['outside the collar', {}, { limit: '106' }, 'price_collar'],
    ['without a market', { phase: undefined }, {}, 'not_tradable'],
    ['that can not wait, after hours', { phase: phase('closed') }, { timeInForce: 'ioc' }, 'market_closed'],
    ['with its bracket on the wrong side', {}, { limit: '100', stopLoss: '101' }, 'invalid_input'],
    ['the eleventh of a second', { messagesLastSecond: 10 }, {}, 'throttled'],
    ['beyond the buying power', { buyingPower: facts().lossToday }, {}, 'buying_power'],
    ['with a client order id of before', { sameClientOrderId: 'ord_1' }, {}, 'duplicate_order'],
    ['that would not reduce, reduce-only', {}, { side: 'sell', reduceOnly: true }, 'not_reducing'],
    ['short, in a cash account', { accountType: 'cash' }, { side: 'sell' }, 'short_not_allowed'],
    ['on a broken quote', { quote: quote('100', '99.9') }, {}, 'no_reference_price'],
  ] as const)('is refused %s', (_what, about, words, reason) => {
    expect(verdictOn({ ...owner, ...about }, words)).toBe(reason);
  });

  it('is told in the owner’s words: nobody but the reader resumes', () => {
    const verdict = assess(facts({ ...owner, tradingState: 'HALTED' }), proposal());
    if (verdict.kind !== 'refused') throw new Error('it passed');
    expect(verdict.refusal.detail).toContain('resume first');
    expect(verdict.refusal.verify_with).toBeUndefined();
  });

  it('reduces while everything is halted, which an agent’s does not', () => {
    const halted = { ...reducibleToo, tradingState: 'HALTED' } as const;
    expect(verdictOn({ ...owner, ...halted }, { side: 'sell', qty: '2' })).toBe('cleared reducing');
    expect(verdictOn(halted, { side: 'sell', qty: '2' })).toBe('trading_halted');
    // One more than is held would open a short.
    expect(verdictOn({ ...owner, ...halted }, { side: 'sell', qty: '4' })).toBe('trading_halted');
  });

  it('may go short on margin, as the mandate of an agent would have to say', () => {
    expect(verdictOn(owner, { side: 'sell' })).toBe('cleared adding');
    expect(verdictOn({ mandate: mandate({ allow_short: false }) }, { side: 'sell' })).toBe(
      'short_not_allowed',
    );
  });
});
