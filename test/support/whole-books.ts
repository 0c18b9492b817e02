/** What books must be at every moment: balanced, in agreement with the broker, and each execution in them once. */
import { expect } from 'vitest';
import { add, money, quantity, sum, ZERO_MONEY, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { TradingRoom } from './trading-room.ts';

/** Everything that has to hold at every moment. */
export async function expectWhole(room: Pick<TradingRoom, 'store' | 'adapter'>): Promise<void> {
  const { db } = room.store;
  const postings = db.prepare('SELECT ref, amount FROM ledger').all() as readonly {
    ref: string;
    amount: string;
  }[];
  const byRef = new Map<string, string[]>();
  for (const { ref, amount } of postings) byRef.set(ref, [...(byRef.get(ref) ?? []), amount]);
  for (const [ref, amounts] of byRef) {
    expect(sum(ZERO_MONEY, amounts.map(money)).toFixed(), `posting ${ref}`).toBe('0');
  }
  const balance = await room.adapter.balance();
  expect(db.prepare(`SELECT amount FROM ledger_balances WHERE entry = 'cash'`).pluck().get()).toBe(
    balance.cash.toFixed(),
  );
  const cash = sum(
    ZERO_MONEY,
    (db.prepare(`SELECT amount FROM ledger WHERE entry = 'cash'`).pluck().all() as readonly string[]).map(
      money,
    ),
  );
  expect(cash.toFixed()).toBe(balance.cash.toFixed());

  const [position] = await room.adapter.positions();
  const holdings = db.prepare('SELECT holder, qty FROM holdings').all() as readonly {
    holder: string;
    qty: string;
  }[];
  const account = holdings.find((row) => row.holder === '*')?.qty ?? '0';
  expect(account).toBe(position?.qty.toFixed() ?? '0');
  const held = holdings
    .filter((row) => row.holder !== '*')
    .reduce((total, row) => add(total, quantity(row.qty)), ZERO_QUANTITY);
  expect(held.toFixed()).toBe(account);

  const executions = db.prepare('SELECT count(*) FROM executions').pluck().get();
  const distinct = db.prepare('SELECT count(DISTINCT execution_id) FROM executions').pluck().get();
  expect(executions).toBe(distinct);
}
