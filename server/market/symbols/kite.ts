/**
 * Derivatives as Zerodha writes them. Of a month: `NIFTY24APRFUT`, `NIFTY24APR22500CE`, which does not say the day. Of a week:
 * `NIFTY2442522500CE`, year, month as one character (O, N and D from October on) and day.
 */
import { dateFrom, MONTHS, piecesOf, plainDecimal, type SymbolParts, type SymbolView } from './parts.ts';

const WEEKLY =
  /^(?<name>[A-Z0-9&-]*?[A-Z&-])(?<year>\d{2})(?<month>[1-9OND])(?<day>\d{2})(?<strike>\d+(?:\.\d+)?)(?<right>[CP])E$/;
const MONTH_CODES = '123456789OND';

export const kiteWeekly: SymbolView = {
  parse(symbol) {
    const { name, year, month, day, strike, right } = WEEKLY.exec(symbol)?.groups ?? {};
    if (name === undefined || year === undefined || day === undefined || strike === undefined)
      return undefined;
    const expiry = dateFrom(year, MONTH_CODES.indexOf(month ?? '') + 1, day);
    if (expiry === undefined) return undefined;
    const of = { underlying: { name }, expiry, strike: plainDecimal(strike) };
    return { kind: 'option', ...of, right: right === 'C' ? 'call' : 'put' };
  },
  format(parts) {
    if (parts.kind !== 'option' || !('name' in parts.underlying)) return undefined;
    const { year, month, day } = piecesOf(parts.expiry);
    const code = MONTH_CODES[Number(month) - 1];
    return `${parts.underlying.name}${year}${code}${day}${parts.strike}${parts.right === 'call' ? 'C' : 'P'}E`;
  },
};

/** Of the month in which it expires; nothing can be read back from it but with a list that knows the day. */
export function kiteMonthly(parts: SymbolParts): string | undefined {
  if (parts.kind === 'pair' || !('name' in parts.underlying)) return undefined;
  const { year, month } = piecesOf(parts.expiry);
  const begin = `${parts.underlying.name}${year}${MONTHS[Number(month) - 1]}`;
  return parts.kind === 'future'
    ? `${begin}FUT`
    : `${begin}${parts.strike}${parts.right === 'call' ? 'C' : 'P'}E`;
}
