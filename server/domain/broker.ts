/** What a broker says: outcomes of requests, orders, executions, positions and money, as values. */
import type { Money, Price, Quantity } from './decimal.ts';
import type { InstrumentId } from './instrument.ts';
import type { FinalState, OrderTerms, Product } from './order.ts';

/**
 * The three outcomes of a request that moves money: nothing was sent (`not_sent`), the venue's definitive word
 * (`accepted`, `rejected`), or `unknown`, which only evidence from the broker resolves.
 */
export type PlaceOutcome =
  | { readonly kind: 'accepted'; readonly brokerOrderId: string }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** `accepted` means the venue took the request; the order's end arrives as an event. `gone`: it was final already. */
export type CancelOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'gone'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export type BrokerOrderStatus = 'open' | 'partially_filled' | FinalState;

/** An order as the broker tells it. `held` legs of a bracket are `open` with `held: true`. */
export interface BrokerOrder extends OrderTerms {
  readonly brokerOrderId: string;
  /** The id we gave it; null for an order that was not ours. */
  readonly brokerClientId: string | null;
  readonly instrument: InstrumentId;
  readonly filledQty: Quantity;
  readonly status: BrokerOrderStatus;
  /** True while it waits for its bracket's entry to fill. */
  readonly held: boolean;
  readonly reason?: string;
  /** Market clock. */
  readonly timeMs: number;
}

export interface BrokerExecution {
  /** Unique within the account for ever; executions are posted once by it. */
  readonly executionId: string;
  readonly brokerOrderId: string;
  readonly brokerClientId: string | null;
  readonly instrument: InstrumentId;
  readonly side: 'buy' | 'sell';
  /** Positive. */
  readonly qty: Quantity;
  readonly price: Price;
  /** Account currency; positive is a cost. */
  readonly fee: Money;
  /** What of the fee was taken in the instrument itself (a coin): so much less is held than was bought, or more where it is below zero. `fee` counts it at the price. */
  readonly feeQty?: Quantity;
  /** Under which it was traded, where the broker knows products. */
  readonly product?: Product;
  /** Market clock. */
  readonly timeMs: number;
}

/** Everything held in an instrument was closed at a price, without an order (a tape's end, an expiry). */
export interface BrokerSettlement {
  readonly settlementId: string;
  readonly instrument: InstrumentId;
  /** What the account held until then, signed; absent where the broker does not say. */
  readonly qty?: Quantity | undefined;
  readonly price: Price;
  readonly detail: string;
  readonly timeMs: number;
}

/** The account's books began anew: it is flat and has this cash. Only an account without real money can. */
export interface BrokerRestart {
  readonly restartId: string;
  readonly cash: Money;
  readonly detail: string;
  readonly timeMs: number;
}
export type RestartOutcome =
  | { readonly kind: 'restarted' }
  | { readonly kind: 'refused'; readonly reason: string };

export type BrokerEvent =
  | { readonly kind: 'order'; readonly order: BrokerOrder }
  | { readonly kind: 'execution'; readonly execution: BrokerExecution }
  | { readonly kind: 'settlement'; readonly settlement: BrokerSettlement }
  | { readonly kind: 'restart'; readonly restart: BrokerRestart }
  | { readonly kind: 'connection'; readonly connected: boolean; readonly detail: string };

export interface BrokerPosition {
  readonly instrument: InstrumentId;
  /** Signed: negative is short. */
  readonly qty: Quantity;
}
export interface BrokerBalance {
  readonly currency: string;
  readonly cash: Money;
  readonly equity: Money;
  /** What new orders may still take, open orders' reservations already deducted. */
  readonly buyingPower: Money;
  /** The same for coins, where the broker lends for the rest and sells coins for cash only. */
  readonly coinBuyingPower?: Money;
}

/** What is owned beyond the day: delivered shares, coins in the wallet. Not margin positions. */
export interface BrokerHolding {
  readonly instrument: InstrumentId;
  /** Positive, settled and unsettled together. */
  readonly qty: Quantity;
  /** Bought and not delivered yet (T+1). */
  readonly unsettledQty: Quantity;
  /** Pledged or otherwise not free to sell. */
  readonly lockedQty: Quantity;
  /** null: the broker does not say. */
  readonly avgPrice: Price | null;
  readonly product?: Product;
}

/** What a broker would ask for an order, account currency. */
export interface BrokerMargin {
  readonly required: Money;
  /** The broker's own estimate; absent where it gives none. */
  readonly fees?: Money;
  readonly source: 'broker' | 'computed';
}
