/** Kite's list of instruments, a CSV for each exchange, as listings of ours: shares, indices, futures and options. */

import { isDecimalText } from '#domain/decimal.ts';
import { defineInstrument, SYMBOL_PATTERN } from '#domain/instrument.ts';
import { KITE_DUMP_PAGE_ROWS, KITE_DUMP_ROWS_MAX } from '#limits.ts';
import { indianSymbol } from '#market/symbols/indian.ts';
import type { BrokerListing } from '#ports.ts';

/** What is listed; commodities and currencies keep other hours and other lots, and are left out. */
export const KITE_EXCHANGES = ['NSE', 'BSE', 'NFO', 'BFO'] as const;
export const ZERODHA_DIRECTORY = 'zerodha';

/** Indices by the short name that their derivatives carry. */
const UNDERLYING: Readonly<Record<string, string>> = {
  NIFTY: 'NSE:NIFTY 50',
  BANKNIFTY: 'NSE:NIFTY BANK',
  FINNIFTY: 'NSE:NIFTY FIN SERVICE',
  MIDCPNIFTY: 'NSE:NIFTY MID SELECT',
  NIFTYNXT50: 'NSE:NIFTY NEXT 50',
  SENSEX: 'BSE:SENSEX',
  BANKEX: 'BSE:BANKEX',
  SENSEX50: 'BSE:SENSEX 50',
};

type Row = Readonly<Record<string, string>>;

/** Pages of listings; rows that are no instrument of ours are left out. Throws when the columns are not there. */
export function* listingsOf(csv: string): Generator<readonly BrokerListing[]> {
  let page: BrokerListing[] = [];
  let rows = 0;
  for (const row of rowsOf(csv)) {
    if (++rows > KITE_DUMP_ROWS_MAX) throw new RangeError('Kite’s list has more rows than a list may have');
    const listing = listingOf(row);
    if (listing === undefined) continue;
    page.push(listing);
    if (page.length < KITE_DUMP_PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

const NEEDED = [
  'instrument_token',
  'tradingsymbol',
  'expiry',
  'strike',
  'tick_size',
  'lot_size',
  'instrument_type',
  'segment',
  'exchange',
];

/** One row at a time: the whole list never stands in memory as objects. */
function* rowsOf(csv: string): Generator<Row> {
  let columns: readonly string[] | undefined;
  for (let at = 0; at < csv.length; ) {
    const end = csv.indexOf('\n', at);
    const line = csv.slice(at, end === -1 ? csv.length : end).trimEnd();
    at = end === -1 ? csv.length : end + 1;
    if (line === '') continue;
    const fields = line.includes('"') ? quoted(line) : line.split(',');
    if (columns === undefined) {
      columns = fields;
      if (NEEDED.some((name) => !fields.includes(name)))
        throw new RangeError('Kite’s list has other columns');
      continue;
    }
    yield Object.fromEntries(columns.map((name, index) => [name, fields[index] ?? '']));
  }
}

/** Fields of a line in which quotes keep commas together, a doubled quote being one (RFC 4180). */
function quoted(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, inside, plain]) => inside?.replaceAll('""', '"') ?? plain ?? '',
  );
}

function listingOf(row: Row): BrokerListing | undefined {
  const {
    tradingsymbol = '',
    exchange = '',
    segment = '',
    instrument_token: token = '',
    lot_size: lot = '',
  } = row;
  if (!(KITE_EXCHANGES as readonly string[]).includes(exchange) || !/^\d{1,12}$/.test(token))
    return undefined;
  const isIndex = segment === 'INDICES';
  const symbol = symbolOf(row);
  const tick = plain(row['tick_size']);
  if (symbol === undefined || !SYMBOL_PATTERN.test(symbol)) return undefined;
  if (!isIndex && (tick === '0' || !/^[1-9]\d{0,9}$/.test(lot))) return undefined;
  const name = (row['name'] ?? '').trim();
  const contract = contractOf(row);
  const brokerSymbol = `${exchange}:${tradingsymbol}`;
  const instrument = defineInstrument({
    id: `ZERODHA:${symbol}`,
    symbol,
    name: name === '' ? tradingsymbol : name,
    assetClass: isIndex ? 'index' : classOf(row['instrument_type']),
    currency: 'INR',
    tick: isIndex ? '0.01' : tick,
    lot: isIndex ? '1' : lot,
    calendar: exchange === 'BSE' || exchange === 'BFO' ? 'bse' : 'nse',
    timezone: 'Asia/Kolkata',
    directory: ZERODHA_DIRECTORY,
    venue: exchange === 'BSE' || exchange === 'BFO' ? 'XBOM' : 'XNSE',
    aliases: aliasesOf(brokerSymbol, symbol),
    ...(isIndex
      ? { tradable: 'paper', note: 'An index can not be bought; its futures and options can.' }
      : {}),
    ...(contract === undefined ? {} : { contract }),
  });
  return { instrument, brokerSymbol, extra: { token, exchange, tradingsymbol, segment } };
}

function aliasesOf(brokerSymbol: string, symbol: string): string[] {
  return brokerSymbol === symbol || !SYMBOL_PATTERN.test(brokerSymbol) ? [] : [brokerSymbol];
}

function classOf(type: string | undefined): 'equity' | 'future' | 'option' {
  if (type === 'FUT') return 'future';
  return type === 'CE' || type === 'PE' ? 'option' : 'equity';
}

/**
 * `NSE:INFY`, `NSE:M_M` for M&M, `NFO:NIFTY27JAN26FUT`, `NFO:NIFTY27JAN2624800CE`: Kite's own names of derivatives leave out the day
 * of monthly contracts and write weekly ones in another way, so two forms would stand for one thing.
 */
function symbolOf(row: Row): string | undefined {
  const { exchange = '', tradingsymbol = '', instrument_type: type = '', expiry = '', strike = '' } = row;
  if (type !== 'FUT' && type !== 'CE' && type !== 'PE')
    return /_/.test(tradingsymbol) ? undefined : `${exchange}:${tradingsymbol.replaceAll('&', '_')}`;
  const name = (row['name'] ?? '').trim().replaceAll('&', '_');
  if (name === '' || !/^\d{4}-\d{2}-\d{2}$/.test(expiry)) return undefined;
  const underlying = { name };
  const written =
    type === 'FUT'
      ? indianSymbol.format({ kind: 'future', underlying, expiry })
      : indianSymbol.format({
          kind: 'option',
          underlying,
          expiry,
          strike: plain(strike),
          right: type === 'CE' ? 'call' : 'put',
        });
  return written === undefined ? undefined : `${exchange}:${written}`;
}

function contractOf(row: Row) {
  const { instrument_type: type = '', expiry = '', exchange = '' } = row;
  const name = (row['name'] ?? '').trim();
  if (type !== 'FUT' && type !== 'CE' && type !== 'PE') return undefined;
  const market = exchange === 'BFO' ? 'BSE' : 'NSE';
  const underlying = UNDERLYING[name] ?? `${market}:${name.replaceAll('&', '_')}`;
  if (type === 'FUT') return { underlying, expiry };
  return {
    underlying,
    expiry,
    strike: plain(row['strike']),
    right: type === 'CE' ? ('call' as const) : ('put' as const),
  };
}

/** `24800.0` and `0.05` as plain decimals without trailing zeros; `0` when it is none. */
function plain(text = ''): string {
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return isDecimalText(trimmed) ? trimmed : '0';
}
