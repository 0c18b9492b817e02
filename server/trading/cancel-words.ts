/** Why orders are canceled, in words: what an agent or the owner asks for, and the gateway's own causes, which an order ends by. */
import type { AgentState } from '#access/agent-state.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';

/** Somebody's own word. Every other cause is the gateway's. */
export const ASKED = {
  byAgent: 'cancel asked by the agent',
  allByAgent: 'cancel of all asked by the agent',
  byOwner: 'cancel asked by the owner',
} as const;

const asked: ReadonlySet<string> = new Set(Object.values(ASKED));

/** The gateway's cause as the reason of an order; null: somebody asked, and the broker's word on it stands. */
export const causeOf = (why: string): string | null =>
  asked.has(why) ? null : why.replace(/^canceled: /, '');

/** Why an agent that may not add has its adding orders taken back. */
export function whyTakenBack({ state, reason }: AgentState): string {
  switch (reason) {
    case 'mandate_revoked':
      return 'canceled: the owner revoked the mandate';
    case 'mandate_expired':
      return 'canceled: the mandate ended';
    case 'daily_loss':
      return 'canceled: the agent reached its limit of the day’s loss';
    case 'repeated_refusals':
      return 'canceled: the agent’s orders were refused again and again';
    case 'repeated_executions':
      return 'canceled: the agent sent more orders than may be sent at a time';
    case null:
      return `canceled: the agent is ${state}`;
    default:
      return `canceled: the agent is ${state}, ${reason}`;
  }
}

/** Of the cancel that is under way; null: there is none, or somebody asked for it. Fills come in between. */
export function causeOfCancel(line: Line, { orderId }: StoredOrder): string | null {
  const story = line.orders.timeline(orderId).filter(({ status }) => status !== 'unknown');
  const began = story[story.findLastIndex(({ status }) => status !== 'pending_cancel') + 1];
  return began === undefined ? null : causeOf(began.detail);
}
