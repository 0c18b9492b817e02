/** /mcp: both protocol eras on one endpoint, authentication first, every tool call through the one dispatcher. */

import { toWebRequest } from '@modelcontextprotocol/node';
import {
  type AuthInfo,
  classifyInboundRequest,
  createMcpHandler,
  isJSONRPCRequest,
  type JSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { MCP_STREAMS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import { atDoor, authenticate, challenge, type DoorAccess } from './auth.ts';
import { answerDirectly, directCall, headersAllowJson } from './mcp-direct.ts';
import { buildServer } from './mcp-server.ts';
import { mcpSessions } from './mcp-sessions.ts';
import { mcpTools } from './mcp-tools.ts';
import { httpProblem, RPC_INVALID_REQUEST, RPC_PARSE_ERROR, rpcError, sendRpcProblem } from './problem.ts';

export interface McpDoorOptions {
  readonly dispatcher: Dispatcher;
  readonly access: DoorAccess;
  readonly clock: Clock;
  readonly version: string;
}

const MODERN_PROTOCOL_VERSION = '2026-07-28';
const JSON_AND_STREAM = 'application/json, text/event-stream';

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};
const wantsStream = (request: FastifyRequest): boolean =>
  (header(request, 'accept') ?? '').includes('text/event-stream');

/** What a stranger may know: that this is an MCP endpoint and how to be let in. */
const capabilityDocument = {
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

export function mcpDoor(app: FastifyInstance, options: McpDoorOptions): void {
  const { access, clock } = options;
  const tools = mcpTools(options.dispatcher);
  const principals = new WeakMap<FastifyRequest, Principal>();
  /** How a principal travels through the SDK: its AuthInfo carries no token, only who it stands for. */
  const byAuthInfo = new WeakMap<AuthInfo, Principal>();
  const streams = new Map<AbortController, Principal>();

  const stillLive = (principal: Principal): boolean => access.stillLive(principal).ok;

  function authInfoOf(principal: Principal): AuthInfo {
    const info: AuthInfo = { token: '', clientId: principal.credential, scopes: [...principal.scopes] };
    byAuthInfo.set(info, principal);
    return info;
  }
  const makeServer = () =>
    buildServer({
      tools,
      version: options.version,
      via: 'http',
      clock,
      principal: (context) => {
        const info = context.http?.authInfo;
        const principal = info && byAuthInfo.get(info);
        return principal ? ok(principal) : err(noPrincipal());
      },
    });
  const reportError = (error: Error): void => app.log.debug({ message: error.message }, 'mcp');
  const modern = createMcpHandler(makeServer, {
    legacy: 'reject',
    maxSubscriptions: MCP_STREAMS_MAX,
    onerror: reportError,
  });
  const sessions = mcpSessions({ clock, makeServer, stillLive });

  access.onEpochChange(() => {
    sessions.retireUnless(stillLive);
    for (const [controller, principal] of streams) if (!stillLive(principal)) controller.abort();
  });
  app.addHook('preClose', async () => {
    sessions.close();
    for (const controller of streams.keys()) controller.abort();
    await modern.close();
  });

  function refuseAtDoor(reply: FastifyReply, refusal: Refusal, scope?: string): FastifyReply {
    const told = atDoor(refusal);
    return sendRpcProblem(challenge(reply, told, scope), told);
  }
  /** Whether a refused call is told by the HTTP status: the caller itself is unwelcome, not what it asked for. */
  function concernsCaller(refusal: Refusal, principal: Principal): boolean {
    switch (refusal.reason) {
      case 'unauthenticated':
      case 'credential_revoked':
      case 'ip_not_allowed':
      case 'insufficient_scope':
        return true;
      // An agent's own halt is an answer; the kill switch closes the door.
      case 'trading_halted':
        return !stillLive(principal);
      default:
        return false;
    }
  }

  /** A web Request whose signal ends with the connection, as the SDK expects it. */
  async function webRequest(
    request: FastifyRequest,
    reply: FastifyReply,
    accept?: string,
  ): Promise<{ readonly web: Request; readonly controller: AbortController }> {
    const controller = new AbortController();
    reply.raw.once('close', () => {
      streams.delete(controller);
      if (!reply.raw.writableFinished) controller.abort();
    });
    const raw = {
      method: request.raw.method ?? 'GET',
      url: request.raw.url ?? '/mcp',
      headers: accept === undefined ? request.raw.headers : { ...request.raw.headers, accept },
      [Symbol.asyncIterator]: () => request.raw[Symbol.asyncIterator](),
    };
    const web = await toWebRequest(raw, request.body, { signal: controller.signal });
    return { web, controller };
  }

  /** Streams open at once: their headers are sent before the first event, which may be minutes away. */
  function sendResponse(reply: FastifyReply, response: Response): FastifyReply {
    void reply.send(response);
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) reply.raw.flushHeaders();
    return reply;
  }

  async function callDirectly(
    reply: FastifyReply,
    principal: Principal,
    request: JSONRPCRequest,
    call: { readonly name: string },
  ): Promise<FastifyReply> {
    const answer = await answerDirectly(tools, principal, request.id, call);
    if (answer.kind === 'refused' && concernsCaller(answer.refusal, principal)) {
      const told = atDoor(answer.refusal);
      const scope = tools.missingScope(principal, call.name);
      return sendRpcProblem(challenge(reply, told, scope), told, request.id);
    }
    return reply.header('cache-control', 'no-store').type('application/json').send(answer.body);
  }

  /** Without session and protocol headers: `curl … tools/list` gets one JSON answer. */
  async function servePlain(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
  ): Promise<FastifyReply> {
    if (Array.isArray(request.body))
      return reply
        .code(400)
        .send(rpcError(null, RPC_INVALID_REQUEST, 'Send one JSON-RPC request; batches need a session.'));
    const server = makeServer();
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await server.connect(transport);
    const { web } = await webRequest(request, reply, JSON_AND_STREAM);
    const response = await transport.handleRequest(web, {
      authInfo: authInfoOf(principal),
      parsedBody: request.body,
    });
    await server.close();
    return sendResponse(reply, response);
  }

  async function serveSession(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
  ): Promise<FastifyReply> {
    const id = header(request, 'mcp-session-id');
    const { web } = await webRequest(request, reply);
    const sessionRequest = { principal, authInfo: authInfoOf(principal), request: web, body: request.body };
    if (id === undefined) return sendResponse(reply, await sessions.open(sessionRequest));
    const exchange = sessions.exchange(id, sessionRequest);
    if (!exchange)
      return sendRpcProblem(
        reply,
        httpProblem(
          404,
          'session_not_found',
          'Session not found',
          'There is no such session; initialize a new one.',
        ),
      );
    reply.raw.once('close', () => exchange.done());
    return sendResponse(reply, await exchange.answer);
  }

  async function serveModern(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
  ): Promise<FastifyReply> {
    const { web, controller } = await webRequest(request, reply);
    const listens = isJSONRPCRequest(request.body) && request.body.method === 'subscriptions/listen';
    if (listens) streams.set(controller, principal);
    const response = await modern.fetch(web, {
      authInfo: authInfoOf(principal),
      parsedBody: request.body,
    });
    return sendResponse(reply, response);
  }

  async function servePost(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const principal = principals.get(request);
    if (!principal) return refuseAtDoor(reply, noPrincipal());
    const { body } = request;
    if (body === undefined || body === null)
      return reply.code(400).send(rpcError(null, RPC_PARSE_ERROR, 'Send one JSON-RPC request as the body.'));
    const id = header(request, 'mcp-session-id');
    const protocolVersion = header(request, 'mcp-protocol-version');
    const single = isJSONRPCRequest(body) ? body : undefined;
    const call = single && directCall(single);
    const classified = classifyInboundRequest({
      httpMethod: 'POST',
      ...(protocolVersion === undefined ? {} : { protocolVersionHeader: protocolVersion }),
      body,
    });
    // A missing scope is told by the status in both eras, whatever the SDK would have made of the request.
    if (single && call && tools.missingScope(principal, call.name) !== undefined)
      return callDirectly(reply, principal, single, call);
    if (classified.kind !== 'legacy') return serveModern(request, reply, principal);
    const plain = id === undefined && protocolVersion === undefined;
    if (plain && single && call) return callDirectly(reply, principal, single, call);
    if (plain && !(single?.method === 'initialize' && wantsStream(request)))
      return servePlain(request, reply, principal);
    if (
      single &&
      call &&
      id !== undefined &&
      headersAllowJson(header(request, 'accept') ?? '', protocolVersion)
    )
      if (sessions.has(id, principal)) return callDirectly(reply, principal, single, call);
    return serveSession(request, reply, principal);
  }

  app.addHook('onRequest', async (request, reply) => {
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
  app.post('/mcp', servePost);
  app.post('/', servePost);
  app.get('/mcp', async (request, reply) => {
    const principal = principals.get(request);
    if (!principal) return reply.header('cache-control', 'no-store').send(capabilityDocument);
    return serveSession(request, reply, principal);
  });
  app.delete('/mcp', async (request, reply) => {
    const principal = principals.get(request);
    if (!principal) return refuseAtDoor(reply, noPrincipal());
    return serveSession(request, reply, principal);
  });
}
