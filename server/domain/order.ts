/** Orders: their terms, their states, and the table of legal transitions that `transition()` obeys. */
import type { Money, Price, Quantity, Ratio } from './decimal.ts';
import type { InstrumentId } from './instrument.ts';
import type { AccountId } from './principal.ts';

export const SIDES = ['buy', 'sell'] as const;
export type Side = (typeof SIDES)[number];
export const opposite = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

export const ORDER_TYPES = ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'] as const;
export type OrderType = (typeof ORDER_TYPES)[number];

export const TIMES_IN_FORCE = ['day', 'gtc', 'ioc', 'fok'] as const;
export type TimeInForce = (typeof TIMES_IN_FORCE)[number];

/** How far a trailing stop follows: an amount of price, or a percentage (5 = 5 %) of the best price since it was placed. */
export type Trail =
  | { readonly kind: 'price'; readonly distance: Price }
  | { readonly kind: 'percent'; readonly percent: Ratio };

/** Under which margin and settlement rules an Indian broker holds it: delivery, intraday, carried forward. */
export const PRODUCTS = ['cnc', 'mis', 'nrml'] as const;
export type Product = (typeof PRODUCTS)[number];

/** What every order says, whoever placed it. Which prices are present follows from `type`. */
export interface OrderTerms {
  readonly side: Side;
  readonly qty: Quantity;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly limitPrice?: Price;
  readonly stopPrice?: Price;
  readonly trail?: Trail;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly extendedHours: boolean;
  /** Absent: the account's own default, or a broker that knows no products. */
  readonly product?: Product;
}

/** How much: units, or a value in quote currency that the gateway turns into units (rounded down to the lot). */
export type Size =
  | { readonly kind: 'qty'; readonly qty: Quantity }
  | { readonly kind: 'notional'; readonly notional: Money };

/** What a caller asked for, parsed; nothing in it has been decided yet. */
export interface OrderDraft extends Omit<OrderTerms, 'qty'> {
  readonly account: AccountId;
  readonly symbol: string;
  readonly size: Size;
  /** Bracket: closes the position with a limit at this price. */
  readonly takeProfit?: Price;
  /** Bracket: closes the position with a stop at this price. */
  readonly stopLoss?: Price;
  readonly clientOrderId?: string;
  /** The strategy it belongs to. */
  readonly tag?: string;
  /** For the owner who may have to approve it: data, never instruction. */
  readonly note?: string;
}

export const OPEN_STATES = [
  'received',
  'pending_approval',
  'submitting',
  'open',
  'partially_filled',
  'pending_replace',
  'pending_cancel',
  'unknown',
] as const;
export const FINAL_STATES = ['filled', 'canceled', 'rejected', 'refused', 'expired'] as const;
export type FinalState = (typeof FINAL_STATES)[number];
export type OrderStatus = (typeof OPEN_STATES)[number] | FinalState;
export const ORDER_STATES: readonly OrderStatus[] = [...OPEN_STATES, ...FINAL_STATES];

/** Legal transitions. A final state has none: a late execution changes `filled_qty`, never the status. */
export const TRANSITIONS: { readonly [from in OrderStatus]: readonly OrderStatus[] } = {
  received: ['pending_approval', 'submitting', 'refused'],
  pending_approval: ['submitting', 'refused', 'canceled'],
  // refused: it was never sent (the gate fell, or the adapter could prove that nothing left).
  submitting: ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'refused', 'expired', 'unknown'],
  open: [
    'partially_filled',
    'filled',
    'pending_replace',
    'pending_cancel',
    'canceled',
    'rejected',
    'expired',
    'unknown',
  ],
  partially_filled: [
    'filled',
    'pending_replace',
    'pending_cancel',
    'canceled',
    'rejected',
    'expired',
    'unknown',
  ],
  pending_replace: [
    'open',
    'partially_filled',
    'filled',
    'pending_cancel',
    'canceled',
    'rejected',
    'expired',
    'unknown',
  ],
  pending_cancel: ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired', 'unknown'],
  unknown: ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired'],
  filled: [],
  canceled: [],
  rejected: [],
  refused: [],
  expired: [],
};

export const isFinal = (status: OrderStatus): status is FinalState =>
  (FINAL_STATES as readonly OrderStatus[]).includes(status);
export const mayBecome = (from: OrderStatus, to: OrderStatus): boolean => TRANSITIONS[from].includes(to);

/** `entry` stands alone or opens a bracket; the other two are the legs of a bracket, one cancels the other. */
export type OrderRole = 'entry' | 'take_profit' | 'stop_loss';
/** Who made it: an agent's order, an agent's close, the owner's flatten, the tape's end, or found at the broker. */
export type OrderOrigin = 'agent' | 'close' | 'flatten' | 'settlement' | 'external';

declare const cleared: unique symbol;
/**
 * Terms that have passed every control. Only `trading/risk.ts` mints it, and `BrokerAdapter.place` and `replace` accept
 * nothing else, so that an unchecked order can not reach a broker.
 */
export interface ClearedOrder extends OrderTerms {
  readonly [cleared]: true;
  readonly account: AccountId;
  readonly instrument: InstrumentId;
  /** The id that we give the broker; unique for ever, and what we ask for when an outcome is unclear. */
  readonly brokerClientId: string;
  /** The broker's own id; present for a replace. */
  readonly brokerOrderId?: string;
  /** Legs activate on the entry's fills, up to its filled quantity; cancelling one cancels the group. */
  readonly takeProfit?: { readonly brokerClientId: string; readonly limitPrice: Price };
  readonly stopLoss?: { readonly brokerClientId: string; readonly stopPrice: Price };
}
