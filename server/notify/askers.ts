/** Approvals that one agent asks for: so many messages an hour, then one that says so, and none of another agent's is lost. */
import { NOTIFY_APPROVALS_PER_HOUR_MAX, RECENT_ASKERS_MAX } from '#limits.ts';
import type { Draft, Outbox } from './outbox.ts';
import { agentPage } from './tale.ts';

const HOUR_MS = 3_600_000;

export interface Askers {
  /** Inside a transaction. */
  tell(draft: Draft, agent: string, nowMs: number): void;
}

/** Counted in memory: what a restart forgets, the bound of the destination still holds. */
export function openAskers(outbox: Outbox): Askers {
  const told = new Map<string, readonly number[]>();
  return {
    tell(draft, agent, nowMs) {
      const recent = (told.get(agent) ?? []).filter((at) => nowMs - at < HOUR_MS);
      // Moved to the end: whoever has been quiet longest falls out first.
      told.delete(agent);
      told.set(agent, recent.length > NOTIFY_APPROVALS_PER_HOUR_MAX ? recent : [...recent, nowMs]);
      if (told.size > RECENT_ASKERS_MAX) told.delete(told.keys().next().value ?? '');
      if (recent.length < NOTIFY_APPROVALS_PER_HOUR_MAX) outbox.tell(draft);
      else if (recent.length === NOTIFY_APPROVALS_PER_HOUR_MAX)
        outbox.tell({
          kind: 'approval',
          subject: null,
          title: `${agent} asks too often: its next orders wait without a message`,
          body: [
            `It asked for your approval ${NOTIFY_APPROVALS_PER_HOUR_MAX} times within an hour. What it asks for now waits in the console, and you are told of it again when there is less; halt the agent if that is not what you want.`,
          ],
          path: agentPage(agent),
        });
    },
  };
}
