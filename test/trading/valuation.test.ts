/** What an order is worth: never zero, never less than what its fill may cost within the slippage allowance. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { money, type Price, price, quantity, ratio, scale, text, value } from '#domain/decimal.ts';
import { defineInstrument } from '#domain/instrument.ts';
import { SLIPPAGE_PERCENT } from '#limits.ts';
import { estimatedPrice, trailingStop, unitsFor, valueOf } from '#trading/valuation.ts';
import { facts, type ProposalWords, proposal, quote, working } from '../support/facts.ts';

const worth = (words: ProposalWords, about: Parameters<typeof facts>[0] = {}): string =>
  text(valueOf(facts(about), proposal(words)).value);

describe('the value of an order', () => {
  it.each([
    ['a market buy: the ask and half a percent', { qty: '10' }, '1005'],
    ['a market sale: the bid and half a percent', { side: 'sell', qty: '10' }, '1003.995'],
    ['a limit above that', { qty: '10', limit: '101' }, '1010'],
    ['a limit below it: the touch, never the optimistic side', { qty: '10', limit: '90' }, '1005'],
    ['a sale’s limit above the bid', { side: 'sell', qty: '10', limit: '104' }, '1040'],
    ['a stop above', { qty: '10', stop: '103' }, '1030'],
    ['a stop below: the touch', { side: 'sell', qty: '10', stop: '97' }, '1003.995'],
    ['a stop limit: the higher of both', { qty: '10', stop: '102', limit: '102.5' }, '1025'],
    ['a trailing buy: where it would be stopped in', { qty: '10', trailPrice: '3' }, '1030'],
    ['a trailing buy by percent', { qty: '10', trailPercent: '4' }, '1040'],
    ['a trailing sale: the touch', { side: 'sell', qty: '10', trailPrice: '3' }, '1003.995'],
    ['a notional above quantity × price', { qty: '9', notional: '1000' }, '1000'],
    ['a notional below it', { qty: '10', notional: '1000' }, '1005'],
  ] as const)('%s', (_what, words, expected) => {
    expect(worth(words)).toBe(expected);
  });

  it('counts multiplier and rate', () => {
    const contract = defineInstrument({
      id: 'X:F',
      symbol: 'F',
      name: 'f',
      assetClass: 'index',
      currency: 'EUR',
      tick: '0.1',
      lot: '1',
      multiplier: '50',
      calendar: 'tape',
      timezone: 'UTC',
    });
    expect(worth({ qty: '2', limit: '101' }, { instrument: contract, fxRate: ratio('1.1') })).toBe('11110');
  });

  it('is what is left of an order that is changed', () => {
    expect(worth({ qty: '10', limit: '101' }, { changes: working({ filled: '4' }) })).toBe('606');
  });

  it('is nothing without a price or a rate, where controls 5 and 5a refuse', () => {
    expect(worth({}, { quote: undefined })).toBe('0');
    expect(worth({}, { fxRate: undefined })).toBe('0');
  });

  it('of any order is above zero and not below any fill within the allowance', () => {
    const ticks = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(
        fc.record({
          bid: ticks,
          spread: fc.integer({ min: 0, max: 5_000 }),
          qty: fc.integer({ min: 1, max: 100_000 }),
          side: fc.constantFrom('buy', 'sell'),
          type: fc.constantFrom('market', 'limit', 'stop', 'stop_limit', 'trailing_stop'),
          first: ticks,
          second: ticks,
          slip: fc.integer({ min: 0, max: 50 }),
        }),
        ({ bid, spread, qty, side, type, first, second, slip }) => {
          const at = (count: number): string => text(scale(price(String(count)), ratio('0.1')));
          const market = quote(at(bid), at(bid + spread));
          const words: ProposalWords = {
            side: side as 'buy' | 'sell',
            qty: String(qty),
            ...(type === 'limit' || type === 'stop_limit' ? { limit: at(first) } : {}),
            ...(type === 'stop' || type === 'stop_limit' ? { stop: at(second) } : {}),
            ...(type === 'trailing_stop' ? { trailPrice: at(first) } : {}),
          };
          const asked = proposal(words);
          const { value: valued } = valueOf(facts({ quote: market }), asked);
          expect(valued.gt('0')).toBe(true);
          const touch = side === 'buy' ? market.ask : market.bid;
          const slipped = scale(touch, ratio(text(scale(price(String(10_000 + slip)), ratio('0.0001')))));
          const fills: Price[] = [asked.terms.limitPrice ?? slipped, asked.terms.stopPrice ?? touch, slipped];
          const stop = trailingStop(asked.terms, market);
          if (stop && side === 'buy') fills.push(stop);
          expect(Number(SLIPPAGE_PERCENT)).toBe(0.5);
          for (const fill of fills) expect(value(fill, asked.terms.qty).lte(valued)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('units for a notional', () => {
  const instrument = facts().instrument;
  const units = (notional: string, words: ProposalWords): string | undefined => {
    const { qty: _qty, ...terms } = proposal(words).terms;
    return unitsFor(money(notional), terms, quote('99.9', '100'), instrument)?.toFixed();
  };
  it.each([
    ['a cent short of the next unit', '999.99', {}, '9'],
    ['exactly ten units', '1000', {}, '10'],
    ['at a buy’s limit', '1000', { limit: '125' }, '8'],
    ['at a buy’s stop', '1000', { stop: '111' }, '9'],
    ['at a sale’s limit above the bid', '1000', { side: 'sell', limit: '125' }, '8'],
    [
      'at the bid where a sale’s limit is below it: that is what it would get',
      '1000',
      { side: 'sell', limit: '50' },
      '10',
    ],
    [
      'at the stop of a sale, which it would meet before its limit',
      '1000',
      { side: 'sell', stop: '95', limit: '90' },
      '10',
    ],
    ['less than one unit', '99.99', {}, undefined],
  ] as const)('%s', (_what, notional, words, expected) => {
    expect(units(notional, words)).toBe(expected);
  });

  it('never buy more than the notional at the price it was turned by', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (cents, ticks) => {
          const notional = text(scale(money(String(cents)), ratio('0.01')));
          const limit = text(scale(price(String(ticks)), ratio('0.1')));
          const bought = units(notional, { limit });
          if (bought === undefined) return;
          expect(value(price(limit), quantity(bought)).lte(notional)).toBe(true);
        },
      ),
    );
  });
});

describe('the estimated price', () => {
  const market = quote('99.9', '100');
  const estimate = (words: ProposalWords): string => text(estimatedPrice(proposal(words).terms, market));
  it.each([
    [{}, '100'],
    [{ side: 'sell' }, '99.9'],
    [{ limit: '101' }, '100'],
    [{ limit: '99' }, '99'],
    [{ side: 'sell', limit: '99' }, '99.9'],
    [{ side: 'sell', limit: '101' }, '101'],
    [{ stop: '103' }, '103'],
    [{ stop: '103', limit: '104' }, '104'],
    [{ trailPrice: '1' }, '100'],
  ] as const)('of %o is %s', (words, expected) => {
    expect(estimate(words)).toBe(expected);
  });
});
