/** Profit and loss of an account by market date, per run of its tape. */
import {
  add,
  compare,
  type Money,
  money,
  quotient,
  subtract,
  sum,
  text,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { type AccountStart, startOf } from './account-start.ts';
import { flowsByDate } from './flow-rows.ts';
import { ACCOUNT_HOLDER, profit, unrealised } from './holdings.ts';
import { ledgerBalance } from './ledger.ts';
import { feedOf, instrumentOf, type Line } from './line.ts';
import { markOf } from './loss.ts';
import type { PnlDay, PnlTotals } from './views.ts';

interface Standing {
  readonly realisedTotal: Money;
  readonly unrealised: Money;
  readonly equity: Money;
}

/** Where an account stands now: its ledger cash plus what its holdings are worth at their marks. */
export function standing(line: Line, account: AccountId): Standing {
  let realisedTotal = ZERO_MONEY;
  let open = ZERO_MONEY;
  let cost = ZERO_MONEY;
  for (const holding of line.holdings.byHolder(ACCOUNT_HOLDER, account)) {
    const { multiplier } = instrumentOf(line, holding.instrument);
    realisedTotal = add(realisedTotal, subtract(holding.realised, holding.fees));
    cost = add(cost, holding.cost);
    const mark = markOf(line, holding) ?? holding.mark;
    if (mark !== null && !holding.qty.eq('0')) open = add(open, unrealised(holding, mark, multiplier));
  }
  const cash = ledgerBalance(line, account, 'cash');
  return { realisedTotal, unrealised: open, equity: add(add(cash, cost), open) };
}

/** The market date that the account's own feed is in. */
export function marketDate(line: Line, account: AccountId): string {
  const feed = feedOf(line, account);
  const [instrument] = feed.instruments();
  const phase = instrument && feed.phase(instrument.id);
  return phase?.tradingDate ?? new Date(feed.nowMs()).toISOString().slice(0, 10);
}

/** Writes the row of the current market date. Inside a transaction: at every fill and at the end of a session. */
export function writePnlDay(line: Line, account: AccountId): void {
  const now = standing(line, account);
  line
    .prepare(
      `INSERT INTO pnl_days (account_id, run, date, realised_total, unrealised, equity) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET realised_total = excluded.realised_total, unrealised = excluded.unrealised,
         equity = excluded.equity`,
    )
    .run(
      account,
      feedOf(line, account).run(),
      marketDate(line, account),
      text(now.realisedTotal),
      text(now.unrealised),
      text(now.equity),
    );
}

/** At a session's end: a day is kept when something is held or has changed since the last one. */
export function closePnlDay(line: Line, account: AccountId): void {
  const now = standing(line, account);
  const unchanged = openingOf(line, account, feedOf(line, account).run() + 1, '').equity.eq(now.equity);
  const flat = line.holdings.byHolder(ACCOUNT_HOLDER, account).every((holding) => holding.qty.eq('0'));
  if (flat && unchanged) return;
  line.store.transaction(() => writePnlDay(line, account));
}

interface DayRow {
  readonly run: number;
  readonly date: string;
  readonly realised_total: string;
  readonly unrealised: string;
  readonly equity: string;
}

/** How an account began a market day: as it ended the last one before, or as it started, the first time or anew. */
function openingOf(
  line: Line,
  account: AccountId,
  run: number,
  date: string,
): { readonly realisedTotal: Money; readonly equity: Money } {
  const start = startOf(line, account);
  const last = line
    .prepare<[string, number, number, string], DayRow>(
      `SELECT run, date, realised_total, unrealised, equity FROM pnl_days
       WHERE account_id = ? AND (run < ? OR (run = ? AND date < ?)) ORDER BY run DESC, date DESC LIMIT 1`,
    )
    .get(account, run, run, date);
  if (last === undefined || isBefore(last, start)) return start;
  return { realisedTotal: money(last.realised_total), equity: money(last.equity) };
}

const isBefore = (day: DayRow, start: AccountStart): boolean =>
  day.run < start.run || (day.run === start.run && day.date < start.date);

/**
 * Equity by our own books less equity at the end of the last market day (what the account started with before the first), and less what
 * came in without a trade.
 */
export function dayPnl(line: Line, account: AccountId): Money {
  const run = feedOf(line, account).run();
  const date = marketDate(line, account);
  const came = flowsByDate(line, account, { run, date }).get(date) ?? ZERO_MONEY;
  const { equity } = standing(line, account);
  return subtract(subtract(equity, openingOf(line, account, run, date).equity), came);
}

/** Days of the current run, oldest first, at most `days` calendar days back on the market clock, today included. */
export function pnlHistory(
  line: Line,
  account: AccountId,
  days: number,
): { readonly days: readonly PnlDay[]; readonly totals: PnlTotals } {
  const seen = pnlDays(line, account, days);
  return { days: seen.list, totals: { ...totalsOf(line, seen), ...tradeTotals(line, seen) } };
}

/** What every day and their totals follow from; trades are not looked at. */
interface PnlSeen {
  readonly account: AccountId;
  readonly run: number;
  readonly firstSeenMs: number;
  /** Executions up to here were before the account began anew. */
  readonly afterSeq: number;
  readonly opening: Money;
  readonly list: readonly PnlDay[];
  /** What came in or left without a trade, by date. */
  readonly flows: ReadonlyMap<string, Money>;
}

export function pnlDays(line: Line, account: AccountId, days: number): PnlSeen {
  const run = feedOf(line, account).run();
  const today = marketDate(line, account);
  const first = new Date(Date.parse(`${today}T00:00:00Z`) - (days - 1) * 86_400_000)
    .toISOString()
    .slice(0, 10);
  const start = startOf(line, account);
  const stored = line
    .prepare<[string, number, string, string], DayRow>(
      'SELECT run, date, realised_total, unrealised, equity FROM pnl_days WHERE account_id = ? AND run = ? AND date >= ? AND date < ? ORDER BY date',
    )
    .all(account, run, first, today)
    .filter((day) => !isBefore(day, start));
  const now = standing(line, account);
  const rows: DayRow[] = [
    ...stored,
    {
      run,
      date: today,
      realised_total: text(now.realisedTotal),
      unrealised: text(now.unrealised),
      equity: text(now.equity),
    },
  ];
  const opened = openingOf(line, account, run, first);
  const opening = opened.equity;
  const flows = flowsByDate(line, account, { run, date: first });
  let previousRealised = opened.realisedTotal;
  let peak = opening;
  const list: PnlDay[] = [];
  for (const row of rows) {
    const equity = money(row.equity);
    const total = money(row.realised_total);
    peak = add(peak, flows.get(row.date) ?? ZERO_MONEY);
    peak = compare(equity, peak) > 0 ? equity : peak;
    list.push({
      date: row.date,
      realised: subtract(total, previousRealised),
      unrealised: money(row.unrealised),
      equity,
      drawdown: subtract(equity, peak),
    });
    previousRealised = total;
  }
  return {
    account,
    run,
    firstSeenMs: Date.parse(`${first}T00:00:00Z`),
    afterSeq: start.executionSeq,
    opening,
    list,
    flows,
  };
}

const percent = (part: number, of: number): number | null =>
  of === 0 ? null : Math.round((part / of) * 10_000) / 100;

export function totalsOf(
  line: Line,
  { account, opening, list, flows }: PnlSeen,
): Omit<PnlTotals, 'trades' | 'winningTradesPct'> {
  const realised = sum(
    ZERO_MONEY,
    list.map((day) => day.realised),
  );
  let before = opening;
  let winning = 0;
  let moved = 0;
  let worst = 0;
  let peak = opening;
  let came = ZERO_MONEY;
  for (const day of list) {
    const flow = flows.get(day.date) ?? ZERO_MONEY;
    came = add(came, flow);
    peak = add(peak, flow);
    const change = compare(day.equity, add(before, flow));
    if (change !== 0) moved++;
    if (change > 0) winning++;
    before = day.equity;
    peak = compare(day.equity, peak) > 0 ? day.equity : peak;
    if (peak.gt('0')) worst = Math.min(worst, quotient(day.drawdown, peak));
  }
  const bySymbol = symbolsByProfit(line, account);
  return {
    realised,
    returnPct: opening.gt('0')
      ? Math.round(quotient(subtract(subtract(before, came), opening), opening) * 1_000_000) / 10_000
      : null,
    winningDaysPct: percent(winning, moved),
    maxDrawdownPct: Math.round(worst * 1_000_000) / 10_000,
    bestSymbol: bySymbol.at(0) ?? null,
    worstSymbol: bySymbol.at(-1) ?? null,
  };
}

function tradeTotals(
  line: Line,
  { account, run, firstSeenMs, afterSeq }: PnlSeen,
): Pick<PnlTotals, 'trades' | 'winningTradesPct'> {
  const trades = line
    .prepare<[string, number, number, number], { symbol: string; realised: string; fee: string }>(
      'SELECT symbol, realised, fee FROM executions WHERE account_id = ? AND run = ? AND market_time >= ? AND seq > ? ORDER BY seq',
    )
    .all(account, run, firstSeenMs, afterSeq);
  const closing = trades.filter((trade) => !money(trade.realised).plus(money(trade.fee)).eq('0'));
  return {
    trades: trades.length,
    winningTradesPct: percent(
      closing.filter((trade) => money(trade.realised).gt('0')).length,
      closing.length,
    ),
  };
}

/** Symbols by all they have earned, best first. */
function symbolsByProfit(line: Line, account: AccountId): readonly string[] {
  return line.holdings
    .byHolder(ACCOUNT_HOLDER, account)
    .map((holding) => {
      const instrument = instrumentOf(line, holding.instrument);
      return {
        symbol: instrument.symbol,
        earned: profit(holding, markOf(line, holding) ?? holding.mark, instrument.multiplier),
      };
    })
    .sort((a, b) => compare(b.earned, a.earned))
    .map((entry) => entry.symbol);
}
