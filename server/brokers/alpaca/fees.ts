/** What a fill costs by published rates, effective-dated: Alpaca tells its fees a day later, and not by execution. */
import {
  add,
  type Money,
  min,
  money,
  type Price,
  type Quantity,
  type Ratio,
  ratio,
  roundUpTo,
  scale,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Side } from '#domain/order.ts';

interface Dated<T> {
  /** The first day it counts, in New York. */
  readonly from: string;
  readonly rate: T;
}

/** Section 31 of the Exchange Act, dollars per dollar sold. */
const SECTION_31: readonly Dated<Ratio>[] = [
  { from: '2026-04-04', rate: ratio('0.0000206') },
  { from: '2025-05-14', rate: ratio('0') },
  { from: '2024-05-22', rate: ratio('0.0000278') },
];
/** FINRA's trading activity fee, dollars per share sold, and at most so much for one execution. */
const ACTIVITY: readonly Dated<{ readonly perShare: Ratio; readonly most: Money }>[] = [
  { from: '2026-01-01', rate: { perShare: ratio('0.000195'), most: money('9.79') } },
  { from: '2024-01-01', rate: { perShare: ratio('0.000166'), most: money('8.30') } },
];
/** Takers of coins by the tier of thirty days’ volume, from 100,000 dollars up. */
const COIN_TAKERS: readonly Ratio[] = [
  '0.0025',
  '0.0022',
  '0.002',
  '0.0018',
  '0.0015',
  '0.0013',
  '0.0012',
  '0.001',
].map(ratio);
const CENT = money('0.01');

/** Before the first date it is the oldest rate. */
function at<T>(rates: readonly Dated<T>[], day: string): T {
  const found = rates.find(({ from }) => from <= day) ?? rates.at(-1);
  if (found === undefined) throw new Error('a schedule of fees has no rate');
  return found.rate;
}

const NEW_YORK = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York' });

export interface FeeOf {
  readonly side: Side;
  readonly qty: Quantity;
  readonly price: Price;
  readonly timeMs: number;
  /** 1 to 8, as the account tells it. */
  readonly coinTier: number;
}

const takerOf = (coinTier: number): Ratio =>
  COIN_TAKERS[Math.min(Math.max(coinTier, 1), COIN_TAKERS.length) - 1] ?? ratio('0.0025');

/**
 * What of a purchase of coins is kept as its fee, in the coin: a fee is taken of what is credited. Up to the lot, so that what is left
 * in the books is never more than what can be sold.
 */
export function feeInKind(
  instrument: Pick<Instrument, 'assetClass' | 'lot'>,
  { side, qty, coinTier }: Pick<FeeOf, 'side' | 'qty' | 'coinTier'>,
): Quantity | undefined {
  if (instrument.assetClass !== 'crypto' || side === 'sell') return undefined;
  return min(qty, roundUpTo(scale(qty, takerOf(coinTier)), instrument.lot));
}

/** Each fee in money rounded up to the cent, as they are passed on; of coins that are bought, the worth of what is kept of them. */
export function feeOf(
  instrument: Pick<Instrument, 'assetClass' | 'lot'>,
  { side, qty, price, timeMs, coinTier }: FeeOf,
): Money {
  const kept = feeInKind(instrument, { side, qty, coinTier });
  if (kept !== undefined) return value(price, kept);
  const worth = value(price, qty);
  if (instrument.assetClass === 'crypto') return roundUpTo(scale(worth, takerOf(coinTier)), CENT);
  if (side === 'buy') return ZERO_MONEY;
  const day = NEW_YORK.format(timeMs);
  const { perShare, most } = at(ACTIVITY, day);
  const activity = min(scale(qty, perShare) as unknown as Money, most);
  return add(roundUpTo(scale(worth, at(SECTION_31, day)), CENT), roundUpTo(activity, CENT));
}
