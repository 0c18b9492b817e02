/** The short way for one JSON-RPC request that is answered by one JSON body: same tools, same dispatcher, no session. */
import { type JSONRPCRequest, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { CallParams, McpTools } from './mcp-tools.ts';
import { RPC_INVALID_PARAMS, type RpcErrorBody, rpcError } from './problem.ts';

const callParams = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  _meta: z.record(z.string(), z.unknown()).optional(),
});

export interface AskedCall {
  readonly params: CallParams;
  /** A progress token asks for more than one message: the call goes the long way. */
  readonly wantsProgress: boolean;
}

/** Undefined for other methods and for malformed parameters, whose error is the SDK's to word. */
export function toolCall(request: JSONRPCRequest): AskedCall | undefined {
  if (request.method !== 'tools/call') return undefined;
  const parsed = callParams.safeParse(request.params);
  if (!parsed.success) return undefined;
  const { _meta, ...params } = parsed.data;
  return { params, wantsProgress: _meta?.['progressToken'] !== undefined };
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
  call: CallParams,
): Promise<DirectAnswer> {
  const outcome = await tools.call(principal, 'http', call);
  if (outcome.kind === 'unknown_tool')
    return { kind: 'body', body: rpcError(id, RPC_INVALID_PARAMS, outcome.detail) };
  const body = { jsonrpc: '2.0', id, result: outcome.result };
  return outcome.refusal ? { kind: 'refused', refusal: outcome.refusal, body } : { kind: 'body', body };
}
