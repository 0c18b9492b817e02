/** The HTTP surface as one Fastify instance that tests can inject into; whoever listens on it is somebody else. */
import Fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import type { AuditLog } from '#audit/log.ts';
import type { ConsoleServices } from '#console/desks.ts';
import type { Scope } from '#domain/principal.ts';
import {
  BODY_BYTES_MAX,
  HTTP_HEAD_TIMEOUT_MS,
  HTTP_PATH_ARGUMENT_LENGTH_MAX,
  HTTP_REQUEST_TIMEOUT_MS,
  HTTP_TIMEOUT_CHECK_MS,
  JSON_COMMAS_MAX,
  JSON_DEPTH_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Tool } from '#tools/define.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import type { StreamSource } from '#tools/stream-source.ts';
import { addressLimits } from './address-limit.ts';
import { openAssets } from './assets.ts';
import type { DoorAccess } from './auth.ts';
import { openConnections } from './connections.ts';
import { consoleDoor } from './console.ts';
import type { Discovery } from './discovery.ts';
import { docs } from './docs.ts';
import { answerError } from './errors.ts';
import { type GuardOptions, guard } from './guard.ts';
import { health } from './health.ts';
import { loggerOptions } from './http-log.ts';
import { exceedsBounds } from './json-bounds.ts';
import { knownPaths } from './known-paths.ts';
import { mcpDoor } from './mcp.ts';
import type { McpOffer } from './mcp-server.ts';
import { type OauthDoor, oauthDoor } from './oauth.ts';
import { type Perimeter, type PerimeterSettings, type Place, perimeter } from './perimeter.ts';
import { nothingHere } from './problem.ts';
import { headOf, pathOf, sendRefusal } from './request-head.ts';
import { rest } from './rest.ts';

export interface HttpSettings extends PerimeterSettings {
  readonly logLevel: string;
  /** What remote clients may ask for while remote MCP is on. */
  readonly remoteScopes: readonly Scope[];
}

export interface AppOptions {
  readonly settings: HttpSettings;
  readonly dispatcher: Dispatcher;
  /** What `/mcp` offers to whom it has let in. */
  readonly mcp: McpOffer;
  /** Each becomes a route of REST. */
  readonly tools: readonly Tool[];
  /** What programs are told of as it happens; absent, there is no stream. */
  readonly stream?: StreamSource;
  readonly access: DoorAccess;
  readonly audit: Pick<AuditLog, 'recordRepeated' | 'recordDeferred'>;
  readonly clock: Clock;
  readonly version: string;
  /** What /admin is made of; absent, there is none. */
  readonly console?: ConsoleServices;
  /** Calls with every change of the settings: who is served, from where, and what may be asked for follow at once. */
  readonly onSettings?: (listener: (next: HttpSettings) => void) => void;
  /** What is open while remote MCP is on; absent, none of its routes is there. */
  readonly oauth?: OauthDoor;
  /** Where log lines go; standard output without it. */
  readonly logTo?: { write(line: string): void };
}

const BODY_BOUNDS = { depthMax: JSON_DEPTH_MAX, commasMax: JSON_COMMAS_MAX };
class UnreadableBody extends Error {
  readonly statusCode = 400;
}

/** An empty body is no body: some clients name a content type with every request. */
function parseBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    if (text === '') done(null, undefined);
    else if (exceedsBounds(text, BODY_BOUNDS)) done(new UnreadableBody());
    else void parse(request, text, done);
  });
}

const discoveryOf = ({ publicUrl, remoteScopes }: HttpSettings): Discovery | undefined =>
  publicUrl && { publicUrl, scopes: remoteScopes };

/** Who is refused at the perimeter learns nothing about what else was wrong. */
function answerUnroutable(admit: Perimeter): NonNullable<FastifyServerOptions['frameworkErrors']> {
  return (error, request, reply) => {
    const admitted = admit(headOf(request, pathOf(request)));
    if (admitted.ok) void answerError(error, request, reply);
    else void sendRefusal(request, reply, admitted.error);
  };
}

/** By the settings as they are at the time of each request. */
function following(options: AppOptions): {
  readonly admit: Perimeter;
  readonly discovery: () => Discovery | undefined;
} {
  const under = (settings: HttpSettings) => ({
    admit: perimeter(settings),
    discovery: discoveryOf(settings),
  });
  let now = under(options.settings);
  options.onSettings?.((next) => {
    now = under(next);
  });
  return { admit: (head) => now.admit(head), discovery: () => now.discovery };
}

export function buildApp(options: AppOptions): FastifyInstance {
  const { settings } = options;
  const { admit, discovery } = following(options);
  const places = new WeakMap<FastifyRequest, Place>();
  const connections = openConnections();
  const assets = openAssets();
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HTTP_HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: HTTP_TIMEOUT_CHECK_MS,
      // The perimeter says in its own words that a request without Host is not for us.
      requireHostHeader: false,
    },
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: HTTP_PATH_ARGUMENT_LENGTH_MAX },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: answerUnroutable(admit),
    clientErrorHandler: (error, socket) => connections.unreadable(error, socket),
    ...loggerOptions({ level: settings.logLevel, ...(options.logTo ? { to: options.logTo } : {}) }),
  });
  parseBodies(app);
  connections.watch(app, options.clock);
  const limits = addressLimits(app, options);
  const challenged: GuardOptions['challenged'] = (address, reason) =>
    options.oauth?.connections.note('challenge', { address }, reason);
  guard(app, { admit, limits, connections, paths: knownPaths(app), places, discovery, challenged });
  app.setErrorHandler(answerError);
  // What has not been placed is a stranger's.
  const placeOf = (request: FastifyRequest): Place => places.get(request) ?? 'public';
  app.get('/', (request, reply) =>
    placeOf(request) === 'public' && !settings.publicConsole
      ? sendRefusal(request, reply, nothingHere())
      : reply.redirect('/admin', 302),
  );
  health(app);
  docs(app, { ...options, assets, placeOf });
  void app.register(async (scope) => mcpDoor(scope, options));
  void app.register(async (scope) => rest(scope, options));
  const { console } = options;
  if (console) void app.register(async (scope) => consoleDoor(scope, console, assets));
  if (options.oauth) oauthDoor(app, options.oauth, { ...options, assets });
  return app;
}
