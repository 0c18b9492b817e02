/** What the order line shows of itself: records as values, for the tools and the console to project. */
import type { Money, Price, Quantity } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { MandateDocument } from '#domain/mandate.ts';
import type { OrderOrigin, OrderRole, OrderStatus, OrderTerms, Product } from '#domain/order.ts';
import type { AccountId, AgentId, TradingState } from '#domain/principal.ts';
import type { LimitFigure } from '#domain/refusal.ts';
import type { BrokerMargin } from '#ports.ts';

export interface OrderRecord extends OrderTerms {
  /** Internal sequence; cursors go by it. */
  readonly seq: number;
  readonly orderId: string;
  readonly agent: AgentId;
  readonly account: AccountId;
  readonly instrument: InstrumentId;
  readonly symbol: string;
  readonly clientOrderId: string | null;
  readonly brokerClientId: string;
  readonly brokerOrderId: string | null;
  readonly parentOrderId: string | null;
  readonly role: OrderRole;
  readonly origin: OrderOrigin;
  readonly effect: 'adding' | 'reducing';
  readonly takeProfit: Price | null;
  readonly stopLoss: Price | null;
  readonly tag: string | null;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly filledQty: Quantity;
  readonly avgFillPrice: Price | null;
  /** A bracket leg that waits for its entry to fill. */
  readonly held: boolean;
  /** Wall clock, epoch ms. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface TimelineEntry {
  readonly timeMs: number;
  readonly status: OrderStatus;
  readonly detail: string;
}

export interface TradeRecord {
  readonly seq: number;
  readonly executionId: string;
  readonly orderId: string;
  readonly account: AccountId;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly qty: Quantity;
  readonly price: Price;
  readonly fee: Money;
  /** Market clock, epoch ms. */
  readonly timeMs: number;
}

export interface PositionView {
  readonly account: AccountId;
  readonly symbol: string;
  /** The account's, signed. */
  readonly qty: Quantity;
  /** The caller's own part, signed. */
  readonly ownQty: Quantity;
  readonly avgPrice: Price | null;
  readonly marketPrice: Price | null;
  readonly marketValue: Money | null;
  readonly unrealisedPnl: Money | null;
  readonly realisedPnl: Money;
  readonly takeProfit: Price | null;
  readonly stopLoss: Price | null;
  readonly openedAtMs: number | null;
  readonly closedAtMs: number | null;
}

/** What is owned beyond the day. */
export interface HoldingView {
  readonly account: AccountId;
  readonly symbol: string;
  /** Positive, settled and unsettled together. */
  readonly qty: Quantity;
  readonly unsettledQty: Quantity;
  readonly lockedQty: Quantity;
  readonly avgPrice: Price | null;
  readonly marketPrice: Price | null;
  readonly product?: Product;
  /** The broker's own list, or what our positions say. */
  readonly source: 'broker' | 'positions';
}

export interface AccountView {
  readonly id: AccountId;
  readonly broker: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
  readonly cash: Money;
  readonly equity: Money;
  readonly buyingPower: Money;
  /** How long ago the broker said so. */
  readonly ageMs: number;
  /** By the gateway's own books. */
  readonly dayPnl: Money;
  readonly tradingState: TradingState;
}

/** As a list shows it: null where the broker has never said anything. */
export type ListedAccountView = Omit<AccountView, Heard> & {
  readonly [field in Heard]: AccountView[field] | null;
} & Pick<AccountStatus, 'connected' | 'trouble'>;
type Heard = 'cash' | 'equity' | 'buyingPower' | 'ageMs' | 'dayPnl';

export interface Preview {
  readonly estimatedPrice: Price;
  readonly value: Money;
  readonly fees: Money;
  readonly buyingPowerAfter: Money;
  /** The agent's own position after a full fill, signed. */
  readonly positionAfter: Quantity;
  /** Quantity after a notional was turned into units. */
  readonly qty: Quantity;
  readonly limits: readonly LimitFigure[];
  readonly needsApproval: boolean;
  readonly warnings: readonly string[];
  /** What the broker asks for, where it tells so before an order is placed. */
  readonly margin: BrokerMargin | null;
}

/** What the broker said of a change: the order beside it stays as it was unless it is accepted. */
export interface ChangeView {
  /** `pending`: no answer yet. `unknown`: the answer was lost, and the broker is being asked. */
  readonly outcome: 'accepted' | 'rejected' | 'unknown' | 'pending';
  readonly reason?: string;
}

/** `preview` writes no order and reserves nothing. */
export type PlaceResult =
  | {
      readonly dryRun: true;
      readonly preview: Preview;
      readonly actionToken: string;
      readonly expiresAtMs: number;
    }
  | {
      readonly dryRun: false;
      readonly order: OrderRecord;
      /** Of a change alone. */
      readonly change?: ChangeView;
    };

export interface CancelResult {
  /** Order ids, by what the broker said of each cancel. */
  readonly canceled: readonly string[];
  readonly pending: readonly string[];
  readonly failed: readonly { readonly orderId: string; readonly reason: string }[];
}

export interface CloseResult {
  /** The closing order; null when there was nothing to close. */
  readonly order: OrderRecord | null;
  readonly canceled: readonly string[];
  readonly detail: string;
}

export interface PnlDay {
  readonly date: string;
  readonly realised: Money;
  readonly unrealised: Money;
  readonly equity: Money;
  /** Fall of equity from its highest so far, account currency, zero or negative. */
  readonly drawdown: Money;
}
export interface PnlTotals {
  readonly realised: Money;
  readonly returnPct: number | null;
  readonly winningDaysPct: number | null;
  readonly trades: number;
  readonly winningTradesPct: number | null;
  readonly maxDrawdownPct: number | null;
  readonly bestSymbol: string | null;
  readonly worstSymbol: string | null;
}

/** What of the mandate is used today, per account; `left` follows from it. */
export interface MandateUse {
  readonly account: AccountId;
  readonly dailyValue: Money;
  readonly dailyOrders: number;
  readonly dailyLoss: Money;
  readonly openOrders: number;
  readonly grossExposure: Money;
}
export interface MandateView {
  readonly agent: string;
  readonly accounts: readonly AccountId[];
  readonly mandate: (MandateDocument & { readonly version: number }) | null;
  readonly used: readonly MandateUse[];
  readonly left: readonly MandateUse[];
  /** Limits of whole accounts, which hold for all agents there together. */
  readonly accountLimits: readonly (LimitFigure & { readonly account: AccountId })[];
  readonly tradingState: TradingState;
  readonly stateReason: string | null;
}

export interface AccountStatus {
  readonly id: AccountId;
  readonly broker: string;
  readonly mode: 'paper' | 'live';
  readonly connected: boolean;
  /** Since the account's own feed last quoted anything. */
  readonly tickAgeMs: number | null;
  readonly reconciledAtMs: number | null;
  /** What is amiss between the gateway and the broker, in words of ours and never the broker's; null: nothing. */
  readonly trouble: string | null;
  readonly signInNeeded: boolean;
  /** That its broker knows; empty: none. */
  readonly products: readonly Product[];
}

/** What the kill switch would do now, in numbers. */
export interface KillPreview {
  /** Orders that each choice cancels, of those that work. */
  readonly cancel: { readonly adding: number; readonly all: number; readonly none: number };
  readonly working: number;
  /** Open positions, and how many of them no flatten closes because they were not opened through this gateway. */
  readonly positions: number;
  readonly notOurs: number;
}

/** The kill switch's report. */
export interface KillReport {
  readonly tradingState: TradingState;
  readonly haltedAtMs: number;
  readonly canceled: readonly string[];
  readonly kept: readonly string[];
  readonly failed: readonly { readonly orderId: string; readonly reason: string }[];
  readonly ordersLeft: readonly string[];
  /** Approvals that it ended: what waited for the owner. */
  readonly voided: readonly string[];
  readonly positionsLeft: readonly {
    readonly account: string;
    readonly symbol: string;
    readonly qty: Quantity;
  }[];
  readonly elapsedMs: number;
}

/** A drill's report: of one paper account, whose `tradingState` is what it is again. */
export interface DrillReport extends KillReport {
  readonly drill: true;
  readonly account: AccountId;
}
