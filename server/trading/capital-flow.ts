/** What comes into an account or leaves it without a trade of ours: its equity moves, and nobody has gained or lost by it. */
import { subtract, text } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { moveStanding } from './account-standing.ts';
import { feedOf, type Line } from './line.ts';
import { marketDate, standing, writePnlDay } from './pnl.ts';

/**
 * Posts it, and moves what the account's profit, loss and drawdown are measured from by as much as the posting moved its equity: a
 * deposit hides no loss, and a withdrawal is none. Inside a transaction.
 */
export function postFlow(line: Line, account: AccountId, ref: string, post: () => void): void {
  const before = standing(line, account).equity;
  post();
  const amount = subtract(standing(line, account).equity, before);
  if (amount.eq('0')) return;
  line
    .prepare(
      'INSERT INTO account_flows (account_id, run, date, amount, ref, posted_at) VALUES (?, ?, ?, ?, ?, ?)',
    )
    .run(account, feedOf(line, account).run(), marketDate(line, account), text(amount), ref, line.wallMs());
  moveStanding(line, account, amount);
  writePnlDay(line, account);
}
