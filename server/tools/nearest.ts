/** What the caller probably meant: the nearest of the right words, by known synonyms first, then by edit distance. */
import { nearest } from '#domain/nearest.ts';

/** Words of other trading interfaces for our fields; suggestions only, never silently replaced. */
const FIELD_SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['action', 'side'],
  ['direction', 'side'],
  ['transactiontype', 'side'],
  ['quantity', 'qty'],
  ['amount', 'qty'],
  ['size', 'qty'],
  ['shares', 'qty'],
  ['units', 'qty'],
  ['volume', 'qty'],
  ['value', 'notional'],
  ['dollars', 'notional'],
  ['usd', 'notional'],
  ['ordertype', 'type'],
  ['pricetype', 'type'],
  ['tif', 'time_in_force'],
  ['timeinforce', 'time_in_force'],
  ['duration', 'time_in_force'],
  ['validity', 'time_in_force'],
  ['price', 'limit_price'],
  ['limit', 'limit_price'],
  ['limitprice', 'limit_price'],
  ['stop', 'stop_price'],
  ['trigger', 'stop_price'],
  ['triggerprice', 'stop_price'],
  ['stopprice', 'stop_price'],
  ['sl', 'stop_loss'],
  ['stoploss', 'stop_loss'],
  ['tp', 'take_profit'],
  ['target', 'take_profit'],
  ['takeprofit', 'take_profit'],
  ['trail', 'trail_percent'],
  ['trailamount', 'trail_price'],
  ['ticker', 'symbol'],
  ['tickers', 'symbols'],
  ['symbol', 'symbols'],
  ['symbols', 'symbol'],
  ['instrument', 'symbol'],
  ['asset', 'symbol'],
  ['id', 'order_id'],
  ['orderid', 'order_id'],
  ['accountid', 'account'],
  ['accountname', 'account'],
  ['strategy', 'tag'],
  ['strategyid', 'tag'],
  ['clientid', 'client_order_id'],
  ['key', 'idempotency_key'],
  ['requestid', 'idempotency_key'],
  ['token', 'action_token'],
  ['confirm', 'dry_run'],
  ['confirmed', 'dry_run'],
  ['preview', 'dry_run'],
  ['interval', 'timeframe'],
  ['resolution', 'timeframe'],
  ['granularity', 'timeframe'],
  ['from', 'start'],
  ['fromdate', 'start'],
  ['startdate', 'start'],
  ['since', 'start'],
  ['to', 'end'],
  ['todate', 'end'],
  ['enddate', 'end'],
  ['until', 'end'],
  ['count', 'limit'],
  ['n', 'limit'],
  ['pagesize', 'limit'],
  ['page', 'cursor'],
  ['nextcursor', 'cursor'],
  ['period', 'days'],
  ['state', 'status'],
  ['q', 'query'],
  ['text', 'query'],
  ['name', 'query'],
]);

const VALUE_SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['b', 'buy'],
  ['bid', 'buy'],
  ['long', 'buy'],
  ['s', 'sell'],
  ['short', 'sell'],
  ['ask', 'sell'],
  ['mkt', 'market'],
  ['lmt', 'limit'],
  ['stp', 'stop'],
  ['slm', 'stop'],
  ['stopmarket', 'stop'],
  ['sl', 'stop_limit'],
  ['stoplimit', 'stop_limit'],
  ['stplmt', 'stop_limit'],
  ['trailing', 'trailing_stop'],
  ['trail', 'trailing_stop'],
  ['trailingstop', 'trailing_stop'],
  ['goodtillcanceled', 'gtc'],
  ['goodtillcancelled', 'gtc'],
  ['goodtilcanceled', 'gtc'],
  ['goodtilcancelled', 'gtc'],
  ['immediateorcancel', 'ioc'],
  ['fillorkill', 'fok'],
  ['daily', '1d'],
  ['1day', '1d'],
  ['d', '1d'],
  ['hourly', '1h'],
  ['1hour', '1h'],
  ['60m', '1h'],
  ['60min', '1h'],
  ['h', '1h'],
  ['1min', '1m'],
  ['1minute', '1m'],
  ['minute', '1m'],
  ['5min', '5m'],
  ['15min', '15m'],
  ['closed', 'final'],
  ['done', 'final'],
  ['filled', 'final'],
  ['working', 'open'],
  ['pending', 'open'],
  ['active', 'open'],
]);

/** The field of `known` that was probably meant by `given`; null when nothing is near. */
export function nearestField(given: string, known: readonly string[]): string | null {
  return suggest(given, known, FIELD_SYNONYMS);
}

/** The allowed value that was probably meant by `given`; null when nothing is near. */
export function nearestValue(given: string, allowed: readonly string[]): string | null {
  return suggest(given, allowed, VALUE_SYNONYMS);
}

/** The same word but for case and punctuation, then what other interfaces mean by it, then a slip of the finger. */
function suggest(
  given: string,
  known: readonly string[],
  synonyms: ReadonlyMap<string, string>,
): string | null {
  const bare = bareWord(given.slice(0, WORD_LENGTH_MAX));
  const same = known.find((word) => bareWord(word) === bare);
  if (same !== undefined) return same;
  const meant = synonyms.get(bare);
  return meant !== undefined && known.includes(meant) ? meant : nearest(given, known);
}

const WORD_LENGTH_MAX = 60;
const bareWord = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');
