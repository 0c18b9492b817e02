/** What a holder has under each product, where a broker keeps them apart: it follows from the products of its executions. */
import {
  absolute,
  max,
  min,
  negate,
  type Quantity,
  quantity,
  subtract,
  sum,
  text,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { Product } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { ACCOUNT_HOLDER, opposes } from './holdings.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { reducible } from './reducible.ts';

/** `unknown`: adopted, or bought before products were written down; the broker says what they are. */
export type HeldAs = Product | 'unknown';
export type HeldProducts = ReadonlyMap<HeldAs, Quantity>;

interface Held {
  readonly holder: string;
  readonly account: AccountId;
  readonly instrument: InstrumentId;
}

/**
 * Sizes of what is held on the position's side, no part larger than the position. Empty: nothing is held, or its broker knows no
 * products. What is short under one product beside a long position has no part: closing it would be another side's order.
 */
export function heldProducts(line: Line, of: Held): HeldProducts {
  const position = line.holdings.of(of.holder, of.account, of.instrument).qty;
  const products = line.adapters.get(of.account)?.capabilities.products ?? [];
  const parts = new Map<HeldAs, Quantity>();
  if (position.eq('0') || products.length === 0) return parts;
  const against = position.gt('0') ? ('sell' as const) : ('buy' as const);
  const nets = netsOf(line, of);
  const rest = subtract(position, sum(ZERO_QUANTITY, [...nets.values()]));
  for (const [product, net] of [...nets, ['unknown', rest] as const])
    if (opposes(against, net)) parts.set(product, min(absolute(net), absolute(position)));
  return parts;
}

/** What an order under each product may still take, after what works against the position under it already. */
export function reducibleUnder(line: Line, of: Held, working: readonly StoredOrder[]): HeldProducts {
  const held = heldProducts(line, of);
  if (held.size === 0) return held;
  const long = line.holdings.of(of.holder, of.account, of.instrument).qty.gt('0');
  const products = line.adapters.get(of.account)?.capabilities.products ?? [];
  return new Map(
    products.map((product) => {
      const all = mostUnder(held, product);
      const same = working.filter((order) => order.product === undefined || order.product === product);
      return [product, max(reducible(long ? all : negate(all), same, line), ZERO_QUANTITY)];
    }),
  );
}

/** What is of no known product may be of this one. */
export const mostUnder = (held: HeldProducts, product: HeldAs): Quantity =>
  product === 'unknown'
    ? (held.get('unknown') ?? ZERO_QUANTITY)
    : sum(held.get(product) ?? ZERO_QUANTITY, [held.get('unknown') ?? ZERO_QUANTITY]);

export const heldInWords = (held: HeldProducts): string =>
  [...held].map(([as, qty]) => `${text(qty)} as ${as === 'unknown' ? 'no known product' : as}`).join(' and ');

/** Signed: all that was bought under a product less all that was sold, since the account last began anew. */
function netsOf(line: Line, { holder, account, instrument }: Held): ReadonlyMap<Product, Quantity> {
  const rows = line
    .prepare<
      [string, string, string, string, string, string],
      { readonly side: string; readonly qty: string; readonly product: Product }
    >(
      `SELECT e.side, e.qty, coalesce(e.product, o.product) AS product
       FROM executions e JOIN orders o ON o.order_id = e.order_id
       WHERE e.account_id = ? AND e.instrument_id = ? AND (? = ? OR e.agent_id = ?)
         AND coalesce(e.product, o.product) IS NOT NULL
         AND e.seq > (SELECT coalesce(max(execution_seq), 0) FROM account_starts WHERE account_id = ?)
       ORDER BY e.seq`,
    )
    .all(account, instrument, holder, ACCOUNT_HOLDER, holder, account);
  const nets = new Map<Product, Quantity>();
  for (const { side, qty, product } of rows) {
    const signed = side === 'buy' ? quantity(qty) : negate(quantity(qty));
    nets.set(product, sum(nets.get(product) ?? ZERO_QUANTITY, [signed]));
  }
  return nets;
}
