/** The decimal that was probably meant by something that is nearly one: for suggestions only. */
import { isDecimalText, ratio, scale, text } from '#domain/decimal.ts';
import { printable } from '#domain/refusal.ts';
import { NEAREST_WORD_LENGTH_MAX } from '#limits.ts';

/** What the number counts, and so which words beside it say nothing new. */
export type Counted = 'units' | 'money' | 'percent';

const THOUSAND = ratio('1000');

/** A currency beside a price says what is known; beside a quantity it says that a value is meant, not units. */
const BESIDE: { readonly [counted in Counted]: RegExp } = {
  money: /^(?:[$€£₹¥]|(?:usd|inr|eur|rs\.?)\s)\s*|\s*(?:[$€£₹¥]|usd|inr|eur|dollars?|rupees?)$/gi,
  units: /\s*(?:shares?|units?|coins?|contracts?|pcs|btc|eth|qty)$/gi,
  percent: /\s*(?:%|percent|pct)$/gi,
};

export const isPositiveDecimal = (given: string): boolean =>
  isDecimalText(given) && !given.startsWith('-') && /[1-9]/.test(given);

/** null when more than one number could be meant, or none. */
export function nearestDecimal(given: unknown, counted: Counted): string | null {
  if (typeof given !== 'string' && typeof given !== 'number') return null;
  const whole = String(given);
  if (whole.length > NEAREST_WORD_LENGTH_MAX) return null;
  const bare = printable(whole).normalize('NFKC').trim().replace(BESIDE[counted], '').trim();
  const digits = ungrouped(bare.replace(/^\+/, ''));
  if (digits === undefined) return null;
  // First, because what is multiplied must be a decimal already: "00k".
  const plain = expanded(digits.replace(/^0+(?=\d)/, ''))
    .replace(/^\./, '0.')
    .replace(/\.$/, '');
  return isPositiveDecimal(plain) ? plain : null;
}

/**
 * Digits without the marks between thousands. One comma before three digits is left alone: "1,500" is one and a half to half
 * of the world, while "1,500,000", "1,00,000" and "1,500.50" are one number to all of it.
 */
function ungrouped(given: string): string | undefined {
  if (/^\d{1,3}([ _'’])\d{3}(?:\1\d{3})*(?:\.\d+)?$/.test(given)) return given.replace(/[ _'’]/g, '');
  if (/^\d{1,3}(?:,\d{3})+\.\d+$|^\d{1,3}(?:,\d{2,3})+,\d{3}(?:\.\d+)?$/.test(given))
    return given.replaceAll(',', '');
  if (/^\d{1,3}(?:\.\d{3})+,\d+$/.test(given)) return given.replaceAll('.', '').replace(',', '.');
  if (/^\d+,\d{1,2}$/.test(given)) return given.replace(',', '.');
  return /^[\d.]+(?:e[+-]?\d{1,2}|k)?$/i.test(given) ? given : undefined;
}

/** Without exponent or k. */
function expanded(digits: string): string {
  if (/^\d{1,15}(?:\.\d{1,15})?k$/i.test(digits)) return text(scale(ratio(digits.slice(0, -1)), THOUSAND));
  return /^\d+(?:\.\d+)?e[+-]?\d{1,2}$/i.test(digits) ? plainOf(Number(digits)) : digits;
}

/** No value of a caller goes on as a number: this one is shown. */
const plainOf = (value: number): string =>
  value >= 1 ? BigInt(Math.round(value)).toString() : value.toFixed(18).replace(/0+$/, '');
