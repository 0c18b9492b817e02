/** What every request passes before any route: the closing door, the perimeter, its address's budget, the browser's questions. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, type RefusalReason, refuse } from '#domain/refusal.ts';
import { HTTP_REQUESTS_PER_CONNECTION_MAX } from '#limits.ts';
import type { AddressLimits } from './address-limit.ts';
import { presentsToken } from './auth.ts';
import type { Connections } from './connections.ts';
import { answerCors } from './cors.ts';
import { type Discovery, pointToMetadata } from './discovery.ts';
import { logAnswer } from './http-log.ts';
import type { KnownPaths } from './known-paths.ts';
import type { Perimeter, Place } from './perimeter.ts';
import { httpProblem, nothingHere, refusalIn, replaceAnswer } from './problem.ts';
import { headOf, isMcp, pathOf, sendRefusal } from './request-head.ts';

export interface GuardOptions {
  readonly admit: Perimeter;
  readonly limits: AddressLimits;
  readonly connections: Connections;
  readonly paths: KnownPaths;
  readonly places: WeakMap<FastifyRequest, Place>;
  /** undefined: remote MCP is off, and there is nothing to discover. */
  readonly discovery: () => Discovery | undefined;
  /** Somebody without a token was told where to get one, or that nobody is let in from there. */
  readonly challenged: (address: string, reason: RefusalReason) => void;
}

const CLOSING = httpProblem(
  503,
  'closing',
  'Service unavailable',
  'The gateway is stopping and takes no more requests; nothing was done. Try again once it runs.',
);
const WRONG_METHOD = httpProblem(
  405,
  'wrong_method',
  'Method not allowed',
  'This address does not take that method; the header Allow lists those it takes.',
);

const tooManyAtOnce = (): Refusal =>
  refuse(
    'rate_limited',
    `More than ${HTTP_REQUESTS_PER_CONNECTION_MAX} requests were sent over one connection without waiting for an answer; nothing was done. Read answers first, then send it again.`,
    { retry_after: 1 },
  );

export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { admit, limits, connections, paths, places, discovery, challenged } = options;
  /** Turned away without having been asked who they are. */
  const strangers = new WeakSet<FastifyRequest>();

  app.addHook('onRequest', (request, reply, done) => {
    const inWork = connections.begin(request);
    void reply.header('x-content-type-options', 'nosniff');
    const path = pathOf(request);
    const admitted = admit(headOf(request, path));
    if (!admitted.ok) return void sendRefusal(request, reply, admitted.error);
    if (connections.closing()) return void sendRefusal(request, reply, CLOSING);
    if (inWork > HTTP_REQUESTS_PER_CONNECTION_MAX) return void sendRefusal(request, reply, tooManyAtOnce());
    const { place, local } = admitted.value;
    places.set(request, place);
    if (answerCors(request, reply, path)) return undefined;
    // Waiting costs a turn of the queue even when there is nothing to wait for: what comes from this machine does not.
    if (!local) return countRequest(request, reply);
    return request.is404 ? void answerNothingThere(request, reply) : done();
  });
  async function countRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const refusal = await limits.requests(request);
    if (refusal) await sendRefusal(request, reply, refusal);
    else if (request.is404) await answerNothingThere(request, reply);
  }

  /** Before the body is read: nobody would look at it. */
  function answerNothingThere(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    strangers.add(request);
    const methods = paths.methodsAt(pathOf(request));
    if (methods.length === 0) return sendRefusal(request, reply, nothingHere());
    return sendRefusal(request, reply.header('allow', methods.join(', ')), WRONG_METHOD);
  }
  app.setNotFoundHandler(answerNothingThere);

  app.addHook('preSerialization', (request, reply, answer, done) => {
    if (reply.statusCode < 400) return done(null, answer);
    const remote = isMcp(request) ? discovery() : undefined;
    const reason = refusalIn(answer)?.reason;
    if (remote) {
      const { authorization } = request.headers;
      pointToMetadata(reply, remote, presentsToken(authorization));
      const isFirst = reason === 'unauthenticated' && authorization === undefined;
      if (isFirst || reason === 'ip_not_allowed') challenged(request.ip, reason);
    }
    if (!strangers.has(request) && reason !== 'unauthenticated') return done(null, answer);
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

  app.addHook('onResponse', (request, reply, done) => {
    connections.end(request);
    logAnswer(request, reply);
    done();
  });
}
