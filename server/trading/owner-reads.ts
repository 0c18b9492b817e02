/** Positions, accounts and profit as the owner sees them: of everybody, by holder. */
import { type AccountId, type AgentId, agentId, OWNER_HOLDER } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { accountStatus, accountView, positionView } from './account-views.ts';
import { strictestOf, UNHALTED } from './facts.ts';
import { ACCOUNT_HOLDER, type Holding } from './holdings.ts';
import { agentNameOf, instrumentOf, type Line } from './line.ts';
import type { EquityCurve, OwnerDesk, OwnerPosition, OwnerPositionFilter } from './owner-desk.ts';
import { holderNamed } from './owner-orders.ts';
import { dayPnl, pnlDays, totalsOf } from './pnl.ts';
import { mandateView } from './reads.ts';
import type { PositionView } from './views.ts';

type Looks = Pick<
  OwnerDesk,
  'tradingState' | 'positions' | 'accountPositions' | 'accounts' | 'pnl' | 'mandateOf' | 'statuses'
>;

export function ownerReads(line: Line): Looks {
  return {
    tradingState: () => strictestOf(line, undefined, UNHALTED),
    positions: (filter) => positionsOf(line, filter),
    accountPositions: (filter) =>
      line.holdings
        .byHolder(ACCOUNT_HOLDER, filter.account)
        .filter((holding) => fits(line, holding, filter))
        .map((holding) => accountPosition(line, holding)),
    async accounts() {
      const views = await Promise.all([...line.adapters.keys()].map((account) => accountView(line, account)));
      return ok(views.flatMap((view) => (view.ok ? [view.value] : [])));
    },
    pnl: (account, days) => equityCurve(line, account, days),
    mandateOf(agentName) {
      const agent = line.access.agents.byName(agentName);
      return agent && mandateView(line, { agent: agent.id, agentName });
    },
    statuses: () => [...line.adapters.keys()].flatMap((account) => accountStatus(line, account)),
  };
}

function positionsOf(line: Line, filter: OwnerPositionFilter): readonly OwnerPosition[] {
  const holder = holderNamed(line, filter.agent);
  if (holder === 'nobody') return [];
  const holdings =
    holder === undefined
      ? line.holdings.ofEverybody(filter.account)
      : line.holdings.byHolder(holder, filter.account);
  return holdings
    .filter((holding) => fits(line, holding, filter))
    .map((holding) => ownerPosition(line, holding));
}

function fits(
  line: Line,
  holding: Holding,
  { symbol, status }: Pick<OwnerPositionFilter, 'symbol' | 'status'>,
): boolean {
  const open = !holding.qty.eq('0');
  if ((status === 'open' && !open) || (status === 'closed' && open)) return false;
  return symbol === undefined || instrumentOf(line, holding.instrument).symbol === symbol;
}

function ownerPosition(line: Line, holding: Holding): OwnerPosition {
  const holder: AgentId = agentId(holding.holder);
  return {
    ...positionView(line, { holding, own: holding, of: holder }),
    holder,
    holderName: agentNameOf(line, holder),
    accountQty: line.holdings.of(ACCOUNT_HOLDER, holding.account, holding.instrument).qty,
  };
}

function accountPosition(line: Line, holding: Holding): PositionView {
  const own = line.holdings.of(OWNER_HOLDER, holding.account, holding.instrument);
  return positionView(line, { holding, own, of: OWNER_HOLDER });
}

function equityCurve(line: Line, account: AccountId, days: number): EquityCurve {
  const seen = pnlDays(line, account, days);
  const today = seen.list.at(-1);
  if (today === undefined) throw new Error('a history has today');
  return {
    days: seen.list,
    totals: totalsOf(line, seen),
    now: {
      atMs: line.wallMs(),
      equity: today.equity,
      unrealised: today.unrealised,
      drawdown: today.drawdown,
      dayPnl: dayPnl(line, account),
    },
  };
}
