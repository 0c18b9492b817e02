/** /mcp: both protocol eras on one endpoint, authentication first, every tool call through the one dispatcher. */
import {
  classifyInboundRequest,
  isJSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { Clock } from '#ports.ts';
import { authenticate, concernsCaller, type DoorAccess, refuseAtDoor, scopesNeeded } from './auth.ts';
import {
  directAnswers,
  type Era,
  isLegacyCall,
  type McpHeaders,
  MODERN_PROTOCOL_VERSION,
  modernCheck,
  type PlainCall,
  plainCall,
  toolCall,
} from './mcp-direct.ts';
import { type McpEras, mcpEras } from './mcp-eras.ts';
import type { McpOffer } from './mcp-server.ts';
import type { McpTools } from './mcp-tools.ts';
import { headerOf, wantsStream } from './mcp-web.ts';
import { noPrincipal, RPC_INVALID_REQUEST, RPC_PARSE_ERROR, rpcError } from './problem.ts';
import { sendTogether } from './send-together.ts';

export interface McpDoorOptions {
  readonly mcp: McpOffer;
  readonly access: DoorAccess;
  readonly clock: Clock;
  readonly version: string;
}

/** What a stranger may know: that this is an MCP endpoint and how to be let in. */
const CAPABILITY_DOCUMENT = {
  name: 'portcullis',
  title: 'Portcullis trading gateway',
  transport: 'streamable-http',
  endpoint: '/mcp',
  protocol_versions: [MODERN_PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS],
  authentication: {
    scheme: 'Bearer',
    detail:
      "An API key of the owner's making: npx portcullis keys create --agent NAME --scopes read:market,read:account. While remote MCP is on, an access token too: /.well-known/oauth-protected-resource/mcp says from where.",
  },
  rest: '/api/v1',
};

interface Door {
  readonly tools: McpTools;
  readonly denied: McpOffer['denied'];
  readonly eras: McpEras;
  readonly answer: ReturnType<typeof directAnswers>;
  readonly isModernCall: ReturnType<typeof modernCheck>;
  readonly stillLive: (principal: Principal) => boolean;
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly principal: Principal;
}

async function callDirectly(
  door: Door,
  { reply, principal }: Asked,
  call: Pick<PlainCall, 'id' | 'params'>,
  era: Era,
): Promise<FastifyReply> {
  const { body, refusal } = await door.answer(principal, call, era);
  if (refusal && concernsCaller(refusal, () => door.stillLive(principal))) {
    const missing = door.tools.missingScope(principal, call.params.name);
    const scope = missing && scopesNeeded(principal, missing);
    return refuseAtDoor(reply, refusal, { id: call.id, scope });
  }
  return reply
    .header('cache-control', 'no-store')
    .header('content-type', 'application/json; charset=utf-8')
    .send(body);
}

const headersOf = (request: FastifyRequest): McpHeaders => ({
  protocolVersion: headerOf(request, 'mcp-protocol-version'),
  method: headerOf(request, 'mcp-method'),
  name: headerOf(request, 'mcp-name'),
  accept: headerOf(request, 'accept'),
});

/** Whether nothing but its body says what a request is: no session, no revision. */
const isBare = (request: FastifyRequest, headers: McpHeaders): boolean =>
  headers.protocolVersion === undefined && headerOf(request, 'mcp-session-id') === undefined;

/** Which way an authenticated POST takes: the short one if it is a plain call of a tool, else what the SDK makes of it. */
async function servePost(door: Door, asked: Asked): Promise<FastifyReply> {
  const { request, principal } = asked;
  const call = plainCall(request.body);
  if (call && door.tools.has(call.params.name)) {
    const headers = headersOf(request);
    if (door.isModernCall(call, headers)) return callDirectly(door, asked, call, 'modern');
    if (call.meta === undefined && isBare(request, headers)) return callDirectly(door, asked, call, 'legacy');
    const sessionId = headerOf(request, 'mcp-session-id');
    const inSession = sessionId !== undefined && isLegacyCall(call, headers);
    if (inSession && door.eras.hasSession(sessionId, principal))
      return callDirectly(door, asked, call, 'legacy');
  }
  return serveThroughSdk(door, asked);
}

async function serveThroughSdk(door: Door, asked: Asked): Promise<FastifyReply> {
  const { request, reply, principal } = asked;
  const { body } = request;
  const { eras } = door;
  if (body === undefined || body === null)
    return reply.code(400).send(rpcError(null, RPC_PARSE_ERROR, 'Send one JSON-RPC request as the body.'));
  const single = isJSONRPCRequest(body) ? body : undefined;
  // A missing scope is told by the status in both eras, whatever the SDK would have made of the request.
  const call = single && toolCall(single);
  if (call && door.tools.missingScope(principal, call.params.name) !== undefined)
    return callDirectly(door, asked, call, 'legacy');
  const denied = single && (await door.denied({ principal, via: 'http' }, single));
  if (denied)
    return refuseAtDoor(reply, denied.refusal, {
      id: single.id,
      scope: scopesNeeded(principal, denied.scope),
    });

  const headers = headersOf(request);
  const { protocolVersion } = headers;
  const versionHeader = protocolVersion === undefined ? {} : { protocolVersionHeader: protocolVersion };
  const classified = classifyInboundRequest({ httpMethod: 'POST', ...versionHeader, body });
  if (classified.kind !== 'legacy') return eras.modern(request, reply, principal);

  const opensSession = single?.method === 'initialize' && wantsStream(request);
  if (opensSession || !isBare(request, headers)) return eras.session(request, reply, principal);
  if (Array.isArray(body))
    return reply
      .code(400)
      .send(rpcError(null, RPC_INVALID_REQUEST, 'Send one JSON-RPC request; a batch needs a session.'));
  return eras.plain(request, reply, principal);
}

export function mcpDoor(app: FastifyInstance, options: McpDoorOptions): void {
  const { access, clock, version, mcp: offer } = options;
  const { tools } = offer;
  const stillLive = (principal: Principal): boolean => access.stillLive(principal).ok;
  const onError = (error: Error): void => app.log.debug({ reason: error.message }, 'mcp');
  const eras = mcpEras({ offer, clock, version, stillLive, onError });
  const door: Door = {
    tools,
    denied: offer.denied,
    eras,
    answer: directAnswers(tools, version),
    isModernCall: modernCheck(),
    stillLive,
  };
  const principals = new WeakMap<FastifyRequest, Principal>();
  const identify = ({ headers, ip }: FastifyRequest): Result<Principal, Refusal> =>
    authenticate(access, { authorization: headers.authorization, door: 'http', address: ip });
  sendTogether(app);

  app.addHook('preClose', () => eras.close());

  app.addHook('onRequest', (request, reply, done) => {
    // A GET that asks for no stream gets the capability document, keyless.
    if (request.method === 'GET' && !wantsStream(request)) return done();
    const principal = identify(request);
    if (!principal.ok) return void refuseAtDoor(reply, principal.error);
    principals.set(request, principal.value);
    return done();
  });
  const post = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const known = principals.get(request);
    // A body may come half a minute after its head: what was let in then may have been shut out since.
    const principal = known && stillLive(known) ? ok(known) : identify(request);
    if (!principal.ok) return refuseAtDoor(reply, principal.error);
    return servePost(door, { request, reply, principal: principal.value });
  };
  app.post('/mcp', post);
  app.post('/', post);
  app.get('/mcp', async (request, reply) => {
    const principal = principals.get(request);
    if (principal) return eras.session(request, reply, principal);
    return reply.header('cache-control', 'no-store').send(CAPABILITY_DOCUMENT);
  });
  app.delete('/mcp', async (request, reply) => {
    const principal = principals.get(request);
    return principal ? eras.session(request, reply, principal) : refuseAtDoor(reply, noPrincipal());
  });
}
