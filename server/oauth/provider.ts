/** The library that speaks the protocol, set up as we need it: what it may do, for how long, and what its tokens say. */
import Provider, {
  type Configuration,
  errors,
  type interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { Scope } from '#domain/principal.ts';
import { GRANT_TTL_MAX_MS, INTERACTION_TTL_SECONDS } from '#limits.ts';
import { issuerOf, OAUTH_PATHS, resourceOf } from './discovery.ts';
import type { GrantLedger, RemoteClients, SigningDesk } from './parts.ts';
import type { RemoteSettings } from './records.ts';

export type ProviderAdapter = Extract<Configuration['adapter'], (name: string) => unknown>;

export interface ProviderParts {
  readonly settings: () => RemoteSettings;
  readonly clients: Pick<RemoteClients, 'ceiling' | 'secretMatches'>;
  readonly grants: Pick<GrantLedger, 'issuable'>;
  readonly signing: Pick<SigningDesk, 'jwks'>;
  readonly adapter: ProviderAdapter;
  readonly prompts: () => interactionPolicy.Prompt[];
  readonly wallMs: () => number;
  /** Of the request that is running. */
  readonly epoch: () => number;
  /** What its cookies are signed with. */
  readonly cookieKey: string;
  readonly renderError: NonNullable<Configuration['renderError']>;
}

/** Whoever consents is the owner: there is nobody else. */
export const OWNER_ACCOUNT = 'owner';

const off = { enabled: false } as const;

/** Made anew when the signing keys change, which takes some milliseconds; everything else it asks for when it needs it. */
export function buildProvider(parts: ProviderParts): Provider {
  const { settings } = parts;
  const secure = settings().publicUrl.protocol === 'https:';
  const cookie = { signed: true, httpOnly: true, sameSite: 'lax', secure, overwrite: true } as const;
  const provider = new Provider(issuerOf(settings()), {
    adapter: parts.adapter,
    jwks: { keys: parts.signing.jwks().map((key) => ({ ...key })) },
    routes: {
      authorization: OAUTH_PATHS.authorize,
      token: OAUTH_PATHS.token,
      revocation: OAUTH_PATHS.revoke,
      jwks: OAUTH_PATHS.jwks,
    },
    responseTypes: ['code'],
    scopes: [],
    claims: {},
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    // Otherwise the port of a loopback address would count (RFC 8252, 7.3).
    clientDefaults: {
      application_type: 'native',
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'RS256',
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    pkce: { required: () => true },
    features: featuresOf(parts),
    ttl: lifetimesOf(parts),
    // Signing out of the browser is no act on tokens: revoking is.
    expiresWithSession: () => false,
    // Without `offline_access`, which hosts do not ask for.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    extraTokenClaims: (_ctx, token) => grantClaims(token, parts),
    formats: { customizers: { jwt: (_ctx, _token, jwt) => ourTime(jwt, parts) } },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
    loadExistingGrant: ({ oidc }) =>
      oidc.result?.consent?.grantId === undefined
        ? undefined
        : oidc.provider.Grant.find(oidc.result.consent.grantId),
    interactions: {
      policy: parts.prompts(),
      url: (_ctx, { uid }) => `${OAUTH_PATHS.interaction}/${uid}`,
    },
    cookies: {
      keys: [parts.cookieKey],
      names: { session: 'pcl_oauth_session', interaction: 'pcl_oauth_page', resume: 'pcl_oauth_resume' },
      long: { ...cookie, path: '/oauth' },
      short: cookie,
    },
    renderError: parts.renderError,
    fetch: async () => {
      throw new Error('the authorization server fetches nothing');
    },
  });
  // Requests come with our own headers alone.
  provider.proxy = true;
  provider.Client.prototype.compareClientSecret = function (actual: string) {
    return parts.clients.secretMatches(this.clientId, actual);
  };
  return provider;
}

function featuresOf({ settings, clients }: ProviderParts): Configuration['features'] {
  const resource = (): string => resourceOf(settings());
  return {
    devInteractions: off,
    userinfo: off,
    claimsParameter: off,
    dPoP: off,
    introspection: off,
    pushedAuthorizationRequests: off,
    registration: off,
    requestObjects: off,
    rpInitiatedLogout: off,
    // Documents of known vendors are pinned among the clients; others are unknown ones.
    clientIdMetadataDocument: off,
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: resource,
      useGrantedResource: () => true,
      getResourceServerInfo(_ctx, identifier, client) {
        if (identifier !== resource()) throw new errors.InvalidTarget();
        return {
          scope: within(clients.ceiling(client.clientId), settings().scopesEnabled).join(' '),
          audience: identifier,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  };
}
const within = (scopes: readonly Scope[], bound: readonly Scope[]): Scope[] =>
  scopes.filter((scope) => bound.includes(scope));

/** In seconds. What belongs to a grant ends with it. */
function lifetimesOf({ settings, grants, wallMs }: ProviderParts): Configuration['ttl'] {
  const untilGrantEnds = (seconds: number, grantId: string | undefined): number => {
    const grant = grants.issuable(grantId ?? '');
    if (!grant.ok) return 1;
    return Math.max(1, Math.min(seconds, Math.floor((grant.value.expiresAtMs - wallMs()) / 1_000)));
  };
  return {
    AccessToken: (_ctx, token) => untilGrantEnds(settings().accessTtlSeconds, token.grantId),
    RefreshToken: (_ctx, token) => untilGrantEnds(settings().refreshTtlSeconds, token.grantId),
    AuthorizationCode: () => settings().codeTtlSeconds,
    Grant: GRANT_TTL_MAX_MS / 1_000,
    Interaction: INTERACTION_TTL_SECONDS,
    Session: INTERACTION_TTL_SECONDS,
  };
}

/** What the resource server looks up; and the last look before a token is signed, after all those before it. */
function grantClaims(
  token: { readonly grantId?: string | undefined; readonly scope?: string | undefined },
  { grants, epoch }: ProviderParts,
): { readonly gid: string; readonly ep: number } {
  const grant = grants.issuable(token.grantId ?? '');
  if (!grant.ok) throw new errors.InvalidGrant('the grant is over');
  const scopes = new Set<string>(grant.value.scopes);
  if ((token.scope ?? '').split(' ').some((scope) => scope !== '' && !scopes.has(scope)))
    throw new errors.InvalidGrant('more than was granted');
  return { gid: grant.value.grantId, ep: epoch() };
}

/** The machine's clock may be set back; ours never goes back, and it is ours that a token is checked by. */
function ourTime(jwt: { payload?: { [claim: string]: unknown } }, { wallMs }: ProviderParts): void {
  const { payload } = jwt;
  if (payload === undefined) return;
  const lifetime = Number(payload['exp']) - Number(payload['iat']);
  payload['iat'] = Math.floor(wallMs() / 1_000);
  payload['exp'] = Number(payload['iat']) + lifetime;
}

export type Context = KoaContextWithOIDC;
