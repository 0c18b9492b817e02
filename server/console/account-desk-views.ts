/** What the pages of accounts are shown: how each stands, what its broker is, and what is asked to add one. */
import type { Money, Price, Quantity } from '#domain/decimal.ts';
import type { AccountId, TradingState } from '#domain/principal.ts';
import type { BrokerCapabilities, BrokerRequests } from '#ports.ts';
import type { PaperTexts } from './desks.ts';

/** A field of the form that adds an account at a broker. */
export interface BrokerFieldView {
  readonly name: string;
  readonly label: string;
  readonly kind: 'setting' | 'credential';
  readonly hint: string | null;
  /** The only words it takes; null: any text. */
  readonly options: readonly string[] | null;
  readonly optional: boolean;
}
export interface BrokerView {
  readonly id: string;
  readonly label: string;
  readonly modes: readonly ('paper' | 'live')[];
  readonly fields: readonly BrokerFieldView[];
}
/** As a person entered it, by the names of the broker's own fields. */
export interface NewBrokerAccount {
  readonly broker: string;
  readonly name: string;
  readonly mode: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly credentials: Readonly<Record<string, string>>;
}
export interface AccountTaken {
  readonly id: AccountId;
  /** What its broker said to the credentials, as a sentence. */
  readonly tried: string;
  /** Why it does not work yet, as a sentence. */
  readonly trouble: string | null;
  readonly signInNeeded: boolean;
}

/** How an account stands with its broker; cheap enough for every page. */
export interface AccountStanding {
  readonly id: AccountId;
  readonly mode: 'paper' | 'live';
  readonly connected: boolean;
  /** Why it takes no orders at all, as a sentence. */
  readonly problem: string | null;
  /** What its broker says is amiss, as a sentence. */
  readonly trouble: string | null;
  /** The owner has to sign in at the broker. */
  readonly signInNeeded: boolean;
  readonly sessionEndsAtMs: number | null;
  readonly tickAgeMs: number | null;
  readonly reconciledAtMs: number | null;
}

/** What an account at a broker with a connection of its own has besides. */
export interface BrokerSide {
  /** Its settings, each as its form calls it. */
  readonly settings: readonly { readonly label: string; readonly text: string }[];
  readonly credentials: readonly BrokerFieldView[];
  /** It is signed in to at the broker's own page. */
  readonly signsIn: boolean;
  readonly capabilities: BrokerCapabilities;
  readonly requests: BrokerRequests | null;
  /** Its list of instruments; null: the built-in one. */
  readonly directory: NamedDirectory | null;
}
export type NamedDirectory = DirectoryView & { readonly name: string };
export interface DirectoryView {
  /** null: never read whole. */
  readonly refreshedAtMs: number | null;
  readonly listed: number;
  /** Why the last try failed. */
  readonly fault: string | null;
}

export interface AccountEntry extends AccountStanding {
  readonly broker: string;
  /** The broker as people call it. */
  readonly label: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
  readonly createdAtMs: number;
  readonly tradingState: TradingState;
  /** Absent while its broker does not answer. */
  readonly cash: Money | null;
  readonly equity: Money | null;
  readonly workingOrders: number;
  readonly held: readonly { readonly symbol: string; readonly qty: Quantity }[];
  /** null: at the embedded paper broker, or at one that this version does not know. */
  readonly real: BrokerSide | null;
  /** null: not at the embedded paper broker. */
  readonly paper: (PaperTexts & { readonly cash: string; readonly market?: string | undefined }) | null;
  /** The list of instruments of the market that a paper account was added on; null: the tape, or no paper account. */
  readonly marketList: NamedDirectory | null;
  /** Those of them that the environment or `.env` sets with every start. */
  readonly fixed: Readonly<Partial<Record<keyof PaperTexts, string>>>;
}

/** Delivered shares, coins in a wallet. */
export interface HoldingView {
  readonly symbol: string;
  readonly qty: Quantity;
  readonly lockedQty: Quantity;
  readonly avgPrice: Price | null;
}
