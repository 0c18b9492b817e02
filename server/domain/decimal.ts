/** Decimals behind brands: a price can not be added to a quantity, and no amount is ever a JavaScript number. */
import BigFactory, { type Big } from 'big.js';

/** Its own constructor, so that strictness and precision are ours alone. Strict: `Dec(1.1)` (a number) throws. */
const Dec = BigFactory();
Dec.strict = true;
Dec.DP = 20;
Dec.RM = BigFactory.roundHalfEven;
/** Exponents are never printed: the wire carries plain digits. */
Dec.NE = -1e6;
Dec.PE = 1e6;

declare const brand: unique symbol;
type Branded<B extends string> = Big & { readonly [brand]: B };

/** Quote currency per unit of the instrument. */
export type Price = Branded<'Price'>;
/** Units of the instrument (shares, coins, contracts); positions are signed, order quantities are not. */
export type Quantity = Branded<'Quantity'>;
/** An amount in an account's currency; signed. */
export type Money = Branded<'Money'>;
/** A pure number: a percentage, a multiplier, a rate. */
export type Ratio = Branded<'Ratio'>;
export type Decimal = Price | Quantity | Money | Ratio;

/** Plain decimal notation: no exponent, no sign +, no leading zeros, at most 24 integer and 18 fraction digits. */
export const DECIMAL_PATTERN = /^-?(?:0|[1-9]\d{0,23})(?:\.\d{1,18})?$/;

export function isDecimalText(text: string): boolean {
  return DECIMAL_PATTERN.test(text);
}

function parse<D extends Decimal>(text: string): D {
  if (!isDecimalText(text)) throw new RangeError(`not a plain decimal: ${JSON.stringify(text)}`);
  return new Dec(text) as D;
}

/** Each throws RangeError on anything but plain decimal notation; edges validate with `isDecimalText` first. */
export const price = (text: string): Price => parse<Price>(text);
export const quantity = (text: string): Quantity => parse<Quantity>(text);
export const money = (text: string): Money => parse<Money>(text);
export const ratio = (text: string): Ratio => parse<Ratio>(text);

export const ZERO_MONEY: Money = money('0');
export const ZERO_QUANTITY: Quantity = quantity('0');
export const ONE: Ratio = ratio('1');

/** The wire form: shortest plain decimal string. */
export function text(value: Decimal): string {
  const printed = value.toFixed();
  return printed === '-0' ? '0' : printed;
}

export function add<D extends Decimal>(a: D, b: NoInfer<D>): D {
  return a.plus(b) as D;
}
export function subtract<D extends Decimal>(a: D, b: NoInfer<D>): D {
  return a.minus(b) as D;
}
export function negate<D extends Decimal>(a: D): D {
  return a.times('-1') as D;
}
export function absolute<D extends Decimal>(a: D): D {
  return a.abs() as D;
}
export function min<D extends Decimal>(a: D, b: NoInfer<D>): D {
  return a.lte(b) ? a : b;
}
export function max<D extends Decimal>(a: D, b: NoInfer<D>): D {
  return a.gte(b) ? a : b;
}
export function sum<D extends Decimal>(zero: D, values: Iterable<NoInfer<D>>): D {
  let total = zero;
  for (const value of values) total = add(total, value);
  return total;
}
/** -1, 0 or 1. */
export function compare<D extends Decimal>(a: D, b: NoInfer<D>): -1 | 0 | 1 {
  return a.cmp(b);
}
export const isZero = (a: Decimal): boolean => a.eq('0');
export const isPositive = (a: Decimal): boolean => a.gt('0');
export const isNegative = (a: Decimal): boolean => a.lt('0');

/** price × quantity × multiplier: exact. */
export function value(at: Price, of: Quantity, multiplier: Ratio = ONE): Money {
  return at.times(of).times(multiplier) as unknown as Money;
}
/** Any decimal by a pure number: exact. */
export function scale<D extends Decimal>(a: D, by: Ratio): D {
  return a.times(by) as D;
}
/** So many percent of an amount: exact. */
export function percentOf<D extends Decimal>(a: D, percent: Ratio): D {
  return a.times(percent).times('0.01') as D;
}
/** `part` of `whole` in proportion `a` / `b`, rounded half to even at 18 fraction digits. */
export function proportion<D extends Decimal>(whole: D, a: Decimal, b: Decimal): D {
  return divide(whole.times(a), b, 18) as D;
}
/** `part` in percent of `whole`, 8 fraction digits, rounded up, away from zero. Throws when `whole` is zero. */
export function percentUp(part: Money, whole: Money): Ratio {
  return part.times('100').div(whole).round(8, BigFactory.roundUp) as unknown as Ratio;
}
/** Money per unit, for averages shown to people; 12 fraction digits, half to even. */
export function perUnit(amount: Money, of: Quantity, multiplier: Ratio = ONE): Price {
  return divide(amount, of.times(multiplier), 12) as unknown as Price;
}
/** a / b as a statistic, 10 fraction digits; never used for money. Throws when b is zero. */
export function quotient(a: Decimal, b: Decimal): number {
  return Number(divide(a, b, 10).toFixed());
}

/**
 * a / b at that many places, half to even, exactly: big.js divides to 20 places first, and rounding twice turns what lies just
 * beside the middle into the middle. So the remainder decides. Throws when b is zero.
 */
function divide(a: Big, b: Big, places: number): Big {
  const unit = new Dec(`1e-${places}`);
  const divisor = b.abs();
  const dividend = a.abs();
  let quotient = dividend.div(divisor).round(places, BigFactory.roundDown);
  let remainder = dividend.minus(quotient.times(divisor));
  if (remainder.lt('0')) {
    quotient = quotient.minus(unit);
    remainder = remainder.plus(unit.times(divisor));
  }
  const middle = remainder.times('2').cmp(unit.times(divisor));
  const isOdd = !quotient.div(unit).mod('2').eq('0');
  if (middle > 0 || (middle === 0 && isOdd)) quotient = quotient.plus(unit);
  return a.s * b.s < 0 ? quotient.times('-1') : quotient;
}

/** The nearest multiple of `step` at or below `a` (towards minus infinity). */
export function roundDownTo<D extends Decimal>(a: D, step: Decimal): D {
  const units = a.div(step).round(0, BigFactory.roundDown);
  const floored = units.times(step);
  return (floored.gt(a) ? floored.minus(step) : floored) as D;
}
/** The nearest multiple of `step` at or above `a` (towards plus infinity). */
export function roundUpTo<D extends Decimal>(a: D, step: Decimal): D {
  const floored = roundDownTo(a, step);
  return (floored.eq(a) ? floored : floored.plus(step)) as D;
}
/** The nearest multiple of `step`, ties to the even multiple. */
export function roundNearestTo<D extends Price | Quantity | Money>(a: D, step: Decimal): D {
  return divide(a, step, 0).times(step) as D;
}
/** Whether `a` is a whole number of steps. */
export function isMultipleOf(a: Decimal, step: Decimal): boolean {
  return a.mod(step).eq('0');
}
