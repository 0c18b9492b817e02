/** JSON of a broker, exactly: every number comes out as the decimal string that was written, never as a JavaScript number. */
import { err, ok, type Result } from '#domain/result.ts';
import { BROKER_ANSWER_BYTES_MAX, JSON_DEPTH_MAX } from '#limits.ts';

/** A number is a string here too: `9007199254740993.10` is `'9007199254740993.10'`. */
export type Exact = string | boolean | null | readonly Exact[] | { readonly [key: string]: Exact };

export interface ExactBounds {
  /** Of UTF-16 units. */
  readonly lengthMax?: number;
  readonly depthMax?: number;
}

/**
 * Why not is one sentence, with nothing of the text in it: an answer may hold secrets. What an exponent makes short is written out,
 * as long as that stays within what a decimal may have; `-0` is `0`.
 */
export function parseExact(text: string, bounds: ExactBounds = {}): Result<Exact, string> {
  const { lengthMax = BROKER_ANSWER_BYTES_MAX, depthMax = JSON_DEPTH_MAX } = bounds;
  if (text.length > lengthMax) return err('The answer is longer than an answer may be.');
  // First: what makes a value of it calls itself level by level.
  if (depthOf(text, depthMax) > depthMax) return err('The answer is nested deeper than an answer may be.');
  try {
    return ok(JSON.parse(text, exactly) as Exact);
  } catch {
    return err('The answer is not JSON.');
  }
}

/** `context` holds what was written, for values that hold no others. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? plain(context?.source ?? String(value)) : value;
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
/** Digits of a decimal on each side of its point (domain/decimal.ts). */
const INTEGER_DIGITS_MAX = 24;
const FRACTION_DIGITS_MAX = 18;

/** Plain digits; the source as it is where they would be too many for any decimal of ours, which then refuses it. */
function plain(source: string): string {
  if (!/[eE]/.test(source)) return /^-0(?:\.0+)?$/.test(source) ? source.slice(1) : source;
  const [, sign = '', whole = '', fraction = '', exponent = ''] = NUMBER.exec(source) ?? [];
  if (exponent === '') return source;
  const digits = `${whole}${fraction}`;
  const point = whole.length + Number(exponent);
  if (point > digits.length + INTEGER_DIGITS_MAX || point < -FRACTION_DIGITS_MAX) return source;
  const padded = point > 0 ? digits.padEnd(point, '0') : `${'0'.repeat(1 - point)}${digits}`;
  const at = Math.max(point, 1);
  const integer = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(at).replace(/0+$/, '');
  const written = rest === '' ? integer : `${integer}.${rest}`;
  return written === '0' ? '0' : `${sign}${written}`;
}

/** How deep brackets go outside of strings; stops looking beyond the bound. */
function depthOf(text: string, stopAt: number): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length && deepest <= stopAt; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) {
      at = endOfString(text, at);
    } else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (unit === 0x5d || unit === 0x7d) {
      depth -= 1;
    }
  }
  return deepest;
}

/** Where the string that begins at `from` ends: its closing quote, or the end of the text. */
function endOfString(text: string, from: number): number {
  let at = text.indexOf('"', from + 1);
  while (at !== -1) {
    let before = at - 1;
    while (text.charCodeAt(before) === 0x5c) before -= 1;
    if ((at - before) % 2 === 1) return at;
    at = text.indexOf('"', at + 1);
  }
  return text.length;
}
