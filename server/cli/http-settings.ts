/** What of the settings the HTTP surface goes by; some of it follows a change at once. */
import type { Config } from '#config.ts';
import type { HttpSettings } from '#http/app.ts';
import { remoteScopes } from './office.ts';

export const httpSettings = (config: Config): HttpSettings => ({
  allowedHosts: config.PORTCULLIS_ALLOWED_HOSTS,
  ipAllowlist: config.MCP_HTTP_IP_ALLOWLIST,
  publicUrl: config.MCP_HTTP_ENABLED ? config.MCP_PUBLIC_URL : undefined,
  publicConsole: config.PORTCULLIS_PUBLIC_CONSOLE,
  publicRest: config.PORTCULLIS_PUBLIC_REST,
  corsOrigins: config.MCP_HTTP_CORS_ORIGINS,
  trustedProxies: config.TRUSTED_PROXIES,
  logLevel: config.LOG_LEVEL,
  remoteScopes: remoteScopes(config),
});
