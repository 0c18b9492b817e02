/** The orders that are not final: every question about them, none of which reads the others. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { Side } from '#domain/order.ts';
import { type AccountId, type AgentId, agentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { fromRow, type OrderRow, type StoredOrder, WORKING } from './order-rows.ts';

export interface WorkingOrders {
  /** Not final, oldest first. */
  working(filter: {
    readonly agent?: AgentId;
    readonly account?: AccountId;
    readonly instrument?: InstrumentId;
  }): readonly StoredOrder[];
  /** Agents that have working orders. */
  workingAgents(): readonly AgentId[];
  /** Working orders that take something of a position now: legs whose entry has filled nothing yet are left out. */
  reducing(filter: {
    readonly account: AccountId;
    readonly instrument: InstrumentId;
    readonly side: Side;
  }): readonly StoredOrder[];
  /** An agent's working orders that reduce, legs that wait for their entry included. */
  reductionsOf(filter: {
    readonly agent: AgentId;
    readonly account: AccountId;
    readonly instrument: InstrumentId;
  }): readonly StoredOrder[];
  /** Orders whose outcome at the broker is not known (yet): `submitting` and `unknown`. */
  unsettled(account: AccountId): readonly StoredOrder[];
  /** Whether a change or a cancel waits for the broker's word. */
  isAwaiting(account: AccountId): boolean;
  countWorking(): number;
}

/** Sorted here: SQLite plans a statement that sorts or joins by what is bound anew with every call, at many times its cost. */
export const oldestFirst = (rows: OrderRow[]): readonly StoredOrder[] =>
  rows.sort((a, b) => a.seq - b.seq).map(fromRow);

export function workingOrders({ db }: Store): WorkingOrders {
  const working = db.prepare<[Record<string, string | null>], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_working WHERE ${WORKING}
       AND (@agent IS NULL OR agent_id = @agent)
       AND (@account IS NULL OR account_id = @account)
       AND (@instrument IS NULL OR instrument_id = @instrument)`,
  );
  const workingOfAgent = db.prepare<[string, string, string], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_working WHERE ${WORKING} AND agent_id = ? AND account_id = ? AND instrument_id = ?`,
  );
  const workingAgents = db
    .prepare<[], string>(`SELECT DISTINCT agent_id FROM orders INDEXED BY orders_working WHERE ${WORKING}`)
    .pluck();
  const reducing = db.prepare<[string, string, string], OrderRow>(
    `SELECT * FROM orders leg INDEXED BY orders_reducing
     WHERE effect = 'reducing' AND ${WORKING} AND account_id = ? AND instrument_id = ? AND side = ?
       AND NOT EXISTS (SELECT 1 FROM orders entry WHERE entry.order_id = leg.parent_order_id AND entry.filled_qty = '0')`,
  );
  const reductions = db.prepare<[string, string, string], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_reducing
     WHERE effect = 'reducing' AND ${WORKING} AND account_id = ? AND instrument_id = ? AND agent_id = ?`,
  );
  const awaiting = db.prepare<[string]>(
    `SELECT 1 FROM orders INDEXED BY orders_awaiting WHERE account_id = ? AND status IN ('pending_replace', 'pending_cancel') LIMIT 1`,
  );
  const unsettled = db.prepare<[string], OrderRow>(
    `SELECT * FROM orders INDEXED BY orders_unsettled WHERE account_id = ? AND status IN ('submitting', 'unknown')`,
  );
  const countWorking = db.prepare<[], number>(`SELECT count(*) FROM orders WHERE ${WORKING}`).pluck();

  return {
    working({ agent, account, instrument }) {
      if (agent !== undefined && account !== undefined && instrument !== undefined) {
        return oldestFirst(workingOfAgent.all(agent, account, instrument));
      }
      return oldestFirst(
        working.all({ agent: agent ?? null, account: account ?? null, instrument: instrument ?? null }),
      );
    },
    workingAgents: () => workingAgents.all().map(agentId),
    reducing: ({ account, instrument, side }) => oldestFirst(reducing.all(account, instrument, side)),
    reductionsOf: ({ agent, account, instrument }) => oldestFirst(reductions.all(account, instrument, agent)),
    isAwaiting: (account) => awaiting.get(account) !== undefined,
    unsettled: (account) => oldestFirst(unsettled.all(account)),
    countWorking: () => countWorking.get() ?? 0,
  };
}
