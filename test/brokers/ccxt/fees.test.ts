/** Fees of a trade in the coin itself: a cost leaves less of it, and what an exchange pays for making leaves more. */
import { describe, expect, it } from 'vitest';
import { brokerExecution } from '#brokers/ccxt/executions.ts';
import { listingOf } from '#brokers/ccxt/listings.ts';
import { text } from '#domain/decimal.ts';
import { heldBy } from '#trading/ledger.ts';

const BTC = listingOf(
  {
    id: 'BTCUSDT',
    symbol: 'BTC/USDT',
    base: 'BTC',
    quote: 'USDT',
    type: 'spot',
    spot: true,
    active: true,
    precision: { price: '0.01', amount: '0.00001' },
    limits: {},
  },
  { directory: 'ccxt:okx', exchange: 'okx', precisionMode: 4 },
);

function traded(side: 'buy' | 'sell', fee: string) {
  const read = brokerExecution(
    {
      id: '1',
      order: '7',
      symbol: 'BTC/USDT',
      side,
      price: '50000',
      amount: '0.1',
      timestamp: 1_700_000_000_000,
      fee: { currency: 'BTC', cost: fee },
    },
    {
      listingOf: () => BTC,
      clientIdOf: () => null,
      currency: 'USDT',
      rateOf: () => undefined,
      uncounted: () => undefined,
      nowMs: 0,
    },
  );
  if (!read.ok) throw new Error(read.error);
  return { fee: text(read.value.fee), held: text(heldBy(read.value)) };
}

describe('a fee in the coin that is traded', () => {
  it('leaves less than was bought, and takes more than was sold', () => {
    expect(traded('buy', '0.0001')).toEqual({ fee: '5', held: '0.0999' });
    expect(traded('sell', '0.0001')).toEqual({ fee: '5', held: '0.1001' });
  });

  it('that the exchange pays leaves more than was bought, and takes less than was sold', () => {
    expect(traded('buy', '-0.0001')).toEqual({ fee: '-5', held: '0.1001' });
    expect(traded('sell', '-0.0001')).toEqual({ fee: '-5', held: '0.0999' });
  });
});
