/** What the parts of the order line share: its tables, its neighbours, and the few things it keeps in memory. */
import type { Access } from '#access/access.ts';
import type { Rate } from '#access/rate.ts';
import type { AuditEvent } from '#audit/event.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { AccountId, Actor, AgentId } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { InstrumentBook } from '#market/instrument-book.ts';
import type { Markets } from '#market/markets.ts';
import type { BrokerAdapter, BrokerBalance, Clock, MarketFeed } from '#ports.ts';
import type { Store } from '#store/open.ts';
import type { Settings } from '#store/settings.ts';
import type { ApprovalTable, Ending } from './approval-rows.ts';
import type { Canceling } from './cancel.ts';
import type { AccountFunds } from './funds.ts';
import type { HoldingTable } from './holdings.ts';
import type { IdempotencyTable } from './idempotency.ts';
import type { SentMessage } from './messages.ts';
import type { StoredOrder } from './order-rows.ts';
import type { OrderTable } from './orders.ts';
import type { Outside } from './outside.ts';
import type { Shrunk } from './shrunk.ts';
import type { LastTry } from './taking-back.ts';
import type { ActionTokens } from './tokens.ts';
import type { UsageTable } from './usage.ts';
import type { Sending } from './wire-gate.ts';

export interface Neighbours {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Wall clock that never goes back across restarts, epoch ms. */
  readonly wallMs: () => number;
  readonly access: Access;
  readonly book: InstrumentBook;
  readonly markets: Markets;
  readonly adapters: ReadonlyMap<AccountId, BrokerAdapter>;
  /** Keeps a kill that can not be written to the store where a start finds it; never throws. */
  readonly keepKill?: (wish: {
    readonly cancel: 'adding' | 'all' | 'none';
    readonly flatten: boolean;
  }) => void;
  /** How often an agent may be refused and may send before it is stopped, as the settings are now. */
  readonly throttle: () => ThrottleLimits;
}

/** PORTCULLIS_THROTTLE_REFUSALS and PORTCULLIS_THROTTLE_EXECUTIONS. */
export interface ThrottleLimits {
  readonly refusals: Rate;
  readonly executions: Rate;
}

export interface Line extends Neighbours {
  readonly orders: OrderTable;
  readonly usage: UsageTable;
  readonly holdings: HoldingTable;
  readonly approvals: ApprovalTable;
  readonly idempotency: IdempotencyTable;
  readonly tokens: ActionTokens;
  readonly settings: Settings;
  /** Each statement is prepared once, however often it is asked for; change nothing about what it gives. */
  readonly prepare: Store['db']['prepare'];
  readonly memory: Memory;
}

/** Lost at a restart, and rebuilt or not needed then. */
export interface Memory {
  /** Accounts whose books have been compared with their broker since the start; the line is closed for others. */
  readonly reconciled: Map<AccountId, number>;
  /** Comparisons with a broker that are under way, one at a time an account. */
  readonly reconciling: Map<AccountId, Promise<boolean>>;
  /** Accounts whose books are being begun anew; the line is closed for them. */
  readonly restarting: Set<AccountId>;
  /** Accounts to compare again soon. */
  readonly suspect: Set<AccountId>;
  /** By account and order: what the last comparison showed against the books, and is taken for true when the next shows it again. */
  readonly contradicted: Map<AccountId, ReadonlyMap<string, string>>;
  /** Orders whose `place` has not been answered in this process, with the monotonic time they were sent at. */
  readonly sentAtMs: Map<string, number>;
  /** By our id for the broker: orders that were handed to an adapter and have not been answered. */
  readonly sending: Map<string, Sending>;
  /** Since when working orders have had their status, monotonic; those of an earlier process since the start of this one. */
  readonly inStateSinceMs: Map<string, number>;
  /** Messages sent per account in the last second. */
  readonly recentMessages: Map<AccountId, readonly SentMessage[]>;
  /** Orders that are being taken back and still work, with the last try. */
  readonly takingBack: Map<string, LastTry>;
  /** Cancels that somebody asked for and that are under way, by order. */
  readonly canceling: Map<string, Promise<Canceling>>;
  /** Monotonic times of what each agent was refused and has sent, as far as its throttle looks back. */
  readonly repeats: Map<string, number[]>;
  /** Called after the commit that let an agent only reduce: its adding orders are taken back. */
  readonly onReducing: Set<(agent: AgentId) => void>;
  /** Positions that became smaller and are told of after the commit, and who is told. */
  readonly shrunk: Map<string, Shrunk>;
  readonly onShrunk: Set<(shrunk: Shrunk) => void>;
  /** Keys of what only reduces whose call is under way in this process. */
  readonly keysUnderWay: Set<string>;
  /** Closes under way, one at a time for agent, account and instrument. */
  readonly closing: Map<string, Promise<unknown>>;
  /** Called after every committed change of an order. */
  readonly watchers: Map<string, Set<(order: StoredOrder) => void>>;
  /** Approvals that can be decided in this process; without its entry none can. */
  readonly approvals: Map<string, WaitingApproval>;
  /** What each broker last said of its account's money, and when, monotonic. */
  readonly balances: Map<AccountId, { readonly balance: BrokerBalance; readonly atMs: number }>;
  /** What each account may still spend at a broker behind a wire, as far as that is known. */
  readonly funds: Map<AccountId, AccountFunds>;
  /** By how much the last comparison found the broker's cash apart from ours. */
  readonly cashApart: Map<AccountId, string>;
  /** Accounts whose broker was away since the last comparison, by the count of its returns; the line is closed for them. */
  readonly behind: Map<AccountId, number>;
  /** Since when brokers are away, monotonic. */
  readonly awaySinceMs: Map<AccountId, number>;
  /** Agents are never renamed, and every event of an order names its agent. */
  readonly agentNames: Map<AgentId, string>;
  /** The gate as this process knows it, for when the store can not say. */
  killed: boolean;
}

export interface WaitingApproval {
  /** Monotonic. */
  readonly deadlineMs: number;
  /** What its broker said of the margin when it was asked for: shown on the card, and asked anew with the decision. */
  readonly margin?: Outside['margin'];
  /** It has ended and could not be written down: it can not be decided any more, and is ended as soon as the store can. */
  readonly ending?: Ending;
}

export function freshMemory(): Memory {
  return {
    reconciled: new Map(),
    reconciling: new Map(),
    restarting: new Set(),
    suspect: new Set(),
    contradicted: new Map(),
    sentAtMs: new Map(),
    sending: new Map(),
    inStateSinceMs: new Map(),
    recentMessages: new Map(),
    takingBack: new Map(),
    canceling: new Map(),
    repeats: new Map(),
    onReducing: new Set(),
    shrunk: new Map(),
    onShrunk: new Set(),
    keysUnderWay: new Set(),
    closing: new Map(),
    watchers: new Map(),
    approvals: new Map(),
    balances: new Map(),
    funds: new Map(),
    cashApart: new Map(),
    behind: new Map(),
    awaySinceMs: new Map(),
    agentNames: new Map(),
    killed: false,
  };
}

/** Who an audit event is about, from who acted. */
export function auditActor(actor: Actor | undefined): Pick<AuditEvent, 'agent' | 'credential' | 'door'> {
  if (actor === undefined) return {};
  return actor.kind === 'owner'
    ? { credential: actor.credential, door: actor.door }
    : { agent: actor.agentName, credential: actor.credential, door: actor.door };
}

/** The record names agents as the owner does; where the store can not be read the id has to do. */
export function agentNameOf(line: Line, id: AgentId): string {
  const known = line.memory.agentNames.get(id);
  if (known !== undefined) return known;
  try {
    const found = line.access.agents.byId(id)?.name;
    if (found !== undefined) line.memory.agentNames.set(id, found);
    return found ?? id;
  } catch {
    return id;
  }
}

/** The SQL of the sources, and nothing a caller says: as many statements as there are places that ask. */
export function preparedOnce(db: Store['db']): Store['db']['prepare'] {
  const known = new Map<string, ReturnType<Store['db']['prepare']>>();
  const prepare = (sql: string): ReturnType<Store['db']['prepare']> => {
    const found = known.get(sql) ?? db.prepare(sql);
    known.set(sql, found);
    return found;
  };
  return prepare as Store['db']['prepare'];
}

/** Resolves with the order once `until` holds of it, or as it stands after `withinMs`. */
export function waitFor(
  line: Line,
  orderId: string,
  until: (order: StoredOrder) => boolean,
  withinMs: number,
): Promise<StoredOrder | undefined> {
  const now = line.orders.byId(orderId);
  if (now === undefined || until(now)) return Promise.resolve(now);
  return new Promise((resolve) => {
    const watchers = line.memory.watchers.get(orderId) ?? new Set();
    line.memory.watchers.set(orderId, watchers);
    const finish = (order: StoredOrder | undefined): void => {
      stopTimer();
      watchers.delete(watch);
      if (watchers.size === 0) line.memory.watchers.delete(orderId);
      resolve(order);
    };
    const watch = (order: StoredOrder): void => {
      if (until(order)) finish(order);
    };
    const stopTimer = line.clock.after(withinMs, () => finish(line.orders.byId(orderId)));
    watchers.add(watch);
  });
}

/** What an account trades on, and is valued by: nothing of another feed ever says what its positions are worth. */
export const feedOf = (line: Pick<Line, 'markets'>, account: AccountId): MarketFeed =>
  line.markets.of(account);

/** A symbol as the account's own list of instruments has it; what is no longer listed is found by its id. */
export const resolveFor = (
  line: Pick<Line, 'book' | 'markets'>,
  account: AccountId,
  symbol: string,
): Result<Instrument, Refusal> => line.book.resolve(symbol, [line.markets.scopeOf(account)]);

/** Throws for an instrument that is not in the book: orders only ever name resolved ones. */
export const instrumentOf = (line: Line, id: InstrumentId) => {
  const found = line.book.byId(id);
  if (found === undefined) throw new Error(`instrument ${id} is not in the book`);
  return found;
};
