/** Remote MCP, when the owner has switched it on: opened on the books, under settings that it follows. */
import type { Config } from '#config.ts';
import { type Oauth, openOauth } from '#oauth/oauth.ts';
import type { RemoteSettings } from '#oauth/records.ts';
import { StoreUnavailable } from '#store/open.ts';
import { type Office, remoteScopes } from './office.ts';

/** undefined while it is off: no route of it is there then, and no token opens anything. Throws StoreError on an unusable key. */
export function openRemoteMcp(office: Office, log: (line: string) => void): Oauth | undefined {
  const { config, access, settings } = office;
  const { MCP_PUBLIC_URL: publicUrl } = config;
  if (!config.MCP_HTTP_ENABLED || publicUrl === undefined) return undefined;
  const oauth = openOauth({
    ...office,
    settings: settingsOf(config, publicUrl),
    onFault: (cause) => log(`The authorization server met a fault: ${shownFault(cause)}\n`),
  });
  access.servesRemote(oauth.remote);
  settings.onActing((next) => oauth.change(settingsOf(next, publicUrl)));
  return oauth;
}

const settingsOf = (config: Config, publicUrl: URL): RemoteSettings => ({
  publicUrl,
  requireApproval: config.MCP_OAUTH_REQUIRE_APPROVAL,
  scopesEnabled: remoteScopes(config),
  accessTtlSeconds: config.MCP_OAUTH_ACCESS_TTL,
  refreshTtlSeconds: config.MCP_OAUTH_REFRESH_TTL,
  codeTtlSeconds: config.MCP_OAUTH_CODE_TTL,
});

/** Its kind and where it came from: what a library says beyond that may quote a request, and so a secret. */
function shownFault(cause: unknown): string {
  if (cause instanceof StoreUnavailable) return cause.message;
  if (!(cause instanceof Error)) return typeof cause;
  const frames = (cause.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return [cause.name, ...frames].join('\n');
}
