/** Gathering: everything the pure decision needs to know, first what must be asked outside, then what the store says. */
import {
  absolute,
  add,
  type Decimal,
  type Money,
  min,
  type Price,
  price,
  type Quantity,
  quantity,
  type Ratio,
  ratio,
  subtract,
  sum,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { OrderOrigin, OrderTerms, Side } from '#domain/order.ts';
import type { AccountId, AgentId, TradingState } from '#domain/principal.ts';
import { QUOTE_AGE_MAX_MS } from '#limits.ts';
import type { MarketPhase, Quote } from '#ports.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { opposes } from './ledger.ts';
import { instrumentOf, type Line, messagesInLastSecond } from './line.ts';
import { honourLift, lossToday, markOf } from './loss.ts';
import { remainingQty, reservedValue, type StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { reducible, unclaimed } from './reducible.ts';

/** All that `assess` looks at. A value: the same facts always give the same verdict. */
export interface Facts {
  readonly wallMs: number;
  readonly agent: AgentId;
  readonly account: AccountId;
  readonly accountCurrency: string;
  readonly accountMode: 'paper' | 'live';
  readonly accountType: 'cash' | 'margin';
  readonly instrument: Instrument;
  readonly tradingState: TradingState;
  readonly stateReason: string | null;
  readonly mandate: Mandate | undefined;
  readonly mandateDay: string;
  /** Whether the mandate's trading hours admit this moment; `session` hours are judged by `phase`. */
  readonly withinHours: boolean;
  readonly phase: MarketPhase | undefined;
  readonly quote: Quote | undefined;
  readonly quoteAgeMs: number | null;
  /** Account currency per unit of the instrument's; undefined: no fresh rate. */
  readonly fxRate: Ratio | undefined;
  /** The agent's own position, signed, and what its working reducing orders leave of it. */
  readonly ownQty: Quantity;
  readonly reducible: Quantity;
  /** The same of the whole account, for `may_reduce: account`. */
  readonly accountQty: Quantity;
  readonly accountReducible: Quantity;
  /** The agent's working adding sells in this instrument: what would make a short when they fill. */
  readonly workingSells: Quantity;
  readonly valueUsed: Money;
  readonly valueReserved: Money;
  readonly ordersToday: number;
  readonly openOrders: number;
  /** Value of the agent's own positions at their marks; undefined when one of them can not be marked. */
  readonly exposure: Money;
  readonly lossToday: Money;
  /** Value that the agent put into this instrument and side today without a human's approval. */
  readonly unapprovedValue: Money;
  readonly messagesLastSecond: number;
  /** The order with the same client_order_id. */
  readonly sameClientOrderId: string | undefined;
  readonly buyingPower: Money;
  /** The order that is being changed; what it holds of the mandate (`freed`) is not counted in the figures above. */
  readonly changes: StoredOrder | undefined;
  readonly freed: Money;
}

/** What is asked for, with a size in units; `notional` is set when it was given as a value. */
export interface Proposal {
  readonly terms: OrderTerms;
  readonly notional?: Money;
  readonly takeProfit?: Price;
  readonly stopLoss?: Price;
  readonly origin: OrderOrigin;
}

/** Whose order it would be. */
export interface FactsFor {
  readonly agent: AgentId;
  readonly account: AccountId;
  readonly side: Side;
  readonly clientOrderId?: string;
}

/** Reads the store's part of the facts. Inside the transaction that will act on the verdict. */
export function readFacts(line: Line, who: FactsFor, outside: Outside, changes?: StoredOrder): Facts {
  const { instrument, adapter, balance } = outside;
  const { access } = line;
  const wallMs = line.wallMs();
  const mandate = access.mandates.current(who.agent);
  const mandateDay = access.mandateDay(wallMs);
  honourLift(line, who.agent, mandateDay);
  const quote = line.feed.quote(instrument.id);
  const agentState = access.agents.stateOf(who.agent);
  // One envelope for all the accounts that the mandate names: they share a currency and every limit.
  const accounts = [...new Set([who.account, ...(mandate?.accounts ?? [])])];
  const usage = accounts.map((account) => line.usage.of(who.agent, account, mandateDay));
  const reserved = accounts.map((account) => line.usage.reserved(who.agent, account));
  const freed = changes ? reservedValue(changes) : ZERO_MONEY;
  const own = line.holdings.of(who.agent, who.account, instrument.id);
  const ofAccount = line.holdings.of(ACCOUNT_HOLDER, who.account, instrument.id);
  const working = line.orders.working({ agent: who.agent, account: who.account, instrument: instrument.id });
  const others = working.filter((order) => order.orderId !== changes?.orderId);
  // Only who reduces has to look at what others work there.
  const inAccount =
    mandate?.document.may_reduce === 'account' || opposes(who.side, own.qty)
      ? line.orders
          .working({ account: who.account, instrument: instrument.id })
          .filter((order) => order.orderId !== changes?.orderId)
      : [];
  const state = strictestOf(line, who.account, agentState);
  const holders = line.holdings.holdersOf(who.account, instrument.id);
  const same =
    who.clientOrderId === undefined ? undefined : line.orders.byClientOrderId(who.agent, who.clientOrderId);
  return {
    wallMs,
    agent: who.agent,
    account: who.account,
    accountCurrency: adapter.currency,
    accountMode: adapter.mode,
    accountType: adapter.accountType,
    instrument,
    tradingState: state.state,
    stateReason: state.reason,
    mandate,
    mandateDay,
    withinHours:
      mandate === undefined ||
      mandate.document.trading_hours === 'session' ||
      access.inTradingHours(mandate.document.trading_hours, wallMs),
    phase: line.feed.phase(instrument.id),
    quote,
    quoteAgeMs: quote ? line.clock.wallMs() - quote.publishedMs : null,
    fxRate: fxRate(line, instrument.currency, adapter.currency),
    ownQty: own.qty,
    reducible: min(reducible(own.qty, others, line), unclaimed(own.qty, holders, inAccount, line)),
    accountQty: ofAccount.qty,
    accountReducible: reducible(ofAccount.qty, inAccount, line),
    workingSells: sum(
      ZERO_QUANTITY,
      others.filter((order) => order.effect === 'adding' && order.side === 'sell').map(remainingQty),
    ),
    valueUsed: sum(
      ZERO_MONEY,
      usage.map((one) => one.valueUsed),
    ),
    valueReserved: subtract(
      sum(
        ZERO_MONEY,
        reserved.map((one) => one.value),
      ),
      freed,
    ),
    ordersToday: usage.reduce((all, one) => all + one.orders, 0),
    openOrders:
      reserved.reduce((all, one) => all + one.openOrders, 0) - (changes && changes.role === 'entry' ? 1 : 0),
    exposure: sum(
      ZERO_MONEY,
      accounts.map((account) => exposureOf(line, who.agent, account)),
    ),
    lossToday: lossToday(line, who.agent, wallMs),
    unapprovedValue:
      mandate === undefined || typeof mandate.approvalAbove === 'string'
        ? ZERO_MONEY
        : unapprovedValue(line, who, instrument, { day: mandateDay, changes }),
    messagesLastSecond: messagesInLastSecond(line, who.account),
    sameClientOrderId: same?.orderId,
    buyingPower: subtract(balance.buyingPower, notYetAtBroker(line.orders.unsettled(who.account))),
    changes,
    freed,
  };
}

/** The strictest of gateway, account and agent, with the reason of the one that decides. */
export function strictestOf(
  line: Line,
  account: AccountId | undefined,
  agent: { readonly state: TradingState; readonly reason: string | null },
): { readonly state: TradingState; readonly reason: string | null } {
  const gateway = line.access.gatewayState();
  const row =
    account === undefined
      ? undefined
      : line.store.db
          .prepare<[string], { trading_state: TradingState; state_reason: string | null }>(
            'SELECT trading_state, state_reason FROM accounts WHERE id = ?',
          )
          .get(account);
  const all = [
    { state: gateway, reason: gateway === 'HALTED' ? 'the kill switch is on' : 'the gateway only reduces' },
    {
      state: row?.trading_state ?? 'ACTIVE',
      reason: row?.state_reason ?? `account ${account} is ${row?.trading_state}`,
    },
    agent,
  ];
  return (
    all.find((one) => one.state === 'HALTED') ??
    all.find((one) => one.state === 'REDUCING') ?? { state: 'ACTIVE', reason: null }
  );
}

function exposureOf(line: Line, agent: AgentId, account: AccountId): Money {
  return sum(
    ZERO_MONEY,
    line.holdings
      .byHolder(agent, account)
      .filter((holding) => !holding.qty.eq('0'))
      .map((holding) => {
        const instrument = instrumentOf(line, holding.instrument);
        const mark = markOf(line, holding) ?? holding.mark;
        return mark === null
          ? absolute(holding.cost)
          : absolute(value(mark, holding.qty, instrument.multiplier));
      }),
  );
}

/** Today's fills of adding orders, whenever they were placed, and all that is still at work; in every account of the agent. */
function unapprovedValue(
  line: Line,
  { agent, side }: FactsFor,
  instrument: Instrument,
  today: { readonly day: string; readonly changes: StoredOrder | undefined },
): Money {
  // No approval queue stands between yet, so all of it counts as unapproved.
  const newestFirst = line.store.db.prepare<[string], FillRow>(
    `SELECT e.instrument_id, e.side, e.price, e.qty, e.posted_at, o.effect FROM executions e
     JOIN orders o ON o.order_id = e.order_id WHERE e.agent_id = ? ORDER BY e.seq DESC`,
  );
  let filled = ZERO_MONEY;
  for (const row of newestFirst.iterate(agent)) {
    if (line.access.mandateDay(row.posted_at) !== today.day) break;
    if (row.instrument_id !== instrument.id || row.side !== side || row.effect !== 'adding') continue;
    filled = add(filled, value(price(row.price), quantity(row.qty), instrument.multiplier));
  }
  const reserved = line.orders
    .working({ agent, instrument: instrument.id })
    .filter((order) => order.side === side && order.orderId !== today.changes?.orderId)
    .map(reservedValue);
  return add(filled, sum(ZERO_MONEY, reserved));
}

interface FillRow {
  readonly instrument_id: string;
  readonly side: Side;
  readonly price: string;
  readonly qty: string;
  readonly posted_at: number;
  readonly effect: 'adding' | 'reducing';
}

/** Orders that the broker may not have deducted from its buying power yet. */
const notYetAtBroker = (working: readonly StoredOrder[]): Money =>
  sum(
    ZERO_MONEY,
    working.filter((order) => order.status === 'submitting' || order.status === 'unknown').map(reservedValue),
  );

/** Units of `to` for one of `from`, by a fresh quote of that pair in the book. */
function fxRate(line: Line, from: string, to: string): Ratio | undefined {
  if (from === to) return ratio('1');
  for (const pair of line.book.all()) {
    if (pair.assetClass !== 'fx' || pair.base !== from || pair.currency !== to) continue;
    const quote = line.feed.quote(pair.id);
    if (quote === undefined || Math.abs(line.clock.wallMs() - quote.publishedMs) > QUOTE_AGE_MAX_MS) continue;
    if (quote.bid.gt('0') && quote.ask.gte(quote.bid)) return quote.ask as Decimal as Ratio;
  }
  return undefined;
}
