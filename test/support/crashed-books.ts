/** Reads a data folder from outside and says where the gateway's books and the paper broker's do not tell the same story. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import Big from 'big.js';

export interface Books {
  /** What is wrong, a sentence each; a moment between a broker's commit and its posting may show as one: ask again. */
  faults(): readonly string[];
  /** What must be true once nothing works and nothing is held: nothing stays reserved. */
  leftovers(): readonly string[];
  count(table: 'orders' | 'executions' | 'paper_orders' | 'audit'): number;
  /** Orders that a restart found without an answer of the broker. */
  interrupted(): number;
  closes(): number;
  orderOfTag(tag: string): readonly string[];
  close(): void;
}

type Row = Readonly<Record<string, string | number | null>>;

/** Each gives no row in whole books. */
const NEVER: { readonly [what: string]: string } = {
  'a key with two orders': `SELECT tag, count(*) AS orders FROM orders WHERE tag IS NOT NULL AND role = 'entry'
    GROUP BY tag HAVING count(*) > 1`,
  'an order of the broker that the gateway does not know': `SELECT p.broker_client_id FROM paper_orders p
    LEFT JOIN orders o USING (account_id, broker_client_id) WHERE o.order_id IS NULL`,
  'an order that was sent and that the broker does not know': `SELECT o.order_id, o.status FROM orders o
    LEFT JOIN paper_orders p USING (account_id, broker_client_id)
    WHERE p.broker_order_id IS NULL AND o.status NOT IN ('refused', 'rejected') AND o.origin <> 'settlement'`,
  'an unsettled order': `SELECT order_id, status FROM orders WHERE status IN ('received', 'submitting', 'unknown')`,
  'two stories of one order': `SELECT o.order_id, o.status, o.filled_qty, p.state ->> '$.status' AS told,
      p.state ->> '$.filledQty' AS told_filled
    FROM orders o JOIN paper_orders p USING (account_id, broker_client_id)
    WHERE o.status <> told OR o.filled_qty <> told_filled OR o.broker_order_id <> p.broker_order_id
      OR o.qty <> p.state ->> '$.qty'`,
  'an execution that was lost': `SELECT p.state ->> '$.executionId' AS id FROM paper_history p
    LEFT JOIN executions e ON e.account_id = p.account_id AND e.execution_id = p.state ->> '$.executionId'
    WHERE p.kind = 'execution' AND e.seq IS NULL`,
  'an execution that the broker never made': `SELECT e.execution_id FROM executions e
    LEFT JOIN paper_history p ON p.kind = 'execution' AND p.account_id = e.account_id
      AND p.state ->> '$.executionId' = e.execution_id
    WHERE p.seq IS NULL AND e.execution_id NOT LIKE 'ps-%'`,
  'an execution told differently': `SELECT e.execution_id FROM executions e
    JOIN paper_history p ON p.kind = 'execution' AND p.account_id = e.account_id
      AND p.state ->> '$.executionId' = e.execution_id
    JOIN orders o USING (order_id)
    WHERE o.broker_client_id <> p.state ->> '$.brokerClientId' OR e.side <> p.state ->> '$.side'
      OR e.qty <> p.state ->> '$.qty' OR e.price <> p.state ->> '$.price' OR e.fee <> p.state ->> '$.fee'`,
  'an order that nobody placed': `SELECT order_id FROM orders WHERE origin NOT IN ('agent', 'close', 'settlement')`,
  'a holder that is nobody, or short': `SELECT holder, qty FROM holdings
    WHERE (holder <> '*' AND holder NOT LIKE 'agt_%') OR qty LIKE '-%'`,
  'an event of the record that tells of a gap': `SELECT seq, kind FROM audit
    WHERE kind IN ('reconcile.mismatch', 'reconcile.failed', 'broker.event_failed')`,
  'an order counted twice, or not at all': `SELECT (SELECT coalesce(sum(orders), 0) FROM usage) AS counted,
      (SELECT count(*) FROM orders WHERE effect = 'adding' AND role = 'entry' AND status <> 'refused') AS cleared
    WHERE counted <> cleared`,
};

export function openBooks(dataFolder: string, file = 'portcullis.db'): Books {
  const db = new Database(join(dataFolder, file), { readonly: true });
  db.pragma('busy_timeout = 2000');
  const rows = (sql: string): readonly Row[] => db.prepare<[], Row>(sql).all();
  const text = (sql: string): string =>
    String(db.prepare<[], string | number | null>(sql).pluck().get() ?? '0');
  const sum = (sql: string): Big =>
    db
      .prepare<[], string>(sql)
      .pluck()
      .all()
      .reduce((total, one) => total.plus(one), new Big(0));
  const number = (sql: string): number => Number(text(sql));

  function differences(): readonly string[] {
    const found: string[] = [];
    const same = (what: string, ours: Big | string, theirs: Big | string): void => {
      if (!new Big(ours).eq(theirs)) found.push(`${what}: ${String(ours)} here, ${String(theirs)} there`);
    };
    const paper = JSON.parse(text('SELECT state FROM paper_accounts')) as {
      cash: string;
      positions: [string, { qty: string }][];
    };
    same('cash', text(`SELECT amount FROM ledger_balances WHERE entry = 'cash'`), paper.cash);
    for (const row of rows('SELECT entry, amount FROM ledger_balances')) {
      const posted = sum(`SELECT amount FROM ledger WHERE entry = '${row['entry']}'`);
      same(`sum of ${row['entry']}`, posted, String(row['amount']));
    }
    const held = sum(`SELECT qty FROM holdings WHERE holder = '*'`);
    same('position', held, paper.positions[0]?.[1].qty ?? '0');
    same('what agents hold', sum(`SELECT qty FROM holdings WHERE holder <> '*'`), held);
    const bought = sum(`SELECT iif(side = 'buy', qty, '-' || qty) FROM executions`);
    same('what executions add up to', bought, held);
    for (const row of rows('SELECT order_id, filled_qty FROM orders')) {
      const filled = sum(`SELECT qty FROM executions WHERE order_id = '${row['order_id']}'`);
      same(`executions of ${row['order_id']}`, filled, String(row['filled_qty']));
    }
    return found;
  }

  return {
    faults: db.transaction(() => [
      ...Object.entries(NEVER).flatMap(([what, sql]) =>
        rows(sql)
          .slice(0, 5)
          .map((row) => `${what}: ${JSON.stringify(row)}`),
      ),
      ...differences(),
    ]),
    leftovers: db.transaction(() =>
      [
        `SELECT order_id, status FROM orders WHERE status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired')`,
        `SELECT * FROM reservations WHERE value <> '0' OR open_orders <> 0`,
        `SELECT holder, qty FROM holdings WHERE qty <> '0'`,
      ].flatMap((sql) => rows(sql).map((row) => JSON.stringify(row))),
    ),
    count: (table) => number(`SELECT count(*) FROM ${table}`),
    interrupted: () =>
      number(
        `SELECT count(*) FROM order_timeline WHERE detail LIKE 'the gateway ended before the broker answered%'`,
      ),
    closes: () => number(`SELECT count(*) FROM orders WHERE origin = 'close'`),
    orderOfTag: (tag) =>
      db
        .prepare<[string], string>(`SELECT order_id FROM orders WHERE tag = ? AND role = 'entry'`)
        .pluck()
        .all(tag),
    close: () => void db.close(),
  };
}
