/** Figures as pages show them: rounded where more digits say nothing, and with their decimal points in one line. */
import {
  absolute,
  type Decimal,
  type Money,
  money,
  type Price,
  price,
  ratio,
  roundNearestTo,
  scale,
  text,
} from '#domain/decimal.ts';

const HUNDREDTH = ratio('0.01');
const CENT = money('0.01');
const MILLIONTH = money('0.000001');
const ONE_UNIT = money('1');
const FINEST_PRICE = price('0.00000001');

/** To the cent; what is less than one unit, as fees are, to the millionth. */
export function shownMoney(amount: Money): string {
  return text(roundNearestTo(amount, absolute(amount).lt(ONE_UNIT) ? MILLIONTH : CENT));
}
export const shownMoneyOrNone = (amount: Money | null): string | null =>
  amount === null ? null : shownMoney(amount);

/** An average has more digits than any price: two more than the tick are shown. */
export function shownPrice(at: Price, tick: Price | undefined): string {
  return text(roundNearestTo(at, tick === undefined ? FINEST_PRICE : scale(tick, HUNDREDTH)));
}
export const shownPriceOrNone = (at: Price | null, tick: Price | undefined): string | null =>
  at === null ? null : shownPrice(at, tick);

export const textOrNone = (value: Decimal | null | undefined): string | null =>
  value === null || value === undefined ? null : text(value);

/** The style sheet has widths up to here; what is longer stands out by itself. */
const DECIMALS_ALIGNED_MAX = 12;

/** How many decimals a column needs so that every figure in it has its point in the same place. */
export function decimalsOf(column: readonly (string | null)[], least = 0): number {
  const most = column.reduce(
    (longest, figure) => Math.max(longest, (figure?.split('.')[1] ?? '').length),
    least,
  );
  return Math.min(most, DECIMALS_ALIGNED_MAX);
}
