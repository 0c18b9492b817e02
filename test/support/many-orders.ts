/** A long life's orders and fills, written straight into a store: agents, accounts, symbols and outcomes in fixed shares. */
import type { Store } from '#store/open.ts';

export const FIRST_ORDER_MS = Date.UTC(2026, 0, 1);
/** Every order this long after the one before. */
export const ORDER_EVERY_MS = 1_000;
export const MANY_AGENTS = ['busy', 'calm', 'quick', 'quiet', 'steady'] as const;

/**
 * Orders 1 to `count`: a tenth the owner's, the rest of five agents; two thirds in `paper`, one in `second`; SPX, AAPL and, one in
 * seven, BTC/USD; three fifths buys; of a hundred 80 filled, 10 canceled, 4 refused, 3 expired, 3 rejected, and the newest few
 * still open. One in four has a client order id (`c-` and its number); one in ten is missing from the sequence.
 */
export function manyOrders(store: Store, count: number): void {
  store.transaction(() => {
    const agent = store.db.prepare('INSERT OR IGNORE INTO agents (id, name, created_at) VALUES (?, ?, 0)');
    for (const [index, name] of MANY_AGENTS.entries()) agent.run(`agt_${index}`, name);
    store.db
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @count)
         INSERT INTO orders (seq, order_id, agent_id, credential, account_id, instrument_id, symbol, client_order_id,
           broker_client_id, broker_order_id, role, origin, effect, side, type, time_in_force, qty, limit_price, post_only,
           reduce_only, extended_hours, tag, status, filled_qty, filled_value, unit_value, run, mandate_day, created_at, updated_at)
         SELECT i, 'ord_' || i, CASE WHEN i % 10 = 7 THEN 'owner' ELSE 'agt_' || (i % 5) END, 'key_1',
           CASE WHEN i % 3 = 0 THEN 'second' ELSE 'paper' END, 'INDEX:SPX',
           CASE WHEN i % 7 < 3 THEN 'SPX' WHEN i % 7 < 6 THEN 'AAPL' ELSE 'BTC/USD' END,
           CASE WHEN i % 4 = 0 THEN 'c-' || i END, 'pc_' || i, 'b' || i, 'entry', 'agent', 'adding',
           CASE WHEN (i * 7919) % 5 < 3 THEN 'buy' ELSE 'sell' END, 'limit', 'gtc', '2', '1400.25', 0, 0, 0, 'mean-reversion',
           CASE WHEN i > @count - 25 AND i % 5 = 1 THEN 'open' WHEN i % 100 < 80 THEN 'filled' WHEN i % 100 < 90 THEN 'canceled'
             WHEN i % 100 < 94 THEN 'refused' WHEN i % 100 < 97 THEN 'expired' ELSE 'rejected' END,
           '2', '2800.5', '1407.25', 1, '2026-01-01', @first + i * @every, @first + i * @every + 500
         FROM n WHERE i % 10 <> 3`,
      )
      .run({ count, first: FIRST_ORDER_MS, every: ORDER_EVERY_MS });
    store.db.exec(
      `INSERT INTO executions (account_id, execution_id, order_id, agent_id, instrument_id, symbol, side, qty, price, fee,
         realised, market_time, run, posted_at)
       SELECT account_id, 'px-' || seq, order_id, agent_id, instrument_id, symbol, side, '2', '1400.25', '0.1', '-0.1',
         created_at, 1, updated_at FROM orders WHERE status = 'filled' ORDER BY seq`,
    );
  });
}
