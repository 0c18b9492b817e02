/** What an order could trade with inside its own account: the best resting limit order of another holder on the other side. */
import { type Price, price } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { opposite, type Side } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Line } from './line.ts';
import { fromRow, type OrderRow } from './order-rows.ts';

/** Whose order it would be, and where. */
export interface Incoming {
  readonly agent: AgentId;
  readonly account: AccountId;
  readonly instrument: InstrumentId;
  readonly side: Side;
}

/**
 * The lowest sell for a buy, the highest buy for a sell; anybody's but its own holder's, the owner's and what was found at the
 * broker included. `orders_resting` has the best price of a side first: its first row decides, however many there are, and a sort
 * would be planned anew with every call.
 */
export function bestOpposing(line: Line, incoming: Incoming): Price | undefined {
  const { agent, account, instrument, side } = incoming;
  const resting = line
    .prepare<[string, string, string, string], string>(
      `SELECT limit_price FROM orders INDEXED BY orders_resting
       WHERE account_id = ? AND instrument_id = ? AND side = ? AND agent_id <> ? AND type = 'limit' AND held = 0
         AND status NOT IN ('received', 'pending_approval', 'filled', 'canceled', 'rejected', 'refused', 'expired')`,
    )
    .pluck()
    .get(account, instrument, opposite(side), agent);
  const prices = [...(resting === undefined ? [] : [price(resting)]), ...changedTo(line, incoming)];
  return prices.reduce<Price | undefined>(
    (best, at) => (best === undefined || (side === 'buy' ? at.lt(best) : at.gt(best)) ? at : best),
    undefined,
  );
}

/** A change that the broker has not answered may rest at its new price already: both prices count. */
function changedTo(line: Line, { agent, account, instrument, side }: Incoming): readonly Price[] {
  const rows = line
    .prepare<[string, string, string, string], OrderRow>(
      `SELECT * FROM orders INDEXED BY orders_awaiting
       WHERE account_id = ? AND status IN ('pending_replace', 'pending_cancel')
         AND pending_terms IS NOT NULL AND type = 'limit' AND instrument_id = ? AND side = ? AND agent_id <> ?`,
    )
    .all(account, instrument, opposite(side), agent);
  return rows.flatMap((row) => fromRow(row).pending?.terms.limitPrice ?? []);
}
