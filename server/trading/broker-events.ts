/** What the broker says, posted once: order states by evidence, executions by their id, settlements to every holder. */
import { absolute, ZERO_MONEY } from '#domain/decimal.ts';
import { isFinal, mayBecome, type OrderStatus } from '#domain/order.ts';
import { type AccountId, agentId } from '#domain/principal.ts';
import { printable } from '#domain/refusal.ts';
import { BROKER_EVENTS_PER_COMMIT_MAX } from '#limits.ts';
import type { BrokerEvent, BrokerExecution, BrokerOrder, BrokerRestart, BrokerSettlement } from '#ports.ts';
import { adopt, blank, orderBehind } from './adopt.ts';
import { causeOfCancel } from './cancel-words.ts';
import { hasUnheard } from './evidence-rows.ts';
import { fixDay, recordFill } from './fills.ts';
import { dropFunds } from './funds.ts';
import { isPosted, postExecution } from './ledger.ts';
import { feedOf, instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { writePnlDay } from './pnl.ts';
import { recordedAs, replaceRecorded, withdrawExecution } from './recorded-fills.ts';
import { postStart } from './restart-posting.ts';
import { type Ending, isWhole, noteSettlement } from './settlements.ts';
import { canBeOf, postStray } from './stray.ts';
import { isAtWork } from './taken-up.ts';
import { differs, restingState } from './terms.ts';
import { createOrder, transition } from './transition.ts';
import { isListed } from './unlisted.ts';
import { postUnplaced } from './unplaced.ts';

/** What an event asks to be done after it has been committed. */
export interface AfterEvent {
  /** The agent whose loss has to be looked at. */
  readonly filled?: StoredOrder;
  /** An order that is working now: under a kill switch it may have to be canceled. */
  readonly opened?: StoredOrder;
  /** Its broker is there again: the books are compared before the line is open for it. */
  readonly returned?: true;
}

/**
 * Posts the events of one moment, many in one transaction: a tick that fills fifty orders costs the disk one commit and not fifty.
 * Where one of them can not be posted, each is posted alone, so that none takes another with it. Gives what is to be done
 * after the commit, for each order by what was said of it last.
 */
export function postEvents(
  line: Line,
  account: AccountId,
  events: readonly BrokerEvent[],
): readonly AfterEvent[] {
  const done: AfterEvent[] = [];
  for (let from = 0; from < events.length; from += BROKER_EVENTS_PER_COMMIT_MAX)
    done.push(...postTogether(line, account, events.slice(from, from + BROKER_EVENTS_PER_COMMIT_MAX)));
  return latest(done);
}

function postTogether(line: Line, account: AccountId, events: readonly BrokerEvent[]): readonly AfterEvent[] {
  const [first] = events;
  if (events.length === 1 && first) return [postEvent(line, account, first)];
  try {
    return line.store.transaction(() => events.map((event) => post(line, account, event)));
  } catch {
    return events.map((event) => postEvent(line, account, event));
  }
}

function latest(done: readonly AfterEvent[]): readonly AfterEvent[] {
  const opened = new Map<string, AfterEvent>();
  const filled = new Map<string, AfterEvent>();
  for (const one of done) {
    if (one.opened !== undefined) opened.set(one.opened.orderId, { opened: one.opened });
    // One look at an agent's loss is enough, however many of its orders were filled.
    if (one.filled !== undefined) filled.set(one.filled.agent, { filled: one.filled });
  }
  const returned = done.some((one) => one.returned === true);
  return [...opened.values(), ...filled.values(), ...(returned ? [{ returned } as const] : [])];
}

/**
 * Posts one event in one transaction. When the store can not take it, the account is compared with its broker again later:
 * nothing is lost, because executions are asked for by cursor and posted by id.
 */
function postEvent(line: Line, account: AccountId, event: BrokerEvent): AfterEvent {
  try {
    return line.store.transaction(() => post(line, account, event));
  } catch (cause) {
    line.memory.suspect.add(account);
    line.audit.recordDeferred({
      kind: 'broker.event_failed',
      account,
      outcome: 'error',
      detail: { event: event.kind, why: cause instanceof Error ? cause.message : String(cause) },
    });
    return {};
  }
}

function post(line: Line, account: AccountId, event: BrokerEvent): AfterEvent {
  switch (event.kind) {
    case 'order': {
      const opened = applyOrder(line, account, event.order);
      return opened === undefined ? {} : { opened };
    }
    case 'execution': {
      // Its history tells of it again, and there it is noted.
      if (!isListed(line, account, event.execution.instrument)) {
        dropFunds(line, account);
        line.memory.suspect.add(account);
        return {};
      }
      const filled = applyExecution(line, account, event.execution);
      return filled === undefined ? {} : { filled, opened: filled };
    }
    case 'settlement':
    case 'restart':
      dropFunds(line, account);
      if (event.kind === 'settlement' && !isListed(line, account, event.settlement.instrument)) return {};
      if (isWhole(line, account, event)) applyEnd(line, account, event);
      // A fill is still on its way: the broker's history has both in their order.
      else line.memory.suspect.add(account);
      return {};
    case 'connection':
      return noteConnection(line, account, event);
    default:
      return event satisfies never;
  }
}

/** A gap in what a broker told is seen on the record, and closes the line until the books have been compared. */
function noteConnection(
  line: Line,
  account: AccountId,
  { connected, detail }: Extract<BrokerEvent, { readonly kind: 'connection' }>,
): AfterEvent {
  dropFunds(line, account);
  const { awaySinceMs, behind } = line.memory;
  const nowMs = line.clock.monotonicMs();
  const sinceMs = awaySinceMs.get(account);
  if (connected) {
    line.memory.suspect.add(account);
    awaySinceMs.delete(account);
    behind.set(account, (behind.get(account) ?? 0) + 1);
  } else awaySinceMs.set(account, sinceMs ?? nowMs);
  line.audit.record({
    kind: connected ? 'broker.connected' : 'broker.disconnected',
    account,
    outcome: 'ok',
    detail: {
      text: printable(detail),
      ...(connected && sinceMs !== undefined ? { away_s: Math.round((nowMs - sinceMs) / 1_000) } : {}),
    },
  });
  return connected ? { returned: true } : {};
}

/** Finds ours by our id, then by the broker's; one that is nobody's is adopted as external. */
export function find(
  line: Line,
  account: AccountId,
  ids: { brokerClientId: string | null; brokerOrderId: string },
): StoredOrder | undefined {
  const named = ids.brokerClientId === null ? undefined : line.orders.byBrokerClientId(ids.brokerClientId);
  // An id of another account's order is no id of an order here, whoever says it.
  const byClient = named?.account === account ? named : undefined;
  return byClient ?? line.orders.byBrokerOrderId(account, ids.brokerOrderId);
}

/** Applies the broker's word on an order. Duplicates, reordering and echoes of what we know change nothing. */
export function applyOrder(line: Line, account: AccountId, seen: BrokerOrder): StoredOrder | undefined {
  const known = find(line, account, seen);
  if (known === undefined || isNews(known, seen)) dropFunds(line, account);
  if (known === undefined)
    return isFinal(seen.status as OrderStatus) || !isListed(line, account, seen.instrument)
      ? undefined
      : adopt(line, account, seen);
  if (isFinal(known.status)) {
    // Against what the owner recorded, or at work after its end: a single word may be late or out of order, so the broker is asked.
    if (hasUnheard(line, known.orderId) || isAtWork(known, seen)) line.memory.suspect.add(account);
    return known;
  }
  const order = withLegFacts(line, known, seen);
  const reason = seen.reason === undefined ? null : printable(seen.reason);
  const patch = { brokerOrderId: seen.brokerOrderId, ...(reason === null ? {} : { reason }) };
  switch (seen.status) {
    case 'open':
    case 'partially_filled':
      return atRest(line, order, seen);
    case 'filled':
      // Executions make it filled; if they are missing, the comparison with the broker brings them.
      if (order.filledQty.lt(seen.filledQty)) {
        line.memory.suspect.add(account);
        return order;
      }
      // A change to a larger quantity kept it waiting, and did not happen.
      return order.filledQty.gt('0') && mayBecome(order.status, 'filled')
        ? transition(line, order, { to: 'filled', detail: 'filled, says the broker', patch })
        : order;
    case 'canceled':
    case 'expired':
    case 'rejected':
    case 'refused': {
      const to = seen.status;
      if (!mayBecome(order.status, to)) return order;
      if (order.filledQty.lt(seen.filledQty)) line.memory.suspect.add(account);
      // Where the gateway asked for it, the order ends by the gateway's cause.
      const cause = to === 'canceled' ? causeOfCancel(line, order) : null;
      return transition(line, order, {
        to,
        detail: reason ?? `${to} by the broker`,
        patch: cause === null ? patch : { ...patch, reason: cause },
      });
    }
    default:
      return seen.status satisfies never;
  }
}

/** It holds another part of the account's money than we think: ended, at work after its end, or changed at another screen. */
const isNews = (known: StoredOrder, seen: BrokerOrder): boolean =>
  isFinal(known.status) !== isFinal(seen.status as OrderStatus) ||
  (!isFinal(known.status) && known.pending === null && differs(known, seen));

/** The broker has it working: that ends `submitting` and `unknown`; what waits for an answer goes on waiting. */
function atRest(line: Line, order: StoredOrder, seen: BrokerOrder): StoredOrder {
  line.memory.sentAtMs.delete(order.orderId);
  if (order.status !== 'submitting' && order.status !== 'unknown') {
    return order.brokerOrderId === null
      ? transition(line, order, {
          to: order.status,
          detail: 'acknowledged by the broker',
          patch: { brokerOrderId: seen.brokerOrderId },
        })
      : order;
  }
  return transition(line, order, {
    to: restingState(order),
    detail: seen.held ? 'held by the broker until the entry fills' : 'working at the broker',
    patch: { brokerOrderId: seen.brokerOrderId },
  });
}

/** A leg's quantity and activation follow the broker: a bracket's legs grow with the entry's fills and shrink with each other's. */
function withLegFacts(line: Line, order: StoredOrder, seen: BrokerOrder): StoredOrder {
  if (order.role === 'entry') return order;
  const changed = order.held !== seen.held || !order.qty.eq(seen.qty);
  if (!changed || seen.qty.lt(order.filledQty) || seen.qty.lte('0')) return order;
  const detail =
    order.held && !seen.held ? 'active: the entry has filled' : 'its quantity follows the bracket';
  return transition(line, order, { to: order.status, detail, patch: { held: seen.held, qty: seen.qty } });
}

/** Posts an execution once, in the place of what the owner recorded of it. Gives the order, or undefined when it was posted before. */
export function applyExecution(
  line: Line,
  account: AccountId,
  execution: BrokerExecution,
): StoredOrder | undefined {
  const recorded = recordedAs(line, account, execution.executionId);
  if (recorded === undefined && isPosted(line, account, execution.executionId)) return undefined;
  dropFunds(line, account);
  const named = find(line, account, execution);
  // The owner may have read it under another order: whose it is, is the broker's word too.
  if (recorded !== undefined && named !== undefined && named.orderId !== recorded.orderId)
    withdrawExecution(line, recorded, execution.executionId);
  const known = named ?? recorded ?? adopt(line, account, orderBehind(execution));
  if (!canBeOf(known, execution)) return postStray(line, known, execution);
  if (known.origin === 'external' && recorded === undefined) return postUnplaced(line, known, execution);
  return replaceRecorded(line, known, execution);
}

function applyEnd(line: Line, account: AccountId, end: Ending): void {
  if (end.kind === 'settlement') applySettlement(line, account, end.settlement);
  else applyRestart(line, account, end.restart);
}

/** The account's books began anew. */
export function applyRestart(line: Line, account: AccountId, restart: BrokerRestart): void {
  postStart(line, account, restart, (settlement) => applySettlement(line, account, settlement));
}

/**
 * Everything in the instrument was closed at a price: each holder's part becomes a filled order of its own, once; told again, it must
 * not close what was opened since.
 */
export function applySettlement(line: Line, account: AccountId, settlement: BrokerSettlement): void {
  if (!noteSettlement(line, account, settlement.settlementId)) return;
  dropFunds(line, account);
  for (const holding of line.holdings.holdersOf(account, settlement.instrument)) {
    if (holding.qty.eq('0')) continue;
    const executionId = `${settlement.settlementId}:${holding.holder}`;
    if (isPosted(line, account, executionId)) continue;
    const side = holding.qty.gt('0') ? 'sell' : 'buy';
    const execution: BrokerExecution = {
      executionId,
      brokerOrderId: executionId,
      brokerClientId: null,
      instrument: settlement.instrument,
      side,
      qty: absolute(holding.qty),
      price: settlement.price,
      fee: ZERO_MONEY,
      timeMs: settlement.timeMs,
    };
    const order = createOrder(
      line,
      {
        ...blank(line, account, { ...orderBehind(execution) }),
        agent: agentId(holding.holder),
        credential: 'broker',
        symbol: instrumentOf(line, settlement.instrument).symbol,
        brokerClientId: executionId,
        origin: 'settlement',
        effect: 'reducing',
        reason: printable(settlement.detail),
      },
      printable(settlement.detail),
    );
    const submitted = transition(line, order, { to: 'submitting', detail: 'settled by the broker' });
    fixDay(line, holding);
    postExecution(line, submitted, execution, feedOf(line, account).run());
    recordFill(line, submitted, execution);
  }
  writePnlDay(line, account);
}
