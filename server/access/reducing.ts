/** Why an agent may only reduce: a loss until the day is over, a mandate that ended until there is a new one, too many repeats until the owner lifts it. */
import type { AuditLog } from '#audit/log.ts';
import type { AgentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import type { SteadyWall } from './wall.ts';

/** What an agent did too often, refused or sent (RTS 6, Art. 15). */
export const REPEAT_REASONS = ['repeated_refusals', 'repeated_executions'] as const;
export const REDUCING_REASONS = [
  'mandate_revoked',
  'mandate_expired',
  'daily_loss',
  ...REPEAT_REASONS,
] as const;
/** What the owner's lift ends. */
export const LIFTED_REASONS = ['daily_loss', ...REPEAT_REASONS] as const;
export type RepeatReason = (typeof REPEAT_REASONS)[number];
export type ReducingReason = (typeof REDUCING_REASONS)[number];

export interface ReducingRow {
  readonly reason: ReducingReason;
  /** The mandate day of a daily loss. */
  readonly day: string | null;
}

export interface Reducing {
  /** Inside a transaction, audited; true when the agent was not reducing for this reason (and day) already. */
  set(id: AgentId, reason: ReducingReason, day: string | null): boolean;
  /** Ends the given reasons, inside a transaction, audited when there was one. */
  clear(id: AgentId, reasons: readonly ReducingReason[], why: string): void;
  of(id: AgentId): readonly ReducingRow[];
}

export function openReducing(o: {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
}): Reducing {
  const { store, audit, wall } = o;
  const select = store.db.prepare('SELECT reason, day FROM agent_reducing WHERE agent_id = ?');
  const upsert = store.db.prepare(
    `INSERT INTO agent_reducing (agent_id, reason, day, since) VALUES (?, ?, ?, ?)
     ON CONFLICT (agent_id, reason) DO UPDATE SET day = excluded.day, since = excluded.since`,
  );
  const remove = store.db.prepare('DELETE FROM agent_reducing WHERE agent_id = ? AND reason = ?');
  const nameOf = store.db.prepare('SELECT name FROM agents WHERE id = ?').pluck();

  const of = (id: AgentId): readonly ReducingRow[] => select.all(id) as readonly ReducingRow[];
  function demandTransaction(): void {
    if (!store.inTransaction()) throw new Error('trading states change only inside a transaction');
  }
  return {
    of,
    set(id, reason, day) {
      demandTransaction();
      if (of(id).some((row) => row.reason === reason && row.day === day)) return false;
      upsert.run(id, reason, day, wall());
      audit.record({
        kind: 'agent.reducing',
        agent: String(nameOf.get(id)),
        outcome: 'ok',
        detail: { reason, day, after: 'REDUCING' },
      });
      return true;
    },
    clear(id, reasons, why) {
      demandTransaction();
      for (const { reason, day } of of(id)) {
        if (!reasons.includes(reason)) continue;
        remove.run(id, reason);
        audit.record({
          kind: 'agent.reducing_ended',
          agent: String(nameOf.get(id)),
          outcome: 'ok',
          detail: { reason, day, before: 'REDUCING', why },
        });
      }
    },
  };
}
