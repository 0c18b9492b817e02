/** Where a remote client of /mcp learns how to be let in (RFC 9728, section 5.1): told in the challenge while remote MCP is on. */
import type { FastifyReply } from 'fastify';
import type { Scope } from '#domain/principal.ts';

/** The path form: hosts look for the metadata of exactly the resource they asked. */
export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

export interface Discovery {
  readonly publicUrl: URL;
  /** What a remote client may ask for at all. */
  readonly scopes: readonly Scope[];
}

/** Adds to a challenge what OAuth clients go by; an answer without one is left alone. `refusedToken`: one was presented. */
export function pointToMetadata(
  reply: FastifyReply,
  { publicUrl, scopes }: Discovery,
  refusedToken: boolean,
): void {
  const challenge = reply.getHeader('www-authenticate');
  if (typeof challenge !== 'string') return;
  const metadata = `resource_metadata="${new URL(RESOURCE_METADATA_PATH, publicUrl).href}"`;
  // RFC 6750, section 3: whoever showed nothing is told of no error.
  const error = refusedToken ? 'error="invalid_token", ' : '';
  const pointed =
    challenge === 'Bearer'
      ? `Bearer ${error}${metadata}, scope="${scopes.join(' ')}"`
      : `${challenge}, ${metadata}`;
  void reply.header('www-authenticate', pointed);
}
