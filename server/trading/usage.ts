/** What an agent has used and holds reserved of its mandate, kept as running totals by the transactions that change it. */
import { add, type Money, money, subtract, text, ZERO_MONEY } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { reservedValue, type StoredOrder } from './order-rows.ts';

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

export interface UsageTable {
  of(agent: AgentId, account: AccountId, day: string): Usage;
  reserved(agent: AgentId, account: AccountId): Reserved;
  addUsed(agent: AgentId, account: AccountId, day: string, value: Money): void;
  countOrder(agent: AgentId, account: AccountId, day: string): void;
  /** Moves the totals by the difference between an order before (undefined: new) and after a change. */
  follow(before: StoredOrder | undefined, after: StoredOrder): void;
}

export function usageTable({ db }: Store): UsageTable {
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
    addUsed(agent, account, day, value) {
      const now = of(agent, account, day);
      write.run(agent, account, day, text(add(now.valueUsed, value)), now.orders);
    },
    countOrder(agent, account, day) {
      const now = of(agent, account, day);
      write.run(agent, account, day, text(now.valueUsed), now.orders + 1);
    },
    follow(before, after) {
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
