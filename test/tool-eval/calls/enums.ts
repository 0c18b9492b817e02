// Words of enums: case and white space are repaired, words of other interfaces are only suggested, different orders never are.
import { type Entry, LIMIT, leftOpen, MARKET, pointsAt, repaired } from '../entry.ts';

const STOP = { symbol: 'SPX', side: 'sell', qty: '1', type: 'stop', stop_price: '4950' } as const;
const BARS = { symbol: 'SPX', timeframe: '1m' } as const;

const place = (why: string, args: object, expect: Entry['expect']): Entry => ({
  why,
  tool: 'place_order',
  args,
  expect,
});
const bars = (why: string, timeframe: unknown, expect: Entry['expect']): Entry => ({
  why,
  tool: 'get_bars',
  args: { ...BARS, timeframe },
  expect,
});

export const ENUMS: readonly Entry[] = [
  place(
    'BUY: FIX, Binance and IBKR write sides in capitals',
    { ...MARKET, side: 'BUY' },
    repaired({ side: 'buy' }),
  ),
  place('Sell: title case, as a sentence begins', { ...STOP, side: 'Sell' }, repaired({ side: 'sell' })),
  place(
    'GTC: capitals everywhere but in JSON',
    { ...LIMIT, time_in_force: 'GTC' },
    repaired({ time_in_force: 'gtc' }),
  ),
  place(
    'a space behind the word, from a template',
    { ...LIMIT, type: 'limit ' },
    repaired({ type: 'limit' }),
  ),
  place(
    'Stop Limit: the words as a person says them',
    { ...STOP, type: 'Stop Limit', limit_price: '4940' },
    repaired({ type: 'stop_limit' }),
  ),
  place(
    'everything in capitals at once',
    { ...LIMIT, side: 'BUY', type: 'LIMIT', time_in_force: 'DAY' },
    repaired({ side: 'buy', type: 'limit', time_in_force: 'day' }),
  ),
  place('long: the position in place of the side', { ...MARKET, side: 'long' }, pointsAt({ side: 'buy' })),
  place('short: the position in place of the side', { ...STOP, side: 'SHORT' }, pointsAt({ side: 'sell' })),
  place('B: one letter, as on a blotter', { ...MARKET, side: 'B' }, pointsAt({ side: 'buy' })),
  place(
    'buy_to_open: the four sides of option brokers',
    { ...MARKET, side: 'buy_to_open' },
    pointsAt({ side: 'buy' }),
  ),
  place('SELL_TO_CLOSE: the same', { ...STOP, side: 'SELL_TO_CLOSE' }, pointsAt({ side: 'sell' })),
  place('buy to cover: the same, in words', { ...MARKET, side: 'buy to cover' }, pointsAt({ side: 'buy' })),
  place(
    'sell_short: its own side at some brokers',
    { ...STOP, side: 'sell_short' },
    pointsAt({ side: 'sell' }),
  ),
  place('hold: an opinion is no side', { ...MARKET, side: 'hold' }, leftOpen('invalid_input', 'side')),
  place('1: the side of FIX as its number', { ...MARKET, side: 1 }, leftOpen('invalid_input', 'side')),
  place('MKT: IBKR', { ...MARKET, type: 'MKT' }, pointsAt({ type: 'market' })),
  place('LMT: IBKR', { ...LIMIT, type: 'LMT' }, pointsAt({ type: 'limit' })),
  place('STP LMT: IBKR', { ...STOP, type: 'STP LMT', limit_price: '4940' }, pointsAt({ type: 'stop_limit' })),
  place('STP: IBKR', { ...STOP, type: 'STP' }, pointsAt({ type: 'stop' })),
  place('SL-M: Indian brokers', { ...STOP, type: 'SL-M' }, pointsAt({ type: 'stop' })),
  place('STOP_MARKET: Binance futures', { ...STOP, type: 'STOP_MARKET' }, pointsAt({ type: 'stop' })),
  place('STOP_LOSS: Binance spot', { ...STOP, type: 'STOP_LOSS' }, pointsAt({ type: 'stop' })),
  place(
    'STOP_LOSS_LIMIT: Binance spot',
    { ...STOP, type: 'STOP_LOSS_LIMIT', limit_price: '4940' },
    pointsAt({ type: 'stop_limit' }),
  ),
  place(
    'stop-limit: a hyphen is no white space',
    { ...STOP, type: 'stop-limit', limit_price: '4940' },
    pointsAt({ type: 'stop_limit' }),
  ),
  place('limit_order: the noun with it', { ...LIMIT, type: 'limit_order' }, pointsAt({ type: 'limit' })),
  place('market order: the noun with it', { ...MARKET, type: 'market order' }, pointsAt({ type: 'market' })),
  place(
    'TRAIL: IBKR',
    { ...STOP, type: 'TRAIL', stop_price: undefined, trail_percent: '2' },
    pointsAt({ type: 'trailing_stop' }),
  ),
  place(
    'TRAILING_STOP_MARKET: Binance futures',
    { ...STOP, type: 'TRAILING_STOP_MARKET', stop_price: undefined, trail_percent: '2' },
    pointsAt({ type: 'trailing_stop' }),
  ),
  place(
    'LIMIT_MAKER: a different order, not a slip',
    { ...LIMIT, type: 'LIMIT_MAKER' },
    leftOpen('invalid_input', 'type'),
  ),
  place('MOC: an order we do not have', { ...MARKET, type: 'MOC' }, leftOpen('invalid_input', 'type')),
  place('oco: an order we do not have', { ...LIMIT, type: 'oco' }, leftOpen('invalid_input', 'type')),
  place('an empty type: a form not filled in', { ...LIMIT, type: '' }, leftOpen('invalid_input', 'type')),
  place(
    'Good Till Cancel: written out',
    { ...LIMIT, time_in_force: 'Good Till Cancel' },
    pointsAt({ time_in_force: 'gtc' }),
  ),
  place(
    "good 'til canceled: written out, with an apostrophe",
    { ...LIMIT, time_in_force: "Good 'Til Canceled" },
    pointsAt({ time_in_force: 'gtc' }),
  ),
  place('GFD: good for day', { ...LIMIT, time_in_force: 'GFD' }, pointsAt({ time_in_force: 'day' })),
  place(
    'intraday: day in the words of Indian brokers',
    { ...LIMIT, time_in_force: 'intraday' },
    pointsAt({ time_in_force: 'day' }),
  ),
  place(
    'day_order: the noun with it',
    { ...LIMIT, time_in_force: 'day_order' },
    pointsAt({ time_in_force: 'day' }),
  ),
  place(
    'immediate_or_cancel: written out',
    { ...LIMIT, time_in_force: 'immediate_or_cancel' },
    pointsAt({ time_in_force: 'ioc' }),
  ),
  place(
    'FILL OR KILL: written out',
    { ...LIMIT, time_in_force: 'FILL OR KILL' },
    pointsAt({ time_in_force: 'fok' }),
  ),
  place(
    'GTD needs a date that we do not take: it is not GTC',
    { ...LIMIT, time_in_force: 'GTD' },
    leftOpen('invalid_input', 'time_in_force'),
  ),
  place(
    'GTX is post-only at Binance: it is not GTC',
    { ...LIMIT, time_in_force: 'GTX' },
    leftOpen('invalid_input', 'time_in_force'),
  ),
  place(
    'opg: at the open, Alpaca',
    { ...MARKET, time_in_force: 'opg' },
    leftOpen('invalid_input', 'time_in_force'),
  ),
  bars('1H: capitals for hours', '1H', repaired({ timeframe: '1h' })),
  bars('60m: minutes for an hour', '60m', pointsAt({ timeframe: '1h' })),
  bars('1min: the unit spelled further', '1min', pointsAt({ timeframe: '1m' })),
  bars('5Min: Alpaca', '5Min', pointsAt({ timeframe: '5m' })),
  bars('1Hour: Alpaca', '1Hour', pointsAt({ timeframe: '1h' })),
  bars('daily: the word', 'daily', pointsAt({ timeframe: '1d' })),
  bars('1 Day: IBKR', '1 Day', pointsAt({ timeframe: '1d' })),
  bars('H1: MetaTrader puts the unit first', 'H1', pointsAt({ timeframe: '1h' })),
  bars('M5: MetaTrader', 'M5', pointsAt({ timeframe: '5m' })),
  bars('60: TradingView counts minutes', 60, pointsAt({ timeframe: '1h' })),
  bars('D: TradingView', 'D', pointsAt({ timeframe: '1d' })),
  bars('4h: not here; the next finer one is', '4h', pointsAt({ timeframe: '1h' })),
  bars('30m: not here; the next finer one is', '30m', pointsAt({ timeframe: '15m' })),
  bars('1w: not here; the next finer one is', '1w', pointsAt({ timeframe: '1d' })),
  bars('1M: a month or a minute, who knows', '1M', leftOpen('invalid_input', 'timeframe')),
  bars('tick: no bars at all', 'tick', leftOpen('invalid_input', 'timeframe')),
  {
    why: 'OPEN: capitals',
    tool: 'get_orders',
    args: { status: 'OPEN' },
    expect: repaired({ status: 'open' }),
  },
  {
    why: 'closed: what Alpaca calls final',
    tool: 'get_orders',
    args: { status: 'closed' },
    expect: pointsAt({ status: 'final' }),
  },
  {
    why: 'CANCELLED: one state for the group of them',
    tool: 'get_orders',
    args: { status: 'CANCELLED' },
    expect: pointsAt({ status: 'final' }),
  },
  {
    why: 'pending: one state for the group of them',
    tool: 'get_orders',
    args: { status: 'pending' },
    expect: pointsAt({ status: 'open' }),
  },
  { why: 'any: all', tool: 'get_positions', args: { status: 'any' }, expect: pointsAt({ status: 'all' }) },
  {
    why: '31 days: a month is not one of the four',
    tool: 'get_pnl_history',
    args: { days: 31 },
    expect: pointsAt({ days: '90' }),
  },
  {
    why: '"30": the number in quotes',
    tool: 'get_pnl_history',
    args: { days: '30' },
    expect: pointsAt({ days: '30' }),
  },
  {
    why: '1y: a span in the words of a chart',
    tool: 'get_pnl_history',
    args: { days: '1y' },
    expect: pointsAt({ days: '365' }),
  },
  {
    why: '1M: a span in the words of a chart, and a month here for sure',
    tool: 'get_pnl_history',
    args: { days: '1M' },
    expect: pointsAt({ days: '30' }),
  },
];
