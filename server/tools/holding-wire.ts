/** Holdings on the wire: their shape, and the records in it. */
import { z } from 'zod';
import { text } from '#domain/decimal.ts';
import { PRODUCTS } from '#domain/order.ts';
import type { HoldingView } from '#trading/views.ts';
import { decimal } from './shapes.ts';

export const HoldingShape = z.object({
  account: z.string(),
  symbol: z.string(),
  qty: decimal,
  unsettled_qty: decimal,
  locked_qty: decimal,
  avg_price: decimal.nullable(),
  market_price: decimal.nullable(),
  product: z.enum(PRODUCTS).optional(),
  source: z.enum(['broker', 'positions']),
});

export const holdingWire = (view: HoldingView): z.output<typeof HoldingShape> => ({
  account: view.account,
  symbol: view.symbol,
  qty: text(view.qty),
  unsettled_qty: text(view.unsettledQty),
  locked_qty: text(view.lockedQty),
  avg_price: view.avgPrice === null ? null : text(view.avgPrice),
  market_price: view.marketPrice === null ? null : text(view.marketPrice),
  ...(view.product === undefined ? {} : { product: view.product }),
  source: view.source,
});
