/** Alpaca's payloads as this adapter reads them: every figure a decimal string, unknown fields ignored, unknown words kept. */
import { z } from 'zod';
import { isDecimalText } from '#domain/decimal.ts';

/** Written as text or as a number of JSON, which `parseExact` gives as text too. */
const decimal = z.string().refine(isDecimalText, 'not a decimal');
const maybeDecimal = decimal.nullish();
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'not a time');

export const orderPayload = z.object({
  id: z.string().min(1).max(64),
  client_order_id: z.string().max(128),
  created_at: time,
  updated_at: time.nullish(),
  submitted_at: time.nullish(),
  filled_at: time.nullish(),
  asset_id: z.string().nullish(),
  asset_class: z.string().nullish(),
  symbol: z.string().max(40),
  qty: maybeDecimal,
  notional: maybeDecimal,
  filled_qty: maybeDecimal,
  /** Empty for an order in several legs. */
  side: z.string().max(20),
  type: z.string().max(40),
  time_in_force: z.string().max(20),
  limit_price: maybeDecimal,
  stop_price: maybeDecimal,
  trail_price: maybeDecimal,
  trail_percent: maybeDecimal,
  extended_hours: z.boolean().nullish(),
  status: z.string().max(40),
  replaces: z.string().max(64).nullish(),
  replaced_by: z.string().max(64).nullish(),
});
export type OrderPayload = z.output<typeof orderPayload>;

export const fillPayload = z.object({
  id: z.string().min(1).max(120),
  activity_type: z.string(),
  transaction_time: time,
  price: decimal,
  qty: decimal,
  /** `sell_short` is how the history spells what the order calls sell. */
  side: z.enum(['buy', 'sell', 'sell_short']),
  symbol: z.string().max(40),
  order_id: z.string().max(64),
});
export type FillPayload = z.output<typeof fillPayload>;

export const accountPayload = z.object({
  id: z.string(),
  status: z.string(),
  currency: z.string().default('USD'),
  cash: decimal,
  equity: decimal,
  buying_power: decimal,
  non_marginable_buying_power: maybeDecimal,
  multiplier: decimal.default('1'),
  shorting_enabled: z.boolean().default(false),
  trading_blocked: z.boolean().default(false),
  account_blocked: z.boolean().default(false),
  trade_suspended_by_user: z.boolean().default(false),
  crypto_tier: decimal.nullish(),
});
export type AccountPayload = z.output<typeof accountPayload>;

export const clockPayload = z.object({ timestamp: time });

export const positionPayload = z.object({
  asset_id: z.string().nullish(),
  symbol: z.string().max(40),
  asset_class: z.string().nullish(),
  qty: decimal,
  side: z.string(),
});

export const assetPayload = z.object({
  id: z.string(),
  class: z.string(),
  exchange: z.string(),
  symbol: z.string(),
  name: z.string(),
  status: z.string(),
  tradable: z.boolean(),
  shortable: z.boolean().default(false),
  fractionable: z.boolean().default(false),
  min_order_size: maybeDecimal,
  min_trade_increment: maybeDecimal,
  price_increment: maybeDecimal,
});
export type AssetPayload = z.output<typeof assetPayload>;

export const quotePayload = z.object({ t: time, bp: decimal, bs: decimal, ap: decimal, as: decimal });
export type QuotePayload = z.output<typeof quotePayload>;
export const tradePayload = z.object({ t: time, p: decimal });
export const snapshotPayload = z.object({
  latestQuote: quotePayload.nullish(),
  latestTrade: tradePayload.nullish(),
});
export const barPayload = z.object({ t: time, o: decimal, h: decimal, l: decimal, c: decimal, v: decimal });
export const barsPayload = z.object({
  bars: z.record(z.string(), z.array(barPayload)).nullish(),
  next_page_token: z.string().nullish(),
});
const level = z.object({ p: decimal, s: decimal });
export const orderbooksPayload = z.object({
  orderbooks: z.record(z.string(), z.object({ t: time, b: z.array(level), a: z.array(level) })),
});

export const errorPayload = z.object({ code: z.string().optional(), message: z.string().optional() });

export const orderMessage = z.object({
  stream: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export const tradeUpdate = z.object({ event: z.string(), order: orderPayload });

/** Epoch ms of a time with any number of fraction digits. */
export const msOf = (text: string): number => Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
