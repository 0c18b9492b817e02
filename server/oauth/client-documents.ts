/**
 * The metadata documents of known vendors, pinned: a client may name one of these addresses as its id, and nothing is ever
 * fetched. What a vendor changes takes effect here with a new version of the gateway, and not by whoever answers at that address.
 */
import { hash } from 'node:crypto';
import type { ClientMetadata } from './records.ts';

export interface ClientDocument {
  /** Its address, which is the client's id. */
  readonly url: string;
  readonly metadata: ClientMetadata;
}

/** Public clients all, PKCE being what protects them; a loopback callback is any port's (RFC 8252, section 7.3). */
export const CLIENT_DOCUMENTS: readonly ClientDocument[] = [
  {
    url: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    metadata: {
      client_name: 'Claude',
      client_uri: 'https://claude.ai/',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
      token_endpoint_auth_method: 'none',
    },
  },
  {
    url: 'https://claude.ai/oauth/claude-code-client-metadata',
    metadata: {
      client_name: 'Claude Code',
      client_uri: 'https://claude.ai/',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
    },
  },
  {
    // Its document prefers private_key_jwt and lists none beside it.
    url: 'https://chatgpt.com/oauth/client.json',
    metadata: {
      client_name: 'ChatGPT',
      client_uri: 'https://chatgpt.com/',
      redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      token_endpoint_auth_method: 'none',
    },
  },
];

/** Only by the very address: another spelling of it is nobody's. */
export const documentAt = (clientId: string): ClientDocument | undefined =>
  CLIENT_DOCUMENTS.find(({ url }) => url === clientId);

/** What the record names it by: an address is no id. */
export const documentCredential = (url: string): string =>
  `client_${hash('sha256', url, 'hex').slice(0, 32)}`;
