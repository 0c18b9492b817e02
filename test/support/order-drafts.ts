/** Drafts of orders, written in a line. */
import { isDecimalText, money, type Price, price, quantity } from '#domain/decimal.ts';
import type { OrderDraft } from '#domain/order.ts';
import { accountId } from '#domain/principal.ts';

/** A draft of an order; decimals as text. */
export function draft(fields: {
  readonly side: 'buy' | 'sell';
  readonly qty?: string;
  readonly notional?: string;
  readonly type?: OrderDraft['type'];
  readonly limit?: string;
  readonly stop?: string;
  readonly takeProfit?: string;
  readonly stopLoss?: string;
  readonly timeInForce?: OrderDraft['timeInForce'];
  readonly symbol?: string;
  readonly reduceOnly?: boolean;
  readonly extendedHours?: boolean;
  readonly clientOrderId?: string;
  readonly trailPrice?: string;
  readonly account?: string;
  readonly product?: OrderDraft['product'];
}): OrderDraft {
  const at = (field: string | undefined): Price | undefined =>
    field === undefined || !isDecimalText(field) ? undefined : price(field);
  return {
    account: accountId(fields.account ?? 'paper'),
    symbol: fields.symbol ?? 'SPX',
    side: fields.side,
    size:
      fields.notional === undefined
        ? { kind: 'qty', qty: quantity(fields.qty ?? '1') }
        : { kind: 'notional', notional: money(fields.notional) },
    type: fields.type ?? (fields.limit ? 'limit' : fields.stop ? 'stop' : 'market'),
    timeInForce: fields.timeInForce ?? 'gtc',
    ...defined({
      limitPrice: at(fields.limit),
      stopPrice: at(fields.stop),
      takeProfit: at(fields.takeProfit),
      stopLoss: at(fields.stopLoss),
    }),
    ...(fields.trailPrice ? { trail: { kind: 'price', distance: price(fields.trailPrice) } } : {}),
    ...(fields.clientOrderId ? { clientOrderId: fields.clientOrderId } : {}),
    postOnly: false,
    reduceOnly: fields.reduceOnly ?? false,
    extendedHours: fields.extendedHours ?? false,
    ...(fields.product ? { product: fields.product } : {}),
  };
}

function defined<T extends Record<string, Price | undefined>>(fields: T): { [K in keyof T]?: Price } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Price;
  };
}
