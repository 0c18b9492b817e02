/** The owner's desk: everything the console sees of the order line and does at it, for every agent and for the owner's own orders. */
import type { RepeatReason } from '#access/reducing.ts';
import type { Money, Price, Quantity } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { OrderDraft, OrderStatus, Side } from '#domain/order.ts';
import type { AccountId, AgentId, Owner, TradingState } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { AccountLimitsDesk } from './account-limits-desk.ts';
import type { AccountReducingReason } from './account-state.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import type { Page } from './desk.ts';
import type {
  AccountStatus,
  AccountView,
  CancelResult,
  CloseResult,
  DrillReport,
  KillPreview,
  KillReport,
  MandateView,
  OrderRecord,
  PnlDay,
  PnlTotals,
  PositionView,
  Preview,
  TimelineEntry,
  TradeRecord,
} from './views.ts';

export interface OwnerFilter {
  readonly account?: AccountId;
  /** A name; `owner` and `external` too. */
  readonly agent?: string;
  readonly symbol?: string;
}

export interface OwnerOrderFilter extends OwnerFilter {
  readonly status?: 'open' | 'final' | OrderStatus;
  readonly side?: Side;
  /** Wall clock, epoch ms: created at or after, and before. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** An order id or a client order id, exactly. */
  readonly text?: string;
  readonly limit: number;
  /** Newest first; continue below this sequence. */
  readonly beforeSeq?: number;
}

export interface OwnerOrder extends OrderRecord {
  readonly agentName: string;
  readonly credential: string;
  /** The approval that it waits for or was given; null: nobody was asked. */
  readonly approvalId: string | null;
}

/** Of everybody's fills. */
export type OwnerTradeFilter = Omit<OwnerOrderFilter, 'status' | 'text'> & { readonly orderId?: string };
export interface OwnerTrade extends TradeRecord {
  readonly agent: AgentId;
  readonly agentName: string;
  /** Of the holder's position, fee included. */
  readonly realised: Money;
}

/** One row an agent, account and instrument: `qty` and `ownQty` are the holder's. */
export interface OwnerPosition extends PositionView {
  readonly holder: AgentId;
  readonly holderName: string;
  /** What the whole account holds there, signed. */
  readonly accountQty: Quantity;
}

export interface OwnerPositionFilter extends OwnerFilter {
  readonly status: 'open' | 'closed' | 'all';
}

export interface OwnerOrderStory {
  readonly order: OwnerOrder;
  readonly timeline: readonly TimelineEntry[];
  readonly trades: readonly OwnerTrade[];
  /** Of its bracket: the legs of an entry, the entry and the other leg of a leg. */
  readonly legs: readonly OwnerOrder[];
  /** What the owner recorded of it, oldest first. */
  readonly evidence: readonly EvidenceRecord[];
  /** Why nothing can be recorded of it now, as a sentence; null: it can. */
  readonly whyNoEvidence: string | null;
  /** A change of it waits for the broker's word. */
  readonly changePending: boolean;
}

export const EVIDENCE_OUTCOMES = [
  'never_received',
  'rejected',
  'canceled',
  'expired',
  'filled',
  'working',
] as const;
export type EvidenceOutcome = (typeof EVIDENCE_OUTCOMES)[number];

/** A fill as the broker's screen or statement shows it. */
export interface RecordedFill {
  /** The statement's own id of it: the broker's word on the same one then replaces this without a doubt. */
  readonly executionId?: string;
  readonly qty: Quantity;
  readonly price: Price;
  /** Positive is a cost. */
  readonly fee: Money;
  /** When it happened; absent: when it was observed. */
  readonly timeMs?: number;
}

/** What the owner read of an unclear order on the broker's own screen or statement. */
export interface Evidence {
  readonly orderId: string;
  readonly outcome: EvidenceOutcome;
  /** Those that the books lack; `filled` needs as much as is left of the order. */
  readonly fills?: readonly RecordedFill[];
  /** A price beyond the order's own limit, or far from the market, stands there so. */
  readonly pricesConfirmed?: boolean;
  /** Needed with `working` while a change waits for its answer: which terms the broker shows. */
  readonly terms?: 'old' | 'new';
  /** The broker's own id of the order, where it was never acknowledged. */
  readonly brokerOrderId?: string;
  /** Where it stands: a page, a statement, a call. */
  readonly source: string;
  /** What it says, in its words. */
  readonly text: string;
  /** Wall clock, epoch ms. */
  readonly observedAtMs: number;
  readonly by: Owner;
}

/** As it stands on the record. */
export interface EvidenceRecord {
  readonly id: string;
  readonly outcome: EvidenceOutcome;
  readonly source: string;
  readonly text: string;
  readonly observedAtMs: number;
  readonly recordedAtMs: number;
  readonly door: string;
  /** What the broker said of the order when it was asked afterwards; null: nothing yet. */
  readonly brokerSaid: string | null;
}

export interface OwnerClose {
  readonly holder: AgentId;
  readonly account: AccountId;
  readonly symbol: string;
  /** Absent: all of it. */
  readonly qty?: Quantity;
}
export interface ClosePreview {
  /** Null: there is nothing to close. */
  readonly preview: Preview | null;
  /** Orders that would be canceled first: what reduces this position already, brackets included, or would go beyond it. */
  readonly wouldCancel: readonly string[];
}

/**
 * An account's equity by market day and now, from our own books: marked at what could be had, where a broker may say the middle.
 * What of its statistics would mean reading every trade is left out.
 */
export interface EquityCurve {
  /** Oldest first; the last one is today and goes with the market. */
  readonly days: readonly PnlDay[];
  readonly totals: Omit<PnlTotals, 'trades' | 'winningTradesPct'>;
  readonly now: {
    /** Wall clock, epoch ms. */
    readonly atMs: number;
    readonly equity: Money;
    readonly unrealised: Money;
    readonly drawdown: Money;
    readonly dayPnl: Money;
  };
}

export interface AgentStanding {
  readonly agent: string;
  readonly tradingState: TradingState;
  readonly reason: string | null;
}

/** Something that waits for the owner, and whose it is. */
export type WaitingItem =
  | {
      readonly kind: 'approval';
      readonly approvalId: string;
      readonly orderId: string;
      readonly agentName: string;
      readonly account: AccountId;
      readonly symbol: string;
      readonly sinceMs: number;
      readonly expiresAtMs: number;
    }
  | {
      readonly kind: 'order_unknown';
      readonly orderId: string;
      readonly agentName: string;
      readonly account: AccountId;
      readonly symbol: string;
      readonly sinceMs: number;
    }
  | {
      readonly kind: 'agent_halted';
      readonly agentName: string;
      readonly reason: string;
      readonly sinceMs: number;
    }
  | {
      readonly kind: 'agent_reducing';
      readonly agentName: string;
      readonly reason: 'daily_loss' | RepeatReason;
    }
  | {
      readonly kind: 'account_reducing';
      readonly account: AccountId;
      readonly reason: AccountReducingReason;
      readonly used: string;
      readonly max: string;
      readonly sinceMs: number;
    }
  | { readonly kind: 'mandate_expired' | 'mandate_ending'; readonly agentName: string; readonly atMs: number }
  | {
      readonly kind: 'account_disconnected' | 'account_not_compared';
      readonly account: AccountId;
      readonly sinceMs: number | null;
    }
  | { readonly kind: 'audit_trouble'; readonly detail: string };

export interface Waiting {
  readonly count: number;
  /** The most urgent first; at most WAITING_ITEMS_MAX of `count`. */
  readonly items: readonly WaitingItem[];
}

type Answer<T> = Promise<Result<T, Refusal>>;

export interface OwnerDesk {
  /** Limits of whole accounts, over those of their agents. */
  readonly accountLimits: AccountLimitsDesk;
  /** The ticket as it would be assessed; nothing is written. */
  preview(draft: OrderDraft): Answer<Preview>;
  /**
   * The ticket: an order of the owner's own. The same key and draft are answered with the same order and never sent twice; a form
   * that is shown again after a refusal needs a new key.
   */
  placeOrder(draft: OrderDraft, idempotencyKey: string): Answer<OrderRecord>;
  /** Any order, `external` ones too. One that is canceled already is answered as it is. */
  cancel(orderId: string): Answer<OrderRecord>;
  cancelAll(filter: OwnerFilter): Answer<CancelResult>;
  /**
   * Settles an unclear order by what the owner read at the broker. Nothing is sent; the broker's own word counts more whenever
   * it comes.
   */
  recordEvidence(evidence: Evidence): Result<OrderRecord, Refusal>;
  /** Whether it would be refused as it is; changes nothing. */
  checkEvidence(evidence: Evidence): Result<OrderRecord, Refusal>;
  /**
   * Closes what a holder owns, in its name. While a close of as much is at work, that one is the answer; a key makes a second
   * submit of the same form the same close even when the first has been filled.
   */
  closePosition(close: OwnerClose, idempotencyKey?: string): Answer<CloseResult>;
  previewClose(close: OwnerClose): Answer<ClosePreview>;
  /** Its adding orders are canceled; `canceling` names them. */
  haltAgent(name: string): Result<AgentStanding & { readonly canceling: readonly string[] }, Refusal>;
  /** Ends a halt, its own and the one after a daily loss. */
  liftAgent(name: string): Result<AgentStanding, Refusal>;
  /** What a kill would do now, in numbers. */
  previewKill(): KillPreview;
  kill(options: {
    readonly cancel: 'adding' | 'all' | 'none';
    readonly flatten: boolean;
  }): Promise<KillReport>;
  resume(): Result<{ readonly tradingState: 'ACTIVE' }, Refusal>;
  /**
   * The kill switch tried out on one paper account: it is halted, its orders are really canceled as a kill would, and it goes on as
   * before. Nobody is shut out and the gate stays up. Refused for a live account, while the gate is down, and while one is under way.
   */
  drill(options: {
    readonly account: AccountId;
    readonly cancel: 'adding' | 'all' | 'none';
  }): Answer<DrillReport>;

  /** Of the gateway itself. */
  tradingState(): { readonly state: TradingState; readonly reason: string | null };
  /**
   * Newest first. A page may hold fewer orders than `limit`, or none, and still have a next one: it looks at OWNER_SCAN_ROWS_MAX
   * orders at most.
   */
  orders(filter: OwnerOrderFilter): Page<OwnerOrder>;
  order(orderId: string): Result<OwnerOrderStory, Refusal>;
  trades(filter: OwnerTradeFilter): Page<OwnerTrade>;
  positions(filter: OwnerPositionFilter): readonly OwnerPosition[];
  /** The accounts' own positions, of everybody together; `ownQty` is the owner's part. */
  accountPositions(filter: Omit<OwnerPositionFilter, 'agent'>): readonly PositionView[];
  /** Every account whose broker answers; `statuses` names them all. */
  accounts(): Answer<readonly AccountView[]>;
  pnl(account: AccountId, days: number): EquityCurve;
  /** Of a mandate that was saved: symbols in which nothing can be ordered here, as the feed and the quotes are now. */
  mandateWarnings(mandate: Mandate): readonly string[];
  /** undefined: no such agent. */
  mandateOf(agentName: string): MandateView | undefined;
  statuses(): readonly AccountStatus[];
  /** Orders that wait for the owner's word, and what was said of others. */
  readonly approvals: ApprovalDesk;
  /** What waits for the owner; cheap enough for every page. */
  waiting(): Waiting;
}
