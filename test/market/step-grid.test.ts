/** Decimals as whole steps: exact in both directions, and rounded the way that is asked for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { price, roundDownTo, roundNearestTo, roundUpTo, text } from '#domain/decimal.ts';
import { stepGrid } from '#market/step-grid.ts';

describe('a grid of steps', () => {
  it.each([
    ['0.01', '1438.359985', 143835n, 143836n, 143836n],
    ['0.01', '1469.250000', 146925n, 146925n, 146925n],
    ['0.05', '93.92', 1878n, 1879n, 1878n],
    ['0.05', '93.925', 1878n, 1879n, 1878n],
    ['0.05', '93.975', 1879n, 1880n, 1880n],
    ['1', '2.5', 2n, 3n, 2n],
    ['25', '112.5', 4n, 5n, 4n],
    ['0.00000001', '33.35399601000002', 3335399601n, 3335399602n, 3335399601n],
    ['0.01', '0.000000000000000000000001', 0n, 1n, 0n],
  ])('of %s takes %s as %s below, %s above, %s nearest', (step, given, down, up, nearest) => {
    const grid = stepGrid(price(step));
    expect(grid.steps(given, 'down')).toBe(down);
    expect(grid.steps(given, 'up')).toBe(up);
    expect(grid.steps(given, 'nearest')).toBe(nearest);
  });

  it('agrees with the decimals of the domain, and comes back as it went in', () => {
    const decimals = fc
      .tuple(fc.bigInt(0n, 10n ** 12n), fc.integer({ min: 0, max: 12 }))
      .map(([digits, scale]) => {
        const padded = String(digits).padStart(scale + 1, '0');
        return scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
      });
    const steps = fc.constantFrom('0.01', '0.05', '0.00001', '0.00000001', '1', '0.25', '100', '2.5');
    fc.assert(
      fc.property(decimals, steps, (given, step) => {
        const grid = stepGrid(price(step));
        const same = (steps: bigint): string => text(price(grid.text(steps)));
        expect(same(grid.steps(given, 'down'))).toBe(text(roundDownTo(price(given), price(step))));
        expect(same(grid.steps(given, 'up'))).toBe(text(roundUpTo(price(given), price(step))));
        expect(same(grid.steps(given, 'nearest'))).toBe(text(roundNearestTo(price(given), price(step))));
        const whole = grid.steps(given, 'down');
        expect(grid.steps(grid.text(whole), 'down')).toBe(whole);
      }),
    );
  });
});
