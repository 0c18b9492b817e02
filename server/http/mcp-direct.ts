/** The short way for a tool call that is answered by one JSON body: same tools, same dispatcher, no server, no stream. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  classifyInboundRequest,
  type JSONRPCRequest,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { MCP_ENVELOPE_LENGTH_MAX, MCP_ENVELOPES_REMEMBERED_MAX } from '#limits.ts';
import { isRecord } from '#tools/normalise.ts';
import { serverInfo } from './mcp-server.ts';
import type { CallOutcome, CallParams, McpTools } from './mcp-tools.ts';
import { RPC_INVALID_PARAMS, rpcError } from './problem.ts';

export const MODERN_PROTOCOL_VERSION = '2026-07-28';

/** What the headers of a request say; undefined where there is none. */
export interface McpHeaders {
  readonly protocolVersion: string | undefined;
  readonly method: string | undefined;
  readonly name: string | undefined;
  readonly accept: string | undefined;
}

/** A call in its plain form: nothing in it but a name, arguments and perhaps an envelope. */
export interface PlainCall {
  readonly id: string | number;
  readonly params: CallParams;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

const REQUEST_FIELDS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params']);
const PARAMS_FIELDS: ReadonlySet<string> = new Set(['name', 'arguments', '_meta']);
const hasOnly = (fields: ReadonlySet<string>, given: Readonly<Record<string, unknown>>): boolean => {
  for (const field in given) if (!fields.has(field)) return false;
  return true;
};

/** Undefined for whatever is not exactly that, malformed or merely unusual: the SDK knows what to make of it. */
export function plainCall(body: unknown): PlainCall | undefined {
  if (!isRecord(body) || !hasOnly(REQUEST_FIELDS, body)) return undefined;
  const { jsonrpc, id, method, params } = body;
  if (jsonrpc !== '2.0' || method !== 'tools/call') return undefined;
  if (typeof id !== 'string' && !(typeof id === 'number' && Number.isSafeInteger(id))) return undefined;
  if (!isRecord(params) || !hasOnly(PARAMS_FIELDS, params)) return undefined;
  const { name, arguments: args, _meta: meta } = params;
  if (typeof name !== 'string' || (args !== undefined && !isRecord(args))) return undefined;
  if (meta !== undefined && !isRecord(meta)) return undefined;
  // A progress token asks for more than one message.
  if (meta !== undefined && Object.hasOwn(meta, 'progressToken')) return undefined;
  return { id, params: args === undefined ? { name } : { name, arguments: args }, meta };
}

const callParams = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

/** A call in any form; undefined for other methods and for malformed parameters, whose error is the SDK's to word. */
export function toolCall({
  id,
  method,
  params,
}: JSONRPCRequest): Pick<PlainCall, 'id' | 'params'> | undefined {
  if (method !== 'tools/call') return undefined;
  const parsed = callParams.safeParse(params);
  return parsed.success ? { id, params: parsed.data } : undefined;
}

/**
 * Whether a call is one of the modern era with nothing to object to: its headers repeat the body word for word, and the SDK
 * found nothing wrong with its envelope, now or when the same one came before. A `false` says nothing; the SDK then decides.
 */
export function modernCheck(): (call: PlainCall, headers: McpHeaders) => boolean {
  const found = new Set<string>();
  return ({ params, meta }, headers) => {
    if (meta === undefined || meta[PROTOCOL_VERSION_META_KEY] !== MODERN_PROTOCOL_VERSION) return false;
    if (headers.protocolVersion !== MODERN_PROTOCOL_VERSION) return false;
    if (headers.method !== 'tools/call' || headers.name !== params.name) return false;
    if (!isRecord(meta[CLIENT_CAPABILITIES_META_KEY])) return false;
    const envelope = JSON.stringify(meta);
    if (found.has(envelope)) return true;
    if (envelope.length > MCP_ENVELOPE_LENGTH_MAX) return false;
    const classified = classifyInboundRequest({
      httpMethod: 'POST',
      protocolVersionHeader: headers.protocolVersion,
      mcpMethodHeader: headers.method,
      body: { jsonrpc: '2.0', id: 0, method: 'tools/call', params: { ...params, _meta: meta } },
    });
    if (classified.kind !== 'modern' || classified.messageKind !== 'request') return false;
    if (found.size >= MCP_ENVELOPES_REMEMBERED_MAX) found.clear();
    found.add(envelope);
    return true;
  };
}

/** Whether a call in a session is one of the legacy era whose headers ask for nothing but what one JSON body can give. */
export function isLegacyCall({ meta }: PlainCall, headers: McpHeaders): boolean {
  return meta === undefined && headersAllowJson(headers);
}

/** What the SDK's transport would have asked of the headers of a request in a session. */
function headersAllowJson({ accept, protocolVersion }: McpHeaders): boolean {
  if (!accept?.includes('application/json') || !accept.includes('text/event-stream')) return false;
  return protocolVersion === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(protocolVersion);
}

export interface DirectAnswer {
  /** The JSON-RPC response, spelled out. */
  readonly body: string;
  /** To be told by the HTTP status, if its reason is one of those. */
  readonly refusal: Refusal | undefined;
}

export type Era = 'modern' | 'legacy';

export function directAnswers(tools: McpTools, version: string) {
  const ends: Readonly<Record<Era, string>> = {
    modern: `,"resultType":"complete","_meta":${JSON.stringify({ [SERVER_INFO_META_KEY]: serverInfo(version) })}}}`,
    legacy: '}}',
  };
  return async (
    principal: Principal,
    call: Pick<PlainCall, 'id' | 'params'>,
    era: Era,
  ): Promise<DirectAnswer> => {
    const outcome = await tools.call(principal, 'http', call.params);
    if (outcome.kind === 'unknown_tool') {
      const body = JSON.stringify(rpcError(call.id, RPC_INVALID_PARAMS, outcome.detail));
      return { body, refusal: undefined };
    }
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(call.id)},"result":${resultText(outcome).slice(0, -1)}${ends[era]}`;
    return { body, refusal: outcome.refusal };
  };
}

/** The result as JSON; what stands in it twice, as text and as structure, is written out once. */
function resultText({ result, isCopied }: CallOutcome & { kind: 'result' }): string {
  const [copy] = result.content;
  if (!isCopied || copy?.type !== 'text') return JSON.stringify(result);
  const flag = result.isError === undefined ? '' : `,"isError":${String(result.isError)}`;
  return `{"content":[{"type":"text","text":${JSON.stringify(copy.text)}}],"structuredContent":${copy.text}${flag}}`;
}
