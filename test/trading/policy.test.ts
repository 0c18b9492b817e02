/** Tests that a mandate carries: a document that breaks one is not taken, and the one that was in force stays. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import { mandateJudge } from '#trading/policy.ts';
import { mandate } from '../support/facts.ts';
import { granted, refusal, tradingRoom, WIDE_MANDATE } from '../support/trading-room.ts';

const book = instrumentBook(BUILT_IN);
const RULES = {
  symbols: ['SPX', 'AAPL'],
  max_order_value: '10000',
  max_order_qty: '10',
  sides: ['buy', 'sell'],
};
/** A limit of 1450 is worth 1457.25 a unit: with the slippage allowance. */
const SPX = { symbol: 'SPX', side: 'buy', type: 'limit', qty: '6', limit_price: '1450' };
const BTC = { symbol: 'BTC/USD', side: 'buy', type: 'limit', qty: '1', limit_price: '60000' };

interface Given {
  readonly order: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** What is wrong with these tests under these rules: field, and the words about it. */
function wrong(tests: readonly Given[], rules: object = {}, agent = 'claude'): readonly string[] {
  const resolved = ['SPX', 'AAPL'].map((symbol) => granted(book.resolve(symbol, ['built-in'])).id);
  const judged = mandateJudge(scopedSymbols(book))(
    mandate({ ...RULES, ...rules, tests }, { resolved }),
    agent,
  );
  return judged.map(({ field, rule }) => `${field}: ${rule}`);
}

describe('a test of a mandate', () => {
  it.each([
    ['allowed', { order: SPX, expect: 'allow' }, {}],
    ['denied', { order: BTC, expect: 'deny' }, {}],
    ['denied for its reason', { order: BTC, expect: 'deny', reason: 'symbol_not_allowed' }, {}],
    ['of its agent', { principal: 'claude', order: BTC, expect: 'deny' }, {}],
    ['to be approved', { order: SPX, expect: 'approve' }, { approval: { above: '8743.49' } }],
    ['at the amount, not above it', { order: SPX, expect: 'allow' }, { approval: { above: '8743.5' } }],
    [
      'at the market, priced by the test',
      { order: { symbol: 'SPX', side: 'buy', type: 'market', qty: '6', price: '1450' }, expect: 'allow' },
      {},
    ],
    [
      'dearer at the market',
      {
        order: { symbol: 'SPX', side: 'buy', type: 'market', qty: '6', price: '1700' },
        expect: 'deny',
        reason: 'max_order_value',
      },
      {},
    ],
    [
      'a sale of what is not held',
      { order: { ...SPX, side: 'sell' }, expect: 'deny', reason: 'short_not_allowed' },
      { allow_short: false },
    ],
    [
      'a sale of what is held',
      { order: { ...SPX, side: 'sell' }, position: '6', expect: 'allow' },
      { allow_short: false },
    ],
    ['far from the market', { order: { ...SPX, price: '1300' }, expect: 'deny', reason: 'price_collar' }, {}],
    ['of a mandate that has ended', { order: SPX, expect: 'allow' }, { expires_at: '2020-01-01T00:00:00Z' }],
    ['within the session', { order: SPX, expect: 'allow' }, { trading_hours: 'session' }],
  ])('holds: %s', (_what, test, rules) => {
    expect(wrong([test], rules)).toEqual([]);
  });

  it('says which one, what was expected, and what comes out instead', () => {
    const tests = [
      { order: SPX, expect: 'allow' },
      { order: SPX, expect: 'deny' },
      { order: { ...SPX, qty: '11' }, expect: 'allow' },
      { order: SPX, expect: 'deny', reason: 'max_order_qty' },
      { order: BTC, expect: 'deny', reason: 'max_order_value' },
      { order: SPX, expect: 'approve' },
    ];
    expect(wrong(tests)).toEqual([
      'tests.1: expected deny, and the mandate would allow it',
      'tests.2: expected allow, and the mandate would deny it as max_order_qty (Quantity of one order: at most 10 units, this order 11; take a smaller quantity.)',
      'tests.3: expected deny (max_order_qty), and the mandate would allow it',
      expect.stringContaining(
        'tests.4: expected deny (max_order_value), and the mandate would deny it as symbol_not_allowed',
      ),
      'tests.5: expected approve, and the mandate would allow it',
    ]);
    expect(wrong([{ order: SPX, expect: 'allow' }], { approval: 'always' })).toEqual([
      expect.stringContaining('tests.0: expected allow, and the mandate would ask you for approval'),
    ]);
  });

  it('names a symbol that there is none of, and an agent that it is not for', () => {
    expect(wrong([{ order: { ...SPX, symbol: 'SPXX' }, expect: 'deny' }])).toEqual([
      expect.stringContaining('tests.0.order.symbol: '),
    ]);
    expect(wrong([{ principal: 'cursor', order: BTC, expect: 'deny' }])).toEqual([
      'tests.0.principal: claude, whose mandate this is',
    ]);
  });

  it.each([
    [
      'no price at the market',
      { symbol: 'SPX', side: 'buy', type: 'market', qty: '1' },
      'tests.0.order.price',
    ],
    ['no limit', { ...SPX, limit_price: undefined, price: '1' }, 'tests.0.order.limit_price'],
    ['a stop that has none', { ...SPX, stop_price: '1' }, 'tests.0.order.stop_price'],
    ['no quantity', { ...SPX, qty: '0' }, 'tests.0.order.qty'],
    ['an unknown word', { ...SPX, quantity: '1' }, 'tests.0.order.quantity'],
  ])('is refused as a file with %s', async (_what, order, field) => {
    const room = await tradingRoom();
    const checked = room.access.mandates.check({ ...WIDE_MANDATE, tests: [{ order, expect: 'deny' }] });
    expect(refusal(checked).errors?.map((error) => error.field)).toContain(field);
  });
});

describe('a mandate that carries tests', () => {
  const strict = [{ principal: 'claude', order: { ...SPX, qty: '100' }, expect: 'deny' }];

  it('is refused where it breaks one, and the one before stays in force; a later edit keeps being judged', async () => {
    const room = await tradingRoom();
    const { agent } = room.agent('claude', { max_order_qty: '10', tests: strict });
    expect(room.access.mandates.current(agent)?.document.tests).toHaveLength(1);
    const before = room.events().length;
    const looser = { ...WIDE_MANDATE, max_order_qty: '1000', tests: strict };
    const refused = refusal(room.access.mandates.set('claude', looser, OWNER_CLI));
    expect(refused).toMatchObject({
      reason: 'invalid_input',
      detail: 'The mandate was not saved. tests.0: expected deny, and the mandate would allow it.',
    });
    expect(refusal(room.access.mandates.check(looser)).errors).toEqual(refused.errors);
    expect(room.access.mandates.current(agent)?.version).toBe(1);
    expect(room.events()).toHaveLength(before);
  });

  it('is for one agent', async () => {
    const room = await tradingRoom();
    granted(room.access.agents.create('cursor', ['paper'], OWNER_CLI));
    const set = room.access.mandates.set(
      'cursor',
      { ...WIDE_MANDATE, max_order_qty: '10', tests: strict },
      OWNER_CLI,
    );
    expect(refusal(set).errors?.[0]).toMatchObject({ field: 'tests.0.principal', value: 'claude' });
    expect(room.access.mandates.check({ ...WIDE_MANDATE, max_order_qty: '10', tests: strict }).ok).toBe(true);
  });
});
