/** Coarser bars added up from finer ones, by the calendar of their venue. Pure. */
import { add, max, min, type Quantity } from '#domain/decimal.ts';
import type { Bar, Timeframe } from '#ports.ts';
import type { Calendar } from './calendar.ts';
import { offsetMs } from './calendar-time.ts';
import { TIMEFRAME_MS } from './tape-hours.ts';

/** Begin and end of the bar that a moment belongs to; undefined: none (a daily bar is the regular session alone). */
export function bucketOf(
  timeMs: number,
  timeframe: Timeframe,
  calendar: Calendar,
): { readonly fromMs: number; readonly toMs: number } | undefined {
  if (timeframe === '1d') {
    const session = calendar.sessionAt(timeMs);
    return session && { fromMs: session.openMs, toMs: session.closeMs };
  }
  const lengthMs = TIMEFRAME_MS[timeframe];
  // Intraday bars begin on the clock of the venue: an hour in Kolkata begins at half past in UTC.
  const shiftMs = offsetMs(calendar.timezone, timeMs) % TIMEFRAME_MS['1h'];
  const fromMs = Math.floor((timeMs + shiftMs) / lengthMs) * lengthMs - shiftMs;
  return { fromMs, toMs: fromMs + lengthMs };
}

/** Bars whose end is not after `completeMs`; finer ones oldest first, without a gap between the first bucket's begin and there. */
export function aggregate(
  finer: readonly Bar[],
  timeframe: Timeframe,
  calendar: Calendar,
  completeMs: number,
): readonly Bar[] {
  const bars: Bar[] = [];
  for (const bar of finer) {
    const bucket = bucketOf(bar.timeMs, timeframe, calendar);
    if (bucket === undefined || bucket.toMs > completeMs) continue;
    const last = bars.at(-1);
    if (last?.timeMs === bucket.fromMs) bars[bars.length - 1] = joined(last, bar);
    else bars.push({ ...bar, timeMs: bucket.fromMs });
  }
  return bars;
}

const joined = (a: Bar, b: Bar): Bar => ({
  timeMs: a.timeMs,
  open: a.open,
  high: max(a.high, b.high),
  low: min(a.low, b.low),
  close: b.close,
  volume: sumOf(a.volume, b.volume),
});

const sumOf = (a: Quantity | null, b: Quantity | null): Quantity | null =>
  a === null ? b : b === null ? a : add(a, b);
