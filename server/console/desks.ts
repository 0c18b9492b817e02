/** What the console's pages may reach: the owner's acts and looks, handed in by compose. */
import type { Access } from '#access/access.ts';
import type { AuditDesk } from '#audit/desk.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Quantity } from '#domain/decimal.ts';
import type { AccountId, Scope } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { InstrumentBook } from '#market/instrument-book.ts';
import type { Markets } from '#market/markets.ts';
import type { NotifyDesk } from '#notify/desk.ts';
import type { OpenConnectionLog } from '#oauth/connections.ts';
import type { SigningDesk } from '#oauth/parts.ts';
import type { ClientDesk } from '#oauth/records.ts';
import type { Clock } from '#ports.ts';
import type { Trading } from '#trading/open.ts';
import type { RestartReport } from '#trading/restart.ts';
import type {
  AccountEntry,
  AccountStanding,
  AccountTaken,
  BrokerView,
  HoldingView,
  NewBrokerAccount,
} from './account-desk-views.ts';

/** How a host on this machine starts the stdio door. */
export interface StdioLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ConsoleServices {
  readonly access: Access;
  readonly trading: Trading;
  readonly book: InstrumentBook;
  readonly audit: AuditDesk;
  readonly markets: Markets;
  readonly clock: Clock;
  readonly version: string;
  /** IANA zone of the gateway (PORTCULLIS_TIMEZONE). */
  readonly timezone: string;
  readonly stdio: StdioLaunch;
  readonly settings: SettingsDesk;
  readonly preferences: PreferenceDesk;
  readonly gate: GateDesk;
  /** Told of every change of state after its commit. */
  readonly recorded: Pick<AuditLog, 'onRecorded'>;
  readonly accounts: AccountDesk;
  /** Where the owner is told of what happens. */
  readonly notify: NotifyDesk;
  readonly remote: RemoteDesk;
}

/** Remote clients, and how far each came; there to be looked at and ended while remote MCP is off too. */
export interface RemoteDesk {
  readonly clients: ClientDesk;
  readonly connections: Pick<OpenConnectionLog, 'list' | 'of' | 'onNews'>;
  /** The keys that tokens are signed with; undefined while remote MCP is off. */
  readonly signing: SigningDesk | undefined;
  state(): RemoteState;
}
/** As it acts now. */
export interface RemoteState {
  readonly on: boolean;
  /** `https://gate.example.com`; null: none is set. */
  readonly publicUrl: string | null;
  readonly requireApproval: boolean;
  /** What a client may hold at all; none while it is off. */
  readonly scopes: readonly Scope[];
  readonly codeTtlSeconds: number;
}

/** Raising the gate takes more than the order line: a file may be holding it down. */
export interface GateDesk {
  resume(): Result<{ readonly tradingState: 'ACTIVE' }, Refusal>;
}

/** A setting of the gateway as its page shows it. */
export interface SettingView {
  readonly name: string;
  readonly about: string;
  readonly standard: string;
  /** What the next start takes; null: a secret, which is never shown. */
  readonly text: string | null;
  readonly source: 'environment' | '.env' | 'stored' | 'standard';
  /** What acts until then, where that is something else. */
  readonly actingText: string | null;
  /** A change of it acts at once. */
  readonly atOnce: boolean;
  /** Why it can not be stored, as half a sentence. */
  readonly neverStored: string | null;
  /** What was stored and no longer holds, so that something else acts. */
  readonly setAside: { readonly text: string; readonly why: string } | null;
  /** The only words it takes. */
  readonly choices: readonly string[] | null;
}

/** The settings that the owner may store, under the environment and `.env`. */
export interface SettingsDesk {
  list(): readonly SettingView[];
  /**
   * Stores these, all of them or none, and says which have changed and which of those wait for the next start. What is fixed, unknown
   * or wrong is refused with its name.
   */
  save(
    texts: Readonly<Record<string, string>>,
  ): Promise<Result<{ readonly changed: readonly string[]; readonly waiting: readonly string[] }, Refusal>>;
}

export const THEMES = ['system', 'light', 'dark'] as const;
/** Colours of gain and loss: East Asian markets have red for gain, and blue and orange tell them apart for everybody. */
export const GAIN_COLOURS = ['green_red', 'red_green', 'blue_orange'] as const;
export interface Preferences {
  /** IANA zone in which times are shown. */
  readonly timezone: string;
  readonly theme: (typeof THEMES)[number];
  readonly colours: (typeof GAIN_COLOURS)[number];
}

/** How the owner wants the console to look. */
export interface PreferenceDesk {
  read(): Preferences;
  save(texts: Readonly<Record<keyof Preferences, string>>): Result<Preferences, Refusal>;
}

/** Settings of a paper account, as text. */
export interface PaperTexts {
  readonly preset: string;
  readonly seed: string;
  readonly accountType: string;
}
export interface NewPaperAccount extends PaperTexts {
  readonly name: string;
  readonly cash: string;
  /** `tape`, `live:<account>` or `public:<exchange>`; the tape when absent. */
  readonly market?: string;
  /** Of a public market alone: what is paid with on it. */
  readonly currency?: string;
}

/** The tape that plays, and the one that the next start plays. */
export interface TapeView {
  readonly symbol: string;
  readonly description: string;
  /** `sample`, or the path of the file. */
  readonly file: string;
  readonly timeframe: string;
  readonly bars: number;
  /** The bar it is at, from 1, and the run. */
  readonly bar: number;
  readonly run: number;
  /** Market clock. */
  readonly nowMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly barSeconds: number;
  readonly next: TapeChoice | null;
  /** Why what was chosen does not play. */
  readonly setAside: string | null;
  /** Who sets it, where the owner can not: `the environment`, `the file .env`. */
  readonly fixedBy: string | null;
  readonly speedFixedBy: string | null;
  /** What a CSV file can be the tape of. */
  readonly symbols: readonly string[];
}
export interface TapeChoice {
  /** `sample`, or the path of a CSV file on the gateway's machine. */
  readonly file: string;
  /** Of a CSV file. */
  readonly symbol: string;
}
/** A tape that was read, and what the next start ends for it. */
export interface TapeWeighed {
  readonly symbol: string;
  readonly timeframe: string;
  readonly bars: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Orders that will be canceled, and positions that will be settled: they are in what is no longer played. */
  readonly ordersEnding: number;
  readonly positionsEnding: readonly {
    readonly account: AccountId;
    readonly symbol: string;
    readonly qty: Quantity;
  }[];
}

/** Accounts, and the tape that paper ones trade on. What is refused names its fields. */
export interface AccountDesk {
  list(): Promise<readonly AccountEntry[]>;
  /** Every account, without asking any broker. */
  standings(): readonly AccountStanding[];
  /** Those that take an account with a connection of its own. */
  readonly brokers: readonly BrokerView[];
  /** Why it would be refused whatever the proof; asks no broker. */
  whyNotAdd(account: NewBrokerAccount): Refusal | undefined;
  /** Tried first, then stored and at work at once. `code`: a code was given for this act. */
  addAtBroker(account: NewBrokerAccount, code: boolean): Promise<Result<AccountTaken, Refusal>>;
  whyNotCredentials(id: string, credentials: Readonly<Record<string, string>>): Refusal | undefined;
  changeCredentials(
    id: string,
    credentials: Readonly<Record<string, string>>,
    code: boolean,
  ): Promise<Result<AccountTaken, Refusal>>;
  /** Ends its connection and makes a new one. Gives why it does not work yet, as a sentence. */
  reconnect(id: string): Promise<Result<string | null, Refusal>>;
  /** The broker's own page, for the session of the console that goes there. */
  beginSignIn(id: string, session: string): Result<{ readonly url: string }, Refusal>;
  /** What the broker sent back with the owner; good once, for the session that it was begun in. */
  finishSignIn(
    id: string,
    session: string,
    query: Readonly<Record<string, string>>,
  ): Promise<Result<undefined, Refusal>>;
  /** What is owned there beyond the day; undefined where its broker does not say, or does not answer. */
  holdings(id: string): Promise<readonly HoldingView[] | undefined>;
  /** What a new one begins with unless something else is said. */
  defaults(): Omit<NewPaperAccount, 'name'>;
  readonly presets: readonly string[];
  readonly accountTypes: readonly string[];
  /** At once. */
  add(
    account: NewPaperAccount,
  ): Promise<Result<{ readonly id: AccountId; readonly currency: string }, Refusal>>;
  /** At once: the account is connected anew. Gives the names of what has changed. */
  change(id: string, to: PaperTexts): Promise<Result<readonly string[], Refusal>>;
  /** Cancels its orders, settles what it holds, and begins anew with this deposit. */
  reset(id: string, cash: string): Promise<Result<RestartReport, Refusal>>;
  /** One that holds nothing and works nothing; its records stay, its name is never given again. */
  remove(id: string): Promise<Result<void, Refusal>>;
  tape(): TapeView;
  /** Reads it beside the gateway, one at a time and bounded in time. */
  weighTape(choice: TapeChoice): Promise<Result<TapeWeighed, Refusal>>;
  /** For the next start; it is read once more. */
  chooseTape(choice: TapeChoice): Promise<Result<void, Refusal>>;
  /** At once. */
  changeSpeed(barSeconds: string): Promise<Result<void, Refusal>>;
}
