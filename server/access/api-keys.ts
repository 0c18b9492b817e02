/** API keys: made and shown once, rotated, revoked; every one of these acts on the record, never with the key itself. */
import { randomBytes } from 'node:crypto';
import type { AuditLog } from '#audit/log.ts';
import { nearest } from '#domain/nearest.ts';
import { type AgentId, agentId, type Owner, type Scope } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { KEYS_PER_AGENT_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { rangeText } from './address.ts';
import { type Agents, actOn } from './agents.ts';
import { checkKeyRequest, type KeyRequest, type KeyTerms } from './key-request.ts';
import {
  hashOf,
  type KeyRecord,
  type KeyRow,
  type KeyTable,
  rangesOf,
  recordOf,
  scopesOf,
} from './key-table.ts';
import type { SteadyWall } from './wall.ts';

export interface NewKey {
  readonly id: string;
  readonly agent: string;
  readonly scopes: readonly Scope[];
  /** Shown once; only its hash is kept. */
  readonly key: string;
  readonly expiresAtMs: number;
}

export interface ApiKeys {
  /** Creates the agent when it is new. */
  create(request: KeyRequest): Result<NewKey, Refusal>;
  list(): readonly KeyRecord[];
  /** A new key for the same agent, scopes, span and addresses; the old one ends in the same commit. */
  rotate(id: string, by: Owner): Result<NewKey, Refusal>;
  /** Idempotent. */
  revoke(id: string, by: Owner): Result<KeyRecord, Refusal>;
}

interface KeyOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
  readonly agents: Agents;
  readonly table: KeyTable;
}

export function openApiKeys(o: KeyOptions): ApiKeys {
  const { store, audit, wall, agents, table } = o;

  function issue(agent: { readonly id: AgentId; readonly name: string }, terms: KeyTerms): NewKey {
    const key = `pcl_${randomBytes(32).toString('base64url')}`;
    const id = `key_${randomBytes(8).toString('hex')}`;
    const nowMs = wall();
    const expiresAtMs = nowMs + terms.spanMs;
    table.insert({
      id,
      agent_id: agent.id,
      hash: hashOf(key),
      scopes: terms.scopes.join(' '),
      ip_allow: terms.ranges.map(rangeText).join(','),
      created_at: nowMs,
      expires_at: expiresAtMs,
    });
    return { id, agent: agent.name, scopes: terms.scopes, key, expiresAtMs };
  }
  function create(request: KeyRequest): Result<NewKey, Refusal> {
    const terms = checkKeyRequest(request);
    if (!terms.ok) return terms;
    return store.transaction(() => {
      const { agent: name, by } = request;
      const known = agents.byName(name);
      const agent = known ? ok(known) : agents.create(name, undefined, by);
      if (!agent.ok) return agent;
      if (table.live(agent.value.id, wall()) >= KEYS_PER_AGENT_MAX) {
        const detail = `The agent ${name} has ${KEYS_PER_AGENT_MAX} live keys already; revoke one first.`;
        return err(refuse('invalid_input', detail));
      }
      const made = issue(agent.value, terms.value);
      const detail = { before: null, after: shown(required(table, made.id)) };
      audit.record({ kind: 'key.created', ...actOn(name, by), outcome: 'ok', detail });
      return ok(made);
    });
  }
  function rotate(id: string, by: Owner): Result<NewKey, Refusal> {
    return store.transaction(() => {
      const row = table.byId(id);
      if (!row) return err(noSuchKey(table, id));
      if (row.revoked_at !== null)
        return err(refuse('credential_revoked', `The key ${id} was revoked; create a new one instead.`));
      const made = issue(
        { id: agentId(row.agent_id), name: row.agent_name },
        { scopes: scopesOf(row), spanMs: row.expires_at - row.created_at, ranges: rangesOf(row) },
      );
      table.revoke(id, wall(), made.id);
      const detail = { before: shown(row), after: shown(required(table, made.id)) };
      audit.record({ kind: 'key.rotated', ...actOn(row.agent_name, by), outcome: 'ok', detail });
      return ok(made);
    });
  }
  function revoke(id: string, by: Owner): Result<KeyRecord, Refusal> {
    return store.transaction(() => {
      const row = table.byId(id);
      if (!row) return err(noSuchKey(table, id));
      if (row.revoked_at !== null) return ok(recordOf(row));
      table.revoke(id, wall(), null);
      const detail = { before: shown(row), after: null };
      audit.record({ kind: 'key.revoked', ...actOn(row.agent_name, by), outcome: 'ok', detail });
      return ok(recordOf(required(table, id)));
    });
  }

  return { create, list: () => table.all().map(recordOf), rotate, revoke };
}

function noSuchKey(table: KeyTable, id: string): Refusal {
  const near = nearest(id, table.ids());
  const extras = near === null ? {} : { did_you_mean: [near] };
  return refuse('not_found', 'There is no key with this id; see `keys list`.', extras);
}
function required(table: KeyTable, id: string): KeyRow {
  const row = table.byId(id);
  if (!row) throw new Error(`key ${id} is gone`);
  return row;
}
/** For the record: everything but the key. */
const shown = (row: KeyRow) => ({
  id: row.id,
  scopes: scopesOf(row),
  ip_allow: rangesOf(row).map(rangeText),
  expires_at: new Date(row.expires_at).toISOString(),
});
