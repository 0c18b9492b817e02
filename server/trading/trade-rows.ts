/** An execution as stored, and as it is shown. */
import { money, price, quantity } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import type { TradeRecord } from './views.ts';

export interface ExecutionRow {
  readonly seq: number;
  readonly execution_id: string;
  readonly order_id: string;
  readonly account_id: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  readonly market_time: number;
}

export const tradeOf = (row: ExecutionRow): TradeRecord => ({
  seq: row.seq,
  executionId: row.execution_id,
  orderId: row.order_id,
  account: accountId(row.account_id),
  symbol: row.symbol,
  side: row.side,
  qty: quantity(row.qty),
  price: price(row.price),
  fee: money(row.fee),
  timeMs: row.market_time,
});
