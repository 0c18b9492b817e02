/** The tables `bars` and `bar_ranges`: bars of real markets, and of which time it is known that none is missing. */
import { price, quantity, text } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { Bar, Timeframe } from '#ports.ts';
import type { Store } from '#store/open.ts';

/** Begin inclusive, end exclusive, epoch ms. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface BarTable {
  /** Oldest first; the latest `limit` where `latest` is set, else the first. */
  read(
    id: InstrumentId,
    timeframe: Timeframe,
    within: Stretch & { readonly limit: number; readonly latest: boolean },
  ): readonly Bar[];
  /** What of a stretch is not known, oldest first. */
  gaps(id: InstrumentId, timeframe: Timeframe, of: Stretch): readonly Stretch[];
  /** Inside a transaction: these bars, and that there are no others in the stretch. */
  add(
    id: InstrumentId,
    timeframe: Timeframe,
    known: Stretch & { readonly bars: readonly Bar[]; readonly source: 'fetched' | 'imported' },
  ): void;
  /** How much is known of each instrument. */
  summary(): readonly {
    readonly instrument: string;
    readonly timeframe: string;
    readonly bars: number;
    readonly firstMs: number;
    readonly lastMs: number;
  }[];
}

interface BarRow {
  readonly time: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string | null;
}
interface RangeRow {
  readonly from_ms: number;
  readonly to_ms: number;
}

export function barTable({ db }: Store): BarTable {
  const COLUMNS = 'time, open, high, low, close, volume';
  const within = 'instrument_id = ? AND timeframe = ? AND time >= ? AND time < ?';
  const sql = {
    first: db.prepare(`SELECT ${COLUMNS} FROM bars WHERE ${within} ORDER BY time LIMIT ?`),
    latest: db.prepare(`SELECT ${COLUMNS} FROM bars WHERE ${within} ORDER BY time DESC LIMIT ?`),
    put: db.prepare('INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    // A stretch that touches another is one with it.
    touching: db.prepare(
      'SELECT from_ms, to_ms FROM bar_ranges WHERE instrument_id = ? AND timeframe = ? AND to_ms >= ? AND from_ms <= ? ORDER BY from_ms',
    ),
    drop: db.prepare('DELETE FROM bar_ranges WHERE instrument_id = ? AND timeframe = ? AND from_ms = ?'),
    range: db.prepare('INSERT INTO bar_ranges VALUES (?, ?, ?, ?)'),
    summary: db.prepare(
      `SELECT instrument_id AS instrument, timeframe, count(*) AS bars, min(time) AS firstMs, max(time) AS lastMs
       FROM bars GROUP BY instrument_id, timeframe ORDER BY instrument_id, timeframe`,
    ),
  };

  return {
    read(id, timeframe, { fromMs, toMs, limit, latest }) {
      const rows = (latest ? sql.latest : sql.first).all(id, timeframe, fromMs, toMs, limit) as BarRow[];
      return (latest ? rows.reverse() : rows).map(barOf);
    },
    gaps(id, timeframe, { fromMs, toMs }) {
      const gaps: Stretch[] = [];
      let at = fromMs;
      for (const known of sql.touching.all(id, timeframe, fromMs, toMs) as RangeRow[]) {
        if (known.from_ms > at) gaps.push({ fromMs: at, toMs: Math.min(known.from_ms, toMs) });
        at = Math.max(at, known.to_ms);
      }
      if (at < toMs) gaps.push({ fromMs: at, toMs });
      return gaps;
    },
    add(id, timeframe, { fromMs, toMs, bars, source }) {
      for (const { timeMs, open, high, low, close, volume } of bars) {
        const prices = [open, high, low, close].map(text);
        sql.put.run(id, timeframe, timeMs, ...prices, volume && text(volume), source);
      }
      if (toMs <= fromMs) return;
      const touching = sql.touching.all(id, timeframe, fromMs, toMs) as RangeRow[];
      for (const { from_ms } of touching) sql.drop.run(id, timeframe, from_ms);
      const from = Math.min(fromMs, ...touching.map((one) => one.from_ms));
      sql.range.run(id, timeframe, from, Math.max(toMs, ...touching.map((one) => one.to_ms)));
    },
    summary: () => sql.summary.all() as ReturnType<BarTable['summary']>,
  };
}

const barOf = ({ time, open, high, low, close, volume }: BarRow): Bar => ({
  timeMs: time,
  open: price(open),
  high: price(high),
  low: price(low),
  close: price(close),
  volume: volume === null ? null : quantity(volume),
});
