/** The table of what came into accounts and left them without a trade, by market date. */
import { add, type Money, money, sum, ZERO_MONEY } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import type { Line } from './line.ts';

/** Of one run, from a date on; the first name of each day that had any. */
export function flowsByDate(
  line: Line,
  account: AccountId,
  since: { readonly run: number; readonly date: string },
): ReadonlyMap<string, Money> {
  const rows = line
    .prepare<[string, number, string], { date: string; amount: string }>(
      'SELECT date, amount FROM account_flows WHERE account_id = ? AND run = ? AND date >= ?',
    )
    .all(account, since.run, since.date);
  const flows = new Map<string, Money>();
  for (const { date, amount } of rows) flows.set(date, add(flows.get(date) ?? ZERO_MONEY, money(amount)));
  return flows;
}

/** All there ever were. */
export const allFlows = (line: Line, account: AccountId): Money =>
  sum(
    ZERO_MONEY,
    line
      .prepare<[string], string>('SELECT amount FROM account_flows WHERE account_id = ?')
      .pluck()
      .all(account)
      .map(money),
  );
