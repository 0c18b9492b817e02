/** Remote clients, grants and connections as templates take them. */
import { isReadScope, SCOPES } from '#domain/principal.ts';
import { newAgentName } from '#oauth/agent-naming.ts';
import { diagnose } from '#oauth/diagnosis.ts';
import { STAGE_LABELS } from '#oauth/diagnosis-words.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import { ADDRESS_SUBJECT } from '#oauth/noted-steps.ts';
import type { Connection, RemoteClient, RemoteGrant } from '#oauth/records.ts';
import { redirectHost } from '#oauth/redirect-uri.ts';
import type { ConsoleServices, RemoteState } from './desks.ts';

export const REMOTE = '/admin/remote-mcp';
export const clientPath = (credential: string): string =>
  `${REMOTE}/clients/${encodeURIComponent(credential)}`;

type Services = Pick<ConsoleServices, 'access' | 'remote'>;

export function clientRow(services: Services, client: RemoteClient) {
  const { metadata } = client;
  return {
    credential: client.credential,
    client_id: client.clientId,
    path: clientPath(client.credential),
    name: metadata.client_name,
    kind: client.kind,
    state: client.state,
    fingerprint: fingerprint(client.clientId),
    hosts: hostsOf(client),
    redirect_uris: metadata.redirect_uris,
    has_secret: metadata.token_endpoint_auth_method !== 'none',
    client_uri: metadata.client_uri ?? null,
    agent: client.agent?.name ?? null,
    asked: client.askedScopes,
    ceiling: client.ceiling,
    address: client.address,
    user_agent: client.userAgent,
    created_at_ms: client.createdAtMs,
    decided_at_ms: client.decidedAtMs,
    last_used_at_ms: client.lastUsedAtMs,
    live_grants: client.liveGrants,
    way: wayOf(services, { connection: services.remote.connections.of(client.clientId), client }),
  };
}

/** Where codes for it go. */
const hostsOf = (client: RemoteClient): readonly string[] => [
  ...new Set(client.metadata.redirect_uris.map(redirectHost)),
];

/** Somebody who called and is no client yet. */
export const strangerRow = (services: Services, connection: Connection) => ({
  address: connection.subject.slice(ADDRESS_SUBJECT.length),
  last_at_ms: connection.lastAtMs,
  way: wayOf(services, { connection, client: undefined }),
});

/** How far it came, and what to do. */
function wayOf(
  { access, remote }: Services,
  o: { readonly connection: Connection | undefined; readonly client: RemoteClient | undefined },
) {
  const { on, publicUrl, codeTtlSeconds, requireApproval } = remote.state();
  const { stages, verdict, says, todo } = diagnose({
    ...o,
    facts: {
      on,
      publicUrl: publicUrl ?? 'https://…',
      redirectHost: (o.client && hostsOf(o.client)[0]) ?? 'its own address',
      codeTtlSeconds,
      requireApproval,
    },
    nowMs: access.wall(),
  });
  return {
    verdict,
    says,
    todo,
    stages: stages.map((one) => ({
      label: STAGE_LABELS[one.stage],
      state: one.state,
      at_ms: one.atMs,
      times: one.times,
      error: one.error,
    })),
  };
}

/** What the form of an approval offers, and what it begins with: the agent it had before, and what only reads. */
export function approvalOf({ access, remote }: Services, client: RemoteClient) {
  const agents = access.agents.list().map(({ name }) => name);
  const scopes = scopesFor(remote.state(), client);
  return {
    agents,
    agent: client.agent?.name ?? '',
    new_agent: newAgentName(client.metadata.client_name, (name) => agents.includes(name)),
    scopes,
    ticked: scopes.filter(isReadScope),
  };
}

/** What may be ticked for a client: what it asked for, of what is enabled (to read, while all of it is off), and what it has. */
export function scopesFor(state: RemoteState, client: Pick<RemoteClient, 'askedScopes' | 'ceiling'>) {
  const { askedScopes: asked, ceiling } = client;
  const enabled = state.on ? state.scopes : SCOPES.filter(isReadScope);
  return SCOPES.filter(
    (scope) =>
      (asked.length === 0 || asked.includes(scope)) && (enabled.includes(scope) || ceiling.includes(scope)),
  );
}

export function grantRow({ access, remote }: Services, grant: RemoteGrant) {
  const client = remote.clients.find(grant.clientId);
  return {
    id: grant.grantId,
    client:
      client === undefined
        ? null
        : { name: client.metadata.client_name, path: clientPath(client.credential) },
    agent: access.agents.byId(grant.agent)?.name ?? null,
    scopes: grant.scopes,
    created_at_ms: grant.createdAtMs,
    expires_at_ms: grant.expiresAtMs,
    last_used_at_ms: grant.lastUsedAtMs,
    with_code: grant.steppedUpAtMs !== null,
    ended_at_ms: grant.ended?.atMs ?? null,
    why: grant.ended === null ? null : ENDINGS[grant.ended.reason],
  };
}

const ENDINGS: Readonly<Record<NonNullable<RemoteGrant['ended']>['reason'], string>> = {
  client_revoked: 'you revoked its client',
  client_deleted: 'you deleted its client',
  disconnected: 'you disconnected it',
  token_revoked: 'the client gave it up',
  token_reused: 'a token of it was used twice: somebody else may have had it',
  code_replayed: 'its code was used twice: somebody else may have had it',
  write_off: 'writing was switched off for remote clients',
  remote_off: 'remote MCP was switched off',
  moved: 'MCP_PUBLIC_URL is another one since',
  owner: 'you ended it',
  lapsed: 'its code was never used, or its refresh token ran out: nothing could use it any more',
  expired: 'its time was over',
  killed: 'the kill switch',
};
