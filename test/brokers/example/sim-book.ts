/** The books of the simulated exchange: orders, fills and money, as decimals in text. Nothing fills by itself. */
import {
  add,
  money,
  negate,
  percentOf,
  price,
  quantity,
  ratio,
  subtract,
  text,
  value,
} from '#domain/decimal.ts';
import type { Side } from '#domain/order.ts';

export interface SimOrder {
  readonly id: string;
  readonly client_id: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly type: 'market' | 'limit';
  readonly tif: 'day' | 'gtc';
  readonly qty: string;
  readonly limit: string | null;
  filled: string;
  status: 'open' | 'filled' | 'canceled' | 'expired' | 'rejected';
  reason: string | null;
  time: number;
}
export interface SimFill {
  readonly id: string;
  readonly order_id: string;
  readonly client_id: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  readonly time: number;
}
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}
export type Terms = Pick<SimOrder, 'client_id' | 'symbol' | 'side' | 'type' | 'tif' | 'qty' | 'limit'>;
export type Told = (order: SimOrder, fill: SimFill | null) => void;

export const refused = (status: number, message: string): Answer => ({ status, body: { message } });

export function openBook(nowMs: () => number, told: Told) {
  const orders: SimOrder[] = [];
  const fills: SimFill[] = [];
  let cash = money('1000000');

  /** By the id that it has here, or by that of who placed it. */
  const find = (id: string): SimOrder | undefined =>
    orders.find((one) => one.id === id || one.client_id === id);
  function end(order: SimOrder, status: SimOrder['status'], reason: string | null): void {
    Object.assign(order, { status, reason, time: nowMs() });
    told(order, null);
  }

  return {
    orders,
    find,
    end,
    place(terms: Terms): Answer {
      if (terms.client_id !== null && find(terms.client_id)) return refused(409, 'This client_id was used.');
      const id = `o-${orders.length + 1}`;
      const order: SimOrder = { ...terms, id, filled: '0', status: 'open', reason: null, time: nowMs() };
      orders.push(order);
      told(order, null);
      return { status: 201, body: order };
    },
    cancel(id: string): Answer {
      const order = find(id);
      if (order === undefined) return refused(404, 'There is no such order.');
      if (order.status !== 'open') return refused(409, `The order is ${order.status} already.`);
      end(order, 'canceled', null);
      return { status: 200, body: order };
    },
    fill(id: string, qty: string, at: string): void {
      const order = find(id);
      if (order?.status !== 'open') throw new Error(`nothing to fill of ${id}`);
      const worth = value(price(at), quantity(qty));
      const fee = percentOf(worth, ratio('0.1'));
      cash = subtract(order.side === 'buy' ? subtract(cash, worth) : add(cash, worth), fee);
      const filled = add(quantity(order.filled), quantity(qty));
      const status = filled.eq(quantity(order.qty)) ? 'filled' : 'open';
      Object.assign(order, { filled: text(filled), status, time: nowMs() });
      const { client_id, symbol, side } = order;
      const fill: SimFill = {
        id: `f-${fills.length + 1}`,
        order_id: order.id,
        client_id,
        symbol,
        side,
        qty,
        price: at,
        fee: text(fee),
        time: nowMs(),
      };
      fills.push(fill);
      told(order, fill);
    },
    fillsAfter(after: string | null, limit: number) {
      const from = after === null ? fills.length : Number(after);
      const page = fills.slice(from, from + limit);
      return { fills: page, next: from + page.length };
    },
    positions: () =>
      [...new Set(fills.map(({ symbol }) => symbol))].map((symbol) => {
        const signed = fills
          .filter((one) => one.symbol === symbol)
          .map(({ side, qty }) => (side === 'buy' ? quantity(qty) : negate(quantity(qty))));
        return { symbol, qty: text(signed.reduce((held, one) => add(held, one), quantity('0'))) };
      }),
    account: () => ({ currency: 'USD', cash: text(cash), equity: text(cash), free: text(cash) }),
  };
}
