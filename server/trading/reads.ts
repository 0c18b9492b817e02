/** What may be seen: an agent's own orders and trades, the accounts it was given, its mandate and what is left of it. */
import { absolute, type Money, max, subtract, sum, value, ZERO_MONEY } from '#domain/decimal.ts';
import type { AccountId, Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { readAccountRisk } from './account-limits.ts';
import { accountStatus, accountView, listedAccount, positionView } from './account-views.ts';
import { expiresAt } from './approval-card.ts';
import { waitingOf } from './approval-ending.ts';
import type { Desk, OrderFilter, Page } from './desk.ts';
import { envelopeOf } from './envelope.ts';
import { strictestOf } from './facts.ts';
import { holdingsIn } from './holding-views.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { instrumentOf, type Line } from './line.ts';
import { lossToday, markOf } from './loss.ts';
import { ownOrder } from './modify.ts';
import { pnlHistory } from './pnl.ts';
import { previewForReader } from './preview-read.ts';
import { accountFigures } from './risk-account.ts';
import { type ExecutionRow, tradeOf } from './trade-rows.ts';
import type {
  HoldingView,
  MandateUse,
  MandateView,
  OrderRecord,
  PositionView,
  TradeRecord,
} from './views.ts';

type Reads = Pick<
  Desk,
  | 'listAccounts'
  | 'account'
  | 'positions'
  | 'holdings'
  | 'previewOrder'
  | 'orders'
  | 'order'
  | 'trades'
  | 'pnlHistory'
  | 'mandate'
  | 'status'
>;

export function reads(line: Line): Reads {
  return {
    async listAccounts(who) {
      const own = line.access.agents.accountsOf(who.agent);
      const listed = await Promise.all(own.map((account) => listedAccount(line, account)));
      return ok(listed.filter((account) => account !== undefined));
    },
    async account(who, account) {
      const accounts = readable(line, who, account);
      return accounts.ok ? accountView(line, account) : accounts;
    },
    async positions(who, filter) {
      const accounts = readable(line, who, filter.account);
      return accounts.ok
        ? ok(accounts.value.flatMap((account) => positionsOf(line, who, account, filter)))
        : accounts;
    },
    async holdings(who, { account, symbol }) {
      const accounts = readable(line, who, account);
      if (!accounts.ok) return accounts;
      const views: HoldingView[] = [];
      for (const one of accounts.value) {
        const found = await holdingsIn(line, one, symbol);
        if (!found.ok) return found;
        views.push(...found.value);
      }
      return ok(views);
    },
    previewOrder: (who, draft) => previewForReader(line, who, draft),
    async orders(who, filter) {
      const accounts = readable(line, who, filter.account);
      if (!accounts.ok) return accounts;
      const rows = line.orders.page(who.agent, { ...filter, limit: filter.limit + 1 });
      return ok(paged<OrderRecord>(rows, filter.limit));
    },
    async order(who, orderId) {
      const found = ownOrder(line, who, orderId);
      if (!found.ok) return found;
      const story = { order: found.value, timeline: line.orders.timeline(orderId) };
      if (found.value.status !== 'pending_approval') return ok(story);
      const { approval } = waitingOf(line, orderId) ?? {};
      return ok(
        approval === undefined
          ? story
          : { ...story, approval: { expiresAtMs: expiresAt(line, approval), note: approval.note } },
      );
    },
    async trades(who, filter) {
      const accounts = readable(line, who, filter.account);
      return accounts.ok ? ok(paged(tradesOf(line, who, filter), filter.limit)) : accounts;
    },
    async pnlHistory(who, { account, days }) {
      const accounts = readable(line, who, account);
      return accounts.ok ? ok(pnlHistory(line, account, days)) : accounts;
    },
    async mandate(who) {
      return ok(mandateView(line, who));
    },
    status: (who) => ({
      tradingState: strictestOf(line, undefined, line.access.agents.stateOf(who.agent)).state,
      accounts: line.access.agents.accountsOf(who.agent).flatMap((account) => accountStatus(line, account)),
    }),
  };
}

/** The accounts that a caller may read, or the one it names. */
function readable(
  line: Line,
  who: Principal,
  account: AccountId | undefined,
): Result<readonly AccountId[], Refusal> {
  const own = line.access.agents.accountsOf(who.agent);
  if (account === undefined) return ok(own);
  if (own.includes(account)) return ok([account]);
  return err(
    refuse('account_not_allowed', `The account ${account} is not yours.`, { did_you_mean: [...own] }),
  );
}

export function paged<T extends { readonly seq: number }>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  return { items, nextBeforeSeq: rows.length > limit ? (items.at(-1)?.seq ?? null) : null };
}

function positionsOf(
  line: Line,
  who: Principal,
  account: AccountId,
  filter: { readonly symbol?: string; readonly status: 'open' | 'closed' | 'all' },
): readonly PositionView[] {
  return line.holdings.byHolder(ACCOUNT_HOLDER, account).flatMap((holding) => {
    const instrument = instrumentOf(line, holding.instrument);
    const open = !holding.qty.eq('0');
    if (filter.symbol !== undefined && filter.symbol !== instrument.symbol) return [];
    if ((filter.status === 'open' && !open) || (filter.status === 'closed' && open)) return [];
    const own = line.holdings.of(who.agent, account, holding.instrument);
    return [positionView(line, { holding, own, of: who.agent })];
  });
}

function tradesOf(
  line: Line,
  who: Principal,
  filter: Omit<OrderFilter, 'status'> & { readonly orderId?: string },
): readonly TradeRecord[] {
  return line
    .prepare<[Record<string, string | number | null>], ExecutionRow>(
      `SELECT * FROM executions WHERE agent_id = @agent
         AND (@account IS NULL OR account_id = @account)
         AND (@symbol IS NULL OR symbol = @symbol)
         AND (@order IS NULL OR order_id = @order)
         AND (@since IS NULL OR posted_at >= @since)
         AND (@before IS NULL OR seq < @before)
       ORDER BY seq DESC LIMIT @limit`,
    )
    .all({
      agent: who.agent,
      account: filter.account ?? null,
      symbol: filter.symbol ?? null,
      order: filter.orderId ?? null,
      since: filter.sinceMs ?? null,
      before: filter.beforeSeq ?? null,
      limit: filter.limit + 1,
    })
    .map(tradeOf);
}

export function mandateView(line: Line, who: Pick<Principal, 'agent' | 'agentName'>): MandateView {
  const state = strictestOf(line, undefined, line.access.agents.stateOf(who.agent));
  const mandate = line.access.mandates.current(who.agent);
  const accounts = line.access.agents.accountsOf(who.agent);
  const view = {
    agent: who.agentName,
    accounts,
    accountLimits: accounts.flatMap((account) => limitsOf(line, account)),
    tradingState: state.state,
    stateReason: state.reason,
  };
  if (mandate === undefined) return { ...view, mandate: null, used: [], left: [] };
  const all = envelopeOf(line, who.agent, { mandate }).map((account) => useOf(line, who, account));
  const used = all.filter(({ account }) => mandate.accounts.has(account));
  // The owner's tests of it are nothing to plan by.
  const { tests: _tests, ...document } = mandate.document;
  // The accounts share one envelope: what is used in one is left in none.
  const total = (of: (use: MandateUse) => Money): Money => sum(ZERO_MONEY, all.map(of));
  const count = (of: (use: MandateUse) => number): number => all.reduce((so, use) => so + of(use), 0);
  const left = used.map(
    (use): MandateUse => ({
      account: use.account,
      dailyValue: leftOf(
        mandate.maxDailyValue,
        total((one) => one.dailyValue),
      ),
      dailyOrders: Math.max(0, document.max_daily_orders - count((one) => one.dailyOrders)),
      dailyLoss: leftOf(mandate.maxDailyLoss, use.dailyLoss),
      openOrders: Math.max(0, document.max_open_orders - count((one) => one.openOrders)),
      grossExposure: leftOf(
        mandate.maxGrossExposure,
        total((one) => one.grossExposure),
      ),
    }),
  );
  return { ...view, mandate: { ...document, version: mandate.version }, used, left };
}

/** No order is asked for: each limit is told as it stands. */
function limitsOf(line: Line, account: AccountId): MandateView['accountLimits'] {
  const adapter = line.adapters.get(account);
  if (adapter === undefined) return [];
  const risk = readAccountRisk(line, account, {});
  const figures = accountFigures({ ...risk, opensPosition: false, accountCurrency: adapter.currency });
  return figures.map((figure) => ({ account, ...figure }));
}

const leftOf = (limit: Money, used: Money): Money => max(subtract(limit, used), ZERO_MONEY);

function useOf(line: Line, who: Pick<Principal, 'agent'>, account: AccountId): MandateUse {
  const wallMs = line.wallMs();
  const usage = line.usage.of(who.agent, account, line.access.mandateDay(wallMs));
  const reserved = line.usage.reserved(who.agent, account);
  let exposure = reserved.value;
  for (const holding of line.holdings.byHolder(who.agent, account)) {
    if (holding.qty.eq('0')) continue;
    const { multiplier } = instrumentOf(line, holding.instrument);
    const mark = markOf(line, holding) ?? holding.mark;
    if (mark !== null) exposure = exposure.plus(value(mark, absolute(holding.qty), multiplier)) as Money;
  }
  return {
    account,
    dailyValue: usage.valueUsed.plus(reserved.value) as Money,
    // What waits for the owner keeps its place of the day.
    dailyOrders:
      usage.orders +
      line.orders.working({ agent: who.agent, account }).filter(({ status }) => status === 'pending_approval')
        .length,
    dailyLoss: lossToday(line, who.agent, wallMs),
    openOrders: reserved.openOrders,
    grossExposure: exposure,
  };
}
