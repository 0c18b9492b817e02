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
  type Owner,
} from '#domain/principal.ts';
import { excerpt, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { AGENTS_MAX, REASON_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { type AccountBook, LOCAL_AGENT, refusedAccounts, refusedName } from './agent-name.ts';
import { type AgentRecord, type AgentTable, agentTable } from './agent-table.ts';
import type { SteadyWall } from './wall.ts';

const DEFAULT_ACCOUNT = accountId('paper');

export interface Agents extends Pick<AgentTable, 'byName' | 'byId' | 'list' | 'accountsOf'> {
  /** `accounts` undefined: `paper`. Refuses a name that is malformed, reserved or taken, and accounts that do not exist. */
  create(name: string, accounts: readonly string[] | undefined, by: Owner): Result<AgentRecord, Refusal>;
  /** Whether `create` would make one of this name with these accounts; changes nothing. */
  check(name: string, accounts: readonly string[] | undefined): Result<unknown, Refusal>;
  /** The agent of the stdio door, which no other name may have. */
  createLocal(by: Owner): AgentRecord;
  /** By name, or `not_found` with the nearest name. */
  required(name: string): Result<AgentRecord, Refusal>;
  /** Idempotent. An agent halts itself alone; the owner's halt stands above an agent's own. */
  halt(name: string, by: Actor, reason: string): Result<AgentRecord, Refusal>;
  /** Ends a halt, whoever called it. */
  lift(name: string, by: Owner): Result<AgentRecord, Refusal>;
  /** Adds to what the agent may read; inside the transaction of the act that grants it. */
  grantAccounts(id: AgentId, accounts: readonly AccountId[]): void;
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
  const table = agentTable(store);

  function required(name: string): Result<AgentRecord, Refusal> {
    const found = table.byName(name);
    if (found) return ok(found);
    const near = nearest(name, table.names());
    const detail = `There is no agent named ${JSON.stringify(excerpt(name, 60))}; see \`agents list\`.`;
    return err(refuse('not_found', detail, near === null ? {} : { did_you_mean: [near] }));
  }
  function insert(name: string, accounts: readonly AccountId[], by: Owner): AgentRecord {
    return store.transaction(() => {
      const id = agentId(`agt_${randomBytes(8).toString('hex')}`);
      table.insert({ id, name, createdAtMs: wall() });
      for (const account of accounts) table.grant(id, account);
      audit.record({ kind: 'agent.created', ...actOn(name, by), outcome: 'ok', detail: { id, accounts } });
      return table.existing(id);
    });
  }

  function check(name: string, accounts: readonly string[] | undefined): Result<unknown, Refusal> {
    const refusal = refusedName(name) ?? refusedAccounts(accounts ?? [], o.accounts);
    if (refusal) return err(refusal);
    if (table.byName(name)) {
      const error = fieldError('name', name, 'a name that no agent has yet');
      return err(refuse('invalid_input', `There is an agent named ${name} already.`, { errors: [error] }));
    }
    if (table.names().length >= AGENTS_MAX)
      return err(refuse('invalid_input', `There are ${AGENTS_MAX} agents already, the most there may be.`));
    return ok(undefined);
  }

  return {
    check,
    create(name, accounts, by) {
      const checked = check(name, accounts);
      return checked.ok ? ok(insert(name, accounts?.map(accountId) ?? [DEFAULT_ACCOUNT], by)) : checked;
    },
    createLocal: (by) => insert(LOCAL_AGENT, [DEFAULT_ACCOUNT], by),
    byName: (name) => table.byName(name),
    byId: (id) => table.byId(id),
    list: () => table.list(),
    accountsOf: (id) => table.accountsOf(id),
    required,
    ...halting(o, table, required),
    grantAccounts(id, accounts) {
      if (!store.inTransaction()) throw new Error('reading rights change only inside a transaction');
      for (const account of accounts) table.grant(id, account);
    },
  };
}

function halting(
  o: AgentOptions,
  table: AgentTable,
  required: Agents['required'],
): Pick<Agents, 'halt' | 'lift'> {
  const { store, audit, wall } = o;
  return {
    halt: (name, by, reason) =>
      store.transaction(() => {
        const found = required(name);
        if (!found.ok) return found;
        const { id, halted } = found.value;
        if (by.kind === 'agent' && by.agent !== id)
          return err(refuse('insufficient_scope', 'An agent may halt itself only; ask the owner.'));
        const haltedBy = by.kind === 'owner' ? 'owner' : 'agent';
        if (halted && (halted.by === haltedBy || halted.by === 'owner')) return found;
        const because = excerpt(reason, REASON_LENGTH_MAX);
        table.setHalt(id, { by: haltedBy, atMs: wall(), reason: because });
        audit.record({
          kind: 'agent.halted',
          ...actOn(name, by),
          outcome: 'ok',
          detail: { before: halted?.by ?? null, after: haltedBy, why: because },
        });
        return ok(table.existing(id));
      }),
    lift: (name, by) =>
      store.transaction(() => {
        const found = required(name);
        if (!found.ok || !found.value.halted) return found;
        const { id, halted } = found.value;
        table.setHalt(id, null);
        audit.record({
          kind: 'agent.lifted',
          ...actOn(name, by),
          outcome: 'ok',
          detail: { before: halted.by, after: null, why: halted.reason },
        });
        return ok(table.existing(id));
      }),
  };
}
