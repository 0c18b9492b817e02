/** What the owner does with remote clients from the command line, in the engine or with the lock in hand. */
import { z } from 'zod';
import { OWNER_CLI, SCOPES } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { REMOTE_CONNECTIONS_SHOWN_MAX } from '#limits.ts';
import { diagnose } from '#oauth/diagnosis.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import type { Connection, RemoteClient } from '#oauth/records.ts';
import { redirectHost } from '#oauth/redirect-uri.ts';
import { openSigningKeys } from '#oauth/signing-keys.ts';
import { ownerAct } from './act.ts';
import type { Office } from './office.ts';
import { iso, isoOrNull } from './print.ts';

export const clientWire = (client: RemoteClient) => ({
  id: client.credential,
  client_id: client.clientId,
  /** As the page in the browser and the console show it. */
  fingerprint: fingerprint(client.clientId),
  /** The client's own words: nothing has checked them. */
  name: client.metadata.client_name,
  state: client.state,
  kind: client.kind,
  agent: client.agent?.name ?? null,
  scopes: client.ceiling,
  asked_scopes: client.askedScopes,
  redirect_uris: client.metadata.redirect_uris,
  live_grants: client.liveGrants,
  address: client.address,
  created_at: iso(client.createdAtMs),
  decided_at: isoOrNull(client.decidedAtMs),
  last_used_at: isoOrNull(client.lastUsedAtMs),
});

/** By its id, the beginning of one, or its fingerprint; never by the name that it gave itself. */
function withClient<T>(
  { clients }: Office,
  id: string,
  work: (client: RemoteClient) => Result<T, Refusal>,
): Result<T, Refusal> {
  const found = clients.resolve(id);
  return found.ok ? work(found.value) : found;
}
const wired = (done: Result<RemoteClient, Refusal>) => (done.ok ? ok(clientWire(done.value)) : done);

const oneId = z.strictObject({ id: z.string() });
export const scopes = z.array(z.enum(SCOPES)).min(1);

export const list = ownerAct({
  name: 'clients.list',
  input: z.strictObject({}),
  work: ({ clients }) => ok({ clients: clients.list().map(clientWire) }),
});

export const approve = ownerAct({
  name: 'clients.approve',
  // An agent may have a shell: what asks to be let in must not be what lets it in.
  widens: true,
  input: oneId.extend({ agent: z.string().optional(), scopes: scopes.optional() }),
  work: (office, { id, agent, scopes: chosen }) =>
    withClient(office, id, ({ clientId }) =>
      wired(
        office.clients.approve({
          clientId,
          ...(agent === undefined ? {} : { agent }),
          ...(chosen === undefined ? {} : { scopes: chosen }),
          by: OWNER_CLI,
        }),
      ),
    ),
});

export const revoke = ownerAct({
  name: 'clients.revoke',
  input: oneId,
  work: (office, { id }) =>
    withClient(office, id, ({ clientId }) => wired(office.clients.revoke(clientId, OWNER_CLI))),
});

export const remove = ownerAct({
  name: 'clients.remove',
  input: oneId,
  work: (office, { id }) =>
    withClient(office, id, (client) => {
      const removed = office.clients.remove(client.clientId, OWNER_CLI);
      return removed.ok ? ok({ id: client.credential, removed: true }) : removed;
    }),
});

export const create = ownerAct({
  name: 'clients.create',
  widens: true,
  input: z.strictObject({
    name: z.string(),
    redirect_uris: z.array(z.string()),
    agent: z.string(),
    scopes,
    secret: z.boolean(),
  }),
  work({ clients }, given) {
    const made = clients.createStatic({
      name: given.name,
      redirectUris: given.redirect_uris,
      agent: given.agent,
      scopes: given.scopes,
      confidential: given.secret,
      by: OWNER_CLI,
    });
    return made.ok ? ok({ ...clientWire(made.value.client), secret: made.value.secret }) : made;
  },
});

export const disconnectAll = ownerAct({
  name: 'clients.disconnect-all',
  input: z.strictObject({}),
  work: ({ clients }) => ok({ grants_ended: clients.disconnectAll(OWNER_CLI).grants }),
});

export const rotateKeys = ownerAct({
  name: 'clients.rotate-keys',
  widens: true,
  input: z.strictObject({}),
  work(office) {
    // A key is read by who signs with it; where nobody does, the next start finds it.
    const signing = office.engine?.signing() ?? openSigningKeys({ ...office, wall: office.access.wall });
    const { kid, createdAtMs } = signing.rotate(OWNER_CLI);
    return ok({ kid, created_at: iso(createdAtMs) });
  },
});

export const connections = ownerAct({
  name: 'clients.connections',
  input: z.strictObject({}),
  work: (office) =>
    ok({
      connections: office.connections
        .list(REMOTE_CONNECTIONS_SHOWN_MAX)
        .map((connection) => connectionWire(office, connection)),
    }),
});

export function connectionWire({ clients, settings, access }: Office, connection: Connection) {
  const client = clients.find(connection.subject);
  const config = settings.acting();
  const [uri] = client?.metadata.redirect_uris ?? [];
  const { stages, verdict, says, todo } = diagnose({
    connection,
    client,
    facts: {
      on: config.MCP_HTTP_ENABLED,
      publicUrl: config.MCP_PUBLIC_URL?.origin ?? 'https://…',
      redirectHost: uri === undefined ? 'its own address' : redirectHost(uri),
      codeTtlSeconds: config.MCP_OAUTH_CODE_TTL,
      requireApproval: config.MCP_OAUTH_REQUIRE_APPROVAL,
    },
    nowMs: access.wall(),
  });
  return {
    subject: client?.credential ?? connection.subject,
    name: client?.metadata.client_name ?? null,
    verdict,
    says,
    todo,
    last_at: iso(connection.lastAtMs),
    stages: stages.map((one) => ({
      stage: one.stage,
      state: one.state,
      at: isoOrNull(one.atMs),
      error: one.error,
    })),
  };
}
