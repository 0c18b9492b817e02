/** The trading desk: everything an agent or the owner can ask of the order line. Tools, console and commands see only this. */
import type { Price, Quantity } from '#domain/decimal.ts';
import type { MandateDocument } from '#domain/mandate.ts';
import type { OrderDraft, Product, Trail } from '#domain/order.ts';
import type { AccountId, Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { ReadPreview } from './preview-read.ts';
import type {
  AccountStatus,
  AccountView,
  CancelResult,
  CloseResult,
  HoldingView,
  KillReport,
  ListedAccountView,
  MandateView,
  OrderRecord,
  PlaceResult,
  PnlDay,
  PnlTotals,
  PositionView,
  Preview,
  TimelineEntry,
  TradeRecord,
} from './views.ts';

/**
 * How a trading call is meant. `digest` is the SHA-256 of the canonical arguments without dry_run, action_token and
 * idempotency_key; a token and a key are bound to agent, tool and digest.
 */
export type TradeCommit =
  | { readonly kind: 'preview'; readonly tool: string; readonly digest: string }
  | {
      readonly kind: 'commit';
      readonly tool: string;
      readonly digest: string;
      /** Absent: allowed only under a `one_step` mandate. */
      readonly token?: string;
      readonly idempotencyKey: string;
    };

/** Reduce tools act on the first call; the key is optional. */
export interface ReduceCommit {
  readonly tool: string;
  readonly digest: string;
  readonly dryRun: boolean;
  readonly idempotencyKey?: string;
}

export interface OrderChange {
  readonly orderId: string;
  readonly qty?: Quantity;
  readonly limitPrice?: Price;
  readonly stopPrice?: Price;
  readonly trail?: Trail;
}

export interface OrderFilter {
  readonly account?: AccountId;
  readonly symbol?: string;
  readonly status: 'open' | 'final' | 'all';
  /** Wall clock, epoch ms: created at or after. */
  readonly sinceMs?: number;
  readonly limit: number;
  /** Newest first; continue below this sequence. */
  readonly beforeSeq?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextBeforeSeq: number | null;
}

export type CancelOutcomeView =
  | { readonly dryRun: true; readonly order: OrderRecord }
  | { readonly dryRun: false; readonly order: OrderRecord };
export type CloseOutcomeView =
  | { readonly dryRun: true; readonly preview: Preview | null; readonly wouldCancel: readonly string[] }
  | ({ readonly dryRun: false } & CloseResult);

export interface TightenResult {
  readonly dryRun: boolean;
  readonly version: number;
  /** Fields that are tighter than they were; none: all of it was in force already. */
  readonly changed: readonly string[];
  readonly mandate: Omit<MandateDocument, 'tests'>;
  /** Orders that no longer fit and are being canceled; of a preview, that would be. */
  readonly canceling: readonly string[];
}

type Answer<T> = Promise<Result<T, Refusal>>;

export interface Desk {
  placeOrder(who: Principal, draft: OrderDraft, commit: TradeCommit): Answer<PlaceResult>;
  /** For who may only read: nothing of it can be sent. */
  previewOrder(who: Principal, draft: OrderDraft): Answer<ReadPreview>;
  modifyOrder(who: Principal, change: OrderChange, commit: TradeCommit): Answer<PlaceResult>;
  cancelOrder(who: Principal, orderId: string, commit: ReduceCommit): Answer<CancelOutcomeView>;
  cancelAllOrders(
    who: Principal,
    filter: { readonly account?: AccountId; readonly symbol?: string },
    commit: ReduceCommit,
  ): Answer<CancelResult & { readonly dryRun: boolean }>;
  closePosition(
    who: Principal,
    close: {
      readonly account: AccountId;
      readonly symbol: string;
      readonly qty?: Quantity;
      readonly product?: Product;
    },
    commit: ReduceCommit,
  ): Answer<CloseOutcomeView>;
  closeAllPositions(
    who: Principal,
    filter: { readonly account?: AccountId },
    commit: ReduceCommit,
  ): Answer<{
    readonly dryRun: boolean;
    readonly closes: readonly (CloseOutcomeView & { readonly symbol: string })[];
    readonly failed: readonly { readonly symbol: string; readonly refusal: Refusal }[];
  }>;
  /** Halts the caller only; idempotent. */
  haltTrading(
    who: Principal,
    reason: string,
  ): Answer<{ readonly tradingState: 'HALTED'; readonly agent: string }>;

  /**
   * Makes the caller's own mandate tighter, in any of its fields; anything looser is `loosening_refused` and nothing is saved.
   * Adding orders that no longer fit are canceled.
   */
  tightenMandate(who: Principal, fields: unknown, commit: ReduceCommit): Answer<TightenResult>;

  /** Those that are not connected too. */
  listAccounts(who: Principal): Answer<readonly ListedAccountView[]>;
  account(who: Principal, account: AccountId): Answer<AccountView>;
  /** What the accounts own beyond the day. */
  holdings(
    who: Principal,
    filter: { readonly account?: AccountId; readonly symbol?: string },
  ): Answer<readonly HoldingView[]>;
  positions(
    who: Principal,
    filter: {
      readonly account?: AccountId;
      readonly symbol?: string;
      readonly status: 'open' | 'closed' | 'all';
    },
  ): Answer<readonly PositionView[]>;
  orders(who: Principal, filter: OrderFilter): Answer<Page<OrderRecord>>;
  order(
    who: Principal,
    orderId: string,
  ): Answer<{
    readonly order: OrderRecord;
    readonly timeline: readonly TimelineEntry[];
    /** While it waits for the owner; the note is the agent's own. */
    readonly approval?: { readonly expiresAtMs: number; readonly note: string | null };
  }>;
  trades(
    who: Principal,
    filter: Omit<OrderFilter, 'status'> & { readonly orderId?: string },
  ): Answer<Page<TradeRecord>>;
  pnlHistory(
    who: Principal,
    query: { readonly account: AccountId; readonly days: number },
  ): Answer<{ readonly days: readonly PnlDay[]; readonly totals: PnlTotals }>;
  mandate(who: Principal): Answer<MandateView>;
  /** Of the accounts the caller may read. */
  status(who: Principal): {
    readonly tradingState: 'ACTIVE' | 'REDUCING' | 'HALTED';
    readonly accounts: readonly AccountStatus[];
  };

  /** Owner's acts. */
  kill(options: {
    readonly cancel: 'adding' | 'all' | 'none';
    readonly flatten: boolean;
    readonly by: string;
  }): Promise<KillReport>;
  resume(by: string): Result<{ readonly tradingState: 'ACTIVE' }, Refusal>;
}
