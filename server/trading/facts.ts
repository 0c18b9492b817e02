/** Gathering: everything the pure decision needs to know, first what must be asked outside, then what the store says. */

import type { AgentState } from '#access/agent-state.ts';
import {
  add,
  type Money,
  min,
  type Price,
  type Quantity,
  type Ratio,
  subtract,
  sum,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import { type Instrument, pricedIn } from '#domain/instrument.ts';
import type { Mandate } from '#domain/mandate.ts';
import { isFinal, type OrderOrigin, type OrderTerms, type Side } from '#domain/order.ts';
import { type AccountId, type AgentId, OWNER_HOLDER, type TradingState } from '#domain/principal.ts';
import type { LimitFigure } from '#domain/refusal.ts';
import type { BrokerCapabilities, MarketPhase, Quote } from '#ports.ts';
import { type AccountRisk, readAccountRisk } from './account-limits.ts';
import { accountReducing, reachedFigure, reducingInWords } from './account-state.ts';
import { envelopeOf } from './envelope.ts';
import { exposureOf, fxRate } from './exposure.ts';
import { buyingPowerLeft } from './funds.ts';
import { type HeldProducts, reducibleUnder } from './held-products.ts';
import { ACCOUNT_HOLDER, opposes } from './holdings.ts';
import { feedOf, type Line } from './line.ts';
import { honourLift, lossToday } from './loss.ts';
import { messagesInLastSecond } from './messages.ts';
import { bestOpposing } from './opposing.ts';
import { remainingQty, reservedValue, type StoredOrder } from './order-rows.ts';
import type { Outside, ToldMargin } from './outside.ts';
import { reducible, unclaimed } from './reducible.ts';
import { executionsOf, type Repeated } from './repeats.ts';

/** All that `assess` looks at. A value: the same facts always give the same verdict. */
export interface Facts extends AccountRisk {
  readonly wallMs: number;
  readonly authority: Authority;
  readonly agent: AgentId;
  readonly account: AccountId;
  readonly accountCurrency: string;
  readonly accountMode: 'paper' | 'live';
  readonly accountType: 'cash' | 'margin';
  /** What the account's broker takes. */
  readonly broker: BrokerCapabilities;
  readonly instrument: Instrument;
  readonly tradingState: TradingState;
  readonly stateReason: string | null;
  /** Limits of the account that let it only reduce. */
  readonly accountReached: readonly LimitFigure[];
  readonly mandate: Mandate | undefined;
  readonly mandateDay: string;
  /** Whether the mandate's trading hours admit this moment; `session` hours are judged by `phase`. */
  readonly withinHours: boolean;
  readonly phase: MarketPhase | undefined;
  readonly quote: Quote | undefined;
  readonly quoteAgeMs: number | null;
  /** Account currency per unit of the instrument's; undefined: no fresh rate. */
  readonly fxRate: Ratio | undefined;
  /** The agent's own position, signed, and what its working reducing orders leave an order of this side to take of it. */
  readonly ownQty: Quantity;
  readonly reducible: Quantity;
  /** The same of the whole account, for `may_reduce: account`. */
  readonly accountQty: Quantity;
  readonly accountReducible: Quantity;
  /** The same by product; undefined: the broker knows none, or nothing is held. */
  readonly under?: Record<'own' | 'account', HeldProducts> | undefined;
  /** The agent's working adding sells in this instrument: what would make a short when they fill. */
  readonly workingSells: Quantity;
  readonly valueUsed: Money;
  readonly valueReserved: Money;
  /** Cleared today, and those that wait for the owner. */
  readonly ordersToday: number;
  readonly openOrders: number;
  /** Value of the agent's own positions at their marks; of one that has none at what it cost. */
  readonly exposure: Money;
  readonly lossToday: Money;
  /** Value that the agent put into this instrument and side today without a human's approval. */
  readonly unapprovedValue: Money;
  /** To the account's broker, of everybody there and of this holder alone. */
  readonly messagesLastSecond: number;
  readonly ownMessagesLastSecond: number;
  /** The order with the same client_order_id. */
  readonly sameClientOrderId: string | undefined;
  /** The agent's own orders in this account and instrument of which nobody knows whether the broker has them. */
  readonly unclear: readonly StoredOrder[];
  /** The best price at which a limit order of another holder rests on the other side. */
  readonly opposing: Price | undefined;
  /** Adding orders that the agent has sent within the window of its throttle; undefined: nobody counts them. */
  readonly executions: Repeated | undefined;
  readonly buyingPower: Money;
  /** The broker's own word on what the order needs; undefined: it gave none, and the full value counts. */
  readonly margin: ToldMargin | undefined;
  /** The order that is being changed; what it holds of the mandate (`freed`) is not counted in the figures above. */
  readonly changes: StoredOrder | undefined;
  readonly freed: Money;
  /** The order waited for the owner, who approved it: what it holds of the mandate is not counted above, and nobody is asked again. */
  readonly approved: boolean;
}

/** What an order is placed under: its agent's mandate, or the owner's own word, which has no limit but the market's. */
export type Authority = 'mandate' | 'owner';

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
  readonly authority: Authority;
  readonly agent: AgentId;
  readonly account: AccountId;
  readonly side: Side;
  readonly clientOrderId?: string;
}

/** The order that is there already: one that is changed, or one that waited for the owner and was approved. */
export type Existing = { readonly changes: StoredOrder } | { readonly approving: StoredOrder };

/**
 * Reads the store's part of the facts. Inside the transaction that will act on the verdict. What an existing order holds of the
 * mandate is not counted against it; only what is at the broker already is free again in the broker's balance.
 */
export function readFacts(line: Line, who: FactsFor, outside: Outside, existing?: Existing): Facts {
  const changes = existing !== undefined && 'changes' in existing ? existing.changes : undefined;
  const approving = existing !== undefined && 'approving' in existing ? existing.approving : undefined;
  const itself = changes ?? approving;
  const { instrument, adapter, balance, funds } = outside;
  const { access } = line;
  const wallMs = line.wallMs();
  const mandate = access.mandates.current(who.agent);
  const mandateDay = access.mandateDay(wallMs);
  // A look writes nothing: a card is read outside of any transaction.
  if (line.store.inTransaction()) honourLift(line, who.agent, mandateDay);
  const feed = feedOf(line, who.account);
  const quote = feed.quote(instrument.id);
  // The owner's own orders obey the states of gateway and account; there is no agent that could be halted.
  const agentState = who.agent === OWNER_HOLDER ? UNHALTED : access.agents.stateOf(who.agent);
  const accounts = envelopeOf(line, who.agent, { account: who.account, mandate });
  const usage = accounts.map((account) => line.usage.of(who.agent, account, mandateDay));
  const reserved = accounts.map((account) => line.usage.reserved(who.agent, account));
  const held = itself ? reservedValue(itself) : ZERO_MONEY;
  const state = strictestOf(line, who.account, agentState);
  const unsettled = line.orders.unsettled(who.account);
  const same =
    who.clientOrderId === undefined ? undefined : line.orders.byClientOrderId(who.agent, who.clientOrderId);
  return {
    wallMs,
    authority: who.authority,
    agent: who.agent,
    account: who.account,
    accountCurrency: adapter.currency,
    accountMode: adapter.mode,
    accountType: adapter.accountType,
    broker: adapter.capabilities,
    instrument,
    tradingState: state.state,
    stateReason: state.reason,
    accountReached: accountReducing(line, who.account, mandateDay).map((row) =>
      reachedFigure(row, adapter.currency),
    ),
    mandate,
    mandateDay,
    withinHours:
      mandate === undefined ||
      mandate.document.trading_hours === 'session' ||
      access.inTradingHours(mandate.document.trading_hours, wallMs),
    phase: feed.phase(instrument.id),
    quote,
    quoteAgeMs: quote ? line.clock.wallMs() - quote.publishedMs : null,
    fxRate: fxRate(pricedIn(instrument), adapter.currency),
    ...reducibleOf(line, who, instrument, { mandate, changes }),
    workingSells: workingSells(line, who, instrument, itself),
    valueUsed: sum(
      ZERO_MONEY,
      usage.map((one) => one.valueUsed),
    ),
    valueReserved: subtract(
      sum(
        ZERO_MONEY,
        reserved.map((one) => one.value),
      ),
      held,
    ),
    // What waits for the owner is counted when it is cleared; until then it keeps its place of the day.
    ordersToday:
      usage.reduce((all, one) => all + one.orders, 0) +
      line.approvals.countWaiting(who.agent) -
      (approving ? 1 : 0),
    openOrders: reserved.reduce((all, one) => all + one.openOrders, 0) - (itself?.role === 'entry' ? 1 : 0),
    exposure: sum(
      ZERO_MONEY,
      accounts.map((account) => exposureOf(line, who.agent, account)),
    ),
    lossToday: lossToday(line, who.agent, wallMs),
    unapprovedValue:
      mandate === undefined || typeof mandate.approvalAbove === 'string'
        ? ZERO_MONEY
        : unapprovedValue(line, who, instrument, { day: mandateDay, itself }),
    ...readAccountRisk(line, who.account, { instrument: instrument.id, except: itself?.orderId }),
    ...messagesInLastSecond(line, who.account, who.agent),
    sameClientOrderId: same?.orderId,
    unclear: unsettled.filter(
      ({ agent, instrument: of, status, role }) =>
        agent === who.agent && of === instrument.id && status === 'unknown' && role === 'entry',
    ),
    opposing: bestOpposing(line, { ...who, instrument: instrument.id }),
    executions: executionsOf(line, who.agent),
    buyingPower: buyingPowerLeft(balance, { funds, unsettled, of: instrument }),
    margin: outside.margin === 'no answer' ? undefined : outside.margin,
    changes,
    freed: changes ? held : ZERO_MONEY,
    approved: approving !== undefined,
  };
}

export const UNHALTED: AgentState = { state: 'ACTIVE', reason: null };

/** What an order of this side could reduce; only who opposes a position has to look at what works against it already. */
function reducibleOf(
  line: Line,
  { agent, account, side }: FactsFor,
  { id: instrument }: Instrument,
  { mandate, changes }: Pick<Facts, 'mandate' | 'changes'>,
): Pick<Facts, 'ownQty' | 'reducible' | 'accountQty' | 'accountReducible' | 'under'> {
  const ownQty = line.holdings.of(agent, account, instrument).qty;
  const accountQty = line.holdings.of(ACCOUNT_HOLDER, account, instrument).qty;
  const ownOpposed = opposes(side, ownQty);
  const accountOpposed = mandate?.document.may_reduce === 'account' && opposes(side, accountQty);
  const working =
    ownOpposed || accountOpposed
      ? line.orders
          .reducing({ account, instrument, side })
          .filter((order) => order.orderId !== changes?.orderId)
      : [];
  const ownWorking = working.filter((order) => order.agent === agent);
  return {
    ownQty,
    reducible: ownOpposed
      ? min(reducible(ownQty, ownWorking, line), unclaimed(line, { account, instrument, side }, working))
      : ZERO_QUANTITY,
    accountQty,
    accountReducible: accountOpposed ? reducible(accountQty, working, line) : ZERO_QUANTITY,
    under:
      ownOpposed || accountOpposed
        ? {
            own: reducibleUnder(line, { holder: agent, account, instrument }, ownWorking),
            account: reducibleUnder(line, { holder: ACCOUNT_HOLDER, account, instrument }, working),
          }
        : undefined,
  };
}

function workingSells(
  line: Line,
  { agent, account }: FactsFor,
  { id: instrument }: Instrument,
  itself: StoredOrder | undefined,
): Quantity {
  const { qty } = line.usage.adding({ agent, account, instrument, side: 'sell' });
  const own = itself?.effect === 'adding' && itself.side === 'sell' && !isFinal(itself.status);
  return own ? subtract(qty, remainingQty(itself)) : qty;
}

/** The strictest of gateway, account and agent, with the reason of the one that decides. */
export function strictestOf(line: Line, account: AccountId | undefined, agent: AgentState): AgentState {
  const gateway = line.access.gatewayState();
  const row =
    account === undefined
      ? undefined
      : line
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
    ...accountTripped(line, account),
    agent,
  ];
  return (
    all.find((one) => one.state === 'HALTED') ??
    all.find((one) => one.state === 'REDUCING') ?? { state: 'ACTIVE', reason: null }
  );
}

/** Limits of the account that were reached. */
function accountTripped(line: Line, account: AccountId | undefined): readonly AgentState[] {
  if (account === undefined) return [];
  return accountReducing(line, account, line.access.mandateDay(line.wallMs())).map((row) => ({
    state: 'REDUCING',
    reason: `the account ${account} ${reducingInWords(row)}`,
  }));
}

/** Today's fills of adding orders, whenever they were placed, and all that is still at work; in every account of the agent. */
function unapprovedValue(
  line: Line,
  { agent, side }: FactsFor,
  { id: instrument }: Instrument,
  { day, itself }: { readonly day: string; readonly itself: StoredOrder | undefined },
): Money {
  const filled = line.usage.unapproved({ agent, instrument, side, day });
  const { unapproved } = line.usage.adding({ agent, instrument, side });
  // An order that is changed stays on its side; one that waited for the owner never counted.
  const own = itself?.approvalId === null ? reservedValue(itself) : ZERO_MONEY;
  return add(filled, subtract(unapproved, own));
}
