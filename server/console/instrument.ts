/** One instrument: quote, session, depth, and candles of what the feed has recorded. */
import { type Price, text } from '#domain/decimal.ts';
import { type Instrument, type InstrumentId, instrumentId } from '#domain/instrument.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { CONSOLE_BARS_LISTED, CONSOLE_BARS_MAX, DEPTH_LEVELS_MAX } from '#limits.ts';
import {
  type Bar,
  type BarQuery,
  type Clock,
  type DepthLevel,
  type MarketFeed,
  TIMEFRAMES,
  type Timeframe,
} from '#ports.ts';
import { definePage } from './define.ts';
import { decimalsOf, textOrNone } from './figures.ts';

export const instrument = definePage({
  path: '/market/:instrument',
  title: 'Market',
  view: 'instrument.html',
  live: ['quotes'],
  scripts: ['lightweight-charts.standalone.production.js', 'candles.js'],
  async load({ services, params, query }) {
    const found = services.book.byId(instrumentId(params['instrument'] ?? ''));
    if (found === undefined)
      return err(refuse('not_found', 'There is no such instrument; search for it under Market.'));
    const feed = services.markets.all();
    await feed.follow([found.id]);
    return ok({
      instrument: termsOf(found),
      quote: quoteOf(feed, services.clock, found.id),
      session: sessionOf(feed, found.id),
      depth: await depthOf(feed, found.id),
      candles: await candlesOf(feed, found, query['timeframe']),
    });
  },
});

const termsOf = (found: Instrument) => ({
  id: found.id,
  symbol: found.symbol,
  name: found.name,
  asset_class: found.assetClass,
  currency: found.currency,
  tick: text(found.tick),
  lot: text(found.lot),
  min_notional: textOrNone(found.minNotional),
  calendar: found.calendar,
  timezone: found.timezone,
  note: found.note ?? null,
});

function quoteOf(feed: MarketFeed, clock: Clock, id: InstrumentId) {
  const quote = feed.quote(id);
  if (quote === undefined) return null;
  return {
    bid: text(quote.bid),
    ask: text(quote.ask),
    last: textOrNone(quote.last),
    bid_size: textOrNone(quote.bidSize),
    ask_size: textOrNone(quote.askSize),
    time_ms: quote.timeMs,
    age_ms: Math.max(0, clock.wallMs() - quote.publishedMs),
    source: quote.source,
  };
}

function sessionOf(feed: MarketFeed, id: InstrumentId) {
  const phase = feed.phase(id);
  if (phase === undefined) return null;
  const { session, next } = phase;
  return {
    phase: phase.phase,
    now_ms: phase.nowMs,
    trading_date: phase.tradingDate,
    open_ms: session?.openMs ?? null,
    close_ms: session?.closeMs ?? null,
    next_open_ms: next?.openMs ?? null,
  };
}

async function depthOf(feed: MarketFeed, id: InstrumentId) {
  const depth = await feed.depth(id);
  if (depth === undefined) return null;
  const levels = (side: readonly DepthLevel[]) =>
    side
      .slice(0, DEPTH_LEVELS_MAX)
      .map(({ price, size }) => ({ price: text(price), size: textOrNone(size) }));
  const bids = levels(depth.bids);
  const asks = levels(depth.asks);
  return {
    bids,
    asks,
    decimals: {
      price: decimalsOf(
        [...bids, ...asks].map(({ price }) => price),
        2,
      ),
      size: decimalsOf([...bids, ...asks].map(({ size }) => size)),
    },
  };
}

async function candlesOf(feed: MarketFeed, { id, symbol, tick }: Instrument, asked: string | undefined) {
  const finest = feed.finest(id);
  if (finest === undefined) return null;
  const answered = TIMEFRAMES.slice(TIMEFRAMES.indexOf(finest));
  const timeframe: Timeframe = answered.find((one) => one === asked) ?? finest;
  const bars = await barsOf(feed, { instrument: id, timeframe, limit: CONSOLE_BARS_MAX });
  if (bars === undefined) return null;
  const listed = [...bars].reverse().slice(0, CONSOLE_BARS_LISTED).map(barRow);
  return {
    symbol,
    timeframe,
    timeframes: answered.map((one) => ({ timeframe: one, here: one === timeframe })),
    /** In the order of the columns that the script reads. */
    bars: bars.map(({ timeMs, open, high, low, close }) => [timeMs, ...[open, high, low, close].map(textOf)]),
    price_decimals: decimalsOf([text(tick)]),
    listed,
    decimals: {
      price: decimalsOf(
        listed.flatMap((bar) => [bar.open, bar.high, bar.low, bar.close]),
        2,
      ),
      volume: decimalsOf(listed.map((bar) => bar.volume)),
    },
  };
}

/** undefined: the broker did not answer; the page shows the rest. */
async function barsOf(feed: MarketFeed, query: BarQuery): Promise<readonly Bar[] | undefined> {
  try {
    return await feed.bars(query);
  } catch {
    return undefined;
  }
}

const textOf = (price: Price): string => text(price);

const barRow = ({ timeMs, open, high, low, close, volume }: Bar) => ({
  time_ms: timeMs,
  open: text(open),
  high: text(high),
  low: text(low),
  close: text(close),
  volume: textOrNone(volume),
});
