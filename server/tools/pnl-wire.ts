/** Profit and loss by market date on the wire: its shape, and the records in it. */
import { z } from 'zod';
import { text } from '#domain/decimal.ts';
import type { PnlDay, PnlTotals } from '#trading/views.ts';
import { decimal } from './shapes.ts';

/** Statistics may be JSON numbers; money never. */
const statistic = z.number().nullable();

export const PnlShape = z.object({
  account: z.string(),
  days: z.array(
    z.object({
      date: z.string(),
      realised: decimal,
      unrealised: decimal,
      equity: decimal,
      drawdown: decimal,
    }),
  ),
  totals: z.object({
    realised: decimal,
    return_pct: statistic,
    winning_days_pct: statistic,
    trades: z.int(),
    winning_trades_pct: statistic,
    max_drawdown_pct: statistic,
    best_symbol: z.string().nullable(),
    worst_symbol: z.string().nullable(),
  }),
});

export function pnlDayWire(day: PnlDay) {
  return {
    date: day.date,
    realised: text(day.realised),
    unrealised: text(day.unrealised),
    equity: text(day.equity),
    drawdown: text(day.drawdown),
  };
}

export function pnlTotalsWire(totals: PnlTotals) {
  return {
    realised: text(totals.realised),
    return_pct: totals.returnPct,
    winning_days_pct: totals.winningDaysPct,
    trades: totals.trades,
    winning_trades_pct: totals.winningTradesPct,
    max_drawdown_pct: totals.maxDrawdownPct,
    best_symbol: totals.bestSymbol,
    worst_symbol: totals.worstSymbol,
  };
}
