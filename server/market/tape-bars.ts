/** Bars of every timeframe, added up from a tape: complete ones only, as far as the tape has been walked and no further. */
import { quantity } from '#domain/decimal.ts';
import type { Bar, BarQuery, Timeframe } from '#ports.ts';
import { offsetMs } from './calendar-time.ts';
import type { Tape } from './tape.ts';
import { TIMEFRAME_MS } from './tape-hours.ts';
import { NONE } from './tape-rows.ts';

/** How far a run has come, in bars of the tape. */
export interface Progress {
  /** Bars whose first step has been published. */
  readonly begun: number;
  /** Bars whose last step has been published. */
  readonly completed: number;
}

export interface TapeBars {
  /** Throws RangeError for a timeframe finer than the tape's, naming the finest. */
  query(query: Omit<BarQuery, 'instrument'>, progress: Progress): readonly Bar[];
}

/** Bars of one timeframe for the whole tape, its future included: only `query` may look. */
interface Buckets {
  count: number;
  readonly startMs: Float64Array;
  /** Last bar of the tape in the bucket, traded or not. */
  readonly last: Int32Array;
  /** 1 where the bucket ends with that bar; otherwise only a later bar shows that it has ended. */
  readonly closes: Uint8Array;
  readonly open: BigInt64Array;
  readonly high: BigInt64Array;
  readonly low: BigInt64Array;
  readonly close: BigInt64Array;
  readonly volume: BigInt64Array;
}

/**
 * Intraday bars begin on the clock of the instrument's zone (a Kolkata hour begins at half past in UTC). A daily bar is the
 * regular session of a trading day and carries its open as time; extended hours have minutes and hours but make no day. Minutes
 * in which nobody traded make no bar, unless the whole tape is quotes: then bars are the bid's.
 */
export function tapeBars(tape: Tape): TapeBars {
  const made = new Map<Timeframe, Buckets>();
  return {
    query({ timeframe, startMs, endMs, limit }, progress) {
      if (TIMEFRAME_MS[timeframe] < TIMEFRAME_MS[tape.timeframe]) {
        throw new RangeError(`the finest timeframe of ${tape.instrument.symbol} is ${tape.timeframe}`);
      }
      let buckets = made.get(timeframe);
      if (!buckets) {
        buckets = addUp(tape, timeframe);
        made.set(timeframe, buckets);
      }
      const complete = completeCount(buckets, progress);
      const until = Math.min(complete, endMs === undefined ? complete : lowerBound(buckets, endMs));
      const from = startMs === undefined ? Math.max(0, until - limit) : lowerBound(buckets, startMs);
      const bars: Bar[] = [];
      for (let at = from; at < until && bars.length < limit; at++) bars.push(barAt(tape, buckets, at));
      return bars;
    },
  };
}

function addUp(tape: Tape, timeframe: Timeframe): Buckets {
  const { rows, hours } = tape;
  const quotesOnly = !rows.traded.subarray(0, rows.count).includes(1);
  const startOf = bucketStart(tape, timeframe);
  const buckets = allocate(hours.bars.length);
  let start = Number.NaN;
  let filled = true;
  for (const [index, bar] of hours.bars.entries()) {
    if (timeframe === '1d' && bar.phase !== 'open') continue;
    const bucket = startOf(bar);
    if (bucket !== start) {
      // A bucket in which nobody traded is taken back.
      if (filled) buckets.count++;
      start = bucket;
      filled = false;
    }
    const at = buckets.count - 1;
    buckets.last[at] = index;
    const endsAt = timeframe === '1d' ? bar.session.closeMs : bucket + TIMEFRAME_MS[timeframe];
    const next = hours.bars[index + 1];
    const sessionEnds = next?.phase !== bar.phase || next.session.date !== bar.session.date;
    buckets.closes[at] = timeframe === tape.timeframe || bar.endMs >= endsAt || sessionEnds ? 1 : 0;
    if (rows.traded[bar.row] !== 1 && !quotesOnly) continue;
    addRow(buckets, at, { tape, row: bar.row, first: !filled, startMs: bucket });
    filled = true;
  }
  if (!filled) buckets.count--;
  return buckets;
}

interface AddedRow {
  readonly tape: Tape;
  readonly row: number;
  readonly first: boolean;
  readonly startMs: number;
}

function addRow(buckets: Buckets, at: number, { tape, row, first, startMs }: AddedRow): void {
  const { trade, volume } = tape.rows;
  const high = trade.high[row] ?? 0n;
  const low = trade.low[row] ?? 0n;
  const traded = volume[row] ?? NONE;
  buckets.close[at] = trade.close[row] ?? 0n;
  if (first) {
    buckets.startMs[at] = startMs;
    buckets.open[at] = trade.open[row] ?? 0n;
    buckets.high[at] = high;
    buckets.low[at] = low;
    buckets.volume[at] = traded;
    return;
  }
  if (high > (buckets.high[at] ?? 0n)) buckets.high[at] = high;
  if (low < (buckets.low[at] ?? 0n)) buckets.low[at] = low;
  const before = buckets.volume[at] ?? NONE;
  if (traded !== NONE) buckets.volume[at] = before === NONE ? traded : before + traded;
}

function bucketStart(tape: Tape, timeframe: Timeframe): (bar: Tape['hours']['bars'][number]) => number {
  if (timeframe === tape.timeframe) return (bar) => bar.timeMs;
  if (timeframe === '1d') return (bar) => bar.session.openMs;
  const lengthMs = TIMEFRAME_MS[timeframe];
  // Clocks change by whole hours, so what a zone is off the hour holds for the whole tape.
  const first = tape.hours.bars[0]?.timeMs ?? 0;
  const shiftMs = offsetMs(tape.instrument.timezone, first) % TIMEFRAME_MS['1h'];
  return (bar) => Math.floor((bar.timeMs + shiftMs) / lengthMs) * lengthMs - shiftMs;
}

/** How many buckets, from the first, are complete. */
function completeCount(buckets: Buckets, { begun, completed }: Progress): number {
  let low = 0;
  let high = buckets.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((buckets.last[middle] ?? 0) < completed) low = middle + 1;
    else high = middle;
  }
  const newest = low - 1;
  const open = newest >= 0 && buckets.closes[newest] === 0 && begun <= (buckets.last[newest] ?? 0) + 1;
  return open ? newest : low;
}

function lowerBound(buckets: Buckets, timeMs: number): number {
  let low = 0;
  let high = buckets.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((buckets.startMs[middle] ?? 0) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function barAt(tape: Tape, buckets: Buckets, at: number): Bar {
  const volume = buckets.volume[at] ?? NONE;
  return {
    timeMs: buckets.startMs[at] ?? 0,
    open: tape.priceOf(buckets.open[at] ?? 0n),
    high: tape.priceOf(buckets.high[at] ?? 0n),
    low: tape.priceOf(buckets.low[at] ?? 0n),
    close: tape.priceOf(buckets.close[at] ?? 0n),
    volume: volume === NONE ? null : quantity(tape.lotsText(volume)),
  };
}

function allocate(size: number): Buckets {
  return {
    count: 0,
    startMs: new Float64Array(size),
    last: new Int32Array(size),
    closes: new Uint8Array(size),
    open: new BigInt64Array(size),
    high: new BigInt64Array(size),
    low: new BigInt64Array(size),
    close: new BigInt64Array(size),
    volume: new BigInt64Array(size),
  };
}
