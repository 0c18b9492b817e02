/** Control 16 with the word of a broker that lends: its margin at the bound, never below zero, and every other limit on the full value. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity, ratio } from '#domain/decimal.ts';
import type { Facts } from '#trading/facts.ts';
import { neededOf } from '#trading/valuation.ts';
import {
  facts,
  mandate,
  type ProposalWords,
  proposal,
  refusedFor,
  verdictOn,
  working,
} from '../support/facts.ts';

const ADDED = 'cleared adding';
/** Worth 1010 at the price it is valued at; the broker says 202 for ten. */
const ten: ProposalWords = { qty: '10', limit: '101' };
const told = (required: string, qty = '10', held = '0'): Pick<Facts, 'margin'> => ({
  margin: { required: money(required), source: 'broker', qty: quantity(qty), held: money(held) },
});
const power = (left: string): Pick<Facts, 'buyingPower'> => ({ buyingPower: money(left) });

describe('16 buying power, where the broker says what an order needs', () => {
  it.each([
    ['a cent more than it needs', '202.01', ADDED],
    ['what it needs', '202', ADDED],
    ['a cent less', '201.99', 'buying_power'],
    ['nothing', '0', 'buying_power'],
    ['less than nothing', '-1', 'buying_power'],
  ])('%s is left', (_what, left, outcome) => {
    expect(verdictOn({ ...told('202'), ...power(left) }, ten)).toBe(outcome);
  });

  it('names the margin, not the value', () => {
    const refused = refusedFor({ ...told('202'), ...power('201.99') }, ten);
    expect(refused.detail).toBe('The order needs 202 USD of margin at its broker, and 201.99 is left.');
    expect(refused.limits).toEqual([
      { limit: 'buying_power', used: '0', order: '202', max: '201.99', unit: 'USD' },
    ]);
  });

  it('without its word the full value counts', () => {
    expect(verdictOn(power('1010'), ten)).toBe(ADDED);
    const refused = refusedFor(power('1009.99'), ten);
    expect(refused.detail).toBe('The order needs 1010 USD, and 1009.99 is left.');
  });

  it('may be more than the value: an option that is sold is worth little and asks for much', () => {
    expect(verdictOn({ ...told('5000'), ...power('4999.99') }, ten)).toBe('buying_power');
    expect(verdictOn({ ...told('5000'), ...power('5000') }, ten)).toBe(ADDED);
  });

  it('may be nothing, and then asks for no more than that nothing is overdrawn', () => {
    expect(verdictOn({ ...told('0'), ...power('0') }, ten)).toBe(ADDED);
    expect(verdictOn({ ...told('0'), ...power('-0.01') }, ten)).toBe('buying_power');
  });

  it('is for no more units than were asked about: more take as much each, fewer no less', () => {
    expect(verdictOn({ ...told('202'), ...power('222.19') }, { ...ten, qty: '11' })).toBe('buying_power');
    expect(verdictOn({ ...told('202'), ...power('222.2') }, { ...ten, qty: '11' })).toBe(ADDED);
    expect(verdictOn({ ...told('202'), ...power('201.99') }, { ...ten, qty: '9' })).toBe('buying_power');
    const needed = neededOf(facts(told('100', '3')), proposal({ qty: '4' }), {
      unitPrice: price('100'),
      unitValue: money('100'),
      value: money('400'),
    });
    expect(needed.amount.toFixed()).toBe('133.34');
  });

  it('of a change frees what the broker took for the order, and not its value', () => {
    const change = {
      changes: working(),
      freed: money('1000'),
      ...told('404', '20', '200'),
    };
    const twenty: ProposalWords = { qty: '20', limit: '101' };
    expect(verdictOn({ ...change, ...power('204') }, twenty)).toBe(ADDED);
    expect(verdictOn({ ...change, ...power('203.99') }, twenty)).toBe('buying_power');
  });

  it('widens no other limit: those of the mandate are about the full value', () => {
    const rich = { ...told('202'), ...power('1000000') };
    expect(verdictOn({ ...rich, mandate: mandate({ max_order_value: '1009.99' }) }, ten)).toBe(
      'max_order_value',
    );
    expect(verdictOn({ ...rich, mandate: mandate({ max_daily_value: '1009.99' }) }, ten)).toBe(
      'max_daily_value',
    );
    expect(verdictOn({ ...rich, mandate: mandate({ max_gross_exposure: '1009.99' }) }, ten)).toBe(
      'max_gross_exposure',
    );
    expect(
      verdictOn({ ...rich, fxRate: ratio('1'), mandate: mandate({ max_order_value: '1010' }) }, ten),
    ).toBe(ADDED);
  });
});
