// Good-till-triggered orders of the simulated broker: a condition that places LIMIT orders when the last price meets it.

import type { Clock } from '#ports.ts';
import { type Form, KiteError, type SimBooks } from './kite-books.ts';
import { ist, type SimMarket } from './kite-world.ts';

export interface SimGttOrder {
  exchange: string;
  tradingsymbol: string;
  transaction_type: string;
  product: string;
  order_type: string;
  quantity: number;
  price: number;
  result: unknown;
}
export interface SimGtt {
  id: number;
  user_id: string;
  parent_trigger: null;
  type: string;
  created_at: string;
  updated_at: string;
  expires_at: string;
  status: string;
  condition: {
    exchange: string;
    tradingsymbol: string;
    trigger_values: number[];
    last_price: number;
    instrument_token?: number;
  };
  orders: SimGttOrder[];
  meta: Record<string, unknown>;
}

export interface SimGtts {
  readonly all: SimGtt[];
  place(form: Form): SimGtt;
  modify(id: number, form: Form): SimGtt;
  remove(id: number): SimGtt;
  byId(id: number): SimGtt;
  /** The last price meets trigger number `leg`: its order is placed at the exchange. */
  trigger(id: number, leg?: number): string;
}

const YEAR_MS = 365 * 86_400_000;

function parsed(form: Form): Pick<SimGtt, 'type' | 'condition' | 'orders'> {
  const bad = (message: string): never => {
    throw new KiteError(400, 'InputException', message);
  };
  const { type = '' } = form;
  if (type !== 'single' && type !== 'two-leg') bad('Invalid `type`.');
  const condition = JSON.parse(form['condition'] ?? 'null') as SimGtt['condition'];
  const orders = JSON.parse(form['orders'] ?? 'null') as SimGttOrder[];
  const count = type === 'single' ? 1 : 2;
  if (condition?.trigger_values?.length !== count || orders?.length !== count)
    bad('Invalid number of trigger values or orders.');
  for (const value of [condition.last_price, ...condition.trigger_values])
    if (typeof value !== 'number' || !(value > 0))
      bad('Trigger values and last price are numbers above zero.');
  if (condition.trigger_values.includes(condition.last_price))
    bad('Trigger cannot be created with one of the trigger values equal to the last price.');
  for (const order of orders) {
    if (order.order_type !== 'LIMIT') bad('Only LIMIT orders are allowed.');
    if (typeof order.price !== 'number' || typeof order.quantity !== 'number') bad('Invalid `price`.');
  }
  const [low = 0, high = 0] = condition.trigger_values;
  if (type === 'two-leg' && !(low < condition.last_price && condition.last_price < high))
    bad('Trigger cannot be created with the second trigger price less than the last price.');
  return { type, condition, orders: orders.map((order) => ({ ...order, result: null })) };
}

export function openGtts(clock: Clock, books: SimBooks, markets: ReadonlyMap<string, SimMarket>): SimGtts {
  let serial = 105_000;
  const now = (): string => ist(clock.wallMs());
  const gtts: SimGtts = {
    all: [],
    place(form) {
      const gtt: SimGtt = {
        id: ++serial,
        user_id: 'XX0000',
        parent_trigger: null,
        created_at: now(),
        updated_at: now(),
        expires_at: ist(clock.wallMs() + YEAR_MS),
        status: 'active',
        meta: {},
        ...parsed(form),
      };
      gtts.all.push(gtt);
      return gtt;
    },
    modify(id, form) {
      const gtt = gtts.byId(id);
      if (gtt.status !== 'active') throw new KiteError(400, 'GeneralException', 'The trigger is not active.');
      return Object.assign(gtt, parsed(form), { updated_at: now() });
    },
    remove(id) {
      const gtt = gtts.byId(id);
      if (gtt.status !== 'active') throw new KiteError(400, 'GeneralException', 'The trigger is not active.');
      return Object.assign(gtt, { status: 'deleted', updated_at: now() });
    },
    byId(id) {
      const gtt = gtts.all.find((one) => one.id === id);
      if (gtt === undefined) throw new KiteError(404, 'GeneralException', 'Trigger not found.');
      return gtt;
    },
    trigger(id, leg = 0) {
      const gtt = gtts.byId(id);
      const order = gtt.orders[leg];
      if (order === undefined) throw new Error(`the trigger has no leg ${leg}`);
      gtt.status = 'triggered';
      gtt.updated_at = now();
      let order_result: Record<string, string>;
      try {
        const placed = books.place('regular', {
          exchange: order.exchange,
          tradingsymbol: order.tradingsymbol,
          transaction_type: order.transaction_type,
          order_type: 'LIMIT',
          product: order.product,
          quantity: String(order.quantity),
          price: String(order.price),
          validity: 'DAY',
        });
        placed.meta = { gtt: id };
        order_result = { status: 'success', order_id: placed.order_id, rejection_reason: '' };
      } catch (cause) {
        order_result = { status: 'failed', order_id: '', rejection_reason: (cause as Error).message };
      }
      order.result = {
        account_id: 'XX0000',
        exchange: order.exchange,
        tradingsymbol: order.tradingsymbol,
        validity: 'DAY',
        product: order.product,
        order_type: 'LIMIT',
        transaction_type: order.transaction_type,
        quantity: order.quantity,
        price: order.price,
        meta: JSON.stringify({ app_id: 12617, gtt: id }),
        timestamp: now(),
        triggered_at: markets.get(`${order.exchange}:${order.tradingsymbol}`)?.last ?? 0,
        order_result,
      };
      return order_result['order_id'] ?? '';
    },
  };
  return gtts;
}
