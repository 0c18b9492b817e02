/** What the spelling of a symbol says of the thing, whoever spells it: the common ground of the views beside. */
import { dateOf, dayOf } from '#market/calendar-time.ts';

export type SymbolParts =
  /** Coins and currencies; with `settle` a perpetual of them. */
  | { readonly kind: 'pair'; readonly base: string; readonly quote: string; readonly settle?: string }
  | { readonly kind: 'future'; readonly underlying: Underlying; readonly expiry: string }
  | {
      readonly kind: 'option';
      readonly underlying: Underlying;
      /** YYYY-MM-DD. */
      readonly expiry: string;
      /** A decimal without trailing zeros. */
      readonly strike: string;
      readonly right: 'call' | 'put';
    };

/** A name, or what a coin's contract is quoted and settled in too. */
export type Underlying =
  | { readonly name: string }
  | { readonly base: string; readonly quote: string; readonly settle: string };

/** One way of spelling; a view that can not say something says nothing. */
export interface SymbolView {
  parse(symbol: string): SymbolParts | undefined;
  format(parts: SymbolParts): string | undefined;
}

export const MONTHS = [
  'JAN',
  'FEB',
  'MAR',
  'APR',
  'MAY',
  'JUN',
  'JUL',
  'AUG',
  'SEP',
  'OCT',
  'NOV',
  'DEC',
] as const;

/** A date of this century that exists, YYYY-MM-DD; `month` counts from 1. */
export function dateFrom(year: string, month: number, day: string): string | undefined {
  const date = `20${year}-${String(month).padStart(2, '0')}-${day}`;
  try {
    return dateOf(dayOf(date));
  } catch {
    return undefined;
  }
}

/** 20YY-MM-DD in its pieces. */
export function piecesOf(date: string): {
  readonly year: string;
  readonly month: string;
  readonly day: string;
} {
  const [year = '', month = '', day = ''] = date.split('-');
  return { year: year.slice(2), month, day };
}

/** `0250.500` is 250.5. */
export function plainDecimal(text: string): string {
  const [whole = '', fraction = ''] = text.split('.');
  const rest = fraction.replace(/0+$/, '');
  const units = whole.replace(/^0+(?=\d)/, '') || '0';
  return rest === '' ? units : `${units}.${rest}`;
}
