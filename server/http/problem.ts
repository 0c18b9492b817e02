/** What a refusal looks like over HTTP: problem+json (RFC 9457) on REST, a JSON-RPC error on /mcp, both from the same object. */
import type { FastifyReply } from 'fastify';
import { type Refusal, refuse } from '#domain/refusal.ts';

/** A refusal of the HTTP surface itself, which no reason of the order line covers (a foreign Host, an unknown route). */
export interface HttpProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** JSON-RPC codes of refusals that are answered over HTTP with a status of their own. */
export const RPC_UNAUTHENTICATED = -32001;
export const RPC_FORBIDDEN = -32003;
export const RPC_PARSE_ERROR = -32700;
export const RPC_INVALID_REQUEST = -32600;
export const RPC_INVALID_PARAMS = -32602;
export const RPC_INTERNAL = -32603;
/** Everything else the transport refuses; the code the MCP transports themselves use. */
export const RPC_TRANSPORT = -32000;

export type RpcId = string | number | null;

export function httpProblem(status: number, name: string, title: string, detail: string): HttpProblem {
  return { type: `urn:portcullis:problem:${name}`, title, status, detail };
}

const isRefusal = (problem: Refusal | HttpProblem): problem is Refusal => 'reason' in problem;

/** RFC 9110 section 10.2.3: whole seconds. */
function retryAfter(reply: FastifyReply, problem: Refusal | HttpProblem): void {
  if (isRefusal(problem) && problem.retry_after !== undefined)
    void reply.header('retry-after', String(Math.ceil(problem.retry_after)));
}

export function sendProblem(reply: FastifyReply, problem: Refusal | HttpProblem): FastifyReply {
  retryAfter(reply, problem);
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(problem);
}

const rpcCode = (status: number): number => {
  if (status === 401) return RPC_UNAUTHENTICATED;
  return status === 403 ? RPC_FORBIDDEN : RPC_TRANSPORT;
};

export interface RpcErrorBody {
  readonly jsonrpc: '2.0';
  readonly id: RpcId;
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export function rpcError(id: RpcId, code: number, message: string, data?: unknown): RpcErrorBody {
  return {
    jsonrpc: '2.0',
    id,
    error: { code, message, ...(data === undefined ? {} : { data }) },
  };
}

/** The refusal as JSON-RPC `error.data`, under its own HTTP status. */
export function sendRpcProblem(
  reply: FastifyReply,
  problem: Refusal | HttpProblem,
  id: RpcId = null,
): FastifyReply {
  retryAfter(reply, problem);
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(rpcError(id, rpcCode(problem.status), problem.detail, problem));
}

/** A route that lost its caller is a bug; whoever asked is treated as a stranger. */
export const noPrincipal = (): Refusal =>
  refuse('unauthenticated', 'The request came without a caller; nothing was done.');
