/** The only interfaces: what a broker, a market feed and a clock must be for the gateway to use them. */
import type {
  BrokerBalance,
  BrokerEvent,
  BrokerExecution,
  BrokerHolding,
  BrokerMargin,
  BrokerOrder,
  BrokerPosition,
  BrokerRestart,
  BrokerSettlement,
  CancelOutcome,
  PlaceOutcome,
  RestartOutcome,
} from '#domain/broker.ts';
import type { Money, Price, Quantity } from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { ClearedOrder, OrderTerms, Product, TimeInForce } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import type { Result } from '#domain/result.ts';

/** Wall time stamps records; monotonic time measures deadlines; timers go through it so that tests can turn it by hand. */
export interface Clock {
  /** Unix epoch milliseconds. */
  wallMs(): number;
  /** Milliseconds from an arbitrary origin that never goes back. */
  monotonicMs(): number;
  /** Calls once after `delayMs`; returns what cancels it. Never keeps the process alive by itself. */
  after(delayMs: number, call: () => void): () => void;
}

// ---- market -------------------------------------------------------------------------------------------------------

export type QuoteSource = 'recorded' | 'derived' | 'live';

export interface Quote {
  readonly instrument: InstrumentId;
  readonly bid: Price;
  readonly ask: Price;
  readonly last: Price | null;
  /** null: unlimited (a tape without volume). */
  readonly bidSize: Quantity | null;
  readonly askSize: Quantity | null;
  /** Market clock, epoch ms. */
  readonly timeMs: number;
  /** Wall clock at which the feed published it, epoch ms; the age of a quote is the time since then. */
  readonly publishedMs: number;
  readonly source: QuoteSource;
}

export const TIMEFRAMES = ['1m', '5m', '15m', '1h', '1d'] as const;
export type Timeframe = (typeof TIMEFRAMES)[number];

export interface Bar {
  /** Start of the bar, market clock, epoch ms. */
  readonly timeMs: number;
  readonly open: Price;
  readonly high: Price;
  readonly low: Price;
  readonly close: Price;
  /** null: not recorded. */
  readonly volume: Quantity | null;
}

export interface BarQuery {
  readonly instrument: InstrumentId;
  readonly timeframe: Timeframe;
  /** Inclusive start and exclusive end of bar times, market clock; complete bars only, never the future. */
  readonly startMs?: number;
  readonly endMs?: number;
  /** The latest `limit` bars when `startMs` is absent, else the first `limit` from there. */
  readonly limit: number;
}

export interface DepthLevel {
  readonly price: Price;
  /** null: unlimited. */
  readonly size: Quantity | null;
}
export interface Depth {
  readonly bids: readonly DepthLevel[];
  readonly asks: readonly DepthLevel[];
  readonly timeMs: number;
  readonly publishedMs: number;
  readonly source: QuoteSource;
}

export interface Session {
  /** The trading day, YYYY-MM-DD in the venue's zone. */
  readonly date: string;
  readonly openMs: number;
  readonly closeMs: number;
}

/** State of an instrument's market on the market clock. */
export interface MarketPhase {
  readonly nowMs: number;
  readonly phase: 'open' | 'extended' | 'closed';
  readonly session: Session | undefined;
  readonly next: Session | undefined;
  readonly tradingDate: string;
}

/** One published change. `run` counts the times a tape has started; `sessionEnd` marks the last one of a session. */
export interface FeedTick {
  readonly quote: Quote;
  readonly run: number;
  readonly sessionEnd: boolean;
}

export interface MarketFeed {
  /** Market clock, epoch ms: stands still on a tape while nothing is published, is the wall clock on a live feed. */
  nowMs(): number;
  /** The current run of the tape, from 1; a live feed has one. Where several feeds are looked at as one: that of what carries it. */
  run(of?: InstrumentId): number;
  /** What it quotes now: a live feed carries far more than it follows. */
  instruments(): readonly Instrument[];
  /** Whether it could quote it at all. */
  carries(id: InstrumentId): boolean;
  /**
   * Makes quotes current: follows these for a while and asks the venue once for those that are not fresh. Bounded in time and
   * number; never rejects: what could not be had is absent or stale in `quote`. On a tape it is done at once.
   */
  follow(ids: readonly InstrumentId[]): Promise<void>;
  /**
   * Follows these until released; returns what releases them. Where a venue carries only so many, what accounts hold and work in
   * comes first, then what is watched, then what was merely asked for.
   */
  hold(ids: readonly InstrumentId[], why: 'traded' | 'watched'): () => void;
  quote(id: InstrumentId): Quote | undefined;
  /** undefined: not carried, or the venue did not say. */
  depth(id: InstrumentId): Promise<Depth | undefined>;
  phase(id: InstrumentId): MarketPhase | undefined;
  /** The finest timeframe it can answer; undefined when it does not carry the instrument. */
  finest(id: InstrumentId): Timeframe | undefined;
  /** Oldest first. Rejects with RangeError for a timeframe finer than `finest`. */
  bars(query: BarQuery): Promise<readonly Bar[]>;
  /** Called after each published tick is durable, in order. Returns what ends it. */
  onTick(listener: (tick: FeedTick) => void): () => void;
}

// ---- broker -------------------------------------------------------------------------------------------------------

export type * from '#domain/broker.ts';

/**
 * Prices of one broker's instruments. Questions reject when there is no answer; each is bounded in time by the adapter
 * itself. Nothing here can move money.
 */
export interface BrokerMarket {
  /** Everything that can be traded there today, in pages, so that two hundred thousand never stand in memory twice. */
  listings(): AsyncIterable<readonly BrokerListing[]>;
  /** One answer each, for those that the broker knows; at most `QUOTES_PER_REQUEST_MAX` are asked for. */
  quotes(listings: readonly BrokerListing[]): Promise<readonly Quote[]>;
  /**
   * From now on these and no others are streamed, through every reconnect; it may come while no stream is open. Returns at once; what
   * the stream can not carry is left out.
   */
  follow(listings: readonly BrokerListing[]): void;
  readonly followedMax: number;
  onQuotes(listener: (quotes: readonly Quote[]) => void): () => void;
  /** Rejects where `capabilities.depth` is false. */
  depth(listing: BrokerListing): Promise<Depth>;
  /** Finest first; those that the broker serves itself. */
  readonly timeframes: readonly Timeframe[];
  /** Complete bars, oldest first. */
  bars(listing: BrokerListing, query: BarQuery): Promise<readonly Bar[]>;
  /** Monotonic ms at which anything was last heard on the stream of prices, a heartbeat included; undefined: it is not open. */
  heardAtMs(): number | undefined;
  /** Drops the stream of prices and opens it anew, by a fresh session where there is one. Where it carries orders too, their gap is told. */
  reopen(why: string): void;
}

/** An instrument as one broker lists it. */
export interface BrokerListing {
  /** Its id is made of `brokerSymbol`, the same each time; its `directory` is the one that the definition names. */
  readonly instrument: Instrument;
  /** The broker's own name of it, unique in its list: `AAPL`, `NSE:INFY`, `BTC/USDT:USDT`. */
  readonly brokerSymbol: string;
  /** What else the broker needs to be asked: tokens, segments. Never a secret. */
  readonly extra: Readonly<Record<string, string>>;
}

/** How an account stands with its broker, for the owner's eyes. */
export interface BrokerHealth {
  readonly connected: boolean;
  /** One sentence on why not, or on what is amiss; null when nothing is. */
  readonly trouble: string | null;
  /** The owner has to sign in at the broker (a daily token that has ended). */
  readonly signInNeeded: boolean;
  /** Wall clock, epoch ms, at which the broker's session ends; null: it does not, or is not known. */
  readonly sessionEndsAtMs: number | null;
  /** How much of the broker's limits of requests is used now; absent where there are none. */
  readonly requests?: BrokerRequests;
}

/** Requests to a broker, counted against its published limits. */
export interface BrokerRequests {
  readonly rules: readonly {
    readonly name: string;
    readonly used: number;
    readonly max: number;
    readonly perMs: number;
  }[];
  /** Waiting for their turn. */
  readonly waiting: { readonly cancel: number; readonly order: number; readonly read: number };
  /** The broker asked to wait so long; 0: it did not. */
  readonly heldForMs: number;
  /** Never sent, because no turn came in time. */
  readonly refused: number;
}

/** A sign-in at the broker's own page, in the owner's browser. */
export interface BrokerSignIn {
  /** Where the owner goes; `state` comes back with them. */
  url(state: string): string;
  /** Makes a session of what the broker sent back with the owner; the reason in one sentence where it can not. */
  finish(query: Readonly<Record<string, string>>): Promise<Result<undefined, string>>;
}

/** What a broker can do, as data. */
export interface BrokerCapabilities {
  readonly orderTypes: readonly string[];
  readonly timesInForce: readonly string[];
  /** How long a market order may wait there, where that is not `gtc`: what a close is sent with. */
  readonly marketTimeInForce?: TimeInForce;
  readonly brackets: boolean;
  readonly trailing: boolean;
  readonly extendedHours: boolean;
  readonly shortSelling: boolean;
  readonly replace: boolean;
  readonly depth: boolean;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly products: readonly Product[];
  /** It tells what an order would need before it is placed. */
  readonly marginPreview: boolean;
  readonly holdings: boolean;
  /** What its ids prove: the ground on which an unclear outcome may be resolved. */
  readonly ids: {
    readonly scope: 'account' | 'open_orders' | 'none';
    readonly queryByClientId: boolean;
    readonly dedupes: boolean;
    readonly cancelOnDisconnect: boolean;
    /**
     * How long after sending "no such order" is the broker's final word; before that the request may still be on its
     * way. 0 for a venue that lives in this process.
     */
    readonly absentIsFinalAfterMs: number;
  };
}

/**
 * One account at one broker. None of its methods retries. The caller gives up after `BROKER_CALL_TIMEOUT_MS`; an adapter has answered
 * by then, its wait for a turn included. A question rejects when there is no answer: an empty list is the broker's word.
 */
export interface BrokerAdapter {
  readonly account: AccountId;
  readonly broker: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
  /** What a short sale meets: `cash` accounts can not sell short. */
  readonly accountType: 'cash' | 'margin';
  readonly capabilities: BrokerCapabilities;
  /** Prices of its own; undefined where it trades on a feed that it was given (paper). */
  readonly market: BrokerMarket | undefined;
  /** Begins its connections and returns at once; what comes of it is told by events. Called once, after the first listener. */
  start(): void;
  connected(): boolean;
  health(): BrokerHealth;
  /** Absent where keys are all it takes. */
  readonly signIn?: BrokerSignIn;
  /** What the capabilities do not declare, or would have to be rounded, is `not_sent`. */
  place(order: ClearedOrder): Promise<PlaceOutcome>;
  /** Same `brokerClientId`, full new terms; the order keeps its identity. `not_sent` where none is declared. */
  replace(order: ClearedOrder): Promise<PlaceOutcome>;
  /** By the broker's id where it is given. Asks no gate; one that did not leave is `rejected`. */
  cancel(order: { readonly brokerClientId: string; readonly brokerOrderId?: string }): Promise<CancelOutcome>;
  /** By our id; undefined is the broker's definitive word that it has no such order. Throws when it can not say. */
  orderByClientId(brokerClientId: string): Promise<BrokerOrder | undefined>;
  /** Those from the broker's own screen too, whose `brokerClientId` is null. */
  openOrders(): Promise<readonly BrokerOrder[]>;
  /**
   * Executions and settlements since a cursor of its own making, oldest first, under the ids that their events have. undefined: all of
   * them where the books are kept here; at a broker none, and the cursor for "from now on".
   */
  historySince(cursor: string | undefined): Promise<{
    readonly executions: readonly BrokerExecution[];
    readonly settlements: readonly BrokerSettlement[];
    /** Each follows the settlements of what it ended; nothing trades in between. Absent where `restart` is. */
    readonly restarts?: readonly BrokerRestart[];
    readonly cursor: string;
  }>;
  positions(): Promise<readonly BrokerPosition[]>;
  /** In the currency that the broker names. Asked before `start` too: it is how new credentials are tried. */
  balance(): Promise<BrokerBalance>;
  /**
   * Why the key must not be used, as a sentence: it may take money out. Asked before `start`, as the first of new credentials, which are not stored then; absent
   * where the broker does not tell.
   */
  whyNotKey?(): Promise<string | undefined>;
  /** Whose account it is at the broker, by the broker's own id; asked before `start` too. Absent where it does not tell. */
  brokerAccount?(): Promise<string | undefined>;
  /** Present where the capabilities say so. */
  holdings?(): Promise<readonly BrokerHolding[]>;
  margin?(order: OrderTerms & { readonly instrument: InstrumentId }): Promise<BrokerMargin>;
  /** What a fill of this size would cost in fees, account currency: at once, without asking anybody. */
  estimateFee(order: OrderTerms & { readonly instrument: InstrumentId }, at: Price): Money;
  /** Settles what is held and starts again with this cash, in one step; refused while an order works. Absent at a real broker. */
  restart?(cash: Money): Promise<RestartOutcome>;
  /** Events in order, at least once, those of one moment together; listeners post by id. */
  onEvents(listener: (events: readonly BrokerEvent[]) => void): () => void;
  /** Ends what is under way, truthfully; nothing is sent or told after it. May come twice. */
  close(): Promise<void>;
}
