// Figures, ids and outcomes between us and ccxt, each for itself.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromVenueId, toVenueId } from '#brokers/ccxt/client-id.ts';
import { plainDecimal } from '#brokers/ccxt/decimals.ts';
import { factsOf } from '#brokers/ccxt/facts.ts';
import { brokerOrder } from '#brokers/ccxt/orders.ts';
import { judge } from '#brokers/ccxt/outcome.ts';
import type { CcxtOrder } from '#brokers/ccxt/types.ts';
import { type Errand, NotSent, Unclear } from '#brokers/ccxt/wire.ts';
import { text } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';

describe('a figure of ccxt', () => {
  it.each([
    ['1e-8', '0.00000001'],
    ['1.5E+3', '1500'],
    ['9007199254740993.10', '9007199254740993.1'],
    ['-0.0', '0'],
    ['.5', '0.5'],
    ['00012', '12'],
    [0.1, '0.1'],
    ['1e-19', undefined],
    ['NaN', undefined],
    ['', undefined],
    ['1,5', undefined],
    [undefined, undefined],
    [null, undefined],
  ])('%j is %j', (figure, plain) => {
    expect(plainDecimal(figure)).toBe(plain);
  });
});

describe('an id of ours', () => {
  const ours = fc.stringMatching(/^[0-9a-f]{24}$/).map((digits) => `pc_${digits}`);
  const RULES: Readonly<Record<string, RegExp>> = {
    binance: /^[.A-Z:/a-z0-9_-]{1,36}$/,
    kraken: /^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[ -~]{1,18})$/,
    okx: /^[A-Za-z0-9]{1,32}$/,
    coinex: /^[A-Za-z0-9]{1,18}$/,
  };
  it.each(Object.entries(RULES))('fits %s, always in the same form', (exchange, rule) => {
    const facts = factsOf(exchange);
    fc.assert(
      fc.property(ours, (id) => {
        expect(toVenueId(id, facts)).toMatch(rule);
        expect(toVenueId(id, facts)).toBe(toVenueId(id, facts));
      }),
    );
  });
  it.each(['binance', 'kraken', 'bybit'])('comes back from %s as it was', (exchange) => {
    const facts = factsOf(exchange);
    fc.assert(
      fc.property(ours, (id) => {
        expect(fromVenueId(toVenueId(id, facts), facts)).toBe(id);
      }),
    );
  });
  it('is never read out of an id that somebody else chose', () => {
    for (const foreign of ['web_1', '6d1b345e-2821-40e2-ad83-4ecb18a06876', 'pc_short', ''])
      for (const exchange of ['binance', 'kraken', 'okx'])
        expect(fromVenueId(foreign, factsOf(exchange))).toBeUndefined();
  });
});

describe('what became of a request', () => {
  class BaseError extends Error {}
  class ExchangeError extends BaseError {}
  class InsufficientFunds extends ExchangeError {}
  class InvalidOrder extends ExchangeError {}
  class OrderNotFound extends InvalidOrder {}
  class DuplicateOrderId extends InvalidOrder {}
  class OperationFailed extends BaseError {}
  class NetworkError extends OperationFailed {}
  class RequestTimeout extends NetworkError {}
  class ExchangeNotAvailable extends NetworkError {}
  class DDoSProtection extends NetworkError {}
  class InvalidNonce extends NetworkError {}
  const errand = (left: boolean, status?: number): Errand => ({ kind: 'order', left, status });
  const kraken = factsOf('kraken');
  const unknown = factsOf('coinex');
  it.each([
    ['nothing left', new RequestTimeout('x'), errand(false), kraken, 'not_sent'],
    ['the gate fell', new NotSent('x'), errand(false), kraken, 'not_sent'],
    ['no whole answer', new Unclear('x'), errand(true, 200), kraken, 'unknown'],
    ['a time-out', new RequestTimeout('x'), errand(true), kraken, 'unknown'],
    ['no money', new InsufficientFunds('x'), errand(true, 400), kraken, 'rejected'],
    ['no money, by a broken server', new InsufficientFunds('x'), errand(true, 502), kraken, 'unknown'],
    ['an error that says nothing, with 200', new ExchangeError('x'), errand(true, 200), kraken, 'unknown'],
    ['an error that says nothing, with 400', new ExchangeError('x'), errand(true, 400), kraken, 'rejected'],
    ['no such order', new OrderNotFound('x'), errand(true, 400), kraken, 'gone'],
    ['it is there already', new DuplicateOrderId('x'), errand(true, 400), kraken, 'unknown'],
    ['away', new ExchangeNotAvailable('x'), errand(true, 200), kraken, 'unknown'],
    ['too fast, where that comes first', new DDoSProtection('x'), errand(true, 200), kraken, 'rejected'],
    ['too fast, where nobody knows', new DDoSProtection('x'), errand(true, 429), unknown, 'unknown'],
    ['a number used twice', new InvalidNonce('x'), errand(true, 200), kraken, 'rejected'],
    ['a bug of ours or theirs', new TypeError('x'), errand(true, 200), kraken, 'unknown'],
  ])('%s', (_, fault, of, facts, verdict) => {
    expect(judge(fault, of, facts)).toBe(verdict);
  });
});

describe('an order from the exchange’s own screen that takes a profit', () => {
  const read = (told: CcxtOrder) => {
    const order = brokerOrder(
      { id: '7', symbol: 'BTC/USDT', side: 'sell', amount: '1', filled: '0', status: 'open', ...told },
      {
        instrumentOf: () => instrumentId('X:BTC/USDT'),
        clientIdOf: () => null,
        termsOf: () => undefined,
        nowMs: 0,
      },
    );
    if (!order.ok) throw new Error(order.error);
    const { type, limitPrice, stopPrice } = order.value;
    return [type, limitPrice && text(limitPrice), stopPrice && text(stopPrice)];
  };

  it('is a limit, and no stop on the wrong side of the market', () => {
    const asMarket = { type: 'market', triggerPrice: '60000', info: { type: 'TAKE_PROFIT' } };
    expect(read(asMarket)).toEqual(['limit', '60000', undefined]);
    expect(read({ ...asMarket, info: { o: 'TAKE_PROFIT_MARKET' } })).toEqual(['limit', '60000', undefined]);
    const withLimit = { type: 'limit', price: '59900', triggerPrice: '60000' };
    expect(read({ ...withLimit, info: { type: 'TAKE_PROFIT_LIMIT' } })).toEqual([
      'limit',
      '59900',
      undefined,
    ]);
    const ofKraken = {
      type: 'market',
      takeProfitPrice: '60000',
      info: { descr: { ordertype: 'take-profit' } },
    };
    expect(read(ofKraken)).toEqual(['limit', '60000', undefined]);
  });

  it('is told from a stop, and from a profit that is only attached to an order', () => {
    const stop = { type: 'market', triggerPrice: '40000', info: { type: 'STOP_LOSS' } };
    expect(read(stop)).toEqual(['stop', undefined, '40000']);
    const attached = {
      type: 'limit',
      price: '50000',
      takeProfitPrice: '60000',
      info: { orderType: 'Limit' },
    };
    expect(read(attached)).toEqual(['limit', '50000', undefined]);
  });
});
