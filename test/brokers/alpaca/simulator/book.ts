/** The simulated venue's rules: what it takes, what it refuses and with which words, and what a fill does. */
import { randomUUID } from 'node:crypto';
import {
  absolute,
  add,
  isZero,
  money,
  price,
  proportion,
  quantity,
  ratio,
  roundUpTo,
  scale,
  subtract,
  text,
  value,
} from '#domain/decimal.ts';
import type { SimAsset, SimFill, SimOrder, SimState, Status } from './state.ts';

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}
export const refusal = (status: number, code: number, message: string): Answer => ({
  status,
  body: { code, message },
});

/** Tells the stream what became of an order. */
export type Tell = (event: string, order: SimOrder, more?: Record<string, unknown>) => unknown;

export interface Book {
  submit(body: Record<string, unknown>): Answer;
  patch(id: string, body: Record<string, unknown>): Answer;
  cancel(id: string): Answer;
  fill(order: SimOrder, qty: string, at: string): SimFill;
  end(order: SimOrder, status: Extract<Status, 'canceled' | 'expired' | 'rejected' | 'done_for_day'>): void;
  /** Orders that are canceled stay `pending_cancel` until they are let go. */
  holdCancels: boolean;
  /** New orders fill at the touch as they arrive. */
  autoFill: boolean;
}

const WORKING: readonly string[] = ['new', 'accepted', 'partially_filled', 'pending_new', 'pending_cancel'];
const CRYPTO_TYPES = ['market', 'limit', 'stop_limit'];

/** What a stock may be priced in: cents from one dollar up, hundredths of a cent below. */
const pennies = (at: string): boolean => (at.split('.')[1]?.length ?? 0) <= (price(at).gte('1') ? 2 : 4);
const words = (given: unknown): string | null =>
  typeof given === 'string' || typeof given === 'number' ? String(given) : null;

export function openBook(state: SimState, tell: Tell, nowMs: () => number): Book {
  const stamp = (): string => new Date(nowMs()).toISOString();
  const byId = (id: string): SimOrder | undefined => state.orders.find((one) => one.id === id);

  function wrong(body: Record<string, unknown>, asset: SimAsset): Answer | undefined {
    const [type, tif] = [String(body['type']), String(body['time_in_force'])];
    if (asset.class === 'crypto') {
      if (!CRYPTO_TYPES.includes(type)) return refusal(422, 40010001, 'invalid order type for crypto order');
      if (!['gtc', 'ioc'].includes(tif)) return refusal(422, 42210000, 'invalid crypto time_in_force');
      return undefined;
    }
    for (const field of ['limit_price', 'stop_price']) {
      const at = words(body[field]);
      if (at !== null && !pennies(at))
        return refusal(
          422,
          42210000,
          `invalid ${field} ${at}. sub-penny increment does not fulfill minimum pricing criteria`,
        );
    }
    if (String(body['qty']).includes('.') && tif !== 'day')
      return refusal(422, 42210000, 'fractional orders must be DAY orders');
    if (body['extended_hours'] === true && (type !== 'limit' || !['day', 'gtc'].includes(tif)))
      return refusal(422, 42210000, 'extended hours order must be DAY or GTC limit orders');
    return undefined;
  }

  function make(body: Record<string, unknown>, asset: SimAsset, replaces: string | null): SimOrder {
    const now = stamp();
    const order: SimOrder = {
      id: randomUUID(),
      client_order_id: words(body['client_order_id']) ?? randomUUID(),
      created_at: now,
      updated_at: now,
      submitted_at: now,
      filled_at: null,
      expired_at: null,
      canceled_at: null,
      failed_at: null,
      replaced_at: null,
      replaced_by: null,
      replaces,
      asset_id: asset.id,
      symbol: asset.symbol,
      asset_class: asset.class,
      notional: null,
      qty: String(body['qty']),
      filled_qty: '0',
      filled_avg_price: null,
      order_class: '',
      order_type: String(body['type']),
      type: String(body['type']),
      side: body['side'] === 'buy' ? 'buy' : 'sell',
      time_in_force: String(body['time_in_force']),
      limit_price: words(body['limit_price']),
      stop_price: words(body['stop_price']),
      status: 'new',
      extended_hours: body['extended_hours'] === true,
      legs: null,
      trail_percent: words(body['trail_percent']),
      trail_price: words(body['trail_price']),
      hwm: null,
      subtag: null,
      source: null,
    };
    state.orders.push(order);
    return order;
  }

  function affordable(order: Record<string, unknown>, asset: SimAsset): boolean {
    if (order['side'] !== 'buy') return true;
    const quote = state.quotes.get(asset.symbol);
    const at = words(order['limit_price']) ?? words(order['stop_price']) ?? quote?.ask;
    if (at === undefined) return true;
    const multiplier = asset.class === 'crypto' ? '1' : state.accountFlags.multiplier;
    return value(price(at), quantity(String(order['qty']))).lte(
      money(state.cash).times(multiplier).toFixed(),
    );
  }

  const book: Book = {
    holdCancels: false,
    autoFill: false,
    submit(body) {
      const { trading_blocked, account_blocked, trade_suspended_by_user } = state.accountFlags;
      if (trading_blocked || account_blocked || trade_suspended_by_user)
        return refusal(403, 40310000, 'new orders are rejected by user request or the account is blocked');
      const asset = state.assets.get(String(body['symbol']));
      if (asset === undefined) return refusal(422, 42210000, `asset "${String(body['symbol'])}" not found`);
      if (!asset.tradable) return refusal(422, 42210000, `asset ${asset.symbol} is not tradable`);
      if (state.orders.some((one) => one.client_order_id === body['client_order_id']))
        return refusal(422, 40010001, 'client_order_id must be unique');
      const objection = wrong(body, asset);
      if (objection !== undefined) return objection;
      const held = quantity(state.positions.get(asset.symbol)?.qty ?? '0');
      if (asset.class === 'crypto' && body['side'] === 'sell' && held.lt(String(body['qty'])))
        return refusal(
          403,
          40310000,
          `insufficient balance for ${asset.symbol} (requested: ${String(body['qty'])}, available: ${text(held)})`,
        );
      if (!affordable(body, asset)) return refusal(403, 40310000, 'insufficient buying power');
      const order = make(body, asset, null);
      tell('new', order);
      const quote = state.quotes.get(asset.symbol);
      if (book.autoFill && quote !== undefined && order.type === 'market')
        book.fill(order, order.qty, order.side === 'buy' ? quote.ask : quote.bid);
      return { status: 200, body: { ...order } };
    },
    patch(id, body) {
      const old = byId(id);
      if (old === undefined) return refusal(404, 40410000, `order not found for ${id}`);
      if (old.status !== 'new' && old.status !== 'partially_filled')
        return refusal(422, 42210000, `unable to replace order, order is in "${old.status}" state`);
      if (state.orders.some((one) => one.client_order_id === body['client_order_id']))
        return refusal(422, 40010001, 'client_order_id must be unique');
      const asset = state.assets.get(old.symbol);
      if (asset === undefined) return refusal(422, 42210000, 'asset not found');
      const { trail, ...given } = body;
      const trailing =
        trail === undefined
          ? {}
          : old.trail_percent === null
            ? { trail_price: trail }
            : { trail_percent: trail };
      const asked = { ...old, client_order_id: undefined, ...given, ...trailing };
      const objection = wrong(asked, asset);
      if (objection !== undefined) return objection;
      const order = make(asked, asset, old.id);
      Object.assign(old, {
        status: 'replaced',
        replaced_by: order.id,
        replaced_at: stamp(),
        updated_at: stamp(),
      });
      tell('replaced', old);
      tell('new', order);
      return { status: 200, body: { ...order } };
    },
    cancel(id) {
      const order = byId(id);
      if (order === undefined) return refusal(404, 40410000, `order not found for ${id}`);
      if (!WORKING.includes(order.status))
        return refusal(422, 42210000, `order is already in "${order.status}" state`);
      if (book.holdCancels) {
        order.status = 'pending_cancel';
        tell('pending_cancel', order);
      } else book.end(order, 'canceled');
      return { status: 204 };
    },
    fill(order, qty, at) {
      const now = stamp();
      const done = add(quantity(order.filled_qty), quantity(qty));
      const whole = done.gte(order.qty);
      order.filled_qty = text(done);
      order.filled_avg_price = at;
      order.updated_at = now;
      if (whole) {
        order.status = 'filled';
        order.filled_at = now;
      } else if (order.status !== 'pending_cancel') order.status = 'partially_filled';
      const held = hold(state, order, qty, at);
      const digits = now.replaceAll(/\D/g, '').slice(0, 17);
      const fill: SimFill = {
        activityId: `${digits}::${randomUUID()}`,
        executionId: randomUUID(),
        order,
        qty,
        price: at,
        cumQty: order.filled_qty,
        leavesQty: text(subtract(quantity(order.qty), done)),
        time: now,
        kind: whole ? 'fill' : 'partial_fill',
        hidden: false,
      };
      state.fills.push(fill);
      fill.update = tell(fill.kind, order, {
        execution_id: fill.executionId,
        price: at,
        qty,
        position_qty: held,
        timestamp: now,
      });
      return fill;
    },
    end(order, status) {
      const now = stamp();
      Object.assign(order, {
        status,
        updated_at: now,
        ...(status === 'canceled' ? { canceled_at: now } : {}),
        ...(status === 'expired' ? { expired_at: now } : {}),
        ...(status === 'rejected' ? { failed_at: now } : {}),
      });
      tell(status, order, { timestamp: now });
    },
  };
  return book;
}

/** Position and cash after a fill; gives the position. */
function hold(state: SimState, order: SimOrder, qty: string, at: string): string {
  const before = state.positions.get(order.symbol) ?? { qty: '0', avg: at };
  const signed = quantity(order.side === 'buy' ? qty : `-${qty}`);
  // The fee of what is credited is kept in the coin, at once where it is not said to come at the end of the day.
  const isCoin = state.assets.get(order.symbol)?.class === 'crypto';
  const kept =
    isCoin && order.side === 'buy' && !state.feesAtDaysEnd
      ? roundUpTo(scale(signed, ratio('0.0025')), quantity('0.000000001'))
      : quantity('0');
  const now = subtract(add(quantity(before.qty), signed), kept);
  const grows = absolute(now).gt(absolute(quantity(before.qty)).toFixed());
  const cost = add(value(price(before.avg), quantity(before.qty)), value(price(at), signed));
  state.cash = text(subtract(money(state.cash), value(price(at), signed)));
  if (isZero(now)) state.positions.delete(order.symbol);
  else
    state.positions.set(order.symbol, {
      qty: text(now),
      avg: grows ? text(proportion(cost, quantity('1'), now)) : before.avg,
    });
  return text(now);
}
