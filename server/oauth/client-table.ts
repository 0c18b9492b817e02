/** The table `oauth_clients`, and a client as its owner sees it: never its secret. */
import { randomBytes } from 'node:crypto';
import { agentId, SCOPES, type Scope } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { documentAt } from './client-documents.ts';
import { scopesIn } from './grant-table.ts';
import type { ClientKind, ClientMetadata, ClientState, RemoteClient, RemoteGrant } from './records.ts';

export interface ClientRow {
  readonly client_id: string;
  readonly credential: string;
  readonly kind: ClientKind;
  readonly name: string;
  /** JSON of ClientMetadata. */
  readonly metadata: string;
  readonly secret_hash: Buffer | null;
  readonly state: ClientState;
  readonly agent_id: string | null;
  readonly agent_name: string | null;
  readonly asked_scopes: string;
  readonly ceiling: string;
  readonly address: string;
  readonly user_agent: string;
  readonly created_at: number;
  readonly decided_at: number | null;
  readonly last_used_at: number | null;
}
export type NewClientRow = Omit<ClientRow, 'agent_name' | 'last_used_at'>;

/** What counts how many there are. */
export type RegisteredRow = Pick<ClientRow, 'address' | 'state' | 'created_at'>;

export interface Decision {
  readonly state: ClientState;
  readonly agentId: string | null;
  readonly ceiling: readonly Scope[];
  readonly atMs: number;
}

export interface ClientTable {
  byId(clientId: string): ClientRow | undefined;
  /** Pending first, then approved, then revoked; within each the newest first. */
  all(): readonly ClientRow[];
  count(state: ClientState): number;
  /** Those that registered by themselves and are still there, in order of time. */
  registered(): readonly RegisteredRow[];
  /** Registered clients that wait, and that nobody has tried to connect with since then. */
  unusedSince(sinceMs: number): readonly ClientRow[];
  /** Of those that were revoked, the ones beyond the latest `kept`; documents, being few, stay. */
  revokedBeyond(kept: number): readonly ClientRow[];
  /**
   * The approved client that registered by itself and was connected the longest time ago: it has no grant that lives, or lived since
   * then, was not used or approved since, and is none of the `latest` that were approved last.
   */
  unconnectedSince(sinceMs: number, latest: number): ClientRow | undefined;
  insert(row: NewClientRow): void;
  decide(clientId: string, decision: Decision): void;
  used(clientId: string, atMs: number): void;
  remove(clientId: string): void;
}

/** For whom registers and for whom the owner makes one: what it presents is also what the record names it by. */
export const newClientId = (): string => `client_${randomBytes(16).toString('hex')}`;

export const scopesText = (scopes: readonly Scope[]): string =>
  SCOPES.filter((scope) => scopes.includes(scope)).join(' ');
/** A vendor's document is as this version of the gateway has it, whatever was met once. */
export const metadataOf = (row: Pick<ClientRow, 'client_id' | 'kind' | 'metadata'>): ClientMetadata =>
  (row.kind === 'document' ? documentAt(row.client_id)?.metadata : undefined) ??
  (JSON.parse(row.metadata) as ClientMetadata);

/** Named scopes and no others; who named none may be given any. */
export function withinAsked(
  row: Pick<ClientRow, 'asked_scopes'>,
  scopes: readonly Scope[],
): readonly Scope[] {
  const asked = scopesIn(row.asked_scopes);
  return asked.length === 0 ? scopes : scopes.filter((scope) => asked.includes(scope));
}

export function clientOf(row: ClientRow, live: readonly RemoteGrant[]): RemoteClient {
  const uses = [row.last_used_at, ...live.map((grant) => grant.lastUsedAtMs)].filter((at) => at !== null);
  return {
    clientId: row.client_id,
    credential: row.credential,
    kind: row.kind,
    state: row.state,
    metadata: metadataOf(row),
    agent: row.agent_id === null ? null : { id: agentId(row.agent_id), name: row.agent_name ?? '' },
    askedScopes: scopesIn(row.asked_scopes),
    ceiling: scopesIn(row.ceiling),
    address: row.address,
    userAgent: row.user_agent,
    createdAtMs: row.created_at,
    decidedAtMs: row.decided_at,
    lastUsedAtMs: uses.length === 0 ? null : Math.max(...uses),
    liveGrants: live.length,
  };
}

export function clientTable({ db }: Store): ClientTable {
  // Not a join: SQLite plans one anew whenever a value is bound, and clients are looked up with every call.
  const select =
    'SELECT c.*, (SELECT a.name FROM agents a WHERE a.id = c.agent_id) AS agent_name FROM oauth_clients c';
  const byId = db.prepare(`${select} WHERE c.client_id = ?`);
  const all = db.prepare(
    `${select} ORDER BY CASE c.state WHEN 'pending' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END, c.created_at DESC, c.rowid DESC`,
  );
  const count = db.prepare('SELECT count(*) FROM oauth_clients WHERE state = ?').pluck();
  const registered = db.prepare(
    "SELECT address, state, created_at FROM oauth_clients WHERE kind = 'registered' ORDER BY created_at",
  );
  const unusedSince = db.prepare(
    `${select} WHERE c.state = 'pending' AND c.kind = 'registered' AND max(c.created_at, coalesce(c.last_used_at, 0)) <= ?`,
  );
  const revokedBeyond = db.prepare(
    `${select} WHERE c.state = 'revoked' AND c.kind <> 'document' ORDER BY c.decided_at DESC, c.rowid DESC LIMIT -1 OFFSET ?`,
  );
  const unconnectedSince = db.prepare(
    `SELECT * FROM (${select} WHERE c.state = 'approved' ORDER BY c.decided_at DESC, c.rowid DESC LIMIT -1 OFFSET @latest) c
     WHERE c.kind = 'registered' AND max(c.decided_at, coalesce(c.last_used_at, 0)) <= @sinceMs AND NOT EXISTS (
       SELECT 1 FROM oauth_grants g WHERE g.client_id = c.client_id AND coalesce(g.revoked_at, g.expires_at) > @sinceMs)
     ORDER BY max(c.decided_at, coalesce(c.last_used_at, 0)), c.decided_at LIMIT 1`,
  );
  const insert = db.prepare(
    `INSERT INTO oauth_clients (client_id, credential, kind, name, metadata, secret_hash, state, agent_id, asked_scopes, ceiling,
       address, user_agent, created_at, decided_at)
     VALUES (@client_id, @credential, @kind, @name, @metadata, @secret_hash, @state, @agent_id, @asked_scopes, @ceiling,
       @address, @user_agent, @created_at, @decided_at)`,
  );
  const decide = db.prepare(
    'UPDATE oauth_clients SET state = ?, agent_id = ?, ceiling = ?, decided_at = ? WHERE client_id = ?',
  );
  const used = db.prepare('UPDATE oauth_clients SET last_used_at = ? WHERE client_id = ?');
  const remove = db.prepare('DELETE FROM oauth_clients WHERE client_id = ?');
  return {
    byId: (clientId) => byId.get(clientId) as ClientRow | undefined,
    all: () => all.all() as readonly ClientRow[],
    count: (state) => Number(count.get(state)),
    registered: () => registered.all() as readonly RegisteredRow[],
    unusedSince: (sinceMs) => unusedSince.all(sinceMs) as readonly ClientRow[],
    revokedBeyond: (kept) => revokedBeyond.all(kept) as readonly ClientRow[],
    unconnectedSince: (sinceMs, latest) => unconnectedSince.get({ sinceMs, latest }) as ClientRow | undefined,
    insert: (row) => void insert.run(row),
    decide: (clientId, { state, agentId: agent, ceiling, atMs }) =>
      void decide.run(state, agent, scopesText(ceiling), atMs, clientId),
    used: (clientId, atMs) => void used.run(atMs, clientId),
    remove: (clientId) => void remove.run(clientId),
  };
}
