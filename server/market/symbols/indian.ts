/**
 * Indian derivatives as platforms write them: `BANKNIFTY24APR24FUT`, `NIFTY28MAR2420800CE`. Read from the right, anchored on the date
 * DDMMMYY, because a name may end with digits: `726GS203225APR2497PE` is 726GS2032, 25 April 2024, strike 97.
 */
import { dateFrom, MONTHS, piecesOf, plainDecimal, type SymbolView } from './parts.ts';

const SYMBOL = new RegExp(
  `^(?<name>[A-Z0-9&-]+)(?<day>\\d{2})(?<month>${MONTHS.join('|')})(?<year>\\d{2})(?:FUT|(?<strike>\\d+(?:\\.\\d+)?)(?<right>[CP])E)$`,
);

export const indianSymbol: SymbolView = {
  parse(symbol) {
    const { name, day, month, year, strike, right } = SYMBOL.exec(symbol)?.groups ?? {};
    if (name === undefined || day === undefined || year === undefined) return undefined;
    const expiry = dateFrom(year, MONTHS.findIndex((one) => one === month) + 1, day);
    if (expiry === undefined) return undefined;
    const underlying = { name };
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
    if (parts.kind === 'pair' || !('name' in parts.underlying)) return undefined;
    const { year, month, day } = piecesOf(parts.expiry);
    const future = `${parts.underlying.name}${day}${MONTHS[Number(month) - 1]}${year}`;
    return parts.kind === 'future'
      ? `${future}FUT`
      : `${future}${parts.strike}${parts.right === 'call' ? 'C' : 'P'}E`;
  },
};
