/** An order in Alpaca's words and in ours: what is asked for, what can not be, and what an answer says of it. */
import {
  add,
  isMultipleOf,
  type Price,
  price,
  type Quantity,
  quantity,
  ratio,
  text,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import { type ClearedOrder, type OrderType, SIDES, type TimeInForce } from '#domain/order.ts';
import { printable } from '#domain/refusal.ts';
import type { BrokerListing, BrokerOrder, BrokerOrderStatus } from '#ports.ts';
import type { Chain } from './chains.ts';
import { msOf, type OrderPayload } from './wire.ts';

const OVER: readonly string[] = ['filled', 'canceled', 'expired', 'replaced', 'rejected'];
/** Nothing more can come of it. */
export const isOver = (status: string): boolean => OVER.includes(status);

const COIN_TYPES: readonly OrderType[] = ['market', 'limit', 'stop_limit'];
const COIN_TIMES: readonly TimeInForce[] = ['gtc', 'ioc'];
const FRACTION_TYPES: readonly OrderType[] = ['market', 'limit', 'stop', 'stop_limit'];
const DOLLAR = price('1');
const CENT = price('0.01');
const SMALL = price('0.0001');
const WHOLE = quantity('1');

const isCoin = (listing: BrokerListing): boolean => listing.instrument.assetClass === 'crypto';
const isFraction = (order: Pick<ClearedOrder, 'qty'>): boolean => !isMultipleOf(order.qty, WHOLE);

/** Why Alpaca would not take it, before it is asked; undefined: it may. */
export function objection(order: ClearedOrder, listing: BrokerListing): string | undefined {
  if (order.takeProfit !== undefined || order.stopLoss !== undefined)
    return 'Alpaca’s brackets take no ids of ours for their legs: place the exit as an order of its own.';
  if (order.postOnly || order.reduceOnly) return 'Alpaca knows neither post-only nor reduce-only orders.';
  if (order.product !== undefined) return 'Alpaca knows no products.';
  return isCoin(listing) ? coinObjection(order, listing) : shareObjection(order);
}

function coinObjection(order: ClearedOrder, listing: BrokerListing): string | undefined {
  if (!COIN_TYPES.includes(order.type)) return `Alpaca takes no ${words(order.type)} orders for crypto.`;
  if (!COIN_TIMES.includes(order.timeInForce)) return 'Alpaca takes orders for crypto as gtc or ioc only.';
  if (order.extendedHours) return 'Crypto trades at all hours: there are no extended ones.';
  const smallest = listing.extra['minOrderSize'];
  if (smallest !== undefined && order.qty.lt(smallest))
    return `The smallest order Alpaca takes of it is ${smallest}.`;
  return undefined;
}

function shareObjection(order: ClearedOrder): string | undefined {
  if (order.extendedHours && !(order.type === 'limit' && ['day', 'gtc'].includes(order.timeInForce)))
    return 'In extended hours Alpaca takes limit orders alone, as day or gtc.';
  if (isFraction(order)) {
    if (!FRACTION_TYPES.includes(order.type))
      return `Alpaca takes no ${words(order.type)} orders for fractions of a share.`;
    if (timeOf(order, false) !== 'day') return 'Alpaca takes fractions of a share as day orders only.';
  }
  const fine = [order.limitPrice, order.stopPrice].every((at) => at === undefined || isPriced(at));
  return fine ? undefined : 'US shares are priced in whole cents from one dollar up, in 0.0001 below.';
}

const isPriced = (at: Price): boolean => isMultipleOf(at, at.gte(DOLLAR) ? CENT : SMALL);
const words = (type: OrderType): string => type.replaceAll('_', ' ');

/**
 * A market order for a fraction of a share goes as a day order, the only one there is: it is filled at once in session either way, and
 * a position with a fraction in it could otherwise not be closed.
 */
function timeOf(order: ClearedOrder, coin: boolean): TimeInForce {
  const closes = !coin && order.type === 'market' && order.timeInForce === 'gtc' && isFraction(order);
  return closes ? 'day' : order.timeInForce;
}

/** The body of a new order. */
export function orderBody(order: ClearedOrder, listing: BrokerListing): Readonly<Record<string, unknown>> {
  return {
    symbol: listing.brokerSymbol,
    qty: text(order.qty),
    side: order.side,
    type: order.type,
    time_in_force: timeOf(order, isCoin(listing)),
    client_order_id: order.brokerClientId,
    ...(order.limitPrice === undefined ? {} : { limit_price: text(order.limitPrice) }),
    ...(order.type === 'trailing_stop' || order.stopPrice === undefined
      ? {}
      : { stop_price: text(order.stopPrice) }),
    ...trailBody(order),
    ...(order.extendedHours ? { extended_hours: true } : {}),
  };
}

function trailBody({ trail }: ClearedOrder): Readonly<Record<string, string>> {
  switch (trail?.kind) {
    case undefined:
      return {};
    case 'price':
      return { trail_price: text(trail.distance) };
    case 'percent':
      return { trail_percent: text(trail.percent) };
    default:
      return trail satisfies never;
  }
}

/** The body of a change: what differs alone, since Alpaca refuses a quantity it may not change even where it is the same. */
export function changeBody(
  order: ClearedOrder,
  now: OrderPayload,
  clientId: string,
): Readonly<Record<string, string>> {
  const { trail } = order;
  const distance = trail === undefined ? undefined : trail.kind === 'price' ? trail.distance : trail.percent;
  const changed = (field: string, wanted: Price | Quantity | undefined, has: string | null | undefined) =>
    wanted === undefined || (typeof has === 'string' && wanted.eq(has)) ? {} : { [field]: text(wanted) };
  return {
    client_order_id: clientId,
    ...changed('qty', order.qty, now.qty),
    ...changed('limit_price', order.limitPrice, now.limit_price),
    ...(order.type === 'trailing_stop' ? {} : changed('stop_price', order.stopPrice, now.stop_price)),
    ...changed('trail', distance as Price | undefined, now.trail_price ?? now.trail_percent),
  };
}

const CHANGE = /~\d{1,4}$/;
const GENERATED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** A client id is good once at Alpaca: each change carries the order's own and its number. */
export const changeId = (clientId: string, change: number): string => `${clientId}~${change}`;
/** null: Alpaca made it itself, so nobody gave it one. */
export const clientIdOf = (order: OrderPayload): string | null =>
  GENERATED.test(order.client_order_id) ? null : order.client_order_id.replace(CHANGE, '');

/** Whether an order there is this one, and not another under its id. */
export const isSame = (order: ClearedOrder, { root }: Chain, listing: BrokerListing): boolean =>
  root.symbol === listing.brokerSymbol &&
  root.side === order.side &&
  root.type === order.type &&
  root.qty !== null &&
  root.qty !== undefined &&
  order.qty.eq(root.qty);

/** undefined: it is in no words of ours (several legs, a value instead of a quantity that is not known yet). */
export function orderOf(chain: Chain, listing: BrokerListing): BrokerOrder | undefined {
  const { root, head, filledBefore } = chain;
  const type = TYPES[head.type];
  const side = SIDES.find((one) => one === head.side);
  const whole = head.qty ?? head.filled_qty;
  if (type === undefined || side === undefined || typeof whole !== 'string' || quantity(whole).lte('0'))
    return undefined;
  const filledQty = add(filledBefore, quantity(head.filled_qty ?? '0'));
  const status = statusOf(head.status, filledQty);
  const reason = reasonOf(head.status);
  return {
    brokerOrderId: root.id,
    brokerClientId: clientIdOf(root),
    instrument: listing.instrument.id,
    side,
    qty: add(filledBefore, quantity(whole)),
    filledQty,
    type,
    timeInForce: TIMES[head.time_in_force] ?? 'day',
    ...priced('limitPrice', head.limit_price),
    ...priced('stopPrice', head.stop_price),
    ...trailOf(head),
    postOnly: false,
    reduceOnly: false,
    extendedHours: head.extended_hours ?? false,
    status,
    held: false,
    ...(reason === undefined ? {} : { reason }),
    timeMs: msOf(head.updated_at ?? head.created_at),
  };
}

const TYPES: Readonly<Record<string, OrderType>> = {
  market: 'market',
  limit: 'limit',
  stop: 'stop',
  stop_limit: 'stop_limit',
  trailing_stop: 'trailing_stop',
};
/** `opg` and `cls` work for one auction, and end with the day at the latest. */
const TIMES: Readonly<Record<string, TimeInForce>> = {
  day: 'day',
  gtc: 'gtc',
  ioc: 'ioc',
  fok: 'fok',
  opg: 'day',
  cls: 'day',
};
const AT_WORK: readonly string[] = [
  'new',
  'accepted',
  'pending_new',
  'accepted_for_bidding',
  'partially_filled',
  'done_for_day',
  'pending_cancel',
  'pending_replace',
  'stopped',
  'suspended',
  'calculated',
  'held',
];

/** A word that is not known counts as working: it must free nothing that may still be filled. */
function statusOf(status: string, filled: Quantity): BrokerOrderStatus {
  switch (status) {
    case 'filled':
    case 'canceled':
    case 'expired':
    case 'rejected':
      return status;
    // Replaced by nothing that can be found, as for a corporate action: it works no more.
    case 'replaced':
      return 'canceled';
    default:
      return filled.gt(ZERO_QUANTITY) ? 'partially_filled' : 'open';
  }
}

function reasonOf(status: string): string | undefined {
  if (status === 'rejected') return 'rejected by the venue';
  if (status === 'replaced') return 'replaced at Alpaca';
  if (AT_WORK.includes(status) || isOver(status)) return undefined;
  return `Alpaca calls its state "${printable(status)}", which is not known here`;
}

const priced = <K extends string>(key: K, at: string | null | undefined): { [k in K]?: Price } =>
  typeof at === 'string' && price(at).gt('0') ? ({ [key]: price(at) } as { [k in K]: Price }) : {};

function trailOf({
  trail_price: distance,
  trail_percent: percent,
}: OrderPayload): Pick<BrokerOrder, 'trail'> {
  if (typeof distance === 'string') return { trail: { kind: 'price', distance: price(distance) } };
  if (typeof percent === 'string') return { trail: { kind: 'percent', percent: ratio(percent) } };
  return {};
}
