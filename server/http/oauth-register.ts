/** POST /oauth/register (RFC 7591): small bodies of JSON, answered in the protocol's own words whatever is wrong with them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { REGISTRATION_BYTES_MAX, REGISTRATION_COMMAS_MAX, REGISTRATION_DEPTH_MAX } from '#limits.ts';
import type { Registration, RegistrationError } from '#oauth/registration.ts';
import { isStoreFault } from '#tools/dispatch.ts';
import { exceedsBounds } from './json-bounds.ts';

/** The second is where a host looks that could not read the metadata. */
export const REGISTRATION_PATHS = ['/oauth/register', '/register'] as const;

/** In a scope of its own: what it does to parsers and errors is for these routes alone. */
export function oauthRegister(scope: FastifyInstance, registration: Registration): void {
  scope.removeAllContentTypeParsers();
  const parse = scope.getDefaultJsonParser('error', 'error');
  const bounds = { depthMax: REGISTRATION_DEPTH_MAX, commasMax: REGISTRATION_COMMAS_MAX };
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: REGISTRATION_BYTES_MAX },
    (request, body, done) => {
      const text = String(body);
      if (text === '' || exceedsBounds(text, bounds)) done(new Unreadable());
      else void parse(request, text, done);
    },
  );
  scope.setErrorHandler((error: unknown, _request, reply) => {
    const problem = problemOf(error);
    // What is none of ours is answered as everywhere else.
    if (!problem) throw error;
    return sendError(reply, problem);
  });
  for (const path of REGISTRATION_PATHS)
    scope.post(path, { bodyLimit: REGISTRATION_BYTES_MAX }, (request, reply) =>
      register(request, reply, registration),
    );
}

function register(request: FastifyRequest, reply: FastifyReply, registration: Registration): FastifyReply {
  const from = { address: request.ip, userAgent: request.headers['user-agent'] ?? '' };
  const answer = registration.register(request.body, from);
  return answer.ok ? send(reply.code(201), answer.value) : sendError(reply, answer.error);
}

/** RFC 7591, section 3.2.1: an answer may hold a secret, and no cache may. */
const send = (reply: FastifyReply, body: object): FastifyReply =>
  reply
    .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    .type('application/json; charset=utf-8')
    .send(body);

function sendError(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterSeconds !== undefined)
    void reply.header('retry-after', String(problem.retryAfterSeconds));
  return send(reply.code(problem.status), { error: problem.error, error_description: problem.description });
}

type Problem = Omit<RegistrationError, 'status'> & { readonly status: number };

class Unreadable extends Error {
  readonly statusCode = 400;
}

function problemOf(error: unknown): Problem | undefined {
  if (isStoreFault(error))
    return {
      status: 503,
      error: 'temporarily_unavailable',
      description: 'The gateway can not write at the moment; nothing was registered. Try again later.',
    };
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413)
    return {
      status: 413,
      error: 'invalid_client_metadata',
      description: `A registration has at most ${REGISTRATION_BYTES_MAX / 1_024} KiB.`,
    };
  if (status !== 400 && status !== 415) return undefined;
  return {
    status: 400,
    error: 'invalid_client_metadata',
    description:
      'A registration is one small JSON object, sent as application/json; see RFC 7591, section 3.1.',
  };
}
