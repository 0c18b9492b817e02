/** Fills a folder with remote clients and what was granted to them, as so many consents of the owner's would have left it. */
import { hash, randomBytes } from 'node:crypto';
import { openOffice } from '#cli/office.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { configIn } from './gateway.ts';

const CALLBACK = 'https://client.example/callback';
const SCOPES_GRANTED = ['read:market', 'read:account'] as const;
const DAY_MS = 86_400_000;
/** Below the bound on approved clients. */
const CLIENTS = 100;

export interface SeededGrant {
  readonly clientId: string;
  readonly grantId: string;
  readonly refreshToken: string;
}

/** Not the port that it listens on, which is told first when it does: its issuer is a name, and tokens are made for that. */
export const PUBLIC_URL = 'http://127.0.0.1:7800';
const HIGH_RATE = '100000 per second';
export const REMOTE_ON: Readonly<Record<string, string>> = {
  MCP_HTTP_ENABLED: 'true',
  MCP_PUBLIC_URL: PUBLIC_URL,
  MCP_RATE_LIMIT_READ: HIGH_RATE,
  MCP_RATE_LIMIT_WRITE: HIGH_RATE,
  MCP_OAUTH_ACCESS_TTL: '3600',
};

/** While no engine runs on the folder: grants that live, each with its refresh token, of clients that act as `agent`; the first is told. */
export function seedGrants(
  folder: string,
  { grants, agent }: { grants: number; agent: string },
): SeededGrant {
  const office = openOffice(configIn(folder, REMOTE_ON), wallClock);
  const { store, access, clients } = office;
  try {
    const made = Array.from({ length: Math.min(CLIENTS, grants) }, (_, n) => {
      const client = clients.createStatic({
        name: `host ${n}`,
        redirectUris: [CALLBACK],
        agent,
        scopes: SCOPES_GRANTED,
        confidential: false,
        by: OWNER_CLI,
      });
      if (!client.ok) throw new Error(client.error.detail);
      return client.value.client;
    });
    const insertGrant = store.db.prepare(
      `INSERT INTO oauth_grants (grant_id, client_id, agent_id, scopes, epoch, stepup_at, created_at, expires_at, last_used_at)
       VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?)`,
    );
    const insertPayload = store.db.prepare(
      `INSERT INTO oauth_payloads (kind, id, payload, grant_id, client_id, epoch, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    const nowMs = access.wall();
    const expiresMs = nowMs + 30 * DAY_MS;
    const epoch = access.epoch();
    const granted = {
      iat: Math.floor(nowMs / 1_000),
      exp: Math.floor(expiresMs / 1_000),
      accountId: 'owner',
    };
    const scope = SCOPES_GRANTED.join(' ');
    const resource = `${PUBLIC_URL}/mcp`;
    let first: SeededGrant | undefined;
    store.transaction(() => {
      for (let n = 0; n < grants; n++) {
        const client = made[n % made.length];
        if (!client?.agent) throw new Error('a client that was made has no agent');
        const { clientId } = client;
        const grantId = randomBytes(32).toString('base64url');
        const refreshToken = randomBytes(32).toString('base64url');
        insertGrant.run(grantId, clientId, client.agent.id, scope, epoch, nowMs, expiresMs, nowMs);
        const grant = { ...granted, clientId, kind: 'Grant', jti: grantId, resources: { [resource]: scope } };
        insertPayload.run('Grant', grantId, JSON.stringify(grant), null, clientId, epoch, expiresMs);
        const token = {
          ...granted,
          authTime: granted.iat,
          iiat: granted.iat,
          clientId,
          grantId,
          gty: 'authorization_code',
          kind: 'RefreshToken',
          resource,
          rotations: 0,
          scope,
        };
        insertPayload.run(
          'RefreshToken',
          hash('sha256', refreshToken, 'base64url'),
          JSON.stringify(token),
          grantId,
          clientId,
          epoch,
          expiresMs,
        );
        first ??= { clientId, grantId, refreshToken };
      }
    });
    if (first === undefined) throw new Error('there is to be one grant at least');
    return first;
  } finally {
    office.close();
  }
}
