/** API keys: made, shown once, stored as a hash, looked up without telling how near a guess was. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AuditLog } from '#audit/log.ts';
import { nearest } from '#domain/nearest.ts';
import {
  type AgentId,
  agentId,
  type Door,
  type Owner,
  type Principal,
  SCOPES,
  type Scope,
} from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  KEY_ADDRESSES_MAX,
  KEY_TTL_DEFAULT_MS,
  KEY_TTL_MAX_MS,
  KEY_USE_SAVE_INTERVAL_MS,
  KEYS_PER_AGENT_MAX,
} from '#limits.ts';
import type { Store } from '#store/open.ts';
import { type AddressRange, addressList, parseRange, rangeText } from './address.ts';
import { type Agents, actOn } from './agents.ts';
import type { Authority } from './authority.ts';
import type { SteadyWall } from './wall.ts';

const KEY_PATTERN = /^pcl_[A-Za-z0-9_-]{43}$/;
/** A caller on a socket of this machine has no address; it counts as coming from the machine itself. */
const LOOPBACK = ['127.0.0.1', '::1'];

export interface NewKey {
  readonly id: string;
  readonly agent: string;
  readonly scopes: readonly Scope[];
  /** Shown once; only its hash is kept. */
  readonly key: string;
  readonly expiresAtMs: number;
}

/** A key as the owner sees it: never the key itself. */
export interface KeyRecord {
  readonly id: string;
  readonly agent: string;
  readonly agentId: AgentId;
  readonly scopes: readonly Scope[];
  readonly ipAllow: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Exact to KEY_USE_SAVE_INTERVAL_MS. */
  readonly lastUsedAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly rotatedTo: string | null;
}

export interface KeyRequest {
  readonly agent: string;
  readonly scopes: readonly string[];
  /** Default 90 days, at most ten years. */
  readonly expiresInMs?: number;
  /** Addresses or CIDR ranges it may be used from; empty: any that the door admits. */
  readonly ipAllow?: readonly string[];
  readonly by: Owner;
}

export interface ApiKeys {
  /** Creates the agent when it is new. */
  create(request: KeyRequest): Result<NewKey, Refusal>;
  list(): readonly KeyRecord[];
  /** A new key for the same agent, scopes, span and addresses; the old one ends in the same commit. */
  rotate(id: string, by: Owner): Result<NewKey, Refusal>;
  /** Idempotent. */
  revoke(id: string, by: Owner): Result<KeyRecord, Refusal>;
  /** Every denial goes on the record here, whatever door asked. */
  authenticate(
    presented: string,
    from: { readonly door: Door; readonly address?: string },
  ): Result<Principal, Refusal>;
  /** Why the key no longer opens anything; undefined while it does. */
  refusedNow(id: string): Refusal | undefined;
}

interface KeyRow {
  readonly id: string;
  readonly agent_id: string;
  readonly agent_name: string;
  readonly hash: Buffer;
  readonly scopes: string;
  readonly ip_allow: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
  readonly rotated_to: string | null;
}

interface KeyOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
  readonly agents: Agents;
  readonly authority: Authority;
}

interface CheckedRequest {
  readonly agent: { readonly id: AgentId; readonly name: string };
  readonly scopes: readonly Scope[];
  readonly spanMs: number;
  readonly ranges: readonly AddressRange[];
}

const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();
const words = (text: string, separator: string): readonly string[] =>
  text === '' ? [] : text.split(separator);
const scopesOf = (row: KeyRow): readonly Scope[] =>
  SCOPES.filter((scope) => words(row.scopes, ' ').includes(scope));

export function openApiKeys(o: KeyOptions): ApiKeys {
  const { store, audit, wall, agents } = o;
  const sql = statements(store);
  const rowOf = (id: string): KeyRow | undefined => sql.byId.get(id) as KeyRow | undefined;

  function issue(checked: CheckedRequest): NewKey {
    const key = `pcl_${randomBytes(32).toString('base64url')}`;
    const id = `key_${randomBytes(8).toString('hex')}`;
    const nowMs = wall();
    const expiresAtMs = nowMs + checked.spanMs;
    const ipAllow = checked.ranges.map(rangeText).join(',');
    sql.insert.run(id, checked.agent.id, hashOf(key), checked.scopes.join(' '), ipAllow, nowMs, expiresAtMs);
    return { id, agent: checked.agent.name, scopes: checked.scopes, key, expiresAtMs };
  }
  function required(id: string): Result<KeyRow, Refusal> {
    const row = rowOf(id);
    if (row) return ok(row);
    const near = nearest(id, sql.ids.all() as readonly string[]);
    const extras = near === null ? {} : { did_you_mean: [near] };
    return err(refuse('not_found', 'There is no key with this id; see `keys list`.', extras));
  }
  function create(request: KeyRequest): Result<NewKey, Refusal> {
    const asked = checkRequest(request);
    if (!asked.ok) return asked;
    return store.transaction(() => {
      const { agent: name, by } = request;
      const known = agents.byName(name);
      const agent = known ? ok(known) : agents.create(name, undefined, by);
      if (!agent.ok) return agent;
      const { id } = agent.value;
      if (Number(sql.live.get(id, wall())) >= KEYS_PER_AGENT_MAX) {
        const detail = `The agent ${name} has ${KEYS_PER_AGENT_MAX} live keys already; revoke one first.`;
        return err(refuse('invalid_input', detail));
      }
      const made = issue({ ...asked.value, agent: { id, name } });
      audit.record({
        kind: 'key.created',
        ...actOn(name, by),
        outcome: 'ok',
        detail: { before: null, after: publicForm(made, asked.value.ranges) },
      });
      return ok(made);
    });
  }
  function rotate(id: string, by: Owner): Result<NewKey, Refusal> {
    return store.transaction(() => {
      const found = required(id);
      if (!found.ok) return found;
      const row = found.value;
      if (row.revoked_at !== null)
        return err(refuse('credential_revoked', `The key ${id} was revoked; create a new one instead.`));
      const ranges = rangesOf(row);
      const made = issue({
        agent: { id: agentId(row.agent_id), name: row.agent_name },
        scopes: scopesOf(row),
        spanMs: row.expires_at - row.created_at,
        ranges,
      });
      sql.revoke.run(wall(), made.id, id);
      audit.record({
        kind: 'key.rotated',
        ...actOn(row.agent_name, by),
        outcome: 'ok',
        detail: { before: recordDetail(row), after: publicForm(made, ranges) },
      });
      return ok(made);
    });
  }
  function revoke(id: string, by: Owner): Result<KeyRecord, Refusal> {
    return store.transaction(() => {
      const found = required(id);
      if (!found.ok) return found;
      const row = found.value;
      if (row.revoked_at !== null) return ok(recordOf(row));
      sql.revoke.run(wall(), null, id);
      audit.record({
        kind: 'key.revoked',
        ...actOn(row.agent_name, by),
        outcome: 'ok',
        detail: { before: recordDetail(row), after: null },
      });
      const after = rowOf(id);
      if (!after) throw new Error(`key ${id} is gone`);
      return ok(recordOf(after));
    });
  }
  function endedOf(row: KeyRow): Refusal | undefined {
    if (row.revoked_at !== null)
      return refuse('credential_revoked', 'This key was revoked; ask the owner for a new one.');
    if (wall.hasPassed(row.expires_at))
      return refuse('credential_revoked', 'This key has expired; ask the owner for a new one.');
    return undefined;
  }
  function saveUse(row: KeyRow): void {
    const nowMs = wall();
    if (row.last_used_at !== null && nowMs - row.last_used_at < KEY_USE_SAVE_INTERVAL_MS) return;
    try {
      store.transaction(() => sql.used.run(nowMs, row.id));
    } catch {
      // A store that can not write must not keep an agent from canceling its orders.
    }
  }
  function denied(
    refusal: Refusal,
    from: { door: Door; address?: string },
    row?: KeyRow,
  ): Result<never, Refusal> {
    audit.recordRepeated({
      kind: 'auth.denied',
      door: from.door,
      ...(row === undefined ? {} : { agent: row.agent_name, credential: row.id }),
      outcome: 'refused',
      detail: { reason: refusal.reason, address: from.address ?? null },
    });
    return err(refusal);
  }
  function authenticate(
    presented: string,
    from: { door: Door; address?: string },
  ): Result<Principal, Refusal> {
    const epoch = o.authority.epoch();
    const hash = hashOf(presented);
    const row = KEY_PATTERN.test(presented) ? (sql.byHash.get(hash) as KeyRow | undefined) : undefined;
    if (!row || !timingSafeEqual(hash, row.hash))
      return denied(refuse('unauthenticated', 'This is not a key of this gateway.'), from);
    const ended = endedOf(row);
    if (ended) return denied(ended, from, row);
    if (!admitsFrom(row, from.address))
      return denied(refuse('ip_not_allowed', 'This key may not be used from this address.'), from, row);
    const halted = haltedByKill(o.authority);
    if (halted) return denied(halted, from, row);
    saveUse(row);
    return ok({
      kind: 'agent',
      agent: agentId(row.agent_id),
      agentName: row.agent_name,
      credential: row.id,
      door: from.door,
      scopes: new Set(scopesOf(row)),
      epoch,
      ...(from.address === undefined ? {} : { address: from.address }),
    });
  }

  return {
    create,
    list: () => (sql.all.all() as readonly KeyRow[]).map(recordOf),
    rotate,
    revoke,
    authenticate,
    refusedNow(id) {
      const row = rowOf(id);
      return row ? endedOf(row) : refuse('credential_revoked', 'This credential is no longer known.');
    },
  };
}

/** While the kill switch holds, every agent credential is refused, reads too. */
export function haltedByKill(authority: Authority): Refusal | undefined {
  return authority.gatewayState() === 'HALTED'
    ? refuse('trading_halted', 'The owner stopped the gateway; nothing is served until the owner resumes it.')
    : undefined;
}

function statements(store: Store) {
  const { db } = store;
  const select = 'SELECT k.*, a.name AS agent_name FROM api_keys k JOIN agents a ON a.id = k.agent_id';
  return {
    byId: db.prepare(`${select} WHERE k.id = ?`),
    byHash: db.prepare(`${select} WHERE k.hash = ?`),
    all: db.prepare(`${select} ORDER BY k.created_at, k.rowid`),
    ids: db.prepare('SELECT id FROM api_keys').pluck(),
    live: db
      .prepare('SELECT count(*) FROM api_keys WHERE agent_id = ? AND revoked_at IS NULL AND expires_at > ?')
      .pluck(),
    insert: db.prepare(
      `INSERT INTO api_keys (id, agent_id, hash, scopes, ip_allow, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    revoke: db.prepare('UPDATE api_keys SET revoked_at = ?, rotated_to = ? WHERE id = ?'),
    used: db.prepare('UPDATE api_keys SET last_used_at = ? WHERE id = ?'),
  };
}

function checkRequest(request: KeyRequest): Result<Omit<CheckedRequest, 'agent'>, Refusal> {
  const errors: FieldError[] = [];
  const scopes = SCOPES.filter((scope) => request.scopes.includes(scope));
  const rule = `one or more of ${SCOPES.join(', ')}`;
  if (request.scopes.length === 0) errors.push(fieldError('scopes', '', rule));
  for (const given of request.scopes) {
    if (!(SCOPES as readonly string[]).includes(given))
      errors.push(fieldError('scopes', given, rule, nearest(given, SCOPES)));
  }
  const spanMs = request.expiresInMs ?? KEY_TTL_DEFAULT_MS;
  if (!Number.isSafeInteger(spanMs) || spanMs < 1_000 || spanMs > KEY_TTL_MAX_MS) {
    const near = spanMs > KEY_TTL_MAX_MS ? '3650d' : '1s';
    errors.push(fieldError('expires', `${spanMs} ms`, 'from one second to ten years (3650d)', near));
  }
  const given = request.ipAllow ?? [];
  if (given.length > KEY_ADDRESSES_MAX)
    errors.push(fieldError('ip_allow', `${given.length} entries`, `at most ${KEY_ADDRESSES_MAX} entries`));
  const ranges: AddressRange[] = [];
  for (const entry of given.slice(0, KEY_ADDRESSES_MAX)) {
    const parsed = parseRange(entry);
    if (parsed.ok) ranges.push(parsed.value);
    else errors.push(fieldError('ip_allow', entry, parsed.error));
  }
  if (errors.length === 0) return ok({ scopes, spanMs, ranges });
  const detail = `No key was made: ${errors[0]?.field ?? ''} is ${errors[0]?.rule ?? ''}.`;
  const suggestions = [...new Set(errors.flatMap((error) => error.nearest ?? []))];
  return err(
    refuse('invalid_input', detail, {
      errors,
      ...(suggestions.length === 0 ? {} : { did_you_mean: suggestions }),
    }),
  );
}

/** A stored range that no longer parses admits nobody: what fails, fails closed. */
function rangesOf(row: KeyRow): readonly AddressRange[] {
  return words(row.ip_allow, ',').flatMap((text) => {
    const parsed = parseRange(text);
    return parsed.ok ? [parsed.value] : [];
  });
}
function admitsFrom(row: KeyRow, address: string | undefined): boolean {
  if (row.ip_allow === '') return true;
  const list = addressList(rangesOf(row));
  return (address === undefined ? LOOPBACK : [address]).some((one) => list.admits(one));
}

const recordOf = (row: KeyRow): KeyRecord => ({
  id: row.id,
  agent: row.agent_name,
  agentId: agentId(row.agent_id),
  scopes: scopesOf(row),
  ipAllow: words(row.ip_allow, ','),
  createdAtMs: row.created_at,
  expiresAtMs: row.expires_at,
  lastUsedAtMs: row.last_used_at,
  revokedAtMs: row.revoked_at,
  rotatedTo: row.rotated_to,
});
/** For the record: everything but the key. */
const publicForm = (made: NewKey, ranges: readonly AddressRange[]) => ({
  id: made.id,
  scopes: made.scopes,
  ip_allow: ranges.map(rangeText),
  expires_at: new Date(made.expiresAtMs).toISOString(),
});
const recordDetail = (row: KeyRow) => ({
  id: row.id,
  scopes: scopesOf(row),
  ip_allow: words(row.ip_allow, ','),
  expires_at: new Date(row.expires_at).toISOString(),
});
