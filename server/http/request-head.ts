/** What is known of a request from its head alone, and which protocol its answers are in. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '#domain/refusal.ts';
import type { RequestHead } from './perimeter.ts';
import { type HttpProblem, sendProblem, sendRpcProblem } from './problem.ts';

export function pathOf(request: FastifyRequest): string {
  const { url } = request;
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

export function headOf(request: FastifyRequest, path: string): RequestHead {
  const { rawHeaders, headers, socket } = request.raw;
  const hosts: string[] = [];
  // Node keeps the first Host of several; an attacker may have meant another reader by the second.
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts.push(rawHeaders[n + 1] ?? '');
  }
  return {
    path,
    hosts,
    origin: headers.origin,
    headerNames: Object.keys(headers),
    peer: socket.remoteAddress ?? '',
    client: request.ip,
  };
}

/** `POST /` is an alias of /mcp; everything else under `/` is a page. */
export function isMcp(request: FastifyRequest): boolean {
  const path = pathOf(request);
  return path === '/mcp' || (path === '/' && request.method === 'POST');
}

export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Refusal | HttpProblem,
): FastifyReply {
  return isMcp(request) ? sendRpcProblem(reply, problem) : sendProblem(reply, problem);
}
