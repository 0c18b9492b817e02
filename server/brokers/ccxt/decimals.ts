/** Figures of ccxt as plain decimal text: exponents written out, nothing rounded, nothing invented. */
import {
  isDecimalText,
  type Money,
  money,
  type Price,
  price,
  type Quantity,
  quantity,
} from '#domain/decimal.ts';
import type { Figure } from './types.ts';

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * Plain notation, at most 18 fraction digits; undefined for what is no number, and for what has more digits than a decimal here holds.
 * A JavaScript number comes only where ccxt makes one of a whole number or of a short fraction, whose shortest text is exact.
 */
export function plainDecimal(figure: Figure): string | undefined {
  if (figure === null || figure === undefined) return undefined;
  const parts = NUMBER.exec(String(figure));
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  if (whole === '' && fraction === '') return undefined;
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const integer = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(at).replace(/0+$/, '');
  const text = `${sign === '-' ? '-' : ''}${integer}${rest === '' ? '' : `.${rest}`}`;
  const plain = text === '-0' ? '0' : text;
  return isDecimalText(plain) ? plain : undefined;
}

/** The figure, or undefined where there is none; never a guess. */
export const priceOf = (figure: Figure): Price | undefined => parsed(figure, price);
export const quantityOf = (figure: Figure): Quantity | undefined => parsed(figure, quantity);
export const moneyOf = (figure: Figure): Money | undefined => parsed(figure, money);

/** Prices of nothing are told as 0 by many venues: an order without a limit, a ticker without a bid. */
export function positivePriceOf(figure: Figure): Price | undefined {
  const found = priceOf(figure);
  return found?.gt('0') === true ? found : undefined;
}

export function millisecondsOf(figure: Figure): number | undefined {
  const text = plainDecimal(figure);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function parsed<D>(figure: Figure, parse: (text: string) => D): D | undefined {
  const text = plainDecimal(figure);
  return text === undefined ? undefined : parse(text);
}
