/** What the account holds and has: positions over all products, delivered shares, money, and what an order would need. */
import { z } from 'zod';
import type { BrokerDirectory } from '#brokers/broker.ts';
import {
  absolute,
  add,
  isDecimalText,
  isNegative,
  isPositive,
  isZero,
  min,
  money,
  negate,
  price,
  type Quantity,
  quantity,
  subtract,
  text,
  value,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { OrderTerms, Product, Side } from '#domain/order.ts';
import type { BrokerBalance, BrokerHolding, BrokerListing, BrokerMargin, BrokerPosition } from '#ports.ts';
import type { KiteClient } from './client.ts';
import { rowsOf } from './day-list.ts';
import { termsForm } from './order-form.ts';
import { brokerSymbolOf, productOf } from './rows.ts';

const decimal = z.string().refine(isDecimalText);
const count = z.string().regex(/^-?\d{1,18}$/);
const positionRow = z.object({
  exchange: z.string(),
  tradingsymbol: z.string(),
  product: z.string(),
  quantity: count,
});
const holdingRow = z.object({
  exchange: z.string(),
  tradingsymbol: z.string(),
  quantity: count,
  t1_quantity: count,
  used_quantity: count.optional(),
  opening_quantity: count.optional(),
  collateral_quantity: count.optional(),
  average_price: decimal,
  last_price: decimal,
});
type HoldingRow = z.output<typeof holdingRow>;

const money2 = z.object({ cash: decimal, live_balance: decimal.optional() });
const marginsRow = z.object({
  net: decimal,
  available: money2,
  utilised: z.object({ debits: decimal.optional() }),
});
const previewRow = z.object({ total: decimal, charges: z.object({ total: decimal }).optional() });

export interface KitePortfolio {
  positions(): Promise<readonly BrokerPosition[]>;
  holdings(): Promise<readonly BrokerHolding[]>;
  balance(): Promise<BrokerBalance>;
  margin(order: OrderTerms, listing: BrokerListing, product: Product): Promise<BrokerMargin>;
  /** The products in which it is held on the side that an order of this one would close, with how much. */
  heldAgainst(listing: BrokerListing, side: Side): Promise<ReadonlyMap<Product, Quantity>>;
  readonly strange: ReadonlySet<string>;
}

interface Line {
  readonly symbol: string;
  readonly product: string;
  readonly qty: Quantity;
}

export function openPortfolio(client: KiteClient, directory: BrokerDirectory): KitePortfolio {
  const strange = new Set<string>();

  /** Shares at the day's beginning, pledged ones included: what is traded today stands in the positions. */
  async function holdingRows(): Promise<readonly HoldingRow[]> {
    return rowsOf(holdingRow, await client.read({ path: '/portfolio/holdings' }));
  }
  async function lines(): Promise<readonly Line[]> {
    const [positions, holdings] = await Promise.all([
      client.read({ path: '/portfolio/positions' }).then((data) => {
        const net = typeof data === 'object' && data !== null && 'net' in data ? data['net'] : undefined;
        return rowsOf(positionRow, net ?? null);
      }),
      holdingRows(),
    ]);
    return netted([
      ...holdings.map((row) => ({ symbol: brokerSymbolOf(row), product: 'CNC', qty: ownedOf(row) })),
      ...positions.map((row) => ({
        symbol: brokerSymbolOf(row),
        product: row.product,
        qty: quantity(row.quantity),
      })),
    ]);
  }

  return {
    strange,
    async positions() {
      const total = new Map<InstrumentId, Quantity>();
      strange.clear();
      for (const { symbol, qty } of await lines()) {
        if (isZero(qty)) continue;
        const listing = directory.bySymbol(symbol);
        if (listing === undefined) strange.add(symbol);
        else total.set(listing.instrument.id, add(total.get(listing.instrument.id) ?? ZERO_QUANTITY, qty));
      }
      return [...total].flatMap(([instrument, qty]) => (isZero(qty) ? [] : { instrument, qty }));
    },
    async holdings() {
      return (await holdingRows()).flatMap((row) => {
        const listing = directory.bySymbol(brokerSymbolOf(row));
        const qty = ownedOf(row);
        if (listing === undefined || !isPositive(qty)) return [];
        return {
          instrument: listing.instrument.id,
          qty,
          unsettledQty: quantity(row.t1_quantity),
          lockedQty: quantity(row.collateral_quantity ?? '0'),
          avgPrice: isPositive(price(row.average_price)) ? price(row.average_price) : null,
          product: 'cnc' as const,
        };
      });
    },
    async balance() {
      const [data, holdings] = await Promise.all([
        client.read({ path: '/user/margins/equity' }),
        holdingRows(),
      ]);
      const [row] = rowsOf(marginsRow, [data]);
      if (row === undefined) throw new Error('rowsOf gives as many rows as it is given');
      const cash = money(row.available.live_balance ?? row.available.cash);
      let equity = add(cash, money(row.utilised.debits ?? '0'));
      for (const one of holdings) equity = add(equity, value(price(one.last_price), ownedOf(one)));
      return { currency: 'INR', cash, equity, buyingPower: money(row.net) };
    },
    async margin(order, listing, product) {
      const data = await client.read({
        method: 'POST',
        path: '/margins/orders',
        body: { kind: 'json', value: [previewForm(order, listing, product)] },
      });
      const [row] = rowsOf(previewRow, data);
      if (row === undefined) throw new Error('Kite told no margin.');
      return {
        required: money(row.total),
        ...(row.charges === undefined ? {} : { fees: money(row.charges.total) }),
        source: 'broker',
      };
    },
    async heldAgainst(listing, side) {
      const held = new Map<Product, Quantity>();
      for (const { symbol, product, qty } of await lines()) {
        const known = productOf(product);
        const opposes = side === 'sell' ? isPositive(qty) : isNegative(qty);
        if (symbol === listing.brokerSymbol && known !== undefined && opposes) held.set(known, absolute(qty));
      }
      return held;
    },
  };
}

function ownedOf(row: HoldingRow): Quantity {
  const opening =
    row.opening_quantity ??
    text(add(quantity(row.quantity), add(quantity(row.t1_quantity), quantity(row.used_quantity ?? '0'))));
  return add(quantity(opening), quantity(row.collateral_quantity ?? '0'));
}

/**
 * One line for each symbol and product. Shares are held in one place whatever exchange they are sold on: a delivery sold on NSE that is
 * listed as a holding of BSE is no short position, so each takes from the other's holding of the same name.
 */
function netted(rows: readonly Line[]): readonly Line[] {
  const total = new Map<string, Quantity>();
  for (const { symbol, product, qty } of rows) {
    const key = `${product}|${symbol}`;
    total.set(key, add(total.get(key) ?? ZERO_QUANTITY, qty));
  }
  for (const [key, qty] of total) {
    if (!key.startsWith('CNC|') || !isNegative(qty)) continue;
    const other = key.includes('|NSE:') ? key.replace('|NSE:', '|BSE:') : key.replace('|BSE:', '|NSE:');
    const there = total.get(other);
    if (there === undefined || !isPositive(there)) continue;
    const moved = min(there, negate(qty));
    total.set(key, add(qty, moved));
    total.set(other, subtract(there, moved));
  }
  return [...total].map(([key, qty]) => {
    const [product = '', symbol = ''] = key.split(/\|(.*)/s);
    return { product, symbol, qty };
  });
}

/** A number of this text in JSON, digit by digit (ECMAScript's source text access): it never was a JavaScript number. */
function jsonNumber(written: string): unknown {
  if (!isDecimalText(written)) throw new RangeError('not a plain decimal');
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(written);
}

function previewForm(
  order: OrderTerms,
  listing: BrokerListing,
  product: Product,
): Readonly<Record<string, unknown>> {
  const { order_type, quantity: qty = '0', price: limit = '0', trigger_price: stop = '0' } = termsForm(order);
  return {
    exchange: listing.extra['exchange'],
    tradingsymbol: listing.extra['tradingsymbol'],
    transaction_type: order.side === 'buy' ? 'BUY' : 'SELL',
    variety: 'regular',
    product: product.toUpperCase(),
    order_type,
    quantity: jsonNumber(qty),
    price: jsonNumber(limit),
    trigger_price: jsonNumber(stop),
  };
}
