/** Agents: who the owner lets act, by name; their halt, and the accounts they may read. */
import { randomBytes } from 'node:crypto';
import type { AuditEvent } from '#audit/event.ts';
import type { AuditLog } from '#audit/log.ts';
import { nearest } from '#domain/nearest.ts';
import {
  type AccountId,
  type Actor,
  type AgentId,
  accountId,
  agentId,
  NAME_PATTERN,
  type Owner,
} from '#domain/principal.ts';
import { fieldError, printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { AGENTS_MAX, REASON_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { SteadyWall } from './wall.ts';

/** The agent of the stdio door without a key. */
export const LOCAL_AGENT = 'local';
/** Holders that the books know besides agents, and the stdio door's own. */
const RESERVED_NAMES: readonly string[] = [LOCAL_AGENT, 'external', 'owner'];
const DEFAULT_ACCOUNT = accountId('paper');

export interface AgentRecord {
  readonly id: AgentId;
  readonly name: string;
  readonly createdAtMs: number;
  /** What it may read, by account id. */
  readonly accounts: readonly AccountId[];
  readonly halted: { readonly by: 'agent' | 'owner'; readonly atMs: number; readonly reason: string } | null;
}

export interface AccountBook {
  /** undefined: no such account. */
  currencyOf(id: AccountId): string | undefined;
}

export interface Agents {
  /** `accounts` undefined: `paper`. Refuses a name that is malformed, reserved or taken, and accounts that do not exist. */
  create(name: string, accounts: readonly string[] | undefined, by: Owner): Result<AgentRecord, Refusal>;
  /** The agent of the stdio door, which no other name may have. */
  createLocal(by: Owner): AgentRecord;
  byName(name: string): AgentRecord | undefined;
  byId(id: AgentId): AgentRecord | undefined;
  /** By name, or `not_found` with the nearest names. */
  required(name: string): Result<AgentRecord, Refusal>;
  list(): readonly AgentRecord[];
  /** Idempotent. An agent halts itself alone; the owner's halt stands above an agent's own. */
  halt(name: string, by: Actor, reason: string): Result<AgentRecord, Refusal>;
  /** Ends a halt, whoever called it. */
  lift(name: string, by: Owner): Result<AgentRecord, Refusal>;
  accountsOf(id: AgentId): readonly AccountId[];
  /** Adds to what the agent may read; inside the transaction of the act that grants it. */
  grantAccounts(id: AgentId, accounts: readonly AccountId[]): void;
}

interface AgentRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly halted_by: 'agent' | 'owner' | null;
  readonly halted_at: number | null;
  readonly halt_reason: string | null;
}

interface AgentOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
  readonly accounts: AccountBook;
}

/** Who did it and whom it concerns, for the record. */
export const actOn = (agent: string, by: Actor): Pick<AuditEvent, 'agent' | 'credential' | 'door'> => ({
  agent,
  credential: by.credential,
  door: by.door,
});

export function openAgents(o: AgentOptions): Agents {
  const { store, audit, wall } = o;
  const sql = statements(store);

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
  const accountsOf = (id: AgentId): readonly AccountId[] =>
    (sql.accounts.all(id) as readonly string[]).map(accountId);
  function byName(name: string): AgentRecord | undefined {
    const row = sql.byName.get(name) as AgentRow | undefined;
    return row && recordOf(row);
  }
  function byId(id: AgentId): AgentRecord | undefined {
    const row = sql.byId.get(id) as AgentRow | undefined;
    return row && recordOf(row);
  }
  function existing(id: AgentId): AgentRecord {
    const found = byId(id);
    if (!found) throw new Error(`agent ${id} is gone`);
    return found;
  }
  const list = (): readonly AgentRecord[] => (sql.all.all() as readonly AgentRow[]).map(recordOf);
  function required(name: string): Result<AgentRecord, Refusal> {
    const found = byName(name);
    if (found) return ok(found);
    const near = nearest(name, sql.names.all() as readonly string[]);
    const detail = `There is no agent named ${JSON.stringify(printable(name).slice(0, 60))}; see \`agents list\`.`;
    return err(refuse('not_found', detail, near === null ? {} : { did_you_mean: [near] }));
  }
  function insert(name: string, accounts: readonly AccountId[], by: Owner): AgentRecord {
    return store.transaction(() => {
      const id = agentId(`agt_${randomBytes(8).toString('hex')}`);
      sql.insert.run(id, name, wall());
      for (const account of accounts) sql.grant.run(id, account);
      audit.record({ kind: 'agent.created', ...actOn(name, by), outcome: 'ok', detail: { id, accounts } });
      return existing(id);
    });
  }

  return {
    create(name, accounts, by) {
      const refusal = refusedName(name) ?? refusedAccounts(accounts ?? [], o.accounts);
      if (refusal) return err(refusal);
      if (byName(name)) {
        const error = fieldError('name', name, 'a name that no agent has yet');
        return err(refuse('invalid_input', `There is an agent named ${name} already.`, { errors: [error] }));
      }
      if (Number(sql.count.get()) >= AGENTS_MAX)
        return err(refuse('invalid_input', `There are ${AGENTS_MAX} agents already, the most there may be.`));
      return ok(insert(name, accounts?.map(accountId) ?? [DEFAULT_ACCOUNT], by));
    },
    createLocal: (by) => insert(LOCAL_AGENT, [DEFAULT_ACCOUNT], by),
    byName,
    byId,
    required,
    list,
    halt: (name, by, reason) =>
      store.transaction(() => {
        const found = required(name);
        if (!found.ok) return found;
        const { id, halted } = found.value;
        if (by.kind === 'agent' && by.agent !== id)
          return err(refuse('insufficient_scope', 'An agent may halt itself only; ask the owner.'));
        const haltedBy = by.kind === 'owner' ? 'owner' : 'agent';
        if (halted && (halted.by === haltedBy || halted.by === 'owner')) return found;
        const because = printable(reason).slice(0, REASON_LENGTH_MAX);
        sql.halt.run(haltedBy, wall(), because, id);
        audit.record({
          kind: 'agent.halted',
          ...actOn(name, by),
          outcome: 'ok',
          detail: { before: halted?.by ?? null, after: haltedBy, why: because },
        });
        return ok(existing(id));
      }),
    lift: (name, by) =>
      store.transaction(() => {
        const found = required(name);
        if (!found.ok || !found.value.halted) return found;
        const { id, halted } = found.value;
        sql.lift.run(id);
        audit.record({
          kind: 'agent.lifted',
          ...actOn(name, by),
          outcome: 'ok',
          detail: { before: halted.by, after: null, why: halted.reason },
        });
        return ok(existing(id));
      }),
    accountsOf,
    grantAccounts(id, accounts) {
      if (!store.inTransaction()) throw new Error('reading rights change only inside a transaction');
      for (const account of accounts) sql.grant.run(id, account);
    },
  };
}

function statements(store: Store) {
  const { db } = store;
  return {
    byName: db.prepare('SELECT * FROM agents WHERE name = ?'),
    byId: db.prepare('SELECT * FROM agents WHERE id = ?'),
    all: db.prepare('SELECT * FROM agents ORDER BY name'),
    names: db.prepare('SELECT name FROM agents').pluck(),
    count: db.prepare('SELECT count(*) FROM agents').pluck(),
    insert: db.prepare('INSERT INTO agents (id, name, created_at) VALUES (?, ?, ?)'),
    halt: db.prepare('UPDATE agents SET halted_by = ?, halted_at = ?, halt_reason = ? WHERE id = ?'),
    lift: db.prepare('UPDATE agents SET halted_by = NULL, halted_at = NULL, halt_reason = NULL WHERE id = ?'),
    accounts: db
      .prepare('SELECT account_id FROM agent_accounts WHERE agent_id = ? ORDER BY account_id')
      .pluck(),
    grant: db.prepare('INSERT OR IGNORE INTO agent_accounts (agent_id, account_id) VALUES (?, ?)'),
  };
}

/** Why no agent may have this name; undefined when one may. */
export function refusedName(name: string): Refusal | undefined {
  if (!NAME_PATTERN.test(name)) {
    const rule = '1 to 40 of a-z, 0-9, ".", "_" and "-", beginning with a letter or a digit';
    const suggested = name
      .toLowerCase()
      .replace(/[^a-z0-9_.-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 40);
    const error = fieldError('name', name, rule, NAME_PATTERN.test(suggested) ? suggested : null);
    return refuse('invalid_input', 'The name of an agent is malformed.', { errors: [error] });
  }
  if (!RESERVED_NAMES.includes(name)) return undefined;
  const error = fieldError('name', name, `none of ${RESERVED_NAMES.join(', ')}`);
  return refuse('invalid_input', `The name ${name} is reserved; choose another.`, { errors: [error] });
}

function refusedAccounts(names: readonly string[], book: AccountBook): Refusal | undefined {
  const errors = names
    .filter((name) => book.currencyOf(accountId(name)) === undefined)
    .map((name) => fieldError('accounts', name, 'an account of this gateway (see `accounts list`)'));
  return errors.length === 0 ? undefined : refuse('invalid_input', 'An account does not exist.', { errors });
}
