/** A refusal as a JSON-RPC error, where MCP has no result to put it into: the sentence as message, the whole of it as data. */
import { ProtocolError } from '@modelcontextprotocol/server';
import type { Refusal } from '#domain/refusal.ts';
import {
  RPC_FORBIDDEN,
  RPC_INTERNAL,
  RPC_INVALID_PARAMS,
  RPC_TRANSPORT,
  RPC_UNAUTHENTICATED,
} from './problem.ts';

/**
 * What was asked for is wrong, unknown or not the caller's: all -32602, as revision 2026-07-28 has it for resources, so
 * that what exists for others can not be told from what does not exist. Who asks, how often, or a fault have codes of their own.
 */
function codeOf({ status, reason }: Refusal): number {
  if (status === 401) return RPC_UNAUTHENTICATED;
  if (reason === 'insufficient_scope' || reason === 'ip_not_allowed') return RPC_FORBIDDEN;
  if (status === 429) return RPC_TRANSPORT;
  return status >= 500 ? RPC_INTERNAL : RPC_INVALID_PARAMS;
}

/** `about` stands beside the refusal in `data`: the address that was asked for. */
export function refusalError(refusal: Refusal, about: Readonly<Record<string, unknown>> = {}): ProtocolError {
  return new ProtocolError(codeOf(refusal), refusal.detail, { ...about, ...refusal });
}

/** What a listen request over the bound is answered, under the code that the SDK has for it. */
export const TOO_MANY_STREAMS = {
  code: RPC_INTERNAL,
  message: 'Too many streams are open; end one of them, or follow everything through one.',
} as const;

export const invalidParams = (detail: string): ProtocolError => new ProtocolError(RPC_INVALID_PARAMS, detail);
