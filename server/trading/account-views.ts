/** Accounts and positions as they are shown, to agents and to the owner. */
import { absolute, type Price, perUnit, subtract, value } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import { strictestOf, UNHALTED } from './facts.ts';
import { type Holding, unrealised } from './holdings.ts';
import { feedOf, instrumentOf, type Line } from './line.ts';
import { markOf } from './loss.ts';
import { within } from './outside.ts';
import { dayPnl } from './pnl.ts';
import type { AccountStatus, AccountView, PositionView } from './views.ts';

export async function accountView(line: Line, account: AccountId): Promise<Result<AccountView, Refusal>> {
  const adapter = line.adapters.get(account);
  if (adapter === undefined) return err(refuse('not_found', `The account ${account} has been removed.`));
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
  if (adapter === undefined) return [];
  const health = adapter.health();
  return [
    {
      id: account,
      broker: adapter.broker,
      mode: adapter.mode,
      connected: adapter.connected(),
      tickAgeMs: tickAge(line, account),
      reconciledAtMs: line.memory.reconciled.get(account) ?? null,
      trouble: health.trouble,
      signInNeeded: health.signInNeeded,
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
