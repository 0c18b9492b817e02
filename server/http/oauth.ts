/** The public face of remote MCP: OAuth's endpoints, each route by name, and the documents in which hosts find them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OAUTH_BODY_BYTES_MAX } from '#limits.ts';
import type { Interactions } from '#oauth/interaction-pages.ts';
import type { AuthorizationServer, ProviderEndpoint } from '#oauth/parts.ts';
import type { ClientDesk, ConnectionLog, ConnectionStep } from '#oauth/records.ts';
import type { Registration } from '#oauth/registration.ts';
import type { Clock } from '#ports.ts';
import type { Assets } from './assets.ts';
import { isTakenInElsewhere } from './console-forms.ts';
import { RESOURCE_METADATA_PATH } from './discovery.ts';
import { oauthPages } from './oauth-pages.ts';
import { oauthRegister } from './oauth-register.ts';
import { EVERY_ANSWER, openOauthViews } from './oauth-views.ts';
import { isLoopbackName } from './perimeter.ts';
import { nothingHere, sendProblem } from './problem.ts';

export interface OauthDoor {
  readonly server: AuthorizationServer;
  readonly registration: Registration;
  readonly interactions: Interactions;
  readonly connections: Pick<ConnectionLog, 'note'>;
  readonly formKey: Buffer;
  readonly clients: Pick<ClientDesk, 'find'>;
  /** Origin of MCP_PUBLIC_URL. */
  readonly issuer: string;
}

export interface DoorParts {
  readonly settings: { readonly publicConsole: boolean };
  readonly clock: Clock;
  readonly assets: Assets;
  readonly console?: { readonly timezone: string };
}

interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly kind: ProviderEndpoint['kind'];
}

/**
 * One by one, never `/oauth/*`: the library behind them ignores case and a slash at the end, and would answer addresses that our
 * own rules do not know. Those at the root are what hosts guess that could not read the metadata.
 */
export const OAUTH_ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: '/oauth/authorize', kind: 'authorize' },
  { method: 'GET', path: '/authorize', kind: 'authorize' },
  { method: 'GET', path: '/oauth/authorize/:uid', kind: 'resume' },
  { method: 'POST', path: '/oauth/token', kind: 'token' },
  { method: 'POST', path: '/token', kind: 'token' },
  { method: 'POST', path: '/oauth/revoke', kind: 'revoke' },
  { method: 'GET', path: '/oauth/jwks', kind: 'jwks' },
];

/** Each at the root and under the path of the resource, where RFC 8414, 3.1 and RFC 9728, 3.1 make hosts look. */
export const DISCOVERY_PATHS: readonly { readonly path: string; readonly of: 'server' | 'resource' }[] = [
  { path: RESOURCE_METADATA_PATH, of: 'resource' },
  { path: '/.well-known/oauth-protected-resource', of: 'resource' },
  { path: '/.well-known/oauth-authorization-server', of: 'server' },
  { path: '/.well-known/oauth-authorization-server/mcp', of: 'server' },
  { path: '/.well-known/openid-configuration', of: 'server' },
  { path: '/.well-known/openid-configuration/mcp', of: 'server' },
];

export function oauthDoor(
  app: FastifyInstance,
  door: OauthDoor,
  { settings, clock, assets, console }: DoorParts,
): void {
  const views = openOauthViews({
    assets,
    clock,
    timezone: console?.timezone ?? 'UTC',
    clients: door.clients,
    // A loopback host serves everything.
    consoleUrl: () =>
      settings.publicConsole || isLoopbackName(new URL(door.issuer).hostname)
        ? `${door.issuer}/admin/remote-mcp`
        : null,
  });
  door.server.showsProblems(views.show);
  void app.register(async (scope) => oauthRegister(scope, door.registration));
  void app.register(async (scope) => oauthPages(scope, { ...door, views, assets }));
  void app.register(async (scope) => endpoints(scope, door));
  for (const { path, of } of DISCOVERY_PATHS) app.get(path, documentOf(of, door));
}

function documentOf(of: 'server' | 'resource', { server, connections }: OauthDoor) {
  const step: ConnectionStep = of === 'server' ? 'server_metadata' : 'resource_metadata';
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    connections.note(step, { address: request.ip }, 'ok');
    // What may be asked for follows the settings at once.
    void reply.header('cache-control', 'no-store').type('application/json; charset=utf-8');
    return reply.send(of === 'server' ? server.metadata() : server.resourceMetadata());
  };
}

/** In a scope of its own: bodies stay text, because the form is read by who answers it. */
function endpoints(scope: FastifyInstance, { server }: OauthDoor): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: OAUTH_BODY_BYTES_MAX },
    (_request, body, done) => done(null, String(body)),
  );
  scope.setErrorHandler((error, _request, reply) => {
    const status: unknown = Reflect.get(error as object, 'statusCode');
    if (typeof status !== 'number' || status >= 500) throw error;
    void reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' });
    return reply.code(status).send({
      error: 'invalid_request',
      error_description: `The body could not be read: send a form of at most ${OAUTH_BODY_BYTES_MAX / 1_024} KiB.`,
    });
  });
  for (const { method, path, kind } of OAUTH_ENDPOINTS)
    scope.route<{ Params: { readonly uid?: string } }>({
      method,
      url: path,
      bodyLimit: OAUTH_BODY_BYTES_MAX,
      handler(request, reply) {
        // An image on any page would have each of its visitors begin as many requests as their network may.
        if (isGoneTo(kind) && isTakenInElsewhere(request))
          return reply.code(403).headers(EVERY_ANSWER).send();
        const endpoint = endpointOf(kind, request.params.uid);
        return endpoint ? pass(server, endpoint, { request, reply }) : sendProblem(reply, nothingHere());
      },
    });
}

/** As the library makes them; a path without one is none of ours. */
const INTERACTION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Where a browser is sent to; the others are called. */
const isGoneTo = (kind: Endpoint['kind']): boolean => kind === 'authorize' || kind === 'resume';

function endpointOf(kind: Endpoint['kind'], uid = ''): ProviderEndpoint | undefined {
  if (kind !== 'resume') return { kind };
  return INTERACTION_ID.test(uid) ? { kind, uid } : undefined;
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The answer is written on the connection itself, past the framework: what it was to carry is put there first. */
async function pass(
  server: AuthorizationServer,
  endpoint: ProviderEndpoint,
  { request, reply }: Asked,
): Promise<void> {
  const { raw, url } = request;
  const headers = { ...reply.getHeaders(), ...EVERY_ANSWER };
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
  const question = url.indexOf('?');
  const call = {
    endpoint,
    query: question === -1 ? '' : url.slice(question + 1),
    headers: raw.headers,
    body: typeof request.body === 'string' ? request.body : '',
    address: request.ip,
  };
  await server.handle(call, reply.raw);
}
