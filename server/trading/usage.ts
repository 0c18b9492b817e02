/** What an agent has used and holds reserved of its mandate, kept as running totals by the transactions that change it. */
import {
  add,
  type Money,
  money,
  type Quantity,
  quantity,
  subtract,
  sum,
  text,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { isFinal, type Side } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { remainingQty, reservedValue, type StoredOrder } from './order-rows.ts';
import { type UnapprovedOf, unapprovedTotals } from './unapproved.ts';

export interface Usage {
  /** Filled value of adding orders on that mandate day, at fill prices. */
  readonly valueUsed: Money;
  /** Adding orders cleared on that day. */
  readonly orders: number;
}
export interface Reserved {
  readonly value: Money;
  /** Working orders, bracket legs not counted. */
  readonly openOrders: number;
}
/** What an agent's working adding orders on one side of an instrument come to. */
export interface Adding {
  readonly value: Money;
  /** Of it, what no human was asked about: neither what waits for an approval nor what was given one. */
  readonly unapproved: Money;
  /** Left to fill. */
  readonly qty: Quantity;
}
/** Whose, and where; every account when none is named. */
export interface AddingOf {
  readonly agent: AgentId;
  readonly instrument: InstrumentId;
  readonly side: Side;
  readonly account?: AccountId;
}

/** What was filled of which order. */
export type FilledOrder = Pick<StoredOrder, 'agent' | 'account' | 'instrument' | 'side' | 'approvalId'>;

export interface UsageTable {
  of(agent: AgentId, account: AccountId, day: string): Usage;
  reserved(agent: AgentId, account: AccountId): Reserved;
  adding(of: AddingOf): Adding;
  /** Filled value of adding orders that no human approved, in every account, on that mandate day. */
  unapproved(of: UnapprovedOf): Money;
  /** A fill of an adding order on that mandate day; a correction may be negative. */
  addFill(order: FilledOrder, day: string, value: Money): void;
  countOrder(agent: AgentId, account: AccountId, day: string): void;
  /** Moves the totals by the difference between an order before (undefined: new) and after a change. */
  follow(before: StoredOrder | undefined, after: StoredOrder): void;
}

/** `working` are all the working orders there are: the totals by side are added up anew with every start. */
export function usageTable(store: Store, working: readonly StoredOrder[]): UsageTable {
  const { db } = store;
  const addings = addingTotals(store, working);
  const unapproved = unapprovedTotals(store);
  const read = db.prepare<[string, string, string], { value_used: string; orders: number }>(
    'SELECT value_used, orders FROM usage WHERE agent_id = ? AND account_id = ? AND day = ?',
  );
  const write = db.prepare(
    `INSERT INTO usage (agent_id, account_id, day, value_used, orders) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value_used = excluded.value_used, orders = excluded.orders`,
  );
  const readReserved = db.prepare<[string, string], { value: string; open_orders: number }>(
    'SELECT value, open_orders FROM reservations WHERE agent_id = ? AND account_id = ?',
  );
  const writeReserved = db.prepare(
    `INSERT INTO reservations (agent_id, account_id, value, open_orders) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, open_orders = excluded.open_orders`,
  );

  function of(agent: AgentId, account: AccountId, day: string): Usage {
    const row = read.get(agent, account, day);
    return row
      ? { valueUsed: money(row.value_used), orders: row.orders }
      : { valueUsed: ZERO_MONEY, orders: 0 };
  }
  function reserved(agent: AgentId, account: AccountId): Reserved {
    const row = readReserved.get(agent, account);
    return row
      ? { value: money(row.value), openOrders: row.open_orders }
      : { value: ZERO_MONEY, openOrders: 0 };
  }

  return {
    of,
    reserved,
    adding: (asked) => addings.of(asked),
    unapproved: (asked) => unapproved.of(asked),
    addFill(order, day, value) {
      const { agent, account } = order;
      const now = of(agent, account, day);
      write.run(agent, account, day, text(add(now.valueUsed, value)), now.orders);
      if (order.approvalId === null) unapproved.add({ ...order, day }, value);
    },
    countOrder(agent, account, day) {
      const now = of(agent, account, day);
      write.run(agent, account, day, text(now.valueUsed), now.orders + 1);
    },
    follow(before, after) {
      addings.follow(before, after);
      const freed = before ? reservedValue(before) : ZERO_MONEY;
      const held = reservedValue(after);
      const closed = before ? counted(before) : 0;
      const opened = counted(after);
      if (freed.eq(held) && closed === opened) return;
      const now = reserved(after.agent, after.account);
      const value = add(subtract(now.value, freed), held);
      writeReserved.run(after.agent, after.account, text(value), now.openOrders - closed + opened);
    },
  };
}

/** An order counts as open while it is working; the legs of a bracket belong to their entry. */
const counted = (order: StoredOrder): 0 | 1 => (isFinal(order.status) || order.role !== 'entry' ? 0 : 1);

interface AddingTotals {
  of(asked: AddingOf): Adding;
  follow(before: StoredOrder | undefined, after: StoredOrder): void;
}

const NOTHING: Adding = { value: ZERO_MONEY, unapproved: ZERO_MONEY, qty: ZERO_QUANTITY };

/** What an order counts for on its side. */
function addingOf(order: StoredOrder): Adding {
  if (isFinal(order.status) || order.effect === 'reducing') return NOTHING;
  const value = reservedValue(order);
  return { value, unapproved: order.approvalId === null ? value : ZERO_MONEY, qty: remainingQty(order) };
}

/**
 * By side, in a temporary table: it costs the disk nothing, a rollback takes it back with everything else, and what it says can
 * not outlive the orders that it was added up from.
 */
function addingTotals(store: Store, working: readonly StoredOrder[]): AddingTotals {
  const { db } = store;
  db.exec(`CREATE TEMP TABLE IF NOT EXISTS adding_totals (
    agent_id      TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    side          TEXT NOT NULL,
    account_id    TEXT NOT NULL,
    value         TEXT NOT NULL,
    unapproved    TEXT NOT NULL,
    qty           TEXT NOT NULL,
    PRIMARY KEY (agent_id, instrument_id, side, account_id)
  ) STRICT, WITHOUT ROWID`);
  const WHOSE = 'FROM adding_totals WHERE agent_id = ? AND instrument_id = ? AND side = ?';
  const everywhere = db.prepare<string[], AddingRow>(`SELECT value, unapproved, qty ${WHOSE}`);
  const inAccount = db.prepare<string[], AddingRow>(
    `SELECT value, unapproved, qty ${WHOSE} AND account_id = ?`,
  );
  const write = db.prepare(
    `INSERT INTO adding_totals (agent_id, instrument_id, side, account_id, value, unapproved, qty) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, unapproved = excluded.unapproved, qty = excluded.qty`,
  );

  const totals: AddingTotals = {
    of({ agent, instrument, side, account }) {
      const rows =
        account === undefined
          ? everywhere.all(agent, instrument, side)
          : inAccount.all(agent, instrument, side, account);
      return {
        value: sum(
          ZERO_MONEY,
          rows.map((row) => money(row.value)),
        ),
        unapproved: sum(
          ZERO_MONEY,
          rows.map((row) => money(row.unapproved)),
        ),
        qty: sum(
          ZERO_QUANTITY,
          rows.map((row) => quantity(row.qty)),
        ),
      };
    },
    follow(before, after) {
      const was = before ? addingOf(before) : NOTHING;
      const is = addingOf(after);
      if (was.value.eq(is.value) && was.qty.eq(is.qty)) return;
      const { agent, instrument, side, account } = after;
      const all = totals.of({ agent, instrument, side, account });
      const value = add(subtract(all.value, was.value), is.value);
      const unapproved = add(subtract(all.unapproved, was.unapproved), is.unapproved);
      const qty = add(subtract(all.qty, was.qty), is.qty);
      write.run(agent, instrument, side, account, text(value), text(unapproved), text(qty));
    },
  };
  store.transaction(() => {
    db.exec('DELETE FROM adding_totals');
    for (const order of working) totals.follow(undefined, order);
  });
  return totals;
}

interface AddingRow {
  readonly value: string;
  readonly unapproved: string;
  readonly qty: string;
}
