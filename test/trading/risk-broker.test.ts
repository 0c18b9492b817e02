/** What an account's broker takes decides before anything is sent: currency, types, times, flags, products, changes. */
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { defineInstrument } from '#domain/instrument.ts';
import type { Product } from '#domain/order.ts';
import type { BrokerCapabilities } from '#ports.ts';
import { assess } from '#trading/risk.ts';
import {
  facts,
  holding,
  type ProposalWords,
  proposal,
  refusedFor,
  say,
  verdictOn,
  working,
} from '../support/facts.ts';

const takes = (change: Partial<BrokerCapabilities>) => ({ broker: { ...facts().broker, ...change } });
const perpetual = defineInstrument({
  id: 'BINANCE:BTC/USDT:USDT',
  symbol: 'BTC/USDT:USDT',
  name: 'Bitcoin perpetual',
  assetClass: 'crypto',
  currency: 'BTC',
  tick: '0.1',
  lot: '1',
  calendar: 'crypto',
  timezone: 'UTC',
  directory: 'ccxt:binance',
  contract: { underlying: 'BTC/USDT', settle: 'USD' },
});

describe('the currency of an account', () => {
  it('is that of everything it trades; both are named where they differ', () => {
    const refusal = refusedFor({ accountCurrency: 'EUR' });
    expect(refusal.reason).toBe('not_tradable');
    expect(refusal.detail).toMatch(/XYZ is priced in USD and paper is in EUR/);
  });
  it('is compared with what a perpetual is settled in, not with what it is quoted in', () => {
    expect(verdictOn({ instrument: perpetual })).toBe('cleared adding');
    expect(verdictOn({ instrument: perpetual, accountCurrency: 'BTC' })).toBe('not_tradable');
  });
  it('keeps nothing from being closed', () => {
    const about = { accountCurrency: 'EUR', ...holding('5') };
    expect(verdictOn(about, { side: 'sell', qty: '5' })).toBe('cleared reducing');
    expect(verdictOn(about, { side: 'sell', qty: '6' })).toBe('not_tradable');
  });
});

describe('what a broker takes', () => {
  const cases: readonly (readonly [
    string,
    Partial<BrokerCapabilities>,
    ProposalWords & { readonly postOnly?: boolean; readonly product?: Product },
    string,
    string | undefined,
  ])[] = [
    ['a type it has not', { orderTypes: ['limit'] }, {}, 'order_type_not_allowed', 'type'],
    ['trailing without trailing', { trailing: false }, { trailPrice: '1' }, 'order_type_not_allowed', 'type'],
    [
      'a time it has not',
      { timesInForce: ['day'] },
      { timeInForce: 'gtc' },
      'invalid_input',
      'time_in_force',
    ],
    ['post_only', { postOnly: false }, { limit: '99', postOnly: true }, 'invalid_input', 'post_only'],
    ['reduce_only', { reduceOnly: false }, { reduceOnly: true }, 'invalid_input', 'reduce_only'],
    [
      'extended hours',
      { extendedHours: false },
      { limit: '99', timeInForce: 'day', extendedHours: true },
      'invalid_input',
      'extended_hours',
    ],
    ['a target', { brackets: false }, { takeProfit: '110' }, 'invalid_input', 'take_profit'],
    ['a stop loss', { brackets: false }, { stopLoss: '90' }, 'invalid_input', 'stop_loss'],
    ['a product where it knows none', {}, { product: 'cnc' }, 'invalid_input', 'product'],
    ['a product it has not', { products: ['cnc'] }, { product: 'mis' }, 'invalid_input', 'product'],
    ['a short sale', { shortSelling: false }, { side: 'sell' }, 'short_not_allowed', undefined],
  ];
  it.each(cases)('refuses %s, and takes it where it is declared', (_what, change, words, reason, field) => {
    const { terms, ...rest } = proposal(words);
    const extra = {
      ...(words.postOnly === undefined ? {} : { postOnly: words.postOnly }),
      ...(words.product === undefined ? {} : { product: words.product }),
    };
    const asked = { ...rest, terms: { ...terms, ...extra } };
    const refused = assess(facts(takes(change)), asked);
    expect(say(refused)).toBe(reason);
    if (refused.kind !== 'refused') throw new Error('not refused');
    expect(refused.refusal.errors?.map((error) => error.field)).toEqual(field && [field]);
    const held = words.reduceOnly ? { ...holding('-5'), accountType: 'margin' as const } : {};
    const able = takes({ products: ['cnc', 'mis', 'nrml'] });
    expect(say(assess(facts({ ...able, ...held }), asked))).toMatch(/^cleared/);
  });

  it('names everything that is wrong at once, and what there is instead', () => {
    const refusal = refusedFor(takes({ timesInForce: ['day', 'ioc'], brackets: false }), {
      takeProfit: '110',
      stopLoss: '90',
    });
    expect(refusal.errors?.map(({ field }) => field)).toEqual(['time_in_force', 'take_profit', 'stop_loss']);
    expect(refusal.errors?.[0]?.rule).toBe('one of day, ioc there');
  });

  it('counts for what reduces too: it would only be rejected', () => {
    const about = { ...takes({ orderTypes: ['limit'] }), ...holding('5') };
    expect(verdictOn(about, { side: 'sell', qty: '5' })).toBe('order_type_not_allowed');
  });

  it('changes no order at a broker that changes none, not even a smaller quantity', () => {
    const cut = { changes: working(), ...takes({ replace: false }) };
    const refusal = refusedFor(cut, { qty: '5', limit: '100' });
    expect(refusal).toMatchObject({ reason: 'invalid_input', order_id: 'ord_1' });
    expect(verdictOn({ changes: working() }, { qty: '5', limit: '100' })).toBe('cleared adding');
    expect(refusedFor(cut, { qty: '20', limit: '100' }).order_id).toBe('ord_1');
  });

  it('holds no leg of a bracket against a change: it is at the broker already', () => {
    const about = { changes: working(), ...takes({ brackets: false }) };
    expect(verdictOn(about, { qty: '12', limit: '99', takeProfit: '110' })).toBe('cleared adding');
  });

  it('sells no more of what is held than it has where nothing can be short', () => {
    const about = { ...takes({ shortSelling: false }), ...holding('5'), workingSells: quantity('2') };
    expect(verdictOn(about, { side: 'sell', qty: '3' })).toBe('cleared reducing');
    expect(verdictOn(about, { side: 'sell', qty: '4' })).toBe('short_not_allowed');
  });
});
