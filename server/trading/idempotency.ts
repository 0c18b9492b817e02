/** Idempotency keys, per agent and tool, kept as long as the order: the same key and arguments never act twice. */
import type { AgentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';

export interface BoundKey {
  readonly digest: string;
  /** The order it made or acted on. */
  readonly orderId: string | null;
  /** JSON of the outcome when an order does not tell it (a refusal, a list of cancels). */
  readonly outcome: string | null;
}

export interface IdempotencyTable {
  find(agent: AgentId, tool: string, key: string): BoundKey | undefined;
  /** Inside a transaction; throws when the key is bound already (look first). */
  bind(agent: AgentId, tool: string, key: string, bound: BoundKey & { readonly atMs: number }): void;
  /** Names the order that a bound key has made, in the transaction that makes it. */
  attach(agent: AgentId, tool: string, key: string, orderId: string): void;
  /** Fills in the outcome of a key that was bound before its effect was known. */
  settle(agent: AgentId, tool: string, key: string, outcome: string): void;
  /** Frees a key that has neither an outcome nor an order: whatever it was bound for has not happened. */
  release(agent: AgentId, tool: string, key: string): void;
}

export function idempotencyTable({ db }: Store): IdempotencyTable {
  const find = db.prepare<
    [string, string, string],
    { digest: string; order_id: string | null; outcome: string | null }
  >('SELECT digest, order_id, outcome FROM idempotency WHERE agent_id = ? AND tool = ? AND key = ?');
  const bind = db.prepare(
    'INSERT INTO idempotency (agent_id, tool, key, digest, order_id, outcome, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const attach = db.prepare(
    'UPDATE idempotency SET order_id = ? WHERE agent_id = ? AND tool = ? AND key = ?',
  );
  const settle = db.prepare('UPDATE idempotency SET outcome = ? WHERE agent_id = ? AND tool = ? AND key = ?');
  const release = db.prepare(
    'DELETE FROM idempotency WHERE agent_id = ? AND tool = ? AND key = ? AND outcome IS NULL AND order_id IS NULL',
  );
  return {
    find(agent, tool, key) {
      const row = find.get(agent, tool, key);
      return row && { digest: row.digest, orderId: row.order_id, outcome: row.outcome };
    },
    bind: (agent, tool, key, bound) =>
      void bind.run(agent, tool, key, bound.digest, bound.orderId, bound.outcome, bound.atMs),
    attach: (agent, tool, key, orderId) => void attach.run(orderId, agent, tool, key),
    release: (agent, tool, key) => void release.run(agent, tool, key),
    settle: (agent, tool, key, outcome) => void settle.run(outcome, agent, tool, key),
  };
}
