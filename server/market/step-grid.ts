/** Decimals as whole numbers of a step (ticks of a price, lots of a volume): exact, compact, and fast to compare. */
import type { Decimal } from '#domain/decimal.ts';
import { text } from '#domain/decimal.ts';

export type StepRounding = 'down' | 'up' | 'nearest';

export interface StepGrid {
  /** Plain non-negative decimal text (the caller has checked it) as steps; `nearest` takes ties to the even step. */
  steps(decimalText: string, rounding: StepRounding): bigint;
  /** Plain decimal text of that many steps. */
  text(steps: bigint): string;
}

const POWERS = Array.from({ length: 64 }, (_, exponent) => 10n ** BigInt(exponent));

export function stepGrid(step: Decimal): StepGrid {
  const [whole = '', fraction = ''] = text(step).split('.');
  const decimals = fraction.length;
  const unitsPerStep = BigInt(whole + fraction);

  return {
    steps(decimalText, rounding) {
      const point = decimalText.indexOf('.');
      const digits = point < 0 ? decimalText : decimalText.slice(0, point) + decimalText.slice(point + 1);
      const scale = point < 0 ? 0 : decimalText.length - point - 1;
      let units = BigInt(digits);
      let size = unitsPerStep;
      if (scale < decimals) units *= power(decimals - scale);
      else if (scale > decimals) size *= power(scale - decimals);
      if (size === 1n) return units;
      return rounded(units, size, rounding);
    },
    text(steps) {
      const digits = String(steps * unitsPerStep).padStart(decimals + 1, '0');
      return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
    },
  };
}

function power(exponent: number): bigint {
  const known = POWERS[exponent];
  if (known === undefined) throw new RangeError(`a decimal with ${exponent} more digits than its step`);
  return known;
}

function rounded(units: bigint, size: bigint, rounding: StepRounding): bigint {
  const floor = units / size;
  const rest = units % size;
  if (rest === 0n || rounding === 'down') return floor;
  if (rounding === 'up') return floor + 1n;
  const twice = rest * 2n;
  return twice > size || (twice === size && floor % 2n === 1n) ? floor + 1n : floor;
}
