/** Where an exchange is asked for an order by its instrument, an instrument that is not known any more is no answer. */
import { expect, it } from 'vitest';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { openKnownOrders } from '#brokers/ccxt/known-orders.ts';
import { lookUp } from '#brokers/ccxt/look-up.ts';
import { handClock } from '../../support/hand-clock.ts';

it('that nothing was asked is not the exchange’s word that there is no such order', async () => {
  const clock = handClock();
  const exchange = openExchange({
    exchange: 'binance',
    kind: 'spot',
    testnet: false,
    credentials: {},
    endpoints: { rest: 'http://127.0.0.1:9' },
    clock,
  });
  const unreadable = { read: () => 'written by another version', write: () => undefined };
  const known = openKnownOrders(exchange.facts, unreadable, () => clock.wallMs());
  await expect(lookUp(exchange, known, 'pc_019b8e074740000000000003')).rejects.toThrow('in which instrument');
  exchange.close();
});
