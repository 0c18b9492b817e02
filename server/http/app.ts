/** The HTTP surface as one Fastify instance that tests can inject into; whoever listens on it is somebody else. */
import type { Socket } from 'node:net';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { AuditLog } from '#audit/log.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { BODY_BYTES_MAX, HTTP_REQUEST_TIMEOUT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Tool } from '#tools/define.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import { type AddressLimits, addressLimits } from './address-limit.ts';
import type { DoorAccess } from './auth.ts';
import { docs } from './docs.ts';
import { health } from './health.ts';
import { mcpDoor } from './mcp.ts';
import type { McpOffer } from './mcp-server.ts';
import {
  type Perimeter,
  type PerimeterSettings,
  type Place,
  perimeter,
  type RequestHead,
} from './perimeter.ts';
import {
  type HttpProblem,
  httpProblem,
  RPC_INTERNAL,
  RPC_PARSE_ERROR,
  refusalIn,
  replaceAnswer,
  rpcError,
  sendProblem,
  sendRpcProblem,
} from './problem.ts';
import { rest } from './rest.ts';

export interface HttpSettings extends PerimeterSettings {
  /** TRUSTED_PROXIES: whose word about the client's address is believed. */
  readonly trustedProxies: readonly string[];
  readonly logLevel: string;
}

export interface AppOptions {
  readonly settings: HttpSettings;
  readonly dispatcher: Dispatcher;
  /** What `/mcp` offers to whom it has let in. */
  readonly mcp: McpOffer;
  /** Each becomes a route of REST. */
  readonly tools: readonly Tool[];
  readonly access: DoorAccess;
  readonly audit: Pick<AuditLog, 'recordRepeated' | 'recordDeferred'>;
  readonly clock: Clock;
  readonly version: string;
  /** Where log lines go; standard output without it. */
  readonly logTo?: { write(line: string): void };
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/';
const isMcp = (request: FastifyRequest): boolean => {
  const path = pathOf(request);
  return path === '/mcp' || (path === '/' && request.method === 'POST');
};
function send(request: FastifyRequest, reply: FastifyReply, problem: Refusal | HttpProblem): FastifyReply {
  return isMcp(request) ? sendRpcProblem(reply, problem) : sendProblem(reply, problem);
}

function headOf(request: FastifyRequest): RequestHead {
  const { rawHeaders, headers, socket } = request.raw;
  const hosts: string[] = [];
  for (let n = 0; n < rawHeaders.length; n += 2)
    if (rawHeaders[n]?.toLowerCase() === 'host') hosts.push(rawHeaders[n + 1] ?? '');
  return {
    path: pathOf(request),
    hosts,
    origin: headers.origin,
    headerNames: Object.keys(headers),
    peer: socket.remoteAddress ?? '',
    client: request.ip,
  };
}

/** Errors of the framework by status, in our words: its own may quote what was sent. */
const FRAMEWORK_PROBLEMS: ReadonlyMap<number | undefined, HttpProblem> = new Map(
  [
    httpProblem(
      400,
      'bad_request',
      'Bad request',
      'The request could not be read; send a JSON object as the body.',
    ),
    httpProblem(408, 'too_slow', 'Request timeout', 'The request did not arrive in time.'),
    httpProblem(413, 'too_large', 'Content too large', `The body may have at most ${BODY_BYTES_MAX} bytes.`),
    httpProblem(414, 'too_long', 'URI too long', 'The address is too long.'),
    httpProblem(415, 'not_json', 'Unsupported media type', 'Send the body as application/json.'),
  ].map((problem) => [problem.status, problem]),
);

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = FRAMEWORK_PROBLEMS.get(error.statusCode);
  if (problem?.status === 400 && isMcp(request))
    return reply.code(400).send(rpcError(null, RPC_PARSE_ERROR, problem.detail));
  if (problem) return send(request, reply, problem);
  request.log.error({ err: error }, 'request failed');
  const refusal = refuse(
    'internal',
    'Something went wrong inside the gateway; the owner finds it in the log.',
  );
  if (isMcp(request)) return reply.code(500).send(rpcError(null, RPC_INTERNAL, refusal.detail, refusal));
  return sendProblem(reply, refusal);
}

/** An empty body is no body: some clients name a content type with every request. */
function acceptEmptyBody(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, String(body), done);
  });
}

/**
 * A close waits for answers, not for connections: one that is idle, or that never asked anything, ends at once, one that
 * is being answered with its answer. Node's own notion of idle leaves out the connections that have asked nothing yet.
 */
function endConnectionsOnClose(app: FastifyInstance): void {
  const answering = new Map<Socket, number>();
  let closing = false;
  const count = (socket: Socket, by: number): void => {
    const open = answering.get(socket);
    if (open === undefined) return;
    answering.set(socket, open + by);
    if (closing && open + by === 0) socket.destroySoon();
  };
  app.server.on('connection', (socket: Socket) => {
    answering.set(socket, 0);
    socket.once('close', () => answering.delete(socket));
  });
  // A request that Fastify refuses before its hooks is answered all the same: only what was counted is counted down.
  const counted = new WeakSet<FastifyRequest>();
  app.addHook('onRequest', async (request) => {
    counted.add(request);
    count(request.raw.socket, 1);
  });
  app.addHook('onResponse', async (request) => {
    if (counted.has(request)) count(request.raw.socket, -1);
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const [socket, open] of answering) if (open === 0) socket.destroySoon();
  });
}

interface Guard {
  readonly admit: Perimeter;
  readonly limits: AddressLimits;
  readonly places: WeakMap<FastifyRequest, Place>;
}

/** Before any route: who is served where, and how much. */
function guard(app: FastifyInstance, { admit, limits, places }: Guard): void {
  const strangers = new WeakSet<FastifyRequest>();
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-content-type-options', 'nosniff');
    const admitted = admit(headOf(request));
    if (!admitted.ok) return void send(request, reply, admitted.error);
    places.set(request, admitted.value.place);
    // Waiting costs a turn of the queue even when there is nothing to wait for.
    return admitted.value.local ? done() : countRequest(request, reply);
  });
  async function countRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const refusal = await limits.requests(request);
    if (refusal) await send(request, reply, refusal);
  }
  app.setNotFoundHandler((request, reply) => {
    strangers.add(request);
    return sendProblem(reply, refuse('not_found', 'There is nothing at this address.'));
  });
  app.addHook('preSerialization', (request, reply, answer, done) => {
    if (reply.statusCode < 400) return done(null, answer);
    if (!strangers.has(request) && refusalIn(answer)?.reason !== 'unauthenticated') return done(null, answer);
    return countTurnedAway(request, reply, answer);
  });
  async function countTurnedAway(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: unknown,
  ): Promise<unknown> {
    const refusal = await limits.turnedAway(request);
    return refusal ? replaceAnswer(reply, answer, refusal) : answer;
  }
}

export function buildApp(options: AppOptions): FastifyInstance {
  const { settings } = options;
  const admit = perimeter(settings);
  const places = new WeakMap<FastifyRequest, Place>();
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 200 },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => {
      const admitted = admit(headOf(request));
      if (admitted.ok) void answerError(error, request, reply);
      else void send(request, reply, admitted.error);
    },
    logger: {
      level: settings.logLevel,
      ...(options.logTo ? { stream: options.logTo } : {}),
      redact: { paths: ['req.headers', '*.authorization', '*.cookie', 'err.request'], remove: true },
      serializers: {
        // Without the query: a stranger's URL may hold anything, a key among it.
        req: (request: FastifyRequest) => ({
          method: request.method,
          path: pathOf(request),
          address: request.ip,
        }),
      },
    },
  });
  acceptEmptyBody(app);
  endConnectionsOnClose(app);
  guard(app, { admit, limits: addressLimits(app, options), places });
  app.setErrorHandler(answerError);
  app.get('/', (_request, reply) => reply.redirect('/admin', 302));
  health(app);
  // What has not been placed is a stranger's.
  docs(app, { ...options, placeOf: (request) => places.get(request) ?? 'public' });
  void app.register(async (scope) => mcpDoor(scope, options));
  void app.register(async (scope) => rest(scope, options));
  return app;
}
