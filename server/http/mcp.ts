/** /mcp: both protocol eras on one endpoint, authentication first, every tool call through the one dispatcher. */
import {
  classifyInboundRequest,
  isJSONRPCRequest,
  type JSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import { authenticate, concernsCaller, type DoorAccess, refuseAtDoor } from './auth.ts';
import { answerDirectly, headersAllowJson, toolCall } from './mcp-direct.ts';
import { type McpEras, mcpEras } from './mcp-eras.ts';
import type { McpOffer } from './mcp-server.ts';
import type { CallParams, McpTools } from './mcp-tools.ts';
import { headerOf, wantsStream } from './mcp-web.ts';
import { noPrincipal, RPC_INVALID_REQUEST, RPC_PARSE_ERROR, rpcError } from './problem.ts';

export interface McpDoorOptions {
  readonly mcp: McpOffer;
  readonly access: DoorAccess;
  readonly clock: Clock;
  readonly version: string;
}

const MODERN_PROTOCOL_VERSION = '2026-07-28';

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
      "An API key of the owner's making: npx portcullis keys create --agent NAME --scopes read:market,read:account",
  },
  rest: '/api/v1',
};

interface Door {
  readonly tools: McpTools;
  readonly eras: McpEras;
  readonly stillLive: (principal: Principal) => boolean;
}

async function callDirectly(
  door: Door,
  reply: FastifyReply,
  principal: Principal,
  asked: { readonly request: JSONRPCRequest; readonly call: CallParams },
): Promise<FastifyReply> {
  const { id } = asked.request;
  const answer = await answerDirectly(door.tools, principal, id, asked.call);
  if (answer.kind === 'refused' && concernsCaller(answer.refusal, () => door.stillLive(principal))) {
    const scope = door.tools.missingScope(principal, asked.call.name);
    return refuseAtDoor(reply, answer.refusal, { id, scope });
  }
  return reply.header('cache-control', 'no-store').type('application/json').send(answer.body);
}

/** Which way an authenticated POST takes. */
async function servePost(
  door: Door,
  request: FastifyRequest,
  reply: FastifyReply,
  principal: Principal,
): Promise<FastifyReply> {
  const { body } = request;
  const { eras } = door;
  if (body === undefined || body === null)
    return reply.code(400).send(rpcError(null, RPC_PARSE_ERROR, 'Send one JSON-RPC request as the body.'));
  const single = isJSONRPCRequest(body) ? body : undefined;
  // What is no tool of ours is the server's to answer, in its words.
  const call = single && toolCall(single);
  const asked = call && door.tools.has(call.params.name) ? call : undefined;
  const directly =
    single && asked && (() => callDirectly(door, reply, principal, { request: single, call: asked.params }));
  // A missing scope is told by the status in both eras, whatever the SDK would have made of the request.
  if (directly && door.tools.missingScope(principal, asked.params.name) !== undefined) return directly();
  const direct = asked?.wantsProgress ? undefined : directly;

  const protocolVersion = headerOf(request, 'mcp-protocol-version');
  const versionHeader = protocolVersion === undefined ? {} : { protocolVersionHeader: protocolVersion };
  const classified = classifyInboundRequest({ httpMethod: 'POST', ...versionHeader, body });
  if (classified.kind !== 'legacy') return eras.modern(request, reply, principal);

  const sessionId = headerOf(request, 'mcp-session-id');
  if (sessionId !== undefined) {
    const readsJson = headersAllowJson(headerOf(request, 'accept') ?? '', protocolVersion);
    if (direct && readsJson && eras.hasSession(sessionId, principal)) return direct();
    return eras.session(request, reply, principal);
  }
  const opensSession = single?.method === 'initialize' && wantsStream(request);
  if (opensSession || protocolVersion !== undefined) return eras.session(request, reply, principal);
  if (directly) return directly();
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
  const door: Door = { tools, eras, stillLive };
  const principals = new WeakMap<FastifyRequest, Principal>();

  access.onEpochChange(() => eras.endDead());
  app.addHook('preClose', () => eras.close());

  app.addHook('onRequest', async (request, reply) => {
    // A GET that asks for no stream gets the capability document, keyless.
    if (request.method === 'GET' && !wantsStream(request)) return undefined;
    const principal = authenticate(access, {
      authorization: request.headers.authorization,
      door: 'http',
      address: request.ip,
    });
    if (!principal.ok) return refuseAtDoor(reply, principal.error);
    principals.set(request, principal.value);
    return undefined;
  });
  const post = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const principal = principals.get(request);
    return principal ? servePost(door, request, reply, principal) : refuseAtDoor(reply, noPrincipal());
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
