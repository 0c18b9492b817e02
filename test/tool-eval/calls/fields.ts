// Names of fields: none is ignored; other interfaces' names for ours are suggested, what has no place here is to be left out.
import { type Entry, LIMIT, leavesOut, leftOpen, MARKET, pointsAt, without } from '../entry.ts';

const STOP = { symbol: 'SPX', side: 'sell', qty: '1', type: 'stop', stop_price: '4950' } as const;

/** The order with one field under another name. */
const named = (args: object, from: string, to: string): object => {
  const value: unknown = Reflect.get(args, from);
  return { ...without(args, from), [to]: value };
};
const renamed = (why: string, args: object, names: readonly [ours: string, theirs: string]): Entry => ({
  why: `${names[1]}: ${why}`,
  tool: 'place_order',
  args: named(args, ...names),
  expect: pointsAt({ [names[1]]: names[0] }),
});
const superfluous = (why: string, field: string, value: unknown): Entry => ({
  why: `${field}: ${why}`,
  tool: 'place_order',
  args: { ...LIMIT, [field]: value },
  expect: leavesOut(field),
});

/** Left out, the order would be another one. */
const unheard = (why: string, field: string, value: unknown): Entry => ({
  why: `${field}: ${why}`,
  tool: 'place_order',
  args: { ...LIMIT, [field]: value },
  expect: leftOpen('invalid_input', field),
});

export const FIELDS: readonly Entry[] = [
  renamed('the word in full', LIMIT, ['qty', 'quantity']),
  renamed('Coinbase', LIMIT, ['qty', 'size']),
  renamed('Bybit and FIX gateways', LIMIT, ['qty', 'order_qty']),
  renamed('FIX', LIMIT, ['qty', 'OrderQty']),
  renamed('IBKR', LIMIT, ['qty', 'totalQuantity']),
  renamed('what a person counts', LIMIT, ['qty', 'shares']),
  renamed('ccxt, for a limit order', LIMIT, ['limit_price', 'price']),
  renamed('for a stop order it is the trigger', STOP, ['stop_price', 'price']),
  renamed('camel case', LIMIT, ['limit_price', 'limitPrice']),
  renamed('IBKR', LIMIT, ['limit_price', 'lmtPrice']),
  renamed('FIX and Bitmex', STOP, ['stop_price', 'stopPx']),
  renamed('Kite and Dhan', STOP, ['stop_price', 'trigger_price']),
  renamed('IBKR', STOP, ['stop_price', 'auxPrice']),
  renamed('the schema of Alpaca', LIMIT, ['type', 'order_type']),
  renamed('camel case', LIMIT, ['type', 'orderType']),
  renamed('OpenAlgo', LIMIT, ['type', 'pricetype']),
  renamed('what one looks up', LIMIT, ['symbol', 'ticker']),
  renamed('deribit and OANDA', LIMIT, ['symbol', 'instrument']),
  renamed('Coinbase', LIMIT, ['symbol', 'product_id']),
  renamed('Kite', LIMIT, ['symbol', 'tradingsymbol']),
  renamed('IBKR and OpenAlgo', LIMIT, ['side', 'action']),
  renamed('Kite', LIMIT, ['side', 'transaction_type']),
  renamed('everyday word', LIMIT, ['side', 'direction']),
  {
    why: 'tif: the trade’s own abbreviation',
    tool: 'place_order',
    args: { ...LIMIT, tif: 'gtc' },
    expect: pointsAt({ tif: 'time_in_force' }),
  },
  {
    why: 'timeInForce: camel case',
    tool: 'place_order',
    args: { ...LIMIT, timeInForce: 'gtc' },
    expect: pointsAt({ timeInForce: 'time_in_force' }),
  },
  {
    why: 'stopLoss: camel case',
    tool: 'place_order',
    args: { ...LIMIT, stopLoss: '4900' },
    expect: pointsAt({ stopLoss: 'stop_loss' }),
  },
  {
    why: 'take_profit_price: the unit in the name',
    tool: 'place_order',
    args: { ...LIMIT, take_profit_price: '5100' },
    expect: pointsAt({ take_profit_price: 'take_profit' }),
  },
  {
    why: 'sl and tp: chat room words',
    tool: 'place_order',
    args: { ...LIMIT, sl: '4900', tp: '5100' },
    expect: pointsAt({ sl: 'stop_loss', tp: 'take_profit' }),
  },
  {
    why: 'callbackRate: Binance',
    tool: 'place_order',
    args: { ...without(STOP, 'stop_price'), type: 'trailing_stop', callbackRate: '2' },
    expect: pointsAt({ callbackRate: 'trail_percent' }),
  },
  {
    why: 'clOrdID: FIX',
    tool: 'place_order',
    args: { ...LIMIT, clOrdID: 'mine-1' },
    expect: pointsAt({ clOrdID: 'client_order_id' }),
  },
  {
    why: 'price on a market order: what to do with it is not ours to say',
    tool: 'place_order',
    args: { ...MARKET, price: '5000' },
    expect: leftOpen('invalid_input', 'price'),
  },
  {
    why: 'lots: how many units a lot has is not ours to multiply',
    tool: 'place_order',
    args: { ...without(MARKET, 'qty'), lots: 2 },
    expect: leftOpen('invalid_input', 'lots'),
  },
  {
    why: 'amount: units to ccxt, money to a person',
    tool: 'place_order',
    args: { ...without(MARKET, 'qty'), amount: '500' },
    expect: leftOpen('invalid_input', 'amount'),
  },
  {
    why: 'volume: lots to MetaTrader',
    tool: 'place_order',
    args: { ...without(MARKET, 'qty'), volume: 0.1 },
    expect: leftOpen('invalid_input', 'volume'),
  },
  {
    why: 'trail: percent or price',
    tool: 'place_order',
    args: { ...without(STOP, 'stop_price'), type: 'trailing_stop', trail: '2' },
    expect: leftOpen('invalid_input', 'trail'),
  },
  unheard('perpetuals have it, nothing here does', 'leverage', 10),
  unheard('Kite', 'product', 'MIS'),
  unheard('Kite', 'exchange', 'NSE'),
  superfluous('a thought that belongs in the chat', 'reasoning', 'the trend is up'),
  superfluous('a key that the credential replaces', 'api_key', 'none'),
  superfluous('being sure is no argument: dry_run false commits', 'confirm', true),
  superfluous('the same in another word', 'confirmed', 'yes'),
  superfluous('the same in another word', 'execute', true),
  unheard('a bound on slippage that would not be kept', 'max_slippage', '0.1'),
  unheard('an end that would not be kept', 'expire_time', '2026-02-01T00:00:00Z'),
  {
    why: 'percentage: left out, everything would be closed',
    tool: 'close_position',
    args: { symbol: 'SPX', percentage: 50, dry_run: true },
    expect: leftOpen('invalid_input', 'percentage'),
  },
  {
    why: 'amount: left out, everything would be closed',
    tool: 'close_position',
    args: { symbol: 'SPX', amount: '1', dry_run: true },
    expect: leftOpen('invalid_input', 'amount'),
  },
  {
    why: 'side: left out, sales would be canceled too',
    tool: 'cancel_all_orders',
    args: { side: 'buy', dry_run: true },
    expect: leftOpen('invalid_input', 'side'),
  },
  {
    why: 'explanation: hosts that want one add it to every tool',
    tool: 'cancel_all_orders',
    args: { explanation: 'the user asked for it', dry_run: true },
    expect: leavesOut('explanation'),
  },
  {
    why: 'exchange: of a look, what is not known can be left out',
    tool: 'get_quotes',
    args: { symbols: ['SPX'], exchange: 'NSE' },
    expect: leavesOut('exchange'),
  },
  {
    why: 'random_string: editors send one to tools without parameters',
    tool: 'get_mandate',
    args: { random_string: 'x' },
    expect: leavesOut('random_string'),
  },
  {
    why: 'dummy: the same from another editor',
    tool: 'list_accounts',
    args: { dummy: '' },
    expect: leavesOut('dummy'),
  },
  {
    why: 'kwargs: arguments wrapped as Python does',
    tool: 'get_gateway_status',
    args: { kwargs: {} },
    expect: leavesOut('kwargs'),
  },
  {
    why: 'symbol for symbols: one is wanted',
    tool: 'get_quotes',
    args: { symbol: 'SPX' },
    expect: pointsAt({ symbol: 'symbols' }),
  },
  {
    why: 'tickers: what one looks up',
    tool: 'get_quotes',
    args: { tickers: ['SPX'] },
    expect: pointsAt({ tickers: 'symbols' }),
  },
  {
    why: 'symbols for symbol: a list where one is taken',
    tool: 'get_instrument',
    args: { symbols: 'SPX' },
    expect: pointsAt({ symbols: 'symbol' }),
  },
  {
    why: 'interval: Binance and yfinance',
    tool: 'get_bars',
    args: { symbol: 'SPX', interval: '1m' },
    expect: pointsAt({ interval: 'timeframe' }),
  },
  {
    why: 'from and to: Polygon and Kite',
    tool: 'get_bars',
    args: { symbol: 'SPX', timeframe: '1m', from: '2024-01-08', to: '2024-01-09' },
    expect: pointsAt({ from: 'start', to: 'end' }),
  },
  {
    why: 'start_date: the unit in the name',
    tool: 'get_bars',
    args: { symbol: 'SPX', timeframe: '1m', start_date: '2024-01-08' },
    expect: pointsAt({ start_date: 'start' }),
  },
  {
    why: 'count: OANDA',
    tool: 'get_bars',
    args: { symbol: 'SPX', timeframe: '1m', count: 5 },
    expect: pointsAt({ count: 'limit' }),
  },
  {
    why: 'startTime on orders: Binance',
    tool: 'get_orders',
    args: { startTime: '2024-01-08' },
    expect: pointsAt({ startTime: 'since' }),
  },
  {
    why: 'id: the shortest name',
    tool: 'get_order',
    args: { id: '{resting}' },
    expect: pointsAt({ id: 'order_id' }),
  },
  {
    why: 'orderId: camel case',
    tool: 'cancel_order',
    args: { orderId: '{resting}' },
    expect: pointsAt({ orderId: 'order_id' }),
  },
  {
    why: 'new_price: what it is to become',
    tool: 'modify_order',
    args: { order_id: '{resting}', new_price: '4901' },
    expect: pointsAt({ new_price: 'limit_price' }),
  },
  {
    why: 'keyword: a search by another name',
    tool: 'search_instruments',
    args: { keyword: 'bitcoin' },
    expect: pointsAt({ keyword: 'query' }),
  },
  {
    why: 'accountId: camel case',
    tool: 'get_account',
    args: { accountId: 'paper' },
    expect: pointsAt({ accountId: 'account' }),
  },
  {
    why: 'period: a span by another name',
    tool: 'get_pnl_history',
    args: { period: 30 },
    expect: pointsAt({ period: 'days' }),
  },
];
