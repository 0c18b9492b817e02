/** get_bars: complete bars of one symbol, oldest first, a page at a time. */
import { z } from 'zod';
import type { InstrumentId } from '#domain/instrument.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { BARS_MAX, PAGE_DEFAULT } from '#limits.ts';
import { type Bar, type BarQuery, type MarketFeed, TIMEFRAMES, type Timeframe } from '#ports.ts';
import { callersMarket } from './callers-market.ts';
import { badCursor, barsCursor, barsCursorOf } from './cursor.ts';
import { defineTool } from './define.ts';
import { cursor, symbol, time, timeMs } from './fields.ts';
import { noFeed } from './no-feed.ts';
import { barWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { BarShape, nextCursor } from './shapes.ts';

const input = z
  .strictObject({
    symbol,
    timeframe: z.enum(TIMEFRAMES),
    start: time('Inclusive, market time, ISO 8601'),
    end: time('Exclusive'),
    limit: z.int().min(1).max(BARS_MAX).default(PAGE_DEFAULT),
    cursor,
  })
  .refine(({ start, end }) => start === undefined || end === undefined || timeMs(start) < timeMs(end), {
    path: ['end'],
    error: 'later than start',
  });

export const getBars = defineTool({
  name: 'get_bars',
  title: 'Get bars',
  description:
    'Complete OHLCV bars of one symbol, oldest first, prices as decimal strings. With start: from there on; without: the latest ones, and next_cursor leads to older ones. Times are market time; never the future.',
  scope: 'read:market',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/bars' },
  example: {
    prompt: 'Show me the last five daily bars of SPX.',
    arguments: { symbol: 'SPX', timeframe: '1d', limit: 5 },
  },
  refusals: [...OF_SYMBOL, 'no_reference_price', 'broker_unavailable'],
  input,
  output: z.object({
    symbol: z.string(),
    timeframe: z.string(),
    bars: z.array(BarShape),
    next_cursor: nextCursor,
  }),
  async run(services, principal, given) {
    const { feed, resolve } = callersMarket(services, principal);
    const instrument = resolve(given.symbol);
    if (!instrument.ok) return instrument;
    const { id, symbol: canonical } = instrument.value;
    const finest = feed.finest(id);
    if (finest === undefined) return err(noFeed(feed, instrument.value));
    if (TIMEFRAMES.indexOf(given.timeframe) < TIMEFRAMES.indexOf(finest)) {
      return err(tooFine(canonical, given.timeframe, finest));
    }
    const page = await pageOf(feed, id, given);
    if (!page.ok) return page;
    const { bars, next } = page.value;
    return ok({
      symbol: canonical,
      timeframe: given.timeframe,
      bars: bars.map(barWire),
      ...(next === undefined ? {} : { next_cursor: next }),
    });
  },
});

function tooFine(canonical: string, wanted: Timeframe, finest: Timeframe): Refusal {
  const rule = `the finest timeframe of ${canonical} here is ${finest}`;
  return refuse('invalid_input', `get_bars: ${rule}.`, {
    errors: [fieldError('timeframe', wanted, rule, finest)],
    did_you_mean: [finest],
  });
}

/** One bar more than asked for tells whether there is another page. */
async function pageOf(
  feed: MarketFeed,
  id: InstrumentId,
  given: z.output<typeof input>,
): Promise<Result<{ readonly bars: readonly Bar[]; readonly next: string | undefined }, Refusal>> {
  const at = barsCursorOf(given.cursor);
  if (!at.ok) return at;
  const run = feed.run(id);
  if (at.value !== undefined && at.value.run !== run) {
    return err(badCursor(given.cursor ?? '', 'the tape has started again since'));
  }
  const startMs =
    at.value?.direction === 'from'
      ? at.value.ms
      : given.start === undefined
        ? undefined
        : timeMs(given.start);
  const endMs =
    at.value?.direction === 'before' ? at.value.ms : given.end === undefined ? undefined : timeMs(given.end);
  const found = await barsOf(feed, {
    instrument: id,
    timeframe: given.timeframe,
    ...(startMs === undefined ? {} : { startMs }),
    ...(endMs === undefined ? {} : { endMs }),
    limit: given.limit + 1,
  });
  if (found === undefined) return err(refuse('broker_unavailable', NO_ANSWER));
  if (found.length <= given.limit) return ok({ bars: found, next: undefined });
  if (startMs === undefined) {
    const bars = found.slice(-given.limit);
    return ok({ bars, next: cursorAt(run, 'before', bars[0]) });
  }
  return ok({ bars: found.slice(0, given.limit), next: cursorAt(run, 'from', found[given.limit]) });
}

const NO_ANSWER = 'get_bars: the broker did not answer; nothing was sent. Try again in a while.';

/** undefined: what is not stored could not be fetched either. */
async function barsOf(feed: MarketFeed, query: BarQuery): Promise<readonly Bar[] | undefined> {
  try {
    return await feed.bars(query);
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    return undefined;
  }
}

function cursorAt(run: number, direction: 'from' | 'before', bar: Bar | undefined): string | undefined {
  return bar === undefined ? undefined : barsCursor({ run, direction, ms: bar.timeMs });
}
