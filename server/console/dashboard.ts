/** The dashboard: what the accounts are worth, what is held, what waits for the owner, and what was done today. */
import { text } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { CONSOLE_ACTS_MAX, CONSOLE_REFUSALS_MAX, CONSOLE_ROWS_MAX } from '#limits.ts';
import { zoneClock, zoneMoment } from '#market/calendar-time.ts';
import type { EquityCurve } from '#trading/owner-desk.ts';
import { trippedWords } from './account-views.ts';
import { auditRow } from './audit-rows.ts';
import { definePage, type OwnerVisit } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { shownMoney } from './figures.ts';
import { address } from './order-filter.ts';
import { orderRow } from './order-rows.ts';
import { positionDecimals, positionRow, sortedPositions } from './position-rows.ts';
import { type Waits, waitsFor } from './waiting.ts';

const SPANS = [30, 90, 365] as const;

export const dashboard = definePage({
  path: '',
  title: 'Dashboard',
  view: 'dashboard.html',
  nav: { label: 'Dashboard', group: 'trade' },
  live: ['state', 'orders', 'positions', 'quotes', 'agents', 'accounts', 'remote'],
  scripts: ['language.js', 'uPlot.iife.min.js', 'equity-chart.js'],
  async load(visit) {
    const { services } = visit;
    const { owner } = services.trading;
    const positions = sortedPositions(owner.positions({ status: 'open' }), 'value', false);
    const rows = positions.slice(0, CONSOLE_ROWS_MAX).map((one) => positionRow(services, one));
    const acts = ordersToday(services);
    const { count, items } = waitsFor(services);
    return ok({
      accounts: await accountFigures(services),
      curve: curveOf(visit),
      positions: rows,
      positions_more: positions.length - rows.length,
      decimals: positionDecimals(rows),
      waiting: items.map((item) => waitingWire(services, item)),
      waiting_more: count - items.length,
      acts,
      remote: remoteLine(services),
      refusals: refusedToday(services),
      next_step: nextStep(services, acts.length > 0 || rows.length > 0),
    });
  },
});

async function accountFigures(services: ConsoleServices) {
  const { owner } = services.trading;
  const answered = await owner.accounts();
  const views = answered.ok ? answered.value : [];
  return services.accounts.standings().map(({ id, mode, problem, trouble }) => {
    const view = views.find((one) => one.id === id);
    return {
      id,
      mode,
      why: problem ?? trouble,
      figures: view && {
        currency: view.currency,
        equity: shownMoney(view.equity),
        cash: shownMoney(view.cash),
        buying_power: shownMoney(view.buyingPower),
        day_pnl: shownMoney(view.dayPnl),
        trading_state: view.tradingState,
      },
    };
  });
}

/** Of one account: the one that the address names, else the first. */
function curveOf({ services, query }: OwnerVisit) {
  const { owner } = services.trading;
  const ids = owner.statuses().map(({ id }) => id);
  const account = ids.find((id) => id === query['account']) ?? ids[0];
  if (account === undefined) return null;
  const days = SPANS.find((span) => String(span) === query['days']) ?? SPANS[0];
  const curve = owner.pnl(accountId(account), days);
  const at = (changes: Readonly<Record<string, string>>): string =>
    address('/admin', { account, days: String(days), ...changes });
  return {
    account,
    days,
    spans: SPANS.map((span) => ({ days: span, href: at({ days: String(span) }), here: span === days })),
    accounts: ids.map((id) => ({ id, href: at({ account: id }), here: id === account })),
    points: pointsOf(curve),
    rows: [...curve.days]
      .reverse()
      .slice(0, SPANS[0])
      .map((day) => ({
        date: day.date,
        equity: shownMoney(day.equity),
        drawdown: shownMoney(day.drawdown),
        realised: shownMoney(day.realised),
      })),
    now: {
      equity: shownMoney(curve.now.equity),
      drawdown: shownMoney(curve.now.drawdown),
      day_pnl: shownMoney(curve.now.dayPnl),
      unrealised: shownMoney(curve.now.unrealised),
    },
    return_pct: curve.totals.returnPct,
    max_drawdown_pct: curve.totals.maxDrawdownPct,
  };
}

/** For the chart: columns of equal length, days as dates, amounts as decimal strings. */
const pointsOf = ({ days }: EquityCurve) => ({
  dates: days.map(({ date }) => date),
  equity: days.map(({ equity }) => text(equity)),
  drawdown: days.map(({ drawdown }) => text(drawdown)),
});

/** null: nobody remote is served, and nobody was. */
function remoteLine({ remote }: ConsoleServices) {
  const { on, publicUrl } = remote.state();
  const approved = remote.clients.list().filter(({ state }) => state === 'approved');
  if (!on && approved.length === 0) return null;
  const used = approved.map(({ lastUsedAtMs }) => lastUsedAtMs ?? 0);
  return {
    on,
    url: publicUrl,
    clients: approved.length,
    connected: approved.filter(({ liveGrants }) => liveGrants > 0).length,
    last_used_ms: Math.max(0, ...used) || null,
  };
}

/** Midnight where the owner is. */
function dayBegan({ preferences, clock }: ConsoleServices): number {
  const { timezone } = preferences.read();
  return zoneMoment(timezone, zoneClock(timezone, clock.wallMs()).day, 0);
}

function ordersToday(services: ConsoleServices) {
  const { items } = services.trading.owner.orders({ sinceMs: dayBegan(services), limit: CONSOLE_ACTS_MAX });
  return items.map((order) => orderRow(services, order));
}

/** What agents asked for and were not given, whether an order came of it or not. */
function refusedToday(services: ConsoleServices) {
  const asked = { kind: 'tool.call', outcome: 'refused', sinceMs: dayBegan(services) } as const;
  return services.audit.search(asked, CONSOLE_REFUSALS_MAX).lines.map(auditRow);
}

/** Each kind has its words in the template. */
function waitingWire(services: ConsoleServices, item: Waits) {
  const nothing = { agent: null, account: null, symbol: null, order_id: null, at_ms: null, words: null };
  switch (item.kind) {
    case 'approval': {
      const { kind, approvalId, orderId, agentName, account, expiresAtMs } = item;
      const found = services.trading.owner.order(orderId);
      const order = found.ok ? orderRow(services, found.value.order) : null;
      return {
        ...nothing,
        kind,
        approval_id: approvalId,
        order,
        agent: agentName,
        account,
        at_ms: expiresAtMs,
      };
    }
    case 'order_unknown': {
      const { kind, orderId, agentName, account, symbol, sinceMs } = item;
      return { ...nothing, kind, order_id: orderId, agent: agentName, account, symbol, at_ms: sinceMs };
    }
    case 'agent_halted':
      return { ...nothing, kind: item.kind, agent: item.agentName, words: item.reason, at_ms: item.sinceMs };
    case 'agent_reducing':
      return { ...nothing, kind: item.kind, agent: item.agentName, words: item.reason };
    case 'account_reducing': {
      const { kind, account, sinceMs } = item;
      return { ...nothing, kind, account, at_ms: sinceMs, words: trippedWords(item) };
    }
    case 'mandate_expired':
    case 'mandate_ending':
      return { ...nothing, kind: item.kind, agent: item.agentName, at_ms: item.atMs };
    case 'account_disconnected':
    case 'account_not_compared':
      return { ...nothing, kind: item.kind, account: item.account, at_ms: item.sinceMs };
    case 'audit_trouble':
      return { ...nothing, kind: item.kind, words: item.detail };
    case 'clients_pending':
      return { ...nothing, kind: item.kind, words: String(item.clients) };
    case 'sign_in_needed':
    case 'not_connected':
      return { ...nothing, kind: item.kind, account: item.account, words: item.text };
  }
}

/** What a gateway that has not traded yet needs: an agent that may act, then its first order. */
function nextStep({ access, trading }: ConsoleServices, hasTraded: boolean): 'connect' | 'order' | null {
  if (hasTraded || trading.owner.orders({ limit: 1 }).items.length > 0) return null;
  const hasKey = access.keys.list().some((key) => key.revokedAtMs === null);
  return hasKey ? 'order' : 'connect';
}
