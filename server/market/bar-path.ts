/**
 * The way a price takes through a recorded bar: open, one extreme, the other, close, in a fixed number of steps.
 *
 * A bar does not say which of its extremes came first. The nearer one to the open is taken first, and the low on a tie:
 * prices seldom run to the far end and back before touching the near one, and where the bar gives no hint, a long position
 * meets its stop before its target. The choice looks at the bar alone, never at who holds what, so that the same tape always
 * walks the same way.
 */

/** In whole ticks. */
export interface Ohlc {
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  readonly close: bigint;
}

export type PathOrder = 'high_first' | 'low_first';

export function pathOrder(bar: Ohlc): PathOrder {
  return bar.high - bar.open < bar.open - bar.low ? 'high_first' : 'low_first';
}

/** Steps at which open, first extreme, second extreme and close are met exactly; distinct for four steps or more. */
function anchorSteps(steps: number): readonly [number, number, number, number] {
  const last = steps - 1;
  return [0, Math.round(last / 3), Math.round((2 * last) / 3), last];
}

/**
 * The price at `step` (0 … steps - 1) of a bar walked in `steps` steps (four at least); straight lines between the anchors,
 * rounded to whole ticks towards the anchor below (`down`, for bids and trades) or above (`up`, for asks), so that it never
 * leaves the bar. Throws RangeError outside.
 */
export function pathPoint(
  bar: Ohlc,
  order: PathOrder,
  at: { readonly step: number; readonly steps: number },
  rounding: 'down' | 'up',
): bigint {
  if (!(at.steps >= 4 && at.step >= 0 && at.step < at.steps)) {
    throw new RangeError(`no step ${at.step} in a bar of ${at.steps}`);
  }
  const [, first, second, last] = anchorSteps(at.steps);
  const extremes = order === 'high_first' ? ([bar.high, bar.low] as const) : ([bar.low, bar.high] as const);
  if (at.step <= first) return between(bar.open, extremes[0], [at.step, first], rounding);
  if (at.step <= second) {
    return between(extremes[0], extremes[1], [at.step - first, second - first], rounding);
  }
  return between(extremes[1], bar.close, [at.step - second, last - second], rounding);
}

function between(
  from: bigint,
  to: bigint,
  [part, whole]: readonly [number, number],
  rounding: 'down' | 'up',
): bigint {
  const numerator = (to - from) * BigInt(part);
  const denominator = BigInt(whole);
  const quotient = numerator / denominator;
  const rest = numerator % denominator;
  if (rest === 0n) return from + quotient;
  // BigInt division cuts towards zero, so only one direction a sign needs a step more.
  if (rounding === 'down') return from + quotient - (rest < 0n ? 1n : 0n);
  return from + quotient + (rest > 0n ? 1n : 0n);
}
