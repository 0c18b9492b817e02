/** Options of the Options Clearing Corporation: root, YYMMDD, C or P, the strike in thousandths; 21 characters, or without the blanks. */
import { dateFrom, piecesOf, plainDecimal, type SymbolParts, type SymbolView } from './parts.ts';

const SYMBOL = /^(?<root>[A-Z0-9.]{1,6}) *(?<date>\d{6})(?<right>[CP])(?<strike>\d{8})$/;
const ROOT_LENGTH = 6;

function parse(symbol: string): SymbolParts | undefined {
  const { root, date, right, strike } = SYMBOL.exec(symbol)?.groups ?? {};
  if (root === undefined || date === undefined || strike === undefined) return undefined;
  const expiry = dateFrom(date.slice(0, 2), Number(date.slice(2, 4)), date.slice(4));
  if (expiry === undefined) return undefined;
  return {
    kind: 'option',
    underlying: { name: root },
    expiry,
    strike: plainDecimal(`${strike.slice(0, 5)}.${strike.slice(5)}`),
    right: right === 'C' ? 'call' : 'put',
  };
}

/** Without blanks, as Alpaca and most brokers write it; undefined where the strike has no room. */
function compact(parts: SymbolParts): { readonly root: string; readonly rest: string } | undefined {
  if (parts.kind !== 'option' || !('name' in parts.underlying)) return undefined;
  const { name } = parts.underlying;
  const [whole = '', fraction = ''] = parts.strike.split('.');
  if (name.length > ROOT_LENGTH || whole.length > 5 || fraction.length > 3) return undefined;
  const { year, month, day } = piecesOf(parts.expiry);
  const strike = whole.padStart(5, '0') + fraction.padEnd(3, '0');
  return { root: name, rest: `${year}${month}${day}${parts.right === 'call' ? 'C' : 'P'}${strike}` };
}

export const occSymbol: SymbolView = {
  parse: (symbol) => (symbol.length === 21 ? parse(symbol) : undefined),
  format(parts) {
    const found = compact(parts);
    return found && found.root.padEnd(ROOT_LENGTH) + found.rest;
  },
};

export const occCompact: SymbolView = {
  parse: (symbol) => (symbol.includes(' ') ? undefined : parse(symbol)),
  format(parts) {
    const found = compact(parts);
    return found && found.root + found.rest;
  },
};
