/** The short way for one JSON-RPC request that is answered by one JSON body: same tools, same dispatcher, no session. */
import { type JSONRPCRequest, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { McpTools } from './mcp-tools.ts';
import { RPC_INVALID_PARAMS, type RpcErrorBody, rpcError } from './problem.ts';

const callParams = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  _meta: z.record(z.string(), z.unknown()).optional(),
});

export type DirectCall = z.infer<typeof callParams>;

/**
 * The parameters of a `tools/call` that needs nothing but an answer. Undefined sends the request the long way,
 * through the SDK: other methods, malformed parameters (whose error is the SDK's to word), calls that want progress.
 */
export function directCall(request: JSONRPCRequest): DirectCall | undefined {
  if (request.method !== 'tools/call') return undefined;
  const params = callParams.safeParse(request.params);
  if (!params.success || params.data._meta?.['progressToken'] !== undefined) return undefined;
  return params.data;
}

/** What the SDK's transport would have asked of the headers of a request in a session. */
export function headersAllowJson(accept: string, protocolVersion: string | undefined): boolean {
  if (!accept.includes('application/json') || !accept.includes('text/event-stream')) return false;
  return protocolVersion === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(protocolVersion);
}

export type DirectAnswer =
  | { readonly kind: 'body'; readonly body: RpcErrorBody | Record<string, unknown> }
  /** To be told by the HTTP status, if its reason is one of those. */
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly body: Record<string, unknown> };

export async function answerDirectly(
  tools: McpTools,
  principal: Principal,
  id: string | number,
  call: DirectCall,
): Promise<DirectAnswer> {
  const outcome = await tools.call(principal, 'http', call);
  if (outcome.kind === 'unknown_tool')
    return { kind: 'body', body: rpcError(id, RPC_INVALID_PARAMS, outcome.detail) };
  const body = { jsonrpc: '2.0', id, result: outcome.result };
  return outcome.refusal ? { kind: 'refused', refusal: outcome.refusal, body } : { kind: 'body', body };
}
