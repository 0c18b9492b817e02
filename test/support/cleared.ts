/** Orders for tests of brokers: cast to what only the risk check mints in the product. */
import { type Price, price, quantity, ratio } from '#domain/decimal.ts';
import { type InstrumentId, instrumentId } from '#domain/instrument.ts';
import type { ClearedOrder, OrderType, Side, TimeInForce, Trail } from '#domain/order.ts';
import { accountId } from '#domain/principal.ts';

export interface OrderWords {
  readonly id: string;
  readonly side: Side;
  readonly qty: string;
  readonly type?: OrderType;
  readonly tif?: TimeInForce;
  readonly limit?: string;
  readonly stop?: string;
  readonly trailPrice?: string;
  readonly trailPercent?: string;
  readonly postOnly?: boolean;
  readonly reduceOnly?: boolean;
  readonly extendedHours?: boolean;
  readonly takeProfit?: string;
  readonly stopLoss?: string;
  readonly instrument?: string | InstrumentId;
  readonly account?: string;
}

/** `type` follows from the prices that are given; legs are called `<id>-tp` and `<id>-sl`. */
export function cleared(words: OrderWords): ClearedOrder {
  const order = {
    account: accountId(words.account ?? 'paper'),
    instrument: instrumentId(words.instrument ?? 'TEST:ABC'),
    brokerClientId: words.id,
    side: words.side,
    qty: quantity(words.qty),
    type: words.type ?? typeOf(words),
    timeInForce: words.tif ?? 'gtc',
    postOnly: words.postOnly ?? false,
    reduceOnly: words.reduceOnly ?? false,
    extendedHours: words.extendedHours ?? false,
    ...optional('limitPrice', words.limit),
    ...optional('stopPrice', words.stop),
    ...trailOf(words),
    ...(words.takeProfit === undefined
      ? {}
      : { takeProfit: { brokerClientId: `${words.id}-tp`, limitPrice: price(words.takeProfit) } }),
    ...(words.stopLoss === undefined
      ? {}
      : { stopLoss: { brokerClientId: `${words.id}-sl`, stopPrice: price(words.stopLoss) } }),
  };
  return order as unknown as ClearedOrder;
}

function typeOf({ limit, stop, trailPrice, trailPercent }: OrderWords): OrderType {
  if (trailPrice !== undefined || trailPercent !== undefined) return 'trailing_stop';
  if (stop !== undefined) return limit === undefined ? 'stop' : 'stop_limit';
  return limit === undefined ? 'market' : 'limit';
}

function optional<K extends string>(key: K, at: string | undefined): { [k in K]?: Price } {
  return at === undefined ? {} : ({ [key]: price(at) } as { [k in K]: Price });
}

function trailOf({ trailPrice, trailPercent }: OrderWords): { trail?: Trail } {
  if (trailPrice !== undefined) return { trail: { kind: 'price', distance: price(trailPrice) } };
  if (trailPercent !== undefined) return { trail: { kind: 'percent', percent: ratio(trailPercent) } };
  return {};
}
