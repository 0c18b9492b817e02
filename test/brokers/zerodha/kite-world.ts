// What stands on the simulated exchange: instruments, prices, and the clock of Kolkata as Kite writes it.

import { gzipSync } from 'node:zlib';

export interface SimInstrument {
  readonly token: number;
  readonly exchangeToken: number;
  readonly tradingsymbol: string;
  readonly name: string;
  readonly exchange: string;
  readonly segment: string;
  readonly type: 'EQ' | 'FUT' | 'CE' | 'PE';
  readonly expiry: string;
  readonly strike: number;
  readonly tick: number;
  readonly lot: number;
}

/** The low byte of a token is its segment: 1 NSE, 2 NFO, 3 CDS, 4 BSE, 5 BFO, 7 MCX, 9 indices. */
const one = (
  token: number,
  exchange: string,
  tradingsymbol: string,
  rest: Partial<SimInstrument> = {},
): SimInstrument => ({
  token,
  exchangeToken: token >> 8,
  tradingsymbol,
  name: rest.name ?? tradingsymbol,
  exchange,
  segment: rest.segment ?? exchange,
  type: rest.type ?? 'EQ',
  expiry: rest.expiry ?? '',
  strike: rest.strike ?? 0,
  tick: rest.tick ?? 0.05,
  lot: rest.lot ?? 1,
});

export const SIM_INSTRUMENTS: readonly SimInstrument[] = [
  one(408065, 'NSE', 'INFY', { name: 'INFOSYS', tick: 0.1 }),
  one(738561, 'NSE', 'RELIANCE', { name: 'RELIANCE INDUSTRIES', tick: 0.1 }),
  one(779521, 'NSE', 'SBIN', { name: 'STATE BANK OF INDIA' }),
  one(519937, 'NSE', 'M&M', { name: 'MAHINDRA & MAHINDRA' }),
  one(128028676, 'BSE', 'SBIN', { name: 'STATE BANK OF INDIA' }),
  one(256265, 'NSE', 'NIFTY 50', { segment: 'INDICES', tick: 0, lot: 0 }),
  one(12517890, 'NFO', 'NIFTY26JANFUT', {
    name: 'NIFTY',
    segment: 'NFO-FUT',
    type: 'FUT',
    expiry: '2026-01-27',
    lot: 65,
    tick: 0.1,
  }),
  one(12673026, 'NFO', 'NIFTY26JAN24800CE', {
    name: 'NIFTY',
    segment: 'NFO-OPT',
    type: 'CE',
    expiry: '2026-01-27',
    strike: 24800,
    lot: 65,
  }),
  one(12673282, 'NFO', 'NIFTY2611324800PE', {
    name: 'NIFTY',
    segment: 'NFO-OPT',
    type: 'PE',
    expiry: '2026-01-13',
    strike: 24800,
    lot: 65,
  }),
  one(219013125, 'BFO', 'SENSEX26JANFUT', {
    name: 'SENSEX',
    segment: 'BFO-FUT',
    type: 'FUT',
    expiry: '2026-01-29',
    lot: 20,
  }),
  one(412675, 'CDS', 'USDINR26JANFUT', {
    name: 'USDINR',
    segment: 'CDS-FUT',
    type: 'FUT',
    expiry: '2026-01-28',
    lot: 1,
    tick: 0.0025,
  }),
];

export const symbolKey = (of: { readonly exchange: string; readonly tradingsymbol: string }): string =>
  `${of.exchange}:${of.tradingsymbol}`;

const COLUMNS =
  'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange';

/** The dump as Kite gives it: CSV, names quoted where they hold a comma. */
export function dumpOf(instruments: readonly SimInstrument[]): string {
  const rows = instruments.map((i) =>
    [
      i.token,
      i.exchangeToken,
      i.tradingsymbol,
      `"${i.name.replaceAll('"', '""')}"`,
      0,
      i.expiry,
      i.strike,
      i.tick,
      i.lot,
      i.type,
      i.segment,
      i.exchange,
    ].join(','),
  );
  return `${[COLUMNS, ...rows].join('\n')}\n`;
}
export const gzippedDumpOf = (instruments: readonly SimInstrument[]): Buffer => gzipSync(dumpOf(instruments));

const IST_AHEAD_MS = 19_800_000;
const DAY_MS = 86_400_000;
const TOKEN_ENDS_AT_MS = 6 * 3_600_000;

/** `YYYY-MM-DD HH:mm:ss` in India, without a zone. */
export const ist = (ms: number): string =>
  new Date(ms + IST_AHEAD_MS).toISOString().slice(0, 19).replace('T', ' ');
/** The six in the morning of India that comes next. */
export function nextSixMs(ms: number): number {
  const local = ms + IST_AHEAD_MS - TOKEN_ENDS_AT_MS;
  return Math.floor(local / DAY_MS) * DAY_MS + DAY_MS + TOKEN_ENDS_AT_MS - IST_AHEAD_MS;
}

export interface SimLevel {
  readonly price: number;
  readonly quantity: number;
  readonly orders: number;
}

/** One instrument's market, best levels first. */
export interface SimMarket {
  last: number;
  lastQuantity: number;
  volume: number;
  lastTradeMs: number;
  ohlc: { open: number; high: number; low: number; close: number };
  bids: readonly SimLevel[];
  asks: readonly SimLevel[];
  lower: number;
  upper: number;
  oi: number;
}

export function marketAt(last: number, atMs: number, tick = 0.05): SimMarket {
  const step = tick || 0.05;
  const levels = (sign: 1 | -1): SimLevel[] =>
    Array.from({ length: 5 }, (_, index) => ({
      price: Number((last + sign * step * (index + 1)).toFixed(4)),
      quantity: 1_000 * (index + 1),
      orders: index + 1,
    }));
  return {
    last,
    lastQuantity: 5,
    volume: 120_000,
    lastTradeMs: atMs,
    ohlc: { open: last, high: last, low: last, close: last },
    bids: levels(-1),
    asks: levels(1),
    lower: Number((last * 0.9).toFixed(2)),
    upper: Number((last * 1.1).toFixed(2)),
    oi: 0,
  };
}
