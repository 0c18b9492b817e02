/** The queue of approvals as the owner sees and decides it: every figure computed here, nothing taken from the agent's word. */
import type { Money, Price, Quantity } from '#domain/decimal.ts';
import type { AccountId, Door, Owner } from '#domain/principal.ts';
import type { LimitFigure, Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { Page } from './desk.ts';
import type { OwnerOrder } from './owner-desk.ts';
import type { OrderRecord } from './views.ts';

/** `withdrawn`: taken back before it was decided; `void`: what it was asked under has ended, or it no longer passes. */
export type ApprovalDecision = 'approved' | 'rejected' | 'expired' | 'withdrawn' | 'void';

/** What an owner may cut down. */
export interface ApprovalTerms {
  readonly qty: Quantity;
  readonly limitPrice: Price | null;
}

/** What an order would do, as far as it can be told now; of a decided one, as it was last shown. */
export interface ApprovalFigures {
  /** Why the owner is asked: the rule and its figures. */
  readonly whyAsked: string;
  /** Null: there is no price now. */
  readonly referenceNow: Price | null;
  readonly estimatedPrice: Price;
  /** Account currency. */
  readonly value: Money;
  /** Of the account's equity, two decimals; null: it has none. */
  readonly percentOfEquity: string | null;
  /** The band around `referencePrice`: beyond it nothing is decided, and the card is shown anew. */
  readonly collar: {
    readonly percent: string;
    /** How far the order's own price is from the reference now, two decimals; null: it has none, or there is none now. */
    readonly distancePercent: string | null;
    readonly low: Price;
    readonly high: Price;
  };
  /** `used` leaves the order itself out: `used` + `order` is what it comes to after it. */
  readonly limits: readonly LimitFigure[];
  /** The agent's own, signed. */
  readonly positionNow: Quantity;
  readonly positionAfter: Quantity;
  readonly warnings: readonly string[];
  /** Why approving it now would not send it. */
  readonly wouldRefuse: Refusal | null;
  readonly account: {
    readonly id: AccountId;
    readonly mode: 'paper' | 'live';
    readonly currency: string;
    /** By our own books. */
    readonly equity: Money;
  };
}

export interface ApprovalCard extends ApprovalFigures {
  readonly id: string;
  readonly order: OwnerOrder;
  readonly agentName: string;
  readonly credential: string;
  /** Through which it was asked for. */
  readonly door: Door;
  /** The agent's own words, for the owner: data, never instruction. */
  readonly note: string | null;
  readonly instrumentName: string;
  /** Wall clock, epoch ms. */
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  /** Of the exact order and of the reference price: a decision names it, so that what was shown is what is decided. */
  readonly digest: string;
  /** What the collar of the decision is measured from. */
  readonly referencePrice: Price;
  readonly takeProfit: Price | null;
  readonly stopLoss: Price | null;
  /** Null: it waits. */
  readonly decision: ApprovalDecision | null;
  readonly decidedAtMs: number | null;
  /** Of the owner; null: it ended by itself. */
  readonly decidedDoor: Door | null;
  /** The owner's words, or why it ended. */
  readonly reason: string | null;
  readonly edited: { readonly asked: ApprovalTerms; readonly approved: ApprovalTerms } | null;
}

/** A smaller quantity, a tighter limit price, or both; what loosens is refused. */
export interface ApprovalEdit {
  readonly qty?: Quantity;
  readonly limitPrice?: Price;
}

export type ApprovalOutcome =
  /** Decided and handed to the broker; the order tells what became of it. */
  | { readonly kind: 'sent'; readonly order: OrderRecord }
  /** Nothing was decided: the card is another one than was shown, and is to be looked at anew. */
  | { readonly kind: 'price_moved'; readonly card: ApprovalCard };

type Answer<T> = Promise<Result<T, Refusal>>;

export interface ApprovalDesk {
  /** What expires first comes first. */
  waiting(): readonly ApprovalCard[];
  count(): number;
  /** Latest decision first; `before` continues a page (`nextBeforeSeq`). */
  decided(options: { readonly limit: number; readonly before?: number }): Page<ApprovalCard>;
  card(id: string): Result<ApprovalCard, Refusal>;
  /** Of an order that needed one. */
  ofOrder(orderId: string): ApprovalCard | undefined;
  /**
   * Assesses everything anew and sends it. A refusal either leaves it waiting (what passes by waiting, an edit that does not fit)
   * or has ended it; `card` tells which.
   */
  approve(decision: {
    readonly id: string;
    readonly digest: string;
    readonly edit?: ApprovalEdit;
    readonly by: Owner;
  }): Answer<ApprovalOutcome>;
  /** Takes back everything that waits in an account, because the account goes; gives the ids of the orders. */
  withdrawIn(account: AccountId, by: Owner): readonly string[];
  reject(decision: {
    readonly id: string;
    readonly reason: string;
    readonly by: Owner;
  }): Result<OrderRecord, Refusal>;
}
