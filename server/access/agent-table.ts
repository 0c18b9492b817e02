/** The tables `agents` and `agent_accounts`. */
import { type AccountId, type AgentId, accountId, agentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';

export interface AgentRecord {
  readonly id: AgentId;
  readonly name: string;
  readonly createdAtMs: number;
  /** What it may read, by account id. */
  readonly accounts: readonly AccountId[];
  readonly halted: { readonly by: 'agent' | 'owner'; readonly atMs: number; readonly reason: string } | null;
}

export interface AgentTable {
  byName(name: string): AgentRecord | undefined;
  byId(id: AgentId): AgentRecord | undefined;
  /** Throws when it is gone. */
  existing(id: AgentId): AgentRecord;
  list(): readonly AgentRecord[];
  names(): readonly string[];
  accountsOf(id: AgentId): readonly AccountId[];
  insert(agent: { readonly id: AgentId; readonly name: string; readonly createdAtMs: number }): void;
  setHalt(id: AgentId, halt: AgentRecord['halted']): void;
  grant(id: AgentId, account: AccountId): void;
}

interface AgentRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly halted_by: 'agent' | 'owner' | null;
  readonly halted_at: number | null;
  readonly halt_reason: string | null;
}

export function agentTable({ db }: Store): AgentTable {
  const byName = db.prepare('SELECT * FROM agents WHERE name = ?');
  const byId = db.prepare('SELECT * FROM agents WHERE id = ?');
  const all = db.prepare('SELECT * FROM agents ORDER BY name');
  const names = db.prepare('SELECT name FROM agents ORDER BY name').pluck();
  const insert = db.prepare('INSERT INTO agents (id, name, created_at) VALUES (?, ?, ?)');
  const halt = db.prepare('UPDATE agents SET halted_by = ?, halted_at = ?, halt_reason = ? WHERE id = ?');
  const accounts = db.prepare('SELECT account_id FROM agent_accounts WHERE agent_id = ?').pluck();
  const grant = db.prepare('INSERT OR IGNORE INTO agent_accounts (agent_id, account_id) VALUES (?, ?)');

  const accountsOf = (id: AgentId): readonly AccountId[] =>
    // Sorted here: SQLite plans a statement that sorts anew whenever a value is bound.
    (accounts.all(id) as string[]).sort().map(accountId);
  const recordOf = (row: AgentRow): AgentRecord => ({
    id: agentId(row.id),
    name: row.name,
    createdAtMs: row.created_at,
    accounts: accountsOf(agentId(row.id)),
    halted:
      row.halted_by === null
        ? null
        : { by: row.halted_by, atMs: row.halted_at ?? 0, reason: row.halt_reason ?? '' },
  });
  const optional = (row: unknown): AgentRecord | undefined =>
    row === undefined ? undefined : recordOf(row as AgentRow);
  return {
    byName: (name) => optional(byName.get(name)),
    byId: (id) => optional(byId.get(id)),
    existing(id) {
      const found = optional(byId.get(id));
      if (!found) throw new Error(`agent ${id} is gone`);
      return found;
    },
    list: () => (all.all() as readonly AgentRow[]).map(recordOf),
    names: () => names.all() as readonly string[],
    accountsOf,
    insert: (agent) => void insert.run(agent.id, agent.name, agent.createdAtMs),
    setHalt: (id, to) => void halt.run(to?.by ?? null, to?.atMs ?? null, to?.reason ?? null, id),
    grant: (id, account) => void grant.run(id, account),
  };
}
