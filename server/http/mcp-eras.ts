/** The long ways through the SDK: modern exchanges, legacy sessions, and plain requests without either. */
import {
  createMcpHandler,
  isJSONRPCRequest,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import { concernsCaller, refuseAtDoor } from './auth.ts';
import { mcpListens } from './mcp-listen.ts';
import type { McpOffer } from './mcp-server.ts';
import { McpSessions } from './mcp-sessions.ts';
import type { Subscriber } from './mcp-subscriptions.ts';
import { flowOf, headerOf, isStream, openExchange, principalCarrier, sendResponse } from './mcp-web.ts';
import { httpProblem, sendRpcProblem } from './problem.ts';

export interface ErasOptions {
  readonly offer: McpOffer;
  readonly clock: Clock;
  readonly version: string;
  readonly stillLive: (principal: Principal) => boolean;
  readonly onError: (error: Error) => void;
}

type Serve = (request: FastifyRequest, reply: FastifyReply, principal: Principal) => Promise<FastifyReply>;

export interface McpEras {
  readonly modern: Serve;
  readonly session: Serve;
  readonly plain: Serve;
  /** Whether this session is the caller's; using it keeps it from expiring. */
  hasSession(id: string, principal: Principal): boolean;
  close(): Promise<void>;
}

const JSON_AND_STREAM = 'application/json, text/event-stream';
const SESSION_NOT_FOUND = httpProblem(
  404,
  'session_not_found',
  'Session not found',
  'There is no such session; initialize a new one.',
);

export function mcpEras(options: ErasOptions): McpEras {
  const { offer, version, clock, stillLive } = options;
  const carrier = principalCarrier();
  const makeServer = (subscriber?: Subscriber) =>
    offer.buildServer({
      ...(subscriber ? { subscriber } : {}),
      tools: offer.tools,
      version,
      via: 'http',
      clock,
      principal: (context) => carrier.principalOf(context),
      onRefusal: (context, refusal) => carrier.noteRefusal(context, refusal),
    });
  const modernHandler = createMcpHandler(() => makeServer(), { legacy: 'reject', onerror: options.onError });
  const { subscriptions } = offer;
  const sessions = new McpSessions({ clock, makeServer, subscriptions, stillLive });
  const listens = mcpListens({
    subscriptions,
    carrier,
    makeServer: () => makeServer(),
    stillLive,
    onError: options.onError,
  });

  return {
    async modern(request, reply, principal) {
      if (isJSONRPCRequest(request.body) && request.body.method === 'subscriptions/listen')
        return listens.serve(request, reply, principal);
      const { web } = await openExchange(request, reply);
      const authInfo = carrier.authInfoOf(principal);
      const response = await modernHandler.fetch(web, { authInfo, parsedBody: request.body });
      const refusal = carrier.refusalOf(authInfo);
      if (!refusal || isStream(response) || !concernsCaller(refusal, () => stillLive(principal)))
        return sendResponse(reply, response);
      const id = isJSONRPCRequest(request.body) ? request.body.id : null;
      return refuseAtDoor(reply, refusal, { id });
    },
    async session(request, reply, principal) {
      const id = headerOf(request, 'mcp-session-id');
      const { web } = await openExchange(request, reply);
      const authInfo = carrier.authInfoOf(principal);
      const asked = { principal, authInfo, flow: flowOf(reply), request: web, body: request.body };
      if (id === undefined) return sendResponse(reply, await sessions.open(asked));
      const exchange = sessions.exchange(id, asked);
      if (!exchange) return sendRpcProblem(reply, SESSION_NOT_FOUND);
      reply.raw.once('close', () => exchange.done());
      return sendResponse(reply, await exchange.answer);
    },
    async plain(request, reply, principal) {
      const server = makeServer();
      const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
      await server.connect(transport);
      const { web } = await openExchange(request, reply, JSON_AND_STREAM);
      const authInfo = carrier.authInfoOf(principal);
      const response = await transport.handleRequest(web, { authInfo, parsedBody: request.body });
      await server.close();
      return sendResponse(reply, response);
    },
    hasSession: (id, principal) => sessions.has(id, principal),
    async close() {
      sessions.close();
      listens.close();
      await modernHandler.close();
    },
  };
}
