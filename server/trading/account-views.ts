/** Accounts and positions as they are shown, to agents and to the owner. */
import { absolute, type Price, perUnit, subtract, value } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerHealth } from '#ports.ts';
import { strictestOf, UNHALTED } from './facts.ts';
import { type Holding, unrealised } from './holdings.ts';
import { feedOf, instrumentOf, type Line } from './line.ts';
import { markOf } from './loss.ts';
import { within } from './outside.ts';
import { dayPnl } from './pnl.ts';
import type { AccountStatus, AccountView, ListedAccountView, PositionView } from './views.ts';

export async function accountView(line: Line, account: AccountId): Promise<Result<AccountView, Refusal>> {
  const adapter = line.adapters.get(account);
  if (adapter === undefined)
    return err(
      recordOf(line, account) === undefined
        ? refuse('not_found', `The account ${account} has been removed.`)
        : refuse('broker_unavailable', `${account} is not connected. ${NOT_OPENED}`),
    );
  const known = await lastWord(line, account);
  if (known === undefined)
    return err(refuse('broker_unavailable', `The broker of ${account} did not answer; try again.`));
  const { balance, atMs } = known;
  return ok({
    id: account,
    broker: adapter.broker,
    mode: adapter.mode,
    currency: balance.currency,
    cash: balance.cash,
    equity: balance.equity,
    buyingPower: balance.buyingPower,
    ageMs: Math.max(0, Math.round(line.clock.monotonicMs() - atMs)),
    dayPnl: dayPnl(line, account),
    tradingState: strictestOf(line, account, UNHALTED).state,
  });
}

/**
 * An account as its agent finds it in the list, also one that can not be opened or whose broker has never said anything: that it is
 * there, and why it can not be traded on. Undefined: it was removed.
 */
export async function listedAccount(line: Line, account: AccountId): Promise<ListedAccountView | undefined> {
  const [status] = accountStatus(line, account);
  const record = line.adapters.get(account) ?? recordOf(line, account);
  if (status === undefined || record === undefined) return undefined;
  const heard = await accountView(line, account);
  // It was asked meanwhile.
  const { connected, trouble } = accountStatus(line, account)[0] ?? status;
  if (heard.ok) return { ...heard.value, connected, trouble };
  const { broker, mode, currency } = record;
  const { state: tradingState } = strictestOf(line, account, UNHALTED);
  const unheard = { cash: null, equity: null, buyingPower: null, ageMs: null, dayPnl: null };
  return {
    id: account,
    broker,
    mode,
    currency,
    ...unheard,
    tradingState,
    connected,
    trouble: trouble ?? NEVER_HEARD,
  };
}

const NOT_OPENED = 'The gateway could not open this account; its owner is shown why.';
const SIGN_IN = 'Its owner has to sign in at the broker.';
const AWAY = 'Its broker is not connected; it is tried again by itself, and its owner is shown why.';
const NEVER_HEARD = 'Its broker has not said anything yet.';
const AMISS = 'Something is amiss at its broker; its owner is shown what.';

/** In words of ours: those of a broker are for the owner alone. */
function troubleOf({ connected, trouble, signInNeeded }: BrokerHealth): string | null {
  if (signInNeeded) return SIGN_IN;
  if (!connected) return AWAY;
  return trouble === null ? null : AMISS;
}

type AccountRow = Pick<AccountStatus, 'broker' | 'mode'> & { readonly currency: string };

const recordOf = (line: Line, account: AccountId): AccountRow | undefined =>
  line
    .prepare<[string], AccountRow>(
      'SELECT broker, mode, currency FROM accounts WHERE id = ? AND removed_at IS NULL',
    )
    .get(account);

/** What the broker says of its money now; where it does not answer, what it said last. */
async function lastWord(line: Line, account: AccountId) {
  const { balances } = line.memory;
  const adapter = line.adapters.get(account);
  try {
    const balance = adapter?.connected()
      ? await within(line, adapter.balance(), BROKER_CALL_TIMEOUT_MS)
      : undefined;
    if (balance !== undefined) balances.set(account, { balance, atMs: line.clock.monotonicMs() });
  } catch {
    // Its last word, then.
  }
  return balances.get(account);
}

export function accountStatus(line: Line, account: AccountId): readonly AccountStatus[] {
  const adapter = line.adapters.get(account);
  if (adapter === undefined) {
    const record = recordOf(line, account);
    if (record === undefined) return [];
    const { broker, mode } = record;
    const closed = {
      connected: false,
      tickAgeMs: null,
      reconciledAtMs: null,
      signInNeeded: false,
      products: [],
    };
    return [{ id: account, broker, mode, ...closed, trouble: NOT_OPENED }];
  }
  const health = { ...adapter.health(), connected: adapter.connected() };
  return [
    {
      id: account,
      broker: adapter.broker,
      mode: adapter.mode,
      connected: health.connected,
      tickAgeMs: tickAge(line, account),
      reconciledAtMs: line.memory.reconciled.get(account) ?? null,
      trouble: troubleOf(health),
      signInNeeded: health.signInNeeded,
      products: adapter.capabilities.products,
    },
  ];
}

/** Since its feed last quoted anything. */
function tickAge(line: Line, account: AccountId): number | null {
  const feed = feedOf(line, account);
  const last = Math.max(...feed.instruments().map(({ id }) => feed.quote(id)?.publishedMs ?? -Infinity));
  return Number.isFinite(last) ? Math.max(0, line.clock.wallMs() - last) : null;
}

/** A position with what `of` owns in it and protects it with. */
export function positionView(
  line: Line,
  { holding, own, of }: { readonly holding: Holding; readonly own: Holding; readonly of: AgentId },
): PositionView {
  const instrument = instrumentOf(line, holding.instrument);
  const open = !holding.qty.eq('0');
  const mark: Price | null = open ? (markOf(line, holding) ?? holding.mark) : null;
  return {
    account: holding.account,
    symbol: instrument.symbol,
    qty: holding.qty,
    ownQty: own.qty,
    avgPrice: open ? perUnit(absolute(holding.cost), absolute(holding.qty), instrument.multiplier) : null,
    marketPrice: mark,
    marketValue: mark === null ? null : value(mark, holding.qty, instrument.multiplier),
    unrealisedPnl: mark === null ? null : unrealised(holding, mark, instrument.multiplier),
    realisedPnl: subtract(holding.realised, holding.fees),
    ...protection(line, of, holding.account, holding.instrument),
    openedAtMs: holding.openedAtMs,
    closedAtMs: open ? null : holding.closedAtMs,
  };
}

/** An agent's own working bracket legs there. */
function protection(
  line: Line,
  agent: AgentId,
  account: AccountId,
  instrument: InstrumentId,
): { readonly takeProfit: Price | null; readonly stopLoss: Price | null } {
  const legs = line.orders.reductionsOf({ agent, account, instrument });
  return {
    takeProfit: legs.find((leg) => leg.role === 'take_profit' && !leg.held)?.limitPrice ?? null,
    stopLoss: legs.find((leg) => leg.role === 'stop_loss' && !leg.held)?.stopPrice ?? null,
  };
}
