/** The table `oauth_grants`, with what of the client and the agent decides about a grant. */
import { type AgentId, agentId, SCOPES, type Scope } from '#domain/principal.ts';
import { ACCESS_TOKEN_TTL_MAX_MS } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { NewGrant } from './parts.ts';
import type { ClientState, RemoteGrant } from './records.ts';

export interface GrantRow {
  readonly grant_id: string;
  readonly client_id: string;
  readonly agent_id: string;
  readonly scopes: string;
  readonly epoch: number;
  readonly stepup_at: number | null;
  readonly created_at: number;
  readonly expires_at: number;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
  readonly reason: string | null;
}

/** The client of a grant, as it stands. */
export interface ClientRow {
  readonly client_id: string;
  readonly credential: string;
  readonly state: ClientState;
  readonly agent_id: string | null;
  readonly ceiling: string;
}

export interface GrantTable {
  find(grantId: string): GrantRow | undefined;
  client(clientId: string): ClientRow | undefined;
  agentName(id: AgentId): string | undefined;
  insert(grant: NewGrant & { readonly epoch: number; readonly createdAtMs: number }): void;
  narrow(grantId: string, scopes: readonly Scope[]): void;
  end(grantId: string, reason: string, atMs: number): void;
  /** Everything that the authorization server keeps of it: codes, refresh tokens, its own grant. */
  dropPayloads(grantId: string): void;
  /** Not ended by anybody, the latest first; whether they have expired or are of an earlier epoch is for the reader to say. */
  standing(clientId?: string): readonly GrantRow[];
  list(o: { readonly clientId?: string; readonly limit: number }): readonly GrantRow[];
  /**
   * Whether tokens of it may be in use or still come: of a code that is unused, of a refresh token, or of one that ran out so
   * lately that an access token which came with it can live.
   */
  isConnected(grantId: string, nowMs: number): boolean;
  used(grantId: string, atMs: number): void;
  purge(endedBeforeMs: number): void;
}

/** As scopes are written in one field, in the order of SCOPES; a word that is none is left out. */
export function scopesIn(text: string): readonly Scope[] {
  const words = text.split(' ');
  return SCOPES.filter((scope) => words.includes(scope));
}

export const grantOf = (row: GrantRow): Omit<RemoteGrant, 'ended'> => ({
  grantId: row.grant_id,
  clientId: row.client_id,
  agent: agentId(row.agent_id),
  scopes: scopesIn(row.scopes),
  epoch: row.epoch,
  steppedUpAtMs: row.stepup_at,
  createdAtMs: row.created_at,
  expiresAtMs: row.expires_at,
  lastUsedAtMs: row.last_used_at,
});

const LATEST_FIRST = 'ORDER BY created_at DESC, grant_id';

export function grantTable({ db }: Store): GrantTable {
  const find = db.prepare('SELECT * FROM oauth_grants WHERE grant_id = ?');
  const client = db.prepare(
    'SELECT client_id, credential, state, agent_id, ceiling FROM oauth_clients WHERE client_id = ?',
  );
  const agentName = db.prepare('SELECT name FROM agents WHERE id = ?').pluck();
  const insert = db.prepare(
    `INSERT INTO oauth_grants (grant_id, client_id, agent_id, scopes, epoch, stepup_at, created_at, expires_at)
     VALUES (@grantId, @clientId, @agent, @scopes, @epoch, @steppedUpAtMs, @createdAtMs, @expiresAtMs)`,
  );
  const narrow = db.prepare('UPDATE oauth_grants SET scopes = ? WHERE grant_id = ?');
  const end = db.prepare('UPDATE oauth_grants SET revoked_at = ?, reason = ? WHERE grant_id = ?');
  const drop = db.prepare('DELETE FROM oauth_payloads WHERE grant_id = ?');
  const standing = db.prepare(`SELECT * FROM oauth_grants WHERE revoked_at IS NULL ${LATEST_FIRST}`);
  const standingOf = db.prepare(
    `SELECT * FROM oauth_grants WHERE revoked_at IS NULL AND client_id = ? ${LATEST_FIRST}`,
  );
  const all = db.prepare(`SELECT * FROM oauth_grants ${LATEST_FIRST} LIMIT ?`);
  const allOf = db.prepare(`SELECT * FROM oauth_grants WHERE client_id = ? ${LATEST_FIRST} LIMIT ?`);
  const connected = db.prepare(
    `SELECT 1 FROM oauth_payloads WHERE grant_id = @grantId AND (
       (kind = 'AuthorizationCode' AND consumed_at IS NULL AND expires_at > @nowMs)
       OR (kind = 'RefreshToken' AND expires_at > @nowMs - @accessMs)
     ) LIMIT 1`,
  );
  const usedGrant = db.prepare('UPDATE oauth_grants SET last_used_at = ? WHERE grant_id = ?');
  const usedClient = db.prepare(
    'UPDATE oauth_clients SET last_used_at = ? WHERE client_id = (SELECT client_id FROM oauth_grants WHERE grant_id = ?)',
  );
  const purge = db.prepare('DELETE FROM oauth_grants WHERE revoked_at < ?');
  const rows = (found: readonly unknown[]): readonly GrantRow[] => found as readonly GrantRow[];
  return {
    find: (grantId) => find.get(grantId) as GrantRow | undefined,
    client: (clientId) => client.get(clientId) as ClientRow | undefined,
    agentName: (id) => agentName.get(id) as string | undefined,
    insert: (grant) => void insert.run({ ...grant, scopes: scopesIn(grant.scopes.join(' ')).join(' ') }),
    narrow: (grantId, scopes) => void narrow.run(scopes.join(' '), grantId),
    end: (grantId, reason, atMs) => void end.run(atMs, reason, grantId),
    dropPayloads: (grantId) => void drop.run(grantId),
    standing: (clientId) => rows(clientId === undefined ? standing.all() : standingOf.all(clientId)),
    list: ({ clientId, limit }) => rows(clientId === undefined ? all.all(limit) : allOf.all(clientId, limit)),
    isConnected: (grantId, nowMs) =>
      connected.get({ grantId, nowMs, accessMs: ACCESS_TOKEN_TTL_MAX_MS }) !== undefined,
    used(grantId, atMs) {
      usedGrant.run(atMs, grantId);
      usedClient.run(atMs, grantId);
    },
    purge: (endedBeforeMs) => void purge.run(endedBeforeMs),
  };
}
