/** The table `api_keys`, and a key as its owner sees it: never the key itself. */
import { hash } from 'node:crypto';
import { type AgentId, agentId, SCOPES, type Scope } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { type AddressRange, parseRange } from './address.ts';

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

export interface KeyRow {
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

/** What is stored of a key. A fast hash is enough for 256 random bits. */
export const hashOf = (key: string): Buffer => hash('sha256', key, 'buffer');
const words = (text: string, separator: string): readonly string[] =>
  text === '' ? [] : text.split(separator);
export const scopesOf = (row: KeyRow): readonly Scope[] =>
  SCOPES.filter((scope) => words(row.scopes, ' ').includes(scope));
/** A stored range that no longer parses admits nobody: what fails, fails closed. */
export const rangesOf = (row: KeyRow): readonly AddressRange[] =>
  words(row.ip_allow, ',').flatMap((text) => {
    const parsed = parseRange(text);
    return parsed.ok ? [parsed.value] : [];
  });

export const recordOf = (row: KeyRow): KeyRecord => ({
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
export interface KeyTable {
  byId(id: string): KeyRow | undefined;
  byHash(hash: Buffer): KeyRow | undefined;
  all(): readonly KeyRow[];
  ids(): readonly string[];
  /** Keys of an agent that are neither revoked nor expired. */
  live(agent: AgentId, nowMs: number): number;
  insert(row: Omit<KeyRow, 'agent_name' | 'last_used_at' | 'revoked_at' | 'rotated_to'>): void;
  revoke(id: string, atMs: number, rotatedTo: string | null): void;
  used(id: string, atMs: number): void;
}

export function keyTable({ db }: Store): KeyTable {
  // Not a join: SQLite plans one anew whenever a value is bound, and keys are looked up with every call.
  const select =
    'SELECT k.*, (SELECT a.name FROM agents a WHERE a.id = k.agent_id) AS agent_name FROM api_keys k';
  const byId = db.prepare(`${select} WHERE k.id = ?`);
  const byHash = db.prepare(`${select} WHERE k.hash = ?`);
  const all = db.prepare(`${select} ORDER BY k.created_at, k.rowid`);
  const ids = db.prepare('SELECT id FROM api_keys').pluck();
  const live = db
    .prepare('SELECT count(*) FROM api_keys WHERE agent_id = ? AND revoked_at IS NULL AND expires_at > ?')
    .pluck();
  const insert = db.prepare(
    `INSERT INTO api_keys (id, agent_id, hash, scopes, ip_allow, created_at, expires_at)
     VALUES (@id, @agent_id, @hash, @scopes, @ip_allow, @created_at, @expires_at)`,
  );
  const revoke = db.prepare('UPDATE api_keys SET revoked_at = ?, rotated_to = ? WHERE id = ?');
  const used = db.prepare('UPDATE api_keys SET last_used_at = ? WHERE id = ?');
  return {
    byId: (id) => byId.get(id) as KeyRow | undefined,
    byHash: (hash) => byHash.get(hash) as KeyRow | undefined,
    all: () => all.all() as readonly KeyRow[],
    ids: () => ids.all() as readonly string[],
    live: (agent, nowMs) => Number(live.get(agent, nowMs)),
    insert: (row) => void insert.run(row),
    revoke: (id, atMs, rotatedTo) => void revoke.run(atMs, rotatedTo, id),
    used: (id, atMs) => void used.run(atMs, id),
  };
}
