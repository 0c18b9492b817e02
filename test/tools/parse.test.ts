// Arguments: what is repaired, what is refused, and what is suggested instead.
import { describe, expect, it } from 'vitest';
import type { Refusal } from '#domain/refusal.ts';
import type { Tool } from '#tools/define.ts';
import { getBars } from '#tools/get-bars.ts';
import { getOrders } from '#tools/get-orders.ts';
import { getPnlHistory } from '#tools/get-pnl-history.ts';
import { getQuotes } from '#tools/get-quotes.ts';
import { haltTrading } from '#tools/halt-trading.ts';
import { modifyOrder } from '#tools/modify-order.ts';
import { placeOrder } from '#tools/place-order.ts';

const LIMIT = { symbol: 'SPX', side: 'buy', qty: '1', type: 'limit', limit_price: '4100' };

function accepted(tool: Tool, args: unknown): Readonly<Record<string, unknown>> {
  const prepared = tool.prepare(args);
  if (!prepared.ok) throw new Error(`refused: ${prepared.error.detail}`);
  return prepared.value.repaired;
}

function refused(tool: Tool, args: unknown): Refusal {
  const prepared = tool.prepare(args);
  if (prepared.ok) throw new Error('accepted');
  expect(prepared.error).toMatchObject({ reason: 'invalid_input', status: 400, retry_safe: true });
  return prepared.error;
}

const fieldsOf = (refusal: Refusal): readonly string[] => (refusal.errors ?? []).map(({ field }) => field);

describe('what is repaired, and echoed', () => {
  it('takes enums in any case and with white space around them', () => {
    const repaired = accepted(placeOrder, {
      ...LIMIT,
      side: ' BUY',
      type: 'Limit ',
      time_in_force: 'GTC',
    });
    expect(repaired).toEqual({ side: 'buy', type: 'limit', time_in_force: 'gtc' });
  });

  it('takes white space inside of an enum for its underscore', () => {
    const order = { symbol: 'SPX', side: 'sell', qty: '1', stop_price: '1', limit_price: '1' };
    expect(accepted(placeOrder, { ...order, type: 'STOP LIMIT' })).toEqual({ type: 'stop_limit' });
  });

  it('reads JSON that was sent as a string where an array is expected', () => {
    expect(accepted(getQuotes, { symbols: '["SPX","BTC/USD"]' })).toEqual({ symbols: ['SPX', 'BTC/USD'] });
  });

  it('asks for a list in the words of both doors', () => {
    expect(refused(getQuotes, {}).detail).toMatch(
      /symbols: required: a list \(a JSON array; in a query, with commas\)/,
    );
  });

  it('reads all arguments sent as one string of JSON', () => {
    expect(accepted(getQuotes, '{"symbols":["SPX"]}')).toEqual({ arguments: { symbols: ['SPX'] } });
  });

  it('leaves what is right as it is, and says nothing', () => {
    expect(accepted(placeOrder, LIMIT)).toEqual({});
    expect(accepted(getOrders, undefined)).toEqual({});
  });

  it('never takes a month for a minute', () => {
    expect(refused(getBars, { symbol: 'SPX', timeframe: '1M' }).errors?.[0]).toMatchObject({
      field: 'timeframe',
      value: '1M',
      rule: 'one of 1m, 5m, 15m, 1h, 1d',
    });
    expect(accepted(getBars, { symbol: 'SPX', timeframe: '1D' })).toEqual({ timeframe: '1d' });
  });

  it('does not repair what is no enum: symbols, prices, ids', () => {
    expect(accepted(getBars, { symbol: 'spx', timeframe: '1d' })).toEqual({});
    refused(placeOrder, { ...LIMIT, limit_price: ' 4100 ' });
  });
});

describe('decimals', () => {
  it.each([['1'], ['0.5'], ['4100.25'], ['0.000000000000000001'], [1], [25]])('takes %j', (qty) => {
    accepted(placeOrder, { ...LIMIT, qty });
  });

  it.each([
    [1.5, '1.5'],
    [0.1, '0.1'],
    [1e-7, '0.0000001'],
    ['1e3', '1000'],
    [' 5 ', '5'],
    ['+5', '5'],
    ['05', '5'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['1_000', '1000'],
  ])('refuses %j and names %s', (qty, nearest) => {
    expect(refused(placeOrder, { ...LIMIT, qty }).errors).toEqual([
      expect.objectContaining({ field: 'qty', nearest, rule: expect.stringContaining('decimal string') }),
    ]);
  });

  it.each([
    ['1,500'],
    ['-1'],
    [-1],
    ['0'],
    ['0.00'],
    [0],
    ['NaN'],
    [NaN],
    [Infinity],
    ['Infinity'],
    ['one'],
    [''],
    [true],
    [[1]],
    [{}],
    ['1'.repeat(25)],
    ['0.1234567890123456789'],
    ['١٢'],
    ['$12.50'],
  ])('refuses %j without a suggestion, because none is safe', (qty) => {
    expect(refused(placeOrder, { ...LIMIT, qty }).errors).toEqual([
      expect.objectContaining({ field: 'qty', nearest: null }),
    ]);
  });

  it('refuses a trail of a hundred percent', () => {
    const trailing = { symbol: 'SPX', side: 'sell', qty: '1', type: 'trailing_stop' };
    accepted(placeOrder, { ...trailing, trail_percent: '99.99' });
    expect(fieldsOf(refused(placeOrder, { ...trailing, trail_percent: '100' }))).toEqual(['trail_percent']);
  });
});

describe('what is refused, with what was probably meant', () => {
  it.each([
    ['quantity', 'qty'],
    ['order_type', 'type'],
    ['orderType', 'type'],
    ['tif', 'time_in_force'],
    ['price', 'limit_price'],
    ['trigger_price', 'stop_price'],
    ['ticker', 'symbol'],
    ['action', 'side'],
    ['timeInForce', 'time_in_force'],
    ['limt_price', 'limit_price'],
    ['stoploss', 'stop_loss'],
    ['preview', 'dry_run'],
  ])('an unknown field %s is not ignored: %s', (given, meant) => {
    const refusal = refused(placeOrder, { ...LIMIT, [given]: 'x' });
    expect(refusal.errors).toEqual([
      { field: given, value: 'x', rule: 'not a field of place_order', nearest: meant },
    ]);
    expect(refusal.did_you_mean).toEqual([meant]);
  });

  it('a word of consent is no field, and is never turned into a commit', () => {
    for (const confirm of [true, false]) {
      expect(refused(placeOrder, { ...LIMIT, confirm }).errors).toEqual([
        {
          field: 'confirm',
          value: String(confirm),
          rule: 'not a field of place_order; leave it out: dry_run false is what acts',
          nearest: null,
        },
      ]);
    }
  });

  it.each([
    ['type', 'mkt', 'market'],
    ['type', 'stop-limit', 'stop_limit'],
    ['side', 'long', 'buy'],
    ['side', 'byu', 'buy'],
    ['time_in_force', 'good_till_cancelled', 'gtc'],
  ])('%s %s is never taken for %s, only suggested', (field, given, meant) => {
    const refusal = refused(placeOrder, { ...LIMIT, [field]: given });
    expect(refusal.errors).toContainEqual(expect.objectContaining({ field, value: given, nearest: meant }));
    expect(refusal.did_you_mean).toContain(meant);
  });

  it('names every field that is missing: side, quantity, symbol and type have no default', () => {
    expect(fieldsOf(refused(placeOrder, {}))).toEqual(['symbol', 'side', 'type']);
    expect(fieldsOf(refused(placeOrder, { symbol: 'SPX', side: 'buy', type: 'market' }))).toEqual(['qty']);
    expect(fieldsOf(refused(placeOrder, { symbol: 'SPX', side: 'buy', type: 'limit', qty: '1' }))).toEqual([
      'limit_price',
    ]);
  });

  it('refuses null, text for a switch, text for a number', () => {
    const refusal = refused(placeOrder, { ...LIMIT, stop_loss: null, dry_run: 'false' });
    expect(refusal.errors).toContainEqual(expect.objectContaining({ field: 'dry_run', nearest: 'false' }));
    expect(fieldsOf(refusal)).toContain('stop_loss');
    expect(refused(getOrders, { account: null }).errors?.[0]?.rule).toBe(
      'leave the field out instead of null',
    );
    expect(refused(placeOrder, { ...LIMIT, qty: null }).errors?.[0]).toMatchObject({
      field: 'qty',
      value: 'null',
      rule: 'leave the field out instead of null',
    });
    expect(refused(placeOrder, { ...LIMIT, symbol: null }).errors?.[0]?.rule).toBe('required, and not null');
    expect(refused(getOrders, { limit: '10' }).errors?.[0]).toMatchObject({ nearest: '10' });
    expect(refused(getOrders, { limit: 501 }).errors?.[0]).toMatchObject({ nearest: '500' });
    expect(refused(getPnlHistory, { days: 31 }).errors?.[0]?.rule).toBe('one of 7, 30, 90, 365');
  });

  it.each([' ', ')', "'", '\u00a0'])(
    'suggests nothing for a list of %j without end, and at once',
    (piece) => {
      // Trimming it takes half a minute, and with it every order waits.
      const { errors } = refused(getQuotes, { symbols: `SPX${piece.repeat(250_000)}SPX` });
      expect(errors?.[0]).toMatchObject({ field: 'symbols', nearest: null });
    },
  );
  it('refuses a list that is not one, and shows how it is written', () => {
    expect(refused(getQuotes, { symbols: 'SPX, BTC/USD' }).errors?.[0]).toMatchObject({
      field: 'symbols',
      nearest: '["SPX","BTC/USD"]',
    });
    refused(getQuotes, { symbols: [] });
    refused(getQuotes, { symbols: Array.from({ length: 51 }, () => 'SPX') });
    expect(fieldsOf(refused(getQuotes, { symbols: ['SPX', 'S\u200bPX'] }))).toEqual(['symbols.1']);
  });

  it('refuses arguments that are no object', () => {
    for (const args of [5, 'place it', [LIMIT], true]) {
      expect(fieldsOf(refused(placeOrder, args))).toEqual(['arguments']);
    }
  });

  it('is not moved by fields of the prototype', () => {
    expect(fieldsOf(refused(placeOrder, JSON.parse('{"__proto__":{"side":"buy"},"constructor":1}')))).toEqual(
      expect.arrayContaining(['__proto__', 'constructor', 'side']),
    );
  });

  it('echoes hostile text short and printable', () => {
    const refusal = refused(placeOrder, { ...LIMIT, side: `\u001b[31m\u202e${'x'.repeat(5_000)}` });
    expect(refusal.errors?.[0]?.value).toBe('x'.repeat(80));
    expect(JSON.stringify(refusal).length).toBeLessThan(1_000);
  });

  it('lists at most twenty errors', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, n]));
    expect(refused(haltTrading, many).errors).toHaveLength(20);
  });
});

describe('sizes and prices that belong to the order type', () => {
  const base = { symbol: 'SPX', side: 'buy', qty: '1' };
  it.each([
    ['market', {}],
    ['limit', { limit_price: '1' }],
    ['stop', { stop_price: '1' }],
    ['stop_limit', { stop_price: '1', limit_price: '1' }],
    ['trailing_stop', { trail_percent: '5' }],
    ['trailing_stop', { trail_price: '5' }],
    ['limit', { limit_price: '1', post_only: true, time_in_force: 'gtc' }],
    ['market', { take_profit: '2', stop_loss: '1', time_in_force: 'ioc' }],
  ])('takes %s with %j', (type, prices) => {
    accepted(placeOrder, { ...base, type, ...prices });
  });

  it.each([
    ['market', { limit_price: '1' }, ['limit_price']],
    ['market', { stop_price: '1' }, ['stop_price']],
    ['market', { trail_price: '1' }, ['trail_price']],
    ['limit', {}, ['limit_price']],
    ['limit', { limit_price: '1', stop_price: '1' }, ['stop_price']],
    ['stop', {}, ['stop_price']],
    ['stop', { stop_price: '1', limit_price: '1' }, ['limit_price']],
    ['stop_limit', { stop_price: '1' }, ['limit_price']],
    ['stop_limit', { limit_price: '1' }, ['stop_price']],
    ['trailing_stop', {}, ['trail_percent']],
    ['trailing_stop', { trail_percent: '1', trail_price: '1' }, ['trail_price']],
    ['trailing_stop', { trail_percent: '1', stop_price: '1' }, ['stop_price']],
    ['market', { post_only: true }, ['post_only']],
    ['limit', { limit_price: '1', post_only: true, time_in_force: 'ioc' }, ['post_only']],
    ['market', { notional: '100' }, ['notional']],
  ])('refuses %s with %j and names %j', (type, prices, fields) => {
    expect(fieldsOf(refused(placeOrder, { ...base, type, ...prices }))).toEqual(fields);
  });

  it('takes a notional instead of a quantity', () => {
    accepted(placeOrder, { symbol: 'SPX', side: 'buy', type: 'market', notional: '500' });
  });

  it('refuses a modify that changes nothing, or two trails', () => {
    accepted(modifyOrder, { order_id: 'ord_1', qty: '2' });
    expect(fieldsOf(refused(modifyOrder, { order_id: 'ord_1' }))).toEqual(['qty']);
    expect(
      fieldsOf(refused(modifyOrder, { order_id: 'ord_1', trail_percent: '1', trail_price: '1' })),
    ).toEqual(['trail_price']);
  });
});

describe('times', () => {
  const bars = { symbol: 'SPX', timeframe: '1d' };
  it.each([['2025-03-14'], ['2025-03-14T09:30:00Z'], ['2025-03-14T09:30:00.5+05:30'], ['2024-02-29']])(
    'takes %s',
    (start) => {
      accepted(getBars, { ...bars, start });
    },
  );
  it.each([
    ['0001-01-00'],
    ['2025-02-29'],
    ['2025-02-31T00:00:00Z'],
    ['14.3.2025'],
    ['now'],
    ['2025-03-14T09:30:00'],
    [''],
  ])('refuses %s, which is no moment', (start) => {
    expect(fieldsOf(refused(getBars, { ...bars, start }))).toEqual(['start']);
  });
  it('refuses an end that is not after the start', () => {
    expect(fieldsOf(refused(getBars, { ...bars, start: '2025-03-14', end: '2025-03-14' }))).toEqual(['end']);
  });
});
