/** What a trade costs at an Indian discount broker, by segment and date: rows are data, and a new schedule is a new row. */
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
  subtract,
  sum,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Product, Side } from '#domain/order.ts';

/** Shares delivered, shares within the day, futures, options (on their premium). */
export type IndianSegment = 'delivery' | 'intraday' | 'futures' | 'options';

interface Charges {
  /** The day in India from which it holds. */
  readonly from: string;
  /** Of the value traded, and at most so much an executed order; `rate` null: the flat amount. */
  readonly brokerage: { readonly rate: Ratio | null; readonly max: Money };
  /** Securities transaction tax. */
  readonly sttBuy: Ratio;
  readonly sttSell: Ratio;
  readonly exchange: Ratio;
  readonly sebi: Ratio;
  /** On purchases. */
  readonly stamp: Ratio;
  /** Goods and services tax on brokerage and exchange, later on the fee of SEBI too. */
  readonly gst: Ratio;
  readonly gstOnSebi: boolean;
}

const TWENTY = money('20');
const NONE = { rate: ratio('0'), max: ZERO_MONEY };
const CAPPED = { rate: ratio('0.0003'), max: TWENTY };
const FLAT = { rate: null, max: TWENTY };
const COMMON = { sebi: ratio('0.000001'), gst: ratio('0.18') };
const nothing = ratio('0');

/**
 * From 2020-07-01 the uniform stamp duty holds. NSE and BSE charge one rate for all from 2024-10-01; the tax on futures and options
 * rose on that day, and again by the Finance Act 2026. Depository charges, which come by day and scrip, are not those of a trade.
 */
const SCHEDULE: { readonly [segment in IndianSegment]: readonly Charges[] } = {
  delivery: [
    {
      from: '2020-07-01',
      ...COMMON,
      brokerage: NONE,
      sttBuy: ratio('0.001'),
      sttSell: ratio('0.001'),
      exchange: ratio('0.0000345'),
      stamp: ratio('0.00015'),
      gstOnSebi: false,
    },
    {
      from: '2024-10-01',
      ...COMMON,
      brokerage: NONE,
      sttBuy: ratio('0.001'),
      sttSell: ratio('0.001'),
      exchange: ratio('0.0000297'),
      stamp: ratio('0.00015'),
      gstOnSebi: true,
    },
  ],
  intraday: [
    {
      from: '2020-07-01',
      ...COMMON,
      brokerage: CAPPED,
      sttBuy: nothing,
      sttSell: ratio('0.00025'),
      exchange: ratio('0.0000345'),
      stamp: ratio('0.00003'),
      gstOnSebi: false,
    },
    {
      from: '2024-10-01',
      ...COMMON,
      brokerage: CAPPED,
      sttBuy: nothing,
      sttSell: ratio('0.00025'),
      exchange: ratio('0.0000297'),
      stamp: ratio('0.00003'),
      gstOnSebi: true,
    },
  ],
  futures: [
    {
      from: '2020-07-01',
      ...COMMON,
      brokerage: CAPPED,
      sttBuy: nothing,
      sttSell: ratio('0.0001'),
      exchange: ratio('0.00002'),
      stamp: ratio('0.00002'),
      gstOnSebi: true,
    },
    {
      from: '2023-04-01',
      ...COMMON,
      brokerage: CAPPED,
      sttBuy: nothing,
      sttSell: ratio('0.000125'),
      exchange: ratio('0.000019'),
      stamp: ratio('0.00002'),
      gstOnSebi: true,
    },
    {
      from: '2024-10-01',
      ...COMMON,
      brokerage: CAPPED,
      sttBuy: nothing,
      sttSell: ratio('0.0002'),
      exchange: ratio('0.0000173'),
      stamp: ratio('0.00002'),
      gstOnSebi: true,
    },
    {
      from: '2026-04-01',
      ...COMMON,
      brokerage: CAPPED,
      sttBuy: nothing,
      sttSell: ratio('0.0005'),
      exchange: ratio('0.0000173'),
      stamp: ratio('0.00002'),
      gstOnSebi: true,
    },
  ],
  options: [
    {
      from: '2020-07-01',
      ...COMMON,
      brokerage: FLAT,
      sttBuy: nothing,
      sttSell: ratio('0.0005'),
      exchange: ratio('0.00053'),
      stamp: ratio('0.00003'),
      gstOnSebi: true,
    },
    {
      from: '2023-04-01',
      ...COMMON,
      brokerage: FLAT,
      sttBuy: nothing,
      sttSell: ratio('0.000625'),
      exchange: ratio('0.0005'),
      stamp: ratio('0.00003'),
      gstOnSebi: true,
    },
    {
      from: '2024-10-01',
      ...COMMON,
      brokerage: FLAT,
      sttBuy: nothing,
      sttSell: ratio('0.001'),
      exchange: ratio('0.0003503'),
      stamp: ratio('0.00003'),
      gstOnSebi: true,
    },
    {
      from: '2026-04-01',
      ...COMMON,
      brokerage: FLAT,
      sttBuy: nothing,
      sttSell: ratio('0.0015'),
      exchange: ratio('0.0003503'),
      stamp: ratio('0.00003'),
      gstOnSebi: true,
    },
  ],
};

/** Which schedule an instrument falls under; shares without a product are delivered. */
export function segmentOf(instrument: Instrument, product: Product | undefined): IndianSegment | undefined {
  switch (instrument.assetClass) {
    case 'equity':
      return product === 'mis' ? 'intraday' : 'delivery';
    case 'future':
      return 'futures';
    case 'option':
      return 'options';
    case 'index':
    case 'crypto':
    case 'fx':
    case 'perpetual':
      return undefined;
  }
}

export interface IndianFill {
  readonly side: Side;
  readonly product: Product | undefined;
  readonly qty: Quantity;
  readonly price: Price;
  readonly timeMs: number;
  /** What its order had traded before it: brokerage is capped by the executed order, not by the fill. */
  readonly orderTraded?: Money;
}

const PAISA = money('0.01');
const INDIA_AHEAD_MS = 19_800_000;

/** In rupees, each fill's total rounded up to the paisa; nothing before the first row, and nothing for what is not traded there. */
export function indianCharges(instrument: Instrument, fill: IndianFill): Money {
  const segment = segmentOf(instrument, fill.product);
  const date = new Date(fill.timeMs + INDIA_AHEAD_MS).toISOString().slice(0, 10);
  const row = segment === undefined ? undefined : SCHEDULE[segment].findLast(({ from }) => from <= date);
  if (row === undefined) return ZERO_MONEY;
  const traded = value(fill.price, fill.qty, instrument.multiplier);
  const before = fill.orderTraded ?? ZERO_MONEY;
  const brokerage = subtract(brokerageOf(row, add(before, traded)), brokerageOf(row, before));
  const exchange = scale(traded, row.exchange);
  const sebi = scale(traded, row.sebi);
  const taxed = sum(brokerage, row.gstOnSebi ? [exchange, sebi] : [exchange]);
  const isBuy = fill.side === 'buy';
  const total = sum(brokerage, [
    exchange,
    sebi,
    scale(traded, isBuy ? row.sttBuy : row.sttSell),
    isBuy ? scale(traded, row.stamp) : ZERO_MONEY,
    scale(taxed, row.gst),
  ]);
  return roundUpTo(total, PAISA);
}

function brokerageOf({ brokerage: { rate, max } }: Charges, traded: Money): Money {
  if (!traded.gt('0')) return ZERO_MONEY;
  return rate === null ? max : min(scale(traded, rate), max);
}
