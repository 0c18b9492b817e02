/** The trading state an agent is in: the strictest of the gateway's, its own halt, its mandate's end, today's loss and its throttle. */
import type { AgentId, TradingState } from '#domain/principal.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import type { Agents } from './agents.ts';
import type { Authority } from './authority.ts';
import type { Mandates } from './mandates.ts';
import { REPEAT_REASONS, type Reducing, type ReducingReason } from './reducing.ts';
import type { OwnerCalendar } from './trading-hours.ts';
import type { SteadyWall } from './wall.ts';

export interface AgentState {
  readonly state: TradingState;
  /** Why it is not ACTIVE; for REDUCING one of ReducingReason. */
  readonly reason: string | null;
}

interface StateOptions {
  readonly store: Store;
  readonly wall: SteadyWall;
  readonly calendar: OwnerCalendar;
  readonly authority: Authority;
  readonly agents: Agents;
  readonly reducing: Reducing;
  readonly mandates: Mandates;
  /** Called after the commit that puts an expiry on the record. */
  readonly changed: (agent: AgentId) => void;
}

/**
 * Reads, and derives what time alone brings about: an expiry counts from its second and a loss ends with its day, whether or not
 * anybody has noticed. The first look at an expired mandate puts it on the record.
 */
export function agentStates(o: StateOptions): { stateOf(id: AgentId): AgentState } {
  function noticeExpiry(id: AgentId): void {
    const record = (): void =>
      o.store.transaction(() => {
        if (o.reducing.set(id, 'mandate_expired', null)) o.store.afterCommit(() => o.changed(id));
      });
    if (o.store.inTransaction()) return record();
    try {
      record();
    } catch (fault) {
      // The answer stands without the row, and the next look records it.
      if (!(fault instanceof StoreUnavailable)) throw fault;
    }
  }
  function reducingReason(id: AgentId): ReducingReason | undefined {
    const mandate = o.mandates.current(id);
    if (mandate && mandate.revokedAtMs !== null) return 'mandate_revoked';
    const rows = o.reducing.of(id);
    if (mandate && mandate.expiresAtMs !== null && o.wall.hasPassed(mandate.expiresAtMs)) {
      if (!rows.some((row) => row.reason === 'mandate_expired')) noticeExpiry(id);
      return 'mandate_expired';
    }
    const today = o.calendar.mandateDay(o.wall());
    if (rows.some((row) => row.reason === 'daily_loss' && row.day !== null && row.day >= today))
      return 'daily_loss';
    return REPEAT_REASONS.find((reason) => rows.some((row) => row.reason === reason));
  }
  return {
    stateOf(id) {
      const gateway = o.authority.gatewayState();
      const gatewayReason = o.authority.gatewayReason() ?? 'the gateway';
      if (gateway === 'HALTED') return { state: 'HALTED', reason: gatewayReason };
      const agent = o.agents.byId(id);
      // Nobody knows it: what can not be looked up is closed.
      if (!agent) return { state: 'HALTED', reason: 'no such agent' };
      if (agent.halted) {
        const who = agent.halted.by === 'owner' ? 'the owner' : 'the agent itself';
        return { state: 'HALTED', reason: `by ${who} (${agent.halted.reason})` };
      }
      const reason = reducingReason(id);
      if (reason !== undefined) return { state: 'REDUCING', reason };
      return gateway === 'REDUCING'
        ? { state: 'REDUCING', reason: gatewayReason }
        : { state: 'ACTIVE', reason: null };
    },
  };
}
