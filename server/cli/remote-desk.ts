/** Remote clients as the console has them, with the settings that act on them. */
import type { RemoteDesk } from '#console/desks.ts';
import type { SigningDesk } from '#oauth/parts.ts';
import { type Office, remoteScopes } from './office.ts';

export function openRemoteDesk(
  { clients, connections, settings }: Pick<Office, 'clients' | 'connections' | 'settings'>,
  signing: SigningDesk | undefined,
): RemoteDesk {
  return {
    clients,
    connections,
    signing,
    state() {
      const config = settings.acting();
      return {
        on: config.MCP_HTTP_ENABLED,
        publicUrl: config.MCP_PUBLIC_URL?.origin ?? null,
        requireApproval: config.MCP_OAUTH_REQUIRE_APPROVAL,
        scopes: remoteScopes(config),
        codeTtlSeconds: config.MCP_OAUTH_CODE_TTL,
      };
    },
  };
}
