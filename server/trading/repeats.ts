/** Control 14, the throttle of repeats (RTS 6, Art. 15): an agent that is refused or sends too often may only reduce, until the owner lifts it. */
import { type Rate, rateWindowMs } from '#access/rate.ts';
import type { RepeatReason } from '#access/reducing.ts';
import { type AgentId, OWNER_HOLDER } from '#domain/principal.ts';
import type { Refusal, RefusalReason } from '#domain/refusal.ts';
import { agentNameOf, type Line, type ThrottleLimits } from './line.ts';
import type { OrderRow } from './order-rows.ts';

/** How often something happened within its window, and how often it may. */
export interface Repeated {
  readonly used: number;
  readonly rate: Rate;
}

type What = keyof ThrottleLimits;
const REASON: { readonly [of in What]: RepeatReason } = {
  refusals: 'repeated_refusals',
  executions: 'repeated_executions',
};
/** Why control 14 refuses; in the figures of its refusal. */
const REPEATED_EXECUTIONS: RepeatReason = REASON.executions;

/**
 * What the agent could not have known of its own orders and mandate counts against nobody: a state or a limit that was reached, what
 * a human decided, and what others or the market bring about.
 */
const NOT_COUNTED: readonly string[] = [
  'trading_halted',
  'trading_reducing',
  'max_daily_loss',
  'max_drawdown',
  'max_positions',
  'approval_rejected',
  'approval_expired',
  'self_match',
  'throttled',
  'stale_price',
  'no_reference_price',
  'cannot_value',
  'market_closed',
  'reconciling',
  'broker_unavailable',
  'store_unavailable',
] satisfies readonly RefusalReason[];

/**
 * Adding orders and changes that the agent sent within the window; undefined: the owner's own, which nobody counts. Read with the
 * facts: what the orders of before a start tell is taken up here, before the one that is being decided is one of them.
 */
export function executionsOf(line: Line, agent: AgentId): Repeated | undefined {
  if (agent === OWNER_HOLDER) return undefined;
  timesOf(line, agent, 'refusals');
  return { used: timesOf(line, agent, 'executions').length, rate: line.throttle().executions };
}

/** An adding order of the agent's, or a change of one, was cleared. Inside the transaction. */
export function noteSent(line: Line, agent: AgentId): void {
  if (agent !== OWNER_HOLDER) note(line, agent, 'executions');
}

/**
 * The controls refused an order or a change of the agent's; the one too many stops it in the same transaction. A change leaves
 * no order behind, sent or refused, so that a restart forgets it, and nothing else.
 */
export function noteRefused(line: Line, agent: AgentId, { reason, limits }: Refusal): void {
  if (agent === OWNER_HOLDER) return;
  if (limits?.[0]?.limit === REPEATED_EXECUTIONS) return stop(line, agent, 'executions');
  if (NOT_COUNTED.includes(reason)) return;
  const refused = timesOf(line, agent, 'refusals').length + 1;
  note(line, agent, 'refusals');
  if (refused >= line.throttle().refusals.count) stop(line, agent, 'refusals');
}

function note(line: Line, agent: AgentId, what: What): void {
  const nowMs = line.clock.monotonicMs();
  line.store.afterCommit(() => timesOf(line, agent, what).push(nowMs));
}

const nameOf = (agent: AgentId, what: What): string => `${agent} ${what}`;

/** Those within the window now, oldest first; never more than one beyond the limit, because that one stops the agent. */
function timesOf(line: Line, agent: AgentId, what: What): number[] {
  const name = nameOf(agent, what);
  const times = line.memory.repeats.get(name) ?? restored(line, agent, what);
  line.memory.repeats.set(name, times);
  const sinceMs = line.clock.monotonicMs() - rateWindowMs(line.throttle()[what]);
  const first = times.findIndex((at) => at > sinceMs);
  times.splice(0, first === -1 ? times.length : first);
  return times;
}

/** What the orders of before the start tell, by the wall clock that never goes back. */
function restored(line: Line, agent: AgentId, what: What): number[] {
  const rate = line.throttle()[what];
  const wallMs = line.wallMs();
  const sinceMs = Math.max(wallMs - rateWindowMs(rate), Number(line.settings.get(STOPPED + agent) ?? 0));
  const newestFirst = line.prepare<[string], OrderRow>(
    'SELECT * FROM orders WHERE agent_id = ? ORDER BY seq DESC',
  );
  const times: number[] = [];
  for (const row of newestFirst.iterate(agent)) {
    if (row.created_at <= sinceMs || times.length >= rate.count) break;
    if (counts(row, what)) times.unshift(line.clock.monotonicMs() - (wallMs - row.created_at));
  }
  return times;
}

function counts({ status, reason, origin, role, effect }: OrderRow, what: What): boolean {
  if (origin !== 'agent' || role !== 'entry') return false;
  if (what === 'refusals') return status === 'refused' && reason !== null && !NOT_COUNTED.includes(reason);
  return effect === 'adding' && status !== 'refused' && status !== 'pending_approval';
}

const STOPPED = 'repeats_stopped:';

/** From here on it is counted anew, so that a lift is one, with an engine and without. */
function stop(line: Line, agent: AgentId, what: What): void {
  const { count, per } = line.throttle()[what];
  line.settings.set(STOPPED + agent, String(line.wallMs()));
  line.store.afterCommit(() => {
    for (const one of Object.keys(REASON)) line.memory.repeats.set(nameOf(agent, one as What), []);
  });
  if (!line.access.agents.setReducing(agent, REASON[what], null)) return;
  line.audit.record({
    kind: 'limit.breached',
    agent: agentNameOf(line, agent),
    outcome: 'ok',
    detail: { limit: REASON[what], used: String(count), max: String(count), per, after: 'REDUCING' },
  });
  line.store.afterCommit(() => {
    for (const listener of line.memory.onReducing) listener(agent);
  });
}
