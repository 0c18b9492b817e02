/** What a fill costs, by venue and date: rows are data, and a new schedule is a new row, never an edit of an old one. */

import { indianCharges } from '#brokers/indian-charges.ts';
import {
  add,
  isZero,
  type Money,
  min,
  money,
  type Price,
  type Quantity,
  type Ratio,
  ratio,
  roundUpTo,
  scale,
  text,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Product, Side } from '#domain/order.ts';

export interface Fill {
  readonly side: Side;
  readonly qty: Quantity;
  readonly price: Price;
  readonly liquidity: 'maker' | 'taker';
  /** Of an Indian instrument. */
  readonly product?: Product | null;
  /** What its order had traded before: a brokerage that is capped is capped for the order. */
  readonly orderTraded?: Money;
  /** Market clock. */
  readonly timeMs: number;
}

/** Dates are UTC; the last row whose date has come applies, none before the first. */
type Schedule<R> = readonly (R & { readonly from: string })[];

/** SEC Section 31 fee on sales, a share of the proceeds (fee rate advisories of the SEC). */
const SEC_SECTION_31: Schedule<{ readonly rate: Ratio }> = [
  { from: '2013-05-25', rate: ratio('0.0000174') },
  { from: '2014-03-18', rate: ratio('0.0000221') },
  { from: '2015-02-14', rate: ratio('0.0000184') },
  { from: '2016-02-16', rate: ratio('0.0000218') },
  { from: '2017-07-04', rate: ratio('0.0000231') },
  { from: '2018-05-22', rate: ratio('0.000013') },
  { from: '2019-04-16', rate: ratio('0.0000207') },
  { from: '2020-02-18', rate: ratio('0.0000221') },
  { from: '2021-02-25', rate: ratio('0.0000051') },
  { from: '2022-05-14', rate: ratio('0.0000229') },
  { from: '2023-02-27', rate: ratio('0.000008') },
  { from: '2024-05-22', rate: ratio('0.0000278') },
  { from: '2025-05-14', rate: ratio('0') },
];

/** FINRA Trading Activity Fee on sales, a share sold, at most so much a trade (FINRA By-Laws, Schedule A). */
const FINRA_ACTIVITY: Schedule<{ readonly perShare: Ratio; readonly max: Money }> = [
  { from: '2011-07-01', perShare: ratio('0.00009'), max: money('4.5') },
  { from: '2012-07-01', perShare: ratio('0.000119'), max: money('5.95') },
  { from: '2022-01-01', perShare: ratio('0.00013'), max: money('6.49') },
  { from: '2023-01-01', perShare: ratio('0.000145'), max: money('7.27') },
  { from: '2024-01-01', perShare: ratio('0.000166'), max: money('8.3') },
];

/** Lowest tier of a large US crypto venue (GDAX, then Coinbase Pro), as announced. */
const CRYPTO_SPOT: Schedule<{ readonly maker: Ratio; readonly taker: Ratio }> = [
  { from: '1970-01-01', maker: ratio('0'), taker: ratio('0.0025') },
  { from: '2018-04-05', maker: ratio('0'), taker: ratio('0.003') },
  { from: '2019-03-23', maker: ratio('0.0015'), taker: ratio('0.0025') },
  { from: '2019-10-08', maker: ratio('0.005'), taker: ratio('0.005') },
];

const CENT = money('0.01');
const CRYPTO_FEE_STEP = money('0.00000001');

function effective<R>(schedule: Schedule<R>, timeMs: number): R | undefined {
  const date = new Date(timeMs).toISOString().slice(0, 10);
  return schedule.findLast((row) => row.from <= date);
}

/**
 * Account currency, rounded up as brokers do. Index practice costs nothing, because an index can not be bought anywhere;
 * FX costs its spread alone, as at the retail dealers that quote both sides; Indian shares, futures and options cost what they cost at
 * a discount broker; what is neither there nor in the United States costs nothing until its venue's schedule is here.
 */
export function feeOf(instrument: Instrument, fill: Fill): Money {
  if (instrument.currency === 'INR')
    return indianCharges(instrument, { ...fill, product: fill.product ?? undefined });
  switch (instrument.assetClass) {
    case 'equity':
      return instrument.currency === 'USD' ? usEquityFee(instrument, fill) : ZERO_MONEY;
    case 'crypto':
    case 'perpetual':
      return cryptoFee(instrument, fill);
    case 'index':
    case 'fx':
    case 'future':
    case 'option':
      return ZERO_MONEY;
  }
}

function usEquityFee(instrument: Instrument, fill: Fill): Money {
  if (fill.side === 'buy') return ZERO_MONEY;
  const sec = effective(SEC_SECTION_31, fill.timeMs);
  const taf = effective(FINRA_ACTIVITY, fill.timeMs);
  const proceeds = value(fill.price, fill.qty, instrument.multiplier);
  const secFee =
    sec === undefined || isZero(sec.rate) ? ZERO_MONEY : roundUpTo(scale(proceeds, sec.rate), CENT);
  if (taf === undefined) return secFee;
  const uncapped = scale(money(text(fill.qty)), taf.perShare);
  return add(secFee, min(roundUpTo(uncapped, CENT), taf.max));
}

function cryptoFee(instrument: Instrument, fill: Fill): Money {
  const row = effective(CRYPTO_SPOT, fill.timeMs);
  if (row === undefined) return ZERO_MONEY;
  const traded = value(fill.price, fill.qty, instrument.multiplier);
  return roundUpTo(scale(traded, fill.liquidity === 'maker' ? row.maker : row.taker), CRYPTO_FEE_STEP);
}
