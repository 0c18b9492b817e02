/** What hosts read before they ask: the authorization server's metadata and the protected resource's, exact for what is enabled now. */
import { type RemoteSettings } from './records.ts';

/** The paths of the endpoints, under the bare origin that is the issuer. */
export const OAUTH_PATHS = {
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  register: '/oauth/register',
  jwks: '/oauth/jwks',
  interaction: '/oauth/interaction',
} as const;

type Where = Pick<RemoteSettings, 'publicUrl' | 'scopesEnabled'>;

export const issuerOf = ({ publicUrl }: Pick<Where, 'publicUrl'>): string => publicUrl.origin;
/** The audience of every token: exactly what the owner gives to a host. */
export const resourceOf = (where: Pick<Where, 'publicUrl'>): string => `${issuerOf(where)}/mcp`;

/** RFC 8414, with what OpenID Connect Discovery 1.0 requires of hosts that read it there. */
export function serverMetadata(where: Where): Readonly<Record<string, unknown>> {
  const issuer = issuerOf(where);
  const authMethods = ['none', 'client_secret_basic', 'client_secret_post'];
  return {
    issuer,
    authorization_endpoint: issuer + OAUTH_PATHS.authorize,
    token_endpoint: issuer + OAUTH_PATHS.token,
    revocation_endpoint: issuer + OAUTH_PATHS.revoke,
    registration_endpoint: issuer + OAUTH_PATHS.register,
    jwks_uri: issuer + OAUTH_PATHS.jwks,
    scopes_supported: where.scopesEnabled,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_methods_supported: authMethods,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    // Of the vendors that are known here; no document is ever fetched.
    client_id_metadata_document_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

/** RFC 9728. */
export function resourceMetadata(where: Where): Readonly<Record<string, unknown>> {
  return {
    resource: resourceOf(where),
    resource_name: 'Portcullis',
    authorization_servers: [issuerOf(where)],
    scopes_supported: where.scopesEnabled,
    bearer_methods_supported: ['header'],
  };
}
