/** The owner's acts on remote clients: approve, narrow, revoke, delete, disconnect; each one commit with its line on the record. */
import type { Access } from '#access/access.ts';
import type { AuditEvent, JsonValue } from '#audit/event.ts';
import type { AuditLog } from '#audit/log.ts';
import type { AgentId, Owner } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CLIENTS_REVOKED_KEPT_MAX, GRANTS_LISTED_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { newAgentName } from './agent-naming.ts';
import { approvedRoom } from './approved-room.ts';
import { type Ceiling, ceilingFor, noSuchClient, resolveClient } from './client-choice.ts';
import { type ClientRow, type ClientTable, clientOf, clientTable, scopesText } from './client-table.ts';
import type { Grants } from './grants.ts';
import { type KnownClients, openKnownClients } from './known-clients.ts';
import { newOwnClient, ownTerms } from './own-client.ts';
import type { Approval, ClientDesk, RemoteClient, StaticClient } from './records.ts';

export interface Clients extends ClientDesk {
  /** As the authorization server knows them. */
  readonly known: KnownClients;
  /** Drops what has waited unused for too long. */
  sweep(): void;
}

export interface ClientOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly access: Pick<Access, 'wall'> & {
    readonly agents: Pick<Access['agents'], 'byName' | 'create'>;
  };
  readonly grants: Grants;
}

type Detail = Readonly<Record<string, JsonValue>>;
interface Parts extends ClientOptions {
  readonly table: ClientTable;
  readonly known: KnownClients;
  readonly view: (clientId: string) => RemoteClient;
  /** One line about a client, by whom it was done. */
  readonly record: (kind: string, row: ClientRow, by: Owner, detail: Detail) => void;
}

export function openClients(o: ClientOptions): Clients {
  const { store, audit, grants } = o;
  const table = clientTable(store);
  const known = openKnownClients({ ...o, table });
  const seen = (row: ClientRow): RemoteClient => clientOf(row, grants.live(row.client_id));
  const parts: Parts = {
    ...o,
    table,
    known,
    view: (clientId) => seen(required(table, clientId)),
    record: (kind, row, by, detail) => void audit.record(actOnClient(kind, row, by, detail)),
  };
  return {
    known,
    list: () => table.all().map(seen),
    find(clientId) {
      const row = table.byId(clientId);
      return row && seen(row);
    },
    resolve(given) {
      const found = resolveClient(given, table.all());
      return found.ok ? ok(seen(found.value)) : found;
    },
    pending: () => table.count('pending'),
    approve: (approval) => store.transaction(() => approve(approval, parts)),
    changeCeiling: ({ clientId, scopes, by }) =>
      store.transaction(() => {
        const row = table.byId(clientId);
        if (!row) return err(noSuchClient());
        if (row.state !== 'approved') return err(notApproved(row));
        const ceiling = ceilingFor(row, scopes);
        return ceiling.ok ? ok(setCeiling(row, ceiling.value, by, parts)) : ceiling;
      }),
    revoke: (clientId, by) => store.transaction(() => revoke(clientId, by, parts)),
    remove: (clientId, by) => store.transaction(() => remove(clientId, by, parts)),
    disconnect: (clientId, by) =>
      store.transaction(() => {
        if (!table.byId(clientId)) return err(noSuchClient());
        known.forgetRequests(clientId);
        return ok({ grants: grants.endOf(clientId, 'disconnected', by) });
      }),
    createStatic: (given) => store.transaction(() => createStatic(given, parts)),
    ...grantActs(o),
    sweep: () => known.sweep(),
  };
}

function required(table: ClientTable, clientId: string): ClientRow {
  const row = table.byId(clientId);
  if (!row) throw new Error(`client ${clientId} is gone`);
  return row;
}

const actOnClient = (
  kind: string,
  row: ClientRow,
  by: Owner,
  detail: Readonly<Record<string, JsonValue>>,
): AuditEvent => ({
  kind,
  ...(row.agent_name === null ? {} : { agent: row.agent_name }),
  credential: by.credential,
  door: by.door,
  outcome: 'ok',
  detail: { client: row.credential, name: row.name, ...detail },
});

function approve({ clientId, agent, scopes, by }: Approval, parts: Parts): Result<RemoteClient, Refusal> {
  const { table, known, access } = parts;
  // A vendor's document may be approved before its first visit.
  const row = table.byId(clientId) ?? known.meet(clientId);
  if (!row) return err(noSuchClient());
  const ceiling = ceilingFor(row, scopes);
  if (!ceiling.ok) return ceiling;
  if (row.state === 'approved')
    return approveAgain(row, { agent, ceiling: scopes && ceiling.value, by }, parts);
  const room = approvedRoom(parts);
  if (!room.ok) return room;
  // Last, because it may make one: nothing is refused after it.
  const found = agentFor(row, agent, by, parts);
  if (!found.ok) return found;
  room.value();
  const before = standingOf(row);
  const atMs = access.wall();
  table.decide(clientId, { state: 'approved', agentId: found.value, ceiling: ceiling.value, atMs });
  return ok(changed('oauth.client_approved', clientId, { before, by }, parts));
}

/** Two approvals at once are one; other scopes are another ceiling; another agent is another decision. */
function approveAgain(
  row: ClientRow,
  wish: { readonly agent: string | undefined; readonly ceiling: Ceiling | undefined; readonly by: Owner },
  parts: Parts,
): Result<RemoteClient, Refusal> {
  if (wish.agent !== undefined && wish.agent !== row.agent_name)
    return err(
      refuse(
        'invalid_input',
        `This client is approved already, for the agent ${row.agent_name ?? ''}; nothing was changed. Revoke it first to approve it for another.`,
      ),
    );
  return ok(
    wish.ceiling === undefined ? parts.view(row.client_id) : setCeiling(row, wish.ceiling, wish.by, parts),
  );
}

function agentFor(
  row: ClientRow,
  named: string | undefined,
  by: Owner,
  parts: Parts,
): Result<string, Refusal> {
  if (named !== undefined) return agentNamed(named, by, parts);
  // The owner's decision of before; a name of the client's own choosing only ever names a new agent.
  if (row.agent_id !== null) return ok(row.agent_id);
  const { agents } = parts.access;
  return agentNamed(
    newAgentName(row.name, (name) => agents.byName(name) !== undefined),
    by,
    parts,
  );
}

/** The agent of that name, made when there is none. */
function agentNamed(name: string, by: Owner, { access }: Parts): Result<AgentId, Refusal> {
  const existing = access.agents.byName(name);
  const agent = existing ? ok(existing) : access.agents.create(name, undefined, by);
  return agent.ok ? ok(agent.value.id) : agent;
}

function setCeiling(row: ClientRow, ceiling: Ceiling, by: Owner, parts: Parts): RemoteClient {
  if (scopesText(ceiling) === row.ceiling) return parts.view(row.client_id);
  const { table } = parts;
  const decidedAtMs = row.decided_at ?? row.created_at;
  table.decide(row.client_id, { state: row.state, agentId: row.agent_id, ceiling, atMs: decidedAtMs });
  parts.grants.narrow(row.client_id, ceiling, by);
  return changed('oauth.client_changed', row.client_id, { before: standingOf(row), by }, parts);
}

/** Puts on the record what a client was and is, and gives it as it is. */
function changed(
  kind: string,
  clientId: string,
  how: {
    readonly before: Standing | null;
    readonly by: Owner;
    readonly detail?: Readonly<Record<string, JsonValue>>;
  },
  { table, record, view }: Parts,
): RemoteClient {
  const row = required(table, clientId);
  record(kind, row, how.by, { before: how.before, after: standingOf(row), ...how.detail });
  return view(clientId);
}

type Standing = Readonly<Record<'state' | 'agent' | 'ceiling', string | null>>;
/** For the record: what the owner decides of a client. */
const standingOf = (row: ClientRow): Standing => ({
  state: row.state,
  agent: row.agent_name,
  ceiling: row.ceiling,
});

function revoke(clientId: string, by: Owner, parts: Parts): Result<RemoteClient, Refusal> {
  const { table, grants, known, access } = parts;
  const row = table.byId(clientId);
  if (!row) return err(noSuchClient());
  if (row.state === 'revoked') return ok(parts.view(clientId));
  // A page that waits in a browser stays: it says that the client was revoked, and asks for consent only if it is approved again.
  const ended = grants.endOf(clientId, 'client_revoked', by);
  const before = standingOf(row);
  // What it was allowed is not what it will be allowed when it is approved again.
  table.decide(clientId, { state: 'revoked', agentId: row.agent_id, ceiling: [], atMs: access.wall() });
  const revoked = changed('oauth.client_revoked', clientId, { before, by, detail: { grants: ended } }, parts);
  for (const old of table.revokedBeyond(CLIENTS_REVOKED_KEPT_MAX)) known.expire(old, 'too_many_revoked');
  return ok(revoked);
}

function remove(clientId: string, by: Owner, parts: Parts): Result<void, Refusal> {
  const { table, grants, known, record } = parts;
  const row = table.byId(clientId);
  if (!row) return err(noSuchClient());
  const ended = grants.endOf(clientId, 'client_deleted', by);
  known.forgetRequests(clientId);
  table.remove(clientId);
  record('oauth.client_deleted', row, by, { before: standingOf(row), after: null, grants: ended });
  return ok(undefined);
}

function createStatic(
  given: StaticClient,
  parts: Parts,
): Result<{ readonly client: RemoteClient; readonly secret: string | null }, Refusal> {
  const { table, access } = parts;
  const terms = ownTerms(given);
  if (!terms.ok) return terms;
  const room = approvedRoom(parts);
  if (!room.ok) return room;
  const agent = agentNamed(given.agent, given.by, parts);
  if (!agent.ok) return agent;
  room.value();
  const { row, secret } = newOwnClient(terms.value, agent.value, access.wall());
  table.insert(row);
  const how = { before: null, by: given.by, detail: { kind: row.kind } };
  return ok({ client: changed('oauth.client_approved', row.client_id, how, parts), secret });
}

const notApproved = (row: ClientRow): Refusal =>
  refuse(
    'invalid_input',
    row.state === 'pending'
      ? 'This client waits for your approval; say what it may hold when you approve it.'
      : 'This client is revoked; approve it again to say what it may hold.',
  );

function grantActs(o: ClientOptions): Pick<ClientDesk, 'grants' | 'endGrant' | 'disconnectAll'> {
  const { store, audit, grants } = o;
  const dropPayloads = store.db.prepare('DELETE FROM oauth_payloads');
  return {
    grants: (which) => grants.list({ ...which, limit: Math.min(which.limit, GRANTS_LISTED_MAX) }),
    endGrant(grantId, by) {
      if (grants.find(grantId) === undefined)
        return err(refuse('not_found', 'There is no grant with this id; it may have been deleted.'));
      grants.end(grantId, 'owner', by);
      return ok(undefined);
    },
    disconnectAll: (by) =>
      store.transaction(() => {
        const ended = grants.endAll('disconnected', by);
        // Requests that wait in a browser and sign-ins too: nothing that was begun before goes on.
        dropPayloads.run();
        const { credential, door } = by;
        audit.record({
          kind: 'oauth.disconnected',
          credential,
          door,
          outcome: 'ok',
          detail: { grants: ended },
        });
        return { grants: ended };
      }),
  };
}
