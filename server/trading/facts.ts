/** Gathering: everything the pure decision needs to know, first what must be asked outside, then what the store says. */
import {
  absolute,
  add,
  type Decimal,
  type Money,
  max,
  min,
  type Price,
  type Quantity,
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
import type { MarketPhase, Quote } from '#ports.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { instrumentOf, type Line, messagesInLastSecond } from './line.ts';
import { lossToday, markOf } from './loss.ts';
import { remainingQty, reservedValue, type StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';

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
  const quote = line.feed.quote(instrument.id);
  const agentState = access.agents.stateOf(who.agent);
  const usage = line.usage.of(who.agent, who.account, mandateDay);
  const reserved = line.usage.reserved(who.agent, who.account);
  const freed = changes ? reservedValue(changes) : ZERO_MONEY;
  const own = line.holdings.of(who.agent, who.account, instrument.id);
  const ofAccount = line.holdings.of(ACCOUNT_HOLDER, who.account, instrument.id);
  const working = line.orders.working({ agent: who.agent, account: who.account, instrument: instrument.id });
  const others = working.filter((order) => order.orderId !== changes?.orderId);
  // Only a mandate that may reduce the whole account has to look at what others work there.
  const inAccount =
    mandate?.document.may_reduce === 'account'
      ? line.orders
          .working({ account: who.account, instrument: instrument.id })
          .filter((order) => order.orderId !== changes?.orderId)
      : [];
  const state = strictestOf(line, who.account, agentState);
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
    quoteAgeMs: quote ? Math.max(0, line.clock.wallMs() - quote.publishedMs) : null,
    fxRate: fxRate(line, instrument.currency, adapter.currency),
    ownQty: own.qty,
    reducible: reducible(own.qty, others, line),
    accountQty: ofAccount.qty,
    accountReducible: reducible(ofAccount.qty, inAccount, line),
    workingSells: sum(
      ZERO_QUANTITY,
      others.filter((order) => order.effect === 'adding' && order.side === 'sell').map(remainingQty),
    ),
    valueUsed: usage.valueUsed,
    valueReserved: subtract(reserved.value, freed),
    ordersToday: usage.orders,
    openOrders: reserved.openOrders - (changes && changes.role === 'entry' ? 1 : 0),
    exposure: exposureOf(line, who.agent, who.account),
    lossToday: lossToday(line, who.agent, wallMs),
    unapprovedValue: unapprovedValue(line, who, instrument, { day: mandateDay, working: others }),
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
  if (gateway !== 'ACTIVE') return { state: gateway, reason: 'the kill switch is on' };
  const row =
    account === undefined
      ? undefined
      : line.store.db
          .prepare<[string], { trading_state: TradingState; state_reason: string | null }>(
            'SELECT trading_state, state_reason FROM accounts WHERE id = ?',
          )
          .get(account);
  if (row?.trading_state === 'HALTED' || (row?.trading_state === 'REDUCING' && agent.state === 'ACTIVE')) {
    return {
      state: row.trading_state,
      reason: row.state_reason ?? `account ${account} is ${row.trading_state}`,
    };
  }
  return agent;
}

/**
 * What may still be sold of a long (bought back of a short) position: its size less what working reducing orders would take.
 * The legs of one bracket cancel each other, so a pair counts once, by what the entry has filled.
 */
export function reducible(position: Quantity, working: readonly StoredOrder[], line: Line): Quantity {
  const side: Side = position.gt('0') ? 'sell' : 'buy';
  let taken = ZERO_QUANTITY;
  const groups = new Map<string, Quantity>();
  for (const order of working) {
    if (order.side !== side || order.effect !== 'reducing') continue;
    if (order.parentOrderId === null) taken = add(taken, pendingMax(order));
    else {
      const known = groups.get(order.parentOrderId) ?? ZERO_QUANTITY;
      groups.set(order.parentOrderId, max(known, legTakes(line, order)));
    }
  }
  for (const quantity of groups.values()) taken = add(taken, quantity);
  return max(subtract(absolute(position), taken), ZERO_QUANTITY);
}

/** A modify in flight may still leave either quantity: count the larger. */
const pendingMax = (order: StoredOrder): Quantity =>
  order.pending === null
    ? remainingQty(order)
    : max(remainingQty(order), subtract(order.pending.terms.qty, order.filledQty));

/** A leg is active up to what its entry has filled, less what the pair has closed already. */
function legTakes(line: Line, leg: StoredOrder): Quantity {
  if (leg.parentOrderId === null) return remainingQty(leg);
  const entry = line.orders.byId(leg.parentOrderId);
  if (entry === undefined) return remainingQty(leg);
  const closed = sum(
    ZERO_QUANTITY,
    line.orders.legsOf(leg.parentOrderId).map((order) => order.filledQty),
  );
  return max(min(remainingQty(leg), subtract(entry.filledQty, closed)), ZERO_QUANTITY);
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

/** No approval queue stands between yet, so all that an agent put in today counts as unapproved. */
function unapprovedValue(
  line: Line,
  { agent, account, side }: FactsFor,
  instrument: Instrument,
  today: { readonly day: string; readonly working: readonly StoredOrder[] },
): Money {
  const filled = line.store.db
    .prepare<[string, string, string, string, string], { filled_value: string }>(
      `SELECT filled_value FROM orders WHERE agent_id = ? AND account_id = ? AND instrument_id = ? AND side = ?
         AND mandate_day = ? AND effect = 'adding' AND filled_value <> '0'`,
    )
    .all(agent, account, instrument.id, side, today.day)
    .map((row) => decimalMoney(row.filled_value, instrument.multiplier));
  const reserved = today.working.filter((order) => order.side === side).map(reservedValue);
  return add(sum(ZERO_MONEY, filled), sum(ZERO_MONEY, reserved));
}

const decimalMoney = (text: string, multiplier: Ratio): Money =>
  ratio(text).times(multiplier) as Decimal as Money;

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
    if (quote !== undefined) return quote.ask as Decimal as Ratio;
  }
  return undefined;
}
