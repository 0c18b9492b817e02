/** CCXT's unified symbols: `BTC/USDT`, `BTC/USDT:USDT`, `BTC/USDT:USDT-241231`, `BTC/USD:BTC-241231-60000-C`. */
import { dateFrom, piecesOf, plainDecimal, type SymbolView } from './parts.ts';

const SYMBOL =
  /^(?<base>[A-Za-z0-9.]+)\/(?<quote>[A-Za-z0-9.]+)(?::(?<settle>[A-Za-z0-9.]+)(?:-(?<date>\d{6})(?:-(?<strike>\d+(?:\.\d+)?)-(?<right>[CP]))?)?)?$/;

export const ccxtSymbol: SymbolView = {
  parse(symbol) {
    const { base, quote, settle, date, strike, right } = SYMBOL.exec(symbol)?.groups ?? {};
    if (base === undefined || quote === undefined) return undefined;
    if (settle === undefined) return { kind: 'pair', base, quote };
    if (date === undefined) return { kind: 'pair', base, quote, settle };
    const expiry = dateFrom(date.slice(0, 2), Number(date.slice(2, 4)), date.slice(4));
    if (expiry === undefined) return undefined;
    const underlying = { base, quote, settle };
    if (strike === undefined) return { kind: 'future', underlying, expiry };
    return {
      kind: 'option',
      underlying,
      expiry,
      strike: plainDecimal(strike),
      right: right === 'C' ? 'call' : 'put',
    };
  },
  format(parts) {
    if (parts.kind === 'pair') {
      const { base, quote, settle } = parts;
      return settle === undefined ? `${base}/${quote}` : `${base}/${quote}:${settle}`;
    }
    if (!('base' in parts.underlying)) return undefined;
    const { base, quote, settle } = parts.underlying;
    const { year, month, day } = piecesOf(parts.expiry);
    const future = `${base}/${quote}:${settle}-${year}${month}${day}`;
    return parts.kind === 'future'
      ? future
      : `${future}-${parts.strike}-${parts.right === 'call' ? 'C' : 'P'}`;
  },
};
