/** What a coin is worth in the account's currency, for its equity and for fees that are taken in coins. */
import { expect, it } from 'vitest';
import { ratesIn } from '#brokers/ccxt/account-state.ts';
import { listingOf } from '#brokers/ccxt/listings.ts';
import { price, text } from '#domain/decimal.ts';
import type { BrokerListing, Quote } from '#ports.ts';

function listed(base: string, quote: string): BrokerListing {
  const market = {
    id: base + quote,
    symbol: `${base}/${quote}`,
    base,
    quote,
    type: 'spot',
    spot: true,
    active: true,
    precision: { price: '0.00001', amount: '0.00001' },
    limits: {},
  };
  const made = listingOf(market, { directory: 'ccxt:binance', exchange: 'binance', precisionMode: 4 });
  if (made === undefined) throw new Error(`${base}/${quote} is no listing`);
  return made;
}
const all = [listed('BNB', 'USDT'), listed('BNB', 'BTC'), listed('BTC', 'USDT')];
const directory = {
  byId: (id: string) => all.find(({ instrument }) => instrument.id === id),
  bySymbol: (symbol: string) => all.find(({ brokerSymbol }) => brokerSymbol === symbol),
};
const quoted = (symbol: string, at: string): Quote => ({
  instrument: (directory.bySymbol(symbol) ?? listed('X', 'Y')).instrument.id,
  bid: price(at),
  ask: price(at),
  last: null,
  bidSize: null,
  askSize: null,
  timeMs: 0,
  publishedMs: 0,
  source: 'live',
});

it('a price in another coin, whoever follows it, is no price in the currency of the account', () => {
  const quotes = [quoted('BNB/USDT', '600'), quoted('BNB/BTC', '0.01'), quoted('BTC/USDT', '60000')];
  const rates = ratesIn(quotes, { directory, currency: 'USDT' });
  expect([...rates].map(([asset, at]) => [asset, text(at)])).toEqual([
    ['BNB', '600'],
    ['BTC', '60000'],
  ]);
});
