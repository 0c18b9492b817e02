/** Where an account began, the first time or anew: what its profit and loss count from. */
import { add, type Money, money, negate, text, ZERO_MONEY } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { allFlows } from './flow-rows.ts';
import { ledgerBalance } from './ledger.ts';
import type { Line } from './line.ts';

export interface AccountStart {
  /** Run of the tape and market date; 0 and '' where the account never began anew. */
  readonly run: number;
  readonly date: string;
  /** Since ever, fees included. */
  readonly realisedTotal: Money;
  readonly equity: Money;
  /** The last execution before it. */
  readonly executionSeq: number;
}

export function startOf(line: Line, account: AccountId): AccountStart {
  const row = line
    .prepare<
      [string],
      { run: number; date: string; realised_total: string; equity: string; execution_seq: number }
    >(
      `SELECT run, date, realised_total, equity, execution_seq FROM account_starts
       WHERE account_id = ? ORDER BY seq DESC LIMIT 1`,
    )
    .get(account);
  if (row === undefined) {
    // What came and went since was capital too, and is counted on its own day.
    const capital = negate(add(ledgerBalance(line, account, 'capital'), allFlows(line, account)));
    return { run: 0, date: '', realisedTotal: ZERO_MONEY, equity: capital, executionSeq: 0 };
  }
  return {
    run: row.run,
    date: row.date,
    realisedTotal: money(row.realised_total),
    equity: money(row.equity),
    executionSeq: row.execution_seq,
  };
}

export const isStarted = (line: Line, account: AccountId, restartId: string): boolean =>
  line
    .prepare('SELECT 1 FROM account_starts WHERE account_id = ? AND restart_id = ?')
    .get(account, restartId) !== undefined;

/** Inside the transaction that posts it. */
export function noteStart(
  line: Line,
  account: AccountId,
  restartId: string,
  { run, date, realisedTotal, equity }: Omit<AccountStart, 'executionSeq'>,
): void {
  line
    .prepare(
      `INSERT INTO account_starts (account_id, restart_id, run, date, realised_total, equity, execution_seq, posted_at)
       VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(seq), 0) FROM executions), ?)`,
    )
    .run(account, restartId, run, date, text(realisedTotal), text(equity), line.wallMs());
}
