// What the books say of orders, executions, money and positions, to be compared before and after.
import type { Store } from '#store/open.ts';

const TABLES: Readonly<Record<string, string>> = {
  // A refused commit leaves its own row, which stands for nothing.
  orders:
    "SELECT order_id, status, qty, filled_qty, limit_price, stop_price, trail_percent, trail_price FROM orders WHERE status <> 'refused' ORDER BY seq",
  executions: 'SELECT count(*) AS count, max(seq) AS last FROM executions',
  ledger: 'SELECT count(*) AS count, max(rowid) AS last FROM ledger',
  balances: 'SELECT * FROM ledger_balances',
  holdings: 'SELECT holder, account_id, instrument_id, qty, cost, realised, fees FROM holdings',
  usage: 'SELECT * FROM usage',
  reservations: 'SELECT * FROM reservations',
};

export const books = (store: Pick<Store, 'db'>): Readonly<Record<string, readonly unknown[]>> =>
  Object.fromEntries(Object.entries(TABLES).map(([name, sql]) => [name, store.db.prepare(sql).all()]));
