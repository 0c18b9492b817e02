/** Fees by published, dated rates: what is sold in shares, and coins on both sides. */
import { expect, it } from 'vitest';
import { feeOf } from '#brokers/alpaca/fees.ts';
import { price, quantity, text } from '#domain/decimal.ts';

const fee = (over: {
  readonly of?: 'equity' | 'crypto';
  readonly side?: 'buy' | 'sell';
  readonly qty: string;
  readonly at: string;
  readonly on?: string;
  readonly tier?: number;
}) =>
  text(
    feeOf(
      { assetClass: over.of ?? 'equity', lot: quantity(over.of === 'crypto' ? '0.000000001' : '1') },
      {
        side: over.side ?? 'sell',
        qty: quantity(over.qty),
        price: price(over.at),
        timeMs: Date.parse(over.on ?? '2026-06-01T15:00:00Z'),
        coinTier: over.tier ?? 1,
      },
    ),
  );

it('of shares bought is nothing', () => {
  expect(fee({ side: 'buy', qty: '100000', at: '190' })).toBe('0');
});

it.each([
  // 19,000 dollars: 0.3914 and 0.0195, each up to the cent.
  ['100', '190', '2026-06-01T15:00:00Z', '0.42'],
  // No fee of the SEC yet; FINRA's of 2026.
  ['100', '190', '2026-04-03T15:00:00Z', '0.02'],
  // In New York it is still the third.
  ['100', '190', '2026-04-04T03:00:00Z', '0.02'],
  ['100', '190', '2025-06-02T15:00:00Z', '0.02'],
  ['100', '190', '2025-01-02T15:00:00Z', '0.55'],
  // FINRA's has a most.
  ['1000000', '1', '2026-06-01T15:00:00Z', '30.39'],
])('of %s shares sold at %s on %s is %s', (qty, at, on, expected) => {
  expect(fee({ qty, at, on })).toBe(expected);
});

it.each([
  [1, '75'],
  [2, '66'],
  [8, '30'],
  // What is not known is the nearest that is.
  [0, '75'],
  [99, '30'],
])('of coins is the taker’s in tier %i, bought and sold alike', (tier, expected) => {
  for (const side of ['buy', 'sell'] as const)
    expect(fee({ of: 'crypto', side, qty: '0.5', at: '60000', tier })).toBe(expected);
});
