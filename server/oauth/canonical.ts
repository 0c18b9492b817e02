/** A request as the authorization server's library is told it: under one origin, with known parameters, and nothing else of it. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Scope } from '#domain/principal.ts';
import { OAUTH_PATHS } from './discovery.ts';
import type { ProviderCall, ProviderEndpoint } from './parts.ts';

export interface Canon {
  readonly issuer: string;
  readonly resource: string;
  readonly scopesEnabled: readonly Scope[];
}

/** RFC 6749, 7636, 8707; and those of OpenID Connect that are answered with an error of their own. RFC 6749, 3.1: others are ignored. */
const AUTHORIZE_PARAMETERS = new Set([
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'resource',
  'response_mode',
  'prompt',
  'request',
  'request_uri',
  'registration',
]);
const PROMPTS = new Set(['none', 'login', 'consent']);

/**
 * The request that the library reads. Where it believes to be reached comes from headers, so it gets ours: whatever Host or
 * X-Forwarded-… a stranger sent ends here.
 */
export function canonicalRequest(call: ProviderCall, canon: Canon): IncomingMessage {
  const { kind } = call.endpoint;
  const isPost = kind === 'token' || kind === 'revoke';
  const body = isPost ? Buffer.from(canonicalBody(call, canon)) : Buffer.alloc(0);
  const { host, protocol } = new URL(canon.issuer);
  const { cookie, authorization, 'content-type': contentType } = call.headers;
  const request = new IncomingMessage(new Socket());
  request.method = isPost ? 'POST' : 'GET';
  request.url = pathOf(call.endpoint) + (kind === 'authorize' ? canonicalQuery(call.query, canon) : '');
  request.headers = {
    host,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.slice(0, -1),
    accept: isPost || kind === 'jwks' || isProgram(call.headers.accept) ? 'application/json' : 'text/html',
    ...(cookie === undefined || isPost ? {} : { cookie }),
    ...(isPost ? { 'content-length': String(body.length) } : {}),
    ...(isPost && authorization !== undefined ? { authorization } : {}),
    ...(isPost && contentType !== undefined ? { 'content-type': contentType } : {}),
  };
  request.push(body);
  request.push(null);
  request.complete = true;
  return request;
}

/** mcp-remote looks at the authorization address itself first, and registers anew when JSON says `invalid_client`. */
const isProgram = (accept = ''): boolean =>
  accept.includes('application/json') && !accept.includes('text/html');

/** The same for a page of ours: its cookie is all that counts. */
export function canonicalPage(
  { url, headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  issuer: string,
): IncomingMessage {
  const { host, protocol } = new URL(issuer);
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.url = url ?? '/';
  request.headers = {
    host,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.slice(0, -1),
    ...(headers.cookie === undefined ? {} : { cookie: headers.cookie }),
  };
  request.push(null);
  return request;
}

function pathOf(endpoint: ProviderEndpoint): string {
  switch (endpoint.kind) {
    case 'resume':
      return `${OAUTH_PATHS.authorize}/${encodeURIComponent(endpoint.uid)}`;
    case 'authorize':
    case 'token':
    case 'revoke':
    case 'jwks':
      return OAUTH_PATHS[endpoint.kind];
  }
}

/** With `?`; every value of a parameter that came more than once stays, because that is refused. */
function canonicalQuery(query: string, canon: Canon): string {
  const given = new URLSearchParams(query);
  const sent = new URLSearchParams();
  for (const [name, value] of given) {
    if (!AUTHORIZE_PARAMETERS.has(name) || name === 'scope') continue;
    const canonical = canonicalParameter(name, value, canon);
    if (canonical !== undefined) sent.append(name, canonical);
  }
  const scopes = given.getAll('scope');
  if (scopes.length > 1) for (const scope of scopes) sent.append('scope', scope);
  else sent.append('scope', canonicalScope(scopes[0] ?? '', canon));
  return `?${sent.toString()}`;
}

function canonicalParameter(name: string, value: string, canon: Canon): string | undefined {
  switch (name) {
    case 'resource':
      return canonicalResource(value, canon.resource);
    // The others would answer in a page that sends itself; this name is refused in the query.
    case 'response_mode':
      return value === 'query' ? value : 'unsupported';
    // Whoever asks for an account to be chosen is asked to sign in anyway.
    case 'prompt':
      return (
        value
          .split(' ')
          .filter((word) => PROMPTS.has(word))
          .join(' ') || undefined
      );
    default:
      return value;
  }
}

/** RFC 6749, 3.3: what is unknown is left out, and who asks for nothing known gets what there is. Consent shows each. */
function canonicalScope(given: string, { scopesEnabled }: Canon): string {
  const words = new Set(given.split(/[ +]+/));
  const known = scopesEnabled.filter((scope) => words.has(scope));
  return (known.length > 0 ? known : scopesEnabled).join(' ');
}

/** One slash at the end is what a URL library adds; an empty one is none. Another resource stays what it is, and is refused. */
function canonicalResource(given: string, resource: string): string | undefined {
  if (given === '') return undefined;
  const parsed = URL.parse(given);
  return parsed && (parsed.href === resource || parsed.href === `${resource}/`) ? resource : given;
}

/** A body that is no form stays as it is: saying what is wrong with it is the library's. */
function canonicalBody({ body, headers }: ProviderCall, canon: Canon): string {
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')) return body;
  const sent = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(body)) {
    const canonical = name === 'resource' ? canonicalResource(value, canon.resource) : value;
    if (canonical !== undefined) sent.append(name, canonical);
  }
  return sent.toString();
}

/** The one value of a parameter of a form; undefined when there is none or more than one. */
export function soleParameter(form: string, name: string): string | undefined {
  const values = new URLSearchParams(form).getAll(name);
  return values.length === 1 ? values[0] : undefined;
}
