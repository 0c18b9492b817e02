/** The header of a tape: which columns a file has, and whether they are enough. */
import { editDistance } from './edit-distance.ts';
import { type TapePlace, tapeError } from './tape-error.ts';

const OHLC = ['open', 'high', 'low', 'close'] as const;
export type OhlcName = (typeof OHLC)[number];
/** Position of each of the four columns in a line. */
export type OhlcAt = { readonly [name in OhlcName]: number };

export interface TapeHeader {
  readonly columns: readonly string[];
  readonly time: { readonly kind: 'time_ms' | 'date'; readonly at: number };
  /** A tape has trades, or bid and ask, or both. */
  readonly trade: OhlcAt | undefined;
  readonly bid: OhlcAt | undefined;
  readonly ask: OhlcAt | undefined;
  readonly volume: number | undefined;
  readonly bidSize: number | undefined;
  readonly askSize: number | undefined;
}

/** `adjclose` is known because price histories carry it, and not used: an order meets the prices of its day. */
const KNOWN: readonly string[] = [
  'time_ms',
  'date',
  ...OHLC,
  'adjclose',
  'volume',
  ...['bid', 'ask'].flatMap((side) => [...OHLC, 'size'].map((name) => `${side}_${name}`)),
];

/** Throws TapeError on an unknown, repeated or missing column. */
export function readHeader(line: string, file: string): TapeHeader {
  const columns = line.split(',').map((cell) => cell.trim().toLowerCase().replace('adj close', 'adjclose'));
  const at = new Map<string, number>();
  for (const [index, column] of columns.entries()) {
    const place = { file, line: 1, column: column || `number ${index + 1}`, value: column };
    if (!KNOWN.includes(column)) throw tapeError(place, unknownRule(column));
    if (at.has(column)) throw tapeError(place, 'must stand in the header once');
    at.set(column, index);
  }
  const place = (column: string): TapePlace => ({ file, line: 1, column, value: line });
  const date = at.get('date');
  const timeMs = at.get('time_ms');
  if (date !== undefined && timeMs !== undefined) {
    throw tapeError(place('date'), 'must have either time_ms or date, not both');
  }
  const header: TapeHeader = {
    columns,
    time: timeMs === undefined ? { kind: 'date', at: date ?? -1 } : { kind: 'time_ms', at: timeMs },
    trade: group(at, '', place),
    bid: group(at, 'bid_', place),
    ask: group(at, 'ask_', place),
    volume: at.get('volume'),
    bidSize: at.get('bid_size'),
    askSize: at.get('ask_size'),
  };
  if (header.time.at < 0) throw tapeError(place('time_ms'), 'must have a column time_ms or date');
  if ((header.bid === undefined) !== (header.ask === undefined)) {
    const missing = header.bid === undefined ? 'bid_open' : 'ask_open';
    throw tapeError(place(missing), 'must have the columns of both bid and ask, or of neither');
  }
  if (!header.trade && !header.bid) {
    throw tapeError(
      place('open'),
      'must have the columns open, high, low and close, or those of bid and ask',
    );
  }
  return header;
}

function unknownRule(column: string): string {
  const nearest = KNOWN.find((known) => editDistance(column.slice(0, 20), known) <= 2);
  return nearest === undefined
    ? `is not a column of a tape (known: ${KNOWN.join(', ')})`
    : `is not a column of a tape (nearest: ${nearest})`;
}

function group(
  at: ReadonlyMap<string, number>,
  prefix: string,
  place: (column: string) => TapePlace,
): OhlcAt | undefined {
  const [open, high, low, close] = OHLC.map((name) => at.get(prefix + name));
  if (open !== undefined && high !== undefined && low !== undefined && close !== undefined) {
    return { open, high, low, close };
  }
  const missing = OHLC.find((name) => !at.has(prefix + name)) ?? 'open';
  if (OHLC.some((name) => at.has(prefix + name))) {
    throw tapeError(
      place(prefix + missing),
      `must have the column ${prefix}${missing} beside its three sisters`,
    );
  }
  return undefined;
}
