/** What a broker shows against the books counts when the next comparison shows it again: one answer may lag behind what it said itself. */
import type { AccountId } from '#domain/principal.ts';
import type { BrokerOrder } from '#ports.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';

export interface Insistence {
  /** Whether the comparison before this one showed the same of the order, as it stands; if not, the account is compared again soon. */
  again(order: StoredOrder, told: BrokerOrder): boolean;
}

/** For one comparison of an account. */
export function insistence(line: Line, account: AccountId): Insistence {
  const before = line.memory.contradicted.get(account);
  const now = new Map<string, string>();
  line.memory.contradicted.set(account, now);
  return {
    again(order, told) {
      const shown = JSON.stringify([order.status, termsOf(order), termsOf(told)]);
      now.set(order.orderId, shown);
      if (before?.get(order.orderId) === shown) return true;
      line.memory.suspect.add(account);
      return false;
    },
  };
}

const termsOf = ({ qty, limitPrice, stopPrice }: Pick<BrokerOrder, 'qty' | 'limitPrice' | 'stopPrice'>) => [
  qty.toFixed(),
  limitPrice?.toFixed(),
  stopPrice?.toFixed(),
];
