/** The guided first order: one that is refused for its size and one that fits, in words for an agent and as calls of curl. */
import {
  compare,
  isPositive,
  type Money,
  money,
  type Price,
  proportion,
  type Quantity,
  quantity,
  ratio,
  roundDownTo,
  roundUpTo,
  scale,
  text,
  value,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { MandateDocument } from '#domain/mandate.ts';
import { curl } from './connect-snippets.ts';

export interface FirstOrder {
  readonly symbol: string;
  /** Worth about twice what one order may be. */
  readonly tooMuch: string;
  /** Worth about a tenth of that, or one lot; null when not even one lot is allowed. */
  readonly fits: string | null;
}

const TWICE = ratio('2');
const A_TENTH = ratio('0.1');

/** Far from the limit on both sides, so that the market may move between reading and doing. */
export function firstOrder(
  instrument: Pick<Instrument, 'symbol' | 'lot' | 'multiplier'>,
  at: Price,
  limits: Pick<MandateDocument, 'max_order_value' | 'max_order_qty'>,
): FirstOrder {
  const { symbol, lot, multiplier } = instrument;
  const most = money(limits.max_order_value);
  const unitValue = value(at, quantity('1'), multiplier);
  const unitsWorth = (amount: Money): Quantity => proportion(quantity('1'), amount, unitValue);
  const over = roundUpTo(unitsWorth(scale(most, TWICE)), lot);
  const tenth = roundDownTo(unitsWorth(scale(most, A_TENTH)), lot);
  const small = isPositive(tenth) ? tenth : lot;
  const isAllowed =
    compare(value(at, small, multiplier), most) <= 0 && compare(small, quantity(limits.max_order_qty)) <= 0;
  return {
    symbol,
    tooMuch: text(isPositive(over) ? over : lot),
    fits: isAllowed ? text(small) : null,
  };
}

const units = (qty: string): string => (qty === '1' ? '1 unit' : `${qty} units`);

/** What to say to the agent. */
export const wordsTooMuch = ({ symbol, tooMuch }: FirstOrder): string =>
  `Buy ${units(tooMuch)} of ${symbol} at the market. Show me the preview first.`;
export const wordsFitting = (symbol: string, qty: string): string =>
  `Buy ${units(qty)} of ${symbol} at the market: show me the preview, and if it is allowed, place the order.`;

const ORDERS = '/api/v1/orders';
const orderOf = (symbol: string, qty: string) => ({ symbol, side: 'buy', qty, type: 'market' });

export const curlTooMuch = (origin: string, { symbol, tooMuch }: FirstOrder): string =>
  curl(origin, ORDERS, JSON.stringify(orderOf(symbol, tooMuch)));

/** Preview and commit in one paste: the token of the first answer goes into the second call. */
export function curlFitting(origin: string, symbol: string, qty: string): string {
  const order = orderOf(symbol, qty);
  const preview = curl(origin, ORDERS, JSON.stringify(order));
  const commit = JSON.stringify({
    ...order,
    dry_run: false,
    action_token: 'TOKEN',
    idempotency_key: `first-order-${qty}`,
  });
  return [
    `TOKEN=$(${preview} \\\n  | sed -n 's/.*"action_token":"\\([^"]*\\)".*/\\1/p')`,
    curl(origin, ORDERS, commit).replace('TOKEN', `'"$TOKEN"'`),
  ].join('\n');
}
