/** The day's trades as executions: each with a stable id, its order's ids, and what it cost by the published schedule. */
import { z } from 'zod';
import type { BrokerDirectory } from '#brokers/broker.ts';
import { indianCharges } from '#brokers/indian-charges.ts';
import { add, price, quantity, value, ZERO_MONEY } from '#domain/decimal.ts';
import { KITE_HISTORY_OVERLAP_MS } from '#limits.ts';
import type { BrokerExecution } from '#ports.ts';
import { type KiteClient, KiteQuestionError } from './client.ts';
import { rowsOf } from './day-list.ts';
import { fromIst } from './kite-time.ts';
import type { KiteOrders } from './order-book.ts';
import { brokerSymbolOf, type KiteTrade, kiteTrade, productOf } from './rows.ts';

export interface KiteExecutions {
  since(
    cursor: string | undefined,
  ): Promise<{ readonly executions: readonly BrokerExecution[]; readonly cursor: string }>;
  /** Of one order. */
  ofOrder(orderId: string): Promise<readonly BrokerExecution[]>;
}

/**
 * Up to when was told, and what of the time shortly before that: a fill may be listed later than one that came after it, so those are
 * looked at again. Before the first cursor lies what the books of this account do not know. Kite writes whole seconds.
 */
const cursorText = z.strictObject({ untilMs: z.number(), told: z.array(z.string()) });
type Cursor = z.output<typeof cursorText>;

interface Trade {
  readonly row: KiteTrade;
  readonly id: string;
  readonly timeMs: number;
}

export function openExecutions(
  client: KiteClient,
  orders: KiteOrders,
  directory: BrokerDirectory,
): KiteExecutions {
  async function trades(path: string): Promise<readonly Trade[]> {
    return rowsOf(kiteTrade, await client.read({ path }))
      .map((row) => {
        const timeMs = fromIst(row.fill_timestamp);
        if (timeMs === undefined) throw new KiteQuestionError('Kite told a trade without a time.');
        return { row, id: `${row.order_id}-${row.trade_id}`, timeMs };
      })
      .sort((a, b) => a.timeMs - b.timeMs || a.id.localeCompare(b.id));
  }
  async function toldOf(
    all: readonly Trade[],
    wanted: readonly Trade[],
  ): Promise<readonly BrokerExecution[]> {
    const executions: BrokerExecution[] = [];
    for (const trade of wanted) {
      const execution = await executionOf(trade, all);
      if (execution !== undefined) executions.push(execution);
    }
    return executions;
  }
  async function executionOf(trade: Trade, all: readonly Trade[]) {
    const { row, id, timeMs } = trade;
    const listing = directory.bySymbol(brokerSymbolOf(row));
    if (listing === undefined) return undefined;
    const { instrument } = listing;
    const ids = await orders.idsOf(row.order_id);
    const side = row.transaction_type === 'BUY' ? ('buy' as const) : ('sell' as const);
    const fill = { qty: quantity(row.quantity), price: price(row.average_price) };
    // By their order in the list: trades are numbered, and a text of 100 stands before one of 99.
    const earlier = all.slice(0, all.indexOf(trade)).filter((other) => other.row.order_id === row.order_id);
    let orderTraded = ZERO_MONEY;
    for (const { row: one } of earlier)
      orderTraded = add(
        orderTraded,
        value(price(one.average_price), quantity(one.quantity), instrument.multiplier),
      );
    const fee = indianCharges(instrument, {
      side,
      ...fill,
      product: productOf(row.product),
      timeMs,
      orderTraded,
    });
    const product = productOf(row.product);
    const under = product === undefined ? {} : { product };
    return { executionId: id, ...ids, instrument: instrument.id, side, ...fill, fee, ...under, timeMs };
  }

  return {
    async since(cursor) {
      const all = await trades('/trades');
      const from = cursor === undefined ? undefined : readCursor(cursor);
      const untilMs = Math.max(from?.untilMs ?? 0, all.at(-1)?.timeMs ?? 0);
      const near = all.filter(({ timeMs }) => timeMs >= untilMs - KITE_HISTORY_OVERLAP_MS);
      const next: Cursor = { untilMs, told: near.map(({ id }) => id) };
      const wanted =
        from === undefined
          ? []
          : all.filter(
              ({ timeMs, id }) => timeMs >= from.untilMs - KITE_HISTORY_OVERLAP_MS && !from.told.includes(id),
            );
      return { executions: await toldOf(all, wanted), cursor: JSON.stringify(next) };
    },
    async ofOrder(orderId) {
      const all = await trades(`/orders/${orderId}/trades`);
      return toldOf(all, all);
    },
  };
}

function readCursor(text: string): Cursor {
  try {
    return cursorText.parse(JSON.parse(text));
  } catch {
    throw new KiteQuestionError('The point in Kite’s history that was reached can not be read.');
  }
}
