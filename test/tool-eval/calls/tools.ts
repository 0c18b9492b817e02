// Names of tools that are not here: the one that was meant is named, none is called in its place.
import { type Entry, MARKET, noTool } from '../entry.ts';

const meant = (tool: string, ours: string | null, args: object = {}): Entry => ({
  why: ours === null ? 'nothing like it is here' : `meant is ${ours}`,
  tool,
  args,
  expect: noTool(ours),
});

export const TOOL_NAMES: readonly Entry[] = [
  meant('placeOrder', 'place_order', MARKET),
  meant('create_order', 'place_order', MARKET),
  meant('submit_order', 'place_order', MARKET),
  meant('buy', 'place_order', MARKET),
  meant('portcullis.place_order', 'place_order', MARKET),
  meant('mcp__portcullis__get_quotes', 'get_quotes'),
  meant('get_quote', 'get_quotes', { symbol: 'SPX' }),
  meant('get_price', 'get_quotes', { symbol: 'SPX' }),
  meant('get_stock_quote', 'get_quotes', { symbol: 'SPX' }),
  meant('get_historical_data', 'get_bars', { symbol: 'SPX' }),
  meant('get_candles', 'get_bars', { symbol: 'SPX' }),
  meant('get_portfolio', 'get_positions'),
  meant('get_holding', 'get_holdings'),
  meant('get_balance', 'get_account'),
  meant('get_open_orders', 'get_orders'),
  meant('update_order', 'modify_order'),
  meant('cancel_orders', 'cancel_all_orders'),
  meant('liquidate_all', 'close_all_positions'),
  meant('get_order_book', 'get_market_depth', { symbol: 'SPX' }),
  meant('subscribe_quotes', 'watch_market', { symbols: ['SPX'] }),
  meant('whoami', 'get_mandate'),
  meant('set_mandate', 'get_mandate'),
  meant('lower_limits', 'tighten_mandate', { max_daily_loss: '100' }),
  meant('loosen_mandate', 'get_mandate'),
  meant('approve_order', null),
  meant('withdraw_funds', null),
  meant('resume_trading', null),
  meant('get_weather', null),
];
