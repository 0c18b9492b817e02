/** Decimals against whole-number arithmetic: every operation as exact, and every rounding as directed, as it says. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  absolute,
  add,
  compare,
  type Decimal,
  isDecimalText,
  isMultipleOf,
  isNegative,
  isPositive,
  isZero,
  max,
  min,
  money,
  negate,
  ONE,
  perUnit,
  price,
  proportion,
  quantity,
  quotient,
  ratio,
  roundDownTo,
  roundNearestTo,
  roundUpTo,
  scale,
  subtract,
  sum,
  text,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';

/** A decimal as a whole number of 10^-18. */
const ATTO = 10n ** 18n;
const bits = (of: bigint): bigint => (of < 0n ? -of : of);
function written(atto: bigint): string {
  const fraction = (bits(atto) % ATTO).toString().padStart(18, '0').replace(/0+$/, '');
  return `${atto < 0n ? '-' : ''}${bits(atto) / ATTO}${fraction === '' ? '' : `.${fraction}`}`;
}
function attoOf(decimal: Decimal): bigint {
  const [whole = '', fraction = ''] = text(decimal).split('.');
  const size = BigInt(whole.replace('-', '')) * ATTO + BigInt(fraction.padEnd(18, '0'));
  return whole.startsWith('-') ? -size : size;
}
/** n / d, half to even. */
function dividedHalfEven(n: bigint, d: bigint): bigint {
  const [top, bottom] = [bits(n), bits(d)];
  const floor = top / bottom;
  const twice = (top % bottom) * 2n;
  const up = twice > bottom || (twice === bottom && floor % 2n === 1n);
  const size = up ? floor + 1n : floor;
  return n < 0n === d < 0n ? size : -size;
}
const floored = (n: bigint, d: bigint): bigint => (n - (((n % d) + d) % d)) / d;

const LIMIT = 10n ** 24n * ATTO - 1n;
/** Of every size, whole ones and ones with few digits among them. */
const signed = fc.oneof(
  fc.bigInt({ min: -LIMIT, max: LIMIT }),
  fc.bigInt({ min: -1_000_000n, max: 1_000_000n }).map((n) => n * ATTO),
  fc.bigInt({ min: -100_000n, max: 100_000n }).map((n) => n * 10n ** 16n),
  fc.bigInt({ min: -20n, max: 20n }),
);
const positive = signed.map(bits).filter((n) => n > 0n);

describe('the wire form', () => {
  test('is read and written without loss', () => {
    fc.assert(
      fc.property(signed, (atto) => {
        expect(isDecimalText(written(atto))).toBe(true);
        expect(text(money(written(atto)))).toBe(written(atto));
      }),
    );
  });

  test('is never an exponent, however small or large', () => {
    expect(text(money('0.000000000000000001'))).toBe('0.000000000000000001');
    expect(text(money('999999999999999999999999'))).toBe('999999999999999999999999');
    expect(text(scale(money('0.000000000000000001'), ratio('0.000000000000000001')))).toMatch(/^0\.0{35}1$/);
  });

  test('of zero has no sign', () => {
    expect(text(negate(ZERO_MONEY))).toBe('0');
    expect(text(money('-0'))).toBe('0');
    expect(text(money('-0.00'))).toBe('0');
    expect(text(money('1.500'))).toBe('1.5');
  });

  test.each(
    [
      [
        '',
        ' ',
        '1 ',
        ' 1',
        '+1',
        '01',
        '-',
        '.5',
        '5.',
        '1.2.3',
        '1,000',
        '1e3',
        '1E3',
        '0x10',
        'NaN',
        'Infinity',
      ],
      [
        '-Infinity',
        '١',
        '１',
        '1\n',
        '1\u0000',
        '1_000',
        '--1',
        '$1',
        '1.1234567890123456789',
        `1${'0'.repeat(24)}`,
      ],
    ].flat(),
  )('does not include %j', (given) => {
    expect(isDecimalText(given)).toBe(false);
    for (const read of [price, quantity, money, ratio]) expect(() => read(given)).toThrow(RangeError);
  });

  test('agrees with itself on any text: what is told to be one can be read, the rest throws', () => {
    const textual = fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9e ]{0,12}$/));
    fc.assert(
      fc.property(textual, (given) => {
        if (isDecimalText(given)) expect(Number(text(money(given)))).toBe(Number(given) + 0);
        else expect(() => money(given)).toThrow(RangeError);
      }),
    );
  });

  test('refuses JavaScript numbers at runtime too', () => {
    // @ts-expect-error: the types say so first
    expect(() => add(money('1'), 0.1)).toThrow();
    // @ts-expect-error: the types say so first
    expect(() => money(1.5)).toThrow();
  });
});

describe('sums, products and comparisons', () => {
  test('are exact', () => {
    fc.assert(
      fc.property(signed, signed, (a, b) => {
        const [left, right] = [money(written(a)), money(written(b))];
        expect(attoOf(add(left, right))).toBe(a + b);
        expect(attoOf(subtract(left, right))).toBe(a - b);
        expect(attoOf(negate(left))).toBe(-a);
        expect(attoOf(absolute(left))).toBe(bits(a));
        expect(compare(left, right)).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(attoOf(min(left, right))).toBe(a < b ? a : b);
        expect(attoOf(max(left, right))).toBe(a > b ? a : b);
        expect([isNegative(left), isZero(left), isPositive(left)]).toEqual([a < 0n, a === 0n, a > 0n]);
      }),
    );
  });

  test('of many do not depend on the order', () => {
    fc.assert(
      fc.property(fc.array(signed, { maxLength: 50 }), (amounts) => {
        const monies = amounts.map((atto) => money(written(atto)));
        const total = amounts.reduce((a, b) => a + b, 0n);
        expect(attoOf(sum(ZERO_MONEY, monies))).toBe(total);
        expect(attoOf(sum(ZERO_MONEY, monies.toReversed()))).toBe(total);
      }),
    );
  });

  test('of a value are price × quantity × multiplier, to the last digit', () => {
    fc.assert(
      fc.property(signed, signed, fc.bigInt({ min: 1n, max: 1_000n }), (at, of, times) => {
        const exact = value(price(written(at)), quantity(written(of)), ratio(String(times)));
        expect(exact.times(written(ATTO)).toFixed()).toBe(exact.toFixed());
        const digits = text(exact).replace('-', '');
        const [whole = '', fraction = ''] = digits.split('.');
        const size = BigInt(whole + fraction.padEnd(36, '0'));
        expect(size).toBe(bits(at * of * times));
      }),
    );
    expect(text(value(price('0.1'), quantity('3')))).toBe('0.3');
    expect(text(value(price('5000.25'), quantity('2'), ratio('50')))).toBe('500025');
    expect(text(value(price('2'), quantity('3'), ONE))).toBe('6');
  });
});

describe('division', () => {
  test('in proportion is rounded half to even at 18 digits, once', () => {
    fc.assert(
      fc.property(signed, signed, positive, (whole, a, b) => {
        const exact = proportion(money(written(whole)), money(written(a)), money(written(b)));
        expect(attoOf(exact)).toBe(dividedHalfEven(whole * a, b));
      }),
    );
  });

  test('just beside the middle does not fall to the even side', () => {
    // 0.5 of the last digit and a little less or more than what 20 places can show.
    const part = (numerator: string): string =>
      text(proportion(money('0.000000000000000001'), money(numerator), money('1000000000000000000000')));
    expect(part('500000000000000000000')).toBe('0');
    expect(part('500000000000000000001')).toBe('0.000000000000000001');
    expect(part('1500000000000000000000')).toBe('0.000000000000000002');
    expect(part('1499999999999999999999')).toBe('0.000000000000000001');
    expect(part('2500000000000000000000')).toBe('0.000000000000000002');
    expect(part('-500000000000000000001')).toBe('-0.000000000000000001');
  });

  test('per unit is rounded half to even at 12 digits', () => {
    fc.assert(
      fc.property(signed, positive, (amount, of) => {
        const each = perUnit(money(written(amount)), quantity(written(of)));
        expect(attoOf(each)).toBe(dividedHalfEven(amount * 10n ** 12n, of) * 10n ** 6n);
      }),
    );
    expect(text(perUnit(money('100'), quantity('3')))).toBe('33.333333333333');
    expect(text(perUnit(money('500025'), quantity('2'), ratio('50')))).toBe('5000.25');
  });

  test('as a statistic is a plain number, and by zero throws', () => {
    expect(quotient(money('1'), money('3'))).toBe(0.3333333333);
    expect(quotient(money('-1'), money('8'))).toBe(-0.125);
    expect(() => quotient(money('1'), ZERO_MONEY)).toThrow();
    expect(() => proportion(money('1'), money('1'), ZERO_MONEY)).toThrow();
    expect(() => perUnit(money('1'), quantity('0'))).toThrow();
  });
});

describe('rounding to a step', () => {
  test('goes down, up or to the nearest multiple, ties to the even one, negative numbers too', () => {
    fc.assert(
      fc.property(signed, positive, (atto, step) => {
        const [given, by] = [price(written(atto)), price(written(step))];
        const down = floored(atto, step);
        const up = down * step === atto ? down : down + 1n;
        expect(attoOf(roundDownTo(given, by))).toBe(down * step);
        expect(attoOf(roundUpTo(given, by))).toBe(up * step);
        expect(attoOf(roundNearestTo(given, by))).toBe(dividedHalfEven(atto, step) * step);
        expect(isMultipleOf(given, by)).toBe(atto % step === 0n);
      }),
    );
  });

  test('of a multiple changes nothing', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -1_000_000n, max: 1_000_000n }),
        fc.bigInt({ min: 1n, max: ATTO }),
        (n, step) => {
          const [given, by] = [price(written(n * step)), price(written(step))];
          expect(isMultipleOf(given, by)).toBe(true);
          for (const round of [roundDownTo, roundUpTo, roundNearestTo]) {
            expect(attoOf(round(given, by))).toBe(n * step);
          }
        },
      ),
    );
  });

  test('shows ties and signs in plain figures', () => {
    const near = (given: string): string => text(roundNearestTo(price(given), price('0.25')));
    expect([near('0.125'), near('0.375'), near('-0.125'), near('-0.375')]).toEqual(['0', '0.5', '0', '-0.5']);
    expect(text(roundDownTo(price('-0.1'), price('0.25')))).toBe('-0.25');
    expect(text(roundUpTo(price('-0.1'), price('0.25')))).toBe('0');
    expect(() => isMultipleOf(price('1'), price('0'))).toThrow();
  });
});
