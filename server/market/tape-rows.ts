/** The rows of a tape file as columns of whole ticks and lots: parsed once, strictly, and compact enough for a year of minutes. */
import type { Instrument } from '#domain/instrument.ts';
import { TAPE_ROWS_MAX } from '#limits.ts';
import { dayOf } from './calendar-time.ts';
import { type StepGrid, stepGrid } from './step-grid.ts';
import { type TapePlace, tapeError } from './tape-error.ts';
import { type OhlcAt, type OhlcName, readHeader, type TapeHeader } from './tape-header.ts';

/** One side of all rows, in ticks. */
export interface OhlcColumns {
  readonly open: BigInt64Array;
  readonly high: BigInt64Array;
  readonly low: BigInt64Array;
  readonly close: BigInt64Array;
}

/** Nothing was recorded. */
export const NONE = -1n;

export interface TapeRows {
  readonly count: number;
  readonly timeKind: TapeHeader['time']['kind'];
  /** Epoch milliseconds (`time_ms`), or whole days since 1970-01-01 (`date`); strictly ascending. */
  readonly times: Float64Array;
  /** Where nothing traded: the bid, so that every row has prices. */
  readonly trade: OhlcColumns;
  readonly bid: OhlcColumns;
  readonly ask: OhlcColumns;
  /** In lots, rounded down; NONE where empty. */
  readonly volume: BigInt64Array;
  readonly bidSize: BigInt64Array;
  readonly askSize: BigInt64Array;
  /** 1 where there was a trade. */
  readonly traded: Uint8Array;
  /** 1 where bid and ask were both recorded. */
  readonly recorded: Uint8Array;
}

/** Throws TapeError at the first thing that is wrong. `content` is the whole file. */
export function readRows(content: string, file: string, instrument: Instrument): TapeRows {
  const lines = lineReader(content);
  const header = readHeader(lines.next() ?? '', file);
  const rows = allocate(countLines(content), header);
  const reader: RowReader = {
    header,
    rows,
    file,
    tick: stepGrid(instrument.tick),
    lot: stepGrid(instrument.lot),
  };
  let count = 0;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const number = count + 2;
    if (line === '' && lines.onlyBlanksLeft()) break;
    if (count >= TAPE_ROWS_MAX) {
      throw tapeError({ file, line: number, column: 'time', value: line }, `is beyond ${TAPE_ROWS_MAX} rows`);
    }
    readRow(reader, { line, number, row: count });
    count++;
  }
  if (count === 0)
    throw tapeError({ file, line: 2, column: header.columns[0] ?? '', value: '' }, 'must be a first row');
  return { ...rows, count };
}

interface RowReader {
  readonly header: TapeHeader;
  readonly rows: Omit<TapeRows, 'count'>;
  readonly file: string;
  readonly tick: StepGrid;
  readonly lot: StepGrid;
}

interface RowLine {
  readonly line: string;
  /** In the file, from 1. */
  readonly number: number;
  readonly row: number;
}

function readRow(reader: RowReader, at: RowLine): void {
  const { header, rows, file } = reader;
  const { row } = at;
  const cells = at.line.split(',');
  if (cells.length !== header.columns.length) {
    const rule = `must have ${header.columns.length} cells like the header, not ${cells.length}`;
    throw tapeError({ file, line: at.number, column: header.columns[0] ?? '', value: at.line }, rule);
  }
  const line: CellReader = {
    cell: (column) => cells[column] ?? '',
    fail: (column, rule) => {
      const place: TapePlace = {
        file,
        line: at.number,
        column: header.columns[column] ?? '',
        value: cells[column] ?? '',
      };
      return tapeError(place, rule);
    },
  };
  readTime(reader, line, row);

  const trade = hasSide(line, header.trade) ? header.trade : undefined;
  const bid = hasSide(line, header.bid) ? header.bid : undefined;
  const ask = hasSide(line, header.ask) ? header.ask : undefined;
  rows.recorded[row] = bid && ask ? 1 : 0;
  rows.traded[row] = trade ? 1 : 0;
  const { tick } = reader;
  if (bid && ask) {
    fill(rows.bid, row, (name) => ticksOf(line, tick, bid[name], 'down'));
    fill(rows.ask, row, (name) => ticksOf(line, tick, ask[name], 'up'));
    uncross(rows, row);
  } else {
    // One rule for every side that was not recorded: it stands one tick from the side that was.
    if (trade) fill(rows.bid, row, (name) => ticksOf(line, tick, trade[name], 'down'));
    else if (bid) fill(rows.bid, row, (name) => ticksOf(line, tick, bid[name], 'down'));
    else if (ask) fill(rows.bid, row, (name) => ticksOf(line, tick, ask[name], 'up') - 1n);
    else
      throw line.fail(
        (header.trade ?? header.bid)?.open ?? 0,
        'must be a price: the row has neither a trade nor a quote',
      );
    fill(rows.ask, row, (name) => (rows.bid[name][row] ?? 0n) + 1n);
  }
  if (trade) fill(rows.trade, row, (name) => ticksOf(line, tick, trade[name], 'nearest'));
  else fill(rows.trade, row, (name) => rows.bid[name][row] ?? 0n);

  for (const [side, columns] of [
    [trade, rows.trade],
    [bid, rows.bid],
    [ask, rows.ask],
  ] as const) {
    if (side) requireOhlc(line, side, columns, row);
  }
  if ((rows.bid.low[row] ?? 0n) < 1n) {
    const low = (trade ?? bid ?? ask)?.low ?? 0;
    throw line.fail(low, 'must leave a bid of at least one tick');
  }
  rows.volume[row] = sizeOf(reader, line, header.volume);
  rows.bidSize[row] = bid && ask ? sizeOf(reader, line, header.bidSize) : NONE;
  rows.askSize[row] = bid && ask ? sizeOf(reader, line, header.askSize) : NONE;
}

interface CellReader {
  cell(column: number): string;
  fail(column: number, rule: string): Error;
}

/** 1973 to 2286: seconds or microseconds are not taken for milliseconds. */
const TIME_TEXT = /^[1-9]\d{11,12}$/;
const DATE_TEXT = /^\d{4}-\d{2}-\d{2}$/;
const AMOUNT_TEXT = /^(?:0|[1-9]\d{0,17})(?:\.\d{1,24})?$/;
/** Ticks and lots fit into 64 bits with room to add up a day of them. */
const STEPS_MAX = 10n ** 17n;

function readTime({ header, rows }: RowReader, line: CellReader, row: number): void {
  const { at, kind } = header.time;
  const given = line.cell(at);
  if (kind === 'time_ms') {
    if (!TIME_TEXT.test(given))
      throw line.fail(at, 'must be the start of the bar in whole epoch milliseconds');
    rows.times[row] = Number(given);
  } else {
    if (!DATE_TEXT.test(given)) throw line.fail(at, 'must be a date, YYYY-MM-DD');
    try {
      rows.times[row] = dayOf(given);
    } catch {
      throw line.fail(at, 'must be a date that exists');
    }
  }
  if (row > 0 && (rows.times[row] ?? 0) <= (rows.times[row - 1] ?? 0)) {
    throw line.fail(at, 'must be later than the row before');
  }
}

/** A side is whole or empty. */
function hasSide(line: CellReader, side: OhlcAt | undefined): boolean {
  if (!side) return false;
  const given = [side.open, side.high, side.low, side.close];
  const empty = given.find((column) => line.cell(column) === '');
  if (empty === undefined) return true;
  if (given.every((column) => line.cell(column) === '')) return false;
  throw line.fail(empty, 'must not be empty where the rest of its open, high, low and close is given');
}

function fill(columns: OhlcColumns, row: number, ticks: (name: OhlcName) => bigint): void {
  columns.open[row] = ticks('open');
  columns.high[row] = ticks('high');
  columns.low[row] = ticks('low');
  columns.close[row] = ticks('close');
}

function ticksOf(
  line: CellReader,
  grid: StepGrid,
  column: number,
  rounding: 'down' | 'up' | 'nearest',
): bigint {
  const given = line.cell(column);
  if (!AMOUNT_TEXT.test(given)) throw line.fail(column, 'must be a plain decimal number');
  const ticks = grid.steps(given, rounding);
  if (ticks > STEPS_MAX) throw line.fail(column, 'must be a smaller number');
  // A bid is rounded down after this, and looked at when the whole row is known.
  if (ticks < 1n && rounding !== 'down') throw line.fail(column, 'must be at least one tick');
  return ticks;
}

function sizeOf({ lot }: RowReader, line: CellReader, column: number | undefined): bigint {
  if (column === undefined || line.cell(column) === '') return NONE;
  const given = line.cell(column);
  if (!AMOUNT_TEXT.test(given)) throw line.fail(column, 'must be a plain decimal number, 0, or empty');
  const lots = lot.steps(given, 'down');
  if (lots > STEPS_MAX) throw line.fail(column, 'must be a smaller number');
  return lots;
}

/**
 * Recorded quotes of several venues lock and cross for moments. The lower side is taken as the bid and the higher as the ask:
 * nobody fills better than either side was, and high, low, open and close stay in order.
 */
function uncross(rows: RowReader['rows'], row: number): void {
  for (const name of ['open', 'high', 'low', 'close'] as const) {
    const bid = rows.bid[name][row] ?? 0n;
    const ask = rows.ask[name][row] ?? 0n;
    if (bid <= ask) continue;
    rows.bid[name][row] = ask;
    rows.ask[name][row] = bid;
  }
}

function requireOhlc(line: CellReader, side: OhlcAt, columns: OhlcColumns, row: number): void {
  const [open = 0n, high = 0n, low = 0n, close = 0n] = [
    columns.open[row],
    columns.high[row],
    columns.low[row],
    columns.close[row],
  ];
  if (high < open || high < close || high < low) {
    throw line.fail(side.high, 'must be at least open, low and close');
  }
  if (low > open || low > close) throw line.fail(side.low, 'must be at most open and close');
}

function allocate(lines: number, header: TapeHeader): Omit<TapeRows, 'count'> {
  const size = Math.min(lines, TAPE_ROWS_MAX);
  const column = (): BigInt64Array => new BigInt64Array(size);
  const side = (): OhlcColumns => ({ open: column(), high: column(), low: column(), close: column() });
  return {
    timeKind: header.time.kind,
    times: new Float64Array(size),
    trade: side(),
    bid: side(),
    ask: side(),
    volume: column(),
    bidSize: column(),
    askSize: column(),
    traded: new Uint8Array(size),
    recorded: new Uint8Array(size),
  };
}

function countLines(content: string): number {
  let count = 1;
  for (let at = content.indexOf('\n'); at >= 0; at = content.indexOf('\n', at + 1)) count++;
  return count;
}

/** Line by line without an array of all lines; takes \n and \r\n, and a byte order mark. */
function lineReader(content: string): { next(): string | undefined; onlyBlanksLeft(): boolean } {
  let at = content.startsWith('\ufeff') ? 1 : 0;
  return {
    next() {
      if (at >= content.length) return undefined;
      const newline = content.indexOf('\n', at);
      const end = newline < 0 ? content.length : newline;
      const line = content.slice(at, end > at && content[end - 1] === '\r' ? end - 1 : end);
      at = end + 1;
      return line;
    },
    onlyBlanksLeft: () => content.slice(at).trim() === '',
  };
}
