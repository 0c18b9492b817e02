/** `subscriptions/listen` of the modern era over HTTP: a stream each, on a bus of its own, asked for no more than its caller may read. */
import {
  createMcpHandler,
  isJSONRPCRequest,
  type JSONRPCRequest,
  type McpServerFactory,
  type ServerEvent,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AgentId, Principal } from '#domain/principal.ts';
import { MCP_STREAMS_MAX, MCP_STREAMS_PER_AGENT_MAX, MCP_SUBSCRIPTIONS_MAX } from '#limits.ts';
import { isRecord } from '#tools/normalise.ts';
import type { Recipient } from './delivery.ts';
import { TOO_MANY_STREAMS } from './mcp-errors.ts';
import type { Subscriber, Subscriptions } from './mcp-subscriptions.ts';
import { type Flow, flowOf, isStream, openExchange, type PrincipalCarrier, sendResponse } from './mcp-web.ts';

export interface ListenOptions {
  readonly subscriptions: Subscriptions;
  readonly carrier: PrincipalCarrier;
  readonly makeServer: McpServerFactory;
  readonly stillLive: (principal: Principal) => boolean;
  readonly onError: (error: Error) => void;
}

export interface McpListens {
  serve(request: FastifyRequest, reply: FastifyReply, principal: Principal): Promise<FastifyReply>;
  close(): void;
}

/** The addresses a listen request asks for; undefined when it asks for none, or wrongly, which is the SDK's to say. */
function wantedUris({ params }: JSONRPCRequest): readonly string[] | undefined {
  const filter = params?.['notifications'];
  const wanted = isRecord(filter) ? filter['resourceSubscriptions'] : undefined;
  const isList = Array.isArray(wanted) && wanted.every((uri) => typeof uri === 'string');
  return isList ? wanted : undefined;
}

/**
 * The SDK honours whatever address it is asked for, and knows no principals: the request that it gets to see names only
 * what the caller may read, and what it acknowledges is then the truth.
 */
export async function narrowed(
  request: JSONRPCRequest,
  subscribe: (uri: string) => Promise<boolean>,
): Promise<JSONRPCRequest> {
  const wanted = wantedUris(request);
  if (wanted === undefined) return request;
  const resourceSubscriptions: string[] = [];
  // Each is a read: thousands of them, that nobody could follow, would hold up everybody else's orders.
  const looked = Array.from(new Set(wanted)).slice(0, MCP_SUBSCRIPTIONS_MAX);
  for (const uri of looked) if (await subscribe(uri)) resourceSubscriptions.push(uri);
  const filter = request.params?.['notifications'];
  const notifications = { ...(isRecord(filter) ? filter : {}), resourceSubscriptions };
  return { ...request, params: { ...request.params, notifications } };
}

export function mcpListens(options: ListenOptions): McpListens {
  const { subscriptions, stillLive, carrier, onError } = options;
  const open = new Map<AbortController, Principal>();
  const openOf = (agent: AgentId): number =>
    Array.from(open.values()).filter((principal) => principal.agent === agent).length;

  return {
    async serve(request, reply, principal) {
      const { body } = request;
      const { web, controller } = await openExchange(request, reply);
      if (!isJSONRPCRequest(body)) throw new Error('only a request can listen');
      if (open.size >= MCP_STREAMS_MAX || openOf(principal.agent) >= MCP_STREAMS_PER_AGENT_MAX)
        return reply.send({ jsonrpc: '2.0', id: body.id, error: TOO_MANY_STREAMS });
      open.set(controller, principal);
      const flow = flowOf(reply);
      const stream = openBus(subscriptions, {
        live: () => (stillLive(principal) ? principal : undefined),
        flow,
        // A graceful end would wait for a reader.
        end: () => (flow.blocked() ? flow.cut() : controller.abort()),
      });
      reply.raw.once('close', () => {
        open.delete(controller);
        stream.subscriber.close();
      });
      const { subscriber, bus } = stream;
      const by = { principal, via: 'http' } as const;
      const asked = await narrowed(body, async (uri) => (await subscriber.subscribe(uri, by)).ok);
      const handler = createMcpHandler(options.makeServer, {
        legacy: 'reject',
        bus,
        onerror: onError,
      });
      const response = await handler.fetch(web, {
        authInfo: carrier.authInfoOf(principal),
        parsedBody: asked,
      });
      if (!isStream(response)) subscriber.close();
      return sendResponse(reply, response);
    },
    close() {
      for (const controller of open.keys()) controller.abort();
    },
  };
}

interface Line {
  readonly live: () => Principal | undefined;
  readonly flow: Flow;
  readonly end: Recipient<ServerEvent>['end'];
}

/** A bus with one listener, the stream: what reaches it is what its subscriber may hear. */
function openBus(
  subscriptions: Subscriptions,
  { live, flow, end }: Line,
): { readonly subscriber: Subscriber; readonly bus: ServerEventBus } {
  let listener: ((event: ServerEvent) => void) | undefined;
  const subscriber = subscriptions.connect({
    live,
    state: () => (listener === undefined ? 'closed' : flow.blocked() ? 'busy' : 'ready'),
    send: (event) => listener?.(event),
    end,
  });
  flow.onDrain(() => subscriber.resume());
  return {
    subscriber,
    bus: {
      publish: (event) => listener?.(event),
      subscribe(given) {
        listener = given;
        subscriber.resume();
        return () => {
          listener = undefined;
        };
      },
    },
  };
}
