/** What a refusal looks like over HTTP: problem+json (RFC 9457) on REST, a JSON-RPC error on /mcp, both from the same object. */
import type { FastifyReply } from 'fastify';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { isRecord } from '#tools/normalise.ts';

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

function head(reply: FastifyReply, problem: Refusal | HttpProblem, type: string): FastifyReply {
  // RFC 9110 section 10.2.3: whole seconds.
  if (isRefusal(problem) && problem.retry_after !== undefined)
    void reply.header('retry-after', String(Math.ceil(problem.retry_after)));
  return reply.code(problem.status).header('cache-control', 'no-store').type(type);
}

export function sendProblem(reply: FastifyReply, problem: Refusal | HttpProblem): FastifyReply {
  return head(reply, problem, 'application/problem+json').send(problem);
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

const rpcProblem = (problem: Refusal | HttpProblem, id: RpcId): RpcErrorBody =>
  rpcError(id, rpcCode(problem.status), problem.detail, problem);

/** The refusal as JSON-RPC `error.data`, under its own HTTP status. */
export function sendRpcProblem(
  reply: FastifyReply,
  problem: Refusal | HttpProblem,
  id: RpcId = null,
): FastifyReply {
  return head(reply, problem, 'application/json').send(rpcProblem(problem, id));
}

/** The refusal that an answer about to be sent tells, whichever protocol it is in. */
export function refusalIn(answer: unknown): Refusal | undefined {
  const told = isRpcError(answer) ? answer.error.data : answer;
  return isRecord(told) && typeof told['reason'] === 'string' ? (told as unknown as Refusal) : undefined;
}

/** Another refusal in the place of an answer about to be sent, in the protocol of that one; gives its body. */
export function replaceAnswer(reply: FastifyReply, answer: unknown, refusal: Refusal): unknown {
  void reply.removeHeader('www-authenticate');
  if (!isRpcError(answer)) {
    head(reply, refusal, 'application/problem+json');
    return refusal;
  }
  head(reply, refusal, 'application/json');
  return rpcProblem(refusal, answer.id);
}

const isRpcError = (answer: unknown): answer is RpcErrorBody =>
  isRecord(answer) && answer['jsonrpc'] === '2.0' && isRecord(answer['error']);

/** The same from wherever it is found out, so that what is kept from a caller looks like what does not exist. */
export const nothingHere = (): Refusal =>
  refuse(
    'not_found',
    "There is nothing at this address. MCP is at /mcp; /docs on the gateway's own machine names the rest.",
  );

/** A route that lost its caller is a bug; whoever asked is treated as a stranger. */
export const noPrincipal = (): Refusal =>
  refuse('unauthenticated', 'The request came without a caller; nothing was done.');
