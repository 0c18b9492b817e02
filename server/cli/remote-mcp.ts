/** Remote MCP, when the owner has switched it on: opened on the books, under settings that it follows. */
import type { Config } from '#config.ts';
import type { Oauth } from '#oauth/oauth.ts';
import type { RemoteSettings } from '#oauth/records.ts';
import { StoreUnavailable } from '#store/open.ts';
import { settings as storedSettings } from '#store/settings.ts';
import { type Office, remoteScopes } from './office.ts';

/** undefined while it is off: no route of it is there then, and no token opens anything. Throws StoreError on an unusable key. */
export async function openRemoteMcp(office: Office, log: (line: string) => void): Promise<Oauth | undefined> {
  const { config, access, settings } = office;
  const { MCP_PUBLIC_URL: publicUrl } = config;
  if (!config.MCP_HTTP_ENABLED || publicUrl === undefined) return undefined;
  // Fetched only now: who serves nobody remote need not carry 50 MB of an authorization server, nor any command wait for it.
  const { openOauth } = await import('#oauth/oauth.ts');
  const oauth = openOauth({
    ...office,
    settings: settingsOf(config, publicUrl),
    onFault: (cause) => log(`The authorization server met a fault: ${shownFault(cause)}\n`),
  });
  access.servesRemote(oauth.remote);
  settings.onActing((next) => oauth.change(settingsOf(next, publicUrl)));
  return oauth;
}

/** Under which address tokens were made last. */
const ISSUER_SETTING = 'oauth_issuer';

/** At the start, before anybody is served: what was switched off while nothing ran, or has moved, has ended. */
export function settleRemote({ config, store, grants }: Office): void {
  const issuer = config.MCP_HTTP_ENABLED ? config.MCP_PUBLIC_URL?.origin : undefined;
  const rows = storedSettings(store);
  const before = rows.get(ISSUER_SETTING);
  if (issuer !== undefined && issuer !== before)
    store.transaction(() => {
      // A token is good for one address: under another one its grant opens nothing, and must not seem to.
      if (before !== undefined) grants.endAll('moved');
      rows.set(ISSUER_SETTING, issuer);
    });
  grants.enable(remoteScopes(config));
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
