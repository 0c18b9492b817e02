/** What a running gateway shows by HTTP: the surface with its doors, and what the pages of the console may reach. */
import type { FastifyInstance } from 'fastify';
import type { AuditDesk } from '#audit/desk.ts';
import type { ConsoleServices } from '#console/desks.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { buildApp } from '#http/app.ts';
import type { McpOffer } from '#http/mcp-server.ts';
import type { NotifyDesk } from '#notify/desk.ts';
import type { Oauth } from '#oauth/oauth.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import { TOOLS } from '#tools/index.ts';
import type { StreamSource } from '#tools/stream-source.ts';
import { openAccountDesk } from './account-desk.ts';
import { httpSettings } from './http-settings.ts';
import { raiseGate } from './kill-file.ts';
import type { Office, RunningOffice } from './office.ts';
import { openPreferenceDesk } from './preference-desk.ts';
import { openRemoteDesk } from './remote-desk.ts';
import { openSettingsDesk } from './settings-desk.ts';
import { stdioLaunch } from './snippets.ts';

/** What the console's pages may reach. */
export function consoleServices(
  office: RunningOffice,
  given: {
    readonly record: AuditDesk;
    readonly version: string;
    readonly notify: NotifyDesk;
    readonly remote: Oauth | undefined;
  },
): ConsoleServices {
  const { config, clock, store, audit, access, book, engine } = office;
  const timezone = config.PORTCULLIS_TIMEZONE;
  return {
    audit: given.record,
    notify: given.notify,
    access,
    trading: engine.trading,
    book,
    markets: engine.markets,
    clock,
    version: given.version,
    timezone,
    stdio: stdioLaunch(config),
    gate: { resume: () => raiseGate(config.DATA_DIR, () => engine.trading.owner.resume()) },
    recorded: audit,
    remote: openRemoteDesk(office, given.remote?.signing),
    settings: openSettingsDesk(office, OWNER_CONSOLE),
    accounts: openAccountDesk(office, OWNER_CONSOLE),
    preferences: openPreferenceDesk({ store, audit, by: OWNER_CONSOLE, timezone }),
  };
}

interface HttpParts {
  readonly dispatcher: Dispatcher;
  readonly mcp: McpOffer;
  readonly stream: StreamSource;
  readonly version: string;
  readonly log: (line: string) => void;
  readonly console: ConsoleServices;
  /** undefined: remote MCP is off. */
  readonly remote: Oauth | undefined;
}

/** Nobody listens on it yet. */
export function httpSurface(
  { config, settings, access, audit, clock }: Office,
  { log, remote, ...parts }: HttpParts,
): FastifyInstance {
  const { MCP_PUBLIC_URL: publicUrl } = config;
  return buildApp({
    ...parts,
    access,
    audit,
    clock,
    tools: TOOLS,
    logTo: { write: log },
    ...(remote && publicUrl ? { oauth: { ...remote, issuer: publicUrl.origin } } : {}),
    settings: httpSettings(config),
    onSettings: (listener) => settings.onActing((next) => listener(httpSettings(next))),
  });
}
