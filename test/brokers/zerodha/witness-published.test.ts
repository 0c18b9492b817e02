/** The second witness: what Kite's documentation and its clients' published answers say, through our translation. Facts alone. */
import { describe, expect, it } from 'vitest';
import { parseExact } from '#brokers/exact-json.ts';
import { indianCharges } from '#brokers/indian-charges.ts';
import { childOf, kiteGtt, ordersOfGtt } from '#brokers/zerodha/gtt.ts';
import { fromIst } from '#brokers/zerodha/kite-time.ts';
import { kiteOrder, orderOf } from '#brokers/zerodha/rows.ts';
import { price, quantity, text } from '#domain/decimal.ts';
import { defineInstrument, instrumentId } from '#domain/instrument.ts';

const exact = (value: unknown): unknown => {
  const parsed = parseExact(JSON.stringify(value));
  return parsed.ok ? parsed.value : undefined;
};
const IOC = instrumentId('ZERODHA:NSE:IOC');
const order = (more: object) =>
  kiteOrder.parse(
    exact({
      order_id: '300000000000000',
      exchange_order_id: '400000000000000',
      parent_order_id: null,
      status: 'COMPLETE',
      status_message: null,
      status_message_raw: null,
      order_timestamp: '2021-05-31 15:20:28',
      exchange_update_timestamp: '2021-05-31 15:20:28',
      exchange_timestamp: '2021-05-31 15:20:28',
      variety: 'regular',
      modified: false,
      exchange: 'NSE',
      tradingsymbol: 'IOC',
      instrument_token: 415745,
      order_type: 'LIMIT',
      transaction_type: 'BUY',
      validity: 'DAY',
      product: 'CNC',
      quantity: 1,
      disclosed_quantity: 0,
      price: 109.4,
      trigger_price: 0,
      average_price: 109.4,
      filled_quantity: 1,
      pending_quantity: 0,
      cancelled_quantity: 0,
      market_protection: 0,
      meta: {},
      tag: null,
      guid: 'XXXXXX',
      ...more,
    }),
  );
const ids = { brokerOrderId: '300000000000000', brokerClientId: null };

describe('an order as Kite publishes it', () => {
  it('that is complete is filled, at its limit, in its product', () => {
    expect(orderOf(order({}), IOC, ids)).toMatchObject({
      side: 'buy',
      type: 'limit',
      timeInForce: 'day',
      status: 'filled',
      product: 'cnc',
      brokerClientId: null,
      timeMs: Date.UTC(2021, 4, 31, 9, 50, 28),
    });
  });

  it('that was rejected says why in the words for people, not in those of the risk system', () => {
    const seen = orderOf(
      order({
        status: 'REJECTED',
        filled_quantity: 0,
        variety: 'iceberg',
        validity: 'TTL',
        price: 463,
        exchange_update_timestamp: null,
        status_message:
          'Insufficient funds. Required margin is 95417.84 but available margin is 74251.80. Check the orderbook for open orders.',
        status_message_raw:
          'RMS:Margin Exceeds,Required:95417.84, Available:74251.80 for entity account-XXXXX',
      }),
      IOC,
      ids,
    );
    expect(seen).toMatchObject({ status: 'rejected', reason: expect.stringMatching(/^Insufficient funds/) });
    expect(seen.reason).not.toContain('RMS');
  });

  it.each([
    'PUT ORDER REQ RECEIVED',
    'VALIDATION PENDING',
    'OPEN PENDING',
    'MODIFY VALIDATION PENDING',
    'MODIFY PENDING',
    'TRIGGER PENDING',
    'CANCEL PENDING',
    'AMO REQ RECEIVED',
    'OPEN',
    'A WORD OF TOMORROW',
  ])('that is %s works, or may, and is never taken for ended', (status) => {
    expect(orderOf(order({ status, filled_quantity: 0 }), IOC, ids).status).toBe('open');
    expect(orderOf(order({ status, quantity: 10, filled_quantity: 4 }), IOC, ids).status).toBe(
      'partially_filled',
    );
  });

  it('that was a protected market order stays one, though the exchange shows a limit', () => {
    const seen = orderOf(order({ order_type: 'LIMIT', market_protection: -1, price: 110.5 }), IOC, ids);
    expect([seen.type, seen.limitPrice]).toEqual(['market', undefined]);
  });

  it('with a number of more than 2^53 keeps every digit of it', () => {
    const parsed = parseExact('{"quantity":9007199254740993}');
    expect(parsed.ok && parsed.value).toEqual({ quantity: '9007199254740993' });
  });
});

describe('a trigger as Kite publishes it', () => {
  const leg = (at: number, result: unknown) => ({
    account_id: '',
    exchange: 'NSE',
    tradingsymbol: 'ACC',
    validity: '',
    product: 'CNC',
    order_type: 'LIMIT',
    transaction_type: 'SELL',
    quantity: 6,
    price: at,
    trigger_price: 0,
    meta: '',
    result,
  });
  const result = (order_result: object) => ({
    status: 'DAY',
    triggered_at: 1427.5,
    meta: '{"app_id":12617,"gtt":17531}',
    order_result,
  });
  const gtt = (orders: readonly object[], status = 'triggered') =>
    kiteGtt.parse(
      exact({
        id: 17531,
        user_id: 'PH2965',
        parent_trigger: null,
        type: 'two-leg',
        created_at: '2019-08-01 15:32:45',
        updated_at: '2019-09-04 09:26:18',
        expires_at: '2020-08-01 00:00:00',
        status,
        condition: {
          exchange: 'NSE',
          last_price: 1464.6,
          tradingsymbol: 'ACC',
          trigger_values: [1427.9, 1684.55],
        },
        orders,
        meta: {},
      }),
    );

  it('whose one leg was met has its order at the exchange, and its other leg has ended', () => {
    const told = gtt([
      leg(1419.35, result({ status: 'success', order_id: '190904000274307', rejection_reason: '' })),
      leg(1684.8, null),
    ]);
    expect(childOf(told)).toBe('190904000274307');
    const [stop, target] = ordersOfGtt(told, IOC, null);
    expect(stop).toMatchObject({
      brokerOrderId: 'gtt:17531:0',
      type: 'stop_limit',
      timeInForce: 'gtc',
      side: 'sell',
    });
    expect(stop && [text(stop.stopPrice ?? price('0')), text(stop.limitPrice ?? price('0'))]).toEqual([
      '1427.9',
      '1419.35',
    ]);
    expect(target).toMatchObject({ brokerOrderId: 'gtt:17531:1', type: 'limit', status: 'canceled' });
  });

  it('whose order could not be placed is rejected, with Kite’s reason', () => {
    const told = gtt([
      leg(1, null),
      leg(
        1,
        result({
          status: 'failed',
          order_id: '',
          rejection_reason:
            'Your order price is lower than the current lower circuit limit of 70.65. Place an order within the daily range.',
        }),
      ),
    ]);
    expect(childOf(told, 1)).toBeUndefined();
    expect(ordersOfGtt(told, IOC, null)[1]).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('circuit limit'),
    });
  });
});

describe('what else is published', () => {
  it('times are those of India, without a zone, and a candle’s with one', () => {
    expect(fromIst('2021-01-01 16:15:14')).toBe(Date.UTC(2021, 0, 1, 10, 45, 14));
    expect(fromIst('2017-12-15T09:15:00+0530')).toBe(Date.UTC(2017, 11, 15, 3, 45));
    for (const no of ['2021-01-01', '2021-13-01 00:00:00', '', '2021-01-01 16:15:14Z'])
      expect(fromIst(no)).toBeUndefined();
  });

  it('the charges that Kite previewed for ₹1,498 of delivered shares are ours, but for its unlike brokerage', () => {
    const infosys = defineInstrument({
      id: 'ZERODHA:NSE:INFY',
      symbol: 'NSE:INFY',
      name: 'INFOSYS',
      assetClass: 'equity',
      currency: 'INR',
      tick: '0.05',
      lot: '1',
      calendar: 'nse',
      timezone: 'Asia/Kolkata',
    });
    const fee = indianCharges(infosys, {
      side: 'buy',
      product: 'cnc',
      qty: quantity('1'),
      price: price('1498'),
      timeMs: Date.UTC(2022, 5, 1),
    });
    // Tax 1.498, exchange 0.051681, SEBI 0.001498, stamp 0.22(47), 18 % of the exchange's: 1.785…; up to the paisa.
    expect(text(fee)).toBe('1.79');
  });
});
