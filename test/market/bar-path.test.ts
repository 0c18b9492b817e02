/** The path of a price through a bar: inside it, touching both ends of it, and decided by the bar alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ohlc, pathOrder, pathPoint } from '#market/bar-path.ts';

const bar = (open: number, high: number, low: number, close: number): Ohlc => ({
  open: BigInt(open),
  high: BigInt(high),
  low: BigInt(low),
  close: BigInt(close),
});

function walked(of: Ohlc, steps: number, rounding: 'down' | 'up' = 'down'): number[] {
  const order = pathOrder(of);
  return Array.from({ length: steps }, (_, step) => Number(pathPoint(of, order, { step, steps }, rounding)));
}

const part = fc.bigInt(0n, 10n ** 6n);
const bars = fc.tuple(fc.bigInt(1n, 10n ** 12n), part, part, part).map(([low, span, open, close]) => ({
  low,
  high: low + span,
  open: low + (open % (span + 1n)),
  close: low + (close % (span + 1n)),
}));
const stepCounts = fc.integer({ min: 4, max: 400 });

describe('the path through a bar', () => {
  it('goes to the nearer extreme first', () => {
    expect(walked(bar(101, 102, 90, 95), 4)).toEqual([101, 102, 90, 95]);
    expect(walked(bar(91, 102, 90, 95), 4)).toEqual([91, 90, 102, 95]);
  });

  it('goes to the low first when both are as near, so that a long stop comes before its target', () => {
    expect(walked(bar(100, 110, 90, 105), 4)).toEqual([100, 90, 110, 105]);
  });

  it('moves in straight lines between its turning points', () => {
    expect(walked(bar(100, 106, 97, 103), 10)).toEqual([100, 99, 98, 97, 100, 103, 106, 105, 104, 103]);
  });

  it('rounds to the tick below for a bid and above for an ask', () => {
    expect(walked(bar(10, 12, 9, 11), 7)).toEqual([10, 9, 9, 10, 12, 11, 11]);
    expect(walked(bar(10, 12, 9, 11), 7, 'up')).toEqual([10, 10, 9, 11, 12, 12, 11]);
  });

  it('begins at the open, ends at the close, touches both extremes and never leaves them', () => {
    fc.assert(
      fc.property(
        bars,
        stepCounts,
        fc.constantFrom('down' as const, 'up' as const),
        (of, steps, rounding) => {
          const path = walked(of, steps, rounding);
          expect(path[0]).toBe(Number(of.open));
          expect(path.at(-1)).toBe(Number(of.close));
          expect(Math.max(...path)).toBe(Number(of.high));
          expect(Math.min(...path)).toBe(Number(of.low));
        },
      ),
    );
  });

  it('never shows a bid above its ask when both walk side by side', () => {
    fc.assert(
      fc.property(bars, fc.bigInt(0n, 1000n), stepCounts, (bid, spread, steps) => {
        const ask = bar(
          Number(bid.open + spread),
          Number(bid.high + spread),
          Number(bid.low + spread),
          Number(bid.close + spread),
        );
        const order = pathOrder(bid);
        for (let step = 0; step < steps; step++) {
          const at = { step, steps };
          expect(pathPoint(bid, order, at, 'down') <= pathPoint(ask, order, at, 'up')).toBe(true);
        }
      }),
    );
  });

  it('has no step outside', () => {
    const flat = bar(1, 1, 1, 1);
    expect(() => pathPoint(flat, 'low_first', { step: 4, steps: 4 }, 'down')).toThrow(RangeError);
    expect(() => pathPoint(flat, 'low_first', { step: -1, steps: 4 }, 'down')).toThrow(RangeError);
    expect(() => pathPoint(flat, 'low_first', { step: 0, steps: 3 }, 'down')).toThrow(RangeError);
  });
});
