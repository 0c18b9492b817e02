/** What goes wrong before or beside a route, in our words: Node's and Fastify's own may quote what was sent. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from '#domain/refusal.ts';
import { BODY_BYTES_MAX, JSON_COMMAS_MAX, JSON_DEPTH_MAX } from '#limits.ts';
import { isStoreFault } from '#tools/dispatch.ts';
import {
  type HttpProblem,
  httpProblem,
  RPC_INTERNAL,
  RPC_PARSE_ERROR,
  rpcError,
  sendProblem,
} from './problem.ts';
import { isMcp, sendRefusal } from './request-head.ts';

const PROBLEMS = {
  400: httpProblem(
    400,
    'bad_request',
    'Bad request',
    `The request could not be read; send a JSON object as the body, at most ${JSON_DEPTH_MAX} levels deep and with at most ${JSON_COMMAS_MAX} commas.`,
  ),
  408: httpProblem(
    408,
    'too_slow',
    'Request timeout',
    'The request did not arrive in time; send all of it at once.',
  ),
  413: httpProblem(
    413,
    'too_large',
    'Content too large',
    `The body may have at most ${BODY_BYTES_MAX} bytes; ask for less at once.`,
  ),
  414: httpProblem(414, 'too_long', 'URI too long', 'The address, or a part of it, is too long; shorten it.'),
  415: httpProblem(415, 'not_json', 'Unsupported media type', 'Send the body as application/json.'),
  431: httpProblem(
    431,
    'headers_too_large',
    'Header fields too large',
    'The header of the request is too large; send fewer or shorter fields.',
  ),
} as const satisfies { readonly [status: number]: HttpProblem };

const problemOf = (status: number | undefined): HttpProblem | undefined =>
  Object.values(PROBLEMS).find((problem) => problem.status === status);

/** An error that a route threw or that the framework met while reading the request. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error.statusCode);
  if (problem?.status === 400 && isMcp(request))
    return reply.code(400).send(rpcError(null, RPC_PARSE_ERROR, problem.detail));
  if (problem) return sendRefusal(request, reply, problem);
  request.log.error({ err: error, reqId: request.id }, 'request failed');
  const refusal = isStoreFault(error)
    ? refuse('store_unavailable', 'The gateway can not read or write its records at the moment.')
    : refuse('internal', 'Something went wrong inside the gateway; the owner finds it in the log.');
  if (isMcp(request))
    return reply.code(refusal.status).send(rpcError(null, RPC_INTERNAL, refusal.detail, refusal));
  return sendProblem(reply, refusal);
}

/** Errors of Node's own reading of HTTP by code; everything else is a bad request. */
const STATUS_OF_READING: ReadonlyMap<string | undefined, keyof typeof PROBLEMS> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
]);

/** What can not be read as HTTP is no request: it is answered on the connection itself, which ends with that. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = PROBLEMS[STATUS_OF_READING.get(error.code) ?? 400];
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
