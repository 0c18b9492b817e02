/** The owner's desk of remote clients on a real store and record, with grants as consent opens them. */
import { randomBytes } from 'node:crypto';
import { OWNER_CONSOLE, SCOPES, type Scope } from '#domain/principal.ts';
import { type Clients, openClients } from '#oauth/clients.ts';
import { openConnectionLog } from '#oauth/connections.ts';
import { type Grants, openGrants } from '#oauth/grants.ts';
import { payloadTable } from '#oauth/payload-table.ts';
import { openRegistration, type Registration } from '#oauth/registration.ts';
import { type AccessRoom, accessRoom, granted } from './access-room.ts';

export interface ClientRoom extends AccessRoom {
  readonly clients: Clients;
  readonly grants: Grants;
  readonly registration: Registration;
  /** A client that waits for the owner; its id. */
  register(over?: Readonly<Record<string, unknown>>, address?: string): string;
  /** As a consent of the owner's: for the agent that the client is approved for; its id. */
  grant(clientId: string, scopes?: readonly Scope[]): string;
  /** A code or token of it, as the authorization server keeps them; its id. */
  keep(kind: 'AuthorizationCode' | 'RefreshToken', grantId: string, livesMs: number): string;
}

const HOUR_MS = 3_600_000;
export const STRANGER = '203.0.113.7';

/** What hosts send, with what the test says otherwise. */
export const asked = (over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  client_name: 'Claude',
  redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  ...over,
});

export function clientRoom(room: AccessRoom = accessRoom(), enabled: readonly Scope[] = SCOPES): ClientRoom {
  const { store, audit, access, clock } = room;
  const grants = openGrants({ store, audit, clock, access, enabled });
  const connections = openConnectionLog({ store, clock, wallMs: access.wall });
  const clients = openClients({ store, audit, access, grants });
  const registration = openRegistration({
    issuer: 'https://gate.example.com',
    ...room,
    clients,
    connections,
    scopesEnabled: () => grants.enabled(),
  });
  return {
    ...room,
    grants,
    clients,
    registration,
    register(over, address = STRANGER) {
      const answer = registration.register(asked(over), { address, userAgent: 'test' });
      if (!answer.ok) throw new Error(`${answer.error.error}: ${answer.error.description}`);
      return answer.value.client_id;
    },
    grant(clientId, scopes = ['read:market']) {
      const agent = clients.find(clientId)?.agent;
      if (!agent) throw new Error('no agent: the client is not approved');
      const grantId = randomBytes(8).toString('hex');
      const expiresAtMs = access.wall() + HOUR_MS;
      granted(
        grants.open({
          grantId,
          clientId,
          agent: agent.id,
          scopes,
          steppedUpAtMs: access.wall(),
          expiresAtMs,
        }),
      );
      return grantId;
    },
    keep(kind, grantId, livesMs) {
      const id = randomBytes(8).toString('hex');
      const none = { client_id: null, uid: null, address: null };
      const row = { kind, id, payload: '{}', grant_id: grantId, epoch: access.epoch(), ...none };
      store.transaction(() => payloadTable(store).put({ ...row, expires_at: access.wall() + livesMs }));
      return id;
    },
  };
}

export const BY = OWNER_CONSOLE;
