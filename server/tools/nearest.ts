/** What the caller probably meant: the nearest of the right words, by known synonyms first, then by edit distance. */

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

/** Longer words are nobody's typing error, and comparing them costs. */
const WORD_LENGTH_MAX = 40;

/** The field of `known` that was probably meant by `given`; null when nothing is near. */
export function nearestField(given: string, known: readonly string[]): string | null {
  return nearest(given, known, FIELD_SYNONYMS);
}

/** The allowed value that was probably meant by `given`; null when nothing is near. */
export function nearestValue(given: string, allowed: readonly string[]): string | null {
  return nearest(given, allowed, VALUE_SYNONYMS);
}

function nearest(
  given: string,
  known: readonly string[],
  synonyms: ReadonlyMap<string, string>,
): string | null {
  if (given.length > WORD_LENGTH_MAX) return null;
  const bare = bareWord(given);
  const same = known.find((word) => bareWord(word) === bare);
  if (same !== undefined) return same;
  const meant = synonyms.get(bare);
  if (meant !== undefined && known.includes(meant)) return meant;
  const ranked = known
    .map((word) => ({ word, distance: editDistance(bare, bareWord(word)) }))
    .filter(({ word, distance }) => distance <= Math.min(3, Math.floor(bareWord(word).length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.word ?? null;
}

const bareWord = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Insertions, deletions, substitutions and swaps of neighbours between two short words. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
