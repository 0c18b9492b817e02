// Orders that do not add up: sizes, prices and steps that contradict each other are refused, and what only the caller can know is left to them.
import { ACCEPTED, type Entry, LIMIT, leftOpen, MARKET, pointsAt, warned, without } from '../entry.ts';

const STOP = { symbol: 'SPX', side: 'sell', qty: '1', type: 'stop', stop_price: '4950' } as const;
const TRAIL = { symbol: 'SPX', side: 'sell', qty: '1', type: 'trailing_stop' } as const;
const YESBANK = { ...MARKET, symbol: 'YESBANK', qty: '10' } as const;
const BITCOIN = { ...MARKET, symbol: 'BTC/USD', qty: '0.01' } as const;

const place = (why: string, args: object, expect: Entry['expect'], scene?: Entry['scene']): Entry => ({
  why,
  tool: 'place_order',
  args,
  expect,
  ...(scene === undefined ? {} : { scene }),
});
const open = (...fields: readonly string[]): Entry['expect'] => leftOpen('invalid_input', ...fields);

export const ORDERS: readonly Entry[] = [
  place('qty and notional at once', { ...MARKET, notional: '5000' }, open('notional')),
  place('neither qty nor notional', without(MARKET, 'qty'), open('qty')),
  place('no side: never a default', without(MARKET, 'side'), open('side')),
  place('no symbol: never a default', without(MARKET, 'symbol'), open('symbol')),
  place('no type: never a default', without(MARKET, 'type'), open('type')),
  place('nothing at all', {}, open('symbol', 'side', 'type')),
  place('the sentence in place of the fields', { instruction: 'buy one SPX' }, open('instruction')),
  place('a limit without its price', without(LIMIT, 'limit_price'), open('limit_price')),
  place('a price that a market order would ignore', { ...MARKET, limit_price: '4990' }, open('limit_price')),
  place('a stop without its trigger', without(STOP, 'stop_price'), open('stop_price')),
  place(
    'the trigger under the name of the limit',
    { ...without(STOP, 'stop_price'), limit_price: '4950' },
    open('stop_price', 'limit_price'),
  ),
  place('a stop with a limit is another type', { ...STOP, limit_price: '4940' }, open('limit_price')),
  place('a stop limit without its limit', { ...STOP, type: 'stop_limit' }, open('limit_price')),
  place('both trails', { ...TRAIL, trail_percent: '2', trail_price: '50' }, open('trail_price')),
  place('no trail', TRAIL, open('trail_percent')),
  place('a trail on a plain stop', { ...STOP, trail_percent: '2' }, open('trail_percent')),
  place('post-only on a market order', { ...MARKET, post_only: true }, open('post_only')),
  place(
    'post-only that may not wait',
    { ...LIMIT, post_only: true, time_in_force: 'ioc' },
    open('post_only'),
  ),
  place(
    'extended hours with a market order',
    { ...MARKET, extended_hours: true },
    pointsAt({ extended_hours: 'false' }),
  ),
  place('a stop to sell above the market', { ...STOP, stop_price: '5050' }, warned('triggers at once')),
  place('a stop to buy below the market', { ...STOP, side: 'buy' }, warned('triggers at once')),
  place('a stop loss above the entry of a purchase', { ...LIMIT, stop_loss: '5010' }, open('stop_loss')),
  place(
    'a take profit below the entry of a purchase',
    { ...LIMIT, take_profit: '4900' },
    open('take_profit'),
  ),
  place('a bracket the right way round', { ...LIMIT, take_profit: '5100', stop_loss: '4900' }, ACCEPTED),
  place(
    'a price between two ticks',
    { ...LIMIT, limit_price: '4990.005' },
    pointsAt({ limit_price: '4990' }, 'off_tick'),
  ),
  place(
    'a price between two ticks, of five paise',
    { ...YESBANK, type: 'limit', limit_price: '19.93' },
    pointsAt({ limit_price: '19.95' }, 'off_tick'),
    'yesbank',
  ),
  place('half a share', { ...MARKET, qty: '0.5' }, pointsAt({ qty: '1' }, 'off_lot')),
  place('one and a half shares', { ...MARKET, qty: '1.5' }, pointsAt({ qty: '1' }, 'off_lot')),
  place(
    'a share and a fraction, as apps for small savers sell them',
    { ...YESBANK, qty: '10.25' },
    pointsAt({ qty: '10' }, 'off_lot'),
    'yesbank',
  ),
  place('lots where units are meant', { ...without(YESBANK, 'qty'), lots: 1 }, open('lots'), 'yesbank'),
  place(
    'smaller than a satoshi',
    { ...BITCOIN, qty: '0.000000001' },
    pointsAt({ qty: '0.00000001' }, 'off_lot'),
    'bitcoin',
  ),
  place(
    'nine places of a coin',
    { ...BITCOIN, qty: '0.123456789' },
    pointsAt({ qty: '0.12345678' }, 'off_lot'),
    'bitcoin',
  ),
  place(
    'satoshis, and not coins',
    { ...BITCOIN, qty: '0.00000001' },
    leftOpen('below_min_notional'),
    'bitcoin',
  ),
  place('dollars where coins are meant', { ...BITCOIN, qty: '500' }, leftOpen('max_order_value'), 'bitcoin'),
  place('dollars of coins', { ...without(BITCOIN, 'qty'), notional: '500' }, ACCEPTED, 'bitcoin'),
  place('half a coin, as a float', { ...BITCOIN, qty: 0.05 }, pointsAt({ qty: '0.05' }), 'bitcoin'),
  place(
    'less money than one share costs',
    { ...without(MARKET, 'qty'), notional: '100' },
    leftOpen('off_lot'),
  ),
  place('a size no mandate has', { ...MARKET, qty: '1000000' }, leftOpen('max_order_qty')),
  place('a price a tenth of the market’s', { ...LIMIT, limit_price: '499' }, leftOpen('price_collar')),
  place('a price with a zero too many', { ...LIMIT, limit_price: '49900' }, leftOpen('price_collar')),
  place(
    'reduce-only without a position',
    { ...MARKET, side: 'sell', reduce_only: true, symbol: 'SPX' },
    leftOpen('not_reducing'),
  ),
  place('another market than is carried here', { ...MARKET, symbol: 'AAPL' }, leftOpen('not_tradable')),
  place('a tag with a space and a slash', { ...MARKET, tag: 'mean reversion/v2' }, ACCEPTED),
  place(
    'a client order id with a space',
    { ...MARKET, client_order_id: 'my order 1' },
    pointsAt({ client_order_id: 'my-order-1' }),
  ),
  place(
    'an idempotency key as a sentence',
    { ...MARKET, idempotency_key: 'first order today!' },
    pointsAt({
      idempotency_key: 'first-order-today',
    }),
  ),
  {
    why: 'a change of nothing',
    tool: 'modify_order',
    args: { order_id: '{resting}' },
    expect: open('qty'),
  },
  {
    why: 'a field that a change does not have',
    tool: 'modify_order',
    args: { order_id: '{resting}', side: 'sell', qty: '2' },
    expect: open('side'),
  },
  {
    why: 'a trigger for an order that has none',
    tool: 'modify_order',
    args: { order_id: '{resting}', stop_price: '4950' },
    expect: leftOpen('invalid_input', 'stop_price'),
  },
  {
    why: 'an order that is done',
    tool: 'modify_order',
    args: { order_id: '{filled}', qty: '2' },
    expect: leftOpen('order_final'),
  },
  {
    why: 'an order that is done',
    tool: 'cancel_order',
    args: { order_id: '{filled}' },
    expect: leftOpen('order_final'),
  },
];
