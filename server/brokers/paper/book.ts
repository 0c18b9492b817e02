/** The venue's books of one account in memory: its money, its orders, and what an operation has changed in them. */
import {
  type Money,
  type Price,
  type Quantity,
  subtract,
  text,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import {
  isFinal,
  type OrderRole,
  type OrderType,
  type Product,
  type Side,
  type TimeInForce,
  type Trail,
} from '#domain/order.ts';
import type {
  BrokerEvent,
  BrokerExecution,
  BrokerOrder,
  BrokerOrderStatus,
  BrokerRestart,
  BrokerSettlement,
} from '#ports.ts';
import type { PaperRules } from './settings.ts';

/** An order as the venue works it; changed in place by the operation that holds the books. */
export interface PaperOrder {
  /** The order of acceptance; ids are made of it. */
  readonly number: number;
  readonly brokerOrderId: string;
  readonly brokerClientId: string;
  readonly instrument: InstrumentId;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly extendedHours: boolean;
  /** Of an Indian instrument (rule 23); null for every other. */
  readonly product: Product | null;
  readonly role: OrderRole;
  /** Number of the entry whose bracket it belongs to; null for an entry. */
  readonly entry: number | null;
  /** Numbers of its legs, stop loss first; only an entry has any. */
  readonly legs: readonly number[];
  qty: Quantity;
  limitPrice: Price | null;
  stopPrice: Price | null;
  trail: Trail | null;
  filledQty: Quantity;
  status: BrokerOrderStatus;
  reason: string | null;
  /** A leg whose entry has not filled. */
  held: boolean;
  /** Steps of latency that are left. */
  waitSteps: number;
  /** Whether it has met its first step. */
  arrived: boolean;
  /** Whether its stop has triggered. */
  elected: boolean;
  /** Best price since a trailing stop was placed. */
  best: Price | null;
  /** Run and bar in which a leg became active. */
  activeSince: string | null;
  /** Market clock of its last change. */
  timeMs: number;
}

export interface Position {
  /** Signed. */
  readonly qty: Quantity;
  /** Signed like `qty`: what the open units cost, fees excluded. */
  readonly cost: Money;
  readonly realised: Money;
  /** Price of the last fill: the mark while there is no quote. */
  readonly lastPrice: Price | null;
  /** In which it is held while it is (rule 23). */
  readonly product: Product | null;
  /** The last day on which it grew, and by how much. */
  readonly fresh: { readonly date: string; readonly qty: Quantity } | null;
}

/** Liquidity that was taken from a displayed level; gone until the level changes. */
export interface TakenLevel {
  readonly instrument: InstrumentId;
  readonly side: 'bid' | 'ask';
  readonly price: Price;
  readonly size: Quantity;
  readonly taken: Quantity;
}

export interface AccountState {
  readonly currency: string;
  cash: Money;
  fees: Money;
  readonly positions: Map<InstrumentId, Position>;
  taken: readonly TakenLevel[];
  orders: number;
  executions: number;
  settlements: number;
  history: number;
  journal: number;
  /** Requests received; the hostile venue draws by it. */
  requests: number;
}

export type HistoryRow =
  | { readonly seq: number; readonly kind: 'execution'; readonly state: BrokerExecution }
  | { readonly seq: number; readonly kind: 'settlement'; readonly state: BrokerSettlement }
  | { readonly seq: number; readonly kind: 'restart'; readonly state: BrokerRestart };

/** What an operation has changed: written in its transaction, then emptied. */
export interface Changes {
  account: boolean;
  readonly orders: Set<PaperOrder>;
  readonly journal: { readonly seq: number; readonly line: string }[];
  readonly history: HistoryRow[];
  readonly events: BrokerEvent[];
}

/** What the open orders reserved when they were last looked at. */
export interface Reservations {
  /** What every one of them hangs on: positions, quotes, the day of the fees. */
  readonly at: readonly unknown[];
  /** By order number. */
  readonly parts: Map<number, Money>;
  total: Money;
  /** No order closes a position, so none hangs on another: each can be taken out or changed alone. */
  readonly separate: boolean;
}

export interface Book {
  readonly accountType: 'cash' | 'margin';
  readonly rules: PaperRules;
  readonly seed: number;
  /** undefined: not of the market that this account trades on. */
  readonly instrument: (id: InstrumentId) => Instrument | undefined;
  readonly state: AccountState;
  /** Orders that are not final, by number, in order of acceptance. */
  readonly open: Map<number, PaperOrder>;
  /** What they reserve, as last added up, and the orders touched since. */
  reserved: Reservations | undefined;
  readonly touched: Set<PaperOrder>;
  changes: Changes;
  /** Market clock and run of the operation at hand. */
  moment: { readonly timeMs: number; readonly run: number };
}

export const emptyChanges = (): Changes => ({
  account: false,
  orders: new Set(),
  journal: [],
  history: [],
  events: [],
});

export const emptyState = (currency: string): AccountState => ({
  currency,
  cash: ZERO_MONEY,
  fees: ZERO_MONEY,
  positions: new Map(),
  taken: [],
  orders: 0,
  executions: 0,
  settlements: 0,
  history: 0,
  journal: 0,
  requests: 0,
});

export const FLAT: Position = {
  qty: ZERO_QUANTITY,
  cost: ZERO_MONEY,
  realised: ZERO_MONEY,
  lastPrice: null,
  product: null,
  fresh: null,
};

export const positionOf = (book: Book, id: InstrumentId): Position => book.state.positions.get(id) ?? FLAT;

export function instrumentOf(book: Book, id: InstrumentId): Instrument {
  const found = book.instrument(id);
  if (found === undefined)
    throw new Error(`the paper venue works an order in ${id}, which its feed does not carry`);
  return found;
}

/** Adds a line to the journal: market time only, so that the same tape and seed give the same bytes. */
export function note(book: Book, kind: string, detail: Readonly<Record<string, unknown>>): void {
  const seq = ++book.state.journal;
  const time = new Date(book.moment.timeMs).toISOString();
  book.changes.journal.push({
    seq,
    line: JSON.stringify({ seq, time, run: book.moment.run, kind, ...detail }),
  });
  book.changes.account = true;
}

/** Marks an order as changed and, when it is final, takes it off the open ones. */
export function touch(book: Book, order: PaperOrder): void {
  order.timeMs = book.moment.timeMs;
  book.changes.orders.add(order);
  book.touched.add(order);
  if (isFinalStatus(order.status)) book.open.delete(order.number);
}

/** Tells the order as it is now. */
export function tell(book: Book, order: PaperOrder): void {
  book.changes.events.push({ kind: 'order', order: brokerOrder(order) });
}

/** Ends an order: status, reason, journal and event. */
export function end(
  book: Book,
  order: PaperOrder,
  status: 'canceled' | 'expired' | 'rejected',
  reason: string,
): void {
  order.status = status;
  order.held = false;
  order.reason = reason;
  note(book, status, { order: order.brokerOrderId, filled: text(order.filledQty), reason });
  touch(book, order);
  tell(book, order);
}

export const isFinalStatus = (status: BrokerOrderStatus): boolean => isFinal(status);

export function remaining(order: PaperOrder): Quantity {
  return subtract(order.qty, order.filledQty);
}

/** The order as the broker tells it. */
export function brokerOrder(order: PaperOrder): BrokerOrder {
  return {
    brokerOrderId: order.brokerOrderId,
    brokerClientId: order.brokerClientId,
    instrument: order.instrument,
    side: order.side,
    qty: order.qty,
    type: order.type,
    timeInForce: order.timeInForce,
    postOnly: order.postOnly,
    reduceOnly: order.reduceOnly,
    extendedHours: order.extendedHours,
    filledQty: order.filledQty,
    status: order.status,
    held: order.held,
    timeMs: order.timeMs,
    ...(order.product === null ? {} : { product: order.product }),
    ...(order.limitPrice === null ? {} : { limitPrice: order.limitPrice }),
    ...(order.stopPrice === null ? {} : { stopPrice: order.stopPrice }),
    ...(order.trail === null ? {} : { trail: order.trail }),
    ...(order.reason === null ? {} : { reason: order.reason }),
  };
}
