/** A tape: recorded bars of one instrument, read from a CSV file or from the sample that ships as a dependency. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { type Price, price, type Quantity, quantity } from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import { TAPE_BYTES_MAX } from '#limits.ts';
import type { QuoteSource, Timeframe } from '#ports.ts';
import type { Ohlc } from './bar-path.ts';
import type { Calendar } from './calendar.ts';
import { type StepGrid, stepGrid } from './step-grid.ts';
import { TapeError } from './tape-error.ts';
import { layOut, type TapeHours } from './tape-hours.ts';
import { NONE, type OhlcColumns, readRows, type TapeRows } from './tape-rows.ts';

export { TapeError } from './tape-error.ts';

export interface OhlcPrices {
  readonly open: Price;
  readonly high: Price;
  readonly low: Price;
  readonly close: Price;
}

export interface TapeBar extends OhlcPrices {
  /** Begin and end, market clock, epoch ms; the end is clipped to the end of its session. */
  readonly timeMs: number;
  readonly endMs: number;
  /** False: nobody traded; open, high, low and close are then the bid's. */
  readonly traded: boolean;
  /** null: not recorded. */
  readonly volume: Quantity | null;
  readonly bid: OhlcPrices;
  readonly ask: OhlcPrices;
  /** `recorded`: the tape has this bar's bid and ask. */
  readonly source: Extract<QuoteSource, 'recorded' | 'derived'>;
  /** Displayed: as recorded, otherwise max(one lot, 1 % of the bar's volume); null: unlimited, no volume was recorded. */
  readonly bidSize: Quantity | null;
  readonly askSize: Quantity | null;
  /** The trading day it belongs to, YYYY-MM-DD. */
  readonly sessionDate: string;
  readonly phase: 'open' | 'extended';
  /** First and last bar of regular hours of a session. */
  readonly firstOfSession: boolean;
  readonly lastOfSession: boolean;
  /** Last bar of a trading day, extended hours included. */
  readonly lastOfDay: boolean;
}

/** What the walk of a bar needs, in ticks. */
export interface TapeTicks {
  readonly trade: Ohlc;
  readonly bid: Ohlc;
  readonly ask: Ohlc;
}

export interface Tape {
  /** The instrument's id: an instrument has one tape at a time. */
  readonly id: string;
  readonly instrument: Instrument;
  /** Number of bars; `bar` and `ticks` throw RangeError outside. */
  readonly length: number;
  bar(index: number): TapeBar;
  ticks(index: number): TapeTicks;
  /** The latest trade before a bar in this run, in ticks; undefined when nobody had traded. */
  lastTradeBefore(index: number): bigint | undefined;
  priceOf(ticks: bigint): Price;
  readonly timeframe: Timeframe;
  /** SHA-256 of the file, hexadecimal. */
  readonly fingerprint: string;
  readonly calendar: Calendar;
  /** Rows that lay in closed time and were left out. */
  readonly closedRows: number;
  /** The columns behind it, for what reads many bars at once (`tape-bars.ts`). */
  readonly rows: TapeRows;
  readonly hours: TapeHours;
  readonly lotsText: (lots: bigint) => string;
}

/**
 * Prices are rounded to the tick on loading: trades to the nearest, bids down, asks up. Where a quote was not recorded, bid is
 * the price rounded down and ask one tick above. Throws TapeError, one sentence, for anything that is wrong with the file.
 */
export function loadTape(o: { readonly file: string; readonly instrument: Instrument }): Tape {
  const { instrument } = o;
  if (o.file === 'sample' && instrument.symbol !== SAMPLE_SYMBOL) {
    throw new TapeError(
      `The sample tape is ${SAMPLE_SYMBOL}; it can not be the tape of ${instrument.symbol}.`,
    );
  }
  const file = o.file === 'sample' ? sampleFile() : o.file;
  const content = readTape(file);
  const rows = readRows(content.toString('utf8'), file, instrument);
  const hours = layOut(rows, file, instrument);
  const fingerprint = createHash('sha256').update(content).digest('hex');
  return tapeOf({ instrument, rows, hours, fingerprint });
}

export const SAMPLE_SYMBOL = 'SPX';

function sampleFile(): string {
  // The package exports its code only, so its data is found from there.
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return join(entry, '..', '..', 'data', 'sp500-2000.csv');
}

function readTape(file: string): Buffer {
  try {
    const found = statSync(file);
    if (!found.isFile()) throw new Error('it is not a file');
    // Files of /proc say so of themselves, and some of them never end or never begin.
    if (found.size === 0) return Buffer.alloc(0);
    if (found.size > TAPE_BYTES_MAX) throw new Error(`it is larger than ${TAPE_BYTES_MAX} bytes`);
    return readFileSync(file);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'there is no such file' : (cause as Error).message;
    throw new TapeError(`The tape ${basename(file)} can not be read: ${why}.`);
  }
}

interface TapeParts {
  readonly instrument: Instrument;
  readonly rows: TapeRows;
  readonly hours: TapeHours;
  readonly fingerprint: string;
}

function tapeOf({ instrument, rows, hours, fingerprint }: TapeParts): Tape {
  const tick = stepGrid(instrument.tick);
  const lot = stepGrid(instrument.lot);
  const priceOf = (ticks: bigint): Price => price(tick.text(ticks));
  const latest = latestTrades(rows, hours);

  function laid(index: number): TapeHours['bars'][number] {
    const found = hours.bars[index];
    if (!found) throw new RangeError(`the tape has no bar ${index}`);
    return found;
  }
  function ticks(index: number): TapeTicks {
    const { row } = laid(index);
    return { trade: ohlc(rows.trade, row), bid: ohlc(rows.bid, row), ask: ohlc(rows.ask, row) };
  }

  return {
    id: instrument.id,
    instrument,
    length: hours.bars.length,
    bar: (index) =>
      buildBar({ index, bars: hours.bars, at: laid(index), rows, lot, ticks: ticks(index), priceOf }),
    ticks,
    lastTradeBefore(index) {
      const at = index > 0 ? latest[index - 1] : -1;
      return at === undefined || at < 0 ? undefined : rows.trade.close[laid(at).row];
    },
    priceOf,
    timeframe: hours.timeframe,
    fingerprint,
    calendar: hours.calendar,
    closedRows: hours.closedRows,
    rows,
    hours,
    lotsText: (lots) => lot.text(lots),
  };
}

/** For every bar the latest one, itself included, in which somebody traded; -1 before the first. */
function latestTrades(rows: TapeRows, hours: TapeHours): Int32Array {
  const latest = new Int32Array(hours.bars.length);
  let last = -1;
  for (const [index, { row }] of hours.bars.entries()) {
    if (rows.traded[row] === 1) last = index;
    latest[index] = last;
  }
  return latest;
}

interface BarParts {
  readonly index: number;
  readonly bars: TapeHours['bars'];
  readonly at: TapeHours['bars'][number];
  readonly rows: TapeRows;
  readonly lot: StepGrid;
  readonly ticks: TapeTicks;
  readonly priceOf: (ticks: bigint) => Price;
}

function buildBar({ index, bars, at, rows, lot, ticks, priceOf }: BarParts): TapeBar {
  const before = bars[index - 1];
  const after = bars[index + 1];
  const { row } = at;
  const volume = rows.volume[row] ?? NONE;
  const lots = (count: bigint): Quantity => quantity(lot.text(count));
  const prices = (of: Ohlc): OhlcPrices => ({
    open: priceOf(of.open),
    high: priceOf(of.high),
    low: priceOf(of.low),
    close: priceOf(of.close),
  });
  const size = (recorded: bigint): Quantity | null => {
    if (recorded > 0n) return lots(recorded);
    if (volume <= 0n) return null;
    const hundredth = volume / 100n;
    return lots(hundredth > 0n ? hundredth : 1n);
  };
  const inSession = (other: typeof before): boolean =>
    other !== undefined && other.phase === 'open' && other.session.date === at.session.date;
  return {
    timeMs: at.timeMs,
    endMs: at.endMs,
    traded: rows.traded[row] === 1,
    ...prices(ticks.trade),
    volume: volume === NONE ? null : lots(volume),
    bid: prices(ticks.bid),
    ask: prices(ticks.ask),
    source: rows.recorded[row] === 1 ? 'recorded' : 'derived',
    bidSize: size(rows.bidSize[row] ?? NONE),
    askSize: size(rows.askSize[row] ?? NONE),
    sessionDate: at.session.date,
    phase: at.phase,
    firstOfSession: at.phase === 'open' && !inSession(before),
    lastOfSession: at.phase === 'open' && !inSession(after),
    lastOfDay: after?.session.date !== at.session.date,
  };
}

function ohlc(columns: OhlcColumns, row: number): Ohlc {
  return {
    open: columns.open[row] ?? 0n,
    high: columns.high[row] ?? 0n,
    low: columns.low[row] ?? 0n,
    close: columns.close[row] ?? 0n,
  };
}
