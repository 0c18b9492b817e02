/** What a client says of itself when it registers: a handful of fields, each judged; everything else is dropped unread. */
import { z } from 'zod';
import { SCOPES, type Scope } from '#domain/principal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CLIENT_REDIRECTS_MAX, CLIENT_URI_LENGTH_MAX } from '#limits.ts';
import { clientName } from './client-choice.ts';
import type { ClientMetadata } from './records.ts';
import { checkRedirectUri, redirectHost } from './redirect-uri.ts';

/** RFC 7591, section 3.2.2, and two that it has no word for. */
export interface RegistrationError {
  readonly status: 400 | 429 | 503;
  readonly error:
    | 'invalid_redirect_uri'
    | 'invalid_client_metadata'
    | 'too_many_requests'
    | 'temporarily_unavailable';
  /** One sentence without a word of the caller's, in the characters of RFC 6749, section 5.2. */
  readonly description: string;
  readonly retryAfterSeconds?: number;
}

export interface Asked {
  readonly metadata: ClientMetadata;
  /** Empty: it named none that there is. */
  readonly scopes: readonly Scope[];
}

const AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post'] as const;

/** Some clients write null for what they leave out. */
const Words = z.array(z.string()).nullish();
/** Scopes, logos, keys, statements, ids and secrets that a client would choose for itself: none of them is taken. */
const Body = z.object({
  redirect_uris: z.array(z.string()).min(1).max(CLIENT_REDIRECTS_MAX),
  client_name: z.string().nullish(),
  client_uri: z.string().nullish(),
  // RFC 7591, section 2: what is meant when it is absent.
  token_endpoint_auth_method: z
    .enum(AUTH_METHODS)
    .nullish()
    .transform((given) => given ?? 'client_secret_basic'),
  grant_types: Words,
  response_types: Words,
  scope: z.string().nullish(),
});
type Field = keyof z.infer<typeof Body>;

const RULES: { readonly [of in Exclude<Field, 'redirect_uris'>]: string } = {
  client_name: 'client_name must be a text.',
  client_uri: 'client_uri must be a text.',
  token_endpoint_auth_method: `token_endpoint_auth_method must be one of ${AUTH_METHODS.join(', ')}.`,
  grant_types: 'grant_types must be a list of texts.',
  response_types: 'response_types must be a list of texts.',
  scope: 'scope must be a text.',
};

export interface RegistrationRules {
  /** Scopes that there are for remote clients; one that is not enabled is as good as unknown. */
  readonly enabled: readonly Scope[];
  /** Our own origin. */
  readonly issuer: string;
}

export function parseRegistration(
  body: unknown,
  { enabled, issuer }: RegistrationRules,
): Result<Asked, RegistrationError> {
  const parsed = Body.safeParse(body);
  if (!parsed.success) return err(malformed(parsed.error));
  const given = parsed.data;
  if (given.grant_types && !given.grant_types.includes('authorization_code'))
    return err(invalid('grant_types must include authorization_code; no other way to a token begins here.'));
  if (given.response_types && !given.response_types.includes('code'))
    return err(invalid('response_types must include code.'));
  const uris = [...new Set(given.redirect_uris)];
  for (const uri of uris) {
    const checked = checkRedirectUri(uri);
    if (!checked.ok) return err(invalidRedirect(`A redirect URI must ${checked.error}.`));
    // A code would come to a page of ours, beside which the owner is signed in.
    if (new URL(uri).origin === issuer)
      return err(invalidRedirect('A redirect URI must lead to the client, not to this gateway.'));
  }
  const words = given.scope?.split(' ') ?? [];
  const [first = ''] = uris;
  const name = clientName(given.client_name ?? '');
  const uri = webAddress(given.client_uri ?? '');
  return ok({
    metadata: {
      client_name: name === '' ? redirectHost(first) : name,
      redirect_uris: uris,
      token_endpoint_auth_method: given.token_endpoint_auth_method,
      ...(uri === undefined ? {} : { client_uri: uri }),
    },
    scopes: SCOPES.filter((scope) => words.includes(scope) && enabled.includes(scope)),
  });
}

/** For eyes alone: what is no plain address of a web site is left out. */
function webAddress(given: string): string | undefined {
  const parsed = given.length <= CLIENT_URI_LENGTH_MAX ? URL.parse(given) : null;
  if (parsed?.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '') return undefined;
  return parsed.href;
}

const invalid = (description: string): RegistrationError => ({
  status: 400,
  error: 'invalid_client_metadata',
  description,
});
const invalidRedirect = (description: string): RegistrationError => ({
  status: 400,
  error: 'invalid_redirect_uri',
  description,
});

/** Told by our own names of the fields: what was sent is nowhere in it. */
function malformed(error: z.ZodError): RegistrationError {
  const fields = error.issues.map(({ path: [field] }) => field);
  if (fields.includes(undefined)) return invalid('A registration is a JSON object; see RFC 7591, section 2.');
  if (fields.includes('redirect_uris'))
    return invalidRedirect(`redirect_uris must be a list of 1 to ${CLIENT_REDIRECTS_MAX} addresses.`);
  const rule = Object.entries(RULES).find(([field]) => fields.includes(field))?.[1];
  return invalid(rule ?? 'A field has a value of another kind than RFC 7591, section 2, gives it.');
}
