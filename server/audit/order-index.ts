/** Which lines of the record are of which order: an index that follows some lines behind, and the lines it has not reached yet. */
import { AUDIT_ORDERS_BEHIND_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';

/** A look at an order says nothing of the order, and an agent that polls would bury what does. */
const OF_AN_ORDER = `instr(line, '"order_id":') > 0 AND typeof(line ->> '$.detail.order_id') = 'text'
  AND coalesce(line ->> '$.scope', '') NOT GLOB 'read:*'`;

export interface OrderIndexer {
  /** Told inside the transaction of each line that is appended. */
  appended(seq: number): void;
}

/**
 * The lines of one order come apart in time, each an entry on a page of its own: in batches, sorted, the entries of one order share
 * one. Nothing is lost by a crash, because what is behind is read from the lines themselves.
 */
export function openOrderIndexer(store: Store): OrderIndexer {
  const select = store.db.prepare<[], number>('SELECT last_seq FROM audit_orders_indexed').pluck();
  const insert = store.db.prepare(
    `INSERT INTO audit_orders (order_id, seq) SELECT line ->> '$.detail.order_id', seq FROM audit
     WHERE seq > ? AND seq <= ? AND ${OF_AN_ORDER} ORDER BY 1, 2`,
  );
  const move = store.db.prepare('UPDATE audit_orders_indexed SET last_seq = ?');
  let indexed = select.get() ?? 0;
  let moved = false;
  store.onBegin(() => {
    // The transaction that moved it may have been rolled back.
    if (moved) indexed = select.get() ?? 0;
    moved = false;
  });
  return {
    appended(seq) {
      if (seq - indexed < AUDIT_ORDERS_BEHIND_MAX) return;
      // Another process may have moved it on: what it has entered can not be entered again.
      indexed = select.get() ?? 0;
      if (seq - indexed < AUDIT_ORDERS_BEHIND_MAX) return;
      insert.run(indexed, seq);
      move.run(seq);
      indexed = seq;
      moved = true;
    },
  };
}

/** Reads the lines of one order by their seq, on the given side of `from` (exclusive), nearest first. */
export function orderLines({ db }: Pick<Store, 'db'>) {
  const of = (compare: '<' | '>', order: 'DESC' | 'ASC') =>
    db
      .prepare<{ id: string; from: number; limit: number }, number>(
        `SELECT seq FROM audit_orders WHERE order_id = :id AND seq ${compare} :from
         UNION ALL
         SELECT seq FROM audit WHERE seq > (SELECT last_seq FROM audit_orders_indexed) AND seq ${compare} :from
           AND instr(line, :id) > 0 AND ${OF_AN_ORDER} AND line ->> '$.detail.order_id' = :id
         ORDER BY seq ${order} LIMIT :limit`,
      )
      .pluck();
  const older = of('<', 'DESC');
  const newer = of('>', 'ASC');
  return (id: string, at: { readonly from: number; readonly newestFirst: boolean; readonly limit: number }) =>
    (at.newestFirst ? older : newer).all({ id, from: at.from, limit: at.limit });
}
